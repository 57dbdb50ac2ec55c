"""How fast a language model of characters writes, one text at a time, and whether it slows down.

    python benchmarks/generation.py --data ../shared/data

The model of Tiny Shakespeare: one layer of 256 units, 64 numbers a character, after a few updates
or, with --model, as a folder has it: what it writes does not change how fast. One thread.
Characters a second of the processor's time, everything included: embedding, LSTM, softmax, draw,
text. Flat: the median cost of the last thousand of 100,000 characters beside that of the thousand
after the 100th of another text, written in turns of a hundred so that both meet the same machine.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from ledger import append

from holdfast import LanguageModel

LENGTH, EARLY, BLOCK, TURN = 100_000, 100, 1_000, 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="the folder of shared data")
    parser.add_argument("--model", type=Path, help="a model folder in place of a new model")
    parser.add_argument("--hidden", type=int, default=256, help="units of the new model")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.model is not None:
        model = LanguageModel.load(options.model)
    elif options.data is not None:
        text = options.data / "tiny-shakespeare" / "input.txt"
        model = LanguageModel(steps=20, hidden=options.hidden).fit(text)
    else:
        sys.exit("Give --data, the folder of shared data, or --model, a model folder.")
    for top_k, top_p in ((None, None), (None, 0.9), (20, None)):
        long, short = (
            model.stream("ROMEO:", length=LENGTH, top_k=top_k, top_p=top_p, seed=seed)
            for seed in (0, 1)
        )
        begun, wall = time.process_time(), time.perf_counter()
        timed(long, LENGTH - BLOCK)
        seconds, wall = time.process_time() - begun, time.perf_counter() - wall
        timed(short, EARLY)
        costs: dict[str, list[float]] = {"early": [], "late": []}
        for _ in range(BLOCK // TURN):
            costs["early"] += timed(short, TURN)
            costs["late"] += timed(long, TURN)
        early, late = (statistics.median(costs[part]) for part in ("early", "late"))
        row: dict[str, object] = {
            "kind": model.tokenizer_.kind,
            "hidden": model.network_.design.hidden,
            "top_k": top_k or "",
            "top_p": top_p or "",
            "threads": 1,
            "tokens": LENGTH,
            "tokens a second of the processor": round((LENGTH - BLOCK) / seconds),
            "tokens a second": round((LENGTH - BLOCK) / wall),
            "us a token from 100": round(early, 2),
            "us a token before 100,000": round(late, 2),
            "ratio": round(late / early, 3),
        }
        print(", ".join(f"{name} {value}" for name, value in row.items() if value != ""))
        append("generation", row)


def timed(pieces: Iterator[str], count: int) -> list[float]:
    """Microseconds of each of the next tokens."""
    costs = []
    for _ in range(count):
        before = time.perf_counter()
        next(pieces)
        costs.append(1e6 * (time.perf_counter() - before))
    return costs


if __name__ == "__main__":
    main()
