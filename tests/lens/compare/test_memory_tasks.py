"""The tasks are those of the papers, step by step."""

import numpy as np
import pytest
import torch

from holdfast.errors import ArgumentError
from holdfast.lens.compare.memory_tasks import (
    Adding,
    Copy,
    Latch,
    NoisyLag,
    Order,
    Parity,
    task_of,
    wrong,
)

ROWS = 400


def random() -> np.random.Generator:
    return np.random.default_rng(5)


def test_adding_asks_for_half_plus_a_quarter_of_the_sum() -> None:
    rows = Adding(100).draw(random(), ROWS)
    values, marks = rows.inputs.unbind(-1)
    assert set((rows.ends + 1).tolist()) == set(range(100, 111))
    for row in range(ROWS):
        end = int(rows.ends[row])
        marked = (marks[:, row] == 1.0).nonzero().flatten()
        assert len(marked) == 2
        assert int(marked.min()) < 10
        assert int(marked.max()) < 50  # no mark within T/2 steps of the end
        assert marks[end, row] == -1.0
        assert marks[0, row] in (-1.0, 1.0)
        assert int((marks[:, row] == -1.0).sum()) == (1 if 0 in marked else 2)
        if 0 in marked:
            assert values[0, row] == 0.0
        assert not rows.inputs[end + 1 :, row].any()
        expected = 0.5 + values[marked, row].sum() / 4.0
        assert rows.targets[row, 0].item() == pytest.approx(expected.item(), abs=1e-6)


def test_adding_fails_beyond_four_hundredths() -> None:
    task = Adding(10)
    outputs = torch.tensor([0.539, 0.541, float("nan")]).reshape(3, 1, 1)
    assert wrong(task, outputs, torch.full((3, 1), 0.5)).tolist() == [False, True, True]


@pytest.mark.parametrize("places", [2, 3])
def test_order_asks_for_the_order_of_the_symbols_at_their_places(places: int) -> None:
    rows = Order(100, 3 if places == 3 else 2).draw(random(), ROWS)
    symbols = rows.inputs.argmax(-1)
    starts = (10, 50) if places == 2 else (10, 33, 66)
    for row in range(ROWS):
        end = int(rows.ends[row])
        assert 99 <= end <= 109
        assert (symbols[0, row], symbols[end, row]) == (0, 1)
        where = ((symbols[: end + 1, row] == 2) | (symbols[: end + 1, row] == 3)).nonzero()
        assert len(where) == places
        bits = ""
        for start, place in zip(starts, where.flatten().tolist(), strict=True):
            assert start <= place <= start + 10
            bits += str(int(symbols[place, row]) - 2)
        assert int(rows.targets[row, 0]) == int(bits, 2)
    assert len(rows.targets.unique()) == 2**places


def test_noisy_lag_keeps_the_second_symbol_for_at_least_q_steps() -> None:
    rows = NoisyLag(30, distractors=7).draw(random(), ROWS)
    symbols = rows.inputs.argmax(-1)
    each = torch.arange(ROWS)
    assert symbols[0].unique().tolist() == [7]
    assert torch.equal(symbols[1] - 9, rows.targets[:, 0])
    assert symbols[rows.ends, each].unique().tolist() == [8]
    further = rows.ends - 32  # b, the symbol, q distractors; then as many more; then e
    assert int(further.min()) >= 0
    assert 7.0 < further.double().mean().item() < 11.0  # 9 expected, sd 0.47
    for row in range(ROWS):
        assert int(symbols[2 : int(rows.ends[row]), row].max()) < 7


def test_copy_asks_for_its_symbols_after_the_blanks() -> None:
    rows = Copy(20).draw(random(), ROWS)
    symbols = rows.inputs.argmax(-1)
    assert torch.equal(symbols[:10].T, rows.targets)
    assert symbols[10:29].unique().tolist() == [8]
    assert symbols[29].unique().tolist() == [9]
    assert symbols[30:].unique().tolist() == [8]
    echoed = torch.zeros(40, ROWS, 8)
    echoed[30:] = 50.0 * rows.inputs[:10, :, :8]
    assert not wrong(Copy(20), rows.read(echoed), rows.targets).any()
    assert wrong(Copy(20), rows.read(echoed.roll(1, 0)), rows.targets).double().mean() > 0.9


def test_latch_shows_its_sign_in_the_first_three_steps_alone() -> None:
    rows = Latch(30).draw(random(), ROWS)
    sign = 2.0 * rows.targets[:, 0] - 1.0
    assert (rows.inputs[:3, :, 0].mean(1) - 0.0).abs().max() < 0.2
    assert ((rows.inputs[:3, :, 0] * sign).mean()).item() == pytest.approx(1.0, abs=0.06)
    assert ((rows.inputs[3:30, :, 0] * sign).mean()).item() == pytest.approx(0.0, abs=0.02)


def test_parity_is_tested_on_longer_sequences_than_it_is_trained_on() -> None:
    trained, tested = Parity(40).draw(random(), ROWS), Parity(40).test(random(), ROWS)
    assert (int(trained.ends.min()) + 1, int(trained.ends.max()) + 1) == (3, 40)
    assert int(tested.ends.min()) + 1 >= 40
    assert 200 < int(tested.ends.max()) + 1 <= 256


def test_a_lag_that_is_too_short_is_refused_by_name() -> None:
    with pytest.raises(ArgumentError, match="lag=9 of the task adding"):
        task_of("adding", 9)
