"""What the steps of the cells are made of: the two matrix products, normalisation and zoneout."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import layer_norm, linear

from holdfast.engine.cells.cell import NO_MASKS, StepMasks, Weights


def from_input(x: Tensor, weights: Weights, groups: tuple[int, ...] = (1,)) -> Tensor:
    """W_ih x + b_ih, or with layer normalisation LN(W_ih x) with b_ih for its shift; (B, GH).

    Gates whose rows are normalised together count as one of the groups, by their numbers.

    Source: Ba, Kiros and Hinton (2016), arXiv 1607.06450, equations 20 to 22 (LSTM).
    """
    if weights.norm_ih is None:
        return linear(x, weights.weight_ih, weights.bias_ih)
    return normalised(linear(x, weights.weight_ih), weights.norm_ih, weights.bias_ih, groups)


def from_state(
    h: Tensor,
    weights: Weights,
    masks: StepMasks = NO_MASKS,
    groups: tuple[int, ...] = (1,),
    heads: int = 1,
) -> Tensor:
    """W_hh h + b_hh, or LN(W_hh h) with b_hh for its shift; (B, GH).

    Recurrent dropout takes its values away from h here and nowhere else: one mask for all gates and
    all steps, so what a unit keeps in its own state is not touched.

    Source: Gal and Ghahramani (2016), arXiv 1512.05287, section 4, with tied weights: one mask for
    all gates.
    """
    if masks.recurrent is not None:
        h = h * masks.recurrent
    if heads > 1:
        a = by_heads(h, weights.weight_hh, heads)
        if weights.norm_hh is None:
            return a if weights.bias_hh is None else a + weights.bias_hh
    elif weights.norm_hh is None:
        return linear(h, weights.weight_hh, weights.bias_hh)
    else:
        a = linear(h, weights.weight_hh)
    return normalised(a, weights.norm_hh, weights.bias_hh, groups)


def by_heads(h: Tensor, weight: Tensor, heads: int) -> Tensor:
    """The product with a matrix of blocks on the diagonal: each head sees itself alone; (B, GH).

    In the weight (GH, H/heads) the row of gate g and unit u reads the units of u's head.
    """
    rows, units = weight.shape
    blocks = weight.reshape(-1, heads, units, units)
    a = torch.einsum("bku,gkvu->bgkv", h.reshape(-1, heads, units), blocks)
    return a.reshape(-1, rows)


def normalised(a: Tensor, gain: Tensor, shift: Tensor | None, groups: tuple[int, ...]) -> Tensor:
    """Layer normalisation: mean 0 and variance 1 over the units, then a gain and a shift.

    1e-5 is added to the variance, as torch's `layer_norm` does. Groups are the relative widths of
    the parts that are normalised each on its own.

    Source: Ba, Kiros and Hinton (2016), section 3.
    """
    if len(groups) == 1:
        return layer_norm(a, gain.shape, gain, shift)
    unit = gain.shape[0] // sum(groups)
    sizes = [unit * group for group in groups]
    shifts = [None] * len(sizes) if shift is None else torch.split(shift, sizes)
    parts = zip(torch.split(a, sizes, dim=-1), torch.split(gain, sizes), shifts, strict=True)
    return torch.cat([layer_norm(part, own.shape, own, moved) for part, own, moved in parts], -1)


def zoneout(before: Tensor, after: Tensor, share: float, new: Tensor | None) -> Tensor:
    """A part of the state after a step of which some units keep what they had.

    `share` is the probability of keeping; `new` is True where a unit takes its new value, None in
    evaluation, where the expectation takes its place.

    Source: Krueger et al. (2017), arXiv 1606.01305, section 3.

    Example:
        >>> zoneout(torch.tensor([0.0]), torch.tensor([1.0]), 0.25, None).item()
        0.75
    """
    if share == 0:
        return after
    if new is None:
        return share * before + (1 - share) * after
    return torch.where(new, after, before)
