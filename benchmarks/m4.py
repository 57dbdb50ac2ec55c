"""M4: fit on the training part, score on the test part as the competition did.

    python benchmarks/m4.py --frequency hourly --data ../shared/data --part validation
    python benchmarks/m4.py --frequency hourly --data ../shared/data --part test

`validation` takes the last horizon of the training part for the test part: tune on that. Every run
on the test part is a row in results/m4.csv too.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from ledger import append

import holdfast
from holdfast.forecasting.baselines import naive2, simple_methods
from holdfast.forecasting.evaluation import metrics
from holdfast.records import NETWORKS
from holdfast.tables.calendar import Calendar
from holdfast.tables.series import SeriesSet

NAIVE2 = {"hourly": (18.383, 2.395), "yearly": (16.342, 3.974)}
"""The organisers' sMAPE and MASE of Naive2 on the test part."""


def load(folder: Path, frequency: str, part: str, limit: int | None):
    path = folder / "m4" / f"m4_{frequency}.parquet"
    if not path.exists():
        sys.exit(f"{path} is not there; give the folder that holds m4/ with --data.")
    table = pq.read_table(path).slice(0, limit).to_pydict()
    horizon, season = table["horizon"][0], {"hourly": 24, "yearly": 1}[frequency]
    train = [np.asarray(values, dtype=float) for values in table["train"]]
    test = np.asarray(table["test"], dtype=float)
    if part == "validation":
        test = np.stack([values[-horizon:] for values in train])
        train = [values[:-horizon] for values in train]
    return table["id"], train, test, horizon, season


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frequency", choices=list(NAIVE2), default="hourly")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--part", choices=["validation", "test"], default="validation")
    parser.add_argument("--budget", default="5m")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--adapt", choices=["none", "auto", "full"], default="auto")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, help="only the first so many series")
    parser.add_argument("--note", default="")
    options = parser.parse_args()

    ids, train, test, horizon, season = load(
        options.data, options.frequency, options.part, options.limit
    )
    longest = max(len(values) for values in train)
    frame = pa.table(
        {
            "unique_id": np.repeat(ids, [len(values) for values in train]),
            # M4 gives no dates; counters that end together let folds be cut by time.
            "ds": np.concatenate([np.arange(longest - len(values), longest) for values in train]),
            "y": np.concatenate(train),
        }
    )
    begin = time.monotonic()
    forecaster = holdfast.Forecaster(
        horizon,
        season=season,
        freq=1,
        budget=None if options.steps else options.budget,
        steps=options.steps,
        seed=options.seed,
        adapt=options.adapt,
    )
    forecaster.fit(frame)
    forecast = forecaster.predict(level=(80, 90, 95), members=True)
    seconds = time.monotonic() - begin

    rank = {
        label: row for row, label in enumerate(dict.fromkeys(forecast["unique_id"].to_pylist()))
    }
    order = np.array([rank[label] for label in ids])

    def column(name: str) -> np.ndarray:
        return forecast[name].to_numpy().reshape(len(ids), horizon)[order]

    histories = SeriesSet.from_arrays(dict(zip(ids, train, strict=True)), Calendar.integer())
    scales = metrics.seasonal_scale(histories, season)
    if options.part == "test" and options.limit is None:
        yardstick = NAIVE2[options.frequency]
    else:
        reference = naive2(histories, season, horizon)
        yardstick = (
            float(np.mean(metrics.smape(test, reference))),
            float(np.mean(metrics.scaled_error(test, reference, scales))),
        )
    row: dict[str, object] = {
        "frequency": options.frequency,
        "part": options.part,
        "series": len(ids),
        "budget": options.budget if options.steps is None else f"{options.steps} steps",
        "seed": options.seed,
        "seconds": round(seconds, 1),
        "note": options.note,
    }
    print(f"{'method':<15}{'sMAPE':>9}{'MASE':>8}{'OWA':>8}")
    networks = [name for name in NETWORKS if name in forecast.column_names]
    for method in ("holdfast", *networks, *simple_methods(season)):
        made = column(method)
        smape = float(np.mean(metrics.smape(test, made)))
        mase = float(np.mean(metrics.scaled_error(test, made, scales)))
        owa = (smape / yardstick[0] + mase / yardstick[1]) / 2.0
        print(f"{method:<15}{smape:>9.3f}{mase:>8.3f}{owa:>8.3f}")
        row |= {f"{method} sMAPE": round(smape, 3), f"{method} MASE": round(mase, 4)}
        row[f"{method} OWA"] = round(owa, 4)
    for level in (80, 90, 95):
        lower, upper = column(f"holdfast-lo-{level}"), column(f"holdfast-hi-{level}")
        inside = (test >= lower) & (test <= upper)
        score = metrics.interval_score(test, lower, upper, level)
        msis = float(np.mean(score / scales[:, None]))
        print(
            f"{level} %: coverage {inside.mean():.3f}, series below level − 20 points "
            f"{np.mean(inside.mean(axis=1) < level / 100 - 0.2):.3f}, MSIS {msis:.2f}"
        )
        row |= {
            f"coverage {level}": round(float(inside.mean()), 4),
            f"series below {level - 20} %": round(
                float(np.mean(inside.mean(axis=1) < level / 100 - 0.2)), 4
            ),
            f"MSIS {level}": round(msis, 3),
            f"coverage {level} by step": " ".join(f"{one:.3f}" for one in inside.mean(axis=0)),
        }
    print(f"{seconds:.0f} s; results in {append('m4', row)}")


if __name__ == "__main__":
    main()
