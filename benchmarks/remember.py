"""Does a fresh LSTM remember, and does what it remembers reach its output?

    python benchmarks/remember.py            # cell path, saturation and gradients, 10 seeds
    python benchmarks/remember.py --learn    # what each start learns in 500 updates, 3 seeds

The first part feeds 1,000 steps of N(0, 1) to untrained layers (H=128, I=8, timescale 1,000):

saturated   share of the units with |c| > 3 after the last step
path        median over units and positions of ∏f over 100 steps, and the worst seed's
reaches h   median over units of ∂h_T/∂c_{T−100} through the unit's own cell: o (1 − tanh² c_T) ∏f
gradient    mean length of ∂(v · h_T)/∂x at lags 1, 100 and 500, v ~ N(0, 1)

The second part is the adding problem of Hochreiter and Schmidhuber (1997), 200 steps: the sum of
two marked values, once of white noise and once of a slow AR(1) series (ρ = .98). Shown is the mean
squared error of the last 50 updates over the variance of the target: 1 is to have learnt nothing.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import torch
from ledger import append
from torch import Tensor, nn

from holdfast.engine.cells import Weights, lstm
from holdfast.nn import LSTM
from holdfast.nn.initialisation import keep_bias, timescales

UNITS, INPUTS, STEPS, ROWS, LAG = 128, 8, 1000, 4, 100


@dataclass(frozen=True)
class Start:
    """A way to start: torch's weights, those with a forget bias of 1, or ours.

    `share` is the input gate's bias as a share of −b_f, where it is ours.
    """

    name: str
    share: float | None = None

    def layer(self, inputs: int, units: int, timescale: float, seed: int) -> LSTM:
        torch.manual_seed(seed)
        init = "torch" if self.share is None else "remember"
        layer = LSTM(inputs, units, init=init, timescale=timescale)
        i, f, _, _ = layer.bias_ih_l0.data.chunk(4)
        if self.share is not None:
            i.copy_(-self.share * keep_bias(timescales(units, timescale)))
        elif self.name == "forget bias 1":
            f.fill_(1.0)
            layer.bias_hh_l0.data.chunk(4)[1].zero_()
        return layer


STARTS = (
    Start("torch"),
    Start("forget bias 1"),
    *(Start(f"remember, input gate {share:g}", share) for share in (0.0, 0.5, 0.75, 1.0)),
)


def untrained(start: Start, seed: int) -> dict[str, float]:
    """The measurements of one fresh layer."""
    layer = start.layer(INPUTS, UNITS, STEPS, seed)
    x = torch.randn(STEPS, ROWS, INPUTS)
    weights = Weights(*(tensor.detach() for tensor in layer.all_weights[0]))
    h = c = torch.zeros(ROWS, UNITS)
    logarithms = []
    with torch.no_grad():
        for x_t in x:
            i, f, g, o = lstm.gates(x_t, h, weights)
            c = f * c + i * g
            h = o * torch.tanh(c)
            logarithms.append(f.double().log())
    summed = torch.stack(logarithms).cumsum(0)
    reaches = (o * (1 - torch.tanh(c) ** 2)).double() * (summed[-1] - summed[-1 - LAG]).exp()

    watched = x.clone().requires_grad_()
    output, _ = layer(watched)
    (gradient,) = torch.autograd.grad((output[-1] * torch.randn(ROWS, UNITS)).sum(), watched)
    length = gradient.norm(dim=-1).mean(dim=1)
    return {
        "saturated": float((c.abs() > 3).double().mean()),
        "path": float((summed[LAG:] - summed[:-LAG]).exp().median()),
        "reaches_h": float(reaches.median()),
        "gradient_1": float(length[-1]),
        "gradient_100": float(length[-1 - LAG]),
        "gradient_500": float(length[-1 - 5 * LAG]),
    }


def report_untrained(seeds: int) -> None:
    print(f"{'start':26} saturated   path (worst)       reaches h  gradient at lag 1, 100, 500")
    for start in STARTS:
        rows = [untrained(start, seed) for seed in range(seeds)]
        mean = {name: sum(row[name] for row in rows) / seeds for name in rows[0]}
        paths = torch.tensor([row["path"] for row in rows])
        mean["path"], mean["path_worst"] = float(paths.median()), float(paths.min())
        print(
            f"{start.name:26} {mean['saturated']:8.1%}   "
            f"{mean['path']:.1e} ({mean['path_worst']:.1e})  {mean['reaches_h']:.1e}   "
            + " ".join(f"{mean[f'gradient_{lag}']:.1e}" for lag in (1, 100, 500)),
            flush=True,
        )
        append(
            "remember",
            {"part": "untrained", "start": start.name, "seeds": seeds}
            | {name: f"{value:.3g}" for name, value in mean.items()},
        )


def additions(kind: str, steps: int, rows: int, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """Sequences (T, B, 2) of values and marks, and the sums (B,) of the two marked values."""
    noise = torch.randn(steps, rows, generator=draw)
    values = noise.clone()
    if kind == "slow":
        for step in range(1, steps):
            values[step] = 0.98 * values[step - 1] + (1 - 0.98**2) ** 0.5 * noise[step]
    marks = torch.zeros(steps, rows)
    each = torch.arange(rows)
    marks[torch.randint(0, steps // 2, (rows,), generator=draw), each] = 1.0
    marks[torch.randint(steps // 2, 3 * steps // 4, (rows,), generator=draw), each] = 1.0
    return torch.stack([values, marks], dim=-1), (values * marks).sum(dim=0)


def learnt(start: Start, kind: str, seed: int, updates: int = 500, steps: int = 200) -> float:
    """The error over the variance of the target, mean of the last 50 updates."""
    layer = start.layer(2, 48, steps, seed)
    head = nn.Linear(48, 1)
    parameters = [*layer.parameters(), *head.parameters()]
    optimiser = torch.optim.Adam(parameters, lr=4e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, updates)
    draw = torch.Generator().manual_seed(seed)
    errors = []
    for _ in range(updates):
        x, target = additions(kind, steps, 32, draw)
        output, _ = layer(x)
        loss = (head(output[-1])[:, 0] - target).square().mean() / 2  # the target's variance is 2
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        schedule.step()
        errors.append(loss.item())
    return sum(errors[-50:]) / 50


def report_learnt(seeds: int) -> None:
    print(f"{'start':26} values   error of each seed      seconds")
    for kind in ("white", "slow"):
        for start in STARTS:
            began = time.perf_counter()
            errors = [learnt(start, kind, seed) for seed in range(seeds)]
            shown = " ".join(f"{error:.3f}" for error in errors)
            print(
                f"{start.name:26} {kind:8} {shown}   {time.perf_counter() - began:.0f}", flush=True
            )
            append(
                "remember",
                {"part": f"learnt, {kind}", "start": start.name, "seeds": seeds, "errors": shown},
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learn", action="store_true")
    parser.add_argument("--seeds", type=int)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.learn:
        report_learnt(arguments.seeds or 3)
    else:
        report_untrained(arguments.seeds or 10)
