"""A log-linear classifier over words, pairs and pieces, fitted within a part of the time."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from holdfast.errors import ArgumentError, option
from holdfast.language.word_encoder import LENGTHS
from holdfast.language.words import cut_words, plain, shortened
from holdfast.training.budget import Budget

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MOST: Final = 200_000
"""Features that are kept, the most frequent first."""

MOST_WEIGHTS: Final = 1_200_000
"""Of all labels together: the more labels there are, the fewer features are kept."""

STRENGTHS: Final = (0.05, 0.2, 0.5)
"""Of the texts against the penalty on the weights; the one is taken that makes every fifth text
likelier after learning from the others. Four folds of the training texts, right labels: SST-2 80.5
and 80.8 % with the first two; TREC 85.8 and 86.2 with the last two. Words and pairs of neighbours
alone have at best 78.9 and 84.7, with pieces 80.2 and 85.1."""

USUAL: Final = 0.2
"""The strength where nothing can be tried."""

FEWEST: Final = 50
"""Texts below which the strongest penalty is taken."""

TRIED: Final = 10_000
"""Texts at most by which the strength is chosen."""

MEASURED: Final = 500
"""Texts whose fit is timed where there are four times as many."""

SHARE: Final = 0.2
"""Of the time that is left, for all fits together."""

ITERATIONS: Final = 100

_PIECE: Final = "\xb7"
_SHAPE: Final = "^"
"""Before a piece and a shape, so that they are no words: those are letters, or one sign."""


@dataclass(frozen=True, eq=False)
class LogLinear:
    """A log-linear classifier: words, pairs, pieces and shapes, each with a weight for every label.

        log p(k | text) = log softmax_k(bias_k + Σ_j weight_jk)    over the different j of the text

    `names` are those of the V features, weights (V, K), bias (K,).
    """

    names: tuple[str, ...]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    @classmethod
    def fitted(
        cls,
        texts: Sequence[str],
        labels: NDArray[np.int64],
        label_weights: NDArray[np.float64],
        strength: float,
        seconds: float = math.inf,
    ) -> LogLinear:
        """The weights that make the labels likely, near the log-count ratios of naive Bayes.

        `label_weights` (K,) say how much each label counts, `strength` is that of the texts against
        the penalty; after `seconds` the weights are taken as they are.

        Raises:
            ArgumentError: scipy is not installed.

        Source: Wang and Manning (2012), "Baselines and bigrams", with logistic loss in place of
        the SVM's; every label against the others.
        """
        try:
            from scipy.optimize import minimize
        except ImportError as error:
            raise ArgumentError(
                "Words beside the networks need the package scipy: pip install 'holdfast[text]'; "
                f"or leave them out with {option('blend', False)}."
            ) from error
        most = min(MOST, max(MOST_WEIGHTS // len(label_weights), 1))
        names, matrix = _counted((features(text) for text in texts), most)
        right = np.eye(len(label_weights))[labels]
        each = label_weights[labels][:, None]
        ratio = _log_count_ratios(matrix, right)
        cut = ratio.size

        def surprise(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            """In nats, with the penalty; and its gradient."""
            inner = flat[:cut].reshape(ratio.shape)
            scores = matrix @ (ratio * inner) + flat[cut:]
            scores -= scores.max(axis=1, keepdims=True)
            logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
            wrong = each * (np.exp(logs) - right)
            slope = ratio * (matrix.T @ wrong) + inner / strength
            total = -(each * right * logs).sum() + np.square(inner).sum() / (2.0 * strength)
            return float(total), np.concatenate([slope.ravel(), wrong.sum(axis=0)])

        begin = time.perf_counter()

        def watch(_: NDArray[np.float64]) -> None:
            if time.perf_counter() - begin > seconds:
                raise StopIteration

        start, limit = np.zeros(cut + len(label_weights)), {"maxiter": ITERATIONS}
        best = minimize(
            surprise, start, jac=True, method="L-BFGS-B", callback=watch, options=limit
        ).x
        weights = (ratio * best[:cut].reshape(ratio.shape)).astype(np.float32)
        return cls(names, weights, best[cut:].astype(np.float32))

    def log_probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(N, K) of the labels of texts."""
        if not texts:
            return np.zeros((0, len(self.bias)))
        ids, offsets = self._places(texts)
        weights = torch.from_numpy(self.weights.astype(np.float64))
        scores = F.embedding_bag(ids, weights, offsets, mode="sum") + torch.from_numpy(
            self.bias.astype(np.float64)
        )
        return np.asarray(F.log_softmax(scores, dim=-1).numpy())

    def _places(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """The numbers of all features, one text after the other, and where each text begins."""
        known = self._numbers
        rows = [[known[name] for name in features(text) if name in known] for text in texts]
        offsets = np.cumsum([0, *(len(row) for row in rows[:-1])])
        flat = [place for row in rows for place in row]
        return torch.tensor(flat, dtype=torch.long), torch.from_numpy(offsets.astype(np.int64))

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.names)}


def features(text: str) -> list[str]:
    """What a text has, each once.

    Its words; pairs of neighbours, the text's ends among them; pairs with one word between, as two
    blanks; pieces of three and four letters; and the shapes of its words, alone, in pairs, and
    behind the word before.

    Example:
        >>> features("So")
        ['so', ' so', 'so ', '  ', '·<so', '·so>', '·<so>', '^Aa', '^ Aa', '^Aa ']
    """
    cut = shortened(cut_words(text))
    words, shapes = [plain(word) for word in cut], [shape(word) for word in cut]
    ends, kinds = ["", *words, ""], ["", *shapes, ""]
    found = [*words, *(f"{one} {two}" for one, two in pairwise(ends))]
    found += [f"{one}  {two}" for one, two in zip(ends, ends[2:], strict=False)]
    for word in dict.fromkeys(words):
        found += _pieces(word)
    found += [_SHAPE + kind for kind in shapes]
    found += [f"{_SHAPE}{one} {two}" for one, two in pairwise(kinds)]
    found += [f"{_SHAPE}{one} {two}" for one, two in zip(words, shapes[1:], strict=False)]
    return list(dict.fromkeys(found))


def shape(word: str) -> str:
    """Whether a word has capitals or begins with a digit ("AA", "Aa", "aa", "00"), or its sign."""
    if word.isupper() and len(word) > 1:
        return "AA"
    first = word[:1]
    if first.isdigit():
        return "00"
    return "Aa" if first.isupper() else "aa" if first.isalpha() else first


def _pieces(word: str) -> list[str]:
    whole = f"<{word}>"
    return [
        _PIECE + whole[begin : begin + length]
        for length in LENGTHS
        for begin in range(len(whole) - length + 1)
    ]


def _counted(texts: Iterable[Sequence[str]], most: int) -> tuple[tuple[str, ...], csr_matrix]:
    """The most frequent features, and (N, V) which of them each text has."""
    from scipy.sparse import csr_matrix

    known: dict[str, int] = {}
    rows = [
        np.fromiter((known.setdefault(name, len(known)) for name in one), np.int64) for one in texts
    ]
    flat = np.concatenate(rows)
    often = np.bincount(flat, minlength=len(known))
    kept = np.argsort(-often, kind="stable")[:most]
    names = np.array(list(known), dtype=object)[kept]
    offsets = np.cumsum([0, *map(len, rows)])
    matrix = csr_matrix((np.ones(len(flat)), flat, offsets), shape=(len(rows), len(known)))
    return tuple(names.tolist()), matrix[:, kept]


def _log_count_ratios(matrix: csr_matrix, right: NDArray[np.float64]) -> NDArray[np.float64]:
    """(V, K) log of how much more often a feature occurs in a label's texts than in the others'."""
    counts = 1.0 + matrix.T @ right
    others = counts.sum(axis=1, keepdims=True) - counts
    ratios = np.log(counts / counts.sum(axis=0)) - np.log(others / others.sum(axis=0))
    return np.asarray(ratios, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class LogLinearFit:
    """Fits log-linear models with one penalty, on `most` texts at most and in so many seconds."""

    strength: float
    most: float = math.inf
    seconds: float = math.inf

    @classmethod
    def chosen(
        cls,
        texts: Sequence[str],
        labels: NDArray[np.int64],
        label_weights: NDArray[np.float64],
        clock: Budget,
    ) -> LogLinearFit:
        """What suits held-out texts, as far as the time allows."""
        count = len(texts)
        if count < FEWEST:
            return cls(STRENGTHS[0])
        seconds = SHARE * clock.remaining()
        single = seconds / (len(STRENGTHS) + 2)
        if clock.seconds is not None and count >= 4 * MEASURED:
            each = _seconds_a_text(texts, labels, label_weights)
            tried = len(STRENGTHS) * 0.8 * min(count, TRIED)
            if (tried + 2 * count) * each > seconds:
                return cls(USUAL, max(int(seconds / (2 * each)), MEASURED), seconds / 2)
        return cls(suited_strength(texts, labels, label_weights, single), seconds=single)

    def fit(
        self, texts: Sequence[str], labels: NDArray[np.int64], label_weights: NDArray[np.float64]
    ) -> LogLinear:
        """A model of texts like those by which it was chosen."""
        rows = _spread(len(texts), self.most)
        return LogLinear.fitted(
            [texts[row] for row in rows], labels[rows], label_weights, self.strength, self.seconds
        )


def suited_strength(
    texts: Sequence[str],
    labels: NDArray[np.int64],
    label_weights: NDArray[np.float64],
    seconds: float = math.inf,
) -> float:
    """The one of `STRENGTHS` that suits held-out texts."""
    rows = _spread(len(texts), TRIED)
    held = np.arange(len(rows)) % 5 == 4
    learnt, held_out = rows[~held], rows[held]
    likely: dict[float, float] = {}
    for strength in STRENGTHS:
        model = LogLinear.fitted(
            [texts[row] for row in learnt], labels[learnt], label_weights, strength, seconds
        )
        logs = model.log_probabilities([texts[row] for row in held_out])
        truth = labels[held_out]
        each = logs[np.arange(len(held_out)), truth] * label_weights[truth]
        likely[strength] = float(each.mean())
    return max(likely, key=lambda one: likely[one])


def _seconds_a_text(
    texts: Sequence[str], labels: NDArray[np.int64], label_weights: NDArray[np.float64]
) -> float:
    for most in (FEWEST, MEASURED):  # the first loads what a fit needs
        rows = _spread(len(texts), most)
        begin = time.perf_counter()
        LogLinear.fitted([texts[row] for row in rows], labels[rows], label_weights, USUAL)
    return (time.perf_counter() - begin) / len(rows)


def _spread(count: int, most: float) -> NDArray[np.int64]:
    """At most so many rows, evenly spread."""
    return np.unique(np.linspace(0, count - 1, int(min(count, most))).round().astype(np.int64))
