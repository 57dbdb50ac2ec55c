"""GluonTS's DeepAR on M4 hourly and ETTh1.

    python benchmarks/deepar.py --data ../shared/data --keep ../forecasts

Runs in an environment of its own: pip install -e . 'gluonts[torch]'.

As the package leaves it: 100 epochs of 50 batches of 32 windows, two layers of 40 units, Student-t
output, a context of one horizon and the lags and calendar features of hourly data. Trained once,
before the first origin; 100 sample paths from each origin give the deciles, and their median the
point forecast. M4 has no dates: its series end together at a made-up hour. The weights are those
of the epoch with the least training loss, as the package has it.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
import warnings
from functools import partial

import lightning
import numpy as np
import pandas as pd
from comparison import DECILES, Forecasts, Peer, compare, parser
from gluonts.dataset.common import ListDataset
from gluonts.torch.model.deepar import DeepAREstimator
from problems import Problem

from holdfast.tables.series import SeriesSet

EPOCHS = 100
FREQUENCY = "h"
FIRST = "2000-01-01 00:00"
"""The made-up hour of ordinal 0 where time is a counter."""


def entries(series: SeriesSet) -> ListDataset:
    """The series as GluonTS takes them."""
    if series.calendar.kind == "counter":
        begins = [pd.Period(FIRST, FREQUENCY) + int(start) for start in series.starts]
    else:
        stamps = series.calendar.times(series.starts)
        begins = [pd.Period(pd.Timestamp(stamp), FREQUENCY) for stamp in stamps]
    rows = [
        {"start": begin, "target": series.one(index), "item_id": str(index)}
        for index, begin in enumerate(begins)
    ]
    return ListDataset(rows, freq=FREQUENCY)


def deepar(options: argparse.Namespace, problem: Problem) -> Forecasts:
    """Train before the first origin, then draw paths from each."""
    lightning.seed_everything(options.seed, verbose=False)
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        estimator = DeepAREstimator(
            freq=FREQUENCY,
            prediction_length=problem.horizon,
            trainer_kwargs={
                "max_epochs": options.epochs,
                "accelerator": "cpu",
                "enable_progress_bar": False,
                "enable_model_summary": False,
                "logger": False,
                "default_root_dir": folder,
            },
        )
        predictor = estimator.train(entries(problem.training))
    train_seconds = time.perf_counter() - begin
    begin = time.perf_counter()
    shares = np.array([0.025, *DECILES, 0.975])
    made = np.stack(
        [
            [
                [forecast.quantile(share) for share in shares]
                for forecast in predictor.predict(entries(history))
            ]
            for history in problem.histories()
        ]
    )  # (origins, N, shares, K)
    predict_seconds = time.perf_counter() - begin
    quantiles = np.moveaxis(made, 2, 0).astype(np.float64)
    return Forecasts(
        point=quantiles[5],
        quantiles=quantiles[1:-1],
        outer=quantiles[[0, -1]],
        train_seconds=train_seconds,
        predict_seconds=predict_seconds,
    )


def main() -> None:
    options = parser(__doc__.splitlines()[0], ["m4-hourly", "etth1"])
    options.add_argument("--epochs", type=int, default=EPOCHS)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    warnings.filterwarnings("ignore")
    for name in ("lightning.pytorch", "gluonts"):
        logging.getLogger(name).setLevel(logging.ERROR)
    settings = f"{given.epochs} epochs of 50 batches, seed {given.seed}"
    peer = Peer("GluonTS DeepAR", settings, ("gluonts", "torch"), partial(deepar, given))
    compare(given, lambda _: [peer])


if __name__ == "__main__":
    main()
