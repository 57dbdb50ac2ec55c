"""Forecasting a folder of parts: seconds, peak memory, and whether a kill loses or doubles any.

    python -m benchmarks.parts --series 100000 --folder FOLDER
    python -m benchmarks.parts --series 1000000 --folder FOLDER --kill

Makes N monthly series of 100 points in parts of 10,000 (seeded), runs ``holdfast forecast FOLDER
--horizon 12 --adapt none`` in processes of its own, samples the memory of all of them twice a
second, and with ``--kill`` ends them all (SIGKILL) once half of the parts are there and gives the
command again. Then every name is looked for in the results. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from benchmarks import ledger

POINTS = 100
HORIZON = 12
PART = 10_000


def make(folder: Path, series: int) -> None:
    """Parts that are not there yet: sales-like series with level, season, trend and noise."""
    folder.mkdir(parents=True, exist_ok=True)
    months = np.arange("2015-01", "2023-05", dtype="datetime64[M]").astype("datetime64[D]")
    time_of = np.arange(POINTS)
    for first in range(0, series, PART):
        path = folder / f"part-{first // PART:04d}.parquet"
        if path.exists():
            continue
        count = min(PART, series - first)
        random = np.random.default_rng([0, first])
        phase = random.integers(0, 12, (count, 1))
        season = 0.3 * random.random((count, 1)) * np.sin(2 * np.pi * (time_of + phase) / 12)
        trend = random.normal(0, 0.005, (count, 1)) * time_of
        noise = 0.1 * random.normal(size=(count, POINTS))
        level = random.lognormal(4.0, 1.0, (count, 1))
        names = np.array([f"series-{number:07d}" for number in range(first, first + count)])
        table = pa.table(
            {
                "unique_id": np.repeat(names, POINTS),
                "ds": pa.array(np.tile(months[:POINTS], count)),
                "y": (level * (1 + season + trend + noise)).ravel(),
            }
        )
        partial = path.with_suffix(".partial")
        parquet.write_table(table, partial)
        partial.rename(path)


@dataclass
class Peak:
    """What all processes of a session took together, in bytes and seconds.

    Arguments:
        resident: what each has in memory, summed: what they share counts once for each.
        proportional: the same with what n share counted as an nth for each.
        ticks: process → its processor time when it was last seen.
    """

    resident: int = 0
    proportional: int = 0
    ticks: dict[int, int] = field(default_factory=dict)

    @property
    def cpu(self) -> float:
        """Processor seconds of all processes that were seen, those that were killed included."""
        return sum(self.ticks.values()) / os.sysconf("SC_CLK_TCK")


def sample(session: int, peak: Peak) -> None:
    """Take the memory of a session's processes now into the peak."""
    resident = proportional = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if os.getsid(int(entry.name)) != session:
                continue
            text = (entry / "smaps_rollup").read_text()
            times = (entry / "stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue  # it has just ended
        peak.ticks[int(entry.name)] = int(times[11]) + int(times[12])
        lines = dict(line.split(":", 1) for line in text.splitlines()[1:])
        resident += int(lines["Rss"].split()[0]) * 1024
        proportional += int(lines["Pss"].split()[0]) * 1024
    peak.resident = max(peak.resident, resident)
    peak.proportional = max(peak.proportional, proportional)


def run(data: Path, out: Path, workers: int, peak: Peak, kill_at: int | None) -> bool:
    """One run of the command; whether it was killed once `kill_at` parts were there."""
    words = ["forecast", str(data), "--horizon", str(HORIZON), "--adapt", "none", "--quiet"]
    words += ["--out", str(out), "--workers", str(workers)]
    process = subprocess.Popen([sys.executable, "-m", "holdfast", *words], start_new_session=True)
    while process.poll() is None:
        sample(process.pid, peak)
        done = len(list((out / "forecast").glob("*.parquet")))
        if kill_at is not None and done >= kill_at:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True
        time.sleep(0.5)
    if process.returncode:
        raise SystemExit(f"the command ended with {process.returncode}")
    return False


def check(out: Path, series: int) -> None:
    """Every series is in the results, with every step, once."""
    seen = np.zeros(series, dtype=np.int64)
    for path in sorted((out / "forecast").glob("*.parquet")):
        names = parquet.read_table(path, columns=["unique_id"])["unique_id"].to_pylist()
        np.add.at(seen, [int(name.removeprefix("series-")) for name in names], 1)
    lost, doubled = int((seen < HORIZON).sum()), int((seen > HORIZON).sum())
    if lost or doubled:
        raise SystemExit(f"{lost} series lost, {doubled} doubled")


def main() -> None:
    """Run and write the row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="for parts and results")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--kill", action="store_true", help="kill it halfway, then go on")
    arguments = parser.parse_args()
    data = arguments.folder / f"in-{arguments.series}"
    out = arguments.folder / f"out-{arguments.series}-{time.time_ns()}"
    make(data, arguments.series)
    half = max(-(-arguments.series // PART) // 2, 1)
    peak, begin = Peak(), time.monotonic()
    killed = run(data, out, arguments.workers, peak, half if arguments.kill else None)
    kept = len(list((out / "forecast").glob("*.parquet"))) if killed else 0
    if killed:
        run(data, out, arguments.workers, peak, None)
    seconds, cpu = time.monotonic() - begin, peak.cpu
    check(out, arguments.series)
    row = {
        "series": arguments.series,
        "points": POINTS,
        "workers": arguments.workers,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "series_per_second": round(arguments.series / seconds, 1),
        "series_per_cpu_second": round(arguments.series / cpu, 1),
        "peak_gib_resident_summed": round(peak.resident / 2**30, 2),
        "peak_gib_proportional": round(peak.proportional / 2**30, 2),
        "killed_after_parts": kept,
        "lost_or_doubled": 0,
        "load_average": round(os.getloadavg()[1], 1),
    }
    for name, value in row.items():
        print(f"{name:26} {value}")
    ledger.append("parts", row)


if __name__ == "__main__":
    main()
