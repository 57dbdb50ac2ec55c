"""What the command line prints, as rich renderables: plain text where the output is no terminal.

Tables fit into 100 columns and sentences wrap where the console ends, so a `Console` of at most
`WIDTH` columns suits them; text from the user's data is never read as markup.

Example:
    >>> from rich.console import Console
    >>> from holdfast.records import MethodScore
    >>> table = scores([MethodScore("Naive", 1.5, 12.0)], "Simple methods")
    >>> Console(width=60).print(table)
    Simple methods
    Method    MASE   sMAPE
    Naive    1.500   12.00
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from holdfast.records import (
    ADAPTED,
    CARE,
    DISTRUST,
    TRUST,
    LevelCoverage,
    MethodScore,
    TableSummary,
    TotalsRecord,
    TrainingSummary,
    TrustRecord,
)
from holdfast.reports.scores import BLEND, headline, level_name, lowest, needed_scores

WIDTH = 100
"""Columns that nothing printed here goes beyond."""

MESSAGES = 12
"""Messages that are printed at most; the page has the rest."""

DOUBTED = 5
"""Series that are printed with their reasons at most."""

SHOWN = 12
"""Totals that are printed; totals.csv has all of them."""

ENDINGS = {
    "budget": "the budget was used",
    "steps": "the planned steps were done",
    "early": "it had stopped improving",
}


def understood(summary: TableSummary) -> RenderableType:
    """What was understood of a table, in a panel."""
    length = f"{summary.shortest:,}"
    if summary.longest != summary.shortest:
        length += f" to {summary.longest:,}"
    facts = {
        "series": f"{summary.series:,} of {length} points, {summary.rows:,} values",
        "span": f"{summary.first} to {summary.last}",
        "frequency": summary.frequency,
        "season": _points(summary.season) if summary.season > 1 else "none",
        "gaps": f"{_points(summary.gaps)}, kept as gaps" if summary.gaps else "none",
    }
    grid = facts_grid(facts)
    shown = summary.messages[:MESSAGES]
    rest = len(summary.messages) - len(shown)
    more = (f"… and {rest:,} more, all of them in the report",) if rest else ()
    notes = _sentences((*shown, *more))
    body: RenderableType = Group(grid, Text(), notes) if shown else grid
    return Panel(
        body, title="Understood", title_align="left", box=box.ROUNDED, width=WIDTH, style="none"
    )


def scores(methods: Sequence[MethodScore], title: str) -> RenderableType:
    """Out-of-fold scores, the lowest of each column bold; weights where there are any.

    Arguments:
        methods: one row each, in this order: the simple methods, or the blend and its members.
        title: what stands above.
    """
    weighted = any(row.weight is not None for row in methods)
    table = plain_table("Method", numbers=["MASE", "sMAPE", *(["Weight"] if weighted else [])])
    best_mase = lowest(methods, [row.mase for row in methods])
    best_smape = lowest(methods, [row.smape for row in methods])
    for row in methods:
        blend = row.method == BLEND
        cells = [
            Text("Holdfast (blend)" if blend else row.method, style="bold" if blend else ""),
            _number(row.mase, 3, best=best_mase is not None and row.mase == best_mase.mase),
            _number(row.smape, 2, best=best_smape is not None and row.smape == best_smape.smape),
        ]
        if weighted:
            cells.append(Text("" if row.weight is None else f"{100 * row.weight:.0f} %"))
        table.add_row(*cells)
    return Group(Text(title, style="bold"), table)


def coverage(levels: Sequence[LevelCoverage]) -> RenderableType:
    """How the intervals did out of fold, and which of them the data could calibrate."""
    table = plain_table(numbers=["Interval", "Inside", "Width"])
    table.add_column("Calibration")
    for row in levels:
        state = Text(f"calibrated on {row.scores:,} scores")
        if not row.calibrated:
            needed = needed_scores(row.level)
            state = Text(f"not calibrated: has {row.scores:,} of {needed:,} scores", style="yellow")
        inside = f"{100 * row.coverage:.1f} %" if math.isfinite(row.coverage) else "–"
        table.add_row(Text(level_name(row.level)), inside, _number(row.width, 2), state)
    return Group(Text("Intervals", style="bold"), table)


def verdict(sentences: Sequence[str]) -> RenderableType:
    """What follows: the first sentence bold, the others below it."""
    if not sentences:
        return Text("No series was long enough for a backtest.", style="bold")
    return Group(Text(sentences[0], style="bold"), *(Text(line) for line in sentences[1:]))


def trust(record: TrustRecord, labels: Sequence[str]) -> RenderableType:
    """Which series not to trust, the gravest first, and what the forecasts rest on.

    Arguments:
        record: the verdicts.
        labels: names of the series.
    """
    lines = [Text(headline(record), style="bold" if record.count(TRUST) else "bold yellow")]
    doubted = [index for verdict in (DISTRUST, CARE) for index in record.series(verdict)]
    if len(labels) > 1:
        lines += [
            Text(
                f"  {record.verdicts[index]}: {labels[index]}: {'; '.join(record.findings[index])}"
            )
            for index in doubted[:DOUBTED]
        ]
        if len(doubted) > DOUBTED:
            lines.append(Text(f"  … and {len(doubted) - DOUBTED:,} more, in the report", "dim"))
        if record.hard:
            hardest = ", ".join(labels[index] for index in record.hard[:DOUBTED])
            lines.append(Text(f"Hardest to forecast: {hardest}."))
    lines += [Text(sentence) for sentence in (*record.common, *record.rests_on)]
    return Group(Text("How far to trust it", style="bold"), *lines)


def training(summaries: Sequence[TrainingSummary], remarks: Sequence[str] = ()) -> RenderableType:
    """What was trained and for how long, a sentence a member; what was not, and why."""
    lines = [_trained(one) for one in summaries]
    if not lines:
        lines = ["Nothing was trained: the pretrained LSTM and simple methods made the forecasts."]
    return Group(*(Text(line) for line in (*lines, *remarks)))


def _trained(summary: TrainingSummary) -> str:
    adapted = summary.member == ADAPTED
    networks = "1 network" if summary.networks == 1 else f"{summary.networks:,} networks"
    time = f"{summary.steps:,} steps in {summary.seconds:.1f} s"
    if summary.stopped == "interrupted":
        what = "Adapting" if adapted else "Training"
        return f"{what} was interrupted after {time}; the best of {networks} is used."
    what = "Adapted the pretrained network" if adapted else f"Trained {networks}"
    return (
        f"{what} of {summary.parameters:,} weights ({summary.layers} × {summary.hidden} units, "
        f"context {summary.context:,}, patch {summary.patch:,}): {time}; ended because "
        f"{ENDINGS.get(summary.stopped, summary.stopped)}."
    )


def totals(record: TotalsRecord) -> RenderableType:
    """The first totals with their widest interval, and what is partial.

    Arguments:
        record: of the totals.
    """
    level = max(record.upper)
    table = plain_table(
        record.by or "Series",
        f"{record.over.capitalize()} from" if record.over else "Time",
        numbers=("Median", f"{level:g} % from", "to", "Mean"),
        narrow=True,
    )
    table.columns[0].overflow = "fold"
    for place in range(min(SHOWN, len(record.labels))):
        values = (
            record.median[place],
            record.lower[level][place],
            record.upper[level][place],
            record.mean[place],
        )
        mark = " *" if record.note[place] else ""
        table.add_row(
            Text(record.labels[place]),
            Text(record.times[place] + mark),
            *(f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}" for number in values),
        )
    notes = []
    if len(record.labels) > SHOWN:
        notes.append(f"… and {len(record.labels) - SHOWN:,} more in totals.csv.")
    if record.partial:
        notes.append(
            f"* {record.partial:,} of {len(record.labels):,} totals are not whole: `note`."
        )
    return Group(Text("Totals", style="bold"), table, *(Text(note) for note in notes))


def written(files: Mapping[str, str]) -> RenderableType:
    """Where the files are; printed with ``soft_wrap=True``, a long path stays in one piece.

    Arguments:
        files: what it is → where, for example ``{"forecast": "out/forecast.csv"}``.
    """
    widest = max((len(name) for name in files), default=0)
    lines = [Text.assemble((name.ljust(widest + 2), "dim"), place) for name, place in files.items()]
    return Text("\n").join(lines)


def plain_table(*names: str, numbers: Sequence[str] = (), narrow: bool = False) -> Table:
    """A table without rules: columns of texts, then columns of numbers.

    Arguments:
        names, numbers: headings of both.
        narrow: with less room between the columns, where there are many.
    """
    padding = (0, 1) if narrow else (0, 3, 0, 0)
    table = Table(box=None, pad_edge=False, padding=padding, header_style="dim")
    for name in names:
        table.add_column(name)
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def facts_grid(facts: Mapping[str, str]) -> Table:
    """Names, dim, beside what they are."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    for name, fact in facts.items():
        grid.add_row(name, Text(fact))
    return grid


def _number(value: float, digits: int, *, best: bool = False) -> Text:
    text = f"{value:,.{digits}f}" if math.isfinite(value) else "–"
    return Text(text, style="bold green" if best else "")


def _points(count: int) -> str:
    return "1 point" if count == 1 else f"{count:,} points"


def _sentences(sentences: Sequence[str]) -> Table:
    """Sentences with a mark before each, wrapped below themselves."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    for sentence in sentences:
        grid.add_row("·", Text(sentence))
    return grid
