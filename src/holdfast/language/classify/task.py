"""What the training loop is given to learn: labelled texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.language.classify.readers import Reader
from holdfast.language.sentence_task import SentenceBatch
from holdfast.training.seed import seeded, torch_seed

SMOOTHING = 0.1
"""Of the labels, so that nothing is ever said to be certain (Szegedy et al. 2016)."""


class ClassifyingTask:
    """Learning the labels of texts.

    Arguments:
        make: a fresh network.
        reader: how it reads.
        texts, labels: to learn from, and the numbers of their labels.
        held_texts, held_labels: to choose the weights by; none for no choice.
        weights: (K,) how much each label counts.
        size: texts of a batch.
        seed: of the initial weights.
    """

    def __init__(
        self,
        make: Callable[[], nn.Module],
        reader: Reader,
        texts: Sequence[str],
        labels: NDArray[np.int64],
        held_texts: Sequence[str],
        held_labels: NDArray[np.int64],
        weights: NDArray[np.float64],
        size: int,
        seed: int,
    ) -> None:
        self._texts = texts
        self._labels = torch.from_numpy(labels)
        self._held_labels = torch.from_numpy(held_labels)
        self._weights = torch.from_numpy(weights.astype(np.float32))
        self.batches = reader.batches(texts, size)
        self._held = reader.batches(held_texts, size) if held_texts else None
        with seeded(torch_seed(seed, "initial weights"), torch.device("cpu")):
            self._module = make()

    @property
    def module(self) -> nn.Module:
        """The network in training."""
        return self._module

    def batch(self, step: int, seed: int) -> SentenceBatch:
        """The texts of update `step`."""
        return self.batches.at(step, seed)

    def losses(self, module: nn.Module, batch: SentenceBatch) -> Tensor:
        """(B,) surprise of each text's label in nats, times the label's weight."""
        labels = self._labels[torch.from_numpy(batch.rows)]
        surprise = F.cross_entropy(
            module(batch.words), labels, reduction="none", label_smoothing=SMOOTHING
        )
        return surprise * self._weights[labels]

    def names(self, batch: SentenceBatch, rows: Sequence[int]) -> Sequence[str]:
        """The beginnings of some texts."""
        return [f"the text {self._texts[batch.rows[row]][:40]!r}" for row in rows]

    def validate(self, module: nn.Module) -> float | None:
        """Mean surprise of the held-out labels in nats."""
        if self._held is None:
            return None
        total = 0.0
        for rows in self._held.in_order():
            scores = module(self._held.tensors(rows))
            labels = self._held_labels[torch.from_numpy(rows)]
            total += float(F.cross_entropy(scores, labels, reduction="sum"))
        return total / len(self._held_labels)
