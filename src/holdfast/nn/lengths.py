"""Sequences of different lengths in one padded tensor."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch._C._functorch import get_interpreter_stack
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
        ArgumentError: there are not B lengths, or one is not a whole number from 1 to T.

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
    if get_interpreter_stack():
        return _packed_in_plain_sight(x, counts.tolist())
    return pack_padded_sequence(x, counts, enforce_sorted=False)


def padded(output: PackedSequence, steps: int) -> Tensor:
    """The padded form again, (T, B, ·), zero beyond each row's length."""
    if get_interpreter_stack():
        return _padded_in_plain_sight(output, steps)
    return pad_packed_sequence(output, total_length=steps)[0]


def _packed_in_plain_sight(x: Tensor, lengths: list[int]) -> PackedSequence:
    """The same by an index, since torch.func cannot look through torch's packing."""
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    sizes = [sum(length > step for length in lengths) for step in range(max(lengths))]
    rows = [step * len(lengths) + row for step, size in enumerate(sizes) for row in order[:size]]
    unsorted = sorted(range(len(order)), key=order.__getitem__)
    return PackedSequence(
        x.flatten(0, 1).index_select(0, torch.tensor(rows, device=x.device)),
        torch.tensor(sizes),
        torch.tensor(order, device=x.device),
        torch.tensor(unsorted, device=x.device),
    )


def _padded_in_plain_sight(output: PackedSequence, steps: int) -> Tensor:
    sizes, unsorted = output.batch_sizes.tolist(), output.unsorted_indices
    assert unsorted is not None  # `packed` always sorts
    batch, data = sizes[0], output.data
    ends = [0, *output.batch_sizes.cumsum(0).tolist()]
    beyond = ends[-1]  # a row of zeros behind the others
    places = [
        ends[step] + place if step < len(sizes) and place < sizes[step] else beyond
        for step in range(steps)
        for place in unsorted.tolist()
    ]
    rows = torch.cat([data, torch.zeros_like(data[:1])])
    padded = rows.index_select(0, torch.tensor(places, device=data.device))
    return padded.reshape(steps, batch, data.shape[-1])
