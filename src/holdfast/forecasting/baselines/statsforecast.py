"""statsforecast's AutoETS, AutoARIMA and AutoTheta on the folds: shown beside ours, not blended.

They run in a process of their own, one window after the other, so that a search that does not end
can be ended: what was not finished in time is named, not guessed.
"""

from __future__ import annotations

import importlib.util
import os
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Final

import numpy as np

from holdfast.errors import InputError, option, worded
from holdfast.records import Floats
from holdfast.tables.series import SeriesSet, never_negative

METHODS: Final = ("AutoTheta", "AutoETS", "AutoARIMA")
"""The methods, in the order in which they run: the slowest last."""

SEASONS: Final = 8  # seasons that each of them sees, at least `POINTS` points
POINTS: Final = 200

SECONDS: Final = 120.0  # how long they may take where there is no budget


@dataclass(frozen=True, eq=False)
class StatisticalForecasts:
    """Forecasts on the folds, and in sentences which methods did not finish.

    Arguments:
        forecasts: method → (F, N, K), of the methods that finished every window.
    """

    forecasts: dict[str, Floats]
    remarks: tuple[str, ...]


def require() -> None:
    """Refuse to go on without statsforecast."""
    if importlib.util.find_spec("statsforecast") is None:
        raise InputError(
            "Baselines need statsforecast, which is not installed; install it with: pip install "
            '"holdfast[baselines]" (it keeps pandas below 3).'
        )


def forecast_statistical(
    cuts: list[SeriesSet], actual: Floats, season: int, horizon: int, seconds: float
) -> StatisticalForecasts:
    """Let the methods forecast every fold, within some seconds in all.

    A gap is bridged by a straight line, since the methods take none; a history that is too short
    for a method is forecast by its last value.

    Arguments:
        cuts: the N series up to each of F cut-offs.
        actual: (F, N, K) the values behind them; windows without a value are left out.
    """
    windows = [
        (fold, index)
        for fold, cut in enumerate(cuts)
        for index in range(len(cut))
        if not np.isnan(actual[fold, index]).all() and not np.isnan(cut.one(index)).all()
    ]
    floors = [never_negative(cut) for cut in cuts]
    forecasts = {name: np.full(actual.shape, np.nan) for name in METHODS}
    done = dict.fromkeys(METHODS, 0)
    histories = [_bridged(cuts[fold].one(index), season) for fold, index in windows]
    for name, place, values in _results(histories, season, horizon, seconds):
        fold, index = windows[place]
        forecasts[name][fold, index] = np.maximum(values, floors[fold][index])
        done[name] += 1
    finished = {name: forecasts[name] for name in METHODS if done[name] == len(windows)}
    remarks = tuple(
        worded(
            f"{name} finished {done[name]:,} of {len(windows):,} past forecasts in "
            f"{seconds:.0f} seconds, so it is not shown; give more {option('budget')}."
        )
        for name in METHODS
        if name not in finished
    )
    return StatisticalForecasts(finished if windows else {}, remarks)


def _bridged(history: Floats, season: int) -> Floats:
    """The end of a history without gaps."""
    seen = np.flatnonzero(~np.isnan(history))
    places = np.arange(seen[0], len(history))
    values = np.interp(places, seen, history[seen])
    return np.asarray(values[-max(POINTS, SEASONS * season) :])


def _results(
    histories: list[Floats], season: int, horizon: int, seconds: float
) -> Iterator[tuple[str, int, Floats]]:
    """(method, window, forecast) as they come, until the time is over."""
    from loky import ProcessPoolExecutor  # starts alike from a script and a notebook

    end = time.monotonic() + seconds
    pool = ProcessPoolExecutor(1, initializer=_silence)
    finished = False
    try:
        for name in METHODS:
            for place, history in enumerate(histories):
                future = pool.submit(_forecast, name, history, season, horizon)
                yield name, place, future.result(timeout=max(end - time.monotonic(), 0.0))
        finished = True
    except (FutureTimeoutError, BrokenProcessPool):
        pass  # what was not finished in time, or ended its process, is not shown
    finally:
        pool.shutdown(kill_workers=not finished)


def _silence() -> None:
    """What the worker does first: its libraries warn of matters that no user can change."""
    warnings.simplefilter("ignore")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)


def _forecast(name: str, history: Floats, season: int, horizon: int) -> Floats:
    """(K,) the forecast of one method; the last value where the history is too short for it."""
    from statsforecast import models

    try:
        with np.errstate(all="ignore"):
            method = getattr(models, name)(season_length=season)
            mean = method.forecast(y=history, h=horizon)["mean"]
        forecast = np.array([float(value) for value in mean])
    except (ArithmeticError, LookupError, NotImplementedError, ValueError):
        forecast = np.zeros(0)
    if len(forecast) != horizon or not np.isfinite(forecast).all():
        return np.full(horizon, history[-1])
    return forecast
