"""Summary of an inspection: its arrays by name, and one paragraph in plain words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # they are said by what is here
    from holdfast.records.lens import Inspection, LagCurve, LayerMemory

SHORT: Final = 10
"""Steps within which a unit that forgets is counted in the verdict."""

CARE: Final = 0.05
"""Share of an output that attributions may miss before a reader is warned."""

_PARTS: Final = ("lags", "median", "low", "high")

FADED: Final = 1.0 / np.e
"""A difference in the state counts as remembered while this much of it is left."""


def memory(curve: LagCurve) -> float | None:
    """Steps after which a difference in the state has faded to 1/e, between measured lags as the
    logarithm goes; None where it has not at the longest measured lag, NaN where nothing is known.

    Arguments:
        curve: of Jacobian norms; lags whose median is no number are left out.

    Example:
        >>> from holdfast.records import LagCurve
        >>> lags = np.array([1, 10, 100])
        >>> halved = LagCurve(lags, 0.9**lags, 0.9**lags, 0.9**lags, 1)
        >>> round(memory(halved), 1)
        9.5
    """
    found = known(curve)
    if found is None:
        return float("nan")
    curve = found
    if curve.median[-1] >= FADED:
        return None
    logs = np.log(np.clip(curve.median, 1e-300, 1e300))
    above = np.flatnonzero(curve.median >= FADED)
    # Before lag 1 lies lag 0, where a difference is itself.
    last = int(above[-1]) if len(above) else -1
    lag, log = (float(curve.lags[last]), float(logs[last])) if last >= 0 else (0.0, 0.0)
    beyond, log_beyond = float(curve.lags[last + 1]), float(logs[last + 1])
    return float(lag + (beyond - lag) * (log - np.log(FADED)) / max(log - log_beyond, 1e-12))


def known(curve: LagCurve) -> LagCurve | None:
    """The lags of a curve at which its median is a number; None where there is none."""
    there = ~np.isnan(curve.median)
    if there.all():
        return curve if len(there) else None
    if not there.any():
        return None
    return replace(curve, **{part: getattr(curve, part)[there] for part in _PARTS})


def deciding(record: Inspection) -> LagCurve:
    """The Jacobian that says how long the model remembers: of the whole stack where it was
    measured, else of the layer that remembers longest."""
    if record.whole is not None:
        return record.whole
    return max((layer.jacobian for layer in record.layers), key=_length)


def timescales(record: Inspection) -> NDArray[np.float64] | None:
    """Those of the gated units of all layers that are numbers; None where there are none."""
    found = [layer.timescales for layer in record.layers if layer.timescales is not None]
    every = np.concatenate(found) if found else np.empty(0)
    every = every[~np.isnan(every)]
    return every if len(every) else None


def window(context: int) -> int:
    """A handy length not below a context: a multiple of 8, of 16 from 64, of 32 from 128.

    Example:
        >>> [window(steps) for steps in (5, 60, 90, 150)]
        [8, 64, 96, 160]
    """
    step = 8 if context < 64 else 16 if context < 128 else 32
    return -(-context // step) * step


def verdict(record: Inspection) -> str:
    """One paragraph in plain words, each number from the measurement."""
    if not record.layers:
        return "No recurrent layer was measured, so nothing is known of its memory."
    curve = known(deciding(record))
    said = [_remembers(curve)]
    scales = timescales(record)
    if scales is None:
        said.append("it has no gates that could keep anything longer")
    else:
        brief = int((scales <= SHORT).sum())
        said.append(
            f"{brief:,} of {len(scales):,} units forget within {SHORT}, the slowest keeps "
            f"{_steps(float(scales.max()))}"
        )
    if curve is not None and len(curve.lags) > 1:
        said.append(_gradient(curve))
    said += _context(record)
    if record.attribution is not None:
        half = half_within(record.attribution.by_lag)
        if half is not None:
            said.append(
                f"half of what the output rests on lies within the last {half + 1:,} "
                f"{_plural(half + 1, 'step')}{_caution(record.attribution.completeness)}"
            )
    # What grows less than e-fold over a sequence may as well be the sequence's own ups and downs.
    grows = [layer for layer in record.layers if _exponent(layer) * record.steps > 1.0]
    if grows:
        said.append(
            f"small differences grow in {grows[0].name} (largest Lyapunov exponent "
            f"{_exponent(grows[0]):+.3f} a step)"
        )
    if record.before is not None and record.before.layers:
        said += _before(record.before)
    sentence = "; ".join(said)
    return sentence[0].upper() + sentence[1:] + "."


def _remembers(curve: LagCurve | None) -> str:
    if curve is None:
        return "how long it remembers is not known: no measured gradient is a number"
    steps = memory(curve)
    if steps is None:
        return f"remembers beyond {int(curve.lags[-1]):,} steps, the longest lag measured"
    return f"remembers about {steps:,.0f} {_plural(round(steps), 'step')}"


def _caution(missed: float) -> str:
    return f" (by attributions that miss {missed:.0%} of it)" if missed > CARE else ""


def _before(record: Inspection) -> list[str]:
    curve = known(deciding(record))
    if curve is None:
        return []
    steps = memory(curve)
    length = f"beyond {int(curve.lags[-1]):,} steps" if steps is None else f"about {steps:,.0f}"
    return [f"before training it remembered {length}"]


def table(record: Inspection) -> dict[str, NDArray[np.generic]]:
    """Every measured array, by layer, quantity and part, joined by "/".

    Returns:
        For example "lstm/jacobian/lags" and "lstm/jacobian/median", "lstm/timescales",
        "lstm/forget gate/by_step", "context/removed"; what was not measured is not there. Those
        of before training begin with "before/".
    """
    arrays: dict[str, NDArray[np.generic]] = {}
    for layer in record.layers:
        for name, curve in layer_curves(layer).items():
            arrays |= _curve(f"{layer.name}/{name}", curve)
        for name, values in (("timescales", layer.timescales), ("lyapunov", layer.lyapunov)):
            if values is not None:
                arrays[f"{layer.name}/{name}"] = values
        for gate in layer.gates:
            arrays[f"{layer.name}/{gate.name}/by_step"] = gate.by_step
            arrays[f"{layer.name}/{gate.name}/by_unit"] = gate.by_unit
    if record.whole is not None:
        arrays |= _curve("whole/jacobian", record.whole)
    if record.attribution is not None:
        arrays |= _curve("attribution", record.attribution.by_lag)
    if record.context is not None:
        for part in ("lags", "removed", "shuffled", "spread"):
            arrays[f"context/{part}"] = getattr(record.context, part)
    if record.before is not None:
        arrays |= {f"before/{name}": array for name, array in table(record.before).items()}
    return arrays


def layer_curves(layer: LayerMemory) -> dict[str, LagCurve]:
    """The curves of a layer that were measured, by name."""
    names = ("jacobian", "cell_path", "rest", "reaches_output", "capacity", "median_cell")
    curves = {name: getattr(layer, name) for name in names}
    return {name: curve for name, curve in curves.items() if curve is not None}


def half_within(by_lag: LagCurve) -> int | None:
    """The lag up to which half of the attributions lie; None where half lie farther back."""
    total = np.cumsum(by_lag.median)
    found = np.flatnonzero(total >= 0.5)
    return int(by_lag.lags[found[0]]) if len(found) else None


def brief_number(value: float) -> str:
    """A number as it is said: 1e-3, 0.25, 3.

    Example:
        >>> [brief_number(value) for value in (0.00104, 0.254, 3.04, 1e-28, 0.0)]
        ['1e-3', '0.25', '3', '1e-28', '0']
        >>> brief_number(np.inf), brief_number(np.nan)
        ('∞', '–')
    """
    if not np.isfinite(value):
        return "–" if np.isnan(value) else "∞" if value > 0 else "-∞"
    if value == 0.0 or 0.01 <= abs(value) < 1000.0:
        return f"{value:.2g}"
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def _context(record: Inspection) -> list[str]:
    if record.context is None or np.isnan(record.context.removed).any():
        return []
    needed, longest = record.context.effective, int(record.context.lags[-1])
    if needed is None:
        return [f"the loss still gains from what lies more than {longest:,} steps back"]
    if needed >= longest:
        return [f"the loss gains up to the longest context measured, {longest:,} steps"]
    return [
        (
            f"the loss gains nothing beyond {needed:,} {_plural(needed, 'step')}, so a window of "
            f"{window(needed):,} is enough"
        )
    ]


def _curve(name: str, curve: LagCurve) -> dict[str, NDArray[np.generic]]:
    return {f"{name}/{part}": getattr(curve, part) for part in _PARTS}


def _gradient(curve: LagCurve) -> str:
    first, last = float(curve.median[0]), float(curve.median[-1])
    if not np.isfinite([first, last]).all():
        return f"the gradient has grown beyond every number at lag {int(curve.lags[-1]):,}"
    share = brief_number(last / first if first else 0.0)
    return f"the gradient at lag {int(curve.lags[-1]):,} is {share} of that at lag {curve.lags[0]}"


def _length(curve: LagCurve) -> float:
    """Of two that did not fade within the lags the first is taken; one that is unknown last."""
    found = memory(curve)
    return np.inf if found is None else -1.0 if np.isnan(found) else found


def _exponent(layer: LayerMemory) -> float:
    if layer.lyapunov is None or not len(layer.lyapunov):
        return -np.inf
    return float(layer.lyapunov[0])


def _steps(count: float) -> str:
    return f"{count:,.0f} {_plural(round(count), 'step')}" if np.isfinite(count) else "for ever"


def _plural(count: int, word: str) -> str:
    return word if count == 1 else word + "s"
