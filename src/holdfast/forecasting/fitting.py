"""From folds and simple methods to a fitted forecaster: zero-shot first, then training."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from holdfast.forecasting.evaluation.copula import Dependence
from holdfast.forecasting.evaluation.significance import PastScores
from holdfast.forecasting.evaluation.trust import about_table, hardest
from holdfast.forecasting.fitted import Fitted
from holdfast.forecasting.groundwork import Groundwork
from holdfast.forecasting.judged import Judged, Trial
from holdfast.forecasting.monitoring.anomalies import anomaly_record
from holdfast.forecasting.networks.covariates.inputs import Reading
from holdfast.forecasting.networks.design import choose_design
from holdfast.forecasting.networks.members import NetworkMember, PretrainedMember, regressed
from holdfast.forecasting.networks.recipes import (
    Adapting,
    Recipe,
    Scratch,
    ScratchWithCovariates,
    continued,
)
from holdfast.forecasting.predictor import forecast
from holdfast.forecasting.pretrained.fine_tuning import native_precision
from holdfast.forecasting.pretrained.weights import choose, shipped
from holdfast.forecasting.residuals import dependence
from holdfast.forecasting.training_runs import TrainingRuns
from holdfast.forecasting.trusted import rests_on
from holdfast.records import (
    NETWORKS,
    PRETRAINED,
    TRAINED,
    ForecastRecord,
    TrainingSummary,
    TrustRecord,
)
from holdfast.tables.series import SeriesSet
from holdfast.training.budget import Budget
from holdfast.training.progress import Interrupts, Progress
from holdfast.version import __version__

Adapt = Literal["none", "auto", "full"]
"""How far to go: zero-shot only; training where it promises something; or training in any case."""


@dataclass(frozen=True, eq=False)
class Fit:
    """What a fit came to.

    Arguments:
        ground: the table and its folds.
        judged: the backtest.
        fitted: what forecasts from now on.
        training: what was trained, one entry a member.
        remarks: what was not trained, and why, in sentences.
        seed: of the fit.
    """

    ground: Groundwork
    judged: Judged
    fitted: Fitted
    training: tuple[TrainingSummary, ...]
    remarks: tuple[str, ...]
    seed: int

    def record(
        self,
        levels: Sequence[float],
        *,
        title: str,
        command: str,
        started: float | None,
        integers: bool = False,
        series: SeriesSet | None = None,
    ) -> ForecastRecord:
        """All that a report shows.

        Arguments:
            levels: interval levels in percent.
            title: what was forecast.
            command: that made it.
            started: the reading of ``time.monotonic`` from which seconds count; None for none.
            integers: whether series of whole numbers are forecast in whole numbers.
            series: the fit's own, with what is known ahead; None where they have it.
        """
        fitted = self.fitted
        series = fitted.series if series is None else series
        made = forecast(fitted, series, levels)
        made = made.whole(series) if integers else made
        backtest = self.judged.record(self.ground, levels)
        first = np.repeat(series.starts - series.offsets[:-1], series.lengths)
        return ForecastRecord(
            title=title,
            command=command,
            created=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            version=__version__,
            seed=self.seed,
            seconds=0.0 if started is None else time.monotonic() - started,
            summary=self.ground.table.summary,
            horizon=fitted.horizon,
            labels=series.labels,
            history_offsets=series.offsets,
            history_times=series.calendar.times(first + np.arange(len(series.values))),
            history_values=series.values,
            times=made.times,
            median=made.median,
            lower=made.lower,
            upper=made.upper,
            members=made.members,
            method=made.method,
            note=made.note,
            backtest=backtest,
            training=self.training,
            remarks=self.remarks,
            mean=made.mean,
            trust=TrustRecord(
                verdicts=tuple(one.verdict for one in made.found),
                findings=tuple(one.findings for one in made.found),
                common=about_table(
                    backtest.methods if backtest else (),
                    backtest.coverage if backtest else (),
                    fitted.rule.spread.calibration.scores,
                    fitted.season,
                ),
                hard=hardest(backtest.series_mase) if backtest else (),
                rests_on=rests_on(fitted),
            ),
            anomalies=anomaly_record(fitted, series),
        )


def fit(
    ground: Groundwork,
    *,
    adapt: Adapt,
    budget: Budget,
    steps: int | None,
    seed: int,
    levels: Sequence[float] = (),
    progress: Progress,
    checkpoints: Path | None = None,
    refit: bool = True,
    first: Callable[[Fit], None] | None = None,
    start: Fitted | None = None,
) -> Fit:
    """Judge the pretrained network beside the simple methods, then train what may do better.

    What is trained is judged beside them, and trained again on everything where it has weight.

    Arguments:
        ground: from `groundwork.lay`.
        adapt: "none" trains nothing; "auto" adapts the pretrained network, and trains others from
            nothing, where data and budget promise something of it; "full" wherever it is possible.
        budget: of the whole command; its clock is already running.
        steps: updates of each network in place of the budget.
        seed: of everything random.
        levels: interval levels in percent to calibrate, beside the usual ones.
        progress: is told of every update.
        checkpoints: folder from which a fit that was killed goes on; None for none. They stay, so
            that a kill before the results are written costs nothing: `clear_checkpoints`.
        refit: whether to train on the whole history after the backtest.
        first: is given what can be forecast before anything is trained, where training follows.
        start: a model from whose networks the training on everything goes on; the backtest's begin
            as ever, since the saved ones have seen what is scored there.

    Raises:
        NonFiniteLossError: training failed; names the step and the series.
        ModelError: the pretrained network that ships is missing or damaged.
    """
    table, horizon = ground.table, ground.horizon
    season, longer = table.season, ground.long_season
    network = shipped(choose(ground.known.lengths, horizon, season, longer))
    pretrained = PretrainedMember(PRETRAINED, network, horizon, season, longer)
    trial = Trial(ground, levels, seed)
    trial.add(pretrained)
    zero: list[NetworkMember] = [pretrained]
    early = regressed(pretrained, ground.known, season)
    if early is not None:
        trial.add(early)
        zero.append(regressed(pretrained, table.series, season) or early if refit else early)
    recipes: list[Recipe] = []
    if adapt != "none":
        design = choose_design(ground.seen.lengths, horizon, season, longer)
        recipes = [Adapting(pretrained, native_precision("cpu")), Scratch(design)]
        if ground.seen.covariates is not None and len(ground.seen.values):
            recipes.append(ScratchWithCovariates(design, Reading.of(ground.seen, season)))
    begins = [continued(one, start.networks, table.series) for one in recipes] if start else []
    recipes = [recipe for recipe, _ in begins] or recipes
    with Interrupts() as interrupts:
        runs = TrainingRuns(
            ground,
            recipes,
            always=adapt == "full",
            seed=seed,
            budget=budget,
            steps=steps,
            progress=progress,
            folder=checkpoints,
            interrupts=interrupts,
        )
        runs.remarks += [sentence for _, sentence in begins if sentence]
        made = _fit(ground, trial.judged(), zero, runs, seed)
        if not runs.possible:
            return made
        if first is not None:
            first(made)
        trained = {member.name: member for member in runs.before_backtest()}
        for member in trained.values():
            trial.add(member)
        judged = trial.judged() if trained else made.judged
        # Without weight a network is shown beside the others, and neither trained again nor kept.
        weight = judged.judgement.rule.weight
        worth = {name: member for name, member in trained.items() if weight(name) > 0}
        if refit and worth and not runs.interrupted:
            worth |= runs.on_everything(worth)
        return _fit(ground, judged, [*zero, *worth.values()], runs, seed)


def _fit(
    ground: Groundwork,
    judged: Judged,
    members: Sequence[NetworkMember],
    runs: TrainingRuns,
    seed: int,
) -> Fit:
    """What there is when these networks are all; those that must earn weight and have none go."""
    rule = judged.judgement.rule
    members = [one for one in members if one.name == PRETRAINED or rule.weight(one.name) > 0]
    names = {member.name for member in members}
    fitted = Fitted(
        horizon=ground.horizon,
        season=ground.table.season,
        rule=rule.without([name for name in NETWORKS if name not in names]),
        networks=tuple(members),
        series=ground.table.series,
        names=ground.table.columns,
        dependence=Dependence.unknown(ground.horizon),
        scores=PastScores.of(
            ground.actual, judged.judgement.blend, ground.scales, ground.folds.cutoffs
        ),
        past=judged.past(ground),
    )
    untrained = replace(fitted, rule=rule.without(TRAINED), networks=tuple(members[:1]))
    together = dependence(ground, judged.judgement, untrained)
    fitted = replace(fitted, dependence=together)
    return Fit(ground, judged, fitted, runs.summaries(), (*ground.remarks, *runs.remarks), seed)
