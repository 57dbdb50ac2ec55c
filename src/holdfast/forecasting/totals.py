"""Totals over groups of series and over periods, from sample paths: coherent with their parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.evaluation.copula import Marginals, Paths
from holdfast.forecasting.evaluation.counts import recognise, to_whole
from holdfast.forecasting.model import FittedModel
from holdfast.forecasting.paths import distribution
from holdfast.forecasting.predict import places_in
from holdfast.records import Floats, Times
from holdfast.tables.periods import Groups, Over, period_numbers, period_span
from holdfast.tables.series import SeriesSet

Indices = NDArray[np.int64]

_AT_ONCE = 4_000_000  # numbers of the paths that are drawn at once


@dataclass(frozen=True, eq=False)
class Totals:
    """T totals, each the sum of the points of one group in one period."""

    keys: Mapping[str, NDArray[np.generic]]  # the columns that tell groups apart, name → (T,)
    times: Times  # (T,) the first point of each period that there can be
    median: Floats  # (T,)
    lower: Mapping[float, Floats]  # level in percent → (T,)
    upper: Mapping[float, Floats]
    mean: Floats  # (T,) the sum of the means of the parts, exactly
    observed: Floats  # (T,) what had come already, and is in all of these
    points: Indices  # (T,) forecast and observed points that were added up
    note: tuple[str, ...]  # (T,) why a total is not the whole one; "" where it is


@dataclass(frozen=True, eq=False)
class Cells:
    """Which points add up to which total."""

    cell: Indices  # (N, K) the total of each forecast point
    group: Indices  # (T,) of each total
    first: Indices  # (T,) the points between which each total's period lies
    last: Indices


def totals(
    model: FittedModel,
    series: SeriesSet,
    groups: Groups | None,
    over: Over | None,
    levels: Sequence[float],
    *,
    samples: int,
    seed: int,
    integers: bool,
) -> Totals:
    """Add up the forecasts of some series, some periods, or both.

    Values that were observed in a period count with it. The median and the bounds are those of the
    sums of sample paths; the mean is the sum of the means of the parts. With `integers` totals of
    whole numbers are whole numbers, bounds rounded outwards.
    """
    forecasts, marginals = distribution(model, series)
    keys, member = _groups(series, groups)
    cells = _cells(series, model.horizon, member, over)
    total = len(cells.group)
    mean = np.bincount(cells.cell.ravel(), marginals.mean().ravel(), minlength=total)
    seen = _observed(series, member, cells, model.horizon, over)
    sampler = Paths(model.dependence, model.horizon, places_in(model, series), samples, seed)
    shares = np.array([0.5] + [0.5 + s * level / 200.0 for level in levels for s in (-1, 1)])
    quantiles = np.empty((len(shares), total))
    for chosen, sums in _sums(sampler, marginals, member, cells):
        quantiles[:, chosen] = np.quantile(sums, shares, axis=0)
    quantiles += seen.total
    result = Totals(
        keys={name: column[cells.group] for name, column in keys.items()},
        times=series.calendar.times(cells.first),
        median=quantiles[0],
        lower={level: quantiles[1 + 2 * place] for place, level in enumerate(levels)},
        upper={level: quantiles[2 + 2 * place] for place, level in enumerate(levels)},
        mean=mean + seen.total,
        observed=seen.total,
        points=seen.points,
        note=_notes(series, seen, forecasts.times.shape[1]),
    )
    return _whole(result, series, member, cells) if integers else result


def _groups(
    series: SeriesSet, groups: Groups | None
) -> tuple[Mapping[str, NDArray[np.generic]], Indices]:
    """The columns of the groups, one entry a group, and the group of each series."""
    if groups is None:
        return series.keys, np.arange(len(series))
    names, places = np.unique(groups.values.astype(str), return_inverse=True)
    first = np.array([int(np.flatnonzero(places == one)[0]) for one in range(len(names))])
    return {groups.name: groups.values[first]}, np.asarray(places, dtype=np.int64)


def _cells(series: SeriesSet, horizon: int, member: Indices, over: Over | None) -> Cells:
    """The totals in the order of groups and time, and what belongs to each."""
    ordinals = series.ends[:, None] + np.arange(1, horizon + 1)
    number = ordinals if over is None else period_numbers(series.calendar, ordinals, over)
    numbers, period = np.unique(number, return_inverse=True)
    period = period.reshape(number.shape)
    pairs, cell = np.unique(member[:, None] * len(numbers) + period, return_inverse=True)
    cell = cell.reshape(number.shape)
    group = pairs // len(numbers)
    if over == "horizon":
        first = np.full(len(pairs), np.iinfo(np.int64).max)
        np.minimum.at(first, cell.ravel(), ordinals.ravel())
        last = np.zeros(len(pairs), dtype=np.int64)
        np.maximum.at(last, cell.ravel(), ordinals.ravel())
        return Cells(cell, group, first, last)
    spans = [(point, point) for point in numbers.tolist()]
    if over is not None:
        inside = ordinals.ravel()[np.unique(period.ravel(), return_index=True)[1]]
        spans = [period_span(series.calendar, point, over) for point in inside.tolist()]
    edges = np.array(spans, dtype=np.int64)[pairs % len(numbers)]
    return Cells(cell, group, edges[:, 0], edges[:, 1])


@dataclass(frozen=True, eq=False)
class Seen:
    """What of each total had come already, and what there is of it at all."""

    total: Floats  # (T,) the sum of what was observed
    points: Indices  # (T,) observed and forecast points
    gaps: Indices  # (T,) points of the history without a value
    beyond: Indices  # (T,) points behind the last one that is forecast


def _observed(
    series: SeriesSet, member: Indices, cells: Cells, horizon: int, over: Over | None
) -> Seen:
    """What the histories hold of each total."""
    count = len(cells.group)
    points = np.bincount(cells.cell.ravel(), minlength=count)
    total, gaps, beyond = np.zeros(count), np.zeros(count, np.int64), np.zeros(count, np.int64)
    if over == "horizon":
        return Seen(total, points, gaps, beyond)
    # Every series with every total of its group.
    begin = np.searchsorted(cells.group, member, side="left")
    stop = np.searchsorted(cells.group, member, side="right")
    owner = np.repeat(np.arange(len(series)), stop - begin)
    cell = np.arange(len(owner)) - np.repeat(np.cumsum(stop - begin) - stop, stop - begin)
    low = np.clip(cells.first[cell] - series.starts[owner], 0, series.lengths[owner])
    high = np.clip(cells.last[cell] + 1 - series.starts[owner], low, series.lengths[owner])
    overlap = high > low
    if overlap.any():
        edges = np.stack([low, high], axis=1)[overlap] + series.offsets[owner[overlap], None]
        seen = ~np.isnan(series.values)
        values = np.append(np.where(seen, series.values, 0.0), 0.0)
        sums = np.add.reduceat(values, edges.ravel())[::2]
        observed = np.add.reduceat(np.append(seen, False).astype(np.int64), edges.ravel())[::2]
        np.add.at(total, cell[overlap], sums)
        np.add.at(points, cell[overlap], observed)
        np.add.at(gaps, cell[overlap], (high - low)[overlap] - observed)
    behind = np.maximum(
        cells.last[cell] - np.maximum(series.ends[owner] + horizon, cells.first[cell] - 1), 0
    )
    np.add.at(beyond, cell, behind)
    return Seen(total, points, gaps, beyond)


def _sums(
    sampler: Paths, marginals: Marginals, member: Indices, cells: Cells
) -> Iterator[tuple[Indices, Floats]]:
    """Some totals and the (n, …) sums of their paths, until all have been there."""
    horizon = cells.cell.shape[1]
    size = max(1, _AT_ONCE // (sampler.samples * horizon))
    order = np.argsort(member, kind="stable")
    begin = 0
    while begin < len(order):
        # Whole groups, as many as fit; a group that does not fit is drawn in parts.
        stop = begin + size
        while stop < len(order) and stop > begin and member[order[stop]] == member[order[stop - 1]]:
            stop -= 1
        if stop <= begin:
            stop = int(np.searchsorted(member[order], member[order[begin]], side="right"))
        rows = order[begin : min(stop, len(order))]
        chosen, place = np.unique(cells.cell[rows], return_inverse=True)
        place = place.reshape(len(rows), horizon)
        sums = np.zeros((sampler.samples, len(chosen)))
        for part in range(0, len(rows), size):
            some = slice(part, part + size)
            values = sampler.values(marginals.rows(rows[some]), rows[some])
            flat, where = values.reshape(len(values), -1), place[some].ravel()
            by_cell = np.argsort(where, kind="stable")
            into, starts = np.unique(where[by_cell], return_index=True)
            sums[:, into] += np.add.reduceat(flat[:, by_cell], starts, axis=1)
        yield chosen, sums
        begin = stop


def _notes(series: SeriesSet, seen: Seen, horizon: int) -> tuple[str, ...]:
    """Why totals are not whole."""
    end = series.calendar.format(series.calendar.times(series.ends.max() + horizon))
    notes = []
    for points, gaps, beyond in zip(
        seen.points.tolist(), seen.gaps.tolist(), seen.beyond.tolist(), strict=True
    ):
        reasons = []
        if beyond:
            reasons.append(
                f"partial: {points} of {points + gaps + beyond} points, the forecast ends at {end}"
            )
        if gaps:
            reasons.append(f"{gaps} missing {'value is' if gaps == 1 else 'values are'} left out")
        notes.append("; ".join(reasons))
    return tuple(notes)


def _whole(result: Totals, series: SeriesSet, member: Indices, cells: Cells) -> Totals:
    """In whole numbers where all series of a group are of whole numbers."""
    broken = np.bincount(member, weights=~recognise(series).whole, minlength=int(member.max()) + 1)
    whole = broken[cells.group] == 0
    rounded = to_whole(
        whole,
        result.median[:, None],
        {level: bound[:, None] for level, bound in result.lower.items()},
        {level: bound[:, None] for level, bound in result.upper.items()},
    )
    return replace(
        result,
        median=rounded.median[:, 0],
        lower={level: bound[:, 0] for level, bound in rounded.lower.items()},
        upper={level: bound[:, 0] for level, bound in rounded.upper.items()},
    )
