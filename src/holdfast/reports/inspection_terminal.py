"""What an inspection prints, as rich renderables; see `terminal`."""

from __future__ import annotations

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from holdfast.records import Inspection, LayerMemory
from holdfast.records.lens_summary import CARE, brief_number, memory


def inspection(record: Inspection) -> RenderableType:
    """The verdict, and a line for each layer."""
    parts: list[RenderableType] = [
        Text(record.title, style="bold"),
        Text(record.verdict()),
    ]
    if record.layers:
        parts += [Text(), _layers(record)]
    count = "1 sequence" if record.sequences == 1 else f"{record.sequences:,} sequences"
    measured = f"{count} of {record.steps:,} steps, in {record.seconds:.0f} s"
    if record.attribution is not None:
        missed = record.attribution.completeness
        measured += f"; attributions miss {brief_number(missed)} of what they should sum to"
        measured += ", which is much: read them with care" if missed > CARE else ""
    if record.context is not None:
        measured += f"; the loss is {record.context.whole:.4f} {record.context.unit}"
    parts += [Text(), Text(f"Measured on {measured}.", style="dim")]
    if record.advice:
        parts += [Text(), Text("What to change", style="bold")]
        parts += [Text(f"– {sentence}") for sentence in record.advice]
    return Group(*parts)


def summary(record: Inspection) -> dict[str, object]:
    """The numbers for programs: everything finite, JSON's own types."""
    return {
        "title": record.title,
        "verdict": record.verdict(),
        "advice": list(record.advice),
        "steps": record.steps,
        "sequences": record.sequences,
        "seconds": round(record.seconds, 3),
        "effective_context": None if record.context is None else record.context.effective,
        "layers": [
            {
                "name": layer.name,
                "kind": layer.kind,
                "units": layer.units,
                "remembers": _number(memory(layer.jacobian)),
                "latching": layer.latching,
                "leaking": layer.leaking,
                "resetting": layer.resetting,
            }
            for layer in record.layers
        ],
        "arrays": {
            name: [value if np.isfinite(value) else None for value in array.tolist()]
            for name, array in record.table().items()
        },
    }


def _number(value: float | None) -> float | None:
    """JSON has no word for what is no number."""
    return None if value is None or np.isnan(value) else value


def _layers(record: Inspection) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("layer")
    table.add_column("kind")
    longest = int(record.layers[0].jacobian.lags[-1])
    far = f"{longest:,}"
    for name in (
        "units", "remembers", f"gradient at {far}", f"median cell at {far}", "slowest", "latch",
        "reset",
    ):  # fmt: skip
        table.add_column(name, justify="right")
    for layer in record.layers:
        table.add_row(*_row(layer))
    return table


def _row(layer: LayerMemory) -> tuple[str, ...]:
    held = memory(layer.jacobian)
    longest = int(layer.jacobian.lags[-1])
    gates = layer.timescales is not None
    slowest = float(np.nanmax(layer.timescales)) if layer.timescales is not None else 0.0
    return (
        layer.name,
        layer.kind,
        f"{layer.units:,}",
        f"> {longest:,}" if held is None else "–" if np.isnan(held) else f"{held:,.0f}",
        brief_number(float(layer.jacobian.median[-1])),
        "–" if layer.median_cell is None else brief_number(float(layer.median_cell.median[-1])),
        "–" if not gates else "∞" if not np.isfinite(slowest) else f"{slowest:,.0f}",
        f"{layer.latching:.0%}" if gates else "–",
        f"{layer.resetting:.0%}" if gates else "–",
    )
