"""The simple methods on M4 and M3, beside the organisers' scores.

    python benchmarks/baselines.py --data ../shared/data            # the test spans
    python benchmarks/baselines.py --data ../shared/data --validate # the last training horizon

Every look at a test span is a row in results/baselines.csv; choices are made with --validate.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
from ledger import append

from holdfast.forecasting.baselines import forecast_simple, naive2
from holdfast.forecasting.evaluation.metrics import (
    mean_observed,
    owa,
    scaled_error,
    seasonal_scale,
    smape,
)
from holdfast.tables.calendar import Calendar
from holdfast.tables.series import SeriesSet

Split = tuple[SeriesSet, np.ndarray]

M3_SEASONS = {"MONTHLY": 12, "QUARTERLY": 4, "YEARLY": 1, "OTHER": 1}
ORGANISERS = {
    "Naive": "Naive",
    "SeasonalNaive": "sNaive",
    "Naive2": "Naive2",
    "Theta": "Theta",
    "DampedETS": "Damped",
}


def split(rows: list[dict[str, object]], validate: bool) -> Split:
    """Histories and what followed; with `validate` the last horizon of the training part."""
    past = [np.asarray(row["train"], dtype=np.float64) for row in rows]
    after = [np.asarray(row["test"], dtype=np.float64) for row in rows]
    if validate:
        horizon = max(len(values) for values in after)
        long = [values for values in past if len(values) >= 2 * horizon]
        past, after = [values[:-horizon] for values in long], [values[-horizon:] for values in long]
    names = {str(index): values for index, values in enumerate(past)}
    return SeriesSet.from_arrays(names, Calendar.integer()), np.stack(after)


def measure(name: str, data: Split, season: int, official: dict[str, str], part: str) -> None:
    """Score every simple method, print and record it."""
    series, actual = data
    begin = time.perf_counter()
    made = forecast_simple(series, season, actual.shape[1])
    seconds = time.perf_counter() - begin
    made["Naive2"] = naive2(series, season, actual.shape[1])
    scale = seasonal_scale(series, season)
    scores = {
        method: (
            float(mean_observed(smape(actual, forecast))),
            float(mean_observed(scaled_error(actual, forecast, scale))),
        )
        for method, forecast in made.items()
    }
    print(f"\n{name} ({part}): {len(series)} series, {seconds:.2f} s")
    for method, (percent, scaled) in scores.items():
        weighted = owa(percent, scaled, *scores["Naive2"])
        beside = official.get(method, "") if part == "test" else ""
        print(f"  {method:14} {percent:7.3f} {scaled:7.3f} {weighted:6.3f}  {beside}")
        append(
            "baselines",
            {
                "data": name,
                "part": part,
                "method": method,
                "smape": round(percent, 3),
                "mase": round(scaled, 3),
                "owa": round(weighted, 3),
                "seconds for all": round(seconds, 2),
                "organisers smape/mase": beside,
            },
        )


def organisers(folder: Path, column: int) -> dict[str, str]:
    """Our method → "sMAPE/MASE" in the organisers' table; `column` counts frequencies from 0."""
    with (folder / "official_point_scores.csv").open(newline="", encoding="utf-8") as file:
        rows = {row[0]: row for row in csv.reader(file) if row}
    return {
        ours: f"{rows[theirs][1 + column]}/{rows[theirs][8 + column]}"
        for ours, theirs in ORGANISERS.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with m4/ and m3/")
    parser.add_argument("--validate", action="store_true", help="last horizon of the training part")
    parser.add_argument("--only", choices=["hourly", "yearly", "m3"], help="one of the data sets")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        sys.exit(f"{arguments.data} is not there: give the folder that holds m4/ and m3/.")
    part = "last training horizon" if arguments.validate else "test"
    for frequency, season, column in (("hourly", 24, 5), ("yearly", 1, 0)):
        if arguments.only in (None, frequency):
            folder = arguments.data / "m4"
            rows = parquet.read_table(folder / f"m4_{frequency}.parquet").to_pylist()
            official = organisers(folder, column)
            measure(f"M4 {frequency}", split(rows, arguments.validate), season, official, part)
    if arguments.only in (None, "m3"):
        rows = parquet.read_table(arguments.data / "m3" / "m3.parquet").to_pylist()
        for period, season in M3_SEASONS.items():
            chosen = [row for row in rows if row["period"].upper() == period]
            data = split(chosen, arguments.validate)
            measure(f"M3 {period.lower()}", data, season, {}, part)


if __name__ == "__main__":
    main()
