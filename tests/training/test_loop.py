"""What a user of `train` relies on: exact repeats, no traces, no half-made weights."""

from __future__ import annotations

import random
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.regression import Regression, network, same, weights
from torch import Tensor, nn

from holdfast.errors import ArgumentError, NonFiniteLossError
from holdfast.training.loop import train
from holdfast.training.plan import Plan
from holdfast.training.progress import SilentProgress


class Recorder(SilentProgress):
    """Copies the weights after every update."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.weights: list[dict[str, Tensor]] = []
        self.losses: list[float] = []

    def advance(self, step: int, loss: float, note: str = "") -> None:
        assert step == len(self.losses) + 1
        self.weights.append(weights(self.module))
        self.losses.append(loss)


def test_training_lowers_the_loss_of_what_is_learnt() -> None:
    task = Regression(network(dropout=0.0))
    trained = train(task, Plan(steps=300, learning_rate=0.02))
    assert trained.steps == 300
    assert trained.stopped == "steps"
    assert trained.curve[-1][1] < 0.05 * trained.curve[0][1]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    tasks = [Regression() for _ in range(3)]
    for task, seed in zip(tasks, (1, 1, 2), strict=True):
        train(task, Plan(steps=20, seed=seed))
    first, again, other = (weights(task.module) for task in tasks)
    assert same(first, again)
    assert not same(first, other)


def test_the_seed_decides_dropout_too() -> None:
    """The batches are equal for both seeds here, so only dropout can make the difference."""
    inputs = torch.linspace(-1, 1, 24).reshape(6, 4)
    tasks = [Regression(poison=lambda step, batch: inputs) for _ in range(2)]
    for task, seed in zip(tasks, (1, 2), strict=True):
        train(task, Plan(steps=5, seed=seed))
    assert not same(weights(tasks[0].module), weights(tasks[1].module))


def test_global_random_numbers_are_neither_read_nor_moved() -> None:
    def states() -> tuple[object, ...]:
        legacy = np.random.get_state(legacy=False)  # noqa: NPY002  # what is watched
        return random.getstate(), str(legacy), torch.get_rng_state().tolist()

    results = []
    for seed in (1, 2):
        task = Regression(validations=lambda module: float(module(torch.ones(1, 4))))
        random.seed(seed)
        torch.manual_seed(seed)
        before = states()
        train(task, Plan(steps=12, evaluate_every=4, patience=5))
        assert states() == before
        results.append(weights(task.module))
    assert same(*results)


def test_every_submodule_is_left_in_the_mode_it_was_in() -> None:
    task = Regression()
    task.module.eval()
    task.module[3].train()  # type: ignore[index]
    seen: list[tuple[bool, bool]] = []

    def validate(module: nn.Module) -> float:
        seen.append((module[3].training, torch.is_grad_enabled()))  # type: ignore[index]
        return 1.0

    task.validations = validate
    train(task, Plan(steps=4, evaluate_every=2, patience=9, average=0.0))
    assert seen == [(False, False), (False, False)]
    assert [part.training for part in task.module.children()] == [False] * 3 + [True, False]


def test_the_result_is_the_mean_of_the_late_weights() -> None:
    task = Regression()
    recorder = Recorder(task.module)
    trained = train(task, Plan(steps=20, average=0.5, average_every=3), progress=recorder)
    assert trained.weights == "average"
    late = [recorder.weights[step - 1] for step in (11, 14, 17, 20)]
    for name, tensor in task.module.state_dict().items():
        total = sum((w[name].double() for w in late), start=torch.zeros((), dtype=torch.float64))
        # Sums of four float32 numbers in float64 are exact to far below a float32 digit.
        assert torch.equal(tensor, (total / 4).float())


def test_without_an_average_the_result_is_the_last_weights() -> None:
    task = Regression()
    recorder = Recorder(task.module)
    trained = train(task, Plan(steps=7, average=0.0), progress=recorder)
    assert trained.weights == "last"
    assert same(weights(task.module), recorder.weights[-1])


def test_early_stopping_stops_and_gives_the_best_weights_back() -> None:
    served = iter([5.0, 3.0, 4.0, 3.5, 6.0, 1.0])
    task = Regression(validations=lambda module: next(served))
    recorder = Recorder(task.module)
    trained = train(task, Plan(steps=1000, evaluate_every=2, patience=3), progress=recorder)
    assert (trained.stopped, trained.steps, trained.best) == ("early", 10, 3.0)
    assert trained.validations == ((2, 5.0), (4, 3.0), (6, 4.0), (8, 3.5), (10, 6.0))
    assert trained.weights == "best"
    assert same(weights(task.module), recorder.weights[3])


def test_training_stops_at_its_goal_and_not_before() -> None:
    served = iter([5.0, 2.0, 1.0, 0.5])
    task = Regression(validations=lambda module: next(served))
    plan = Plan(steps=1000, evaluate_every=2, patience=1000, goal=1.0, average=0.0)
    trained = train(task, plan)
    assert (trained.stopped, trained.steps, trained.best) == ("goal", 6, 1.0)
    assert "goal" not in Plan(steps=1).identity()  # checkpoints from before there were goals


@pytest.mark.parametrize(("average_loss", "taken"), [(0.5, "average"), (9.0, "best")])
def test_with_early_stopping_validation_decides_about_the_average(
    average_loss: float, taken: str
) -> None:
    served = iter([3.0, 1.0, 2.0, average_loss])
    task = Regression(validations=lambda module: next(served))
    recorder = Recorder(task.module)
    plan = Plan(steps=6, evaluate_every=2, patience=9, average=0.5, average_every=1)
    trained = train(task, plan, progress=recorder)
    assert trained.weights == taken
    assert trained.best == min(average_loss, 1.0)
    assert same(weights(task.module), recorder.weights[3]) == (taken == "best")


def test_validations_that_are_not_finite_never_win() -> None:
    served = iter([float("nan"), 2.0, float("nan"), float("inf")])
    task = Regression(validations=lambda module: next(served))
    recorder = Recorder(task.module)
    plan = Plan(steps=1000, evaluate_every=1, patience=2, average=0.0)
    trained = train(task, plan, progress=recorder)
    assert (trained.steps, trained.best) == (4, 2.0)
    assert same(weights(task.module), recorder.weights[1])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_a_loss_that_is_not_finite_names_step_and_row_and_leaves_the_weights(value: float) -> None:
    def poison(step: int, inputs: Tensor) -> Tensor:
        if step == 4:
            inputs[2, 1] = value
        return inputs

    task = Regression(poison=poison)
    recorder = Recorder(task.module)
    with pytest.raises(NonFiniteLossError) as caught:
        train(task, Plan(steps=10), progress=recorder)
    assert (caught.value.step, caught.value.names) == (4, ("row 2",))
    assert same(weights(task.module), recorder.weights[2])
    assert all(parameter.grad is None for parameter in task.module.parameters())
    assert task.module.training


class Overflowing(Regression):
    """Row 1 has a loss of 0 whose gradient is beyond float32 at step 3."""

    def losses(self, module: nn.Module, batch: Tensor) -> Tensor:
        losses = super().losses(module, batch)
        if batch[0, 0] != 7.0:
            return losses
        scale = torch.tensor([1.0, 1e30, 1.0, 1.0, 1.0, 1.0])
        first: Tensor = module[0].weight[0, 0]  # type: ignore[index]
        return losses + (first - first.detach()) * scale * scale


def test_a_gradient_that_is_not_finite_names_step_and_row_and_leaves_the_weights() -> None:
    def poison(step: int, inputs: Tensor) -> Tensor:
        inputs[0, 0] = 7.0 if step == 3 else 0.0
        return inputs

    task = Overflowing(poison=poison)
    recorder = Recorder(task.module)
    with pytest.raises(NonFiniteLossError) as caught:
        train(task, Plan(steps=10), progress=recorder)
    assert (caught.value.step, caught.value.names) == (3, ("row 1",))
    assert same(weights(task.module), recorder.weights[1])


def test_the_gradient_is_clipped_to_the_norm_of_the_plan() -> None:
    """At betas of 0 an update is rate × g / (|g| + 1e-8): 1/2 where the clipped g is 1e-8."""
    module = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(module.weight)
    task = Regression(module)
    task.losses = lambda module, batch: 1e4 * module(torch.ones(1, 1))[:, 0]  # type: ignore[method-assign]
    plan = Plan(
        steps=1, learning_rate=1.0, clip=1e-8, betas=(0.0, 0.0), weight_decay=0.0, warmup=0.0
    )
    train(task, plan)
    assert module.weight.item() == pytest.approx(-0.5, rel=1e-3)
    nn.init.zeros_(module.weight)
    train(task, replace(plan, clip=None))
    assert module.weight.item() == pytest.approx(-1.0, rel=1e-3)


def test_the_curve_covers_every_step_once() -> None:
    task = Regression()
    recorder = Recorder(task.module)
    curve = train(task, Plan(steps=403), progress=recorder).curve
    assert 100 <= len(curve) <= 210
    assert [step for step, _ in curve][-1] == 403
    first = 0
    for step, loss in curve:
        assert loss == pytest.approx(float(np.mean(recorder.losses[first:step])), rel=1e-12)
        first = step


def test_past_the_deadline_no_update_begins() -> None:
    task = Regression()
    before = weights(task.module)
    trained = train(task, Plan(steps=10), deadline=time.monotonic() - 1.0)
    assert (trained.stopped, trained.steps, trained.weights) == ("budget", 0, "last")
    assert same(weights(task.module), before)


def test_a_module_without_anything_to_train_is_refused() -> None:
    task = Regression(network().requires_grad_(False))
    with pytest.raises(ArgumentError, match="nothing to train"):
        train(task, Plan(steps=1))


class PressCtrlC(Recorder):
    """Presses Ctrl-C while the loop is in the middle of its work, after some step."""

    def __init__(self, module: nn.Module, after: int) -> None:
        super().__init__(module)
        self.after = after

    def advance(self, step: int, loss: float, note: str = "") -> None:
        super().advance(step, loss, note)
        if step == self.after:
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_ends_the_run_after_the_update_and_gives_the_best_so_far() -> None:
    served = iter([3.0, 1.0, 2.0])
    task = Regression(validations=lambda module: next(served))
    recorder = PressCtrlC(task.module, after=7)
    plan = Plan(steps=100, evaluate_every=2, patience=9)
    trained = train(task, plan, progress=recorder)
    assert (trained.stopped, trained.steps, trained.best) == ("interrupted", 7, 1.0)
    assert same(weights(task.module), recorder.weights[3])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_inside_an_update_waits_for_its_end() -> None:
    def poison(step: int, inputs: Tensor) -> Tensor:
        if step == 3:
            signal.raise_signal(signal.SIGINT)
        return inputs

    interrupted, whole = Regression(poison=poison), Regression()
    recorder = Recorder(whole.module)
    plan = Plan(steps=10, average=0.0)
    trained = train(interrupted, plan)
    train(whole, plan, progress=recorder)
    assert (trained.stopped, trained.steps) == ("interrupted", 3)
    assert same(weights(interrupted.module), recorder.weights[2])


def test_ctrl_c_after_the_last_update_is_not_lost() -> None:
    task = Regression()
    trained = train(task, Plan(steps=5), progress=PressCtrlC(task.module, after=5))
    assert (trained.stopped, trained.steps) == ("interrupted", 5)


def test_a_second_ctrl_c_gets_out_at_once() -> None:
    def poison(step: int, inputs: Tensor) -> Tensor:
        if step == 3:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        return inputs

    with pytest.raises(KeyboardInterrupt):
        train(Regression(poison=poison), Plan(steps=10))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_task_that_raises_keyboard_interrupt_ends_the_run_before_its_update() -> None:
    def poison(step: int, inputs: Tensor) -> Tensor:
        if step == 4:
            raise KeyboardInterrupt
        return inputs

    task = Regression(poison=poison)
    recorder = Recorder(task.module)
    trained = train(task, Plan(steps=10, average=0.0), progress=recorder)
    assert (trained.stopped, trained.steps) == ("interrupted", 3)
    assert same(weights(task.module), recorder.weights[2])


def test_an_interrupted_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    interrupted, whole = Regression(), Regression()
    plan = Plan(steps=20)
    press = PressCtrlC(interrupted.module, after=9)
    train(interrupted, plan, folder=tmp_path / "run", progress=press)
    trained = train(interrupted, plan, folder=tmp_path / "run")
    curve = train(whole, plan).curve
    assert (trained.stopped, trained.steps, trained.curve) == ("steps", 20, curve)
    assert same(weights(interrupted.module), weights(whole.module))


def test_training_works_outside_the_main_thread() -> None:
    steps: list[int] = []
    task = Regression()
    thread = threading.Thread(target=lambda: steps.append(train(task, Plan(steps=3)).steps))
    thread.start()
    thread.join()
    assert steps == [3]
