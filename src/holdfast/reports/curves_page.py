"""The page of a pretraining: the loss of each network against updates and against hours."""

from __future__ import annotations

import numpy as np

from holdfast.records import CurvesRecord, PretrainedSummary
from holdfast.reports.curves import significant
from holdfast.reports.page import Frame
from holdfast.reports.selection import shorten

SCRIPTS = ("format.js", "elements.js", "legend.js", "charts.js", "curves.js")
"""Scripts of the page, in the order in which they build on each other."""

POINTS = 500
"""Points of a curve that are shown at most."""

NETWORKS = 20
"""Networks that are shown at most."""

TITLE_LENGTH = 200
COMMAND_LENGTH = 4_000


def curves_html(record: CurvesRecord) -> bytes:
    """The page, complete in itself."""
    frame = Frame("curves.html", "Holdfast pretraining", "page.css", SCRIPTS)
    data = {
        "command": shorten(record.command, COMMAND_LENGTH),
        "created": record.created,
        "version": record.version,
        "networks": [_network(one) for one in record.networks[:NETWORKS]],
    }
    return frame.render(shorten(record.title, TITLE_LENGTH) or "Pretraining", _lead(record), data)


def _network(one: PretrainedSummary) -> dict[str, object]:
    count = len(one.curve_steps)
    kept = np.unique(np.linspace(0, count - 1, min(count, POINTS)).round().astype(int))
    return {
        "name": shorten(one.network, TITLE_LENGTH),
        "parameters": one.parameters,
        "planned": one.planned,
        "steps": one.steps,
        "seconds": significant(one.seconds),
        "seed": one.seed,
        "device": shorten(one.device, TITLE_LENGTH),
        "stopped": one.stopped,
        "sha256": one.sha256,
        "curve_steps": [int(one.curve_steps[place]) for place in kept],
        "curve_loss": [significant(one.curve_loss[place]) for place in kept],
    }


def _lead(record: CurvesRecord) -> str:
    """What was learnt, in one sentence."""
    parts = [
        f"{shorten(one.network, TITLE_LENGTH)} went from a loss of {one.curve_loss[0]:.3f} to "
        f"{one.curve_loss[-1]:.3f} in {one.steps:,} updates"
        for one in record.networks[:NETWORKS]
        if one.curve_loss
    ]
    return f"{'; '.join(parts)}." if parts else "Nothing has been trained yet."
