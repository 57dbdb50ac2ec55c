"""Which recurrent networks solve tasks whose lag is known, and after how many sequences.

    python benchmarks/memory_tasks.py --part adding        # all models up to a lag of 300
    python benchmarks/memory_tasks.py --part adding-1000   # `remember` and the plain RNN, 10 seeds
    python benchmarks/memory_tasks.py --part order         # Hochreiter and Schmidhuber (1997), 6a
    python benchmarks/memory_tasks.py --part order-three   # the same, 6b
    python benchmarks/memory_tasks.py --part noisy-lag     # the same, 2c
    python benchmarks/memory_tasks.py --part parity        # which needs no LSTM

One thread; what `holdfast compare` does, in --work, where a part that was stopped goes on when it
is asked for again and its page lies. When a part is done, it becomes rows of
results/memory_tasks.csv, one for each model and lag: how many seeds solved it (at most 3 errors in
2,560 sequences, twice) and, of those, the median number of training sequences until then, beside
the number that Hochreiter and Schmidhuber published for their LSTM of the same task and lag.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from ledger import append

from holdfast import reports
from holdfast.lens.compare.memory import MemoryPlan, compare_memory
from holdfast.lens.compare.memory_findings import PUBLISHED
from holdfast.lens.compare.models import MODELS
from holdfast.records import ComparedRun, MemoryComparison
from holdfast.training.progress import progress_for_terminal

TWO = ("LSTM, remember", "plain RNN")
PARTS = {
    "adding": (MemoryPlan("adding", (10, 30, 100, 300), models=MODELS), "30m"),
    "adding-1000": (MemoryPlan("adding", (1000,), 10, TWO, updates=6000), "150m"),
    "order": (MemoryPlan("order", (100,), 10, TWO), "15m"),
    "order-three": (MemoryPlan("order-three", (100,), 10, TWO, updates=6000), "30m"),
    "noisy-lag": (MemoryPlan("noisy-lag", (50, 1000), 10, TWO), "60m"),
    "parity": (MemoryPlan("parity", (10,), models=MODELS, updates=12_000), "20m"),
}
"""What is compared, and how long all of its runs together may take."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=list(PARTS), required=True)
    parser.add_argument("--work", type=Path, default=Path("memory-work"), help="kept runs")
    options = parser.parse_args()
    plan, budget = PARTS[options.part]
    folder = options.work / options.part
    record = compare_memory(
        plan,
        folder,
        budget=budget,
        progress=progress_for_terminal(),
        command=f"python benchmarks/memory_tasks.py --part {options.part}",
    )
    reports.save(record, folder / "compare.html")
    print(*record.findings, sep="\n", flush=True)
    for lag in plan.lags:
        for model in plan.models:
            runs = [run for run in record.runs if (run.lag, run.model) == (lag, model)]
            if runs:
                append("memory_tasks", row(options.part, plan, record, runs))


def row(
    part: str, plan: MemoryPlan, record: MemoryComparison, runs: list[ComparedRun]
) -> dict[str, object]:
    """The runs of one model at one lag."""
    first = runs[0]
    solved = [run.solved_after * plan.batch for run in runs if run.solved_after is not None]
    return {
        "part": part,
        "lag": first.lag,
        "model": first.model,
        "weights": first.parameters,
        "rate": first.learning_rate,
        "seeds": len(runs),
        "of seeds": plan.seeds,
        "solved": len(solved),
        "median sequences": int(statistics.median(solved)) if solved else "",
        "most sequences": max(solved) if solved else "",
        "published sequences": PUBLISHED.get((plan.task, first.lag), ""),
        "median errors": round(statistics.median(run.error for run in runs), 4),
        "sequences at most": plan.updates * plan.batch,
        "seconds": round(sum(run.seconds for run in runs), 1),
        "all seconds of the part": round(sum(run.seconds for run in record.runs), 1),
    }


if __name__ == "__main__":
    main()
