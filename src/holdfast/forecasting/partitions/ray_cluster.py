"""The same parts on a Ray cluster; Ray is an extra and is imported here only."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from holdfast.errors import InputError, option
from holdfast.forecasting.partitions.plan import Settings
from holdfast.forecasting.partitions.processes import ATTEMPTS, Finished
from holdfast.forecasting.partitions.work import Facts

RETRIES = 3
"""How often a part is begun again whose machine was lost."""


def do_on_ray(
    out: Path, settings: Settings, numbers: Sequence[int], finished: Finished, *, most: int | None
) -> None:
    """Do parts as tasks of one core each, wherever the cluster has room.

    A task whose node is lost is begun again elsewhere. Whatever number of tasks begin a part, its
    file appears under its name once and whole, by a rename.

    Arguments:
        out: the folder of results, at the same path on every node, as the folder of parts is.
        settings: of the job.
        numbers: of the parts.
        finished: is told of each.
        most: tasks at a time; None for as many as there is room for.

    Raises:
        InputError: Ray is not installed, or there is no cluster to be reached.
    """
    try:
        import ray
    except ImportError:
        raise InputError(
            f"{option('engine', 'ray')} needs Ray; install it with: pip install 'holdfast[ray]'."
        ) from None
    if not ray.is_initialized():
        try:  # RAY_ADDRESS, else the cluster of this machine, else one begun here
            ray.init(log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError) as problem:
            raise InputError(f"No Ray cluster can be reached: {problem}.") from None
    sent = json.dumps(asdict(settings))
    task: Any = ray.remote(num_cpus=1, max_retries=RETRIES)(_do)
    waiting = list(reversed(numbers))
    running: dict[Any, int] = {}
    begun = dict.fromkeys(numbers, 0)
    while waiting or running:
        while waiting and (most is None or len(running) < most):
            number = waiting.pop()
            begun[number] += 1
            running[task.remote(str(out), sent, number)] = number
        ready, _ = ray.wait(list(running), num_returns=1)
        number = running.pop(ready[0])
        try:
            answer = json.loads(ray.get(ready[0]))
        except ray.exceptions.RayError as problem:
            if begun[number] < ATTEMPTS:
                waiting.append(number)
            else:
                reason = str(problem).strip().splitlines()[0]
                finished(number, f"Ray gave it up {ATTEMPTS} times: {reason}")
            continue
        error = answer.get("error")
        finished(number, Facts.from_json(answer["facts"]) if error is None else error)


def _do(out: str, settings: str, number: int) -> str:
    """The task: one part; what came of it, as the lines of `worker.serve`."""
    from io import StringIO

    from holdfast.forecasting.partitions.processes import serve

    answers = StringIO()
    serve([out, settings, "1"], StringIO(f"{number}\n"), answers)
    return answers.getvalue()
