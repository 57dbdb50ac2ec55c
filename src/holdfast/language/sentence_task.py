"""Batches of sentences for the training loop, every sentence once a pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.language.word_encoder import WordTensors
from holdfast.language.words import WordVocabulary, batched, epoch_batches, unspelt
from holdfast.training.seed import generator


@dataclass(frozen=True, eq=False)
class SentenceBatch:
    """What one update reads.

    Arguments:
        rows: (B,) which sentences.
        words: their words.
    """

    rows: NDArray[np.int64]
    words: WordTensors


class SentenceBatches:
    """Which sentences each update reads: a pure function of the step and the seed.

    Arguments:
        lengths: (N,) words of each sentence, at least one.
        size: sentences of a batch.
        padded: makes the tensors of some sentences.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        size: int,
        padded: Callable[[Sequence[int]], WordTensors],
    ) -> None:
        self.size = size
        self._padded = padded
        self._lengths = np.array(lengths, dtype=np.int64)
        self.a_pass = len(epoch_batches(self._lengths, size, np.random.default_rng(0)))
        """Updates of one pass over all sentences."""
        self._order: tuple[tuple[int, int], list[NDArray[np.int64]]] | None = None

    @classmethod
    def of_words(
        cls, vocabulary: WordVocabulary, sentences: Sequence[Sequence[str]], size: int
    ) -> SentenceBatches:
        """Batches of words, numbered and spelt by a vocabulary."""
        return cls(
            [len(sentence) for sentence in sentences],
            size,
            lambda rows: WordTensors.of(batched(vocabulary, [sentences[row] for row in rows])),
        )

    @classmethod
    def of_numbers(cls, numbers: Sequence[NDArray[np.int64]], size: int) -> SentenceBatches:
        """Batches of what is numbered already and is not spelt."""
        return cls(
            [len(one) for one in numbers],
            size,
            lambda rows: WordTensors.of(unspelt([numbers[row] for row in rows])),
        )

    def __len__(self) -> int:
        """Sentences of a pass."""
        return len(self._lengths)

    def at(self, step: int, seed: int) -> SentenceBatch:
        """The sentences of update `step`, counted from 1."""
        epoch, place = divmod(step - 1, self.a_pass)
        if self._order is None or self._order[0] != (epoch, seed):
            random = generator(seed, "sentences", epoch)
            self._order = ((epoch, seed), epoch_batches(self._lengths, self.size, random))
        rows = self._order[1][place]
        return SentenceBatch(rows, self.tensors(rows))

    def tensors(self, rows: Sequence[int] | NDArray[np.int64]) -> WordTensors:
        """Some sentences, padded."""
        return self._padded([int(row) for row in rows])

    def in_order(self, size: int = 64) -> list[NDArray[np.int64]]:
        """All sentences in batches of alike length, in an order that does not change."""
        order = np.argsort(self._lengths, kind="stable")
        return [order[begin : begin + size] for begin in range(0, len(order), size)]
