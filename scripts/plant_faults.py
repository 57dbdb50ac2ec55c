"""Plants one fault after another and sees the tests notice.

    python scripts/plant_faults.py                  # all of them, some minutes
    python scripts/plant_faults.py --only GRU       # those whose name or target contains a word
    python scripts/plant_faults.py --list           # the table of docs/testing.md

A fault is a behaviour: a function that takes the place of a right one (`faults/`), so that it holds
however the right one is written. Every fault has a process of its own, a fork of this one with
torch loaded and nothing of Holdfast's, in which pytest runs the tests named for it. Exit code 0
only if the tests are green without a fault, every fault can be planted, and each turns every test
named for it red. A test that fails because the fault is no valid program proves nothing and counts
as a miss.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import NoReturn

import pytest
from faults import FAULTS, Fault

ROOT = Path(__file__).resolve().parents[1]
COMPILED = "holdfast.engine.kernels.cpu"
"""What loads and runs the compiled kernels."""

BROKEN = 99
"""Exit code of a child that could not plant its fault."""

LONGEST = 300
"""Seconds after which the tests of one fault count as hanging."""

BROKEN_PLANTS = ("NameError", "SyntaxError", "ImportError", "AttributeError", "TypeError")
"""What a fault of ours raises when it is no valid program any more."""


@dataclass(frozen=True)
class Run:
    """The outcome of a run of pytest.

    Arguments:
        code: pytest's exit code; 0 for green, 1 for failed tests, anything else for no proof.
        red: test → why it failed, in pytest's one line.
        seconds: wall clock.
        output: all that pytest printed.
    """

    code: int
    red: dict[str, str]
    seconds: float
    output: str


def main() -> int:
    """Run the command; its exit code."""
    parser = argparse.ArgumentParser(description="Plant faults and see the tests notice.")
    parser.add_argument("--list", action="store_true", help="print the table for the docs")
    parser.add_argument("--only", default="", help="faults whose name or target contains this")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT / "src"))
    os.environ |= {
        "PYTHONPATH": str(ROOT / "src"),
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "400",  # the summary's reasons are cut to the width of the terminal
    }
    if options.list:
        say(table())
        return 0
    word = options.only.lower()
    chosen = [fault for fault in FAULTS if word in f"{fault.name} {fault.target}".lower()]
    if not chosen:
        say(f"plant_faults: no fault has {options.only!r} in its name or target")
        return 1
    if not compiled_kernels():
        kept = [fault for fault in chosen if COMPILED not in fault.target]
        say(f"{len(chosen) - len(kept)} faults of the compiled kernels are left out: none here.")
        chosen = kept
    tests = sorted({test for fault in chosen for test in fault.tests})
    before = run_tests(tests, limit=5 * LONGEST)
    if before.code != 0:
        say(f"plant_faults: the tests are not green without a fault:\n{before.output}")
        return 1
    say(f"{len(tests)} tests are green without a fault in {before.seconds:.0f} s.\n")
    missed = [fault for fault in chosen if not noticed(fault)]
    say(f"\n{len(chosen) - len(missed)} of {len(chosen)} faults were noticed by every test named.")
    for fault in missed:
        say(f"NOT NOTICED: {fault.name} [{fault.target}]")
    return 1 if missed else 0


def compiled_kernels() -> bool:
    """Whether there are any; asked in another process, so that this one stays without Holdfast."""
    question = f"from {COMPILED} import load; raise SystemExit(isinstance(load(), str))"
    return subprocess.run([sys.executable, "-c", question], check=False).returncode == 0


def noticed(fault: Fault) -> bool:
    """Whether every test named for a fault goes red with it; prints a row for each."""
    run = run_tests(fault.tests, limit=LONGEST, fault=fault)
    reasons = {test: why(test, run) for test in fault.tests}
    silent = [
        test
        for test, reason in reasons.items()
        if run.code != 1 or reason is None or reason.startswith(BROKEN_PLANTS)
    ]
    say(f"{'GREEN' if silent else 'red  '} {run.seconds:5.1f} s  {fault.name}  [{fault.target}]")
    for test, reason in reasons.items():
        proof = "NO PROOF: " if test in silent else ""
        text = reason or f"pytest ended with {run.code}, this test is not red"
        say(f"               {test.rpartition('::')[2]}: {proof}{text[:100]}")
    return not silent


def why(test: str, run: Run) -> str | None:
    """Why a test failed, whatever its parameters; None if it did not."""
    return next(
        (reason for name, reason in run.red.items() if name.partition("[")[0] == test), None
    )


def run_tests(tests: Sequence[str], *, limit: float, fault: Fault | None = None) -> Run:
    """Run some tests in a process of their own, with a fault planted in it."""
    begin = time.monotonic()
    with tempfile.TemporaryFile("w+") as written:
        child = os.fork()
        if not child:
            _run_here(tests, fault, written.fileno())
        code = _wait(child, limit)
        written.seek(0)
        output = written.read()
    red = {}
    for line in output.splitlines():
        if line.startswith("FAILED "):
            name, _, reason = line.removeprefix("FAILED ").partition(" - ")
            red[name] = reason.strip() or "failed"
    return Run(code, red, time.monotonic() - begin, output)


def _run_here(tests: Sequence[str], fault: Fault | None, output: int) -> NoReturn:
    """In the child: plant, run pytest, and end."""
    code = BROKEN
    try:
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.setpgid(0, 0)
        os.chdir(ROOT)
        if fault is not None:
            fault.plant()
        arguments = ["-rfE", "--tb=line", "-p", "no:cacheprovider", "-s"]
        once = [] if fault is None else [OneIsEnough()]
        code = int(pytest.main([*arguments, *tests], plugins=once))
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _wait(child: int, limit: float) -> int:
    """The exit code of a child; −1 where it took too long and was killed."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1


class OneIsEnough:
    """Leaves out further parameters of a test that is red already."""

    def __init__(self) -> None:
        self.red: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember which tests are red."""
        if report.failed:
            self.red.add(report.nodeid.partition("[")[0])

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip what is red."""
        if item.nodeid.partition("[")[0] in self.red:
            pytest.skip("red already")


def table() -> str:
    """Faults and tests as a table in Markdown."""
    rows = []
    for kind, faults in groupby(FAULTS, key=lambda fault: fault.kind):
        rows += [
            f"### {kind[:1].upper()}{kind[1:]}",
            "",
            "| fault | tests that go red |",
            "|---|---|",
        ]
        for fault in faults:
            tests = "<br>".join(f"`{test.removeprefix('tests/')}`" for test in fault.tests)
            rows.append(f"| {fault.name} (`{fault.target}`) | {tests} |")
        rows.append("")
    return "\n".join(rows).rstrip()


def say(text: str) -> None:
    """Print at once: a run takes minutes."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
