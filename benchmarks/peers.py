"""neuralforecast's LSTM and NHITS and mlforecast's LightGBM on M4 hourly and ETTh1.

    python benchmarks/peers.py --data ../shared/data --keep ../forecasts

Runs in an environment of its own: pip install -e . 'neuralforecast==3.3.*' mlforecast lightgbm.
GluonTS's DeepAR: deepar.py; AutoETS and AutoTheta: statistical.py; the scores: comparison.py.

Each is run as its package leaves it, and trained once, before the first origin:

LSTM, NHITS  1,000 updates, seed 1, and the package's own scaling (robust for LSTM, none for
             NHITS; --scaler gives both another). The nine deciles by MQLoss, the median for a
             point forecast. The input is three horizons, the package's own choice where it has
             one (LSTM); NHITS demands a number and gets the same.
LightGBM     mlforecast has no default features; these are those of its guides for M4 hourly:
             differences over a day, the lags 24, 48, …, 168 and an exponentially weighted mean
             of lag 48. Deciles by conformal prediction over ten windows of one horizon each,
             as its guide to probabilistic forecasts has it; later origins by `update`.

Time is a whole number to all three: no calendar feature is used, and none is a default.
"""

from __future__ import annotations

import argparse
import logging
import time
import warnings
from collections.abc import Sequence
from functools import partial

import lightgbm
import numpy as np
import pandas as pd
from comparison import DECILES, Forecasts, Peer, compare, parser
from mlforecast import MLForecast
from mlforecast.lag_transforms import ExponentiallyWeightedMean
from mlforecast.target_transforms import Differences
from mlforecast.utils import PredictionIntervals
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MQLoss
from neuralforecast.models import LSTM, NHITS
from problems import Problem, long_columns

LEVELS = [20, 40, 60, 80]
STEPS = 1000
WINDOWS = 10
INPUTS = 3  # horizons that LSTM and NHITS look back
QUIET = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False,
         "enable_checkpointing": False, "accelerator": "cpu"}  # fmt: skip


def neural(
    kind: type[LSTM] | type[NHITS], options: argparse.Namespace, problem: Problem
) -> Forecasts:
    """Train before the first origin, then forecast from each."""
    scaling = {} if options.scaler is None else {"scaler_type": options.scaler}
    training = pd.DataFrame(long_columns(problem.training))
    begin = time.perf_counter()
    model = kind(
        h=problem.horizon, input_size=INPUTS * problem.horizon, max_steps=options.steps,
        loss=MQLoss(quantiles=DECILES.tolist()), **scaling, **QUIET,
    )  # fmt: skip
    forecaster = NeuralForecast(models=[model], freq=1)
    forecaster.fit(training)
    train_seconds = time.perf_counter() - begin
    name = kind.__name__
    columns = [
        *(f"{name}-lo-{level:.1f}" for level in reversed(LEVELS)),
        f"{name}-median",
        *(f"{name}-hi-{level:.1f}" for level in LEVELS),
    ]
    begin = time.perf_counter()
    made = [
        forecaster.predict(pd.DataFrame(long_columns(history))) for history in problem.histories()
    ]
    predict_seconds = time.perf_counter() - begin
    quantiles = arrays(made, columns, problem.horizon)
    return Forecasts(quantiles[4], quantiles, None, train_seconds, predict_seconds)


def light(problem: Problem) -> Forecasts:
    """Train before the first origin, then forecast from each."""
    training = pd.DataFrame(long_columns(problem.training))
    begin = time.perf_counter()
    forecaster = MLForecast(
        models=lightgbm.LGBMRegressor(random_state=0, verbosity=-1),
        freq=1,
        lags=[24 * day for day in range(1, 8)],
        lag_transforms={48: [ExponentiallyWeightedMean(alpha=0.3)]},
        target_transforms=[Differences([24])],
    )
    intervals = PredictionIntervals(n_windows=WINDOWS, h=problem.horizon)
    forecaster.fit(training, prediction_intervals=intervals)
    train_seconds = time.perf_counter() - begin
    name = "LGBMRegressor"
    columns = [
        *(f"{name}-lo-{level}" for level in reversed(LEVELS)),
        name,
        *(f"{name}-hi-{level}" for level in LEVELS),
    ]
    begin = time.perf_counter()
    made = []
    for before, origin in zip((None, *problem.origins), problem.origins, strict=False):
        if before is not None:
            # Not new_df: with it the errors of all series are pooled, whatever their size.
            forecaster.update(pd.DataFrame(long_columns(problem.between(before, origin))))
        made.append(forecaster.predict(problem.horizon, level=LEVELS))
    predict_seconds = time.perf_counter() - begin
    quantiles = arrays(made, columns, problem.horizon)
    return Forecasts(quantiles[4], quantiles, None, train_seconds, predict_seconds)


def arrays(made: Sequence[pd.DataFrame], columns: Sequence[str], horizon: int) -> np.ndarray:
    """One long table an origin → (columns, origins, N, K)."""
    tables = [
        table.sort_values(["unique_id", "ds"])[list(columns)].to_numpy(float) for table in made
    ]
    return np.moveaxis(np.stack([one.reshape(-1, horizon, len(columns)) for one in tables]), -1, 0)


def main() -> None:
    options = parser(__doc__.splitlines()[0], ["m4-hourly", "etth1"])
    options.add_argument(
        "--peer", nargs="+", choices=["lstm", "nhits", "lightgbm"],
        default=["lstm", "nhits", "lightgbm"],
    )  # fmt: skip
    options.add_argument("--steps", type=int, default=STEPS, help="updates of LSTM and NHITS")
    options.add_argument("--scaler", help="their scaler_type, in place of their own")
    given = options.parse_args()
    warnings.filterwarnings("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    settings = f"{given.steps} steps, input {INPUTS} horizons" + (
        f", {given.scaler} scaling" if given.scaler else ""
    )
    networks = ("neuralforecast", "torch")
    known = {
        "lstm": Peer("neuralforecast LSTM", settings, networks, partial(neural, LSTM, given)),
        "nhits": Peer("neuralforecast NHITS", settings, networks, partial(neural, NHITS, given)),
        "lightgbm": Peer(
            "mlforecast LightGBM",
            "differences 24, lags 24 to 168, 10 conformal windows",
            ("mlforecast", "lightgbm"),
            light,
        ),
    }
    compare(given, lambda _: [known[name] for name in given.peer])


if __name__ == "__main__":
    main()
