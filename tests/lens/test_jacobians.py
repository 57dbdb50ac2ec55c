"""Products of Jacobians are autograd's at every lag; known layers have the norms they must have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from tests.lens.lens_layers import CASES, STEPS, made
from torch import Tensor

from holdfast.lens.jacobians import (
    Product,
    layer_decay,
    products,
    stack_decay,
    stack_products,
)
from holdfast.lens.passes import LayerPass, run_passes
from holdfast.nn import LSTM, RNN

START, ROW = 2, 1
LAGS = np.arange(1, STEPS - START + 1)


def unrolled(passes: Sequence[LayerPass], steps: int) -> Tensor:
    """∂(states of all layers after some steps)/∂(states before them) by autograd."""
    parts = [part[START, ROW] for one in passes for part in one.before]
    sizes = [len(part) for part in parts]

    def run(joint: Tensor) -> Tensor:
        states = list(joint[None].split(sizes, dim=-1))
        for t in range(START, START + steps):
            read, at = passes[0].x[t, ROW : ROW + 1], 0
            for one in passes:
                count = len(one.cell.parts)
                before = tuple(states[at : at + count])
                after = one.cell.step(read, before, one.weights, one.options)
                states[at : at + count] = after
                at += count
                read = read + after[0] if one.residual else after[0]
        return torch.cat(states, dim=-1)[0]

    return torch.func.jacrev(run)(torch.cat(parts))


def unscaled(product: Product) -> Tensor:
    return product.whole()[0] * product.scale.exp()


def close(ours: Tensor, theirs: Tensor) -> bool:
    """1e-8 of the product, for what steps cancel in it on the way is up to 1e5 times as large."""
    gap = torch.linalg.matrix_norm(ours - theirs)
    return bool(gap <= 1e-8 * torch.linalg.matrix_norm(theirs))


@pytest.mark.parametrize(("name", "options"), CASES)
def test_a_product_is_autograds_at_every_lag(name: str, options: dict[str, Any]) -> None:
    layer, x = made(name, options)
    at = torch.tensor([START]), torch.tensor([ROW])
    for one in run_passes(layer, x):
        seen = 0
        for product in products(one.reading(), *at, len(LAGS)):
            assert close(unscaled(product), unrolled([one.reading()], product.steps))
            seen += 1
        assert seen == len(LAGS)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("LSTM", {"num_layers": 2, "proj_size": 2}),
        ("LSTM", {"num_layers": 3, "residual": True, "peepholes": True, "layer_norm": True}),
        ("GRU", {"num_layers": 3, "residual": True, "layer_norm": True}),
        ("RNN", {"num_layers": 2, "zoneout_hidden": 0.2}),
        ("SLSTM", {"num_layers": 2, "heads": 2}),
    ],
)
def test_a_stack_is_autograds_at_every_lag(name: str, options: dict[str, Any]) -> None:
    layer, x = made(name, options)
    passes = run_passes(layer, x)
    at = torch.tensor([START]), torch.tensor([ROW])
    norms = []
    for product in stack_products(passes, *at, len(LAGS)):
        theirs = unrolled(passes, product.steps)
        assert close(unscaled(product), theirs)
        norms.append(float(torch.linalg.matrix_norm(theirs, 2)))
    assert len(norms) == len(LAGS)
    curve = stack_decay(passes, LAGS, samples=4)
    assert curve is not None
    assert np.all(np.isfinite(curve.median))


@pytest.mark.parametrize("name", ["LSTM", "GRU", "SLSTM"])
def test_the_path_and_the_rest_are_the_whole_and_their_norms_are_numpys(name: str) -> None:
    layer, x = made(name, {})
    (one,) = run_passes(layer, x[:, :1])
    decay = layer_decay(one, LAGS, samples=1)
    assert decay.rest is not None
    assert decay.cell_path is not None
    start = torch.tensor([0]), torch.tensor([0])
    for index, product in enumerate(products(one, *start, len(LAGS))):
        assert product.path is not None
        path = torch.zeros_like(product.rest[0])
        own = slice(product.path_at, product.path_at + one.units)
        path[own, own] = torch.diag(product.path[0].exp())
        rest = product.rest[0] * product.scale.exp()
        torch.testing.assert_close(path + rest, unscaled(product), rtol=1e-13, atol=1e-15)
        for curve, matrix in (
            (decay.jacobian, path + rest),
            (decay.cell_path, path),
            (decay.rest, rest),
        ):
            norm = np.linalg.norm(matrix.numpy(), 2)
            assert curve.median[index] == pytest.approx(norm, rel=1e-11, abs=1e-300)


def test_a_latch_keeps_exactly_what_its_forget_gates_leave() -> None:
    """No way through h: the Jacobian of c is ∏f, down to 1e-200, and o (1 − tanh² c) of it in h."""
    layer = LSTM(1, 3, dtype=torch.float64)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.zero_()
        layer.bias_ih_l0[3:6] = torch.tensor([30.0, 0.0, -4.6])
    (one,) = run_passes(layer, torch.zeros(100, 1, 1))
    f = torch.sigmoid(layer.bias_ih_l0[3:6]).detach().numpy()
    decay = layer_decay(one, np.array([1, 10, 100]), samples=1)
    assert decay.cell_path is not None
    assert decay.median_cell is not None
    assert decay.reaches_output is not None
    (found,) = [
        product.path.exp()[0].numpy()
        for product in products(one, torch.tensor([0]), torch.tensor([0]), 100)
        if product.steps == 100 and product.path is not None
    ]
    np.testing.assert_allclose(found, f**100, rtol=1e-12)
    assert 1e-205 < found[2] < 1e-195
    np.testing.assert_allclose(decay.cell_path.median, f[0] ** np.array([1, 10, 100]), rtol=1e-12)
    np.testing.assert_allclose(decay.median_cell.median, 0.5 ** np.array([1, 10, 100]), rtol=1e-12)
    half = 0.5 * decay.median_cell.median  # c is 0 and the output gate half open
    np.testing.assert_allclose(decay.reaches_output.median, half, rtol=1e-12)


def linear(moduli: list[float]) -> tuple[RNN, Tensor]:
    """h = W h + b with a normal W, by relu that stays above 0; its step is W."""
    units = len(moduli)
    draw = torch.Generator().manual_seed(1)
    frame = torch.linalg.qr(torch.randn(units, units, generator=draw, dtype=torch.float64)).Q
    matrix = frame @ torch.diag(torch.tensor(moduli, dtype=torch.float64)) @ frame.T
    layer = RNN(1, units, nonlinearity="relu", dtype=torch.float64)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.zero_()
        layer.weight_hh_l0.copy_(matrix)
        at_rest = 100 * torch.ones(units, dtype=torch.float64)
        layer.bias_ih_l0.copy_(at_rest - matrix @ at_rest)
    return layer, torch.zeros(700, 1, 1, dtype=torch.float64)


def test_a_linear_layer_has_the_norms_of_the_powers_of_its_matrix() -> None:
    layer, x = linear([0.9, -0.7, 0.5, 0.2])
    (one,) = run_passes(layer, x)
    rows = torch.tensor([0])
    for product in products(one, torch.tensor([300]), rows, 400):
        norm = torch.linalg.matrix_norm(product.whole(), 2) * product.scale.exp()
        assert float(norm) == pytest.approx(0.9**product.steps, rel=1e-8)
    decay = layer_decay(one, np.array([1, 30, 300]), samples=5)
    assert decay.cell_path is None
    assert decay.rest is None
    assert decay.jacobian.at(30) == pytest.approx(0.9**30, rel=1e-8)


def test_norms_far_beyond_what_a_number_holds_on_the_way_are_right() -> None:
    """0.02^k leaves float64 at k = 180; until then it is exact, behind it 0 and never NaN."""
    layer, x = linear([0.02, -0.01])
    (one,) = run_passes(layer, x[:400])
    decay = layer_decay(one, np.array([23, 170, 300]), samples=1)
    np.testing.assert_allclose(decay.jacobian.median[:2], [0.02**23, 0.02**170], rtol=1e-8)
    assert decay.jacobian.median[2] == 0.0


def test_one_step_and_lags_beyond_the_sequence_work() -> None:
    for name in ("LSTM", "GRU", "RNN", "SLSTM"):
        layer, x = made(name, {"bidirectional": True})
        for one in run_passes(layer, x[:1]):
            decay = layer_decay(one, np.array([1, 5, 50]), samples=8)
            assert decay.jacobian.lags.tolist() == [1]
            assert np.isfinite(decay.jacobian.median).all()
            assert layer_decay(one, np.array([50]), samples=8).jacobian.lags.tolist() == [1]
    layer, x = made("LSTM", {"dilation": (1, 3), "num_layers": 2})
    passes = run_passes(layer, x)
    assert layer_decay(passes[1], np.array([1, 2, 6])).jacobian.lags.tolist() == [3, 6]
    assert stack_decay(passes, np.array([1, 2])) is None


def test_every_beginning_counts_as_far_as_it_reaches() -> None:
    """Samples of different beginnings are those of one beginning each."""
    layer, x = made("LSTM", {})
    (one,) = run_passes(layer, x)
    places = torch.tensor([0, 5, 3]), torch.tensor([1, 0, 1])
    whole = {p.steps: p for p in products(one, *places, STEPS)}
    for index, (start, row) in enumerate(zip(*places, strict=True)):
        for alone in products(one, start[None], row[None], STEPS):
            together = whole[alone.steps]
            (place,) = (together.alive == index).nonzero()[:, 0].tolist()
            ours = together.whole()[place] * together.scale[place].exp()
            torch.testing.assert_close(ours, unscaled(alone), rtol=1e-12, atol=1e-16)
