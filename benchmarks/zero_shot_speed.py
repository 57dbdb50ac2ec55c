"""How fast the pretrained network forecasts: a thousand months, and one series from the shell.

    python benchmarks/zero_shot_speed.py

A thousand monthly series of 60 to 144 points (synthetic, seed 0), 18 steps, 13 quantiles, once
right after the import and once warm; the same through `Forecaster(adapt="none")`, whose fit judges
all members on folds; and one series by `holdfast forecast --adapt none`. Every round is a fresh
process; medians.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from ledger import append

ROUNDS = 5
SERIES, HORIZON, SEASON = 1000, 18, 12


def measure() -> dict[str, float]:
    """Seconds and peak memory of one process."""
    begin = time.perf_counter()
    import numpy as np
    import pyarrow as pa
    import torch

    from holdfast import Forecaster
    from holdfast.forecasting.pretrained.forecast import forecast_pretrained
    from holdfast.forecasting.pretrained.weights import shipped
    from holdfast.pretraining.synthetic.generate import generate
    from holdfast.pretraining.synthetic.recipe import SHORT
    from holdfast.tables.calendar import Calendar
    from holdfast.tables.series import SeriesSet

    seconds = {"import": time.perf_counter() - begin}
    random = np.random.default_rng(0)
    values = generate(random, SERIES, 144, SHORT).values.astype(np.float64)
    rows = {
        f"{number:04d}": row[-length:]
        for number, (row, length) in enumerate(
            zip(values, random.integers(60, 145, SERIES), strict=True)
        )
    }
    series = SeriesSet.from_arrays(rows, Calendar.integer())
    for name in ("first", "warm"):
        begin = time.perf_counter()
        made = forecast_pretrained(shipped("fine"), series, HORIZON, SEASON)
        seconds[name] = time.perf_counter() - begin
    assert made.shape == (SERIES, HORIZON, 13)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    frame = pa.table(
        {
            "unique_id": np.repeat(list(rows), [len(row) for row in rows.values()]),
            "ds": np.concatenate([np.arange(len(row)) for row in rows.values()]),
            "y": np.concatenate(list(rows.values())),
        }
    )
    begin = time.perf_counter()
    forecaster = Forecaster(HORIZON, season=SEASON, freq=1, adapt="none").fit(frame)
    forecaster.predict(level=(80, 95))
    seconds["forecaster"] = time.perf_counter() - begin
    return {**seconds, "peak GiB": peak, "threads": float(torch.get_num_threads())}


def command() -> float:
    """Seconds of one series by the command line, from the shell to the files."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["forecast", "--example", "air-passengers", "--adapt", "none", "--out", folder]
        begin = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "holdfast", *words, "--quiet"], check=True, cwd=folder
        )
        return time.perf_counter() - begin


def main() -> None:
    if sys.argv[1:] == ["measure"]:
        print(json.dumps(measure()))
        return
    rounds: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        made = subprocess.run(
            [sys.executable, __file__, "measure"], check=True, capture_output=True, text=True
        )
        rounds.append({**json.loads(made.stdout), "command": command()})
    middle = {name: round(statistics.median(one[name] for one in rounds), 3) for name in rounds[0]}
    for name, value in middle.items():
        print(f"{name:<12}{value:>8.2f}")
    append("zero_shot_speed", dict(middle))


if __name__ == "__main__":
    main()
