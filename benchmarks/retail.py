"""A shop that never was: daily sales with promotions, prices, holidays, rare sellers, new products.

    python benchmarks/retail.py FOLDER        # sales.csv, future.csv, items.csv

Everything is drawn from a seed, so that what a forecast should find is known: how much a promotion
sells, how a price moves demand, what happens before and on a German public holiday.
"""

from __future__ import annotations

import argparse
import datetime
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holdfast.tables.calendar import Calendar
from holdfast.tables.frames import write_csv

FIRST = np.datetime64("2022-01-03", "D")
"""The first day: a Monday."""

CATEGORIES = ("bakery", "dairy", "drinks", "snacks", "household")
STORES = ("north", "south", "west")

# By category: how much a week on promotion sells, how demand follows the price, the days of the
# week from Monday on, the strength of the year, the month of its height.
_LIFTS = (1.4, 1.7, 2.6, 2.2, 1.6)
_ELASTICITIES = (-0.6, -0.8, -1.6, -1.2, -0.9)
_WEEKS = (
    (0.9, 0.9, 0.95, 1.0, 1.2, 1.5, 0.6),
    (1.0, 0.9, 0.95, 1.0, 1.15, 1.3, 0.7),
    (0.8, 0.8, 0.85, 1.0, 1.4, 1.7, 0.5),
    (0.9, 0.85, 0.9, 1.0, 1.3, 1.5, 0.6),
    (1.0, 0.95, 0.95, 1.0, 1.1, 1.4, 0.6),
)
_YEARS = (0.05, 0.05, 0.35, 0.1, 0.05)
_PEAKS = (12, 1, 7, 12, 4)

Columns = dict[str, NDArray[np.generic]]


@dataclass(frozen=True, eq=False)
class Retail:
    """The shop's books.

    Arguments:
        days: (T,) datetime64[D].
        names: (N,) products, such as "p017".
        sales: (N, T) pieces sold a day; NaN before a product is new.
        promotion: (N, T) whether it was on promotion.
        price: (N, T).
        category, store: (N,) text.
        rare: (N,) products that sell on few days.
        started: (N,) the first day on sale, counted from 0.
    """

    days: NDArray[np.datetime64]
    names: NDArray[np.object_]
    sales: NDArray[np.float64]
    promotion: NDArray[np.bool_]
    price: NDArray[np.float64]
    category: NDArray[np.object_]
    store: NDArray[np.object_]
    rare: NDArray[np.bool_]
    started: NDArray[np.int64]

    def table(self, first: int = 0, last: int | None = None) -> Columns:
        """Rows of the products on sale, in the long format: what a shop would export.

        Arguments:
            first, last: days, as a slice has them.
        """
        stop = len(self.days) if last is None else last
        row, day = np.nonzero(
            (np.arange(len(self.days)) >= np.maximum(self.started[:, None], first))
            & (np.arange(len(self.days)) < stop)
        )
        return {
            "unique_id": self.names[row],
            "ds": self.days[day].astype("datetime64[ns]"),
            "y": self.sales[row, day],
            "promotion": self.promotion[row, day].astype(np.int64),
            "price": self.price[row, day],
        }

    def future(self, first: int) -> Columns:
        """What is known of the days from `first` on: all but what was sold."""
        return {name: values for name, values in self.table(first).items() if name != "y"}

    def items(self) -> Columns:
        """One row a product."""
        return {"unique_id": self.names, "category": self.category, "store": self.store}


def retail(items: int = 120, days: int = 770, seed: int = 0) -> Retail:
    """Draw a shop.

    A fifth of the products sells on few days, a sixth is new in the last third of the days.

    Arguments:
        items: N products.
        days: T days.
        seed: of everything.

    Example:
        >>> shop = retail(items=6, days=100)
        >>> shop.sales.shape, float(np.nanmin(shop.sales)) >= 0.0
        ((6, 100), True)
    """
    random = np.random.default_rng(seed)
    dates = FIRST + np.arange(days)
    kind = random.integers(len(CATEGORIES), size=items)
    store = random.integers(len(STORES), size=items)
    rare = random.random(items) < 0.2
    new = random.random(items) < 1 / 6
    started = np.where(new, random.integers(2 * days // 3, days - days // 10, size=items), 0)

    level = np.where(rare, random.uniform(0.1, 0.6, items), np.exp(random.normal(2.8, 0.8, items)))
    regular = np.round(np.exp(random.normal(1.0, 0.5, items)), 2)
    promotion, cut = _promotions(random, kind, store, dates)
    price = regular[:, None] * _price_rises(random, items, days)
    price = np.round(price * np.where(promotion, 1.0 - cut, 1.0), 2)

    own_lift = np.asarray(_LIFTS)[kind] * np.exp(random.normal(0.0, 0.2, items))
    elasticity = np.asarray(_ELASTICITIES)[kind] * np.exp(random.normal(0.0, 0.2, items))
    weekday = (dates.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    week = np.asarray(_WEEKS)[kind][:, weekday] * np.exp(
        random.normal(0.0, 0.05, (items, 7))[:, weekday]
    )
    turn = 2 * np.pi * (dates - dates.astype("datetime64[Y]")).astype(np.int64) / 365.25
    peak = 2 * np.pi * (np.asarray(_PEAKS)[kind] - 0.5) / 12
    year = np.exp(np.asarray(_YEARS)[kind][:, None] * np.cos(turn[None] - peak[:, None]))
    walk = np.exp(np.cumsum(random.normal(0.0, 0.006, (items, days)), axis=1))
    mean = (
        level[:, None]
        * week
        * year
        * walk
        * np.where(promotion, own_lift[:, None], 1.0)
        * (price / regular[:, None]) ** elasticity[:, None]
        * _holiday_effect(dates)[None, :]
    )
    # Counts that spread more than Poisson's: a gamma of its own for every day.
    shape = np.where(rare, 2.0, 12.0)[:, None]
    sales = random.poisson(random.gamma(shape, mean / shape)).astype(np.float64)
    sales[np.arange(days)[None, :] < started[:, None]] = np.nan
    return Retail(
        days=dates,
        names=np.array([f"p{number:03d}" for number in range(items)], dtype=object),
        sales=sales,
        promotion=promotion,
        price=price,
        category=np.array(CATEGORIES, dtype=object)[kind],
        store=np.array(STORES, dtype=object)[store],
        rare=rare,
        started=started.astype(np.int64),
    )


def holidays_of(dates: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    """(T,) which days are public holidays in all of Germany."""
    found = set()
    for year in np.unique(dates.astype("datetime64[Y]").astype(np.int64) + 1970).tolist():
        easter = _easter(year)
        fixed = ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26))
        found |= {np.datetime64(datetime.date(year, month, day)) for month, day in fixed}
        found |= {easter + np.timedelta64(offset, "D") for offset in (-2, 1, 39, 50)}
    return np.isin(dates, np.array(sorted(found)))


def _easter(year: int) -> np.datetime64:
    """Easter Sunday, by the anonymous Gregorian computus (Nature, 1876)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * weekday) // 451
    month, day = divmod(h + weekday - 7 * m + 114, 31)
    return np.datetime64(datetime.date(year, month, day + 1))


def _holiday_effect(dates: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """(T,) shops are nearly empty on a holiday; the day before everybody buys for two."""
    padded = np.concatenate([dates, dates[-1:] + 1])
    there = holidays_of(padded)
    eve = there[1:] & ~there[:-1]
    return np.where(there[:-1], 0.25, np.where(eve, 1.6, 1.0))


def _promotions(
    random: np.random.Generator,
    kind: NDArray[np.int64],
    store: NDArray[np.int64],
    dates: NDArray[np.datetime64],
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """(N, T) weeks on promotion, of one product or of a category in a store, and the price cut."""
    items, weeks = len(kind), -(-len(dates) // 7)
    own = random.random((items, weeks)) < 0.08
    together = random.random((len(CATEGORIES), len(STORES), weeks)) < 0.05
    on = own | together[kind, store]
    cut = random.choice([0.1, 0.2, 0.3], size=(items, weeks))
    return np.repeat(on, 7, axis=1)[:, : len(dates)], np.repeat(cut, 7, axis=1)[:, : len(dates)]


def _price_rises(random: np.random.Generator, items: int, days: int) -> NDArray[np.float64]:
    """(N, T) a rise of some percent, once or twice in the time."""
    rises = random.random((items, days)) < 1.5 / days
    return np.exp(np.cumsum(rises * random.uniform(0.02, 0.12, (items, days)), axis=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--items", type=int, default=120)
    parser.add_argument("--days", type=int, default=770)
    parser.add_argument("--horizon", type=int, default=28)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    shop = retail(options.items, options.days, options.seed)
    end = options.days - options.horizon
    daily = Calendar.parse("D")
    options.folder.mkdir(parents=True, exist_ok=True)
    write_csv(options.folder / "sales.csv", shop.table(0, end), daily)
    write_csv(options.folder / "future.csv", shop.future(end), daily)
    write_csv(options.folder / "items.csv", shop.items())
    print(f"{options.items} products, {end} days and {options.horizon} to come: {options.folder}")


if __name__ == "__main__":
    main()
