"""AutoETS, AutoTheta and the mean of our simple methods on every problem.

    python benchmarks/statistical.py --data ../shared/data --keep ../forecasts

Runs in an environment of its own: pip install -e . statsforecast.

AutoETS and AutoTheta are statsforecast's, with the season given and everything else left as it
is: the best model by AICc (by in-sample error for Theta), refitted at every origin, with normal
intervals; their mean is the point forecast and the median. Both want full histories, so gaps are
filled on a straight line. AutoETS knows no season of more than 24 points and leaves it out.
On ETTh1 they see the last 1,008 hours (six weeks), about what M4's hourly series have:
with 11,520 hours AutoTheta takes a minute a series and origin.

"Mean" is `forecast_simple(…)["Mean"]`, of seasonal naive, Theta and damped exponential smoothing;
it has no intervals.

All compute on one thread; their seconds are those of the processor, so that other programs beside
them do not count.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from comparison import DECILES, Forecasts, Peer, compare, parser
from problems import COLLECTIONS, Problem, long_columns
from statsforecast import StatsForecast
from statsforecast.models import AutoETS, AutoTheta, SeasonalNaive

from holdfast.forecasting.baselines import forecast_simple
from holdfast.tables.series import SeriesSet

LEVELS = (20, 40, 60, 80, 95)
REACH = 1008
"""Hours of history on ETTh1."""


def every_history(problem: Problem, reach: int | None) -> SeriesSet:
    """One series an origin and series, origins outermost, without gaps."""
    starts, rows = [], []
    for history in problem.histories():
        for index in range(len(history)):
            values = history.one(index)[-reach:] if reach else history.one(index)
            starts.append(int(history.ends[index]) - len(values) + 1)
            rows.append(filled(values))
    numbered = {str(number): row for number, row in enumerate(rows)}
    together = SeriesSet.from_arrays(numbered, problem.series.calendar)
    return replace(together, starts=np.asarray(starts, dtype=np.int64))


def filled(values: np.ndarray) -> np.ndarray:
    """Gaps as points on a straight line between their neighbours."""
    seen = np.flatnonzero(np.isfinite(values))
    return np.interp(np.arange(len(values)), seen, values[seen])


def statsforecast(model: AutoETS | AutoTheta, reach: int | None, problem: Problem) -> Forecasts:
    """Fit and forecast each series from each origin."""
    frame = pd.DataFrame(long_columns(every_history(problem, reach)))
    fallback = SeasonalNaive(season_length=problem.season)
    begin = time.process_time()
    forecaster = StatsForecast(models=[model], freq=1, n_jobs=1, fallback_model=fallback)
    made = forecaster.forecast(df=frame, h=problem.horizon, level=list(LEVELS))
    seconds = time.process_time() - begin
    made = made.sort_values(["unique_id", "ds"])

    def column(suffix: str) -> np.ndarray:
        return made[f"{model.alias}{suffix}"].to_numpy(dtype=float).reshape(problem.actual.shape)

    def quantile(share: float) -> np.ndarray:
        level = round(abs(200 * share - 100))
        return column("" if level == 0 else f"-{'lo' if share < 0.5 else 'hi'}-{level}")

    return Forecasts(
        point=column(""),
        quantiles=np.stack([quantile(share) for share in DECILES]),
        outer=np.stack([column("-lo-95"), column("-hi-95")]),
        train_seconds=seconds,
        predict_seconds=0.0,
    )


def simple_mean(problem: Problem) -> Forecasts:
    """The mean of our simple methods."""
    begin = time.process_time()
    made = [
        forecast_simple(history, problem.season, problem.horizon)["Mean"]
        for history in problem.histories()
    ]
    return Forecasts(np.stack(made), None, None, time.process_time() - begin, 0.0)


def peers(problem: Problem) -> list[Peer]:
    """The three methods for a problem."""
    reach = REACH if problem.name == "ETTh1" else None
    settings = "season given" + (f", last {reach} points" if reach else "")
    unseasonal = "season over 24 left out" if problem.season > 24 else settings
    ets, theta = (model(season_length=problem.season) for model in (AutoETS, AutoTheta))
    return [
        Peer("Mean of simple methods", "", ("holdfast",), simple_mean, 1),
        Peer("AutoTheta", settings, ("statsforecast",), partial(statsforecast, theta, reach), 1),
        Peer("AutoETS", unseasonal, ("statsforecast",), partial(statsforecast, ets, reach), 1),
    ]


def main() -> None:
    options = parser(__doc__.splitlines()[0], list(COLLECTIONS)).parse_args()
    compare(options, peers)


if __name__ == "__main__":
    main()
