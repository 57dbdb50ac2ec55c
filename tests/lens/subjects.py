"""Small models for the tests of the lens."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from holdfast.nn import LSTM


class Reader(nn.Module):
    """Embeds tokens, reads them batch first with torch's own LSTM, and labels the sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 5)
        self.memory = nn.LSTM(5, 6, num_layers=2, batch_first=True, dropout=0.3)
        self.norm = nn.BatchNorm1d(6)
        self.head = nn.Linear(6, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        states, _ = self.memory(self.embedding(tokens))
        labels: Tensor = self.head(self.norm(states[:, -1]))
        return labels


class Delayed(nn.Module):
    """A linear memory by hand: predicts from the sum of the last `reach` inputs, knows no more.

    It offers `Inspectable`; its targets are those sums, and its layer only stands by.
    """

    def __init__(self, reach: int) -> None:
        super().__init__()
        self.reach = reach
        self.layer = LSTM(1, 2)
        self.loss_unit = "squared error"

    def recurrent_layers(self) -> dict[str, nn.Module]:
        return {"layer": self.layer}

    def encode(self, examples: Tensor) -> Tensor:
        return examples.to(self.layer.weight_ih_l0.dtype)

    def loss_by_position(self, examples: Tensor, encoded: Tensor | None = None) -> Tensor:
        truth = self._sums(self.encode(examples))
        read = self.encode(examples) if encoded is None else encoded
        self.layer(read)
        loss = (self._sums(read) - truth).square() + 0.1
        return torch.where(torch.arange(len(loss))[:, None] >= self.reach, loss, torch.nan)

    def _sums(self, x: Tensor) -> Tensor:
        total = x[..., 0].cumsum(dim=0)
        return total - nn.functional.pad(total, (0, 0, self.reach, 0))[: len(total)]
