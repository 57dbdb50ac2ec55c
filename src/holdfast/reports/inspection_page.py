"""Page of an inspection: what a model remembers, against the lag, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from holdfast.records import (
    ContextLoss,
    Floats,
    GateActivity,
    Inspection,
    LagCurve,
    LayerMemory,
)
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
    shorten,
    significant,
    thinned,
)
from holdfast.reports.page import (
    NAME_LENGTH,
    Json,
    Page,
    definitions,
    facts,
    section,
    sentence,
    sentences,
    table,
)

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
    layers = list(_layers(record))
    before = {} if record.before is None else {one.name: one for one in record.before.layers}
    if record.whole is not None and record.before is not None and record.before.whole is not None:
        before[layers[0].name] = _whole(record.before, record.before.whole)
    pairs = [(layer, before.get(layer.name)) for layer in layers]
    context_before = None if record.before is None else record.before.context
    advice = sentences(record.advice)
    page = Page(
        site="Holdfast lens",
        title=record.title,
        lead=record.verdict(),
        version=record.version,
        created=record.created,
        command=record.command,
        sentences=_left_out(record),
        terms=[_terms(layer, record.context) for layer in layers],
        views=[f"{one.name} · {one.kind}" if one.kind else one.name for one in layers],
        views_label="Layers",
        sections=[
            section("inspection/advice", advice) if advice else None,
            *(_lag_section(*pair, view) for view, pair in enumerate(pairs)),
            _context_section(record.context, context_before),
            _attribution_section(record),
            *(_timescale_section(*pair, record.steps, view) for view, pair in enumerate(pairs)),
            *(_gate_section(*pair, record.steps, view) for view, pair in enumerate(pairs)),
            *(
                one
                for view, pair in enumerate(pairs)
                for one in (_capacity_section(*pair, view), _lyapunov_section(*pair, view))
            ),
            section(
                "inspection/facts",
                facts(
                    [
                        *record.description,
                        ("Looked at", _subject(record)),
                        ("Took", f"{record.seconds:,.1f} s"),
                    ],
                    "What was looked at",
                ),
            ),
            section("inspection/words", definitions("inspection/words")),
        ],
    )
    return page.render()


def _layers(record: Inspection) -> Sequence[LayerMemory]:
    """The layers that are shown; first the whole stack where it was measured."""
    shown = record.layers[:LAYERS]
    return shown if record.whole is None else (_whole(record, record.whole), *shown)


def _whole(record: Inspection, jacobian: LagCurve) -> LayerMemory:
    units = sum(one.units for one in record.layers)
    return LayerMemory("all layers together", "", units, jacobian)


def _subject(record: Inspection) -> str:
    """What was looked at, in words."""
    names = ", ".join(dict.fromkeys(f"{one.kind} of {one.units} units" for one in record.layers))
    steps, sequences = plural(record.steps, "step"), plural(record.sequences, "sequence")
    return f"{names or 'nothing recurrent'}, over {steps} of {sequences}"


def _terms(layer: LayerMemory, context: ContextLoss | None) -> list[tuple[str, str, str]]:
    """The figures above a layer."""
    terms = []
    timescales = _sorted(layer.timescales)
    if len(timescales):
        shares = [as_percent(one) for one in (layer.latching, layer.leaking, layer.resetting)]
        middle = as_small(float(timescales[len(timescales) // 2]))
        terms += [
            ("Timescale", f"{middle} steps", "of the middle unit"),
            ("Units that latch", shares[0], f"{shares[1]} leak, {shares[2]} reset"),
        ]
    if len(layer.jacobian.lags):
        lag, value = _near(layer.jacobian, 100)
        first = f"{as_small(float(layer.jacobian.median[0]))} at lag {layer.jacobian.lags[0]:,}"
        terms.append((f"Jacobian at lag {lag:,}", as_small(value), first))
        if layer.cell_path is not None:
            _, value = _near(layer.cell_path, lag)
            hint = "of the unit that keeps most"
            terms.append((f"Cell path at lag {lag:,}", as_small(value), hint))
    if layer.lyapunov is not None and len(layer.lyapunov):
        terms.append(
            ("Lyapunov exponent", as_small(float(layer.lyapunov[0])), "the largest, per step")
        )
    if context is not None:
        used = plural(context.effective, "step") if context.effective else "all that was read"
        terms.append(("Context that is used", used, "by its loss"))
    return terms


def _near(curve: LagCurve, lag: int) -> tuple[int, float]:
    """The measured lag nearest to another on a logarithmic axis, and the median there."""
    distance = np.abs(np.log(np.maximum(curve.lags, 0.5)) - np.log(lag))
    place = int(np.argmin(distance))
    return int(curve.lags[place]), float(curve.median[place])


def _lag_section(layer: LayerMemory, before: LayerMemory | None, view: int) -> Json:
    """Jacobian norms of a layer by lag."""
    now = _curves(layer)
    then = [] if before is None else _curves(before)
    parts = ", and of its parts" if layer.cell_path is not None else ""
    plain = sentence("inspection", "plain_rnn", {}) if layer.kind.startswith("RNN") else ""
    words = [lag_words(name, curve) for name, curve, _ in now]
    words += [lag_words(f"{name} {BEFORE}", curve) for name, curve, _ in then]
    chart = figure(
        [
            *(lag_line(name, curve, look) for name, curve, look in now),
            *(_before_line(name, curve, look) for name, curve, look in then),
        ],
        label=f"Jacobian norms of {_name(layer)} by lag. {'. '.join(words)}.",
        x=lag_axes(),
        y=log_axis("norm", [one[1] for one in now], [one[1] for one in then]),
        height="tall",
        numbers_of=("Norm", "Lag", "Median"),
        toggle="Scale of the lag",
    )
    return section(
        "inspection/lags",
        chart if now else None,
        parts=parts,
        samples=layer.jacobian.samples,
        plain=plain,
        view=view,
    )


def _curves(layer: LayerMemory) -> list[tuple[str, LagCurve, Json]]:
    found = [(name, getattr(layer, field), look) for field, name, look in PARTS]
    return [one for one in found if one[1] is not None and len(one[1].lags)]


def _before_line(name: str, curve: LagCurve, look: Json) -> Json:
    named = f"{name}, {BEFORE}"
    return lag_line(named, curve, behind(look), band=False, group=BEFORE, back=True)


def _context_section(context: ContextLoss | None, before: ContextLoss | None) -> Json | None:
    """The loss by how much of the past was left."""
    if context is None:
        return None
    ends = [max(int(context.lags[0]), 1), int(context.lags[-1])]
    removed, spread = context.removed, 2 * context.spread
    band = (removed - spread, removed + spread)
    shuffled, whole = style("--member-1", "dash", 1.8), style("--member-2", "longdash", 1.8)
    still: Json = {"hoverinfo": "skip", "hovertemplate": None}
    lines = [
        line("removed", context.lags, removed, BLEND, form=LOSS, band=band),
        line("shuffled", context.lags, context.shuffled, shuffled, form=LOSS),
        line("all of the past", ends, [context.whole] * 2, whole, form=LOSS, plotly=still),
    ]
    if before is not None:
        look = behind(HISTORY)
        lines.append(
            line(BEFORE, before.lags, before.removed, look, form=LOSS, back=True, hidden=True)
        )
    needed = context.effective
    steps = plural(needed, "step") if needed else ""
    worth = sentence("inspection", "enough" if needed else "more", {"needed": steps})
    first, last = (
        f"{as_fixed(float(removed[place]), 4)} with {plural(int(context.lags[place]), 'step')}"
        for place in (0, -1)
    )
    return section(
        "inspection/context",
        figure(
            lines,
            label=f"Loss by context: {first}, {last}, {as_fixed(context.whole, 4)} with all. "
            f"{worth}",
            x=lag_axes("steps that were left as they are"),
            y=axis(shorten(context.unit, NAME_LENGTH) or "loss"),
            numbers_of=("Past", "Steps left", "Loss"),
            shapes=[marker_line(needed, vertical=True)] if needed else [],
        ),
        worth=worth,
    )


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
        lines.append(_before_line(name, then.by_lag, HISTORY))
    return section(
        "inspection/attribution",
        figure(
            lines,
            label=f"{lag_words('Share of the attribution', now.by_lag)}.",
            x=lag_axes(),
            y=axis("share", rangemode="tozero", tickformat=".1~%"),
            numbers_of=("Attribution", "Lag", "Median"),
        ),
        steps=now.steps,
        missed=share + much,
    )


def _timescale_section(
    layer: LayerMemory, before: LayerMemory | None, steps: int, view: int
) -> Json | None:
    """How long each unit keeps, the longest first."""
    every = _sorted(layer.timescales)
    if not len(every):
        return None
    kept = evenly(len(every), UNITS)
    values = every[kept]
    then = _sorted(None if before is None else before.timescales)
    known = [float(one) for one in np.concatenate([values, then]) if np.isfinite(one)]
    top = 10.0 ** math.ceil(math.log10(max(steps, *known, 10)) + 0.3)
    low = math.log10(max(min([*known, 1.0]), 0.1))
    ranks = [place + 1 for place in kept]
    kinds = [_unit_kind(value, steps) for value in values]
    lines = []
    for kind, (symbol, colour) in KINDS.items():
        of_kind = [place for place, one in enumerate(kinds) if one == kind]
        if of_kind:
            lines.append(
                line(
                    kind,
                    [ranks[place] for place in of_kind],
                    _heights(values[of_kind], top),
                    style(colour, width=2),
                    plotly={
                        "key": colour,
                        "mode": "markers",
                        "marker": {"color": colour, "size": 7, "symbol": symbol},
                        "text": [f"{as_small(float(values[place]))} steps" for place in of_kind],
                    },
                )
            )
    if len(then):
        chosen = evenly(len(then), UNITS)
        places, look = [place + 1 for place in chosen], behind(HISTORY)
        lines.append(line(BEFORE, places, _heights(then[chosen], top), look, back=True))
    ticks = [10**power for power in range(-1, 7) if 10**low * 0.9 <= 10**power < top]
    endless = [top] if np.isinf(values).any() else []
    shares = [("latch", layer.latching), ("leak", layer.leaking), ("reset", layer.resetting)]
    ends = f"{as_small(float(values[0]))} to {as_small(float(values[-1]))}"
    parts = ", ".join(f"{as_percent(share)} {name}" for name, share in shares)
    return section(
        "inspection/timescales",
        {
            "kind": "shares",
            "parts": [[name, significant(share)] for name, share in shares if share > 0],
        },
        figure(
            lines,
            label=f"Timescales of {layer.units:,} units of {_name(layer)}, from {ends} steps; "
            f"{parts}.",
            x=axis(
                "unit, the longest first",
                showgrid=False,
                range=[1 - len(every) * 0.02, len(every) * 1.02],
            ),
            y=axis(
                "timescale, steps",
                type="log",
                range=[low - 0.2, math.log10(top) + 0.1],
                tickvals=[*ticks, *endless],
                ticktext=[*(as_value(tick) for tick in ticks), *(INFINITE for _ in endless)],
            ),
            numbers_of=("What it does", "Unit, by timescale", "Steps"),
            hovermode="closest",
            shapes=[marker_line(at, vertical=False) for at in (steps, 2)],
            annotations=[
                {
                    "xref": "paper",
                    "x": 1,
                    "y": math.log10(max(steps, 1)),
                    "text": "length of the sequence",
                    "showarrow": False,
                    "xanchor": "right",
                    "yanchor": "bottom",
                    "font": {"size": 11, "color": "--muted"},
                }
            ],
        ),
        view=view,
    )


def _unit_kind(timescale: float, steps: int) -> str:
    """What a unit does in a sequence of so many steps."""
    return "latches" if timescale > steps else "resets" if timescale <= 2 else "leaks"


def _heights(values: Floats, top: float) -> Floats:
    """Places on a logarithmic axis that ends at `top`, where what is endless lies."""
    return np.clip(values, 0.1, top)


def _gate_section(
    layer: LayerMemory, before: LayerMemory | None, steps: int, view: int
) -> Json | None:
    """How open the gates stood at each step, and how often they were saturated."""
    if not layer.gates:
        return None
    first = {} if before is None else {one.name: one for one in before.gates}
    lines, back, rows, words = [], [], [], []
    for place, gate in enumerate(layer.gates):
        look = GATES.get(gate.name, member(place))
        lines.append(_gate_line(gate.name, gate, look, steps))
        least, most = as_fixed(float(gate.by_unit.min()), 2), as_fixed(float(gate.by_unit.max()), 2)
        rows.append(_gate_row(gate.name, gate, f"{least} and {most}"))
        ends = [as_fixed(float(gate.by_step[at]), 2) for at in (0, -1)]
        words.append(
            f"{gate.name}: {ends[0]} at the first step, {ends[1]} at the last, "
            f"{as_percent(gate.closed)} closed, {as_percent(gate.open)} open"
        )
        if gate.name in first:
            name, then = f"{gate.name}, {BEFORE}", first[gate.name]
            look = behind(look)
            back.append({**_gate_line(name, then, look, steps), "group": BEFORE, "back": True})
            rows.append(_gate_row(name, then, ""))
    headings = [
        ("Gate", ""), ("Mean", "fixed3"), ("Units between", "text"), ("Below 0.05", "percent1"),
        ("Above 0.95", "percent1"),
    ]  # fmt: skip
    return section(
        "inspection/gates",
        figure(
            [*lines, *back],
            label=f"Gates of {_name(layer)} by step. {'. '.join(words)}.",
            x=axis("step", reading=True, hoverformat=",.0f"),
            y=axis("mean opening", range=[-0.02, 1.02], dtick=0.25),
            numbers_of=("Gate", "Step", "Mean opening"),
        ),
        table(headings, rows, "Saturation of the gates"),
        view=view,
    )


def _gate_line(name: str, gate: GateActivity, look: Json, steps: int) -> Json:
    """How open a gate stood by step; each value is the mean of a run of steps, in its middle."""
    values = thinned(gate.by_step, STEPS)
    middles = 0.5 + (np.arange(len(values)) + 0.5) * steps / len(values)
    return line(name, middles, values, look, form="fixed3")


def _gate_row(name: str, gate: GateActivity, units: str) -> list[object]:
    known = gate.by_step[np.isfinite(gate.by_step)]
    mean = significant(float(known.mean())) if len(known) else None
    return [name, mean, units, significant(gate.closed), significant(gate.open)]


def _capacity_section(layer: LayerMemory, before: LayerMemory | None, view: int) -> Json | None:
    """What can be read linearly from the state."""
    curve = layer.capacity
    if curve is None or not len(curve.lags):
        return None
    then = None if before is None else before.capacity
    lines = [lag_line("R²", curve, style("--blend"), band=curve.samples > 1)]
    earlier = ""
    if then is not None and len(then.lags):
        lines.append(_before_line("R²", then, HISTORY))
        earlier = f" Before training (dotted): {as_fixed(_total(then), 1)}."
    return section(
        "inspection/capacity",
        figure(
            lines,
            label=f"Memory capacity of {_name(layer)}. {lag_words('R²', curve)}.",
            x=lag_axes(),
            y=axis("R²", range=[-0.02, 1.02], dtick=0.25),
            numbers_of=("Capacity", "Lag", "Median"),
            legend=False,
        ),
        total=_total(curve),
        units=layer.units,
        before=earlier,
        view=view,
    )


def _total(curve: LagCurve) -> float:
    """The sum over all lags, each measured one standing for those since the one before it."""
    widths = np.diff(curve.lags, prepend=curve.lags[0] - 1)
    return float(np.sum(widths * curve.median))


def _lyapunov_section(layer: LayerMemory, before: LayerMemory | None, view: int) -> Json | None:
    """Whether small differences between states grow or fade."""
    if layer.lyapunov is None or not len(layer.lyapunov):
        return None
    then = None if before is None else before.lyapunov
    largest = float(layer.lyapunov[0])
    if largest > 0.005:
        verdict = "differences grow: the dynamics are chaotic"
    elif largest > -0.005:
        verdict = "differences neither grow nor fade: what is written stays"
    else:
        verdict = f"the slowest difference fades to 1/e in {as_value(-1 / largest)} steps"
    shown = evenly(len(layer.lyapunov), UNITS)
    lines = [
        line(
            "exponent",
            [place + 1 for place in shown],
            layer.lyapunov[shown],
            style("--blend"),
            plotly={
                "mode": "lines" if len(shown) > 60 else "lines+markers",
                "marker": {"color": "--blend", "size": 5},
            },
        )
    ]
    earlier = ""
    if then is not None and len(then):
        places = evenly(len(then), UNITS)
        look = behind(HISTORY)
        lines.append(line(BEFORE, [place + 1 for place in places], then[places], look, back=True))
        earlier = f" Before training (dotted): {as_small(float(then[0]))}."
    return section(
        "inspection/lyapunov",
        figure(
            lines,
            label=f"{len(layer.lyapunov):,} Lyapunov exponents of {_name(layer)}, from "
            f"{as_small(largest)} down to {as_small(float(layer.lyapunov[-1]))} per step; "
            f"{verdict}.",
            x=axis("exponent, the largest first", reading=True, hoverformat=",d"),
            y=axis("per step", zeroline=True, rangemode="tozero", zerolinewidth=2),
            numbers_of=("Exponents", "Place", "Per step"),
            legend=False,
        ),
        largest=largest,
        verdict=verdict,
        before=earlier,
        view=view,
        beside=layer.capacity is not None,
    )


def _sorted(timescales: Floats | None) -> Floats:
    """Those that are numbers, the longest first."""
    if timescales is None:
        return np.empty(0)
    return np.asarray(np.sort(timescales[~np.isnan(timescales)])[::-1])


def _name(layer: LayerMemory) -> str:
    return shorten(layer.name, NAME_LENGTH)


def _left_out(record: Inspection) -> list[str]:
    """What a page of bounded size does not show."""
    remarks = []
    if len(record.layers) > LAYERS:
        remarks.append(
            f"The first {LAYERS} of {len(record.layers)} layers and directions are shown."
        )
    widest = max((one.units for one in record.layers), default=0)
    if widest > UNITS:
        remarks.append(
            f"Of layers with more than {UNITS} units, evenly many over their order are drawn."
        )
    if record.steps > STEPS:
        remarks.append(f"Gates by step are means over about {record.steps / STEPS:.0f} steps.")
    return remarks
