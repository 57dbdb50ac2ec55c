"""This checkout beside another, in turns: layers, a step of a stream, the start of the command.

    python benchmarks/two_commits.py --other DIR [--rounds 9] [--only engine] [--case WORD]

Each checkout computes in a process of its own from its own sources (`src/`, with a compiled library
beside the kernels); the two are asked in turns, and the order changes from round to round. Printed
is the median over rounds of this checkout's time through the other's: above 1 is slower. What
begins with `holdfast` is the wall clock of a fresh process.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
LEAST_SECONDS = 0.15
"""Calls are repeated for so long in one measurement."""


def sources(checkout: Path) -> dict[str, str]:
    """The environment in which Python imports a checkout's package and these benchmarks."""
    return os.environ | {"PYTHONPATH": os.pathsep.join((str(checkout / "src"), str(HERE)))}


class Checkout:
    """A checkout's package in a process of its own, which times what it is asked to.

    Arguments:
        folder: of the checkout.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve"],
            env=sources(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def seconds(self, case: dict[str, object]) -> float:
        """Seconds that one call of a case takes."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(case) + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def serve() -> None:
    """Time each case that comes in as a line of JSON."""
    calls: dict[str, tuple[Callable[[], object], int]] = {}
    for line in sys.stdin:
        if line not in calls:
            call = made(json.loads(line))
            call()
            begin = time.perf_counter()
            call()
            once = time.perf_counter() - begin
            calls[line] = call, max(1, round(LEAST_SECONDS / max(once, 1e-7)))
        call, repeats = calls[line]
        begin = time.perf_counter()
        for _ in range(repeats):
            call()
        sys.stdout.write(f"{(time.perf_counter() - begin) / repeats}\n")
        sys.stdout.flush()


def made(case: dict[str, int | str]) -> Callable[[], object]:
    """What a case calls."""
    import torch
    from cases import SHAPES, torch_layer

    import holdfast.nn

    torch.manual_seed(0)
    torch.set_num_threads(int(case["threads"]))
    if case["pass"] == "step":
        stepper = holdfast.nn.LSTM(8, 64).stepper(1)
        x = torch.randn(1, 8)
        return lambda: stepper.step(x)
    shape = SHAPES[int(case["shape"])]
    layer = getattr(holdfast.nn, str(case["cell"]))(shape.inputs, shape.units)
    contestant = torch_layer("holdfast", layer, shape)
    return contestant.training if case["pass"] == "training" else contestant.inference  # type: ignore[return-value]


def cases(threads: int) -> dict[str, dict[str, object]]:
    """The shapes of `run.py --suite engine`, three of them for GRU and RNN, and a step."""
    from cases import SHAPES

    found: dict[str, dict[str, object]] = {"LSTM 8 64, a step": {"pass": "step", "threads": 1}}
    chosen = [("LSTM", place) for place in range(len(SHAPES))]
    chosen += [(cell, place) for cell in ("GRU", "RNN") for place in (1, 4, 8)]
    for cell, place in chosen:
        for way in ("inference", "training"):
            case = {"cell": cell, "shape": place, "pass": way, "threads": threads}
            found[f"{cell} {SHAPES[place]} {way}"] = case
    return found


def in_turns(name: str, one: Callable[[], float], other: Callable[[], float], rounds: int) -> float:
    """Print and record the median of one's time through the other's."""
    taken: list[tuple[float, float]] = []
    one(), other()
    for turn in range(rounds):
        if turn % 2:
            late = other()
            taken.append((one(), late))
        else:
            taken.append((one(), other()))
    ratio = statistics.median(here / there for here, there in taken)
    here, there = (statistics.median(side) for side in zip(*taken, strict=True))
    sys.stdout.write(f"{name:34}{1e3 * here:11.4f} ms {1e3 * there:11.4f} ms {ratio:7.3f}\n")
    sys.stdout.flush()
    from ledger import append

    append("two_commits", {"case": name, "ms": round(1e3 * here, 5),
                           "other ms": round(1e3 * there, 5), "ratio": round(ratio, 4),
                           "rounds": rounds})  # fmt: skip
    return ratio


def startup(here: Path, other: Path, rounds: int) -> list[float]:
    """The wall clock of commands that a person waits for."""
    with tempfile.TemporaryDirectory() as folder:
        bad = Path(folder) / "bad.csv"
        bad.write_text("ds,y\n2024-01-01,1\n2024-01-02,two\n")
        commands = {
            "import holdfast.nn": ["-c", "import holdfast.nn"],
            "from holdfast import Forecaster": ["-c", "from holdfast import Forecaster"],
            "holdfast --help": ["-m", "holdfast", "--help"],
            "holdfast forecast, a bad file": ["-m", "holdfast", "forecast", str(bad), "-h", "3"],
        }

        def timed(checkout: Path, words: list[str]) -> Callable[[], float]:
            def run() -> float:
                begin = time.perf_counter()
                subprocess.run([sys.executable, *words], env=sources(checkout), cwd=folder,
                               capture_output=True, check=False)  # fmt: skip
                return time.perf_counter() - begin

            return run

        return [
            in_turns(name, timed(here, words), timed(other, words), rounds)
            for name, words in commands.items()
        ]


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--other", type=Path, help="the checkout to compare with")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=["engine", "stream", "startup"])
    parser.add_argument("--case", default="", help="cases whose name contains this")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve()
        return
    here, other = HERE.parent, asked.other.resolve()
    ratios: list[float] = []
    if asked.only != "startup":
        one, two = Checkout(here), Checkout(other)
        for name, case in cases(asked.threads).items():
            if asked.case not in name:
                continue
            if asked.only is None or (asked.only == "stream") == (case["pass"] == "step"):
                pair = lambda side, case=case: lambda: side.seconds(case)  # noqa: E731
                ratios.append(in_turns(name, pair(one), pair(two), asked.rounds))
    if asked.only in (None, "startup"):
        ratios += startup(here, other, asked.rounds)
    worse = sum(ratio > 1.03 for ratio in ratios)
    sys.stdout.write(f"{worse} of {len(ratios)} medians are worse by more than 3 %\n")


if __name__ == "__main__":
    main()
