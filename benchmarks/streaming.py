"""One step of a stream: `layer.stepper` beside torch's layer and cell, and many streams at once.

    python benchmarks/streaming.py

I = 8, H = 64, float32. One stream: microseconds a step from Python, interleaved, medians; torch's
with inference_mode. A thousand streams: steps of a stepper against the rate of the sequence call
on the same rows. Memory: what a million steps add to the process.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from ledger import append

import holdfast.nn

INPUTS, UNITS, STREAMS, STEPS, ROUNDS = 8, 64, 1000, 100, 9


def microseconds(call: Callable[[], object], repeats: int) -> float:
    begin = time.perf_counter()
    for _ in range(repeats):
        call()
    return 1e6 * (time.perf_counter() - begin) / repeats


def interleaved(
    calls: dict[str, Callable[[], object]], repeats: dict[str, int]
) -> dict[str, float]:
    found: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(ROUNDS):
        for name, call in calls.items():
            found[name].append(microseconds(call, repeats[name]))
    return {name: statistics.median(values) for name, values in found.items()}


def resident() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    layer = holdfast.nn.LSTM(INPUTS, UNITS)
    theirs, cell = torch.nn.LSTM(INPUTS, UNITS), torch.nn.LSTMCell(INPUTS, UNITS)
    row: dict[str, object] = {}
    with torch.inference_mode():
        x = torch.randn(1, INPUTS)
        x_sequence, h = x.unsqueeze(0), torch.zeros(1, 1, UNITS)
        stepper = layer.stepper()
        one = interleaved(
            {
                "stepper": lambda: stepper.step(x),
                "nn.LSTM": lambda: theirs(x_sequence, (h, h)),
                "nn.LSTMCell": lambda: cell(x, (h[0], h[0])),
            },
            {"stepper": 5000, "nn.LSTM": 300, "nn.LSTMCell": 1000},
        )
        for name, value in one.items():
            times = (
                f", {value / one['stepper']:.1f} times the stepper's" if name != "stepper" else ""
            )
            print(f"one stream, {name:12} {value:8.2f} µs a step{times}")
            row[f"{name} us"] = round(value, 2)
        many = layer.stepper(STREAMS)
        rows, sequence = torch.randn(STREAMS, INPUTS), torch.randn(STEPS, STREAMS, INPUTS)
        both = interleaved(
            {"stepper": lambda: many.step(rows), "sequence": lambda: layer(sequence)},
            {"stepper": STEPS, "sequence": 1},
        )
        rate = both["sequence"] / STEPS / both["stepper"]
        print(
            f"{STREAMS} streams: {both['stepper']:.0f} µs a step, {rate:.2f} of the sequence's rate"
        )
        before = resident()
        for _ in range(1_000_000):
            stepper.step(x)
        grown = resident() - before
        print(f"a million steps: {grown / 1024:.0f} KiB more")
    row |= {"streams rate": round(rate, 3), "KiB in 10^6 steps": grown // 1024}
    append("streaming", row | {"threads": torch.get_num_threads()})


if __name__ == "__main__":
    main()
