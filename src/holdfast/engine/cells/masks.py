"""Random masks that are never stored: each value follows from where it stands.

Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3",
section 3.3) turns a key and a counter of two 32-bit words each into two random words; the first
one is used.

    key      (seed, 16 · (2 · layer + direction) + purpose)
    counter  (step, row · width + unit)

All four words are taken modulo 2^32. `seed` is a whole number from 0 to 2^32 − 1; `layer` counts
from 0; `direction` is 0 forwards and 1 backwards; `purpose` is a `Purpose`. `step` counts in the
order of the whole input from 0, whichever way the layer reads; it is 0 for a mask that holds for
all steps. `row` is the row of the batch as the kernel has it (where ragged, of the sorted batch),
`unit` the index within the vector that is masked and `width` that vector's length: for h with a
projection the projected one.

A word w is the number u = w / 2^32 of [0, 1). A value is kept, or with zoneout is new, where u ≥ p,
compared in float64; in whole numbers: where w ≥ ⌈p · 2^32⌉. So a mask never depends on threads,
tiles, segments or the dtype, and computing it again repeats it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import torch
from torch import Tensor

from holdfast.engine.cells.cell import NO_MASKS, Options, StepMasks

_WORD: Final = 0xFFFFFFFF
_PARITY: Final = 0x1BD11BDA
_ROTATIONS: Final = ((13, 15, 26, 6), (17, 29, 16, 24))
_BLOCK: Final = 1 << 15
"""Values of a mask that are made at once."""


class Purpose(IntEnum):
    """What a mask is for; a part of the key, so that no two masks have anything in common."""

    RECURRENT_DROPOUT = 0
    ZONEOUT_HIDDEN = 1
    ZONEOUT_CELL = 2


@dataclass(frozen=True)
class Masks:
    """Where the masks of one pass come from.

    Arguments:
        seed: 0 to 2^32 − 1, one for each call of a stack; a tensor of one number while torch
            traces, out of which the operator reads it.
        layer, direction: of the pass in its stack.
        first_step: which step of the input the pass begins with, where it is a segment of another.
    """

    seed: int | Tensor
    layer: int = 0
    direction: int = 0
    first_step: int = 0

    def kept(
        self,
        purpose: Purpose,
        share: float,
        steps: range,
        rows: int,
        width: int,
        device: torch.device | None = None,
    ) -> Tensor:
        """True where a value is kept, (steps, rows, width); `share` is the probability of False.

        Steps count from that of the input.
        """
        step = torch.arange(steps.start, steps.stop, device=device)
        index = torch.arange(rows * width, device=device)
        second = 16 * (2 * self.layer + self.direction) + purpose
        first_counter = step[:, None].expand(len(steps), rows * width)
        word, _ = threefry((int(self.seed), second), first_counter, index.expand_as(first_counter))
        return (word >= math.ceil(share * 2**32)).view(len(steps), rows, width)


class MaskReader:
    """Hands out the masks of a pass, step by step; makes those of some steps at once.

    Masks are None outside training; their dtype and device are those of `like`.
    """

    def __init__(
        self,
        masks: Masks | None,
        options: Options,
        batch: int,
        output_size: int,
        hidden_size: int,
        like: Tensor,
    ) -> None:
        self._masks, self._options, self._batch, self._like = masks, options, batch, like
        self._widths = {
            Purpose.ZONEOUT_HIDDEN: (options.zoneout_hidden, output_size),
            Purpose.ZONEOUT_CELL: (options.zoneout_cell, hidden_size),
        }
        self._blocks: dict[Purpose, tuple[range, Tensor]] = {}
        self._recurrent: Tensor | None = None
        share = options.recurrent_dropout
        if masks is not None and share > 0:
            kept = masks.kept(
                Purpose.RECURRENT_DROPOUT, share, range(1), batch, output_size, like.device
            )
            self._recurrent = kept[0].to(like.dtype) * (1.0 / (1.0 - share))

    def at(self, step: int, rows: int) -> StepMasks:
        """The masks of a step's first rows."""
        if self._masks is None or not self._options.draws:
            return NO_MASKS
        return StepMasks(
            None if self._recurrent is None else self._recurrent[:rows],
            self._zoneout(Purpose.ZONEOUT_HIDDEN, step, rows),
            self._zoneout(Purpose.ZONEOUT_CELL, step, rows),
        )

    def _zoneout(self, purpose: Purpose, step: int, rows: int) -> Tensor | None:
        share, width = self._widths[purpose]
        if share == 0 or self._masks is None:
            return None
        step += self._masks.first_step
        steps, block = self._blocks.get(purpose, (range(0), self._like))
        if step not in steps:
            count = max(1, _BLOCK // max(1, self._batch * width))
            start = step - step % count
            steps = range(start, start + count)
            block = self._masks.kept(purpose, share, steps, self._batch, width, self._like.device)
            self._blocks[purpose] = (steps, block)
        return block[step - steps.start, :rows]


def threefry(key: tuple[int, int], first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Threefry-2x32 with 20 rounds: for each counter two random words, int64 below 2^32.

    The counters' words are int64 tensors of one shape.

    Example:
        >>> nought = torch.zeros(1, dtype=torch.int64)
        >>> [hex(word.item()) for word in threefry((0, 0), nought, nought)]
        ['0x6b200159', '0x99ba4efe']
    """
    words = (key[0] & _WORD, key[1] & _WORD)
    schedule = (*words, _PARITY ^ words[0] ^ words[1])
    x = (first + schedule[0]).bitwise_and_(_WORD)
    y = (second + schedule[1]).bitwise_and_(_WORD)
    for turn in range(5):
        for rotation in _ROTATIONS[turn % 2]:
            x.add_(y)  # past 32 bits for four rounds at most, and only its low ones reach y
            y = (y << rotation).bitwise_or_(y >> (32 - rotation)).bitwise_xor_(x)
            y.bitwise_and_(_WORD)
        x.add_(schedule[(turn + 1) % 3]).bitwise_and_(_WORD)
        y.add_(schedule[(turn + 2) % 3] + turn + 1).bitwise_and_(_WORD)
    return x, y
