"""The counter-based masks: known answers, shares, independence, repetition."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from holdfast.engine.cells import Masks, Options
from holdfast.engine.cells.masks import MaskReader, Purpose, threefry


def words(key: tuple[int, int], counter: tuple[int, int]) -> list[str]:
    first, second = (torch.tensor([word]) for word in counter)
    return [f"{word.item():08x}" for word in threefry(key, first, second)]


def test_threefry_gives_the_published_answers() -> None:
    """Of the authors' own table for Threefry-2x32 with 20 rounds."""
    full = 0xFFFFFFFF
    assert words((0, 0), (0, 0)) == ["6b200159", "99ba4efe"]
    assert words((full, full), (full, full)) == ["1cb996fc", "bb002be7"]
    assert words((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3)) == ["c4923a9c", "483df7a0"]


def test_key_and_counter_are_formed_as_the_file_says() -> None:
    seed, layer, direction, step, row, unit, width = 77, 2, 1, 5, 3, 4, 6
    kept = Masks(seed, layer, direction).kept(Purpose.ZONEOUT_CELL, 0.5, range(4, 7), 8, width)
    for share, found in ((0.5, kept),):
        key = (seed, 16 * (2 * layer + direction) + 2)
        word = int(words(key, (step, row * width + unit))[0], 16)
        assert bool(found[step - 4, row, unit]) == (word / 2**32 >= share)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_so_many_are_kept(share: float) -> None:
    kept = Masks(1).kept(Purpose.ZONEOUT_HIDDEN, share, range(100), 10, 100)
    spread = (share * (1 - share) / kept.numel()) ** 0.5
    assert abs(float(kept.double().mean()) - (1 - share)) < 5 * spread


def agreement(one: Tensor, other: Tensor) -> float:
    return float((one == other).double().mean())


def test_each_part_of_the_place_has_a_say() -> None:
    plain = Masks(1).kept(Purpose.ZONEOUT_HIDDEN, 0.5, range(20), 20, 20)
    assert agreement(plain, Masks(1).kept(Purpose.ZONEOUT_HIDDEN, 0.5, range(20), 20, 20)) == 1.0
    others = [
        Masks(2).kept(Purpose.ZONEOUT_HIDDEN, 0.5, range(20), 20, 20),
        Masks(1, layer=1).kept(Purpose.ZONEOUT_HIDDEN, 0.5, range(20), 20, 20),
        Masks(1, direction=1).kept(Purpose.ZONEOUT_HIDDEN, 0.5, range(20), 20, 20),
        Masks(1).kept(Purpose.ZONEOUT_CELL, 0.5, range(20), 20, 20),
        Masks(1).kept(Purpose.ZONEOUT_HIDDEN, 0.5, range(20, 40), 20, 20),
        plain.roll(1, 1),
        plain.roll(1, 2),
    ]
    for other in others:  # independent ones agree in half of 8,000 places, give or take 0.028
        assert abs(agreement(plain, other) - 0.5) < 5 * 0.5 / plain.numel() ** 0.5


def test_reading_in_blocks_is_reading_at_once() -> None:
    options = Options(recurrent_dropout=0.5, zoneout_hidden=0.3, zoneout_cell=0.2)
    like, masks = torch.zeros(1), Masks(3)
    batch, hidden = 40, 500  # a block holds one step of these
    reader = MaskReader(masks, options, batch, hidden, hidden, like)
    every = masks.kept(Purpose.ZONEOUT_CELL, 0.2, range(4), batch, hidden)
    for step in (3, 0, 1, 2):
        found = reader.at(step, 7)
        assert found.new_cell is not None
        assert torch.equal(found.new_cell, every[step, :7])
    assert found.recurrent is not None
    assert set(found.recurrent.unique().tolist()) == {0.0, 2.0}
    first = reader.at(0, batch).recurrent
    assert first is not None
    assert torch.equal(first[:7], found.recurrent)
