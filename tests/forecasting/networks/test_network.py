from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from holdfast.forecasting.networks.design import Design, choose_design
from holdfast.forecasting.networks.members import forecast_quantiles
from holdfast.forecasting.networks.model import CLIP, ForecastNetwork, features, targets
from holdfast.forecasting.networks.train import NetworkTask, network_plan
from holdfast.forecasting.quantile_head import pinball
from holdfast.forecasting.quantiles import QUANTILES, at_level
from holdfast.tables.calendar import Calendar
from holdfast.tables.series import SeriesSet
from holdfast.training.loop import train
from holdfast.training.seed import seeded, torch_seed

DESIGNS = {
    "points": choose_design(np.array([60]), 5, 1),
    "season": choose_design(np.array([90]), 6, 12),
    "patches": choose_design(np.array([900]), 24, 24, 168),
}


def network_of(design: Design, seed: int = 0) -> ForecastNetwork:
    with seeded(torch_seed(seed), torch.device("cpu")):
        return ForecastNetwork(design).eval()


def walks(count: int, length: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, length)).cumsum(axis=1)


@pytest.mark.parametrize("name", DESIGNS)
def test_no_position_sees_what_comes_after_it(name: str) -> None:
    design = DESIGNS[name]
    values = walks(3, design.context)
    network = network_of(design)
    before = network(features(torch.from_numpy(values), design))
    for position, origin in enumerate(design.shape.origins[:-1]):
        changed = values.copy()
        changed[:, origin:] = 1e4
        after = network(features(torch.from_numpy(changed), design))
        assert torch.equal(before[: position + 1], after[: position + 1])
        assert not torch.equal(before[position + 1], after[position + 1])


@pytest.mark.parametrize("name", DESIGNS)
def test_targets_are_what_comes_after_each_position(name: str) -> None:
    design = DESIGNS[name]
    values = torch.from_numpy(walks(2, design.context + design.horizon))
    read = features(values, design)
    ahead = targets(values, read, design).double()
    back = ahead * read.spread[..., None] + read.level[..., None]
    for position, origin in enumerate(design.shape.origins):
        expected = values[:, origin : origin + design.horizon]
        # float32 holds 24 bits of a scaled value.
        allowed = 2.0**-23 * (ahead[position].abs() * read.spread[position, :, None]).max()
        bounded = ahead[position].abs() >= CLIP
        assert ((back[position] - expected)[~bounded].abs() <= allowed).all()
        assert position < design.least or not bounded.any()
        beyond = (expected - read.level[position, :, None]) / read.spread[position, :, None]
        assert (beyond.abs()[bounded] >= CLIP * (1.0 - 2.0**-23)).all()


@pytest.mark.parametrize("name", DESIGNS)
def test_the_past_beside_a_step_is_the_newest_value_of_its_phase(name: str) -> None:
    design = DESIGNS[name]
    values = torch.arange(design.context, dtype=torch.float64)[None]
    read = features(values, design)
    past = read.past.double() * read.spread[..., None, None] + read.level[..., None, None]
    for place, lag in enumerate(design.lags):
        for position, origin in enumerate(design.shape.origins):
            for step in range(1, design.horizon + 1):
                source = origin - 1 + step
                while source >= origin:
                    source -= lag
                seen = past[position, 0, place, step - 1]
                if source < 0:
                    assert torch.isnan(seen)
                elif abs(read.past[position, 0, place, step - 1]) < 12:
                    assert abs(seen - source) < 1e-4


@pytest.mark.parametrize("name", DESIGNS)
def test_the_last_value_reaches_the_first_step_before_any_training(name: str) -> None:
    design = DESIGNS[name]
    values = torch.from_numpy(walks(8, design.context)).requires_grad_()
    read = features(values, design)
    median = network_of(design)(read)[-1, :, 0, len(QUANTILES) // 2]
    forecast = median.double() * read.spread[-1] + read.level[-1]
    (gradient,) = torch.autograd.grad(forecast.sum(), values)
    assert (gradient[:, -1].abs() > 0.01).all()


@pytest.mark.parametrize("name", DESIGNS)
def test_the_last_patch_reaches_the_state_and_not_only_the_copy(name: str) -> None:
    design = DESIGNS[name]
    read = features(torch.from_numpy(walks(4, design.context)), design)
    inputs = read.inputs.clone().requires_grad_()
    last = network_of(design)(replace(read, inputs=inputs))[-1]
    (gradient,) = torch.autograd.grad(last.sum(), inputs)
    assert (gradient[-1, :, : design.patch] != 0).all()


@pytest.mark.parametrize("name", DESIGNS)
def test_a_forecast_is_what_the_network_says_after_the_last_value(name: str) -> None:
    design, network = DESIGNS[name], network_of(DESIGNS[name])
    values = walks(3, design.context + 5) - 1e3  # below zero, so that no logarithm is taken
    rows = {str(i): row for i, row in enumerate(values)}
    series = SeriesSet.from_arrays(rows, Calendar.integer())
    read = features(torch.from_numpy(values[:, 5:]), design)
    with torch.no_grad():
        scaled = network(read)[-1].double()
    expected = scaled * read.spread[-1, :, None, None] + read.level[-1, :, None, None]
    result = forecast_quantiles([network], design, series)
    # One position or all: the products round differently, by some bits of 24.
    spread = float(read.spread[-1].max() * scaled.abs().max())
    np.testing.assert_allclose(result, expected, rtol=0.0, atol=8 * 2.0**-23 * spread)


@pytest.mark.parametrize("name", DESIGNS)
def test_quantiles_never_cross_whatever_comes_in(name: str) -> None:
    design = DESIGNS[name]
    generator = np.random.default_rng(0)
    values = generator.standard_cauchy((64, design.context)) * 10.0 ** generator.uniform(
        -30, 30, (64, 1)
    )
    values[generator.random(values.shape) < 0.3] = np.nan
    values[:4] = np.nan
    values[4:8] = 5.0
    quantiles = network_of(design)(features(torch.from_numpy(values), design))
    assert torch.isfinite(quantiles).all()
    assert (quantiles.diff(dim=-1) >= 0).all()


def test_scale_and_shift_of_the_data_are_scale_and_shift_of_the_forecast() -> None:
    design = DESIGNS["season"]
    networks = [network_of(design)]

    def forecast(values: np.ndarray) -> np.ndarray:
        rows = {str(i): row for i, row in enumerate(values)}
        return forecast_quantiles(networks, design, SeriesSet.from_arrays(rows, Calendar.integer()))

    values = walks(5, 80) - 40.0  # some below zero, so that no logarithm is taken
    moved = forecast(250.0 * values - 1e5)
    np.testing.assert_allclose(moved, 250.0 * forecast(values) - 1e5, rtol=1e-5)


def test_positive_series_are_forecast_in_ratios() -> None:
    design = DESIGNS["season"]
    networks = [network_of(design)]
    rows = np.exp(walks(4, 80) / 10.0)
    forecast = [
        forecast_quantiles(
            networks,
            design,
            SeriesSet.from_arrays(
                {str(i): row * unit for i, row in enumerate(rows)}, Calendar.integer()
            ),
        )
        for unit in (1.0, 1e6)
    ]
    assert (forecast[0] > 0).all()
    np.testing.assert_allclose(forecast[1], 1e6 * forecast[0], rtol=1e-4)


def test_too_little_history_is_left_to_the_simple_methods() -> None:
    design = DESIGNS["season"]
    rows = {"enough": walks(1, 60)[0], "few": np.ones(2), "none": np.full(50, np.nan)}
    forecast = forecast_quantiles(
        [network_of(design)], design, SeriesSet.from_arrays(rows, Calendar.integer())
    )
    assert np.isnan(forecast).all(axis=(1, 2)).tolist() == [False, True, True]


def test_levels_between_the_networks_own_are_between_their_quantiles() -> None:
    quantiles = np.sort(np.random.default_rng(0).normal(size=(3, len(QUANTILES))), axis=-1)
    for index, level in enumerate(QUANTILES):
        np.testing.assert_array_equal(at_level(quantiles, level), quantiles[:, index])
    between = at_level(quantiles, 0.15)
    assert (quantiles[:, 3] < between).all()
    assert (between < quantiles[:, 4]).all()
    np.testing.assert_array_equal(at_level(quantiles, 0.0001), quantiles[:, 0])


def test_pinball_weighs_the_two_sides_by_the_level_and_leaves_gaps_out() -> None:
    forecast = torch.tensor([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    actual = torch.tensor([2.0, -2.0, torch.nan])
    loss = pinball(forecast, actual, torch.tensor([0.1, 0.9]))
    assert torch.allclose(loss, torch.tensor([1.0, 1.0, 0.0]))
    one = pinball(forecast[:, :1], actual, torch.tensor([0.9]))
    assert torch.allclose(one, torch.tensor([1.8, 0.2, 0.0]))


def test_trained_on_random_walks_the_network_forecasts_the_last_value() -> None:
    series = SeriesSet.from_arrays(
        {str(i): row for i, row in enumerate(walks(60, 120) - 30.0)}, Calendar.integer()
    )
    design = choose_design(series.lengths, 3, 1)
    task = NetworkTask(design, series, None, seed=0)
    train(task, network_plan(design, 400, 0, stop_early=False))
    values = torch.from_numpy(walks(200, design.context, seed=1)).requires_grad_()
    read = features(values, design)
    task.module.eval()
    median = task.module(read)[-1, :, 0, len(QUANTILES) // 2].double()
    (gradient,) = torch.autograd.grad((median * read.spread[-1] + read.level[-1]).sum(), values)
    assert 0.8 <= float(gradient[:, -1].median()) <= 1.2


def test_flat_stretches_do_not_outweigh_every_other_series() -> None:
    step = np.repeat(np.random.default_rng(0).normal(size=8).cumsum() + 100.0, 12)
    design = DESIGNS["points"]
    series = SeriesSet.from_arrays({"step": step}, Calendar.integer())
    task = NetworkTask(design, series, None, seed=0)
    losses = task.losses(task.module, task.batch(1, 0))
    # Targets within ±CLIP cost at most about as much.
    assert float(losses.detach().max()) < 2 * CLIP


def test_zeros_in_the_held_out_part_of_a_positive_series_are_gaps() -> None:
    row = np.concatenate([np.linspace(5.0, 9.0, 60), np.zeros(5)])
    whole = SeriesSet.from_arrays({"a": row}, Calendar.integer())
    task = NetworkTask(DESIGNS["points"], whole.cut(59), whole, seed=0)
    with torch.no_grad():
        loss = task.validate(task.module.eval())
    assert loss == 0.0  # nothing of it can be scored in logarithms, and nothing warns
