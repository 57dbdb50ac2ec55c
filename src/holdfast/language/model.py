"""The language model: embedding, recurrent layers, and a probability for every token."""

from __future__ import annotations

from typing import Final, TypeAlias

import torch.nn.functional as F
from torch import Tensor, nn

from holdfast.language.design import LanguageDesign
from holdfast.language.sampled import sampled_losses
from holdfast.nn import LSTM

States: TypeAlias = tuple[tuple[Tensor, Tensor], ...]
"""h and c of each layer, (1, B, H)."""


TIMESCALE: Final = 10.0
"""Steps of the slowest unit of a fresh network.

Text is mostly predicted from the last few tokens, and a slow unit starts with an input gate that is
nearly closed. Tiny Shakespeare after 1,200 updates, learning rate 0.003, one run each: 1.688 nats
with 96, the window; 1.631 with 10; 1.617 with 5; 1.630 with torch's weights and a forget bias of 1.
"""


class LanguageNetwork(nn.Module):
    """Reads tokens and says how probable each token is to come next.

    Arguments:
        design: its sizes.

    Example:
        >>> import torch
        >>> network = LanguageNetwork(LanguageDesign(vocabulary=10, embedding=4, hidden=8))
        >>> states, _ = network(torch.zeros(5, 2, dtype=torch.long))
        >>> network.losses(states, torch.ones(5, 2, dtype=torch.long)).shape
        torch.Size([5, 2])
    """

    def __init__(self, design: LanguageDesign) -> None:
        super().__init__()
        self.design = design
        self.embedding = nn.Embedding(design.vocabulary, design.embedding)
        nn.init.normal_(self.embedding.weight, std=design.embedding**-0.5)
        self.layers = nn.ModuleList(
            LSTM(inputs, units, timescale=TIMESCALE, weight_drop=design.weight_drop)
            for inputs, units in design.sizes()
        )
        self.norm = nn.LayerNorm(design.output)
        self.head: nn.Linear | nn.AdaptiveLogSoftmaxWithLoss
        if design.cutoffs:
            self.head = nn.AdaptiveLogSoftmaxWithLoss(
                design.output, design.vocabulary, list(design.cutoffs), head_bias=True
            )
        else:
            self.head = nn.Linear(design.output, design.vocabulary)
            nn.init.zeros_(self.head.bias)
            if design.tied:
                self.head.weight = self.embedding.weight

    def forward(self, ids: Tensor, states: States | None = None) -> tuple[Tensor, States]:
        """Read tokens (T, B) after `states`, zeros by default.

        Returns:
            The last layer's states (T, B, H), and what the next tokens are read after.
        """
        design = self.design
        x = self._dropped(self._embedded(ids), design.input_dropout)
        after = []
        for place, layer in enumerate(self.layers):
            x, state = layer(x, None if states is None else states[place])
            after.append(state)
            if place + 1 < len(self.layers):
                x = self._dropped(x, design.hidden_dropout)
        return x, tuple(after)

    def losses(self, states: Tensor, targets: Tensor) -> Tensor:
        """(T, B) how surprising each target (T, B) was after the states (T, B, H), in nats."""
        read = self._read_out(states)
        if isinstance(self.head, nn.AdaptiveLogSoftmaxWithLoss):
            said: Tensor = self.head(read.flatten(0, 1), targets.flatten()).output
            return -said.view_as(targets)
        if self.training and self.design.sampled:
            weight, bias = self.head.weight, self.head.bias
            flat, count = read.flatten(0, 1), self.design.sampled
            losses = sampled_losses(flat, targets.flatten(), weight, bias, count)
            return losses.view_as(targets)
        logits = self.head(read.flatten(0, 1))
        return F.cross_entropy(logits, targets.flatten(), reduction="none").view_as(targets)

    def log_probabilities(self, states: Tensor) -> Tensor:
        """(…, V) of the next token after the states (…, H)."""
        read = self._read_out(states)
        if isinstance(self.head, nn.AdaptiveLogSoftmaxWithLoss):
            flat = self.head.log_prob(read.reshape(-1, read.shape[-1]))
            return flat.view(*read.shape[:-1], -1)
        return F.log_softmax(self.head(read), dim=-1)

    def _read_out(self, states: Tensor) -> Tensor:
        return self._dropped(self.norm(states), self.design.output_dropout)

    def _embedded(self, ids: Tensor) -> Tensor:
        weight, share = self.embedding.weight, self.design.embedding_dropout
        if self.training and share:
            # Whole tokens of the vocabulary are hidden, at every place where they occur.
            weight = weight * F.dropout(weight.new_ones(len(weight), 1), share)
        return F.embedding(ids, weight)

    def _dropped(self, x: Tensor, share: float) -> Tensor:
        """Variational dropout: one mask for all steps."""
        if not self.training or not share:
            return x
        return x * F.dropout(x.new_ones(1, *x.shape[1:]), share)
