"""New rows for series that are known: read on their calendar, and put where they belong."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import TableError, option, worded
from holdfast.tables.calendar import Calendar, to_wall
from holdfast.tables.covariate_tables import CovariateSources, laid_out
from holdfast.tables.covariates import Covariates
from holdfast.tables.frames import open_source
from holdfast.tables.layouts import ColumnNames
from holdfast.tables.raw import RawTable
from holdfast.tables.read import ReadOptions, read_layout
from holdfast.tables.rows import MAX_THINNING, Rows, into_periods, zeros_set
from holdfast.tables.series import SeriesSet


@dataclass(frozen=True, eq=False)
class NewRows:
    """Rows of a table on a calendar that is given."""

    rows: Rows  # by series and time, one a series and timestamp
    ordinals: NDArray[np.int64]  # (rows,) where each stands on the calendar
    named: bool  # whether the rows say which series they belong to
    messages: tuple[str, ...]  # what was guessed on the way, one sentence each
    # (N, S) statics of the rows' series, of use for those that are new; None for none
    static: NDArray[np.float64] | None = None
    combined: bool = False  # whether each row is all that there is of its period
    zeros: bool = False  # whether a period behind the known end without a value is zero


def read_new_rows(
    source: object,
    names: ColumnNames,
    calendar: Calendar,
    options: ReadOptions | None = None,
    *,
    like: Covariates | None = None,
    static: object = None,
) -> NewRows:
    """Read a table whose series, calendar and columns are known.

    Arguments:
        names: of the columns in the table that was fitted; those that this one has too are taken.
        options: the columns where they are called otherwise, how dates and numbers are written,
            the layout, the sheet, how to combine rows of one period, and what a missing one is;
            the rest is known and not looked at.
        like: the covariates of the fit, whose columns in time the rows must have; None for none.

    Raises:
        TableError: the table cannot be used; names the file, line, column or series.
        ArgumentError: statics are given that the fit did not have, or columns of a wide table.
    """
    options = options or ReadOptions()
    raw, _ = open_source(source, options.sheet)
    sources = CovariateSources.again(like, static)
    covariates = None
    if sources is not None and sources.named:
        covariates = sources.rows(raw, wide=options.wide)
        raw = raw.without(set(sources.named))
    if not options.wide:
        options = _as_in_the_fit(options, raw, names)
    layout = read_layout(raw, options)
    named = options.wide or layout.named
    rows, _ = replace(layout.rows, covariates=covariates).sorted()
    rows = _in_its_time(rows, calendar)
    messages = (*raw.messages, *layout.messages)
    if options.aggregate is not None:
        rows, notes = into_periods(rows, calendar, options.aggregate)
        rows, messages = rows.without_empty_series(), (*messages, *notes)
    rows.check_unique("delete one of them")  # which of them holds is not ours to say
    statics = None
    if sources is not None:
        statics, notes = sources.of_new_series(rows.labels, names)
        messages = (*messages, *notes)
    messages = tuple(map(worded, messages))
    return NewRows(
        rows, _ordinals(rows, calendar), named, messages, statics,
        combined=options.aggregate is not None, zeros=options.missing == "zero",
    )  # fmt: skip


def _as_in_the_fit(options: ReadOptions, raw: RawTable, names: ColumnNames) -> ReadOptions:
    """The columns as they were called in the fit, where they are still there."""
    ids = options.id_col
    if ids is None and all(name in raw.columns for name in names.id):
        ids = names.id
    time = options.time_col or (names.time if names.time in raw.columns else None)
    target = options.target_col or (names.target if names.target in raw.columns else None)
    return replace(options, id_col=ids, time_col=time, target_col=target)


def _in_its_time(rows: Rows, calendar: Calendar) -> Rows:
    """The rows in the calendar's kind of time: counters, UTC or the clock on the wall."""
    counter = calendar.kind == "counter"
    rows = rows.as_years(calendar)
    if rows.stamps.counter != counter:
        found = "whole numbers" if rows.stamps.counter else "dates"
        expected = "whole numbers" if counter else "dates"
        raise TableError(
            f"{rows.where}: the times are {found}, but the model was fitted on {expected}; give "
            "the model's own timestamps."
        )
    zone = rows.stamps.zone
    if (zone is None) != (calendar.zone is None) or (zone != calendar.zone and not calendar.utc):
        found = "no time zone" if zone is None else f"the time zone {zone}"
        expected = "none" if calendar.zone is None else calendar.zone
        raise TableError(
            f"{rows.where}: the times have {found}, those of the model {expected}; give the "
            "model's own timestamps."
        )
    if zone is not None and not calendar.utc:
        return rows.at_times(to_wall(rows.stamps.values, zone))
    return rows


def named_series(rows: Rows, row: int) -> str:
    """How a sentence names the series of a row, also where it is the only one."""
    return f"series {rows.labels[int(rows.codes[row])]!r}"


def _ordinals(rows: Rows, calendar: Calendar) -> NDArray[np.int64]:
    row = rows.off(calendar)
    if row is not None:
        raise TableError(
            f"{rows.where}, {rows.at(row)}: {rows.time(row)} of "
            f"{named_series(rows, row)} does not lie on the model's calendar "
            f"({calendar.words}); mend the time or leave the row out."
        )
    return calendar.ordinals(rows.times)


def with_rows(
    series: SeriesSet,
    former: Covariates,
    new: NewRows,
    places: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> SeriesSet:
    """Series with their covariates, those of new rows among them.

    Arguments:
        former: covariates of the first of them, before they grew; the others are new.
        rows: which of the rows are taken.
    """
    covariates = _widened(former, len(series))
    created = len(series) - len(former)
    if created and new.static is not None:
        codes = new.rows.codes[rows]
        behind = places >= len(former)
        covariates.static[places[behind]] = new.static[codes[behind]]
    later = new.rows.covariates
    if later is not None:
        covariates = covariates.with_rows(
            laid_out(covariates, places, new.ordinals[rows], later.values[rows])
        )
    return replace(series, covariates=covariates)


def _widened(former: Covariates, count: int) -> Covariates:
    """The same with series behind them of which nothing is known."""
    more = count - len(former)
    return replace(
        former,
        starts=np.concatenate([former.starts, np.zeros(more, dtype=np.int64)]),
        offsets=np.concatenate([former.offsets, np.full(more, former.offsets[-1])]).astype(
            np.int64
        ),
        static=np.concatenate([former.static, np.full((more, former.static.shape[1]), np.nan)]),
    )


_SMALL_GRID: Final = 10_000


@dataclass(frozen=True, eq=False)
class Appended:
    """What became of new rows."""

    series: SeriesSet  # with the new rows in them; those that are new stand behind the others
    behind: int  # values behind the end of a series, those of new series among them
    filled: int  # values in a gap, or before the beginning of a series
    corrected: int  # values that took the place of others
    repeated: int  # rows that said what was known
    created: int  # series that were not known before
    messages: tuple[str, ...]  # what was guessed on the way, one sentence each

    @property
    def last(self) -> str:
        """The newest time of all series, in words."""
        calendar = self.series.calendar
        return calendar.format(calendar.times(self.series.ends.max()))

    @property
    def words(self) -> str:
        """All of it in a sentence."""
        parts = [f"{_count(self.behind, 'value')} added"]
        if self.filled:
            parts.append(f"{_count(self.filled, 'gap')} filled")
        if self.corrected:
            parts.append(f"{_count(self.corrected, 'value')} corrected")
        if self.repeated:
            parts.append(f"{_count(self.repeated, 'row')} known already")
        if self.created:
            parts.append(f"{self.created:,} new series")
        return ", ".join(parts) + "."


def append(series: SeriesSet, new: NewRows, *, correct: bool = False) -> Appended:
    """Series with new rows in them.

    A row behind the end of its series makes it longer, one in a gap fills it, one that says what is
    known changes nothing, and one that says something else is refused unless it is asked for. A row
    without a value is a gap behind the end and changes nothing elsewhere. A sum or mean of rows is
    refused for a period that has a value, since nothing says whether that holds them. Of covariates
    the newest word counts, since what was known ahead may have been a plan. The time this takes
    grows with the new rows, beside one copy of the values and one look at each name.

    Raises:
        TableError: a value would be replaced, a time leaps too far, or a new series has no value;
            names the line and the series.
    """
    rows, ordinals = new.rows, new.ordinals
    places, labels, keys = _places(series, rows, new.named)
    count = len(labels)
    place = places[rows.codes]
    written = ~np.isnan(rows.values)
    _check_new(rows, place, written, len(series), count)

    nowhere = np.iinfo(np.int64)
    starts = np.concatenate([series.starts, np.full(count - len(series), nowhere.max)])
    ends = np.concatenate([series.ends, np.full(count - len(series), nowhere.min)])
    known_starts, known_ends = starts.copy(), ends.copy()
    np.minimum.at(starts, place[written], ordinals[written])
    behind = ordinals > ends[place]
    np.maximum.at(ends, place[behind], ordinals[behind])
    kept = written | (ordinals > starts[place])  # a new series begins with its first value
    lengths = ends - starts + 1
    _check_leaps(rows, ordinals, place, known_starts, known_ends, lengths, series)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)

    values = _room(series, starts, ends, offsets)
    where = offsets[place] + ordinals - starts[place]
    where, given, row_of = where[kept], rows.values[kept], np.flatnonzero(kept)
    before, stated = values[where], ~np.isnan(given)
    had = ~np.isnan(before)
    other = stated & had & (before != given)
    if new.combined and (stated & had).any() and not correct:
        row = int(row_of[np.flatnonzero(stated & had)[0]])
        raise TableError(
            f"{rows.where}, {rows.at(row)}: the period {rows.time(row)} of "
            f"{named_series(rows, row)} has a value already, and nothing says whether the new rows "
            "are part of it; leave them out, or give all rows of that period with "
            f"{option('correct', True)}."
        )
    if other.any() and not correct:
        row = int(row_of[np.flatnonzero(other)[0]])
        raise TableError(
            f"{rows.where}, {rows.at(row)}: {named_series(rows, row)} has {before[other][0]:g} at "
            f"{rows.time(row)}, and the row says {rows.values[row]:g}; delete the row, or ask for "
            f"corrections with {option('correct', True)}."
        )
    values[where[stated]] = given[stated]
    inside = ~behind[kept]
    messages = new.messages
    if new.zeros:
        first = np.where(known_ends < known_starts, starts, known_ends + 1)
        empty = np.isnan(values)
        empty &= np.arange(len(values)) >= np.repeat(offsets[:-1] + first - starts, lengths)
        values[empty] = 0.0
        messages = (*messages, *zeros_set(int(empty.sum())))
    grown = SeriesSet(labels, keys, starts, offsets, values, series.calendar)
    if series.covariates is not None:
        grown = with_rows(grown, series.covariates, new, place[row_of], row_of)
    return Appended(
        series=grown,
        behind=int((stated & ~inside).sum()),
        filled=int((stated & ~had & inside).sum()),
        corrected=int(other.sum()),
        repeated=int((stated & had & ~other).sum()),
        created=count - len(series),
        messages=messages,
    )


def identities(labels: tuple[str, ...], keys: Mapping[str, NDArray[np.generic]]) -> list[Hashable]:
    """What tells series apart, whatever their keys are stored as: a label may stand for two."""
    if len(keys) == 1:
        return list(labels)
    return list(zip(*(map(str, column.tolist()) for column in keys.values()), strict=True))


def _places(
    series: SeriesSet, rows: Rows, named: bool
) -> tuple[NDArray[np.int64], tuple[str, ...], dict[str, NDArray[np.generic]]]:
    """For each series of the rows its place; labels and keys with the new ones behind."""
    if not named and len(series) == 1:
        return np.zeros(1, dtype=np.int64), series.labels, dict(series.keys)
    if not named or len(rows.keys) != len(series.keys):
        found = f"{len(rows.keys)} columns" if named else "no column"
        raise TableError(
            f"{rows.where} tells series apart by {found}, the model by "
            f"{' and '.join(series.keys)}; name such columns with {option('id_col')}."
        )
    known = {name: place for place, name in enumerate(identities(series.labels, series.keys))}
    places = np.empty(len(rows.labels), dtype=np.int64)
    added: list[int] = []
    for code, name in enumerate(identities(rows.labels, rows.keys)):
        place = known.get(name)
        if place is None:
            place = len(series) + len(added)
            added.append(code)
        places[code] = place
    if not added:
        return places, series.labels, dict(series.keys)
    labels = (*series.labels, *(rows.labels[code] for code in added))
    pairs = zip(series.keys.items(), rows.keys.values(), strict=True)
    keys = {name: _joined(column, more[np.array(added)]) for (name, column), more in pairs}
    return places, labels, keys


def _joined(known: NDArray[np.generic], more: NDArray[np.generic]) -> NDArray[np.generic]:
    """Ids behind ids, in the kind of the known ones where it can hold them; else as text."""
    if known.dtype != more.dtype:
        try:
            cast = more.astype(str).astype(object) if known.dtype == object else more
            cast = cast.astype(known.dtype)
            if cast.astype(str).tolist() == more.astype(str).tolist():
                return np.concatenate([known, cast])
        except (TypeError, ValueError, OverflowError):
            pass  # a name among numbers
        known, more = (column.astype(str).astype(object) for column in (known, more))
    return np.concatenate([known, more])


def _room(
    series: SeriesSet,
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    offsets: NDArray[np.int64],
) -> NDArray[np.float64]:
    """The known values with room for new ones, NaN, before and behind each series: one copy."""
    count = len(series)
    if not len(series.values):
        return np.full(int(offsets[-1]), np.nan)
    values = np.empty(int(offsets[-1]))
    old = np.ones(len(values), dtype=bool)
    front = series.starts - starts[:count]
    back = ends[:count] - series.ends
    for begin, room in ((offsets[:count], front), (offsets[1 : count + 1] - back, back)):
        grown = np.flatnonzero(room)
        lengths = room[grown]
        firsts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        old[np.repeat(begin[grown] - firsts[:-1], lengths) + np.arange(firsts[-1])] = False
    old[offsets[count] :] = False
    values[old] = series.values
    values[~old] = np.nan
    return values


def _check_new(
    rows: Rows,
    place: NDArray[np.int64],
    written: NDArray[np.bool_],
    known: int,
    count: int,
) -> None:
    """Refuse new series that never have a value."""
    valued = np.zeros(count, dtype=bool)
    valued[:known] = True
    valued[place[written]] = True
    if not valued.all():
        row = int(np.flatnonzero(~valued[place])[0])
        raise TableError(
            f"{rows.where}, {rows.at(row)}: {named_series(rows, row)} is new and has no "
            "value; leave its rows out."
        )


def _check_leaps(
    rows: Rows,
    ordinals: NDArray[np.int64],
    place: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    lengths: NDArray[np.int64],
    series: SeriesSet,
) -> None:
    """Refuse a time that would make the grid far larger than the rows: it is a slip."""
    points = int(lengths.astype(np.float64).sum()) - len(series.values)
    if points <= max(MAX_THINNING * len(rows), _SMALL_GRID):
        return
    known = place < len(series)
    far = np.iinfo(np.int64).max
    away = np.where(known, np.maximum(ordinals - ends[place], starts[place] - ordinals), far)
    steps = np.where(rows.same_series, np.diff(ordinals), away[1:])
    away[1:] = np.minimum(away[1:], steps)
    away[away == far] = 0  # the first of a new series is far from nothing
    row = int(np.argmax(away))
    raise TableError(
        f"{rows.where}, {rows.at(row)}: {rows.time(row)} of {named_series(rows, row)} "
        "is too far from what is known of it; mend the time, or fit again."
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
