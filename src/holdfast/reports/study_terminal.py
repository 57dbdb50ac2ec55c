"""What pretraining and the generator print, as rich renderables; see `terminal`."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from holdfast.records import PlannedTraining, PretrainedSummary, SamplesRecord
from holdfast.reports.generator_words import FAMILIES, PARTS, percent, spoken


def plan(networks: Sequence[PlannedTraining]) -> RenderableType:
    """What is going to be trained, and how long that takes."""
    table = _table("Network", "Updates", "Series a second", "Expected")
    for one in networks:
        steps = f"{one.steps:,}"
        if one.done >= one.steps:
            table.add_row(one.network, steps, "–", "done already")
            continue
        if one.done:
            steps = f"{one.steps - one.done:,} of {one.steps:,}"
        table.add_row(one.network, steps, f"{one.series_per_second:,.0f}", span(one.seconds))
    total = sum(one.seconds for one in networks)
    devices = ", ".join(dict.fromkeys(one.device for one in networks))
    return Group(
        Text(f"Pretraining on {devices}", style="bold"),
        table,
        Text(
            f"About {span(total)} in all. Ctrl-C ends it with the weights so far; the same command "
            "goes on from there, as it does after a kill."
        ),
    )


def pretrained(networks: Sequence[PretrainedSummary]) -> RenderableType:
    """What came out, and the hash of each file of weights."""
    table = _table("Network", "Weights", "Updates", "Time", "Last loss")
    for one in networks:
        loss = f"{one.curve_loss[-1]:.4f}" if one.curve_loss else "–"
        table.add_row(one.network, f"{one.parameters:,}", f"{one.steps:,}", span(one.seconds), loss)
    cut = [one for one in networks if one.stopped != "steps"]
    notes = [
        Text(
            f"{one.network} was interrupted after {one.steps:,} of {one.planned:,} updates; the "
            "same command goes on from there."
        )
        for one in cut
    ]
    hashes = [Text.assemble((f"sha256 {one.network}  ", "dim"), one.sha256) for one in networks]
    return Group(Text("Pretrained", style="bold"), table, *notes, Text(), *hashes)


def families(record: SamplesRecord) -> RenderableType:
    """The families of the generator with their shares, and everything else with its probability."""
    first = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    first.add_column("Family")
    first.add_column("Share", justify="right")
    first.add_column("What it is", overflow="fold")
    for name, share in record.families.items():
        first.add_row(name, percent(share), FAMILIES.get(name, ""))
    second = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    second.add_column("Part")
    second.add_column("Probability", justify="right")
    second.add_column("What it does", overflow="fold")
    for name, share in record.parts.items():
        second.add_row(name, percent(share), PARTS.get(name, ""))
    title = f"Synthetic series, {spoken(record.kind)}"
    return Group(Text(title, style="bold"), first, Text(), second)


def span(seconds: float) -> str:
    """A length of time as a person says it.

    Example:
        >>> span(42.4), span(600), span(9000)
        ('42 s', '10 min', '2 h 30 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def _table(name: str, *numbers: str) -> Table:
    """A table without rules: a name, then numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column(name)
    for number in numbers:
        table.add_column(number, justify="right")
    return table
