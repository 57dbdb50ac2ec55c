"""Recurrent networks as forecasters of one table, on the same folds, beside the simple methods."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from holdfast.errors import ArgumentError, ModelError, TableError
from holdfast.forecasting.backtest import BacktestData, backtest_data
from holdfast.forecasting.evaluation.metrics import mean_observed, scaled_error
from holdfast.forecasting.networks.design import Design, choose_design
from holdfast.forecasting.networks.members import forecast_quantiles
from holdfast.forecasting.networks.model import ForecastNetwork
from holdfast.forecasting.networks.train import NetworkTask, fit_network, network_plan, steps_for
from holdfast.lens.compare.models import (
    MODELS,
    REMEMBER,
    ModelName,
    check_models,
    layer_of,
    weights_of,
)
from holdfast.records import Floats, ForecastComparison
from holdfast.storage import digest, local_time, write_text_atomically
from holdfast.tables.read import Table
from holdfast.training.budget import Budget
from holdfast.training.progress import Interrupts, Progress, SilentProgress
from holdfast.training.seed import seeded, torch_seed
from holdfast.version import __version__

RUNS: Final = "forecasters.json"

RATES: Final = (1e-3, 2e-3, 4e-3)
"""Learning rates that every model tries."""

MOST_UPDATES: Final = 2000
_TRIAL_SEED: Final = 10**6


@dataclass(frozen=True)
class _Run:
    """A network to train: a trial of a learning rate, or one of the seeds."""

    model: ModelName
    seed: int
    rate: float
    updates: int

    @property
    def key(self) -> str:
        return f"{self.model}, seed {self.seed}, rate {self.rate:g}, {self.updates} updates"


def compare_forecasters(
    table: Table,
    horizon: int,
    folder: str | Path | None = None,
    *,
    models: Sequence[ModelName] = MODELS,
    seeds: int = 3,
    budget: Budget | str | float | None = None,
    updates: int | None = None,
    title: str = "",
    progress: Progress | None = None,
    interrupts: Interrupts | None = None,
    command: str = "",
) -> ForecastComparison:
    """Train each model on a table, alike, and score it where the simple methods are scored.

    All have the same design, about as many weights and as many updates. Each tries the same
    learning rates for half of the updates; the one with the least loss on the horizon kept for
    stopping is taken, the middle one where there is no such horizon. The budget becomes a number of
    updates once, which is stored: a comparison that was killed goes on with it.

    Arguments:
        table: from `holdfast.tables.read.read`.
        horizon: steps to forecast.
        folder: gets ``forecasters.json``, and checkpoints while a run is under way; None for none.
        models: which.
        seeds: networks of each model, beside the trials.
        budget: for all trainings together; None for `MOST_UPDATES` updates each.
        updates: of each run at most, in place of the budget.
        title: of the record.
        progress, interrupts: as in `holdfast.training.loop.train`.
        command: for the page.

    Returns:
        The record; seeds that not every model has, since Ctrl-C came, are left out.

    Raises:
        ArgumentError: a number is out of range.
        TableError: the series are too short to score anything.
        ModelError: the folder holds a comparison of another table.
        InputError: the folder cannot be written.
    """
    check_models(models)
    if seeds < 1 or (updates is not None and updates < 1):
        raise ArgumentError("seeds and updates must be whole numbers from 1.")
    limit = budget if isinstance(budget, Budget) else Budget.parse(budget)
    data = backtest_data(table, horizon)
    if not data.folds.scoring:
        raise TableError(f"Nothing can be scored: {data.folds.reason}")
    work = _Comparison(data, None if folder is None else Path(folder), models)
    with Interrupts() if interrupts is None else nullcontext(interrupts) as watch:
        work.run_all(seeds, updates, limit, progress or SilentProgress(), watch)
    return work.record(seeds, title, command)


class _Comparison:
    """A comparison under way: what was decided, and the score of every run by its key."""

    def __init__(
        self, data: BacktestData, folder: Path | None, models: Sequence[ModelName]
    ) -> None:
        self.data, self.folder, self.models = data, folder, tuple(models)
        season = data.table.season
        self.design = choose_design(data.training.lengths, data.horizon, season, data.long_season)
        described = repr((self.design, data.horizon, season))
        self.identity = digest(described, *data.table.series.arrays)
        self.updates = 0
        self.scores: dict[str, float] = {}
        path = None if folder is None else folder / RUNS
        if path is not None and path.exists():
            self._read(path)

    def _read(self, path: Path) -> None:
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            identity, self.updates = str(found["identity"]), int(found["updates"])
            self.scores = {str(key): float(score) for key, score in found["scores"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"{path} is no comparison of ours; choose another folder.") from error
        if identity != self.identity:
            raise ModelError(f"{path} is a comparison on another table; choose another folder.")

    def _write(self) -> None:
        if self.folder is not None:
            content = {"identity": self.identity, "updates": self.updates, "scores": self.scores}
            write_text_atomically(self.folder / RUNS, json.dumps(content, indent=1))

    def trials(self, model: ModelName) -> list[_Run]:
        if self.data.validation is None:
            return []
        half = max(1, self.updates // 2)
        return [_Run(model, _TRIAL_SEED, rate, half) for rate in RATES]

    def runs(self, model: ModelName, seeds: int) -> list[_Run]:
        trials = self.trials(model)
        if any(trial.key not in self.scores for trial in trials):
            return []
        rate = RATES[1]
        if trials:
            rate = min(trials, key=lambda trial: self.scores[trial.key]).rate
        return [_Run(model, seed, rate, self.updates) for seed in range(seeds)]

    def run_all(
        self, seeds: int, updates: int | None, limit: Budget, progress: Progress, watch: Interrupts
    ) -> None:
        if not self.updates or updates is not None:
            self.updates = updates or self._decide_updates(seeds, limit)
            self._write()
        for model in self.models:
            for trial in self.trials(model):
                if not self._done(trial, progress, watch):
                    return
        for seed in range(seeds):
            for model in self.models:
                if not self._done(self.runs(model, seeds)[seed], progress, watch):
                    return

    def _decide_updates(self, seeds: int, limit: Budget) -> int:
        """As many updates for each as the budget has room for."""
        if limit.seconds is None:
            return MOST_UPDATES
        plan = network_plan(self.design, MOST_UPDATES, 0, stop_early=False)
        share = 0.05 * limit.remaining() / len(self.models)
        seconds_each = []
        for model in self.models:
            timed = steps_for(ComparedTask(model, self.data, self.design, 0), plan, share)
            seconds_each.append(timed.seconds / timed.steps)
        trials = 0 if self.data.validation is None else len(RATES) / 2
        seconds = sum(seconds_each) * (seeds + trials)
        return int(np.clip(0.9 * limit.remaining() / seconds, 1, MOST_UPDATES))

    def _done(self, one: _Run, progress: Progress, interrupts: Interrupts) -> bool:
        """Train a run that has no score yet; False where Ctrl-C came."""
        if one.key in self.scores:
            return True
        task = ComparedTask(one.model, self.data, self.design, one.seed)
        stops = self.data.validation is not None
        plan = network_plan(self.design, one.updates, one.seed, stop_early=stops)
        name = one.key.replace(" ", "-").replace(",", "")
        checkpoints = None if self.folder is None else self.folder / "training" / name
        trained = fit_network(
            task,
            replace(plan, learning_rate=one.rate),
            progress=progress,
            description=one.key,
            folder=checkpoints,
            identity=f"{self.identity} {one.key}",
            deadline=None,
            interrupts=interrupts,
        )
        if trained.stopped == "interrupted":
            return False
        if one.seed == _TRIAL_SEED:
            loss = trained.best
            self.scores[one.key] = float("inf") if loss is None else loss
        else:
            self.scores[one.key] = self._score(task.module)
        self._write()
        if checkpoints is not None:
            shutil.rmtree(checkpoints, ignore_errors=True)
        return True

    def _score(self, network: ForecastNetwork) -> float:
        """MASE of the medians, over all folds."""
        series = self.data.table.series
        forecasts = [
            forecast_quantiles([network], self.design, series.cut(cutoff))
            for cutoff in self.data.folds.scoring
        ]
        medians = np.stack([quantiles[..., quantiles.shape[-1] // 2] for quantiles in forecasts])
        return float(mean_observed(scaled_error(self.data.actual, medians, self.data.scales)))

    def record(self, seeds: int, title: str, command: str) -> ForecastComparison:
        """Of the seeds that every model has."""
        found = np.full((len(self.models), seeds), np.nan)
        for row, model in enumerate(self.models):
            for column, one in enumerate(self.runs(model, seeds)):
                found[row, column] = self.scores.get(one.key, np.nan)
        found = found[:, ~np.isnan(found).any(axis=0)]
        if not found.shape[1]:
            raise ArgumentError(
                "No seed has been trained for every model yet; give the command again to go on."
            )
        order = np.argsort(np.median(found, axis=1), kind="stable")
        names = tuple(self.models[int(row)] for row in order)
        with seeded(torch_seed(0, "sizes"), torch.device("cpu")):
            sizes = tuple(weights_of(compared_network(name, self.design)) for name in names)
        simple = {score.method: score.mase for score in self.data.scores()}
        return ForecastComparison(
            title=title or "Forecasters",
            created=local_time(),
            version=__version__,
            command=command,
            models=names,
            parameters=sizes,
            scores=found[order],
            simple=simple,
            findings=forecast_findings(names, found[order], simple, self.updates),
        )


class Recurrence(nn.Module):
    """Any recurrent layer of H `units` in the place of an LSTM: `size` numbers in and out."""

    def __init__(self, model: ModelName, size: int, units: int, timescale: float) -> None:
        super().__init__()
        self.layer = layer_of(model, size, units, timescale)
        self.out = nn.Identity() if units == size else nn.Linear(units, size, bias=False)

    def forward(self, state: Tensor) -> tuple[Tensor, None]:
        """(P, B, size) from (P, B, size), as a layer and without its final states."""
        return self.out(self.layer(state)[0]), None


class ComparedTask(NetworkTask):
    """A forecasting network whose recurrent layers are those of a model."""

    def __init__(self, model: ModelName, data: BacktestData, design: Design, seed: int) -> None:
        self.model = model
        super().__init__(design, data.training, data.validation, seed)

    def _new_network(self) -> ForecastNetwork:
        return compared_network(self.model, self.design)


def compared_network(model: ModelName, design: Design) -> ForecastNetwork:
    """The forecasting network of a design, with a model's layers and as many weights."""
    network, size = ForecastNetwork(design), design.hidden
    timescale = float(max(design.context // design.patch, 2))
    target = 4 * size * (2 * size + 2)
    blocks = {"plain RNN": 1, "GRU": 3}.get(model, 4)

    def off(units: int) -> int:
        out = 0 if units == size else units * size
        return abs(blocks * units * (size + units + 2) + out - target)

    units = min(range(1, 4 * size), key=off)
    network.recurrent = nn.ModuleList(
        Recurrence(model, size, units, timescale) for _ in range(design.layers)
    )
    return network


def forecast_findings(
    models: Sequence[str], scores: Floats, simple: dict[str, float], updates: int
) -> tuple[str, ...]:
    """What the scores (models, seeds) say, in sentences; the best model comes first."""
    middle = np.median(scores, axis=1)
    seeds = scores.shape[1]
    found = [f"{models[0]} came first: MASE {middle[0]:.3f}, after at most {updates:,} updates."]
    best, score = min(simple.items(), key=lambda item: item[1])
    better = [model for model, mase in zip(models, middle, strict=True) if mase < score]
    if better:
        found.append(f"Better than {best} (MASE {score:.3f}): {'; '.join(better)}.")
    else:
        found.append(
            f"No network was better than {best} (MASE {score:.3f}) in the median of its seeds."
        )
    if REMEMBER in models and models[0] != REMEMBER:
        ours = list(models).index(REMEMBER)
        overlap = scores[ours].min() <= scores[0].max()
        spread = ", within" if overlap else ", outside"
        spread = f"{spread} the spread of the seeds" if seeds >= 3 else ""
        found.append(
            f"The LSTM that starts to remember was not first: MASE {middle[ours]:.3f}{spread}."
        )
    if seeds < 3:
        found.append("Fewer than three seeds say little about which of two networks is better.")
    return tuple(found)
