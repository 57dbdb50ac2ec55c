"""Totals on the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from holdfast.records import TotalsRecord

SHOWN = 12
"""Totals that are printed; totals.csv has all of them."""


def totals(record: TotalsRecord) -> RenderableType:
    """The first totals with their widest interval, and what is partial.

    Arguments:
        record: of the totals.
    """
    level = max(record.upper)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(record.by or "Series", overflow="fold")
    table.add_column(f"{record.over.capitalize()} from" if record.over else "Time")
    for name in ("Median", f"{level:g} % from", "to", "Mean"):
        table.add_column(name, justify="right")
    for place in range(min(SHOWN, len(record.labels))):
        numbers = (
            record.median[place],
            record.lower[level][place],
            record.upper[level][place],
            record.mean[place],
        )
        mark = " *" if record.note[place] else ""
        table.add_row(
            Text(record.labels[place]),
            Text(record.times[place] + mark),
            *(f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}" for number in numbers),
        )
    said = []
    if len(record.labels) > SHOWN:
        said.append(f"… and {len(record.labels) - SHOWN:,} more in totals.csv.")
    if record.partial:
        said.append(f"* {record.partial:,} of {len(record.labels):,} totals are not whole: `note`.")
    return Group(Text("Totals", style="bold"), table, *(Text(one) for one in said))
