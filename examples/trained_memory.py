"""What training does to a memory, measured: an Elman network and two LSTMs learn to add.

    python examples/trained_memory.py                    # about a minute of one core
    python examples/trained_memory.py --picture docs/images/trained-memory.svg

Two of 60 numbers are marked; after the last one their sum is asked for (the adding problem of
Hochreiter and Schmidhuber 1997, section 5.4). Each network has 32 units and learns with the same
updates. Before it and after it the lens measures what is left of a difference in the state, and of
the cell of the median unit, by lag.
"""

from __future__ import annotations

import argparse
import copy
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from holdfast.lens import inspect
from holdfast.nn import LSTM
from holdfast.records import Inspection, LagCurve

STEPS, UNITS, BATCH, AT = 60, 32, 64, 50
STARTS = {"Elman network": "#4a6fa5", "torch.nn.LSTM": "#c0392b", "remember": "#1f6f54"}
"""Each with the colour of its line."""


class Adder(nn.Module):
    """Reads numbers and marks (T, B, 2), and says the sum of the marked ones (B, 1)."""

    def __init__(self, name: str) -> None:
        super().__init__()
        if name == "Elman network":
            self.layer: nn.Module = nn.RNN(2, UNITS)  # as torch starts it
        else:
            init = "remember" if name == "remember" else "torch"
            self.layer = LSTM(2, UNITS, init=init, timescale=STEPS)
        self.read_out = nn.Linear(UNITS, 1)

    def forward(self, x: Tensor) -> Tensor:
        output, _ = self.layer(x)
        said: Tensor = self.read_out(output[-1])
        return said


@dataclass(frozen=True)
class Learnt:
    """What became of one network: its mean squared error, and its memory."""

    error: float
    seen: Inspection


def adding(batch: int, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """Numbers from 0 to 1 with two of them marked, one in the first tenth, and their sum."""
    numbers, marks = torch.rand(STEPS, batch, generator=draw), torch.zeros(STEPS, batch)
    first = torch.randint(0, STEPS // 10, (batch,), generator=draw)
    second = torch.randint(STEPS // 10, STEPS // 2, (batch,), generator=draw)
    rows = torch.arange(batch)
    marks[first, rows] = marks[second, rows] = 1.0
    return torch.stack([numbers, marks], dim=-1), (numbers * marks).sum(dim=0)[:, None]


def learnt(name: str, updates: int) -> Learnt:
    """One network, trained."""
    draw = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    model = Adder(name)
    first = copy.deepcopy(model.state_dict())
    adam = torch.optim.Adam(model.parameters(), lr=5e-3)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(adam, max(updates, 1))
    for _ in range(updates):
        x, wanted = adding(BATCH, draw)
        loss = nn.functional.mse_loss(model(x), wanted)
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        slower.step()
    x, wanted = adding(1_000, draw)
    with torch.no_grad():
        error = float(nn.functional.mse_loss(model(x), wanted))
    return Learnt(error, inspect(model, x[:, :8], max_lag=AT, before=first))


def curve(seen: Inspection) -> LagCurve:
    """What is left of the median unit's cell; of an Elman network, which has none, the Jacobian."""
    (layer,) = seen.layers
    return layer.jacobian if layer.median_cell is None else layer.median_cell


def picture(found: dict[str, Learnt]) -> str:
    """An SVG: what is left against the lag, after training in a solid line, before it dotted."""
    left, right, top, bottom, least = 78, 540, 40, 330, -20.0

    def place(lag: float, value: float) -> str:
        x = left + (right - left) * lag / AT
        y = top + (bottom - top) * np.clip(np.log10(max(value, 10**least)) / least, 0, 1)
        return f"{x:.1f},{y:.1f}"

    heading = "What is left after k steps, before (dotted) and after learning to add"
    font = 'font-family="system-ui, sans-serif" font-size="13"'
    ends = ", ".join(f"{name} {curve(one.seen).median[-1]:.0e}" for name, one in found.items())
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 390" role="img" {font}>',
        f"<title>{heading}; after {AT} steps and training: {ends}</title>",
        '<rect width="700" height="390" fill="#ffffff"/>',
        f'<text x="78" y="22" font-size="15" fill="#222">{heading}</text>',
    ]
    for power in range(0, int(least) - 1, -4):
        y = top + (bottom - top) * power / least
        label = "1" if power == 0 else f"1e{power}"
        parts.append(f'<path d="M{left} {y:.1f}H{right}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#555">{label}</text>'
        )
    for lag in range(0, AT + 1, 10):
        x = left + (right - left) * lag / AT
        parts.append(
            f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle" fill="#555">{lag}</text>'
        )
    parts.append(
        f'<text x="{(left + right) / 2}" y="{bottom + 42}" text-anchor="middle" fill="#555">'
        "lag k in steps; LSTMs: the cell of the median unit, ∏f; Elman: the Jacobian</text>"
    )
    for name, colour in STARTS.items():
        one = found[name].seen
        assert one.before is not None
        for seen, dash in ((one.before, ' stroke-dasharray="2 4"'), (one, "")):
            line = curve(seen)
            points = " ".join(place(*pair) for pair in zip(line.lags, line.median, strict=True))
            drawn = f'fill="none" stroke="{colour}" stroke-width="2"{dash}'
            parts.append(f'<polyline points="{points}" {drawn}/>')
        x, y = place(AT, float(curve(one).median[-1])).split(",")
        parts.append(
            f'<text x="{float(x) + 8:.1f}" y="{float(y) + 4:.1f}" fill="{colour}">{name}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def arithmetic() -> None:
    """What a gate that stands still leaves of a cell."""
    print("forget gate  timescale, steps  left after 100 steps")
    for gate in (0.5, 1 / (1 + math.exp(-1)), 0.9, 0.99, 0.999):
        print(f"{gate:<13.3f}{-1 / math.log(gate):<18.2f}{gate**100:.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--updates", type=int, default=800)
    parser.add_argument("--picture", type=Path, help="an SVG to write")
    given = parser.parse_args()
    arithmetic()
    found = {name: learnt(name, given.updates) for name in STARTS}
    print(f"\nadding over {STEPS} steps, after {given.updates:,} updates; 0.167 is the error of")
    print(f"saying 1 every time. Left after {AT} steps, before → after:")
    print(f"{'':<15}{'error':>10}{'of the state (Jacobian)':>28}{'of the median cell':>26}")
    for name, one in found.items():
        assert one.seen.before is not None
        (before,), (after,) = one.seen.before.layers, one.seen.layers
        state = f"{before.jacobian.median[-1]:.0e} → {after.jacobian.median[-1]:.0e}"
        cells = "–"
        if before.median_cell is not None and after.median_cell is not None:
            cells = f"{before.median_cell.median[-1]:.0e} → {after.median_cell.median[-1]:.0e}"
        print(f"{name:<15}{one.error:>10.4f}{state:>28}{cells:>26}")
    for name, one in found.items():
        print(f"\n{name}: {one.seen.verdict()}")
    if given.picture is not None:
        beside = given.picture.with_name(given.picture.name + ".new")
        beside.write_text(picture(found), encoding="utf-8")
        beside.replace(given.picture)


if __name__ == "__main__":
    main()
