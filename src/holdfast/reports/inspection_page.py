"""The page of an inspection: what a model remembers, against the lag."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from holdfast.records import ContextLoss, Floats, GateActivity, Inspection, LayerMemory
from holdfast.reports.curves import significant
from holdfast.reports.lag_curves import lag_curve, numbers, thinned
from holdfast.reports.page import Frame
from holdfast.reports.selection import shorten

SCRIPTS = (
    "format.js",
    "elements.js",
    "legend.js",
    "charts.js",
    "lag_curves.js",
    "inspection_layer.js",
    "inspection_model.js",
    "inspection.js",
)
"""Scripts of the page, in the order in which they build on each other."""

LAYERS = 16
"""Layers and directions that are shown at most, the first of the model."""

STEPS = 400
"""Points of a gate's activity by step at most; behind them stand means over neighbours."""

UNITS = 600
"""Units of a layer that are shown at most, evenly over their order."""

TITLE_LENGTH = 200
NAME_LENGTH = 80
SENTENCE_LENGTH = 1_500
COMMAND_LENGTH = 4_000
SENTENCES = 40


def inspection_html(record: Inspection) -> bytes:
    """The page, complete in itself."""
    frame = Frame("inspection.html", "Holdfast lens", "page.css", SCRIPTS, more_style="lens.css")
    data = {
        "command": shorten(record.command, COMMAND_LENGTH),
        "created": record.created,
        "version": record.version,
        "steps": record.steps,
        "facts": _facts(record),
        "layers": _layers(record),
        "attribution": _attribution(record),
        "attribution_before": None if record.before is None else _attribution(record.before),
        "context": _context(record.context),
        "context_before": None if record.before is None else _context(record.before.context),
        "advice": [shorten(one, SENTENCE_LENGTH) for one in record.advice[:SENTENCES]],
        "left_out": _left_out(record),
    }
    return frame.render(shorten(record.title, TITLE_LENGTH) or "Inspection", _lead(record), data)


def _lead(record: Inspection) -> str:
    """The verdict."""
    return shorten(record.verdict(), SENTENCE_LENGTH)


def _what(record: Inspection) -> str:
    """What was looked at, in words."""
    names = ", ".join(dict.fromkeys(f"{one.kind} of {one.units} units" for one in record.layers))
    return shorten(
        f"{names or 'nothing recurrent'}, over {_count(record.steps, 'step')} of "
        f"{_count(record.sequences, 'sequence')}",
        SENTENCE_LENGTH,
    )


def _facts(record: Inspection) -> list[list[str]]:
    return [
        *[
            [shorten(name, NAME_LENGTH), shorten(words, SENTENCE_LENGTH)]
            for name, words in record.description[:SENTENCES]
        ],
        ["Looked at", _what(record)],
        ["Took", f"{record.seconds:,.1f} s"],
    ]


def _layers(record: Inspection) -> list[dict[str, object]]:
    """Each layer, and what it was before training; first the whole stack where there is one."""
    before = {} if record.before is None else {one.name: one for one in record.before.layers}
    made = [_layer(one, before.get(one.name)) for one in record.layers[:LAYERS]]
    if record.whole is None:
        return made
    first = None if record.before is None else record.before.whole
    whole = {
        "name": "all layers together",
        "kind": "",
        "units": sum(one.units for one in record.layers),
        "curves": {"jacobian": lag_curve(record.whole)},
        "before": None if first is None else {"jacobian": lag_curve(first)},
    }
    return [whole, *made]


def _layer(one: LayerMemory, before: LayerMemory | None) -> dict[str, object]:
    return {
        "name": shorten(one.name, NAME_LENGTH),
        "kind": one.kind,
        "units": one.units,
        "curves": _curves(one),
        "before": None if before is None else _curves(before),
        "shares": [significant(share) for share in (one.latching, one.leaking, one.resetting)],
        "timescales": _sorted(one.timescales),
        "timescales_before": None if before is None else _sorted(before.timescales),
        "gates": _gates(one.gates, () if before is None else before.gates),
        "lyapunov": None if one.lyapunov is None else _some(one.lyapunov),
        "lyapunov_before": None
        if before is None or before.lyapunov is None
        else _some(before.lyapunov),
        "capacity": lag_curve(one.capacity),
        "capacity_before": None if before is None else lag_curve(before.capacity),
    }


def _curves(one: LayerMemory) -> dict[str, object]:
    curves: Mapping[str, dict[str, object] | None] = {
        "jacobian": lag_curve(one.jacobian),
        "cell_path": lag_curve(one.cell_path),
        "median_cell": lag_curve(one.median_cell),
        "rest": lag_curve(one.rest),
        "output": lag_curve(one.reaches_output),
    }
    return {name: curve for name, curve in curves.items() if curve is not None}


def _sorted(timescales: Floats | None) -> list[float | str | None] | None:
    """The longest first."""
    if timescales is None:
        return None
    known = timescales[~np.isnan(timescales)]
    return _some(np.sort(known)[::-1])


def _some(values: Floats) -> list[float | str | None]:
    """All values, or evenly many of them."""
    kept = np.unique(np.linspace(0, max(len(values) - 1, 0), min(len(values), UNITS)).round())
    return numbers(values[kept.astype(int)])


def _gates(
    gates: tuple[GateActivity, ...], before: tuple[GateActivity, ...]
) -> list[dict[str, object]]:
    first = {one.name: one for one in before}
    return [
        {
            "name": one.name,
            "by_step": numbers(thinned(one.by_step, STEPS)),
            "by_unit": _some(np.sort(one.by_unit)[::-1]),
            "closed": significant(one.closed),
            "open": significant(one.open),
            "before": None
            if one.name not in first
            else {
                "by_step": numbers(thinned(first[one.name].by_step, STEPS)),
                "closed": significant(first[one.name].closed),
                "open": significant(first[one.name].open),
            },
        }
        for one in gates
    ]


def _attribution(record: Inspection) -> dict[str, object] | None:
    one = record.attribution
    if one is None:
        return None
    return {
        "curve": lag_curve(one.by_lag),
        "completeness": significant(one.completeness, 3),
        "steps": one.steps,
    }


def _context(one: ContextLoss | None) -> dict[str, object] | None:
    if one is None:
        return None
    return {
        "lags": [int(lag) for lag in one.lags],
        "removed": numbers(one.removed, 5),
        "shuffled": numbers(one.shuffled, 5),
        "spread": numbers(one.spread),
        "whole": significant(one.whole),
        "effective": one.effective,
        "unit": shorten(one.unit, NAME_LENGTH),
    }


def _left_out(record: Inspection) -> list[str]:
    """What a page of bounded size does not show."""
    sentences = []
    if len(record.layers) > LAYERS:
        sentences.append(
            f"The first {LAYERS} of {len(record.layers)} layers and directions are shown."
        )
    widest = max((one.units for one in record.layers), default=0)
    if widest > UNITS:
        sentences.append(
            f"Of layers with more than {UNITS} units, evenly many over their order are drawn."
        )
    if record.steps > STEPS:
        sentences.append(f"Gates by step are means over about {record.steps / STEPS:.0f} steps.")
    return sentences


def _count(number: int, name: str) -> str:
    return f"1 {name}" if number == 1 else f"{number:,} {name}s"
