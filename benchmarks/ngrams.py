"""n-grams with modified Kneser-Ney smoothing, the yardstick beside language models.

    python -m benchmarks.ngrams --data ../shared/data

Tiny Shakespeare by characters (the last tenth held out), orders 5 to 8; WikiText-2 by words of its
closed vocabulary, order 5, counted on its training part and scored on its test part. The text is
one stream, line breaks are tokens, as for the language models. One thread.

Source: Chen and Goodman (1999), "An empirical study of smoothing techniques for language modeling",
section 3 (interpolated, three discounts for each order).
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Reals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Order:
    """The k-grams of a text.

    Arguments:
        keys: (N,) ascending: the number of a k-gram's first k − 1 tokens times V, plus its last.
        discounted: (N,) counts less their discount.
        sums: (M,) the counts after each (k − 1)-gram.
        left: (M,) what the discounts have freed of them, as a share.
    """

    keys: Ids
    discounted: Reals
    sums: Reals
    left: Reals


class KneserNey:
    """Interpolated, modified Kneser-Ney: each order's discounted counts and what they leave to the
    next lower one, which counts in how many contexts a token was seen and not how often.

    Arguments:
        ids: (N,) tokens of the text, each below `vocabulary`.
        vocabulary: V.
        order: n.
    """

    def __init__(self, ids: Ids, vocabulary: int, order: int) -> None:
        self.vocabulary, self.order = vocabulary, order
        ids = np.asarray(ids, dtype=np.int64)
        grams = [
            np.zeros(len(ids) + 1, np.int64)
        ]  # the number of the k-gram that ends at each place
        keys, counts = [], []
        for k in range(1, order + 1):
            key = grams[-1][:-1] * vocabulary + ids[k - 1 :]
            unique, first, number, count = np.unique(
                key, return_index=True, return_inverse=True, return_counts=True
            )
            if k > 1:  # in how many contexts each shorter one was seen
                counts[-1] = np.bincount(grams[-1][1:][first], minlength=len(keys[-1]))
            keys.append(unique)
            counts.append(count)
            grams.append(number)
        sizes = [1, *map(len, keys[:-1])]
        self.orders = [
            _order(key, count.astype(np.float64), size, vocabulary)
            for key, count, size in zip(keys, counts, sizes, strict=True)
        ]

    def surprises(self, ids: Ids) -> Reals:
        """(N − n + 1,) nats of each token that has n − 1 before it."""
        ids = np.asarray(ids, dtype=np.int64)
        chance = np.full(len(ids), 1.0 / self.vocabulary)
        context = np.zeros(len(ids), np.int64)  # of each token; −1 where it was never seen
        for k, order in enumerate(self.orders, start=1):
            key = context * self.vocabulary + ids
            place = np.minimum(order.keys.searchsorted(key), len(order.keys) - 1)
            seen = (order.keys[place] == key) & (context >= 0)
            known = (context >= 0) & (order.sums[context] > 0)
            mine = np.where(seen, order.discounted[place], 0.0) / np.where(
                known, order.sums[context], 1.0
            )
            chance = np.where(known, mine + order.left[context] * chance, chance)
            if k < self.order:
                context = np.concatenate([[-1], np.where(seen, place, -1)[:-1]])
        return -np.log(chance[self.order - 1 :])

    def probabilities(self, context: Ids) -> Reals:
        """(V,) of the token after some tokens, of which the last n − 1 count."""
        chance = np.full(self.vocabulary, 1.0 / self.vocabulary)
        for k, order in enumerate(self.orders, start=1):
            number = self._number(np.asarray(context)[len(context) - k + 1 :]) if k > 1 else 0
            if len(context) < k - 1 or number < 0 or not order.sums[number] > 0:
                break  # longer contexts end with this one, and were not seen either
            begin = number * self.vocabulary
            low, high = order.keys.searchsorted([begin, begin + self.vocabulary])
            chance *= order.left[number]
            chance[order.keys[low:high] - begin] += order.discounted[low:high] / order.sums[number]
        return chance

    def _number(self, tokens: Ids) -> int:
        """The number of a k-gram; −1 where it was never seen."""
        number = 0
        for order, token in zip(self.orders, tokens.tolist(), strict=False):
            key = number * self.vocabulary + token
            number = int(order.keys.searchsorted(key))
            if number == len(order.keys) or order.keys[number] != key:
                return -1
        return number


def _order(keys: Ids, counts: Reals, contexts: int, vocabulary: int) -> Order:
    often = [max(int((counts == n).sum()), 1) for n in (1, 2, 3, 4)]
    share = often[0] / (often[0] + 2.0 * often[1])
    discounts = [0.0]
    for n in (1, 2, 3):  # Chen and Goodman's equation 26; within what is there
        discounts.append(min(max(n - (n + 1) * share * often[n] / often[n - 1], 0.0), float(n)))
    taken = np.minimum(np.array(discounts)[np.minimum(counts, 3).astype(np.int64)], counts)
    context = keys // vocabulary
    sums = np.bincount(context, counts, minlength=contexts)
    freed = np.bincount(context, taken, minlength=contexts)
    left = np.divide(freed, sums, out=np.ones_like(sums), where=sums > 0)
    return Order(keys, counts - taken, sums, left)


def main() -> None:
    from benchmarks.ledger import append
    from holdfast.language.corpus import prepare

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of shared data")
    options = parser.parse_args()
    shakespeare = options.data / "tiny-shakespeare" / "input.txt"
    wiki = options.data / "wikitext-2"
    if not shakespeare.is_file() or not wiki.is_dir():
        sys.exit(f"{options.data} has not both texts; --data names the folder of shared data.")

    def measure(text: str, part: str, train: Ids, scored: Ids, size: int, order: int) -> None:
        begin = time.process_time()
        made = KneserNey(train, size, order)
        # Every token of the held-out text is scored: it goes on after the end of the other.
        nats = float(made.surprises(np.concatenate([train[-order + 1 :], scored])).mean())
        row: dict[str, object] = {
            "text": text,
            "part": part,
            "order": order,
            "vocabulary": size,
            "nats": round(nats, 4),
            "bits": round(nats / math.log(2.0), 4),
            "perplexity": round(math.exp(nats), 2),
            "cpu seconds": round(time.process_time() - begin, 1),
        }
        print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
        append("language_ngrams", row)

    with tempfile.TemporaryDirectory() as folder:
        corpus = prepare([shakespeare], "char", folder)
        train, held = (np.array(part, np.int64) for part in (corpus.training, corpus.validation))
        for order in (5, 6, 7, 8):
            measure("shakespeare", "last tenth", train, held, corpus.tokenizer.size, order)
    with tempfile.TemporaryDirectory() as folder:
        files = [wiki / f"wiki.{part}.tokens" for part in ("train", "valid", "test")]
        corpus = prepare(files[:1], "word", folder, validation=files[1:2])
        train, held = (np.array(part, np.int64) for part in (corpus.training, corpus.validation))
        test = corpus.tokenizer.encode(files[2].read_text(encoding="utf-8"))
        for part, scored in (("validation", held), ("test", test)):
            measure("wikitext-2", part, train, scored, corpus.tokenizer.size, 5)


if __name__ == "__main__":
    main()
