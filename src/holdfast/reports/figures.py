"""Figures of a page: lines and points that plotly draws, as JSON.

Colours are names of the style sheet ("--blend"), so that a figure follows the light and the dark
theme; the page's script sets them in, draws bands from `low` and `high`, writes what the pointer
reads, makes the legend, and folds the numbers behind the figure into a table.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from holdfast.records import Floats, LagCurve
from holdfast.reports.formatting import as_count, as_fixed, as_small, evenly, numbers
from holdfast.reports.page import Json, short_name

POINTS = 200
LOSSES = 500
"""Lags of a curve and points of a learning curve that are shown at most."""

LEAST = 1e-99
"""A number below this says no more than that nothing is left; on a logarithmic axis it is drawn
here."""

BEHIND = 1e-20
"""How far below the lowest of the lines in front those behind them are followed, as a factor."""

LearningCurve: TypeAlias = tuple[str, Sequence[float], Sequence[float], Json]
"""Name, updates or hours, losses, style."""

LAG_TICKS = [mark * power for power in (1, 100, 10_000) for mark in (1, 3, 10, 30)]

BEFORE = "before training"

_MEMBERS = ("--member-1", "--member-2", "--member-3", "--member-4", "--member-5")
_DASHES = ("solid", "dot", "dash", "dashdot", "longdash")


def style(color: str, dash: str = "solid", width: float = 2.2) -> Json:
    """How a line looks; `color` is a name of the style sheet."""
    return {"color": color, "dash": dash, "width": width}


BLEND = style("--blend", width=2.8)


def member(place: int) -> Json:
    """One of a few styles that are told apart by colour and dash."""
    return style(_MEMBERS[place % len(_MEMBERS)], _DASHES[place % len(_DASHES)], 1.8)


def behind(one: Json) -> Json:
    """The style of a line that stands behind the one of style `one`, as before training."""
    return {**one, "dash": "dot", "width": 1.6}


def line(
    name: str, x: Iterable[float], y: Iterable[float], look: Json, *, form: str = "small",
    digits: int = 5, band: tuple[Iterable[float], Iterable[float]] | None = None,
    group: str = "", back: bool = False, hidden: bool = False, **plotly: object,
) -> Json:  # fmt: skip
    """A line or points of a figure; its untrusted name is in the legend and the table of numbers.

    Arguments:
        look: made by `style`.
        form, digits: how values are written, see `page.table`, and how many digits are kept.
        band: low and high of a shaded band around it.
        group: lines of one group share an entry of the legend; the name where it is empty.
        back: whether it lies behind the others, and last in the legend.
        plotly: more of plotly's trace; a ``key`` in it is the colour of a filled legend entry.
    """
    low, high = band or ((), ())
    bounds = {"low": numbers(low, digits), "high": numbers(high, digits)} if band else {}
    return {
        "name": name,
        "x": [int(one) if float(one).is_integer() else float(f"{one:.6g}") for one in x],
        "y": numbers(y, digits),
        "style": look,
        "form": form,
        "group": group or name,
        "back": back,
        "hidden": hidden,
        **bounds,
        **plotly,
    }


def figure(
    lines: Sequence[Json], *, label: str, x: Json | Sequence[Json], y: Json, height: str = "",
    numbers_of: tuple[str, str, str] | None = None, legend: bool = True, toggle: str = "",
    **layout: object,
) -> Json:  # fmt: skip
    """A chart with its legend and, folded, the numbers behind it.

    Arguments:
        lines: made by `line`.
        label: what it shows, for people who do not see it.
        x, y: axes, as plotly takes them, with ``reading`` for an axis along which the pointer
            reads and ``ticks`` for the places of labels. Several x axes are scales to choose from.
        height: "tall", or pixels.
        numbers_of: headings of the table of numbers: of names, x and y; None for no table.
        toggle: what the buttons that choose the scale are called; "" for none here.
        layout: more of plotly's layout.
    """
    return {
        "kind": "figure",
        "lines": list(lines),
        "label": label,
        "axes": x if isinstance(x, list) else [x],
        "yaxis": y,
        "height": height,
        "numbers": numbers_of,
        "legend": legend,
        "toggle": toggle,
        "layout": layout,
    }


def axis(title: str, *, reading: bool = False, **more: object) -> Json:
    """An axis; `reading` draws a line at the pointer."""
    return {"title": title, "reading": reading, **more}


def marker_line(at: float, *, vertical: bool) -> Json:
    """A thin dashed line across the whole figure."""
    along, across = ("x", "y") if vertical else ("y", "x")
    return {
        "type": "line", f"{across}ref": "paper", f"{across}0": 0, f"{across}1": 1,
        f"{along}0": at, f"{along}1": at, "line": {"color": "--muted", "width": 1, "dash": "dash"},
    }  # fmt: skip


def lag_axes(title: str = "lag k, steps") -> list[Json]:
    """A logarithmic and a linear axis of lags."""
    return [
        axis(title, reading=True, type="log", hoverformat=",d", ticks=LAG_TICKS, scale="log lag"),
        axis(title, reading=True, rangemode="tozero", hoverformat=",d", scale="linear lag"),
    ]


def lag_line(
    name: str, curve: LagCurve, look: Json, *, band: bool = True, **more: Any
) -> Json:  # fmt: skip
    """A line of medians against the lag, with a band from the 10 % to the 90 % quantile.

    Of more than `POINTS` lags it shows evenly many on a logarithmic axis, the ends among them.
    """
    count = len(curve.lags)
    kept: slice | NDArray[np.int64] = slice(None)
    if count > POINTS:
        kept = np.unique(np.geomspace(1, count, POINTS).round().astype(int) - 1)
    bounds = (curve.low[kept], curve.high[kept]) if band else None
    return line(name, curve.lags[kept], curve.median[kept], look, digits=4, band=bounds, **more)


def line_before(name: str, curve: LagCurve, look: Json) -> Json:
    """The same before training: behind the line of style `look`, dotted."""
    return lag_line(f"{name}, {BEFORE}", curve, behind(look), band=False, group=BEFORE, back=True)


def thinned_curve(
    steps: Sequence[float], losses: Sequence[float]
) -> tuple[list[float], list[float]]:
    """A learning curve of so many points that a page shows it."""
    kept = evenly(len(steps), LOSSES)
    return [steps[place] for place in kept], [losses[place] for place in kept]


def loss_figure(
    curves: Sequence[LearningCurve], *, label: str, across: str, hover: str, y: Json,
    headings: tuple[str, str, str],
) -> Json | None:  # fmt: skip
    """Learning curves, made short by `thinned_curve`; None where there are none.

    First and last losses are added to the label. `across` and `hover` are the title of the x axis
    and how its values are written at the pointer; `headings` are those of the table of numbers.
    """
    words = "; ".join(
        f"{short_name(name)} from {as_fixed(losses[0], 3)} to {as_fixed(losses[-1], 3)}"
        for name, _, losses, _ in curves
    )
    if not curves:
        return None
    return figure(
        [line(short_name(name), at, loss, look, form="fixed4") for name, at, loss, look in curves],
        label=f"{label}: {words}.",
        x=axis(across, reading=True, hoverformat=hover, rangemode="tozero"),
        y=y,
        height="tall",
        numbers_of=headings,
    )


def log_axis(title: str, curves: Sequence[LagCurve], back: Sequence[LagCurve] = ()) -> Json:
    """A logarithmic axis: all medians lie inside; bands and lines behind may be cut below."""
    front = _positive(np.concatenate([curve.median for curve in curves]))
    lowest = float(front.min(initial=np.inf))
    far = _positive(np.concatenate([*(curve.median for curve in back), np.ones(0)]))
    least = max(min(lowest, float(far.min(initial=np.inf))), lowest * BEHIND)
    tops = [part for curve in (*curves, *back) for part in (curve.median, curve.high)]
    most = float(_positive(np.concatenate(tops)).max(initial=0.0))
    if not (math.isfinite(least) and most > 0.0):
        return axis(title, type="log")
    low, high = math.log10(least), math.log10(most)
    margin = max((high - low) * 0.06, 0.1)
    steps = [one for one in (1, 2, 5, 10, 20, 50) if one >= (high - low) / 9]
    bounds = axis(title, type="log", range=[low - margin, high + margin])
    if high - low > 2 and steps:
        bounds["dtick"] = steps[0]
    return {**bounds, "exponentformat": "power", "minexponent": 3}


def lag_words(name: str, curve: LagCurve) -> str:
    """A curve in words, for people who do not see it."""
    last = len(curve.lags) - 1
    places = dict.fromkeys((0, last // 2, last))
    values = ", ".join(
        f"{as_small(float(curve.median[place]))} at lag {as_count(int(curve.lags[place]))}"
        for place in places
    )
    return f"{name}: {values}"


def plain(text: str) -> str:
    """A name for a place where plotly reads markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _positive(values: Floats) -> Floats:
    """Finite values, none below `LEAST`."""
    return np.maximum(values[np.isfinite(values)], LEAST)
