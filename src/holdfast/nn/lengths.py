"""Sequences of different lengths in one padded tensor."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch._C._functorch import get_unwrapped, is_batchedtensor, is_functorch_wrapped_tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from holdfast.errors import ArgumentError

Lengths = Tensor | Sequence[int]


def packed(x: Tensor, lengths: Lengths) -> PackedSequence | None:
    """The rows of a padded batch without their padding.

    Arguments:
        x: (T, B, ·).
        lengths: B whole numbers from 1 to T, how many steps of each row count.

    Returns:
        None where every row is T long: there is nothing to leave out.

    Raises:
        ArgumentError: there are not B lengths, one is not a whole number from 1 to T, or
            `torch.func.vmap` maps over x.

    Example:
        >>> packed(torch.zeros(3, 2, 1), [1, 3]).batch_sizes.tolist()
        [2, 1, 1]
        >>> packed(torch.zeros(3, 2, 1), [3, 3]) is None
        True
    """
    steps, batch = x.shape[0], x.shape[1]
    counts = torch.as_tensor(lengths).cpu()
    if counts.is_floating_point() or counts.is_complex() or counts.dtype == torch.bool:
        raise ArgumentError(f"lengths must be whole numbers, got {counts.dtype}.")
    if counts.shape != (batch,):
        raise ArgumentError(
            f"lengths must be one number for each of the {batch} rows of the batch, "
            f"got shape {tuple(counts.shape)}."
        )
    wrong = ((counts < 1) | (counts > steps)).nonzero()
    if len(wrong):
        row = int(wrong[0])
        raise ArgumentError(
            f"lengths must be from 1 to {steps}, the steps of the input; "
            f"row {row} has {int(counts[row])}."
        )
    if bool((counts == steps).all()):
        return None
    if _is_mapped(x):
        raise ArgumentError(
            "lengths cannot go with torch.func.vmap over the input; map over sequences of one "
            "length, or call the layer on the whole batch."
        )
    return pack_padded_sequence(x, counts, enforce_sorted=False)


def padded(output: PackedSequence, steps: int) -> Tensor:
    """The padded form again, (T, B, ·), zero beyond each row's length."""
    return pad_packed_sequence(output, total_length=steps)[0]


def _is_mapped(tensor: Tensor) -> bool:
    """Whether vmap hides a dimension of a tensor: torch's packing has no rule for that."""
    while is_functorch_wrapped_tensor(tensor):
        if is_batchedtensor(tensor):
            return True
        tensor = get_unwrapped(tensor)
    return False
