"""What the training loop is given to learn: tagged sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.language.sentence_task import SentenceBatch, SentenceBatches
from holdfast.language.tag.model import TaggerNetwork
from holdfast.language.tag.sentences import Sentence
from holdfast.language.word_encoder import EncoderDesign
from holdfast.language.words import WordVocabulary
from holdfast.training.seed import seeded, torch_seed


class TaggingTask:
    """Learning the tags of sentences.

    Arguments:
        design: of the network.
        vocabulary: of the words.
        tags: their names; every tag of the sentences is among them.
        sentences: tagged, to learn from.
        held_out: tagged, to choose the weights by; none for no choice.
        size: sentences of a batch.
        seed: of the initial weights.
    """

    def __init__(
        self,
        design: EncoderDesign,
        vocabulary: WordVocabulary,
        tags: tuple[str, ...],
        sentences: Sequence[Sentence],
        held_out: Sequence[Sentence],
        size: int,
        seed: int,
    ) -> None:
        self._numbers = {tag: number for number, tag in enumerate(tags)}
        self._tags = [self._numbered(sentence) for sentence in sentences]
        self._held_tags = [self._numbered(sentence) for sentence in held_out]
        self._words = [one.words for one in sentences]
        self.batches = SentenceBatches.of_words(vocabulary, self._words, size)
        self._held = (
            SentenceBatches.of_words(vocabulary, [one.words for one in held_out], size)
            if held_out
            else None
        )
        with seeded(torch_seed(seed, "initial weights"), torch.device("cpu")):
            self._module = TaggerNetwork(design, tags)

    @property
    def module(self) -> TaggerNetwork:
        """The network in training."""
        return self._module

    def batch(self, step: int, seed: int) -> SentenceBatch:
        """The sentences of update `step`."""
        return self.batches.at(step, seed)

    def losses(self, module: nn.Module, batch: SentenceBatch) -> Tensor:
        """(B,) nats a word of each sentence."""
        assert isinstance(module, TaggerNetwork)
        return module.losses(batch.words, _padded([self._tags[row] for row in batch.rows]))

    def names(self, batch: SentenceBatch, rows: Sequence[int]) -> Sequence[str]:
        """The beginnings of some sentences."""
        chosen = [self._words[batch.rows[row]] for row in rows]
        return [f"the sentence {' '.join(words[:6])!r}" for words in chosen]

    def validate(self, module: nn.Module) -> float | None:
        """Share of held-out words whose tag is wrong."""
        assert isinstance(module, TaggerNetwork)
        if self._held is None:
            return None
        wrong = count = 0
        for rows in self._held.in_order():
            made = module.best(self._held.tensors(rows)).numpy()
            for column, row in enumerate(rows):
                truth = self._held_tags[row]
                wrong += int((made[: len(truth), column] != truth).sum())
                count += len(truth)
        return wrong / count

    def _numbered(self, sentence: Sentence) -> NDArray[np.int64]:
        assert sentence.tags is not None
        return np.array([self._numbers[tag] for tag in sentence.tags], dtype=np.int64)


def _padded(tags: Sequence[NDArray[np.int64]]) -> Tensor:
    rows = np.zeros((max(len(one) for one in tags), len(tags)), dtype=np.int64)
    for column, one in enumerate(tags):
        rows[: len(one), column] = one
    return torch.from_numpy(rows)
