"""What comparisons print, as rich renderables; see `terminal`."""

from __future__ import annotations

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from holdfast.records import ComparedRun, ForecastComparison, MemoryComparison
from holdfast.reports.comparison_page import median_updates, solved_share


def memory(record: MemoryComparison) -> RenderableType:
    """Of each task a table: models by lags, how many seeds succeeded after how many updates."""
    parts: list[RenderableType] = []
    for task in dict.fromkeys(run.task for run in record.runs):
        own = [run for run in record.runs if run.task == task]
        parts += [Text(task.capitalize(), style="bold"), _success(own), Text()]
    parts.append(
        Text(f"Solved: {record.success.rstrip('.')}. Beside it the median updates.", style="dim")
    )
    if len(record.runs) < record.planned:
        parts.append(
            Text(
                f"{len(record.runs):,} of {record.planned:,} trainings are done; the same command "
                "goes on from there."
            )
        )
    return Group(*parts, *_findings(record.findings))


def forecast(record: ForecastComparison) -> RenderableType:
    """The networks' scores, the best first, with the simple methods among them."""
    table = _table("Method")
    for name in ("Weights", "MASE", "Seeds"):
        table.add_column(name, justify="right")
    rows = [
        (float(np.nanmedian(scores)), name, f"{parameters:,}", _range(scores), "")
        for name, parameters, scores in zip(
            record.models, record.parameters, record.scores, strict=True
        )
    ]
    rows += [(score, name, "–", "", "dim") for name, score in record.simple.items()]
    for mean, name, parameters, span, style in sorted(rows, key=lambda row: row[0]):
        table.add_row(name, parameters, f"{mean:.4f}", span, style=style)
    return Group(Text(record.title, style="bold"), table, *_findings(record.findings))


def _success(runs: list[ComparedRun]) -> RenderableType:
    lags = sorted({run.lag for run in runs})
    table = _table("Model")
    for lag in lags:
        table.add_column(f"lag {lag:,}", justify="right")
    for model in dict.fromkeys(run.model for run in runs):
        cells = []
        for lag in lags:
            own = [run for run in runs if (run.model, run.lag) == (model, lag)]
            cells.append(_cell(own))
        table.add_row(model, *cells)
    return table


def _cell(runs: list[ComparedRun]) -> Text:
    solved, count = solved_share(runs)
    if not count:
        return Text("–", style="dim")
    updates = median_updates(runs)
    style = "green" if solved == count else "" if solved else "dim"
    beside = f"  {updates:,.0f}" if updates is not None else ""
    return Text.assemble((f"{solved}/{count}", style), (beside, "dim"))


def _range(scores: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> str:
    if len(scores) < 2:
        return str(len(scores))
    return f"{len(scores)}: {np.nanmin(scores):.4f} to {np.nanmax(scores):.4f}"


def _findings(findings: tuple[str, ...]) -> list[RenderableType]:
    return [Text(), *[Text(one) for one in findings]] if findings else []


def _table(name: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column(name)
    return table
