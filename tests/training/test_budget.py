"""A budget is read as a person writes it and becomes a step count once."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.training.regression import Regression, same, weights

from holdfast.errors import ArgumentError
from holdfast.training.budget import Budget, duration, steps_within
from holdfast.training.loop import StepTiming
from holdfast.training.plan import Plan


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("1h 30m 5s", 5405.0),
        ("1.5h", 5400.0),
        ("2 min", 120.0),
        ("10 sec", 10.0),
        (" 90S ", 90.0),
        ("90", 90.0),
        ("0.5", 0.5),
        (20, 20.0),
        (2.5, 2.5),
    ],
)
def test_a_length_of_time_is_read_as_people_write_it(text: str | float, seconds: float) -> None:
    assert duration(text) == seconds
    assert Budget.parse(text).seconds == seconds


@pytest.mark.parametrize(
    "text",
    ["", " ", "5 minuts", "m", "-3m", "5m1h", "1h1h", "٣m", "1e9", "s5", "0s", 0, -1, True, [5]],
)
def test_anything_else_is_refused_with_what_to_write(text: str | float) -> None:
    with pytest.raises(ArgumentError, match='is not a length of time; write "90s", "5m"') as caught:
        duration(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(ArgumentError):
        duration(value)
    with pytest.raises(ArgumentError):
        Budget(value)


def test_no_limit_never_ends() -> None:
    budget = Budget.parse(None)
    assert budget.deadline is None
    assert (budget.remaining(), budget.share(0.1)) == (math.inf, math.inf)


def test_time_runs_from_the_given_start() -> None:
    now = 50.0
    budget = Budget.parse("1m", start=40.0, clock=lambda: now)
    assert budget.deadline == 100.0
    assert (budget.elapsed(), budget.remaining(), budget.share(0.5)) == (10.0, 50.0, 25.0)
    now = 200.0
    assert (budget.elapsed(), budget.remaining(), budget.share(1.0)) == (160.0, 0.0, 0.0)


@pytest.mark.parametrize("fraction", [-0.1, 1.1, math.nan])
def test_a_share_is_a_share(fraction: float) -> None:
    with pytest.raises(ArgumentError, match="share from 0 to 1"):
        Budget(5.0).share(fraction)


class Machine:
    """Updates that take a given time each, the first one longer; adds up what it was asked."""

    def __init__(self, seconds: float, *, first: float = 0.0) -> None:
        self.seconds = seconds
        self.first = first
        self.spent = 0.0
        self.updates = 0

    def __call__(self, updates: int) -> float:
        taken = updates * self.seconds + (self.first if self.updates == 0 else 0.0)
        self.updates += updates
        self.spent += taken
        return taken


@given(
    update=st.floats(1e-4, 2.0),
    first=st.floats(0.0, 1.0),
    seconds=st.floats(5.0, 1e4),
)
@settings(max_examples=60, deadline=None)
def test_the_steps_fit_into_the_time_and_fill_most_of_it(
    update: float, first: float, seconds: float
) -> None:
    machine = Machine(update, first=first)
    steps = steps_within(seconds, machine, minimum=1, maximum=10**9)
    assert machine.spent + steps * update <= seconds or steps == 1
    # Lost: two digits cost a tenth at most, whole steps one; measuring has to be small beside.
    assert steps >= 0.9 * (seconds - machine.spent) / update - 1
    assert machine.spent <= 0.05 * seconds + first + 6 * update


def test_a_slow_first_update_does_not_lower_the_count() -> None:
    slow, fast = Machine(0.01, first=0.3), Machine(0.01)
    counts = [steps_within(100.0, m, minimum=1, maximum=10**6) for m in (slow, fast)]
    assert counts == [9700, 9700]


def test_one_disturbed_timing_does_not_lower_the_count() -> None:
    machine = Machine(0.01)

    def disturbed(updates: int) -> float:
        return machine(updates) + (0.2 if machine.updates == 9 else 0.0)

    assert steps_within(100.0, disturbed, minimum=1, maximum=10**6) == 9700


def test_a_machine_that_is_slow_for_a_moment_does_not_lower_the_count() -> None:
    machine = Machine(0.01)

    def slow_at_first(updates: int) -> float:
        return machine(updates) * (2.0 if machine.spent < 0.5 else 1.0)

    assert steps_within(100.0, slow_at_first, minimum=1, maximum=10**6) == 9700


def test_small_differences_in_speed_give_the_same_count() -> None:
    assert steps_within(100.0, Machine(0.01013), minimum=1, maximum=10**6) == 9600
    assert steps_within(100.0, Machine(0.01018), minimum=1, maximum=10**6) == 9600


@pytest.mark.parametrize(
    ("seconds", "update", "steps"),
    [(10.0, 1e-6, 500), (10.0, 5.0, 20), (0.0, 0.01, 20), (1e-9, 3.0, 20), (math.inf, 1.0, 500)],
)
def test_the_count_stays_between_its_bounds(seconds: float, update: float, steps: int) -> None:
    assert steps_within(seconds, Machine(update), minimum=20, maximum=500) == steps


def test_without_a_limit_nothing_is_measured() -> None:
    machine = Machine(1.0)
    steps_within(math.inf, machine, minimum=1, maximum=9)
    assert machine.updates == 0


@pytest.mark.parametrize(("minimum", "maximum"), [(0, 5), (6, 5)])
def test_impossible_bounds_are_refused(minimum: int, maximum: int) -> None:
    with pytest.raises(ArgumentError, match=f"minimum={minimum} and maximum={maximum}"):
        steps_within(1.0, Machine(1.0), minimum=minimum, maximum=maximum)


def ticking(step: float) -> Callable[[], float]:
    """A clock that moves by `step` whenever it is read."""
    readings = iter(range(1000))
    return lambda: step * next(readings)


def test_a_timing_leaves_no_trace_in_the_run() -> None:
    task = Regression()
    before, numbers = weights(task.module), torch.get_rng_state()
    timing = StepTiming(task, Plan(steps=5, learning_rate=1.0), clock=ticking(2.0))
    assert timing(3) == 2.0
    assert same(weights(task.module), before)
    assert torch.equal(torch.get_rng_state(), numbers)
    assert all(parameter.grad is None for parameter in task.module.parameters())


def test_a_timing_counts_the_validations_that_the_updates_will_bring() -> None:
    task = Regression(validations=lambda module: 1.0)
    plan = Plan(steps=5, evaluate_every=10, patience=2)
    assert StepTiming(task, plan, clock=ticking(2.0))(5) == 2.0 + 5 * 2.0 / 10
