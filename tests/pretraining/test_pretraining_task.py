"""Pretraining: batches are a function of step and seed, and what is hidden stays hidden."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.forecasting.pretrained.examples import DESIGNS, reading_of, walk

from holdfast.forecasting.pretrained.features import PatchFeatures
from holdfast.forecasting.pretrained.fine_tuning import LEAST, mean_loss
from holdfast.forecasting.quantiles import QUANTILES
from holdfast.pretraining import task as tasks
from holdfast.pretraining.synthetic.draws import Samples
from holdfast.pretraining.synthetic.recipe import LONG, SHORT, Recipe
from holdfast.pretraining.task import PretrainingTask, SyntheticBatch, pretraining_plan
from holdfast.training.loop import train

NAMES = ("fine", "coarse")
READING = ("inputs", "candidates", "level", "spread", "observed", "ahead")


def task_of(name: str, seed: int = 0) -> PretrainingTask:
    return PretrainingTask(DESIGNS[name], SHORT, seed=seed, positions=64)


def assert_same(one: SyntheticBatch, other: SyntheticBatch) -> None:
    for field in READING:
        np.testing.assert_array_equal(getattr(one.reading, field), getattr(other.reading, field))
    np.testing.assert_array_equal(one.ahead, other.ahead)
    assert one.family == other.family


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_is_a_function_of_step_and_seed_alone(name: str) -> None:
    task = task_of(name)
    first, second, third = task.batch(1, 7), task.batch(2, 7), task.batch(1, 8)
    again = task_of(name, seed=5)
    assert_same(again.batch(2, 7), second)
    assert_same(again.batch(1, 7), first)
    for other in (second, third):
        assert first.ahead.shape != other.ahead.shape or not torch.equal(
            first.reading.inputs, other.reading.inputs
        )


def test_equal_seeds_begin_with_equal_weights_and_touch_no_global_numbers() -> None:
    before = torch.get_rng_state()
    one, same, other = (task_of("fine", seed).module.state_dict() for seed in (0, 0, 1))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not all(torch.equal(one[key], other[key]) for key in one)


class Mover:
    """Writes down what a batch hides, and puts other values there when asked to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.moves = False
        self.hidden = np.zeros((0, 0), dtype=bool)
        self._generate, self._hide = tasks.generate, tasks._hidden
        monkeypatch.setattr(tasks, "generate", self.generate)
        monkeypatch.setattr(tasks, "_hidden", self.hide)

    def hide(
        self, random: np.random.Generator, count: int, known: int, ahead: int, patch: int
    ) -> np.ndarray:
        self.hidden = self._hide(random, count, known, ahead, patch)
        return self.hidden

    def generate(
        self, random: np.random.Generator, count: int, length: int, recipe: Recipe
    ) -> Samples:
        samples = self._generate(random, count, length, recipe)
        if not self.moves:
            return samples
        moved = np.where(self.hidden, 1.5 * samples.values + 40.0, samples.values)
        return replace(samples, values=moved.astype(np.float32))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_hidden_never_enters_the_reading(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, mover = task_of(name), Mover(monkeypatch)
    for step in range(6):
        mover.moves = False
        before = task.batch(step, 0)
        mover.moves = True
        after = task.batch(step, 0)
        for field in READING:
            np.testing.assert_array_equal(
                getattr(before.reading, field), getattr(after.reading, field)
            )
        assert not np.array_equal(before.ahead, after.ahead, equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
def test_the_future_is_hidden_and_asked_for(name: str) -> None:
    task = task_of(name)
    stretches = 0
    for step in range(20):
        batch = task.batch(step, 0)
        ahead = batch.reading.ahead
        assert (ahead[-1] >= 1).all()  # at the last position nothing is known of its own patch
        assert (ahead.diff(dim=0)[ahead[1:] > 0] == 1).all()
        assert batch.ahead.shape[0] == len(ahead) - 1
        future = len(ahead) - int((ahead > 0).all(dim=1).sum())
        assert torch.isfinite(batch.ahead[future - 1 :]).any()
        stretches += int((ahead[:future] > 0).any())
    assert stretches >= 3  # stretches of the past are hidden too, in some series of some batches


def reading_with(observed: torch.Tensor, ahead: torch.Tensor) -> PatchFeatures:
    read = reading_of(np.stack([walk(12), walk(12, 1)]), DESIGNS["fine"])
    return PatchFeatures(read.inputs, read.candidates, read.level, read.spread, observed, ahead)


def test_the_loss_asks_where_enough_is_known_and_weighs_the_farther_future_double() -> None:
    quantiles = torch.tensor(QUANTILES)
    made = torch.zeros(3, 2, 4, len(QUANTILES))
    ahead = torch.zeros(2, 2, 4)
    ahead[0, 0], ahead[1, 0] = 2.0, 4.0  # row 0: one near patch, one far
    ahead[1, 0, 2:] = torch.nan
    ahead[0, 1], ahead[1, 1] = 7.0, 2.0  # row 1: too little to look back on, then enough
    observed = torch.tensor([[3, LEAST - 1], [3, LEAST], [3, 9]])
    away = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 1.0]])
    loss = mean_loss(made, reading_with(observed, away), ahead, quantiles)
    # Levels that lie evenly around one half make the mean pinball loss of e half of |e|.
    expected = [0.5 * (4 * 2.0 + 2 * 2 * 4.0) / (4 + 2 * 2), 0.5 * 2.0]
    np.testing.assert_allclose(loss, expected, rtol=1e-6)


def test_rows_without_anything_to_learn_cost_nothing() -> None:
    made = torch.zeros(3, 2, 4, len(QUANTILES))
    observed, away = torch.full((3, 2), 9), torch.zeros(3, 2)
    nothing = torch.full((2, 2, 4), torch.nan)
    loss = mean_loss(made, reading_with(observed, away), nothing, torch.tensor(QUANTILES))
    assert loss.tolist() == [0.0, 0.0]


def test_some_updates_lower_the_loss() -> None:
    task = task_of("fine")
    batches = [task.batch(step, 0) for step in (1, 2, 3)]

    def loss() -> float:
        with torch.no_grad():
            return float(sum(task.losses(task.module, batch).mean() for batch in batches))

    before = loss()
    train(task, pretraining_plan(10, 0))
    assert loss() < before


def test_a_network_is_told_its_calendars_seasons_whether_the_series_has_them_or_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nobody = LONG.without("seasonal")
    samples = tasks.generate(np.random.default_rng(0), 2_000, 400, nobody)
    assert (samples.season == 1).all()
    monkeypatch.setattr(tasks, "_CALENDAR", 1.0)
    told, told_long = tasks._hints(np.random.default_rng(1), samples)
    right = told == samples.calendar_season
    assert 0.8 < right.mean() < 0.95  # the others are told nothing, or something else
    assert (told == 1).mean() > 0.05
    named = right & (samples.calendar_long_season > 1)
    assert (told_long[named] == samples.calendar_long_season[named]).mean() > 0.8
    assert ((told_long == 1) | (told_long > told)).all()
    monkeypatch.setattr(tasks, "_CALENDAR", 0.0)
    told, told_long = tasks._hints(np.random.default_rng(1), samples)
    assert (told == 1).all()
    assert (told_long == 1).all()


def test_mixed_precision_moves_the_losses_by_little_and_no_weight_leaves_float32() -> None:
    exact = task_of("fine")
    mixed = PretrainingTask(DESIGNS["fine"], SHORT, seed=0, positions=64, precision="bfloat16")
    batch = exact.batch(3, 0)
    with torch.no_grad():
        expected = exact.losses(exact.module, batch)
        found = mixed.losses(mixed.module, batch)
    assert found.dtype == torch.float32
    assert not torch.equal(found, expected)
    # bfloat16 holds 8 bits; a few layers of them.
    torch.testing.assert_close(found, expected, rtol=0.03, atol=0.01)
    train(mixed, pretraining_plan(3, 0))
    assert all(weight.dtype == torch.float32 for weight in mixed.module.parameters())
