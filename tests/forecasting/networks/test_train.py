"""How many updates a time allows, where validations cost time too."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from holdfast.forecasting.networks import train
from holdfast.forecasting.networks.train import steps_for
from holdfast.forecasting.pretrained.fine_tuning import LEAST_EVERY
from holdfast.training.plan import Plan


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """An update takes a tenth of a second, a validation a whole one."""
    now = [0.0]

    def validation(*_: object) -> float:
        now[0] += 1.0
        return 0.5

    monkeypatch.setattr(train, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(train, "validation", validation)
    monkeypatch.setattr(train, "StepTiming", lambda *_: lambda updates: 0.1 * updates)


def timed(seconds: float, *, watched: bool = True) -> train.Timed:
    plan = Plan(steps=500, learning_rate=1e-3, evaluate_every=25, patience=10)
    task = SimpleNamespace(windows=SimpleNamespace(validation=object() if watched else None))
    return steps_for(task, plan, seconds)  # type: ignore[arg-type] # all that is read of a task


@pytest.mark.parametrize("seconds", [8.0, 15.0, 30.0, 45.0, 60.0])
def test_updates_and_validations_fit_into_the_time_and_fill_most_of_it(
    clock: None, seconds: float
) -> None:
    found = timed(seconds)
    every = max(found.steps // 20, LEAST_EVERY)
    needed = 0.1 * found.steps + found.steps // every
    assert needed <= seconds
    assert needed > 0.6 * seconds
    assert found.seconds <= seconds


def test_no_more_than_is_useful_and_no_fewer_than_one(clock: None) -> None:
    assert timed(1e6) == train.Timed(500, pytest.approx(70.0))
    assert timed(float("inf")).steps == 500
    assert timed(0.001).steps == 1


def test_nothing_is_set_aside_where_nothing_is_watched(clock: None) -> None:
    assert timed(20.0, watched=False).steps > 150
