"""Fine-tuning: from the training part alone, watched on what lies behind it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.forecasting.pretrained.examples import (
    DESIGNS,
    Array,
    network_of,
    reading_of,
    series_of,
    walk,
)

from holdfast.forecasting.pretrained import fine_tuning
from holdfast.forecasting.pretrained.fine_tuning import (
    FineTuningBatch,
    FineTuningTask,
    fine_tuning_plan,
)
from holdfast.forecasting.quantiles import QUANTILES
from holdfast.tables.series import SeriesSet
from holdfast.training.loop import train

HORIZON = 7
READING = ("inputs", "candidates", "level", "spread", "observed", "ahead")


def task_of(
    series: SeriesSet, held_out: SeriesSet | None = None, name: str = "fine", season: int = 1
) -> FineTuningTask:
    network = network_of(DESIGNS[name])
    return FineTuningTask(
        network, series, held_out, horizon=HORIZON, season=season, long_season=None
    )


def watched(task: FineTuningTask) -> float | None:
    """The loss on what lies behind the training part."""
    with torch.no_grad():
        return task.validate(task.module)


def same(one: FineTuningBatch, other: FineTuningBatch, *fields: str) -> bool:
    return all(
        np.array_equal(getattr(one.features, field), getattr(other.features, field), equal_nan=True)
        for field in fields
    )


def table(*lengths: int) -> list[Array]:
    return [walk(length, seed) for seed, length in enumerate(lengths)]


@pytest.mark.parametrize("name", DESIGNS)
def test_a_batch_is_a_function_of_step_and_seed_alone(name: str) -> None:
    series = series_of(table(60, 30, 90))
    one, again = task_of(series, name=name), task_of(series, name=name)
    again.batch(2, 0)
    first = one.batch(1, 0)
    assert same(first, again.batch(1, 0), "inputs", "level")
    np.testing.assert_array_equal(first.ahead, again.batch(1, 0).ahead)
    for step, seed in ((2, 0), (1, 1)):
        other = one.batch(step, seed)
        assert not np.array_equal(first.rows, other.rows) or not same(first, other, "inputs")


@pytest.mark.parametrize("name", DESIGNS)
def test_nothing_behind_the_training_part_enters_what_is_learnt(name: str) -> None:
    rows = table(60, 30, 90)
    whole = series_of(rows)
    ends = whole.ends - 2 * HORIZON
    later = series_of(
        [np.concatenate([row[: -2 * HORIZON], row[-2 * HORIZON :] + 100.0]) for row in rows]
    )
    one = task_of(whole.cut(ends), whole, name)
    other = task_of(later.cut(ends), later, name)
    for step in range(5):
        first, second = one.batch(step, 0), other.batch(step, 0)
        assert same(first, second, *READING)
        np.testing.assert_array_equal(first.ahead, second.ahead)
    assert one.windows.points == int((ends + 1).sum())
    assert watched(one) != watched(other)


@pytest.mark.parametrize("name", DESIGNS)
def test_what_a_window_forecasts_is_not_what_it_reads(name: str) -> None:
    # Long series lend no window that ends within their last horizon.
    rows = table(20, 24, 31)
    later = [np.concatenate([row[:-HORIZON], row[-HORIZON:] + 100.0]) for row in rows]
    one, other = task_of(series_of(rows), name=name), task_of(series_of(later), name=name)
    learnt = False
    for step in range(10):
        first, second = one.batch(step, 0), other.batch(step, 0)
        assert same(first, second, *READING)
        learnt = learnt or not np.array_equal(first.ahead, second.ahead, equal_nan=True)
    assert learnt


@pytest.mark.parametrize("name", DESIGNS)
def test_a_window_asks_for_its_horizon_and_no_more(name: str) -> None:
    task = task_of(series_of(table(60, 30, 90)), name=name)
    for step in range(5):
        batch = task.batch(step, 0)
        for column, known in enumerate(batch.known):
            learnt = ~torch.isnan(batch.ahead[known - 1 :, column])
            assert int(learnt.sum()) == HORIZON
            assert learnt.flatten()[:HORIZON].all()
            assert (batch.features.ahead[:known, column] == 0).all()


def loss_by_hand(task: FineTuningTask, rows: list[Array], ends: list[int], season: int) -> float:
    """Mean pinball loss, in spreads, of every horizon behind the training part."""
    design = task.design
    total, count = 0.0, 0
    levels = np.array(QUANTILES)
    for row, begin in zip(rows, ends, strict=True):
        for end in range(begin, len(row), HORIZON):
            past = row[max(end - design.context, 0) : end]
            ahead = -(-HORIZON // design.patch)
            before = np.full(-len(past) % design.patch, np.nan)
            known = (len(before) + len(past)) // design.patch
            values = np.concatenate([before, past, np.full(ahead * design.patch, np.nan)])
            read = reading_of(values[None], design, season)
            with torch.no_grad():
                result = task.module(read)
            for step, actual in enumerate(row[end : end + HORIZON]):
                place, within = divmod(step, design.patch)
                level = float(read.level[known - 1 + place, 0])
                scaled = (actual - level) / float(read.spread[known - 1 + place, 0])
                error = scaled - result[known - 1 + place, 0, within].double().numpy()
                total += float(np.maximum(levels * error, (levels - 1.0) * error).mean())
                count += 1
    return total / count


@pytest.mark.parametrize("name", DESIGNS)
def test_it_is_watched_on_every_horizon_behind_the_training_part(name: str) -> None:
    rows = table(60, 30, 90)
    ends = [45, 10, 60]
    whole = series_of(rows)
    task = task_of(whole.cut(np.array(ends) - 1), whole, name, season=3)
    assert task.windows.validation is not None
    assert watched(task) == pytest.approx(loss_by_hand(task, rows, ends, 3), rel=1e-5)


def test_without_anything_behind_the_training_part_nothing_is_watched() -> None:
    series = series_of(table(60, 30))
    for held_out in (None, series):
        task = task_of(series, held_out)
        assert task.windows.validation is None
        assert watched(task) is None


def test_a_past_without_values_is_not_watched() -> None:
    rows = [walk(50 + HORIZON), np.concatenate([np.full(50, np.nan), 1e6 * walk(HORIZON)])]
    both, one = series_of(rows), series_of(rows[:1])
    ends = both.ends - HORIZON
    together = task_of(both.cut(ends), both)
    alone = task_of(one.cut(ends[:1]), one)
    assert watched(together) == pytest.approx(watched(alone), rel=1e-5)


def test_rows_are_named_by_their_series() -> None:
    task = task_of(series_of(table(60, 30, 90)))
    batch = task.batch(1, 0)
    assert task.names(batch, [3, 0]) == [str(batch.rows[3]), str(batch.rows[0])]


def test_series_too_short_for_a_window_lend_none() -> None:
    nothing = [np.ones(3), np.zeros(0), np.full(50, np.nan)]
    assert len(task_of(series_of(nothing)).windows) == 0
    assert len(task_of(series_of([np.ones(4)])).windows) == 1


def test_adapted_to_sines_it_forecasts_sines_and_the_given_network_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fine_tuning, "POSITIONS", 256)  # small batches: it takes seconds
    random = np.random.default_rng(0)
    points = np.arange(60)
    rows = [np.sin(points / 3.0 + random.uniform(0.0, 6.0)) for _ in range(6)]
    whole = series_of(rows)
    network = network_of(DESIGNS["fine"])
    given = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    task = FineTuningTask(
        network, whole.cut(30), whole, horizon=HORIZON, season=1, long_season=None
    )
    before = watched(task)
    assert before is not None
    trained = train(task, fine_tuning_plan(40, 0, stop_early=True))
    after = watched(task)
    assert after is not None
    assert after < 0.9 * before
    assert len(trained.validations) > 3
    assert all(torch.equal(given[name], tensor) for name, tensor in network.state_dict().items())
