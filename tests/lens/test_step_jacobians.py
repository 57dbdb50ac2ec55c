"""The Jacobian of a step by hand is autograd's, for every cell and every option."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.lens.lens_layers import CASES, FORGETFUL, made
from torch import Tensor

from holdfast.engine.cells import LSTM, Weights, lstm
from holdfast.errors import ArgumentError
from holdfast.lens.passes import LayerPass, run_passes
from holdfast.lens.step_jacobians import step_jacobian


def by_autograd(one: LayerPass, t: int, *, by_input: bool) -> Tensor:
    """(S, S), or (S, I), of the step t of the first sequence."""
    parts = [part[t, :1] for part in one.before]
    sizes = [part.shape[1] for part in parts]

    def step(x: Tensor, state: Tensor) -> Tensor:
        split = state.split(sizes, dim=-1)
        after = one.cell.step(
            x[None], tuple(part[None] for part in split), one.weights, one.options
        )
        return torch.cat(after, dim=-1)[0]

    given = one.x[t, 0], torch.cat(parts, dim=-1)[0]
    return torch.func.jacrev(step, 0 if by_input else 1)(*given)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_a_step_is_autograds(name: str, options: dict[str, Any]) -> None:
    layer, x = made(name, options)
    for one in run_passes(layer, x):
        here = step_jacobian(
            one.cell,
            one.x[:, 0],
            tuple(part[:, 0] for part in one.before),
            one.weights,
            one.options,
            by_input=True,
        )
        assert here.input is not None
        for t in range(one.steps):
            for ours, by_input in ((here.dense(), False), (here.input, True)):
                theirs = by_autograd(one, t, by_input=by_input)
                gap = torch.linalg.matrix_norm(ours[t] - theirs)
                assert gap <= 1e-13 * max(1.0, float(torch.linalg.matrix_norm(theirs)))


@pytest.mark.parametrize(("name", "options"), CASES)
def test_the_cell_path_is_the_columns_of_the_cell_less_the_rest(
    name: str, options: dict[str, Any]
) -> None:
    layer, x = made(name, options)
    one = run_passes(layer, x)[-1]
    before = tuple(part[:, 0] for part in one.before)
    here = step_jacobian(one.cell, one.x[:, 0], before, one.weights, one.options)
    if name == "RNN":
        assert here.cell_path is None
        return
    assert here.cell_path is not None
    at, units = here.path_at, one.units
    columns = here.dense()[:, :, at : at + units]
    path = torch.zeros_like(columns)
    path[:, at : at + units] = torch.diag_embed(here.cell_path)
    torch.testing.assert_close(here.by_cell_path() + path, columns, rtol=0, atol=1e-14)


@pytest.mark.parametrize("options", FORGETFUL)
def test_the_cell_path_of_an_lstm_is_autograds_with_the_gates_held(
    options: dict[str, Any],
) -> None:
    layer, x = made("LSTM", options)
    one = run_passes(layer, x)[0]
    t, keep = 3, one.options.zoneout_cell
    before = tuple(part[t] for part in one.before)
    (i, f, g, _), _ = lstm.advance(one.x[t], before, one.weights, one.options)

    def held(c: Tensor) -> Tensor:
        new = f[0] * c + (i * g)[0]
        if (clip := one.options.cell_clip) is not None:
            new = new.clamp(-clip, clip)
        return keep * c + (1 - keep) * new

    ours = step_jacobian(one.cell, one.x[t], before, one.weights, one.options)
    assert ours.cell_path is not None
    theirs = torch.func.jacrev(held)(before[1][0])
    torch.testing.assert_close(torch.diag(ours.cell_path[0]), theirs, rtol=1e-14, atol=0)


def test_a_clipped_cell_has_no_path() -> None:
    weights = Weights(torch.zeros(4, 1), torch.zeros(4, 1), torch.tensor([0.0, 9.0, 0.0, 0.0]))
    state = torch.zeros(1, 1), torch.full((1, 1), 5.0)
    options = made("LSTM", {"cell_clip": 0.5})[0].options
    here = step_jacobian(LSTM, torch.zeros(1, 1), state, weights, options)
    assert here.cell_path is not None
    assert here.cell_path.item() == 0.0


def test_a_cell_that_is_not_known_is_refused() -> None:
    x, state = torch.zeros(1, 2), (torch.zeros(1, 3), torch.zeros(1, 3))
    weights = Weights(torch.zeros(12, 2), torch.zeros(12, 3))
    with pytest.raises(ArgumentError, match="'other' is not known"):
        step_jacobian(replace(LSTM, name="other"), x, state, weights)
