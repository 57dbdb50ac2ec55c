"""A process that does parts: numbers of parts in, a line of JSON for each out.

Started by `workers.Workers` as ``python -m`` with this module's name, OUT, SETTINGS and THREADS.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from holdfast.errors import HoldfastError
from holdfast.forecasting.partitions.plan import Settings
from holdfast.forecasting.partitions.work import Work


def serve(
    arguments: Sequence[str], numbers: TextIO, answers: TextIO, *, parent: int | None = None
) -> None:
    """Do one part after the other, until there are no more numbers.

    Arguments:
        arguments: the folder of results, the settings as JSON, threads of this process.
        numbers: a line a part.
        answers: a line a part: {"facts": …} or {"error": …}.
        parent: the process without which nobody waits for results; None for none.
    """
    import torch

    out, settings, threads = arguments
    torch.set_num_threads(int(threads))
    work: Work | None = None
    alive = (lambda: True) if parent is None else (lambda: os.getppid() == parent)
    for line in numbers:
        try:
            if work is None:
                work = Work.open(Path(out), settings_from(json.loads(settings)))
            answer: dict[str, Any] = {"facts": work.do(int(line), alive).to_json()}
        except HoldfastError as problem:
            answer = {"error": str(problem)}
        print(json.dumps(answer), file=answers, flush=True)  # the other end reads it


def settings_from(data: dict[str, Any]) -> Settings:
    """Settings that were sent as JSON."""
    ids = None if data["ids"] is None else tuple(data["ids"])
    return Settings(**{**data, "levels": tuple(data["levels"]), "ids": ids})


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that began the job
    serve(sys.argv[1:], sys.stdin, sys.stdout, parent=os.getppid())
