"""How many series of M3 and M4 hourly are called out from their history, and are they harder?

    python -m benchmarks.trust --data ../shared/data

The error is seasonal naive's on the competition's test part, which the verdict has not seen.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from pyarrow import parquet

from benchmarks.ledger import append
from holdfast.forecasting.baselines import forecast_simple
from holdfast.forecasting.evaluation.metrics import mean_observed, scaled_error, seasonal_scale
from holdfast.forecasting.model import PastForecasts
from holdfast.forecasting.reliability import assess
from holdfast.records import TRUST
from holdfast.tables.calendar import Calendar
from holdfast.tables.series import SeriesSet

FILES = {"M3": "m3/m3.parquet", "M4 hourly": "m4/m4_hourly.parquet"}
SEASONS = {"YEARLY": 1, "QUARTERLY": 4, "MONTHLY": 12, "OTHER": 1}


def main() -> None:
    """Measure every data set and keep a row each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with m4/ and m3/")
    data = parser.parse_args().data
    for name, file in FILES.items():
        if not (data / file).exists():
            sys.exit(f"{data / file} is not there: give the folder that holds m4/ and m3/.")
        rows = parquet.read_table(data / file).to_pylist()
        groups = defaultdict(list)
        for row in rows:
            season = SEASONS.get(str(row["period"])) or int(row["period"])
            groups[season, len(row["test"])].append(row)
        for (season, horizon), members in sorted(groups.items()):
            count = len(members)
            histories = {str(place): row["train"] for place, row in enumerate(members)}
            series = SeriesSet.from_arrays(histories, Calendar.integer())
            unknown = np.zeros(count, dtype=bool)
            found = assess(series, season, horizon, PastForecasts.none(count), unknown)
            naive = forecast_simple(series, season, horizon)["SeasonalNaive"]
            actual = np.array([row["test"] for row in members], dtype=np.float64)
            scale = seasonal_scale(series, season)
            error = mean_observed(scaled_error(actual, naive, scale), axis=1)
            flagged = np.array([one.verdict != TRUST for one in found])
            result = {
                "data": name,
                "season": season,
                "horizon": horizon,
                "series": count,
                "flagged": int(flagged.sum()),
                "median_mase_flagged": round(float(np.median(error[flagged])), 3),
                "median_mase_others": round(float(np.median(error[~flagged])), 3),
            }
            print(result, flush=True)
            append("trust", result)


if __name__ == "__main__":
    main()
