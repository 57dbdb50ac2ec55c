"""Each variant of a cell against the same equations in Python's own numbers."""

from __future__ import annotations

import math
import sys
from dataclasses import replace

import pytest
import torch
from tests.engine import variants_by_hand as by_hand
from tests.engine.by_hand import HandWeights
from tests.engine.specs import OPTIONS, VARIANT_CELLS, numbers, run, variants
from torch import Tensor

from holdfast.engine.cells import (
    GRU,
    LSTM,
    NEUTRAL,
    RNN_TANH,
    SLSTM,
    Cell,
    Masks,
    Options,
    State,
    StepMasks,
    Weights,
)
from holdfast.engine.cells.masks import MaskReader
from holdfast.engine.kernels.builtin import BUILTIN
from holdfast.engine.kernels.contract import KernelSpec
from holdfast.engine.kernels.reference import REFERENCE

INPUTS, UNITS, ROWS = 2, 6, 4
CASES = [
    pytest.param(
        cell, options, projection, id=f"{cell.name}-{'-'.join(options.changed)}-{projection}"
    )
    for cell in VARIANT_CELLS
    for options in (
        NEUTRAL,
        *variants(cell, most=2),
        Options(**{name: value for name, value in OPTIONS.items() if name in cell.options}),
    )
    for projection in ((0, 4) if cell is LSTM else (0,))
]


def drawn(cell: Cell, options: Options, projection: int) -> tuple[Tensor, State, Weights]:
    draw = torch.Generator().manual_seed(3)
    shapes = cell.weight_shapes(
        input_size=INPUTS, hidden_size=UNITS, projection=projection, bias=True, options=options
    )

    def tensor(*shape: int) -> Tensor:
        return torch.randn(shape, generator=draw, dtype=torch.float64)

    weights = Weights(**{name: tensor(*shape) for name, shape in shapes.items()})
    state = [tensor(ROWS, projection or UNITS)]
    state += [tensor(ROWS, UNITS) for _ in cell.parts[1:]]
    if cell is SLSTM:
        state[2] = state[2].abs() + 1
    return tensor(ROWS, INPUTS), tuple(state), weights


def one_row(
    cell: Cell, x: Tensor, state: State, w: HandWeights, masks: by_hand.HandMasks, options: Options
) -> list[list[float]]:
    held = [part.tolist() for part in state]
    given = x.tolist()
    if cell is LSTM:
        return list(
            by_hand.lstm(
                given,
                held[0],
                held[1],
                w,
                masks,
                coupled=options.coupled,
                clip=options.cell_clip or math.inf,
                zoneout_hidden=options.zoneout_hidden,
                zoneout_cell=options.zoneout_cell,
            )
        )
    if cell is SLSTM:
        scale = [math.exp(m) for m in held[3]]
        return list(
            by_hand.slstm(
                given,
                held[0],
                [c * e for c, e in zip(held[1], scale, strict=True)],
                [n * e for n, e in zip(held[2], scale, strict=True)],
                w,
                masks,
                heads=options.heads,
                exponential_forget=options.exponential_forget,
                zoneout_hidden=options.zoneout_hidden,
            )
        )
    if cell is GRU:
        return [by_hand.gru(given, held[0], w, masks, zoneout_hidden=options.zoneout_hidden)]
    bend = math.tanh if cell is RNN_TANH else lambda a: max(a, 0.0)
    return [by_hand.rnn(given, held[0], w, masks, bend, zoneout_hidden=options.zoneout_hidden)]


def hand_masks(masks: StepMasks, row: int) -> by_hand.HandMasks:
    return by_hand.HandMasks(*(None if mask is None else mask[row].tolist() for mask in masks))


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize(("cell", "options", "projection"), CASES)
def test_each_variant_is_its_equations_worked_out_by_hand(
    cell: Cell, options: Options, projection: int, training: bool
) -> None:
    x, state, weights = drawn(cell, options, projection)
    source = Masks(8) if training else None
    reader = MaskReader(source, options, ROWS, projection or UNITS, UNITS, x)
    masks = reader.at(3, ROWS)
    if not training:
        # Recurrent dropout is off outside training: the layer leaves it out of the options.
        assert masks == (None, None, None)
    found = cell.step(x, state, weights, options, masks)
    if cell is SLSTM:
        h, c, n, m = found
        found = (h, c * m.exp(), n * m.exp())
    listed = HandWeights(*(None if part is None else part.tolist() for part in weights))
    expected = [
        one_row(
            cell,
            x[row],
            tuple(part[row] for part in state),
            listed,
            hand_masks(masks, row),
            options,
        )
        for row in range(ROWS)
    ]
    for index, part in enumerate(found):
        right = torch.tensor([rows[index] for rows in expected], dtype=torch.float64)
        # Operations between an input and an output, each off by half an ulp; the slope of a
        # normalised value is at most 1/√1e-5, and of these no row is that flat.
        roundings = 4 * (INPUTS + UNITS) + 40
        largest = max(1.0, float(right.abs().max()))
        slack = 10.0 if options.layer_norm else 1.0
        assert float((part - right).abs().max()) <= (
            slack * roundings * sys.float_info.epsilon * largest
        )


@pytest.mark.parametrize("cell", VARIANT_CELLS, ids=lambda cell: cell.name)
def test_every_option_changes_the_numbers(cell: Cell) -> None:
    """Or the other tests would not notice that an option is not read."""
    plain = spec_of(cell, NEUTRAL)
    for options in variants(cell, most=1):
        if {"layer_norm", "peepholes", "coupled", "heads"} & set(options.changed):
            continue  # these change the weights
        spec = spec_of(cell, options)
        given = numbers(spec)
        found = run(REFERENCE, spec, given)[0]
        assert not torch.equal(found, run(REFERENCE, plain, replace(given, masks=None))[0])


def assert_close(one: Tensor, other: Tensor) -> None:
    """Of numbers up to 1: off by a rounding for each of a step's operations."""
    assert float((one - other).detach().abs().max()) <= 7 * 40 * sys.float_info.epsilon


def spec_of(cell: Cell, options: Options) -> KernelSpec:
    return KernelSpec(cell, 7, 3, 2, 6, torch.float64, "cpu", options=options)


def test_neutral_extra_weights_change_nothing() -> None:
    plain, spec = spec_of(LSTM, NEUTRAL), spec_of(LSTM, Options(peepholes=True))
    given = numbers(plain)
    extra = replace(given, weights=(*given.weights, torch.zeros(18, dtype=torch.float64)))
    # But for the last place of σ, which torch works out in two ways for two layouts.
    assert_close(run(REFERENCE, spec, extra)[0], run(REFERENCE, plain, given)[0])


def test_coupled_gates_are_a_forget_gate_with_the_input_gate_turned_round() -> None:
    spec, plain = spec_of(LSTM, Options(coupled=True)), spec_of(LSTM, NEUTRAL)
    given = numbers(spec)
    both = tuple(torch.cat([weight[:6], -weight[:6], weight[6:]]) for weight in given.weights)
    one, other = (
        run(REFERENCE, spec, given)[0],
        run(REFERENCE, plain, replace(given, weights=both))[0],
    )
    assert_close(one, other)


def test_masks_repeat_with_the_seed_and_only_then() -> None:
    for option in ("recurrent_dropout", "zoneout_hidden", "zoneout_cell"):
        spec = spec_of(LSTM, Options(**{option: 0.4}))
        given = numbers(spec)
        found = run(REFERENCE, spec, given)[0]
        assert torch.equal(found, run(REFERENCE, spec, given)[0])
        other = replace(given, masks=Masks(6, 1, 1))
        assert not torch.equal(found, run(REFERENCE, spec, other)[0])


def test_the_derivative_sees_the_masks_of_the_pass() -> None:
    """A unit that keeps its old h at every step has the whole gradient go to that h."""
    spec = replace(spec_of(LSTM, Options(zoneout_hidden=0.9)), steps=1)
    given = numbers(spec)
    output, _ = run(REFERENCE, spec, given)
    (slope,) = torch.autograd.grad(output.sum(), given.state[1])
    kept = output[0] == given.state[0][0]
    assert 0 < int(kept.sum()) < kept.numel()
    assert torch.equal(slope[0] == 0, kept)


def test_zoneout_in_training_is_its_expectation_on_average() -> None:
    """One step, so that the expectation of what is drawn is that of evaluation."""
    spec = replace(
        spec_of(LSTM, Options(zoneout_hidden=0.3, zoneout_cell=0.2)),
        steps=1,
        batch=1,
        hidden_size=1,
    )
    given = numbers(spec)
    right = run(REFERENCE, spec, replace(given, masks=None))[1]
    draws = [
        torch.stack(run(REFERENCE, spec, replace(given, masks=Masks(seed)))[1]).flatten()
        for seed in range(1000)
    ]
    values = torch.stack(draws).detach()
    spread = values.std(0) / len(draws) ** 0.5
    assert bool(((values.mean(0) - torch.stack(right).flatten()).abs() < 5 * spread).all())


def test_an_slstm_that_has_seen_nothing_is_not_hurt_by_closed_gates() -> None:
    weights = Weights(torch.tensor([[-200.0], [3.0], [1.0], [0.0]]), torch.zeros(4, 1))
    x = torch.ones(1, 1, requires_grad=True)
    state: State = (torch.zeros(1, 1),) * 4
    for _ in range(3):
        state = SLSTM.step(x, state, weights)
    assert state[0].item() == pytest.approx(0.5 * math.tanh(1.0))
    assert bool(torch.isfinite(torch.autograd.grad(state[0].sum(), x)[0]).all())


@pytest.mark.parametrize("value", [80.0, 1000.0])
def test_an_slstm_does_not_overflow(value: float) -> None:
    weights = Weights(torch.tensor([[value], [value], [1.0], [0.0]]), torch.zeros(4, 1))
    state: State = (torch.zeros(1, 1),) * 4
    for _ in range(50):
        state = SLSTM.step(torch.ones(1, 1), state, weights, Options(exponential_forget=True))
    assert state[0].item() == pytest.approx(0.5 * math.tanh(1.0))


def test_options_of_another_cell_are_refused() -> None:
    verdict = REFERENCE.serves(spec_of(GRU, Options(peepholes=True, cell_clip=1.0)))
    assert not verdict.serves
    assert verdict.reason == "gru has no cell_clip, peepholes"


def test_torch_is_not_asked_for_what_it_has_not() -> None:
    verdict = BUILTIN.serves(spec_of(LSTM, Options(peepholes=True, zoneout_cell=0.1)))
    assert not verdict.serves
    assert verdict.reason == "torch's operators have no peepholes, zoneout_cell"
