"""Gradients through a very long sequence: peak memory and time a step, in fresh processes.

    python benchmarks/recompute.py                          # 1,000,000 steps, 1 row, 64 units
    python benchmarks/recompute.py --steps 20000 --rounds 1

The loss is the sum of the last hidden state; I = 8. `above` is the peak of the process's resident
memory (VmHWM, Linux) over what it held before the call, less the output, and the gradients of
inputs and weights. `plain` keeps every step and is left out above --plain-up-to steps.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from ledger import append

INPUTS = 8
WAYS = {
    "plain": {"recompute": None},
    "auto": {"recompute": "auto"},
    "segments of 1,000": {"recompute": 1000},
    "budget of 100 MB": {"recompute": "auto", "recompute_memory": 100_000_000},
    "budget of 300 MB": {"recompute": "auto", "recompute_memory": 300_000_000},
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--cell", choices=["LSTM", "GRU", "RNN"], default="LSTM")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--plain-up-to", type=int, default=100_000)
    parser.add_argument("--one", choices=list(WAYS), help="run one way here and print JSON")
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measure(asked)))
        return
    ways = [way for way in WAYS if way != "plain" or asked.steps <= asked.plain_up_to]
    found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for _ in range(asked.rounds):
        for way in ways:
            words = [sys.executable, __file__, *sys.argv[1:], "--one", way]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            found[way].append(json.loads(done.stdout))
    print(f"{asked.cell}: T={asked.steps:,} B={asked.batch} I={INPUTS} H={asked.units}")
    row: dict[str, object] = {"cell": asked.cell, "steps": asked.steps, "units": asked.units}
    for way, results in found.items():
        above = statistics.median(result["above"] for result in results)
        step = statistics.median(result["step"] for result in results)
        forward = statistics.median(result["forward"] for result in results)
        print(
            f"{way:<20}{above / 1e6:>9.0f} MB above{step:>8.2f} µs a step ({forward:.2f} forward)"
        )
        row |= {f"{way} MB": round(above / 1e6), f"{way} us": round(step, 2)}
    append("recompute", row)


def measure(asked: argparse.Namespace) -> dict[str, float]:
    """One forward and backward pass: bytes above inputs, outputs and gradients; µs a step."""
    import torch

    import holdfast.nn as layers

    torch.set_num_threads(asked.threads)
    torch.manual_seed(0)
    layer = getattr(layers, asked.cell)(INPUTS, asked.units, timescale=1000, **WAYS[asked.one])
    x = torch.randn(asked.steps, asked.batch, INPUTS, requires_grad=True)
    recompute, layer.recompute = layer.recompute, 20
    memory, layer.recompute_memory = layer.recompute_memory, None
    layer(x[:50])[0].sum().backward()  # libraries load and pools fill before anything is measured
    layer.recompute, layer.recompute_memory, x.grad = recompute, memory, None
    before = _status("VmRSS")
    begin = time.perf_counter()
    output, state = layer(x)
    middle = time.perf_counter()
    (state[0] if isinstance(state, tuple) else state).sum().backward()
    end = time.perf_counter()
    own = [output, x.grad, *(parameter.grad for parameter in layer.parameters())]
    held = sum(tensor.numel() * tensor.element_size() for tensor in own if tensor is not None)
    return {
        "above": _status("VmHWM") - before - held,
        "step": (end - begin) / asked.steps * 1e6,
        "forward": (middle - begin) / asked.steps * 1e6,
    }


def _status(name: str) -> int:
    """A number of bytes that Linux knows of this process."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {name}")


if __name__ == "__main__":
    main()
