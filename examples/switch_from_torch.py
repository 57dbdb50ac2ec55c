"""Swap torch's recurrent layers inside a model for ours: same weights, same outputs."""

from __future__ import annotations

import torch

from holdfast.nn import convert


class Reader(torch.nn.Module):
    """A model written for torch."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(4, 32, num_layers=2, batch_first=True)
        self.head = torch.nn.Linear(32, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 1) from (B, T, 4)."""
        output, _ = self.lstm(x)
        return self.head(output[:, -1])


model = Reader()
x = torch.randn(3, 50, 4)
before = model(x)
model = convert(model)
print(type(model.lstm).__module__, "equal outputs:", torch.equal(before, model(x)))

# What torch's layer lacks: the lengths of padded sequences, given where they are used.
output, (h, _) = model.lstm(x, lengths=[50, 20, 7])
print("state of row 2 is the one after its own 7 steps:", torch.equal(output[2, 6], h[-1, 2]))
