"""How fast the layers are beside others, interleaved in one run, one row of engine.csv each.

    python benchmarks/run.py --suite engine
    python benchmarks/run.py --suite engine --cell GRU --shape 4 5 --rounds 15
    python benchmarks/run.py --suite variants
    python benchmarks/run.py --suite memory

`engine`: our layer (whatever the engine chooses) beside torch's, Keras' on its torch backend and
onnxruntime where they are installed; forward alone, and forward with all gradients. Medians, ratios
of medians, and the share of this machine's SGEMM rate, measured in the same run. `variants`: the
training of each option of the LSTM beside torch's plain LSTM. `memory`: the peak of a process that
trains a layer, above what it held before.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import time

import torch
from cases import (
    GATES,
    SHAPES,
    Call,
    Contestant,
    Shape,
    keras,
    onnxruntime,
    ours_and_torchs,
    variants,
)
from ledger import append

LEAST_SECONDS = 0.02
"""A shorter call is repeated within a measurement."""


def seconds(call: Call, repeats: int) -> float:
    begin = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - begin) / repeats


def interleaved(calls: dict[str, Call], rounds: int) -> dict[str, float]:
    """The median seconds of each, one measurement of every call a round, in turning order."""
    repeats = {}
    for name, call in calls.items():
        call()
        repeats[name] = max(1, math.ceil(LEAST_SECONDS / seconds(call, 1)))
    names, found = list(calls), {name: [] for name in calls}
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            found[name].append(seconds(calls[name], repeats[name]))
    return {name: statistics.median(values) for name, values in found.items()}


def sgemm() -> Call:
    """A product of two matrices of 2,048 rows."""
    one, other = torch.randn(2048, 2048), torch.randn(2048, 2048)
    return lambda: one @ other


def measure(cell: str, shape: Shape, rounds: int, others: bool) -> dict[str, float]:
    """Print and record one shape; the ratios to torch's layer by pass."""
    contestants: list[Contestant] = ours_and_torchs(cell, shape)
    if others:
        contestants += [made for made in (onnxruntime(cell, shape), keras(cell, shape)) if made]
    ratios = {}
    for way, factor in (("inference", 1), ("training", 3)):
        calls = {
            one.name: one.inference if way == "inference" else one.training
            for one in contestants
            if way == "inference" or one.training
        }
        found = interleaved({**calls, "SGEMM": sgemm()}, rounds)
        rate = 2 * 2048**3 / found.pop("SGEMM")
        share = factor * shape.operations(GATES[cell]) / found["holdfast"] / rate
        ratios[way] = found["torch"] / found["holdfast"]
        shown = " ".join(f"{name} {1e3 * value:.3f}" for name, value in found.items())
        print(
            f"{cell} {shape!s:18} {way:9} ms: {shown}; {ratios[way]:.2f} times torch, "
            f"{share:.0%} of SGEMM ({rate / 1e9:.0f} GFLOP/s)",
            flush=True,
        )
        row: dict[str, object] = {"cell": cell, "shape": str(shape), "pass": way}
        row |= {f"{name} ms": round(1e3 * value, 4) for name, value in found.items()}
        row |= {"times torch": round(ratios[way], 3), "share of SGEMM": round(share, 3)}
        row |= {"threads": torch.get_num_threads(), "rounds": rounds}
        append("engine", row)
    return ratios


def engine(options: argparse.Namespace) -> None:
    chosen = [SHAPES[index] for index in options.shape] if options.shape else SHAPES
    ratios = [measure(options.cell, shape, options.rounds, not options.alone) for shape in chosen]
    for way in ("inference", "training"):
        values = [one[way] for one in ratios]
        mean = math.exp(statistics.fmean(math.log(value) for value in values))
        print(f"{way}: geometric mean {mean:.2f} times torch, least {min(values):.2f}")


def options_of_cells(asked: argparse.Namespace) -> None:
    """The training of every variant beside torch's plain LSTM."""
    for index in asked.shape or (4, 6, 8):
        shape = SHAPES[index]
        calls = {one.name: one.training for one in variants(shape) if one.training}
        found = interleaved(calls, asked.rounds)
        for name, value in found.items():
            times = found["torch"] / value
            print(
                f"{shape!s:18} {name:18} {1e3 * value:9.2f} ms, {times:.2f} times nn.LSTM's speed"
            )
            row: dict[str, object] = {"shape": str(shape), "variant": name}
            row |= {"ms": round(1e3 * value, 3), "times torch": round(times, 3)}
            append("engine_variants", row | {"threads": torch.get_num_threads()})


def peak(name: str, cell: str, shape: Shape) -> float:
    """MB above what was held before three rounds of training, in this process."""
    import resource

    found = {one.name: one for one in ours_and_torchs(cell, shape)}[name]
    small = {one.name: one for one in ours_and_torchs(cell, Shape(2, 2, shape.inputs, 8))}[name]
    assert found.training is not None
    assert small.training is not None
    small.training()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(3):
        found.training()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def memory(options: argparse.Namespace) -> None:
    for index in options.shape or [11]:
        found = {}
        for name in ("torch", "holdfast"):
            words = [sys.executable, __file__, "--suite", "memory", "--one", name]
            words += ["--cell", options.cell, "--shape", str(index)]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            found[name] = json.loads(done.stdout)
        share = found["holdfast"] / found["torch"]
        print(
            f"{options.cell} {SHAPES[index]}: torch {found['torch']:.0f} MB, "
            f"holdfast {found['holdfast']:.0f} MB: {share:.2f}"
        )
        row: dict[str, object] = {"cell": options.cell, "shape": str(SHAPES[index])}
        append("engine_memory", row | {f"{name} MB": round(mb) for name, mb in found.items()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suite", choices=["engine", "variants", "memory"], default="engine")
    parser.add_argument("--cell", choices=list(GATES), default="LSTM")
    parser.add_argument("--shape", type=int, nargs="+", help="indices into cases.SHAPES")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--alone", action="store_true", help="beside torch only")
    parser.add_argument("--one", choices=["torch", "holdfast"], help="its peak here, as JSON")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.one:
        print(json.dumps(peak(options.one, options.cell, SHAPES[options.shape[0]])))
    elif options.suite == "memory":
        memory(options)
    elif options.suite == "variants":
        options_of_cells(options)
    else:
        engine(options)


if __name__ == "__main__":
    main()
