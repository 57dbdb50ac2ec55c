"""A table, from wherever it comes, to series on a calendar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from holdfast.errors import ArgumentError, option, worded
from holdfast.records import TableSummary
from holdfast.tables.calendar import Calendar
from holdfast.tables.covariate_tables import CovariateSources
from holdfast.tables.frames import Backend, open_source
from holdfast.tables.frequency import fit_calendar, infer_calendar, template_for
from holdfast.tables.layouts import ColumnNames, Layout, long_rows, wide_rows
from holdfast.tables.numbers import Decimal
from holdfast.tables.raw import RawTable
from holdfast.tables.roles import find_roles
from holdfast.tables.rows import Aggregate, Missing, Rows, combine, into_periods, lay_out
from holdfast.tables.season import infer_season
from holdfast.tables.series import SeriesSet

_FEWEST: Final = 6
"""Periods that there must be before the last one can be called suspiciously low."""


@dataclass(frozen=True, eq=False)
class Table:
    """A table, read, checked and understood."""

    series: SeriesSet  # on their calendar, gaps as NaN
    summary: TableSummary  # what was understood, in words and numbers
    columns: ColumnNames  # the names to give results back under
    season: int  # grid points of one season
    backend: Backend | None  # how to give frames back; None where the table was a file
    # the table as it came in, where it has columns besides these; None elsewhere
    raw: RawTable | None = None


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How to read a table; what is left out is told from the table itself.

    Arguments:
        id_col: the column or columns that tell series apart; None to guess.
        time_col: the column of timestamps; None to guess.
        target_col: the column of values; None to guess.
        freq: the frequency, for example "MS" or "15min", or a whole number for integer time;
            the calendar of a fitted model; None to infer it.
        season: grid points of one season; None to infer it.
        wide: whether each column but the time is a series (or each row, under a header of dates).
        day_first: how to read 01/02/2020; None to tell from the column.
        decimal: the decimal mark; None to tell from the values.
        missing: whether a grid point without a value is a gap or zero.
        aggregate: how to combine rows of one series in one period of `freq` (or at one
            timestamp, where no freq is given); None to refuse repeated timestamps.
        sheet: the sheet of a workbook; None for the first.
        covariates: which columns are covariates, and where the others are; None for none.

    Raises:
        ArgumentError: an option has a value that it cannot have.

    Example:
        >>> ReadOptions(time_col="day", decimal=",").missing
        'gap'
    """

    id_col: str | Sequence[str] | None = None
    time_col: str | None = None
    target_col: str | None = None
    freq: str | int | Calendar | None = None
    season: int | None = None
    wide: bool = False
    day_first: bool | None = None
    decimal: Decimal | None = None
    missing: Missing = "gap"
    aggregate: Aggregate | None = None
    sheet: str | None = None
    covariates: CovariateSources | None = None

    def __post_init__(self) -> None:
        season = self.season
        if season is not None and (not isinstance(season, int) or season < 1):
            given = option("season", season)
            raise ArgumentError(f"{given} is not a whole number of at least 1.")
        for name, value, allowed in (
            ("missing", self.missing, ("gap", "zero")),
            ("aggregate", self.aggregate, (None, "sum", "mean")),
            ("decimal", self.decimal, (None, ".", ",")),
        ):
            if value not in allowed:
                choices = " or ".join(repr(choice) for choice in allowed if choice is not None)
                raise ArgumentError(f"{option(name, value)} is not known; give {choices}.")
        if self.wide and self.target_col is not None:
            raise ArgumentError(
                f"{option('target_col')} has no meaning in a wide table; leave it out."
            )


def read(source: object, options: ReadOptions | None = None) -> Table:
    """Read a table and check it.

    Arguments:
        source: a path (CSV, also packed as .gz, Parquet, Excel), or a pandas, polars or pyarrow
            frame or series, a mapping of columns, a sequence of numbers, or a raw table.
        options: how to read it; None to tell everything from the table.

    Raises:
        TableError: the table is wrong; names the file, column, row or series.
        ArgumentError: an option does not fit the table.

    Example:
        >>> table = read([112.0, 118.0, 132.0, 129.0, 121.0])
        >>> table.summary.rows, table.summary.frequency
        (5, 'whole numbers, step 1 (freq=1)')
    """
    options = options or ReadOptions()
    covariates, season = options.covariates, options.season
    raw, backend = open_source(source, options.sheet)
    extra = None
    if covariates is not None:
        extra = covariates.rows(raw, wide=options.wide)
        raw = raw.without(set(covariates.named))
    layout = read_layout(raw, options)
    if extra is not None and not extra.columns:  # a wide table has more rows than lines
        extra = replace(extra, values=np.zeros((len(layout.rows), 0)))
    if extra is not None:
        layout = replace(layout, rows=replace(layout.rows, covariates=extra))
    if backend is not None and layout.names.time in raw.columns:
        backend = replace(backend, time_type=_time_type(raw, layout.names.time))
    rows, moved = layout.rows.sorted()
    messages = [*raw.messages, *layout.messages]
    if moved:
        messages.append("The rows were not in the order of time; they were sorted.")
    rows, calendar, notes = _on_calendar(rows, options.freq, options.aggregate)
    messages.extend(notes)
    # Without rows in the last periods nothing was sold in them: the sums go on to the end.
    whole_span = options.aggregate == "sum" and options.missing == "zero"
    series, notes = lay_out(rows, calendar, options.missing, whole_span=whole_span)
    messages.extend(notes)
    if covariates is not None:
        series, notes = covariates.complete(series, layout.names, options.day_first)
        messages.extend(notes)
    if season is None:
        season, reason = infer_season(series)
        messages.append(f"Season {season}: {reason}.")
    messages.extend(_remarks(series, season, options.aggregate))
    others = set(raw.columns) - {*layout.names.id, layout.names.time, layout.names.target}
    return Table(
        series=series,
        summary=summarise(series, season, tuple(map(worded, messages))),
        columns=layout.names,
        season=season,
        backend=backend,
        raw=raw if others and not options.wide else None,
    )


def summarise(series: SeriesSet, season: int, messages: tuple[str, ...] = ()) -> TableSummary:
    """What there is to say about series before anything is forecast."""
    calendar, lengths = series.calendar, series.lengths
    observed = int(np.isfinite(series.values).sum())
    return TableSummary(
        series=len(series),
        rows=observed,
        gaps=len(series.values) - observed,
        first=calendar.format(calendar.times(series.starts.min())),
        last=calendar.format(calendar.times(series.ends.max())),
        shortest=int(lengths.min()),
        longest=int(lengths.max()),
        frequency=calendar.words,
        season=season,
        messages=messages,
    )


def read_layout(raw: RawTable, options: ReadOptions) -> Layout:
    """Columns as rows, one a series and timestamp, as the options say."""
    if options.wide:
        return wide_rows(
            raw,
            id_col=options.id_col,
            time_col=options.time_col,
            day_first=options.day_first,
            decimal=options.decimal,
        )
    roles = find_roles(
        raw, id_col=options.id_col, time_col=options.time_col, target_col=options.target_col
    )
    return long_rows(raw, roles, day_first=options.day_first, decimal=options.decimal)


def _time_type(raw: RawTable, name: str) -> object:
    import pyarrow as pa

    kind = raw.columns[name].type
    return kind if pa.types.is_timestamp(kind) or pa.types.is_date(kind) else None


def _on_calendar(
    rows: Rows, freq: str | int | Calendar | None, aggregate: Aggregate | None
) -> tuple[Rows, Calendar, tuple[str, ...]]:
    if aggregate is not None and freq is not None:
        rows, calendar = template_for(rows, freq)
        rows, messages = into_periods(rows, calendar, aggregate)
        return rows, calendar, messages
    messages = ()
    if aggregate is not None:
        before = len(rows)
        rows = combine(rows, aggregate)
        if len(rows) < before:
            messages = (f"{before - len(rows):,} repeated rows were combined ({aggregate}).",)
    rows.check_unique()
    if freq is None:
        rows, calendar, note = infer_calendar(rows)
    else:
        rows, calendar, note = fit_calendar(rows, freq)
    return rows, calendar, (*messages, *filter(None, [note]))


def _remarks(series: SeriesSet, season: int, aggregate: Aggregate | None) -> list[str]:
    """What a person may want to look at before trusting a forecast."""
    remarks = []
    gaps = int(np.isnan(series.values).sum())
    if gaps > len(series.values) // 2:
        remarks.append(
            f"{gaps:,} of {len(series.values):,} grid points have no value; if rows come at "
            f"irregular times, put them into longer periods with {option('freq')} and "
            f"{option('aggregate')}, or set the gaps to 0 with {option('missing', 'zero')}."
        )
    elif gaps:
        points = "1 grid point has" if gaps == 1 else f"{gaps:,} grid points have"
        remarks.append(f"{points} no value (a gap; {option('missing', 'zero')} sets it to 0).")
    ends = series.ends
    early = int((ends < ends.max()).sum())
    if early:
        last = series.calendar.format(series.calendar.times(ends.max()))
        verb = "ends" if early == 1 else "end"
        remarks.append(
            f"{early:,} of {len(series):,} series {verb} before {last}; each is forecast from its "
            "own end."
        )
    partial = _partial_end(series, season)
    if partial and aggregate is None:
        remarks.append(partial)
    return remarks


def _partial_end(series: SeriesSet, season: int) -> str:
    """A last value, over all series, under half of anything in the last two seasons."""
    last = int(series.ends.max())
    window = min(max(2 * season, 8), int(series.lengths.max()) - 1)
    if window < _FEWEST:
        return ""
    current = series.take(np.flatnonzero(series.ends == last))
    block = current.span(last - window, window + 1)
    block = block[np.isfinite(block).all(axis=1)]
    if not len(block):
        return ""
    totals = block.sum(axis=0)
    if not (block >= 0).all() or totals[-1] >= 0.5 * totals[:-1].min():
        return ""
    name = series.calendar.format(series.calendar.times(last))
    return (
        f"The last period ({name}) has less than half of the lowest of the {window} before it; if "
        "it is not over yet, take it out."
    )
