"""statsforecast's AutoETS, AutoARIMA and AutoTheta on the folds: shown beside ours, not blended.

They run in a process of their own, one window after the other, so that a search that does not end
can be ended: what was not finished in time is said, not guessed.
"""

from __future__ import annotations

import importlib.util
import json
import math
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from holdfast.errors import InputError, option, worded
from holdfast.forecasting.baselines.naive import never_negative
from holdfast.records import Floats
from holdfast.tables.series import SeriesSet

METHODS: Final = ("AutoTheta", "AutoETS", "AutoARIMA")
"""The methods, in the order in which they run: the slowest last."""

SEASONS: Final = 8
"""Seasons that each of them sees, at least `POINTS` points; a longer history is cut to them."""

POINTS: Final = 200

SECONDS: Final = 120.0
"""How long they may take where there is no budget."""

_MODULE: Final = "holdfast.forecasting.baselines.statsforecast"


@dataclass(frozen=True, eq=False)
class Beside:
    """What came of the methods.

    Arguments:
        forecasts: method → (F, N, K), of the methods that finished every window.
        remarks: which did not, in sentences.
    """

    forecasts: dict[str, Floats]
    remarks: tuple[str, ...]


def require() -> None:
    """Refuse to go on without statsforecast.

    Raises:
        InputError: it is not installed; names the extra.
    """
    if importlib.util.find_spec("statsforecast") is None:
        raise InputError(
            "Baselines need statsforecast, which is not installed; install it with: pip install "
            '"holdfast[baselines]" (it keeps pandas below 3).'
        )


def forecast_beside(
    cuts: list[SeriesSet], actual: Floats, season: int, horizon: int, seconds: float
) -> Beside:
    """Let the methods forecast every fold.

    A gap is bridged by a straight line, since the methods take none; a history that is too short
    for a method is forecast by its last value.

    Arguments:
        cuts: the N series up to each of F cut-offs.
        actual: (F, N, K) what came; windows without a value are left out.
        season: points of a season; 1 for none.
        horizon: K steps.
        seconds: that all of it may take.
    """
    windows = [
        (fold, index)
        for fold, cut in enumerate(cuts)
        for index in range(len(cut))
        if not np.isnan(actual[fold, index]).all() and not np.isnan(cut.one(index)).all()
    ]
    floors = [never_negative(cut) for cut in cuts]
    made = {name: np.full(actual.shape, np.nan) for name in METHODS}
    done = dict.fromkeys(METHODS, 0)
    task = {
        "season": season,
        "horizon": horizon,
        "histories": [_bridged(cuts[fold].one(index), season) for fold, index in windows],
    }
    for name, place, values in _results(task, seconds):
        fold, index = windows[place]
        made[name][fold, index] = np.maximum(values, floors[fold][index])
        done[name] += 1
    finished = {name: made[name] for name in METHODS if done[name] == len(windows)}
    said = tuple(
        worded(
            f"{name} finished {done[name]:,} of {len(windows):,} past forecasts in "
            f"{seconds:.0f} seconds, so it is not shown; give more {option('budget')}."
        )
        for name in METHODS
        if name not in finished
    )
    return Beside(finished if windows else {}, said)


def _bridged(history: Floats, season: int) -> list[float]:
    """The end of a history without gaps."""
    seen = np.flatnonzero(~np.isnan(history))
    places = np.arange(seen[0], len(history))
    values = np.interp(places, seen, history[seen])
    kept: list[float] = values[-max(POINTS, SEASONS * season) :].tolist()
    return kept


def _results(task: dict[str, Any], seconds: float) -> Iterator[tuple[str, int, Floats]]:
    """(method, window, forecast) as they come, until the time is over."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", _MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    watch = threading.Timer(max(seconds, 0.0), process.kill)
    watch.daemon = True
    watch.start()
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(task))
            process.stdin.close()
        except BrokenPipeError:
            pass  # ended before it had read everything: nothing is finished
        for line in process.stdout:
            if line.endswith("\n"):
                name, place, values = json.loads(line)
                yield name, place, np.array(values, dtype=np.float64)
    finally:
        watch.cancel()
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _work() -> None:
    """What the process does: reads the histories, writes a line a forecast."""
    from statsforecast import models

    task = json.load(sys.stdin)
    season, horizon = task["season"], task["horizon"]
    kinds = {
        "AutoTheta": models.AutoTheta,
        "AutoETS": models.AutoETS,
        "AutoARIMA": models.AutoARIMA,
    }
    for name in METHODS:
        kind = kinds[name]
        for place, history in enumerate(task["histories"]):
            y = np.array(history)
            try:
                with np.errstate(all="ignore"):
                    made = kind(season_length=season).forecast(y=y, h=horizon)["mean"]
                values = [float(value) for value in made]
            except (ArithmeticError, LookupError, NotImplementedError, ValueError):
                values = []
            if len(values) != horizon or not all(map(math.isfinite, values)):
                values = [history[-1]] * horizon
            print(json.dumps([name, place, values]), flush=True)  # noqa: T201  # the answer


if __name__ == "__main__":
    _work()
