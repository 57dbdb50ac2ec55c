"""A thousand series of a thousand rows from CSV: seconds to read, seconds and memory to forecast.

python benchmarks/scale.py
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from ledger import append

from holdfast import Forecaster
from holdfast.tables.read import read


def write(path: Path, series: int, rows: int) -> None:
    """Daily sales with a week, a trend and noise."""
    generator = np.random.default_rng(0)
    day = np.arange(rows)
    week = generator.normal(0, 1, (series, 7))[:, day % 7]
    level = generator.lognormal(3, 1, (series, 1))
    drift = np.cumsum(generator.normal(0, 0.02, (series, rows)), axis=1)
    values = level * np.exp(0.2 * week + drift + generator.normal(0, 0.1, (series, rows)))
    names = np.array([f"item {number}" for number in range(series)], dtype=object)
    table = pa.table(
        {
            "item": np.repeat(names, rows),
            "date": np.tile((np.datetime64("2022-01-01") + day).astype(str), series),
            "sold": np.round(values.ravel(), 2),
        }
    )
    pa.csv.write_csv(table, path)


def peak() -> float:
    """Largest resident memory of this process so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--horizon", type=int, default=28)
    parser.add_argument("--budget", default="60s")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sales.csv"
        write(path, options.series, options.rows)
        before = peak()
        begin = time.monotonic()
        table = read(path)
        reading = time.monotonic() - begin
        after_reading = peak()
        assert len(table.series) == options.series
        del table
        begin = time.monotonic()
        forecaster = Forecaster(options.horizon, budget=options.budget).fit(path)
        fitting = time.monotonic() - begin
        begin = time.monotonic()
        forecast = forecaster.predict()
        predicting = time.monotonic() - begin
    assert len(forecast) == options.series * options.horizon
    print(
        f"{options.series:,} × {options.rows:,}: read {reading:.2f} s, fit {fitting:.1f} s "
        f"(budget {options.budget}), predict {predicting:.2f} s; peak {peak():.2f} GB "
        f"(before reading {before:.2f}, after {after_reading:.2f})"
    )
    append(
        "scale",
        {
            "series": options.series,
            "rows": options.rows,
            "horizon": options.horizon,
            "budget": options.budget,
            "read seconds": round(reading, 2),
            "fit seconds": round(fitting, 1),
            "predict seconds": round(predicting, 2),
            "peak GB": round(peak(), 2),
        },
    )


if __name__ == "__main__":
    main()
