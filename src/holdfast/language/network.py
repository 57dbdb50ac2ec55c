"""The network of a language model: embedding, LSTM layers, softmax over the vocabulary."""

from __future__ import annotations

import math
from typing import Final, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holdfast.language.design import LanguageDesign
from holdfast.nn import LSTM


def sampled_losses(
    states: Tensor, targets: Tensor, weight: Tensor, bias: Tensor, count: int
) -> Tensor:
    """(N,) surprise of each target, the sum over the vocabulary estimated from a part of it.

    In the sum stand the first half of `count` tokens, which are the most frequent, all targets, and
    the other half of `count` drawn evenly from the rest with 1 / (their chance to be drawn) as
    weight. The estimate of the sum has no bias; the gradient reaches these tokens only. States are
    (N, H); the rows of the weight (V, H) begin with the most frequent tokens.

    Source: Jean, Cho, Memisevic and Bengio (2015), "On using very large target vocabulary for
    neural machine translation", arXiv 1412.2007, section 3; even draws for the rare tokens.
    """
    vocabulary, device = len(weight), weight.device
    certain = min(count // 2, vocabulary)
    rest, draws = vocabulary - certain, count - count // 2
    scored = torch.zeros(vocabulary, dtype=torch.bool, device=device)
    if rest:
        scored[torch.randint(certain, vocabulary, (draws,), device=device)] = True
    known = torch.zeros_like(scored)
    known[:certain] = True
    known[targets] = True
    candidates = (scored | known).nonzero()[:, 0]
    drawn = -math.expm1(draws * math.log1p(-1.0 / rest)) if rest > 1 else 1.0
    worth = torch.where(known[candidates], 0.0, -math.log(drawn))
    places = torch.zeros(vocabulary, dtype=torch.long, device=device)
    places[candidates] = torch.arange(len(candidates), device=device)
    logits = states @ weight[candidates].T + (bias[candidates] + worth)
    return F.cross_entropy(logits, places[targets], reduction="none")


States: TypeAlias = tuple[tuple[Tensor, Tensor], ...]
"""h and c of each layer, (1, B, H)."""


TIMESCALE: Final = 10.0
"""Steps of the slowest unit of a fresh network.

Text is mostly predicted from the last few tokens, and a slow unit starts with an input gate that is
nearly closed. Tiny Shakespeare after 1,200 updates, learning rate 0.003, one run each: 1.688 nats
with 96, the window; 1.631 with 10; 1.617 with 5; 1.630 with torch's weights and a forget bias of 1.
"""


class LanguageNetwork(nn.Module):
    """Reads tokens and says how probable each token is to come next."""

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
        self.head = nn.Linear(design.output, design.vocabulary)
        nn.init.zeros_(self.head.bias)
        if design.tied:
            self.head.weight = self.embedding.weight

    def forward(self, ids: Tensor, states: States | None = None) -> tuple[Tensor, States]:
        """The last layer's states (T, B, H) of tokens (T, B), and the states to read on after."""
        design = self.design
        x = self._dropped(self.embedding(ids), design.input_dropout)
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
        return F.log_softmax(self.head(read), dim=-1)

    def _read_out(self, states: Tensor) -> Tensor:
        return self._dropped(self.norm(states), self.design.output_dropout)

    def _dropped(self, x: Tensor, share: float) -> Tensor:
        """Variational dropout: one mask for all steps."""
        if not self.training or not share:
            return x
        return x * F.dropout(x.new_ones(1, *x.shape[1:]), share)
