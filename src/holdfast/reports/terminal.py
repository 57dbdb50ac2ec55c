"""What the command line prints, as rich renderables: plain text where the output is no terminal.

Tables fit into 100 columns and sentences wrap where the console ends, so a `Console` of at most
`WIDTH` columns suits them; text from the user's data is never read as markup.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from holdfast import records
from holdfast.reports.formatting import plural
from holdfast.reports.scores import BLEND, headline, level_name, lowest, needed_scores

WIDTH = 100
"""Columns that nothing printed here goes beyond."""

MESSAGES = 12
DOUBTED = 5
SHOWN = 12
"""Messages, series with their reasons, and totals that are printed at most; the page has the rest,
totals.csv all totals."""

ENDINGS = {
    "budget": "the budget was used",
    "steps": "the planned steps were done",
    "early": "it had stopped improving",
}


def understood(summary: records.TableSummary) -> RenderableType:
    """What was understood of a table, in a panel."""
    length = f"{summary.shortest:,}"
    if summary.longest != summary.shortest:
        length += f" to {summary.longest:,}"
    facts = {
        "series": f"{summary.series:,} of {length} points, {summary.rows:,} values",
        "span": f"{summary.first} to {summary.last}",
        "frequency": summary.frequency,
        "season": plural(summary.season, "point") if summary.season > 1 else "none",
        "gaps": f"{plural(summary.gaps, 'point')}, kept as gaps" if summary.gaps else "none",
    }
    body: RenderableType = facts_grid(facts)
    notes = list(summary.messages[:MESSAGES])
    rest = len(summary.messages) - len(notes)
    if rest:
        notes.append(f"… and {rest:,} more, all of them in the report")
    if notes:
        body = Group(body, Text(), _grid([("·", note) for note in notes], room=1))
    return Panel(
        body, title="Understood", title_align="left", box=box.ROUNDED, width=WIDTH, style="none"
    )


def scores(methods: Sequence[records.MethodScore], title: str) -> RenderableType:
    """Out-of-fold scores, the lowest of each column bold; weights where there are any."""
    weighted = any(row.weight is not None for row in methods)
    best_mase = lowest(methods, [row.mase for row in methods])
    best_smape = lowest(methods, [row.smape for row in methods])
    rows: list[list[object]] = []
    for row in methods:
        blend = row.method == BLEND
        weight = "" if row.weight is None else f"{100 * row.weight:.0f} %"
        cells: list[object] = [
            Text("Holdfast (blend)" if blend else row.method, style="bold" if blend else ""),
            _number(row.mase, 3, best=best_mase is not None and row.mase == best_mase.mase),
            _number(row.smape, 2, best=best_smape is not None and row.smape == best_smape.smape),
        ]
        rows.append([*cells, weight] if weighted else cells)
    numbers = ["MASE", "sMAPE", "Weight"][: 3 if weighted else 2]
    return titled(title, plain_table("Method", numbers=numbers, rows=rows))


def coverage(levels: Sequence[records.LevelCoverage]) -> RenderableType:
    """How the intervals did out of fold, and which of them the data could calibrate."""
    rows = []
    for row in levels:
        state = Text(f"calibrated on {row.scores:,} scores")
        if not row.calibrated:
            needed = needed_scores(row.level)
            state = Text(f"not calibrated: has {row.scores:,} of {needed:,} scores", style="yellow")
        inside = f"{100 * row.coverage:.1f} %" if math.isfinite(row.coverage) else "–"
        rows.append([level_name(row.level), inside, _number(row.width, 2), state])
    numbers = ("Interval", "Inside", "Width")
    return titled("Intervals", plain_table(numbers=numbers, last="Calibration", rows=rows))


def verdict(sentences: Sequence[str]) -> RenderableType:
    """What follows: the first sentence bold, the others below it."""
    first, *others = sentences or ["No series was long enough for a backtest."]
    return titled(first, *others)


def trust(record: records.TrustRecord, labels: Sequence[str]) -> RenderableType:
    """Which series not to trust, the gravest first, and what the forecasts rest on."""
    lines: list[RenderableType] = [
        Text(headline(record), style="bold" if record.count(records.TRUST) else "bold yellow")
    ]
    doubted = [
        index for verdict in (records.DISTRUST, records.CARE) for index in record.series(verdict)
    ]
    if len(labels) > 1:
        for index in doubted[:DOUBTED]:
            why = "; ".join(record.findings[index])
            lines.append(f"  {record.verdicts[index]}: {labels[index]}: {why}")
        if len(doubted) > DOUBTED:
            lines.append(Text(f"  … and {len(doubted) - DOUBTED:,} more, in the report", "dim"))
        if record.hard:
            hardest = ", ".join(labels[index] for index in record.hard[:DOUBTED])
            lines.append(f"Hardest to forecast: {hardest}.")
    return titled("How far to trust it", *lines, *record.common, *record.rests_on)


def training(
    summaries: Sequence[records.TrainingSummary], remarks: Sequence[str] = ()
) -> RenderableType:
    """What was trained and for how long, a sentence a member; what was not, and why."""
    nothing = "Nothing was trained: the pretrained LSTM and simple methods made the forecasts."
    lines = [_trained(one) for one in summaries] or [nothing]
    return Group(*(Text(line) for line in (*lines, *remarks)))


def _trained(summary: records.TrainingSummary) -> str:
    adapted = summary.member == records.ADAPTED
    networks = plural(summary.networks, "network")
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


def totals(record: records.TotalsRecord) -> RenderableType:
    """The first totals with their widest interval, and what is partial."""
    level = max(record.upper)
    columns = (record.median, record.lower[level], record.upper[level], record.mean)
    rows = []
    for place in range(min(SHOWN, len(record.labels))):
        time = record.times[place] + (" *" if record.note[place] else "")
        values = [column[place] for column in columns]
        numbers = [f"{one:,.0f}" if abs(one) >= 1000 else f"{one:.4g}" for one in values]
        rows.append([record.labels[place], time, *numbers])
    table = plain_table(
        record.by or "Series",
        f"{record.over.capitalize()} from" if record.over else "Time",
        numbers=("Median", f"{level:g} % from", "to", "Mean"),
        rows=rows,
        narrow=True,
    )
    table.columns[0].overflow = "fold"
    notes = []
    if len(record.labels) > SHOWN:
        notes.append(f"… and {len(record.labels) - SHOWN:,} more in totals.csv.")
    if record.partial:
        whole = f"{len(record.labels):,} totals are not whole: `note`."
        notes.append(f"* {record.partial:,} of {whole}")
    return titled("Totals", table, *notes)


def written(files: Mapping[str, str]) -> RenderableType:
    """Where files are, as ``{"forecast": "out/forecast.csv"}``.

    Printed with ``soft_wrap=True``, a long path stays in one piece.
    """
    widest = max((len(name) for name in files), default=0)
    lines = [Text.assemble((name.ljust(widest + 2), "dim"), place) for name, place in files.items()]
    return Text("\n").join(lines)


def titled(title: str, *parts: RenderableType) -> Group:
    """Parts below a title in bold; texts are never read as markup."""
    below = (Text(part) if isinstance(part, str) else part for part in parts)
    return Group(Text(title, style="bold"), *below)


def plain_table(
    *names: str, numbers: Sequence[str] = (), last: str | None = None,
    rows: Iterable[Sequence[object]] = (), narrow: bool = False,
) -> Table:  # fmt: skip
    """A table without rules: columns of texts, then of numbers, and one of texts at the end.

    Texts are never read as markup. Many columns stand narrow, with less room between them.
    """
    padding = (0, 1) if narrow else (0, 3, 0, 0)
    table = Table(box=None, pad_edge=False, padding=padding, header_style="dim")
    for name in names:
        table.add_column(Text(name))
    for name in numbers:
        table.add_column(Text(name), justify="right")
    if last is not None:
        table.add_column(last, overflow="fold")
    for row in rows:
        table.add_row(*(one if isinstance(one, Text) else Text(str(one)) for one in row))
    return table


def facts_grid(facts: Mapping[str, str]) -> Table:
    """Names, dim, beside what they are."""
    return _grid(facts.items(), room=2)


def _grid(pairs: Iterable[tuple[str, str]], room: int) -> Table:
    """Texts, wrapped below themselves, each with a dim word before it."""
    grid = Table.grid(padding=(0, room))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    for name, text in pairs:
        grid.add_row(name, Text(text))
    return grid


def _number(value: float, digits: int, *, best: bool = False) -> Text:
    text = f"{value:,.{digits}f}" if math.isfinite(value) else "–"
    return Text(text, style="bold green" if best else "")
