"""What a look at one sequence prints, as rich renderables, and its numbers for programs."""

from __future__ import annotations

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from holdfast.records import Floats, SequenceRecord
from holdfast.reports.lag_curves import numbers
from holdfast.reports.sequence_page import lead

MOST = 8
"""Steps that are printed."""


def sequence(record: SequenceRecord) -> RenderableType:
    """What the output rests on: the steps with the largest parts, in their order."""
    parts: list[RenderableType] = [Text(record.title, style="bold"), Text(lead(record))]
    shares = _shares(record)
    if shares is not None:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in ("step", "", "rests on it"):
            table.add_column(name, justify="left" if not name else "right")
        largest = np.argsort(-np.abs(shares), kind="stable")[:MOST]
        for step in np.sort(largest).tolist():
            table.add_row(f"{step + 1:,}", _label(record.labels[step]), f"{shares[step]:+.1%}")
        parts += [Text(), table]
    return Group(*parts)


def summary(record: SequenceRecord) -> dict[str, object]:
    """The numbers for programs: everything finite, JSON's own types."""
    shares = _shares(record)
    return {
        "title": record.title,
        "output": record.output,
        "labels": list(record.labels),
        "rests_on": None if shares is None else numbers(shares),
        "layers": [
            {
                "name": layer.name,
                "kind": layer.kind,
                "units": layer.order.tolist(),
                "timescales": None if layer.timescales is None else _finite(layer.timescales),
                "weights": numbers(layer.weight),
            }
            for layer in record.layers
        ],
    }


def _shares(record: SequenceRecord) -> Floats | None:
    """(T,) each step's part in the sum of the attributions' sizes, with its sign."""
    if record.attribution is None:
        return None
    known = np.nan_to_num(record.attribution)
    total = np.abs(known).sum()
    return known / total if total > 0 else None


def _finite(values: Floats) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values.tolist()]


def _label(text: str) -> str:
    """A token that is blank, so that it is seen."""
    return text.strip() or repr(text)[1:-1].replace(" ", "␣")
