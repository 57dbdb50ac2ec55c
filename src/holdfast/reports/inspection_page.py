"""Page of an inspection: what a model remembers, against the lag, layer by layer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from holdfast.records import (
    ContextLoss,
    Floats,
    GateActivity,
    Inspection,
    LagCurve,
    LayerMemory,
)
from holdfast.reports import page
from holdfast.reports.figures import (
    BEFORE,
    BLEND,
    axis,
    behind,
    figure,
    lag_axes,
    lag_line,
    lag_words,
    line,
    line_before,
    log_axis,
    marker_line,
    member,
    style,
)
from holdfast.reports.formatting import (
    INFINITE,
    as_fixed,
    as_percent,
    as_small,
    as_value,
    evenly,
    plural,
    significant,
    thinned,
)
from holdfast.reports.page import Json

LAYERS = 16
"""Layers and directions that are shown at most, the first of the model."""

STEPS = 400
"""Points of a gate's activity by step at most; behind them stand means over neighbours."""

UNITS = 600
"""Units of a layer that are shown at most, evenly over their order."""

HISTORY = style("--history")

LOSS = "fixed4"
"""How losses are written."""

PARTS = (
    ("jacobian", "whole Jacobian", BLEND),
    ("cell_path", "cell path, best unit", style("--member-2")),
    ("median_cell", "cell path, median unit", style("--member-2", "dash", 1.8)),
    ("rest", "rest", style("--member-1", width=1.8)),
    ("reaches_output", "reaches the output", style("--member-3")),
)
"""Curves of a layer: the name of the field, in words, and the style."""

GATES = {
    "forget gate": style("--blend", width=2),
    "update gate": style("--blend", width=2),
    "input gate": style("--member-2", width=2),
    "reset gate": style("--member-2", width=2),
    "output gate": style("--member-1", width=2),
}

KINDS = {
    "latches": ("circle", "--blend"),
    "leaks": ("diamond", "--member-2"),
    "resets": ("x", "--member-1"),
}
"""What a unit does, with the symbol and the colour of its point."""


def inspection_html(record: Inspection) -> bytes:
    """The page of an inspection."""
    layers = _layers(record)
    before = {} if record.before is None else {one.name: one for one in _layers(record.before)}
    pairs = [(layer, before.get(layer.name)) for layer in layers]
    advice = page.sentences(record.advice)
    kinds = dict.fromkeys(f"{one.kind} of {one.units} units" for one in record.layers)
    subject = (
        f"{', '.join(kinds) or 'nothing recurrent'}, over {plural(record.steps, 'step')} of "
        f"{plural(record.sequences, 'sequence')}"
    )
    about = [*record.description, ("Looked at", subject), ("Took", f"{record.seconds:,.1f} s")]
    sections = [
        page.section("inspection/advice", advice) if advice else None,
        *(_lag_section(*pair, view) for view, pair in enumerate(pairs)),
        _context_section(record.context, getattr(record.before, "context", None)),
        _attribution_section(record),
        *(_timescale_section(*pair, record.steps, view) for view, pair in enumerate(pairs)),
        *(_gate_section(*pair, record.steps, view) for view, pair in enumerate(pairs)),
    ]
    for view, pair in enumerate(pairs):
        sections += [_capacity_section(*pair, view), _lyapunov_section(*pair, view)]
    sections += [
        page.section("inspection/facts", page.facts(about, "What was looked at")),
        page.section("inspection/words", page.definitions("inspection/words")),
    ]
    return page.sections_page(
        record,
        "Holdfast lens",
        record.verdict(),
        sections,
        sentences=_left_out(record),
        terms=[_terms(layer, record.context) for layer in layers],
        views=[f"{one.name} · {one.kind}" if one.kind else one.name for one in layers],
        views_label="Layers",
    )


def _layers(record: Inspection) -> tuple[LayerMemory, ...]:
    """The layers that are shown; first the whole stack where it was measured."""
    shown = record.layers[:LAYERS]
    if record.whole is None:
        return shown
    units = sum(one.units for one in record.layers)
    return (LayerMemory("all layers together", "", units, record.whole), *shown)


def _terms(layer: LayerMemory, context: ContextLoss | None) -> list[tuple[str, str, str]]:
    """The figures above a layer."""
    terms = []
    timescales = _sorted(layer.timescales)
    if len(timescales):
        latch, leak, reset = map(as_percent, (layer.latching, layer.leaking, layer.resetting))
        middle = as_small(float(timescales[len(timescales) // 2]))
        terms += [
            ("Timescale", f"{middle} steps", "of the middle unit"),
            ("Units that latch", latch, f"{leak} leak, {reset} reset"),
        ]
    lags = layer.jacobian.lags
    if len(lags):
        # The measured lag nearest to 100 on a logarithmic axis.
        lag = int(lags[np.argmin(np.abs(np.log(np.maximum(lags, 0.5)) - np.log(100)))])
        first = f"{as_small(float(layer.jacobian.median[0]))} at lag {lags[0]:,}"
        terms.append((f"Jacobian at lag {lag:,}", as_small(layer.jacobian.at(lag)), first))
        if layer.cell_path is not None:
            value, hint = as_small(layer.cell_path.at(lag)), "of the unit that keeps most"
            terms.append((f"Cell path at lag {lag:,}", value, hint))
    if layer.lyapunov is not None and len(layer.lyapunov):
        largest = as_small(float(layer.lyapunov[0]))
        terms.append(("Lyapunov exponent", largest, "the largest, per step"))
    if context is not None:
        used = plural(context.effective, "step") if context.effective else "all that was read"
        terms.append(("Context that is used", used, "by its loss"))
    return terms


def _lag_section(layer: LayerMemory, before: LayerMemory | None, view: int) -> Json:
    """Jacobian norms of a layer by lag."""
    now, then = _curves(layer), _curves(before)
    words = [lag_words(name, curve) for name, curve, _ in now]
    words += [lag_words(f"{name} {BEFORE}", curve) for name, curve, _ in then]
    chart = figure(
        [*(lag_line(*one) for one in now), *(line_before(*one) for one in then)],
        label=f"Jacobian norms of {page.short_name(layer.name)} by lag. {'. '.join(words)}.",
        x=lag_axes(),
        y=log_axis("norm", [one[1] for one in now], [one[1] for one in then]),
        height="tall",
        numbers_of=("Norm", "Lag", "Median"),
        toggle="Scale of the lag",
    )
    return page.section(
        "inspection/lags",
        chart if now else None,
        parts="" if layer.cell_path is None else ", and of its parts",
        samples=layer.jacobian.samples,
        plain=page.sentence("inspection", "plain_rnn") if layer.kind.startswith("RNN") else "",
        view=view,
    )


def _curves(layer: LayerMemory | None) -> list[tuple[str, LagCurve, Json]]:
    found = [(name, getattr(layer, field, None), look) for field, name, look in PARTS]
    return [(name, curve, look) for name, curve, look in found if curve and len(curve.lags)]


def _context_section(context: ContextLoss | None, before: ContextLoss | None) -> Json | None:
    """The loss by how much of the past was left."""
    if context is None:
        return None
    ends = [max(int(context.lags[0]), 1), int(context.lags[-1])]
    removed, spread = context.removed, 2 * context.spread
    band = (removed - spread, removed + spread)
    shuffled, whole = style("--member-1", "dash", 1.8), style("--member-2", "longdash", 1.8)
    lines = [
        line("removed", context.lags, removed, BLEND, form=LOSS, band=band),
        line("shuffled", context.lags, context.shuffled, shuffled, form=LOSS),
        line(
            "all of the past", ends, [context.whole] * 2, whole, form=LOSS, hoverinfo="skip",
            hovertemplate=None,
        ),
    ]  # fmt: skip
    if before is not None:
        look, lags = behind(HISTORY), before.lags
        past = line(BEFORE, lags, before.removed, look, form=LOSS, back=True, hidden=True)
        lines.append(past)
    needed = context.effective
    steps = plural(needed, "step") if needed else ""
    worth = page.sentence("inspection", "enough" if needed else "more", needed=steps)
    first, last = (
        f"{as_fixed(float(removed[place]), 4)} with {plural(int(context.lags[place]), 'step')}"
        for place in (0, -1)
    )
    chart = figure(
        lines,
        label=f"Loss by context: {first}, {last}, {as_fixed(context.whole, 4)} with all. {worth}",
        x=lag_axes("steps that were left as they are"),
        y=axis(page.short_name(context.unit) or "loss"),
        numbers_of=("Past", "Steps left", "Loss"),
        shapes=[marker_line(needed, vertical=True)] if needed else [],
    )
    return page.section("inspection/context", chart, worth=worth)


def _attribution_section(record: Inspection) -> Json | None:
    """How much of the output rests on inputs at each lag."""
    now = record.attribution
    if now is None or not len(now.by_lag.lags):
        return None
    then = None if record.before is None else record.before.attribution
    missed = now.completeness
    share = as_percent(missed, 4 if missed < 0.001 else 2)
    if missed < 1e-6:
        share = "less than 0.0001\u00a0%"
    much = ", which is much: read this chart with care" if missed > 0.05 else ""
    name = "share of the attribution"
    lines = [lag_line(name, now.by_lag, BLEND)]
    if then is not None and len(then.by_lag.lags):
        lines.append(line_before(name, then.by_lag, HISTORY))
    chart = figure(
        lines,
        label=f"{lag_words('Share of the attribution', now.by_lag)}.",
        x=lag_axes(),
        y=axis("share", rangemode="tozero", tickformat=".1~%"),
        numbers_of=("Attribution", "Lag", "Median"),
    )
    return page.section("inspection/attribution", chart, steps=now.steps, missed=share + much)


def _timescale_section(
    layer: LayerMemory, before: LayerMemory | None, steps: int, view: int
) -> Json | None:
    """How long each unit keeps, the longest first."""
    every, then = _sorted(layer.timescales), _sorted(getattr(before, "timescales", None))
    if not len(every):
        return None
    kept = evenly(len(every), UNITS)
    values = every[kept]
    known = [float(one) for one in np.concatenate([values, then]) if np.isfinite(one)]
    # What is endless lies at the top of the axis.
    top = 10.0 ** math.ceil(math.log10(max(steps, *known, 10)) + 0.3)
    low = math.log10(max(min([*known, 1.0]), 0.1))
    lines = []
    for kind, (symbol, colour) in KINDS.items():
        places = [place for place, one in enumerate(values) if _unit_kind(one, steps) == kind]
        if places:
            ranks, heights = [kept[place] + 1 for place in places], values[places].clip(0.1, top)
            text = [f"{as_small(float(values[place]))} steps" for place in places]
            marker, look = {"color": colour, "size": 7, "symbol": symbol}, style(colour, width=2)
            more: Json = {"key": colour, "mode": "markers", "marker": marker, "text": text}
            lines.append(line(kind, ranks, heights, look, **more))
    if len(then):
        lines.append(_ranked_before(np.clip(then, 0.1, top)))
    ticks = [10**power for power in range(-1, 7) if 10**low * 0.9 <= 10**power < top]
    names = [as_value(tick) for tick in ticks]
    if np.isinf(values).any():
        ticks, names = [*ticks, top], [*names, INFINITE]
    shares = [("latch", layer.latching), ("leak", layer.leaking), ("reset", layer.resetting)]
    ends = f"{as_small(float(values[0]))} to {as_small(float(values[-1]))}"
    parts = ", ".join(f"{as_percent(share)} {name}" for name, share in shares)
    length = {
        "xref": "paper", "x": 1, "y": math.log10(max(steps, 1)), "text": "length of the sequence",
        "showarrow": False, "xanchor": "right", "yanchor": "bottom",
        "font": {"size": 11, "color": "--muted"},
    }  # fmt: skip
    margin, limits = len(every) * 0.02, [low - 0.2, math.log10(top) + 0.1]
    chart = figure(
        lines,
        label=f"Timescales of {layer.units:,} units of {page.short_name(layer.name)}, from {ends} "
        f"steps; {parts}.",
        x=axis("unit, the longest first", showgrid=False, range=[1 - margin, len(every) * 1.02]),
        y=axis("timescale, steps", type="log", range=limits, tickvals=ticks, ticktext=names),
        numbers_of=("What it does", "Unit, by timescale", "Steps"),
        hovermode="closest",
        shapes=[marker_line(at, vertical=False) for at in (steps, 2)],
        annotations=[length],
    )
    shown = [[name, significant(share)] for name, share in shares if share > 0]
    return page.section(
        "inspection/timescales", {"kind": "shares", "parts": shown}, chart, view=view
    )


def _unit_kind(timescale: float, steps: int) -> str:
    """What a unit does in a sequence of so many steps."""
    return "latches" if timescale > steps else "resets" if timescale <= 2 else "leaks"


def _ranked_before(values: Floats) -> Json:
    """What was measured of each unit before training, in order."""
    kept = evenly(len(values), UNITS)
    return line(BEFORE, [place + 1 for place in kept], values[kept], behind(HISTORY), back=True)


def _gate_section(
    layer: LayerMemory, before: LayerMemory | None, steps: int, view: int
) -> Json | None:
    """How open the gates stood at each step, and how often they were saturated."""
    if not layer.gates:
        return None
    first = {one.name: one for one in getattr(before, "gates", ())}
    lines, back, rows, words = [], [], [], []
    for place, gate in enumerate(layer.gates):
        look = GATES.get(gate.name, member(place))
        lines.append(_gate_line(gate.name, gate, look, steps))
        least, most, start, end = (
            as_fixed(float(value), 2)
            for value in (gate.by_unit.min(), gate.by_unit.max(), *gate.by_step[[0, -1]])
        )
        rows.append(_gate_row(gate.name, gate, f"{least} and {most}"))
        words.append(
            f"{gate.name}: {start} at the first step, {end} at the last, "
            f"{as_percent(gate.closed)} closed, {as_percent(gate.open)} open"
        )
        if gate.name in first:
            name, then = f"{gate.name}, {BEFORE}", first[gate.name]
            back.append(_gate_line(name, then, behind(look), steps, group=BEFORE, back=True))
            rows.append(_gate_row(name, then, ""))
    headings = [
        ("Gate", ""), ("Mean", "fixed3"), ("Units between", "text"), ("Below 0.05", "percent1"),
        ("Above 0.95", "percent1"),
    ]  # fmt: skip
    chart = figure(
        [*lines, *back],
        label=f"Gates of {page.short_name(layer.name)} by step. {'. '.join(words)}.",
        x=axis("step", reading=True, hoverformat=",.0f"),
        y=axis("mean opening", range=[-0.02, 1.02], dtick=0.25),
        numbers_of=("Gate", "Step", "Mean opening"),
    )
    saturation = page.table(headings, rows, "Saturation of the gates")
    return page.section("inspection/gates", chart, saturation, view=view)


def _gate_line(name: str, gate: GateActivity, look: Json, steps: int, **more: Any) -> Json:
    """How open a gate stood by step; each value is the mean of a run of steps, in its middle."""
    values = thinned(gate.by_step, STEPS)
    middles = 0.5 + (np.arange(len(values)) + 0.5) * steps / len(values)
    return line(name, middles, values, look, form="fixed3", **more)


def _gate_row(name: str, gate: GateActivity, units: str) -> list[object]:
    known = gate.by_step[np.isfinite(gate.by_step)]
    mean = page.cell(float(known.mean())) if len(known) else None
    return [name, mean, units, *page.cells(gate, "closed", "open")]


def _capacity_section(layer: LayerMemory, before: LayerMemory | None, view: int) -> Json | None:
    """What can be read linearly from the state."""
    curve, then = layer.capacity, getattr(before, "capacity", None)
    if curve is None or not len(curve.lags):
        return None
    lines = [lag_line("R²", curve, style("--blend"), band=curve.samples > 1)]
    earlier = ""
    if then is not None and len(then.lags):
        lines.append(line_before("R²", then, HISTORY))
        earlier = f" Before training (dotted): {as_fixed(_total(then), 1)}."
    chart = figure(
        lines,
        label=f"Memory capacity of {page.short_name(layer.name)}. {lag_words('R²', curve)}.",
        x=lag_axes(),
        y=axis("R²", range=[-0.02, 1.02], dtick=0.25),
        numbers_of=("Capacity", "Lag", "Median"),
        legend=False,
    )
    words: Json = {"total": _total(curve), "units": layer.units, "before": earlier}
    return page.section("inspection/capacity", chart, view=view, **words)


def _total(curve: LagCurve) -> float:
    """The sum over all lags, each measured one standing for those since the one before it."""
    widths = np.diff(curve.lags, prepend=curve.lags[0] - 1)
    return float(np.sum(widths * curve.median))


def _lyapunov_section(layer: LayerMemory, before: LayerMemory | None, view: int) -> Json | None:
    """Whether small differences between states grow or fade."""
    exponents, then = layer.lyapunov, getattr(before, "lyapunov", None)
    if exponents is None or not len(exponents):
        return None
    largest = float(exponents[0])
    if largest > 0.005:
        verdict = "differences grow: the dynamics are chaotic"
    elif largest > -0.005:
        verdict = "differences neither grow nor fade: what is written stays"
    else:
        verdict = f"the slowest difference fades to 1/e in {as_value(-1 / largest)} steps"
    kept = evenly(len(exponents), UNITS)
    mode = "lines" if len(kept) > 60 else "lines+markers"
    marker = {"color": "--blend", "size": 5}
    places, look = [place + 1 for place in kept], style("--blend")
    lines = [line("exponent", places, exponents[kept], look, mode=mode, marker=marker)]
    earlier = ""
    if then is not None and len(then):
        lines.append(_ranked_before(then))
        earlier = f" Before training (dotted): {as_small(float(then[0]))}."
    chart = figure(
        lines,
        label=f"{len(exponents):,} Lyapunov exponents of {page.short_name(layer.name)}, from "
        f"{as_small(largest)} down to {as_small(float(exponents[-1]))} per step; {verdict}.",
        x=axis("exponent, the largest first", reading=True, hoverformat=",d"),
        y=axis("per step", zeroline=True, rangemode="tozero", zerolinewidth=2),
        numbers_of=("Exponents", "Place", "Per step"),
        legend=False,
    )
    words = {"largest": largest, "verdict": verdict, "before": earlier}
    beside = layer.capacity is not None
    return page.section("inspection/lyapunov", chart, view=view, beside=beside, **words)


def _sorted(timescales: Floats | None) -> Floats:
    """Those that are numbers, the longest first."""
    if timescales is None:
        return np.empty(0)
    return np.asarray(np.sort(timescales[~np.isnan(timescales)])[::-1])


def _left_out(record: Inspection) -> list[str]:
    """What a page of bounded size does not show."""
    remarks = []
    count = len(record.layers)
    if count > LAYERS:
        remarks.append(f"The first {LAYERS} of {count} layers and directions are shown.")
    widest = max((one.units for one in record.layers), default=0)
    if widest > UNITS:
        remarks.append(
            f"Of layers with more than {UNITS} units, evenly many over their order are drawn."
        )
    if record.steps > STEPS:
        remarks.append(f"Gates by step are means over about {record.steps / STEPS:.0f} steps.")
    return remarks
