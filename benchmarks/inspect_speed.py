"""How long `holdfast.lens.inspect` takes, and how much memory, at H=128 and T=1,000.

Run: python -m benchmarks.inspect_speed [--hidden 128] [--steps 1000] [--sequences 4]
Appends a row to results/inspect_speed.csv. The limit of the project: 60 s and 2 GB on 2 cores.
"""

from __future__ import annotations

import argparse
import os
import resource
import time

import torch

from benchmarks.ledger import append
from holdfast.lens import inspect


def main() -> None:
    """Inspect a layer of torch's own, once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--sequences", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    layer = torch.nn.LSTM(8, given.hidden)
    begun = time.process_time()
    record = inspect(layer, torch.randn(given.steps, given.sequences, 8))
    busy = time.process_time() - begun
    row = {
        "layer": "torch.nn.LSTM",
        "hidden": given.hidden,
        "steps": given.steps,
        "sequences": given.sequences,
        "threads": given.threads,
        "seconds": round(record.seconds, 2),
        "cpu_seconds": round(busy, 2),
        "load": round(os.getloadavg()[0], 1),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 3),
    }
    print(row)
    append("inspect_speed", row)


if __name__ == "__main__":
    main()
