"""Results of a forecast: backtest, intervals, trust, anomalies, totals, and what was trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.generic]
"""Timestamps: datetime64[ns], or int64 where time is a counter."""

Floats = NDArray[np.float64]


PRETRAINED: Final = "Pretrained"
"""The member that ships with Holdfast and has seen none of the user's series."""

ADAPTED: Final = "Adapted"
"""The same network after fine-tuning on the user's series."""

LSTM: Final = "LSTM"
"""The network that is trained on the user's series alone."""

PRETRAINED_X: Final = "PretrainedX"
"""The pretrained network around a regression on covariates; X as in ARIMAX."""

LSTM_X: Final = "LSTMX"
"""The network that is trained on the user's series alone and reads their covariates."""

NETWORKS: Final = (PRETRAINED, PRETRAINED_X, ADAPTED, LSTM, LSTM_X)
"""The members that are networks, in the order in which they are shown; all others are simple."""

TRAINED: Final = (LSTM_X, PRETRAINED_X, LSTM, ADAPTED)
"""The members that learn from the user's series, so that each must prove that it helps.

Those that read covariates first: they go where the others are as good without."""

WITH_COVARIATES: Final = (PRETRAINED_X, LSTM_X)
"""The members that read covariates; there are none where a table has none."""


@dataclass(frozen=True, eq=False)
class RunRecord:
    """What was run, when, and for how long."""

    title: str  # what was read, usually the file's name
    command: str  # the command that made it; "" from Python
    created: str  # date and time, ISO 8601
    version: str  # of Holdfast
    seed: int  # of the run
    seconds: float  # from start to end


@dataclass(frozen=True, eq=False)
class AnomalyRecord:
    """n values outside what was expected one step before them, the farthest first."""

    level: float  # of the intervals, in percent: about as many ordinary values lie inside
    scored: int  # how many values were looked at
    calibrated: bool  # whether there were enough of them for the level
    series: NDArray[np.int64]  # (n,) indices of series
    # (n,) which point of the series' history, from its end: 0 is the last
    places: NDArray[np.int64]
    values: Floats  # values, lower, upper: (n,) what came, and the bounds of what was expected
    lower: Floats
    upper: Floats
    scores: Floats  # (n,) distance from the forecast in half-widths, negative below it


@dataclass(frozen=True, eq=False)
class TotalsRecord:
    """T totals, with intervals of their own."""

    by: str  # the column that groups the series; "" where each is by itself
    over: str  # the period that was added up over; "" where each timestamp is by itself
    labels: tuple[str, ...]  # (T,) the group of each total
    times: tuple[str, ...]  # (T,) the first timestamp of its period, as text
    median: Floats  # median, mean: (T,); the mean is the sum of the means of the parts
    mean: Floats
    lower: Mapping[float, Floats]  # lower, upper: level in percent → (T,)
    upper: Mapping[float, Floats]
    note: tuple[str, ...]  # (T,) why a total is not the whole one; "" where it is

    @property
    def partial(self) -> int:
        """How many of them are not whole."""
        return sum(bool(note) for note in self.note)


TRUST: Final = "trust"
"""Nothing speaks against a forecast."""

CARE: Final = "care"
"""One reason to look at a forecast before using it."""

DISTRUST: Final = "do not trust"
"""A grave reason not to use a forecast, or several."""


@dataclass(frozen=True)
class TrustRecord:
    """Which forecasts to trust, and what they rest on.

    Example:
        >>> record = TrustRecord(("trust", "care"), ((), ("the last 9 values are missing",)))
        >>> record.count("care"), record.series("care")
        (1, [1])
    """

    verdicts: tuple[str, ...]  # (N,) of each series: `TRUST`, `CARE` or `DISTRUST`
    # (N,) why, a phrase a reason; nothing for series to trust
    findings: tuple[tuple[str, ...], ...]
    # what is true of all series, in sentences: intervals that are not calibrated, a blend that was
    # worse than simple methods
    common: tuple[str, ...] = ()
    # indices of the series that were hardest to forecast, the hardest first; only those that stand
    # out
    hard: tuple[int, ...] = ()
    # what the forecasts rest on, in sentences: the weights of the members, and how far back each
    # looks
    rests_on: tuple[str, ...] = ()

    def count(self, verdict: str) -> int:
        """How many series have a verdict."""
        return self.counts.get(verdict, 0)

    @property
    def counts(self) -> dict[str, int]:
        """Verdict → how many series have it."""
        return dict(Counter(self.verdicts))

    def series(self, verdict: str) -> list[int]:
        """The indices of the series that have a verdict."""
        return [index for index, found in enumerate(self.verdicts) if found == verdict]


@dataclass(frozen=True)
class TableSummary:
    """What was understood of a table before anything was forecast."""

    # series, rows, gaps: how many series, observed values, and grid points without a value
    series: int
    rows: int
    gaps: int
    first: str  # first, last: the earliest and the latest timestamp, as text
    last: str
    shortest: int  # shortest, longest: fewest and most grid points of a series
    longest: int
    frequency: str  # in words and as a code, for example "monthly, month start (MS)"
    season: int  # grid points of one season; 1 where there is none
    messages: tuple[str, ...] = ()  # what was guessed, dropped or flagged, one sentence each


@dataclass(frozen=True)
class MethodScore:
    """Out-of-fold scores of one method, means over series, folds and steps."""

    method: str  # "holdfast" (the blend) or a member's name
    mase: float  # mean absolute error in units of the in-sample seasonal naive error
    smape: float  # symmetric mean absolute percentage error as in M4, 0 to 200
    # the member's weight in the final blend; None for the blend itself and for methods that are
    # shown but not blended
    weight: float | None = None


@dataclass(frozen=True)
class LevelCoverage:
    """How intervals of one level did out of fold."""

    level: float  # nominal coverage in percent, 90 for 90 %
    coverage: float  # observed share inside, 0 to 1
    width: float  # mean width in units of the in-sample seasonal naive error
    scores: int  # independent scores behind the calibration
    calibrated: bool  # False where there are fewer than the level needs


@dataclass(frozen=True)
class TrainingSummary:
    """What was trained for one member, and for how long."""

    member: str  # "Adapted" (the pretrained network, fine-tuned) or "LSTM" (trained from nothing)
    parameters: int  # weights of one network
    networks: int  # networks averaged in the member
    steps: int  # updates of each network; the same number before and after the backtest
    seconds: float  # wall-clock seconds of all training
    # context, patch, hidden, layers: the network's reach and size, in grid points and units
    context: int
    patch: int
    hidden: int
    layers: int
    # curve_steps, curve_loss: the training loss along the way (scaled pinball loss)
    curve_steps: tuple[int, ...]
    curve_loss: tuple[float, ...]
    stopped: str  # why training ended: "budget", "steps", "early", "interrupted"


@dataclass(frozen=True, eq=False)
class FoldRecord:
    """One fold of a backtest: what was forecast at a cut-off and what came."""

    cutoff: str  # the last timestamp that the forecasts have seen, as text
    series: NDArray[np.int64]  # (n,) indices of the series in this fold
    times: Times  # (n, K) timestamps of the horizon
    actual: Floats  # (n, K) what came; NaN for gaps
    median: Floats  # (n, K) the blend, out of fold
    lower: Mapping[float, Floats]  # lower, upper: level → (n, K) bounds, out of fold
    upper: Mapping[float, Floats]
    members: Mapping[str, Floats]  # member → (n, K)


@dataclass(frozen=True, eq=False)
class BacktestRecord:
    """Everything a backtest measured."""

    methods: tuple[MethodScore, ...]  # one row for the blend and each member, the blend first
    coverage: tuple[LevelCoverage, ...]  # one row for each level
    folds: tuple[FoldRecord, ...]  # the folds, oldest first
    # series_mase, series_mase_naive: (N,) mean MASE of the blend and of seasonal naive; NaN for
    # series in no fold
    series_mase: Floats
    series_mase_naive: Floats
    step_mase: Floats  # (K,) mean MASE of the blend at each step of the horizon
    step_coverage: Mapping[float, Floats]  # level → (K,) share inside at each step
    verdict: tuple[str, ...]  # what follows, in sentences: weights, significance, calibration


@dataclass(frozen=True, eq=False)
class ForecastRecord(RunRecord):
    """A forecast with all that a person needs to judge it."""

    summary: TableSummary  # what was understood of the table
    horizon: int  # steps
    labels: tuple[str, ...]  # N series names
    # (N + 1,); series i is history_values[offsets[i]:offsets[i + 1]]
    history_offsets: NDArray[np.int64]
    history_times: Times  # history_times, history_values: flat; values NaN for gaps
    history_values: Floats
    times: Times  # (N, K) timestamps of the forecast
    median: Floats  # (N, K)
    lower: Mapping[float, Floats]  # lower, upper: level (80.0, 90.0 …) → (N, K)
    upper: Mapping[float, Floats]
    members: Mapping[str, Floats]  # member → (N, K)
    method: tuple[str, ...]  # (N,) text, what made each series' forecast
    note: tuple[str, ...]  # (N,) text, warnings for each series; "" where there is nothing to say
    backtest: BacktestRecord | None  # None where every series was too short for one
    training: tuple[TrainingSummary, ...]  # what was trained, one entry a member
    remarks: tuple[str, ...] = ()  # what was not trained, and why, in sentences
    mean: Floats | None = None  # (N, K) where series count something; None elsewhere
    trust: TrustRecord | None = None  # which forecasts to trust, and what they rest on
    totals: TotalsRecord | None = None  # of groups and periods, where they were asked for
    # values of the past that were not expected; None where there are too many values to look at, or
    # too few
    anomalies: AnomalyRecord | None = None
