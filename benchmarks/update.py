"""How long does it take a model of many series to take one new row of each in?

    python benchmarks/update.py --series 10000 --length 200 --repeat 5

The table of new rows is made before the clock starts; what is timed is `Forecaster.update` with a
pandas frame, and `holdfast update` with a CSV file as a process of its own, start and all.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from ledger import append

from holdfast import Forecaster, storage


def frame_of(series: int, first: str, length: int) -> pd.DataFrame:
    """Daily rows of many series."""
    days = pd.date_range(first, periods=length, freq="D")
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "unique_id": np.repeat([f"series {number}" for number in range(series)], length),
            "ds": np.tile(days, series),
            "y": 100.0 + random.normal(size=series * length),
        }
    )


def model_of(series: int, length: int, folder: Path) -> Forecaster:
    """A model of many series, fitted on a few and then given the histories of all."""
    whole = frame_of(series, "2024-01-01", length)
    few = whole[whole["unique_id"].isin([f"series {number}" for number in range(20)])]
    forecaster = Forecaster(14, season=7, adapt="none").fit(few)
    forecaster.update(whole)
    forecaster.save(folder)
    return forecaster


def main() -> None:
    """Measure, print and write down."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--length", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--keep", action="store_true", help="append a row to results/update.csv")
    asked = parser.parse_args()
    day = str(pd.Timestamp("2024-01-01") + pd.Timedelta(days=asked.length))[:10]
    new = frame_of(asked.series, day, 1)
    with tempfile.TemporaryDirectory() as parent:
        folder, file = Path(parent) / "model", Path(parent) / "new.csv"
        new.to_csv(file, index=False)
        forecaster = model_of(asked.series, asked.length, folder)
        fitted = forecaster._require()
        in_memory, commands, plain = [], [], []
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        for _ in range(asked.repeat):
            forecaster._model = replace(fitted)
            begin = time.perf_counter()
            forecaster.update(new)
            in_memory.append(time.perf_counter() - begin)
            model = Path(parent) / "copy"
            manifest, arrays = storage.load(folder, "forecaster")
            storage.save(model, "forecaster", manifest, arrays)
            for words, seconds in (
                (["update", str(model), str(file), "--quiet"], commands),
                (["--version"], plain),
            ):
                begin = time.perf_counter()
                subprocess.run(
                    [sys.executable, "-m", "holdfast", *words],
                    env=environment, check=True, capture_output=True,
                )  # fmt: skip
                seconds.append(time.perf_counter() - begin)
    row = {
        "series": asked.series,
        "length": asked.length,
        "update_s": round(statistics.median(in_memory), 4),
        "command_s": round(statistics.median(commands), 3),
        "empty_command_s": round(statistics.median(plain), 3),
        "repeats": asked.repeat,
    }
    print(row)
    if asked.keep:
        append("update", row)


if __name__ == "__main__":
    main()
