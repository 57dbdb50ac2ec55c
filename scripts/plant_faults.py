"""Plants one fault after another in a copy of the tree and sees the tests notice.

    python scripts/plant_faults.py                  # all of them, some minutes
    python scripts/plant_faults.py --only GRU       # those whose name or file contains a word
    python scripts/plant_faults.py --list           # the table of docs/testing.md

Faults of the compiled kernels are built apart, without optimisation and for the portable
instruction set alone, and the tests run on that library; where there is no C++ compiler these
faults are left out, and the last line says so.

Exit code 0 only if the tests are green without a fault, every fault finds its text exactly once,
and each of them turns every test named for it red. A test that fails because the planted line is
no valid program proves nothing and counts as a miss.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from faults import FAULTS, Fault

ROOT = Path(__file__).resolve().parents[1]
NEEDED = ("native", "src", "tests", "pyproject.toml", "README.md", "LICENSE")
PACKAGE = Path("src", "holdfast")
LIBRARY = "libholdfast.so"
COMPILER = shutil.which(os.environ.get("CXX", "c++"))
LONGEST = 300
"""Seconds after which the tests of one fault count as hanging."""

BROKEN_PLANTS = ("NameError", "SyntaxError", "ImportError", "AttributeError", "IndentationError")
"""What a fault of ours raises when it is no valid program any more."""


class PlantError(Exception):
    """The planter cannot prove anything; the message says why."""


@dataclass(frozen=True)
class Run:
    """What a run of pytest came to.

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
    parser.add_argument("--only", default="", help="faults whose name or file contains this")
    options = parser.parse_args()
    if options.list:
        say(table())
        return 0
    word = options.only.lower()
    chosen = [fault for fault in FAULTS if word in f"{fault.name} {fault.file}".lower()]
    left_out = [fault for fault in chosen if fault.native and COMPILER is None]
    chosen = [fault for fault in chosen if fault not in left_out]
    try:
        if not chosen and not left_out:
            raise PlantError(f"no fault has {options.only!r} in its name or file")
        for fault in chosen:
            planted(fault, (ROOT / place(fault)).read_text(encoding="utf-8"))
        with tempfile.TemporaryDirectory(prefix="holdfast-faults-") as folder:
            missed = plant_all(copy_of_the_tree(Path(folder)), chosen)
    except PlantError as error:
        say(f"plant_faults: {error}")
        return 1
    say(f"\n{len(chosen) - len(missed)} of {len(chosen)} faults were noticed by every test named.")
    for fault in missed:
        say(f"NOT NOTICED: {fault.name} [{fault.file}]")
    if left_out:
        say(f"{len(left_out)} faults of the compiled kernels were left out: no C++ compiler.")
    return 1 if missed else 0


def plant_all(copy: Path, faults: Sequence[Fault]) -> list[Fault]:
    """Plant each fault in the copy, print a row for each, and return what went unnoticed."""
    for native in (False, True):
        tests = sorted({test for fault in faults if fault.native is native for test in fault.tests})
        if not tests:
            continue
        before = pytest(copy, tests, limit=5 * LONGEST, native=native)
        if before.code != 0:
            raise PlantError(
                f"the tests are not green before anything is planted:\n{before.output}"
            )
        say(f"{len(tests)} tests are green without a fault in {before.seconds:.0f} s.\n")
    missed: list[Fault] = []
    for fault in faults:
        with in_place(copy / place(fault), fault):
            run = pytest(copy, fault.tests, limit=LONGEST, native=fault.native)
        silent = silent_tests(fault, run)
        if silent:
            missed.append(fault)
        mark = "GREEN" if silent else "red  "
        say(f"{mark} {run.seconds:5.1f} s  {fault.name}  [{fault.file}]")
        for test in fault.tests:
            proof = "NO PROOF: " if test in silent else ""
            reason = why(test, run) or f"pytest ended with {run.code}, this test is not red"
            say(f"               {test.rpartition('::')[2]}: {proof}{reason[:100]}")
    return missed


def silent_tests(fault: Fault, run: Run) -> list[str]:
    """The tests that should have noticed and did not."""
    if run.code != 1:
        return list(fault.tests)
    return [
        test
        for test in fault.tests
        if (reason := why(test, run)) is None or reason.startswith(BROKEN_PLANTS)
    ]


def why(test: str, run: Run) -> str | None:
    """Why a test failed, whatever its parameters; None if it did not."""
    return next(
        (reason for name, reason in run.red.items() if name.partition("[")[0] == test), None
    )


def place(fault: Fault) -> Path:
    """Where its file is, from the root of the tree."""
    return Path(fault.file) if fault.native else PACKAGE / fault.file


def planted(fault: Fault, text: str) -> str:
    """A file's text with the fault in it.

    Raises:
        PlantError: the text to replace is not there, or there more than once.
    """
    found = text.count(fault.old)
    if found != 1:
        raise PlantError(
            f"{fault.name}: its text stands {found} times in {fault.file}, not once; "
            "bring scripts/faults up to date."
        )
    return text.replace(fault.old, fault.new)


@contextmanager
def in_place(path: Path, fault: Fault) -> Iterator[None]:
    """Inside, the file holds the fault."""
    text = path.read_text(encoding="utf-8")
    path.write_text(planted(fault, text), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(text, encoding="utf-8")


def copy_of_the_tree(folder: Path) -> Path:
    """A copy of what the tests need, and the certainty that its package is what is imported."""
    for name in NEEDED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copy(source, target)
    found = subprocess.run(
        [sys.executable, "-c", "import holdfast; print(holdfast.__file__)"],
        cwd=folder, env=environment(folder), capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    if Path(found).resolve() != (folder / PACKAGE / "__init__.py").resolve():
        raise PlantError(f"python imports {found}, not the copy in {folder}")
    return folder


def environment(copy: Path) -> dict[str, str]:
    """One thread, the copy in front of any installed package, and no stale bytecode.

    A fault and what it replaces may be equally long and a second apart: a .pyc file, which is
    checked by time and size, would hide it.
    """
    return os.environ | {
        "PYTHONPATH": str(copy / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "400",  # the summary's reasons are cut to the width of the terminal
    }


def build(copy: Path) -> str:
    """Build the copy's kernels; what the compiler says where it cannot, else nothing."""
    assert COMPILER is not None
    words = [
        COMPILER, "-std=gnu++17", "-O0", "-fPIC", "-fopenmp", "-shared", "-w",
        "-DHOLDFAST_ISA=baseline", "kernels.cpp", "bindings.cpp", "-o", str(copy / LIBRARY),
    ]  # fmt: skip
    ended = subprocess.run(words, cwd=copy / "native", capture_output=True, text=True, check=False)
    return ended.stderr if ended.returncode else ""


def pytest(copy: Path, tests: Sequence[str], *, limit: float, native: bool = False) -> Run:
    """Run some tests in the copy; those of the compiled kernels on a library built first."""
    words = [sys.executable, "-m", "pytest", "-rfE", "--tb=line", "-p", "no:cacheprovider", *tests]
    surroundings = environment(copy)
    begin = time.monotonic()
    if native:
        if said := build(copy):
            return Run(-1, {}, time.monotonic() - begin, said)
        surroundings["HOLDFAST_NATIVE"] = str(copy / LIBRARY)
        # Of the contract's cases those of the compiled kernels; the first that is red tells enough.
        words += ["-k", "cpu or not test_contract", *(["-x"] if len(tests) == 1 else [])]
    try:
        ended = subprocess.run(
            words, cwd=copy, env=surroundings, capture_output=True, text=True,
            timeout=limit, check=False,
        )  # fmt: skip
        code, output = ended.returncode, ended.stdout + ended.stderr
    except subprocess.TimeoutExpired:
        code, output = -1, f"no end after {limit} s"
    red = {}
    for line in output.splitlines():
        if line.startswith("FAILED "):
            name, _, reason = line.removeprefix("FAILED ").partition(" - ")
            red[name] = reason.strip() or "failed"
    return Run(code, red, time.monotonic() - begin, output)


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
            rows.append(f"| {fault.name} (`{fault.file}`) | {tests} |")
        rows.append("")
    return "\n".join(rows).rstrip()


def say(text: str) -> None:
    """Print at once: a run takes minutes."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
