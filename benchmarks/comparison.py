"""Run methods on problems: one row of results/peers.csv a problem and method, as scores.py says."""

from __future__ import annotations

import argparse
import csv
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from ledger import RESULTS, append
from problems import COLLECTIONS, Problem
from scores import DECILES as DECILES
from scores import Forecasts as Forecasts
from scores import score

TOGETHER = {"m3": "M3"}
"""Collections that have a score as a whole, and its name."""


@dataclass(frozen=True)
class Peer:
    """A method as it is run here.

    Arguments:
        name: to record, such as "neuralforecast LSTM".
        settings: what differs from the package's defaults, or what they left open.
        packages: those whose versions belong into the row.
        forecast: the method.
        threads: how many it computes on; None for as many as there are.
    """

    name: str
    settings: str
    packages: tuple[str, ...]
    forecast: Callable[[Problem], Forecasts]
    threads: int | None = None


def parser(description: str, collections: Sequence[str]) -> argparse.ArgumentParser:
    """The options that every script of peers has."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--data", type=Path, default=Path("../shared/data"))
    made.add_argument("--problem", nargs="+", choices=collections, default=list(collections))
    made.add_argument("--keep", type=Path, help="a folder for the forecasts, outside the project")
    made.add_argument("--again", action="store_true", help="also what is in the CSV already")
    made.add_argument("--limit", type=int, help="a trial on so many series; nothing is recorded")
    made.add_argument("--note", default="")
    return made


def compare(
    options: argparse.Namespace,
    peers: Callable[[Problem], Sequence[Peer]],
    change: Callable[[Problem], Problem] = lambda problem: problem,
) -> None:
    """Run every peer on every problem, and record each row as it is made.

    Arguments:
        options: from `parser`.
        peers: the peers for a problem, in the order in which they are run.
        change: makes another problem of each, such as `problems.validation`.
    """
    for collection in options.problem:
        parts: dict[tuple[str, str], list[tuple[Problem, Forecasts]]] = {}
        problems = [change(problem) for problem in COLLECTIONS[collection](options.data)]
        for problem in problems:
            chosen = problem if options.limit is None else problem.limited(options.limit)
            for peer in peers(chosen):
                made = _forecasts(options, chosen, peer)
                if made is None:
                    continue
                _record(options, chosen.label, peer, [(chosen, made)])
                whole = parts.setdefault((peer.name, peer.settings), [])
                whole.append((chosen, made))
                if collection in TOGETHER and len(whole) == len(problems):
                    together = TOGETHER[collection] + problem.suffix
                    _record(options, together, peer, whole)


def _forecasts(options: argparse.Namespace, problem: Problem, peer: Peer) -> Forecasts | None:
    """The forecasts, kept ones where there are; None where nothing is asked for."""
    path = None
    if options.keep is not None and options.limit is None:
        words = f"{problem.label} {peer.name} {peer.settings}".lower()
        path = options.keep / (re.sub(r"[^a-z0-9]+", "-", words).strip("-") + ".npz")
    if path is not None and path.exists() and not options.again:
        return Forecasts.load(path)
    if not options.again and options.limit is None and _recorded(problem.label, peer):
        print(f"{problem.name:16} {peer.name}: in the CSV already (--again runs it again)")
        return None
    print(f"{problem.name:16} {peer.name} begins at {time.strftime('%H:%M:%S')}", flush=True)
    made = peer.forecast(problem)
    if path is not None:
        made.save(path)
    return made


def _recorded(problem: str, peer: Peer) -> bool:
    path = RESULTS / "peers.csv"
    if not path.exists():
        return False
    with path.open(newline="", encoding="utf-8") as file:
        return any(
            (row.get("problem"), row["model"], row["settings"])
            == (problem, peer.name, peer.settings)
            for row in csv.DictReader(file)
        )


def _record(
    options: argparse.Namespace,
    name: str,
    peer: Peer,
    parts: Sequence[tuple[Problem, Forecasts]],
) -> None:
    """Print the scores, and write their row unless it is a trial or there already."""
    scores = score(parts)
    train = sum(forecasts.train_seconds for _, forecasts in parts)
    predict = sum(forecasts.predict_seconds for _, forecasts in parts)
    shown = " ".join(f"{label} {value:.4g}" for label, value in scores.items())
    print(f"{name:16} {peer.name}: {shown}; {train:.1f} s + {predict:.1f} s", flush=True)
    if options.limit is not None or (not options.again and _recorded(name, peer)):
        return
    available = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))
    append(
        "peers",
        {
            "problem": name,
            "model": peer.name,
            "settings": peer.settings,
            "series": sum(len(problem.series) for problem, _ in parts),
            "origins": len(parts[0][0].origins),
            "horizon": " ".join(str(problem.horizon) for problem, _ in parts),
            "season": " ".join(str(problem.season) for problem, _ in parts),
            **{label: round(value, 4) for label, value in scores.items()},
            "train seconds": round(train, 2),
            "predict seconds": round(predict, 2),
            "seconds": round(train + predict, 2),
            "threads": available if peer.threads is None else peer.threads,
            "packages": ", ".join(f"{package} {version(package)}" for package in peer.packages),
            "note": options.note,
        },
    )
