"""What `holdfast bench` prints, as a rich renderable."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from holdfast.records import LayerSpeed


def speeds(found: Sequence[LayerSpeed], *, explained: bool) -> RenderableType:
    """A row a shape: the kernel, and milliseconds beside torch's; with `explained` the reasons."""
    table = Table(box=None, pad_edge=False)
    for heading in ("T", "B", "I", "H"):
        table.add_column(heading, justify="right")
    table.add_column("Kernel")
    measured = any(one.training is not None for one in found)
    if measured:
        for heading in ("Forward", "torch", "", "Training", "torch", ""):
            table.add_column(heading, justify="right")
    if explained:
        table.add_column("Why", overflow="fold")
    for one in found:
        sizes = [str(size) for size in (one.steps, one.batch, one.inputs, one.units)]
        cells = [*sizes, one.kernel]
        if measured:
            cells += [*_pair(one.inference), *_pair(one.training)]
        table.add_row(*cells, *([one.reason] if explained else []))
    notes = ["T steps, B rows, I inputs, H units. cpu: compiled by Holdfast; builtin: torch's own."]
    if measured:
        notes.append("Milliseconds, medians in turns with torch's layer; training: all gradients.")
    return Group(table, Text("\n".join(notes)))


def _pair(milliseconds: tuple[float, float] | None) -> list[str]:
    if milliseconds is None:
        return ["–", "–", "–"]
    ours, theirs = milliseconds
    return [f"{ours:.2f}", f"{theirs:.2f}", f"×{theirs / ours:.1f}"]
