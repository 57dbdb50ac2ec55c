"""How long a person waits before anything happens; medians of interleaved fresh processes.

python benchmarks/startup.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ledger import append

ROUNDS = 9


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        bad = Path(folder) / "bad.csv"
        bad.write_text("ds,y\n2024-01-01,1\n2024-01-02,two\n")
        holdfast = [sys.executable, "-m", "holdfast"]
        commands = {
            "import torch": [sys.executable, "-c", "import torch"],
            "import holdfast": [sys.executable, "-c", "import holdfast"],
            "import holdfast, Forecaster": [
                sys.executable, "-c", "from holdfast import Forecaster",
            ],
            "import holdfast.nn": [sys.executable, "-c", "import holdfast.nn"],
            "holdfast --help": [*holdfast, "--help"],
            "refusal of a bad file": [*holdfast, "forecast", str(bad), "--horizon", "3"],
        }  # fmt: skip
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, words in commands.items():
                begin = time.perf_counter()
                subprocess.run(words, capture_output=True, cwd=folder, check=False)
                seconds[name].append(time.perf_counter() - begin)
    torch = statistics.median(seconds["import torch"])
    row: dict[str, object] = {}
    for name, taken in seconds.items():
        ratio = statistics.median(
            one / other for one, other in zip(taken, seconds["import torch"], strict=True)
        )
        middle = statistics.median(taken)
        print(f"{name:<28}{middle:>7.2f} s   {ratio:>5.2f} × import torch")
        row |= {f"{name} s": round(middle, 3), f"{name} ratio": round(ratio, 3)}
    assert torch > 0
    append("startup", row)


if __name__ == "__main__":
    main()
