"""What `holdfast compare` prints, as rich renderables."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from holdfast.records import ComparedRun, ForecastComparison, MemoryComparison


def comparison(record: MemoryComparison) -> RenderableType:
    """A row a model, a column a lag: how many seeds solved it, after how many updates."""
    lags = sorted({run.lag for run in record.runs})
    table = Table(title=record.title, title_justify="left", box=None, pad_edge=False)
    table.add_column("Model")
    table.add_column("Weights", justify="right")
    for lag in lags:
        table.add_column(f"lag {lag:,}", justify="right")
    for model in dict.fromkeys(run.model for run in record.runs):
        own = [run for run in record.runs if run.model == model]
        cells = [_cell([run for run in own if run.lag == lag]) for lag in lags]
        table.add_row(model, f"{max(run.parameters for run in own):,}", *cells)
    notes = [
        f"Solved: {record.success}. Runs that did, of how many, and their median updates.",
        *record.findings,
        *(f"{name}: {value}." for name, value in record.facts if value),
    ]
    return Group(table, Text(""), Text("\n".join(notes)))


def forecasters(record: ForecastComparison) -> RenderableType:
    """A row a network, the best first, with the spread of its seeds; then the simple methods."""
    table = Table(title=record.title, title_justify="left", box=None, pad_edge=False)
    table.add_column("Method")
    for heading in ("Weights", "MASE", "least", "most"):
        table.add_column(heading, justify="right")
    for model, size, scores in zip(record.models, record.parameters, record.scores, strict=True):
        spread = (statistics.median(scores), min(scores), max(scores))
        table.add_row(model, f"{size:,}", *(f"{score:.3f}" for score in spread))
    for name, score in sorted(record.simple.items(), key=lambda item: item[1]):
        table.add_row(name, "", f"{score:.3f}", "", "")
    notes = [f"MASE of the medians; {record.scores.shape[1]} seeds.", *record.findings]
    return Group(table, Text(""), Text("\n".join(notes)))


def _cell(runs: Sequence[ComparedRun]) -> str:
    if not runs:
        return "–"
    solved = [run.solved_after for run in runs if run.solved_after is not None]
    after = f" ({statistics.median(solved):,.0f})" if solved else ""
    return f"{len(solved)}/{len(runs)}{after}"
