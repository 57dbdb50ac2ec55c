"""A killed run goes on as if nothing had happened; another run's checkpoint is refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.training.killed_run import PLAN, validate
from tests.training.regression import Regression, network, same, weights

from holdfast.errors import ModelError
from holdfast.training.loop import train
from holdfast.training.plan import Plan

ROOT = Path(__file__).parents[2]


def test_a_run_killed_twice_ends_with_the_weights_of_one_that_was_not(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    # The first kill comes before the average and after a validation, the second in the average.
    for step in (15, 31):
        result = subprocess.run(
            [sys.executable, "-m", "tests.training.killed_run", str(folder), str(step)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
            check=False,
        )
        assert result.returncode == -signal.SIGKILL
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        resumed, whole = Regression(validations=validate), Regression(validations=validate)
        record = train(resumed, PLAN, folder=folder)
        expected = train(whole, PLAN)
    finally:
        torch.set_num_threads(threads)
    assert same(weights(resumed.module), weights(whole.module))
    assert (record.curve, record.validations) == (expected.curve, expected.validations)
    assert (record.best, record.weights) == (expected.best, expected.weights)
    assert record.steps == 40


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    def fail(step: int, inputs: torch.Tensor) -> torch.Tensor:
        raise AssertionError(f"step {step} was done again")

    finished, again = Regression(), Regression(poison=fail)
    plan = Plan(steps=10)
    train(finished, plan, folder=tmp_path)
    record = train(again, plan, folder=tmp_path)
    assert same(weights(finished.module), weights(again.module))
    assert (record.steps, record.stopped) == (10, "steps")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"learning_rate": 0.5}, "its plan has learning_rate 0.001, this one 0.5"),
        ({"steps": 11}, "its plan has steps 10, this one 11"),
        ({"seed": 3}, "its plan has seed 0, this one 3"),
    ],
)
def test_the_checkpoint_of_another_plan_is_refused(
    tmp_path: Path, change: dict[str, float], said: str
) -> None:
    plan = Plan(steps=10)
    train(Regression(), plan, folder=tmp_path)
    task = Regression()
    before = weights(task.module)
    with pytest.raises(ModelError, match="belongs to another run: " + said):
        train(task, replace(plan, **change), folder=tmp_path)  # type: ignore[arg-type]
    assert same(weights(task.module), before)


def test_the_checkpoint_of_other_data_is_refused(tmp_path: Path) -> None:
    train(Regression(), Plan(steps=2), folder=tmp_path, identity="sales")
    with pytest.raises(ModelError, match="other data"):
        train(Regression(), Plan(steps=2), folder=tmp_path, identity="weather")


def test_the_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    train(Regression(), Plan(steps=2), folder=tmp_path)
    wider = torch.nn.Sequential(torch.nn.Linear(4, 9), torch.nn.Linear(9, 1))
    with pytest.raises(ModelError, match="other weights or other shapes"):
        train(Regression(wider), Plan(steps=2), folder=tmp_path)


def test_how_often_checkpoints_are_written_makes_no_other_run(tmp_path: Path) -> None:
    plan = Plan(steps=10)
    train(Regression(), plan, folder=tmp_path)
    assert train(Regression(), replace(plan, checkpoint_every=0.0), folder=tmp_path).steps == 10


def test_without_resume_a_run_starts_again_and_replaces_the_checkpoint(tmp_path: Path) -> None:
    train(Regression(), Plan(steps=10, seed=4), folder=tmp_path)
    again, fresh = Regression(), Regression()
    plan = Plan(steps=10)
    train(again, plan, folder=tmp_path, resume=False)
    train(fresh, plan)
    assert same(weights(again.module), weights(fresh.module))
    assert train(again, plan, folder=tmp_path).steps == 10


def test_a_corrupt_checkpoint_is_refused(tmp_path: Path) -> None:
    train(Regression(), Plan(steps=2), folder=tmp_path)
    (arrays,) = tmp_path.glob("*.safetensors")
    arrays.write_bytes(arrays.read_bytes()[:-1])
    with pytest.raises(ModelError, match="cut short"):
        train(Regression(), Plan(steps=2), folder=tmp_path)


def stopping_at(step_to_stop: int) -> Callable[[int, torch.Tensor], torch.Tensor]:
    """Ends a run before a step, as Ctrl-C would."""

    def stop(step: int, inputs: torch.Tensor) -> torch.Tensor:
        if step == step_to_stop:
            raise KeyboardInterrupt
        return inputs

    return stop


def test_states_carried_in_buffers_come_back(tmp_path: Path) -> None:
    """A language model keeps its state in a buffer; a resumed run must see it again."""

    class Carrying(torch.nn.Module):
        state: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.layers = network()
            self.register_buffer("state", torch.zeros(()))

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            self.state.mul_(0.5).add_(inputs.mean())
            output: torch.Tensor = self.layers(inputs) + self.state
            return output

    plan = Plan(steps=12)
    whole = Regression(Carrying())
    train(whole, plan)
    train(Regression(Carrying(), poison=stopping_at(5)), plan, folder=tmp_path)
    resumed = Regression(Carrying())
    train(resumed, plan, folder=tmp_path)
    assert same(weights(whole.module), weights(resumed.module))


@pytest.mark.parametrize("at", [2, 9, 14, 20])
def test_the_average_goes_on_where_it_was(tmp_path: Path, at: int) -> None:
    plan = Plan(steps=20, average=0.7, average_every=2)
    whole, resumed = Regression(), Regression()
    train(whole, plan)
    train(Regression(poison=stopping_at(at)), plan, folder=tmp_path)
    assert train(resumed, plan, folder=tmp_path).weights == "average"
    assert same(weights(resumed.module), weights(whole.module))


def test_early_stopping_remembers_its_patience_and_the_best(tmp_path: Path) -> None:
    served = iter([5.0, 3.0, 4.0, 4.0, 4.0])
    plan = Plan(steps=100, evaluate_every=2, patience=3)
    stopped = Regression(validations=lambda module: next(served), poison=stopping_at(9))
    train(stopped, plan, folder=tmp_path)  # step 8 is the second without improvement
    resumed = Regression(validations=lambda module: next(served))
    record = train(resumed, plan, folder=tmp_path)
    assert (record.stopped, record.steps, record.best) == ("early", 10, 3.0)
    assert record.validations == ((2, 5.0), (4, 3.0), (6, 4.0), (8, 4.0), (10, 4.0))
    assert same(weights(resumed.module), weights(stopped.module))


def test_a_stretch_of_the_curve_that_was_open_goes_on(tmp_path: Path) -> None:
    plan = Plan(steps=320)  # two steps a point; the stop comes after the first of two
    train(Regression(poison=stopping_at(10)), plan, folder=tmp_path)
    assert train(Regression(), plan, folder=tmp_path).curve == train(Regression(), plan).curve
