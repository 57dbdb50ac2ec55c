"""What the networks of a backtest may learn from, which are trained, and for how long."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from tests.forecasting.small import untrained
from torch import nn

from holdfast.forecasting import fit
from holdfast.forecasting.backtest import BacktestData, backtest_data
from holdfast.forecasting.fit import TrainingRuns
from holdfast.forecasting.networks.design import choose_design
from holdfast.forecasting.networks.members import NetworkMember, PretrainedMember, WindowMember
from holdfast.forecasting.networks.recipes import FineTuning, FromScratch, Recipe
from holdfast.forecasting.networks.train import Timed
from holdfast.forecasting.pretrained.fine_tuning import FineTuningTask
from holdfast.records import PRETRAINED
from holdfast.tables.read import ReadOptions, read
from holdfast.training.budget import Budget
from holdfast.training.plan import Plan
from holdfast.training.progress import Interrupts, SilentProgress

HORIZON = 6


def ground(
    *, length: int = 90, folds: int = 3, later: float = 0.0, after: int | None = None
) -> BacktestData:
    """Three series; `later` is added to every value behind ordinal `after`."""
    values = np.random.default_rng(0).normal(size=(3, length)).cumsum(axis=1)
    if after is not None:
        values[:, after + 1 :] += later
    frame = pl.DataFrame(
        {
            "unique_id": np.repeat(["a", "b", "c"], length),
            "ds": np.tile(np.arange(length), 3),
            "y": values.ravel(),
        }
    )
    return backtest_data(read(frame, ReadOptions(freq="1", season=6)), HORIZON, folds=folds)


def recipes(of: BacktestData) -> list[Recipe]:
    """Both ways of training."""
    start = PretrainedMember(PRETRAINED, untrained(), HORIZON, 6, None)
    return [FineTuning(start), FromScratch(choose_design(of.training.lengths, HORIZON, 6))]


def runs(
    of: BacktestData,
    *,
    steps: int | None = 3,
    always: bool = True,
    budget: Budget | None = None,
    folder: Path | None = None,
    presses: str = "",
) -> TrainingRuns:
    interrupts = Interrupts()

    class Press(SilentProgress):
        """Presses Ctrl-C as the training of a name ends."""

        name = ""

        def start(self, total: int, description: str) -> None:
            self.name = description

        def stop(self) -> None:
            interrupts.requested = interrupts.requested or self.name == presses

    return TrainingRuns(
        data=of,
        recipes=recipes(of),
        always=always,
        seed=0,
        budget=budget or Budget.parse(None, start=time.monotonic()),
        steps=steps,
        progress=Press(),
        checkpoints=folder,
        interrupts=interrupts,
    )


def networks(members: Sequence[NetworkMember]) -> list[nn.Module]:
    found: list[nn.Module] = []
    for member in members:
        found += member.networks if isinstance(member, WindowMember) else [member.network]
    return found


def same(one: nn.Module, other: nn.Module) -> bool:
    weights, others = one.state_dict(), other.state_dict()
    return all(torch.equal(weights[name], others[name]) for name in weights)


def test_the_backtest_is_trained_on_nothing_that_is_watched_or_scored() -> None:
    made = ground()
    assert made.folds.stopping is not None
    seen, watched = made.training, made.validation
    assert watched is not None
    assert (seen.ends + HORIZON <= watched.ends).all()
    assert (watched.ends <= made.folds.scoring[0]).all()


def test_without_room_for_early_stopping_training_ends_at_the_oldest_cut_off() -> None:
    made = ground(length=20, folds=2)
    assert made.folds.stopping is None
    assert len(made.folds.scoring) == 2
    assert made.validation is None
    assert made.training.ends.tolist() == [made.folds.scoring[0]] * 3


def test_what_is_scored_changes_no_network_of_the_backtest() -> None:
    first = ground().folds.scoring[0]
    before, after = (
        networks(runs(one).before_backtest()) for one in (ground(), ground(later=50.0, after=first))
    )
    assert len(before) == 3
    for network, other in zip(before, after, strict=True):
        assert same(network, other)


def test_adapting_leaves_the_pretrained_network_as_it_was() -> None:
    made = runs(ground())
    start = untrained()
    adapted = networks(made.before_backtest())[0]
    assert not same(start, adapted)
    (recipe, _) = recipes(ground())
    assert isinstance(recipe, FineTuning)
    assert same(start, recipe.start.network)


@pytest.mark.parametrize(
    ("presses", "trained"),
    [("Backtest, Adapted", ["Adapted"]), ("Backtest, LSTM 1", ["Adapted", "LSTM"])],
)
def test_ctrl_c_ends_all_trainings_and_keeps_what_is_finished(
    presses: str, trained: list[str]
) -> None:
    made = runs(ground(), presses=presses)
    members = made.before_backtest()
    assert [member.name for member in members] == trained
    assert len(networks(members)) == len(trained)
    assert made.interrupted
    assert not made.on_everything(trained)
    assert [one.member for one in made.summaries()] == trained
    assert {one.steps for one in made.summaries()} == {3}


def test_only_what_is_worth_it_is_trained_on_everything() -> None:
    made = runs(ground())
    made.before_backtest()
    assert list(made.on_everything(["LSTM"])) == ["LSTM"]
    assert [one.member for one in made.summaries()] == ["Adapted", "LSTM"]


def test_nothing_is_trained_from_nothing_on_a_few_hundred_values_unless_asked() -> None:
    careful = runs(ground(), always=False)
    assert [member.name for member in careful.before_backtest()] == ["Adapted"]
    assert "No LSTM was trained" in careful.notes[0]
    assert "fewer than 2,000" in careful.notes[0]
    asked = runs(ground(), always=True)
    assert [member.name for member in asked.before_backtest()] == ["Adapted", "LSTM"]
    assert not asked.notes


def test_a_budget_that_is_nearly_used_begins_no_training_unless_asked() -> None:
    late = Budget(100.0, start=0.0, clock=lambda: 85.0)
    careful = runs(ground(), steps=None, always=False, budget=late)
    assert careful.before_backtest() == ()
    assert "The pretrained LSTM was not fine-tuned" in careful.notes[-1]
    assert "budget" in careful.notes[-1]
    assert careful.summaries() == ()


def test_time_that_one_kind_of_training_cannot_use_goes_to_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offered: list[float] = []

    def steps_for(task: object, plan: Plan, seconds: float) -> Timed:
        """Two seconds an update to adapt; from nothing a hundredth, so that all useful ones fit."""
        offered.append(seconds)
        pace = 2.0 if isinstance(task, FineTuningTask) else 0.01
        steps = min(plan.steps, int(seconds / pace))
        return Timed(steps, steps * pace)

    monkeypatch.setattr(fit, "steps_for", steps_for)
    monkeypatch.setattr(TrainingRuns, "_forecasting_seconds", lambda *_: 0.0)
    budget = Budget(1000.0, start=0.0, clock=lambda: 0.0)
    made = runs(ground(length=900), steps=None, always=False, budget=budget)
    monkeypatch.setattr(made, "_train_all", lambda *_: [])
    made.before_backtest()
    # From nothing: two networks, before the backtest and after it, of .6 of what is planned. They
    # take hardly any of it, so that the two trainings of the other are offered the rest, not .4.
    scratch = recipes(ground(length=900))[1]
    taken = 4 * 0.01 * scratch.useful_steps(made.data.training.values.size)
    assert 0 < taken < 0.92 * 1000 * 0.6
    assert offered == pytest.approx([0.92 * 1000 * 0.6 / 4, (0.92 * 1000 - taken) / 2])


def test_a_history_without_folds_or_windows_is_not_trained_on() -> None:
    for length in (8, 20):
        made = runs(ground(length=length))
        assert not made.possible
        assert made.before_backtest() == ()
        assert len(made.notes) == 2
        assert all("too short" in remark for remark in made.notes)


def test_a_process_that_goes_on_takes_the_step_counts_that_were_decided(tmp_path: Path) -> None:
    folder = tmp_path / "training"
    late = Budget(100.0, start=0.0, clock=lambda: 99.0)  # training ends after a second

    def killed(length: int) -> TrainingRuns:
        made = runs(
            ground(length=length),
            steps=None,
            budget=late,
            folder=folder,
            presses="Backtest, Adapted",
        )
        made.before_backtest()
        return made

    def stored() -> dict[str, Any]:
        found: dict[str, Any] = json.loads((folder / "decisions.json").read_text(encoding="utf-8"))
        return found

    killed(60)
    (checkpoint,) = folder.glob("*/manifest.json")
    assert checkpoint.parent.name == "backtest-adapted"
    shutil.rmtree(checkpoint.parent)
    assert stored()["decisions"]["Adapted"] > 2
    # Whatever this process would decide, it takes the number that is there …
    (folder / "decisions.json").write_text(json.dumps(stored() | {"decisions": {"Adapted": 2}}))
    assert killed(60).summaries()[0].steps == 2
    # … unless it is about other data.
    killed(61)
    assert stored()["decisions"]["Adapted"] > 2
