"""Pages of pretraining: learning curves, and samples of the synthetic series.

The page of samples runs no script: every picture is an SVG path that the style sheet colours.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.records import CurvesRecord, PretrainedSummary, SamplesRecord
from holdfast.reports import page
from holdfast.reports.figures import (
    BLEND,
    LearningCurve,
    axis,
    loss_figure,
    member,
    thinned_curve,
)
from holdfast.reports.formatting import (
    as_count,
    as_fixed,
    as_percent,
    as_seconds,
    as_value,
    shorten,
)
from holdfast.reports.page import Json

NETWORKS: Final = 20
"""Networks that are shown at most."""

LOG_TICKS: Final = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 3, 5, 10, 20, 50, 100]
"""Written out, because plotly writes 0.5 and 5 alike on such an axis."""

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

COLOURS: Final = 7
"""Colours of families in the style sheet."""

MOST_CYCLES: Final = 24
"""Cycles that are marked in a picture at most."""

WIDTH: Final = 300
HEIGHT: Final = 90
_MARGIN: Final = 5
_BINS: Final = 240
"""Stretches of a long series of which the lowest and the highest point are drawn."""


def curves_html(record: CurvesRecord) -> bytes:
    """The page of a pretraining: the loss of each network against updates and against hours."""
    networks = record.networks[:NETWORKS]
    names = ", ".join(page.short_name(one.network) for one in networks)
    devices = ", ".join(dict.fromkeys(page.short_name(one.device) for one in networks))
    took = as_seconds(sum(one.seconds for one in networks))
    terms = [("Networks", as_count(len(networks)), names), ("Training", took, devices)]
    for one in networks:
        if one.curve_loss:
            loss, after = as_fixed(one.curve_loss[-1], 4), f"after {one.steps:,} updates"
            terms.append((f"Loss of {page.short_name(one.network)}", loss, after))
    sections = [
        page.section("pretraining/by-step", _loss_figure(networks, "updates", ",d")),
        page.section("pretraining/by-hour", _loss_figure(networks, "hours", ".3f")),
        page.section("pretraining/networks", _network_table(networks)),
    ]
    return page.sections_page(
        record, "Holdfast pretraining", _lead(networks), sections, terms=[terms]
    )


def samples_html(record: SamplesRecord) -> bytes:
    """The page of synthetic series: a small picture of each, and what they are made of."""
    count, length = record.values.shape
    kind = generator_words("kinds").get(record.kind, record.kind)
    families, parts = generator_words("families"), generator_words("parts")
    families_shown = f"{len(set(record.family))} of {len(record.families)} families"
    off = f" Switched off: {', '.join(spoken(part) for part in record.without)}."
    seasonal = int((record.season > 1).sum())
    gaps = int(np.isnan(record.values).any(axis=1).sum())
    values = {
        "policy": POLICY,
        "site": "Holdfast synthetic series",
        "style": page.asset("page.css") + page.asset("samples.css"),
        "title": f"{count} synthetic series" if count > 1 else "A synthetic series",
        "lead": f"Drawn with seed {record.seed} by the recipe for {kind}. A pretrained network has "
        f"seen series like these and no others.{off if record.without else ''}",
        "figures": [
            ("Series", f"{count:,}", families_shown),
            ("Points", f"{length:,}", "in each"),
            ("With a season", f"{seasonal:,}", "one or two"),
            ("With gaps", f"{gaps:,}", ""),
            ("Seed", str(record.seed), ""),
            ("Recipe", record.kind, ""),
        ],
        "families": [
            {
                "name": name,
                "words": spoken(name),
                "meaning": families.get(name, ""),
                "colour": _colour(record, name),
                "share": percent(share),
                "count": record.family.count(name),
            }
            for name, share in record.families.items()
        ],
        "parts": [
            {"name": name, "meaning": parts.get(name, ""), "share": percent(share)}
            for name, share in record.parts.items()
        ],
        "pictures": [_picture(record, number) for number in range(count)],
        "width": WIDTH,
        "height": HEIGHT,
        "length": f"{length:,}",
        "version": record.version,
        "command": record.command,
    }
    return page.filled("samples.html", values)


def path(values: NDArray[np.float32]) -> str:
    """The SVG path of a series in a box of `WIDTH` by `HEIGHT`; gaps, which are NaN, interrupt it.

    Example:
        >>> path(np.array([0.0, np.nan, 2.0, 1.0], dtype=np.float32))
        'M0 85h0M200 5L300 45'
    """
    kept = _thinned(values)
    shown = values[kept].astype(np.float64)
    low, high = np.nanmin(shown), np.nanmax(shown)
    if high > low:
        height = HEIGHT - _MARGIN - (shown - low) / (high - low) * (HEIGHT - 2 * _MARGIN)
    else:
        height = np.where(np.isnan(shown), np.nan, HEIGHT / 2)
    across = kept * (WIDTH / max(len(values) - 1, 1))
    parts: list[str] = []
    run: list[str] = []
    for x, y in [*zip(across.tolist(), height.tolist(), strict=True), (0.0, np.nan)]:
        if y == y:
            run.append(f"{x:.4g} {y:.3g}")
            continue
        if run:
            # A point alone is a line of no length, which round ends make a dot.
            parts.append(f"M{run[0]}h0" if len(run) == 1 else "M" + "L".join(run))
        run = []
    return "".join(parts)


def generator_words(what: str) -> dict[str, str]:
    """What the "kinds", "families" or "parts" of the generator are, in a few words each."""
    words: dict[str, str] = page.page_texts("generator")[what]
    return words


def spoken(name: str) -> str:
    """The name of a family or a part as a person writes it.

    Example:
        >>> spoken("gaussian_process"), spoken("late_break")
        ('Gaussian process', 'late break')
    """
    return name.replace("_", " ").replace("gaussian", "Gaussian")


def percent(share: float) -> str:
    """A share as a percentage with as many digits as it needs.

    Example:
        >>> percent(0.5076), percent(0.0459), percent(0.0)
        ('51 %', '4.6 %', '0 %')
    """
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"


def _lead(networks: tuple[PretrainedSummary, ...]) -> str:
    """What was learnt, in one sentence."""
    parts = [
        f"{shorten(one.network, page.TITLE_LENGTH)} went from a loss of {one.curve_loss[0]:.3f} to "
        f"{one.curve_loss[-1]:.3f} in {one.steps:,} updates"
        for one in networks
        if one.curve_loss
    ]
    return f"{'; '.join(parts)}." if parts else "Nothing has been trained yet."


def _loss_figure(networks: tuple[PretrainedSummary, ...], across: str, hover: str) -> Json | None:
    """The losses of all networks against updates or hours."""
    curves: list[LearningCurve] = []
    for one in (one for one in networks if one.curve_loss):
        look = {**member(len(curves) - 1), "width": 2.2} if curves else BLEND
        places, losses = thinned_curve(one.curve_steps, one.curve_loss)
        if across == "hours":
            places = [step / one.steps * one.seconds / 3600 for step in places]
        curves.append((one.network, places, losses, look))
    every = [loss for one in networks for loss in one.curve_loss if loss > 0]
    y = axis("scaled pinball loss")
    if every and max(every) > 3 * min(every):
        # The first updates lie far above everything else.
        y = axis("scaled pinball loss, logarithmic", type="log", ticks=LOG_TICKS)
    headings = ("Network", across.capitalize(), "Loss")
    return loss_figure(curves, label=across, across=across, hover=hover, y=y, headings=headings)


def _network_table(networks: tuple[PretrainedSummary, ...]) -> Json:
    rows = []
    for one in networks:
        plan = "carried out"
        if one.stopped != "steps":
            plan = f"{one.stopped} at {as_percent(one.steps / one.planned)}"
        loss = page.cell(one.curve_loss[-1]) if one.curve_loss else None
        digest = {"code": f"{one.sha256[:16]}…", "title": one.sha256}
        known = page.cells(one, "network", "parameters", "steps")
        device = page.short_name(one.device)
        rows.append([*known, plan, page.cell(one.seconds), loss, str(one.seed), device, digest])
    headings = [
        ("Network", ""), ("Weights", "count"), ("Updates", "count"), ("Plan", ""),
        ("Time", "seconds"), ("Last loss", "fixed4"), ("Seed", "plain"), ("Device", ""),
        ("sha256 of the weights", ""),
    ]  # fmt: skip
    return page.table(headings, rows, "Networks that were trained")


def _picture(record: SamplesRecord, number: int) -> Json:
    values, family = record.values[number], record.family[number]
    season, longer = int(record.season[number]), int(record.long_season[number])
    seasons = "no season" if season == 1 else f"season {season}"
    if season > 1 and longer > 1:
        seasons = f"seasons {season}, {longer}"
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    return {
        "family": spoken(family),
        "colour": _colour(record, family),
        "seasons": seasons,
        "extent": as_value(low) if low == high else f"{as_value(low)} to {as_value(high)}",
        "cycles": _cycles(record, number),
        "path": path(values),
    }


def _cycles(record: SamplesRecord, number: int) -> str:
    """Thin lines one season apart, counted from the end; of the longer season where too many."""
    points = record.values.shape[1]
    for season in (int(record.season[number]), int(record.long_season[number])):
        if season > 1 and points / season <= MOST_CYCLES:
            places: NDArray[np.int64] = np.arange(points - 1, 0, -season)[1:]
            across = places * (WIDTH / (points - 1))
            return "".join(f"M{x:.4g} 0V{HEIGHT}" for x in across)
    return ""


def _colour(record: SamplesRecord, family: str) -> str:
    """The class that colours a family."""
    return f"family-{list(record.families).index(family) % COLOURS}"


def _thinned(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Which points are drawn: all, or of a long series the extremes of each stretch."""
    points = len(values)
    if points <= 2 * _BINS:
        return np.arange(points)
    edges = np.linspace(0, points, _BINS + 1).astype(np.int64)
    kept: set[int] = set()
    for begin, end in pairwise(edges.tolist()):
        stretch = values[begin:end]
        missing = np.isnan(stretch)
        if missing.any():
            kept.add(int(begin + np.argmax(missing)))
        if not missing.all():
            kept.add(int(begin + np.nanargmin(stretch)))
            kept.add(int(begin + np.nanargmax(stretch)))
    return np.array(sorted(kept))
