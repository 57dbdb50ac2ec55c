"""A softmax of which an update scores a part, for vocabularies too large to score whole."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def sampled_losses(
    states: Tensor, targets: Tensor, weight: Tensor, bias: Tensor, count: int
) -> Tensor:
    """(N,) surprise of each target, the sum over the vocabulary estimated from a part of it.

    In the sum stand the first half of `count` tokens, which are the most frequent, all targets, and
    the other half of `count` drawn evenly from the rest with 1 / (their chance to be drawn) as
    weight. The estimate of the sum has no bias; the gradient reaches these tokens only.

    Arguments:
        states: (N, H).
        targets: (N,) tokens.
        weight: (V, H), the most frequent tokens first.
        bias: (V,).
        count: tokens beside the targets, at most V.

    Source: Jean, Cho, Memisevic and Bengio (2015), "On using very large target vocabulary for
    neural machine translation", arXiv 1412.2007, section 3; even draws for the rare tokens.

    Example:
        >>> states, targets = torch.randn(5, 4), torch.arange(5)
        >>> weight, bias = torch.randn(9, 4), torch.randn(9)
        >>> whole = F.cross_entropy(states @ weight.T + bias, targets, reduction="none")
        >>> torch.allclose(sampled_losses(states, targets, weight, bias, 18), whole, atol=1e-5)
        True
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
