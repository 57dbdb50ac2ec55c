"""Words as numbers, and their letters: what classifiers and taggers read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from holdfast.errors import ModelError

PADDING, UNKNOWN = 0, 1
"""The numbers of nothing and of what the vocabulary has not."""

LONGEST = 1_000
"""Words of a text that are read: of a longer one the first and the last half of them."""

LETTERS = 20
"""Letters of a word that are read: the first and the last half of them of a longer one."""


@dataclass(frozen=True, eq=False)
class WordVocabulary:
    """The words and the letters that a network knows, with the numbers 2, 3, … each.

    Words are looked up in small letters, every digit as 0; letters keep their case.
    """

    words: tuple[str, ...]
    letters: tuple[str, ...]

    @classmethod
    def counted(cls, sentences: Iterable[Sequence[str]]) -> WordVocabulary:
        """The words that occur twice or more, and every letter, the most frequent first."""
        words: Counter[str] = Counter()
        letters: Counter[str] = Counter()
        for sentence in sentences:
            for word in sentence:
                words[plain(word)] += 1
                letters.update(word)
        kept = tuple(word for word, count in words.most_common() if count >= 2)
        return cls(kept, tuple(letter for letter, _ in letters.most_common(2_000)))

    def numbers(self, words: Sequence[str]) -> NDArray[np.int64]:
        """(T,) the numbers of some words."""
        table = self._word_numbers
        return np.array([table.get(plain(word), UNKNOWN) for word in words], dtype=np.int64)

    def spelt(self, word: str) -> NDArray[np.int64]:
        """The numbers of a word's letters, at most `LETTERS`."""
        if len(word) > LETTERS:
            word = word[: LETTERS // 2] + word[-(LETTERS // 2) :]
        table = self._letter_numbers
        return np.array([table.get(letter, UNKNOWN) for letter in word], dtype=np.int64)

    def to_json(self) -> dict[str, object]:
        """The fields, ready for JSON."""
        return {"words": list(self.words), "letters": list(self.letters)}

    @classmethod
    def from_json(cls, described: object) -> WordVocabulary:
        """A vocabulary from what `to_json` wrote; untrusted, a ModelError says what is wrong."""
        if not isinstance(described, dict) or set(described) != {"words", "letters"}:
            raise ModelError("its vocabulary has missing or unknown fields")
        parts = []
        for name in ("words", "letters"):
            texts = described[name]
            if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
                raise ModelError(f"its {name} are damaged")
            if len(set(texts)) < len(texts):
                raise ModelError(f"its {name} repeat")
            parts.append(tuple(texts))
        return cls(parts[0], parts[1])

    def check(self, words: int, letters: int) -> None:
        """Refuse a design for another vocabulary."""
        if (len(self.words) + 2, len(self.letters) + 2) != (words, letters):
            raise ModelError("its vocabulary is not that of its design")

    @cached_property
    def _word_numbers(self) -> dict[str, int]:
        return {word: place + 2 for place, word in enumerate(self.words)}

    @cached_property
    def _letter_numbers(self) -> dict[str, int]:
        return {letter: place + 2 for place, letter in enumerate(self.letters)}


def plain(word: str) -> str:
    """A word as it is looked up: "B52s" as "b00s"."""
    return "".join("0" if letter.isdigit() else letter for letter in word.lower())


@dataclass(frozen=True, eq=False)
class WordBatch:
    """Some sentences, padded.

    Arguments:
        words: (T, B) numbers of the words, with `lengths` (B,) of the sentences.
        spelling: (C, W) letters of the W different words, `spelling_lengths` (W,) of each.
        places: (T, B) which of the W words stands where.
    """

    words: Tensor
    lengths: Tensor
    spelling: Tensor
    spelling_lengths: Tensor
    places: Tensor


def word_batch(vocabulary: WordVocabulary, sentences: Sequence[Sequence[str]]) -> WordBatch:
    """Sentences of words as a batch; every word is spelt once, however often it occurs."""
    different: dict[str, int] = {}
    places = [
        np.array([different.setdefault(word, len(different)) for word in sentence], dtype=np.int64)
        for sentence in sentences
    ]
    words, lengths = padded([vocabulary.numbers(sentence) for sentence in sentences])
    spelling, letters = padded([vocabulary.spelt(word) for word in different])
    return WordBatch(words, lengths, spelling, letters.clamp(min=1), padded(places)[0])


def number_batch(sentences: Sequence[NDArray[np.int64]]) -> WordBatch:
    """Sentences of numbers as a batch without letters."""
    words, lengths = padded(sentences)
    nothing = torch.zeros(0, dtype=torch.long)
    return WordBatch(words, lengths, nothing[None], nothing, nothing[None])


def padded(rows: Sequence[NDArray[np.int64]]) -> tuple[Tensor, Tensor]:
    """(T, B) numbers, T at least 1, and (B,) how many there are of each row."""
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    table = np.full((max(int(lengths.max()), 1), len(rows)), PADDING, dtype=np.int64)
    for column, row in enumerate(rows):
        table[: len(row), column] = row
    return torch.from_numpy(table), torch.from_numpy(lengths)


def epoch_batches(
    lengths: NDArray[np.int64], size: int, random: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Indices of one pass over sentences of these lengths, in batches of alike length, shuffled."""
    order = random.permutation(len(lengths))
    batches = []
    for begin in range(0, len(order), 50 * size):
        chunk = order[begin : begin + 50 * size]
        chunk = chunk[np.argsort(lengths[chunk], kind="stable")]
        batches += [chunk[first : first + size] for first in range(0, len(chunk), size)]
    return [batches[place] for place in random.permutation(len(batches))]


_WORDS = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")


def cut_words(text: str) -> list[str]:
    """The words of a text, and each mark alone, "isn't" being one word; at least one."""
    return _WORDS.findall(text) or [""]


def shortened(words: list[str]) -> list[str]:
    """The first and the last half of a long text."""
    if len(words) <= LONGEST:
        return words
    return words[: LONGEST // 2] + words[-(LONGEST // 2) :]


def word_places(text: str) -> list[tuple[int, int]]:
    """Where each word of `cut_words` begins and ends."""
    return [found.span() for found in _WORDS.finditer(text)]
