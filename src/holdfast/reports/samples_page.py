"""The page of synthetic series: a small picture of each, and what they are made of.

No scripts: every picture is an SVG path that the style sheet colours.
"""

from __future__ import annotations

import html

import numpy as np
from numpy.typing import NDArray

from holdfast.records import SamplesRecord
from holdfast.reports.generator_words import FAMILIES, KINDS, PARTS, percent, spoken
from holdfast.reports.page import asset, filled, page_template
from holdfast.reports.sparkline import HEIGHT, WIDTH, path

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

COLOURS = 7
"""Colours of families in the style sheet."""

MOST_CYCLES = 24
"""Cycles that are marked in a picture at most."""


def samples_html(record: SamplesRecord) -> bytes:
    """The page, complete in itself."""
    count, length = record.values.shape
    title = f"{count} synthetic series" if count > 1 else "A synthetic series"
    off = f" Switched off: {', '.join(spoken(part) for part in record.without)}."
    lead = (
        f"Drawn with seed {record.seed} by the recipe for {KINDS.get(record.kind, record.kind)}. "
        "A pretrained network has seen series like these and no others."
        f"{off if record.without else ''}"
    )
    parts = {
        "policy": POLICY,
        "style": f"{asset('page.css')}\n{asset('samples.css')}",
        "title": html.escape(title),
        "lead": html.escape(lead),
        "figures": _figures(record),
        "legend": _legend(record),
        "pictures": "\n".join(_picture(record, number) for number in range(count)),
        "families": _families(record),
        "parts": _parts(record),
        "version": html.escape(record.version),
        "command": f"<p><code>{html.escape(record.command)}</code></p>" if record.command else "",
        "length": f"{length:,}",
    }
    return filled(page_template(asset("samples.html"), "Holdfast"), parts)


def _figures(record: SamplesRecord) -> str:
    count, length = record.values.shape
    seasonal = int((record.season > 1).sum())
    gaps = int(np.isnan(record.values).any(axis=1).sum())
    figures = [
        ("Series", f"{count:,}", f"{len(set(record.family))} of {len(record.families)} families"),
        ("Points", f"{length:,}", "in each"),
        ("With a season", f"{seasonal:,}", "one or two"),
        ("With gaps", f"{gaps:,}", ""),
        ("Seed", str(record.seed), ""),
        ("Recipe", html.escape(record.kind), ""),
    ]
    return "\n".join(
        f"<div><dt>{term}</dt><dd>{value}<small>{hint}</small></dd></div>"
        for term, value, hint in figures
    )


def _legend(record: SamplesRecord) -> str:
    drawn = set(record.family)
    return "\n".join(
        f'<li><span class="swatch {_colour(record, name)}" aria-hidden="true"></span>'
        f"{html.escape(spoken(name))}</li>"
        for name in record.families
        if name in drawn
    )


def _picture(record: SamplesRecord, number: int) -> str:
    values, family = record.values[number], record.family[number]
    seasons = _seasons(record, number)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    extent = _value(low) if low == high else f"{_value(low)} to {_value(high)}"
    name = html.escape(spoken(family))
    cycles = _cycles(record, number)
    return (
        f'<figure class="sample {_colour(record, family)}">'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="Series {number + 1}: {name}, {seasons}, {extent}">'
        f'{f"""<path class="cycles" d="{cycles}"/>""" if cycles else ""}'
        f'<path class="values" d="{path(values)}"/></svg>'
        f"<figcaption><b>{name}</b> <span>{seasons}</span><small>{extent}</small></figcaption>"
        "</figure>"
    )


def _seasons(record: SamplesRecord, number: int) -> str:
    season, longer = int(record.season[number]), int(record.long_season[number])
    if season == 1:
        return "no season"
    return f"season {season}" if longer == 1 else f"seasons {season}, {longer}"


def _cycles(record: SamplesRecord, number: int) -> str:
    """Thin lines one season apart, counted from the end; of the longer season where too many."""
    points = record.values.shape[1]
    for season in (int(record.season[number]), int(record.long_season[number])):
        if season > 1 and points / season <= MOST_CYCLES:
            places: NDArray[np.int64] = np.arange(points - 1, 0, -season)[1:]
            across = places * (WIDTH / (points - 1))
            return "".join(f"M{x:.4g} 0V{HEIGHT}" for x in across)
    return ""


def _families(record: SamplesRecord) -> str:
    rows = [
        f'<tr><th scope="row"><span class="swatch {_colour(record, name)}" aria-hidden="true">'
        f"</span><code>{html.escape(name)}</code>"
        f"<small>{html.escape(FAMILIES.get(name, ''))}</small></th>"
        f'<td class="number">{percent(share)}</td>'
        f'<td class="number">{record.family.count(name)}</td></tr>'
        for name, share in record.families.items()
    ]
    return "\n".join(rows)


def _parts(record: SamplesRecord) -> str:
    return "\n".join(
        f"<div><dt><code>{html.escape(name)}</code> <b>{percent(share)}</b></dt>"
        f"<dd>{html.escape(PARTS.get(name, ''))}</dd></div>"
        for name, share in record.parts.items()
    )


def _colour(record: SamplesRecord, family: str) -> str:
    """The class that colours a family."""
    return f"family-{list(record.families).index(family) % COLOURS}"


def _value(value: float) -> str:
    """About three digits, never fewer than the whole part."""
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return text.replace("-", "−")
