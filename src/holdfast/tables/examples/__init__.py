"""Tables that ship with the package, so that the first command needs no data."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError


@dataclass(frozen=True, eq=False)
class Example:
    """A table with a horizon that makes sense for it."""

    name: str  # as the command line takes it
    about: str  # one sentence on what it is and where it comes from
    columns: dict[str, NDArray[np.generic]]  # name → values, in the long format
    horizon: int  # steps to forecast unless told otherwise


def example(name: str) -> Example:
    """One of the tables: "air-passengers" (one series) or "bike-hire" (many).

    Raises:
        ArgumentError: there is no example of that name.

    Example:
        >>> example("air-passengers").columns["passengers"][:3].tolist()
        [112.0, 118.0, 132.0]
    """
    if name == "air-passengers":
        return _air_passengers()
    if name == "bike-hire":
        return _bike_hire()
    raise ArgumentError(
        f"There is no example {name!r}; the examples are air-passengers and bike-hire."
    )


def _air_passengers() -> Example:
    text = files(__package__).joinpath("air-passengers.csv").read_text(encoding="utf-8")
    rows = [line.split(",") for line in text.split()[1:]]
    return Example(
        name="air-passengers",
        about="Airline passengers by month, 1949 to 1960, in thousands (Box and Jenkins, 1970).",
        columns={
            "month": np.array([f"{month}-01" for month, _ in rows], dtype="datetime64[ns]"),
            "passengers": np.array([float(count) for _, count in rows]),
        },
        horizon=12,
    )


def _bike_hire(towns: int = 40, weeks: int = 10) -> Example:
    """Hires by hour in made-up towns: commuters, weekends, weather that lasts, growth.

    Weather is each town's own and fades by half within a day. How fast it fades, and what it does
    to mornings and afternoons, is the same everywhere: that is what one network can learn from all
    towns together, and a method for single series can not.
    """
    generator = np.random.default_rng(2026)
    hours = np.arange(weeks * 168)
    hour, weekday = hours % 24, hours // 24 % 7
    weekend = (weekday >= 5).astype(float)

    def hump(centre: float, width: float) -> NDArray[np.float64]:
        return np.asarray(np.exp(-0.5 * ((hour - centre) / width) ** 2), dtype=np.float64)

    weather = np.zeros((len(hours), towns))
    shocks = generator.normal(0.0, 0.09, weather.shape)
    for now in range(1, len(hours)):
        weather[now] = 0.97 * weather[now - 1] + shocks[now]
    rows = []
    for town in range(towns):
        morning, evening, leisure = generator.lognormal([0.9, 1.0, 0.6], 0.5)
        work = morning * hump(generator.normal(8.2, 0.4), 1.4)
        work = work + evening * hump(generator.normal(17.6, 0.5), 1.9)
        free = leisure * hump(generator.normal(14.5, 0.7), 3.6)
        shape = 0.12 + (1.0 - weekend) * (work + 0.3 * free) + weekend * (1.6 * free + 0.1 * work)
        feels = generator.uniform(0.7, 1.0) * weather[:, town] * (0.6 + hump(14.0, 6.0))
        growth = generator.normal(0.0, 0.15) * hours / len(hours)
        noise = generator.normal(0.0, 0.08, len(hours))
        size = generator.lognormal(4.5, 0.7)
        rows.append(np.maximum(np.round(size * shape * np.exp(feels + growth + noise)), 1.0))
    names = [f"town {number:02d}" for number in range(1, towns + 1)]
    start = np.datetime64("2025-03-03T00", "ns")  # a Monday
    times = start + hours * np.timedelta64(1, "h")
    return Example(
        name="bike-hire",
        about="Hires by hour in 40 made-up towns, drawn with a fixed seed.",
        columns={
            "town": np.repeat(np.array(names, dtype=object), len(hours)),
            "time": np.tile(times, towns),
            "hires": np.concatenate(rows),
        },
        horizon=24,
    )
