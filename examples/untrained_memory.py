"""What three untrained LSTMs keep, measured: torch's start, a forget bias of 1, and `remember`.

    python examples/untrained_memory.py                        # one seed, a few seconds
    python examples/untrained_memory.py --seeds 10 --picture docs/images/untrained-memory.svg

128 units read 8 inputs of N(0, 1). Shown for the median unit is what is left of a cell after k
steps, ∏f, and how much of a change of that cell reaches h: o (1 − tanh² c) ∏f; then the norm of the
Jacobian of the whole state.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from holdfast.lens.jacobians import layer_decay
from holdfast.lens.passes import run_passes
from holdfast.nn import LSTM

STEPS, ROWS, INPUTS, UNITS, AT = 300, 2, 8, 128, 100
LAGS = np.array([1, 2, 3, 5, 8, 12, 18, 27, 40, 60, 80, 100, 130, 160, 200])
STARTS = {"torch.nn.LSTM": "#c0392b", "forget bias 1": "#b7791f", "remember": "#1f6f54"}
"""Each with the colour of its line."""


def started(name: str, seed: int) -> LSTM:
    """A layer that starts in one of three ways."""
    torch.manual_seed(seed)
    init = "remember" if name == "remember" else "torch"
    layer = LSTM(INPUTS, UNITS, init=init, timescale=1000, dtype=torch.float64)
    if name == "forget bias 1":
        with torch.no_grad():
            layer.bias_ih_l0[UNITS : 2 * UNITS] = 1.0
            layer.bias_hh_l0[UNITS : 2 * UNITS] = 0.0
    return layer


def measured(name: str, seeds: int) -> dict[str, np.ndarray]:
    """What is left by lag, each (seeds, K)."""
    found: dict[str, list[np.ndarray]] = {"cell": [], "output": [], "jacobian": []}
    for seed in range(seeds):
        layer = started(name, seed)
        (one,) = run_passes(layer, torch.randn(STEPS, ROWS, INPUTS, dtype=torch.float64))
        decay = layer_decay(one, LAGS, samples=2)
        assert decay.median_cell is not None
        assert decay.reaches_output is not None
        found["cell"].append(decay.median_cell.median)
        found["output"].append(decay.reaches_output.median)
        found["jacobian"].append(decay.jacobian.median)
    return {what: np.stack(curves) for what, curves in found.items()}


def picture(curves: dict[str, dict[str, np.ndarray]]) -> str:
    """An SVG: what is left against the lag, the cell in a solid line, h in a dashed one."""
    left, right, top, bottom, least = 78, 560, 40, 330, -32.0

    def place(lag: float, value: float) -> str:
        x = left + (right - left) * lag / LAGS[-1]
        y = top + (bottom - top) * np.log10(max(value, 10**least)) / least
        return f"{x:.1f},{y:.1f}"

    at = int(np.flatnonzero(LAGS == AT)[0])
    left_over = ", ".join(
        f"{name} {np.median(found['cell'][:, at]):.0e}" for name, found in curves.items()
    )
    font = 'font-family="system-ui, sans-serif" font-size="13"'
    heading = "What is left of a cell after k steps, before any training (median unit)"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 390" role="img" {font}>',
        f"<title>{heading}; after {AT} steps: {left_over}</title>",
        '<rect width="700" height="390" fill="#ffffff"/>',
        f'<text x="78" y="22" font-size="15" fill="#222">{heading}</text>',
    ]
    for power in range(0, int(least) - 1, -8):
        y = top + (bottom - top) * power / least
        label = "1" if power == 0 else f"1e{power}"
        parts.append(f'<path d="M{left} {y:.1f}H{right}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#555">{label}</text>'
        )
    for lag in range(0, int(LAGS[-1]) + 1, 50):
        x = left + (right - left) * lag / LAGS[-1]
        parts.append(
            f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle" fill="#555">{lag}</text>'
        )
    parts.append(
        f'<text x="{(left + right) / 2}" y="{bottom + 42}" text-anchor="middle" fill="#555">'
        "lag k in steps; solid: the cell, ∏f; dashed: what of it reaches h</text>"
    )
    for name, colour in STARTS.items():
        for what, dash in (("cell", ""), ("output", ' stroke-dasharray="5 4"')):
            middle = np.median(curves[name][what], axis=0)
            seen = middle > 10**least
            points = " ".join(place(*pair) for pair in zip(LAGS[seen], middle[seen], strict=True))
            line = f'fill="none" stroke="{colour}" stroke-width="2"{dash}'
            parts.append(f'<polyline points="{points}" {line}/>')
        x, y = place(LAGS[seen][-1], middle[seen][-1]).split(",")
        beside = f'x="{float(x) + 8:.1f}" y="{float(y) + 4:.1f}"'
        parts.append(f'<text {beside} fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--picture", type=Path, help="an SVG to write")
    given, _ = parser.parse_known_args(arguments)
    curves = {name: measured(name, given.seeds) for name in STARTS}
    at = int(np.flatnonzero(LAGS == AT)[0])
    print(f"after {AT} steps, median unit; median of {given.seeds} seed(s) (lowest to highest)")
    print(f"{'start':<15}{'cell, ∏f':>29}{'reaches h':>29}{'Jacobian of the state':>29}")
    for name, found in curves.items():
        cells = []
        for values in (found[what][:, at] for what in ("cell", "output", "jacobian")):
            text = f"{np.median(values):.1e} ({values.min():.1e} to {values.max():.1e})"
            cells.append(f"{text:>29}")
        print(f"{name:<15}{''.join(cells)}")
    if given.picture is not None:
        beside = given.picture.with_name(given.picture.name + ".new")
        beside.write_text(picture(curves), encoding="utf-8")
        beside.replace(given.picture)


if __name__ == "__main__":
    main()
