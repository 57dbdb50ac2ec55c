"""Partitions as tasks on a Ray cluster; Ray is an extra and is imported here only."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from holdfast.errors import InputError, option
from holdfast.forecasting.partitions.plan import Settings
from holdfast.forecasting.partitions.processes import ATTEMPTS, Finished
from holdfast.forecasting.partitions.work import PartitionResult, do_partition

RETRIES = 3
"""How often a partition is begun again whose machine was lost."""


def do_on_ray(
    out: Path,
    settings: Settings,
    numbers: Sequence[int],
    finished: Finished,
    *,
    workers: int | None,
) -> None:
    """Do partitions as tasks of one core each, wherever the cluster has room.

    A task whose node is lost is begun again elsewhere. However many tasks begin a partition, its
    file appears under its name once and whole, by a rename.

    Arguments:
        out: the folder of results, at the same path on every node, as the folder of partitions is.

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
    task: Any = ray.remote(num_cpus=1, max_retries=RETRIES)(_do)
    waiting = list(reversed(numbers))
    running: dict[Any, int] = {}
    begun = dict.fromkeys(numbers, 0)
    while waiting or running:
        while waiting and (workers is None or len(running) < workers):
            number = waiting.pop()
            begun[number] += 1
            running[task.remote(out, settings, number)] = number
        ready, _ = ray.wait(list(running), num_returns=1)
        number = running.pop(ready[0])
        try:
            result = ray.get(ready[0])
        except ray.exceptions.RayError as problem:
            if begun[number] < ATTEMPTS:
                waiting.append(number)
            else:
                reason = str(problem).strip().splitlines()[0]
                finished(number, f"Ray gave it up {ATTEMPTS} times: {reason}")
            continue
        finished(number, result)


def _do(out: Path, settings: Settings, number: int) -> PartitionResult | str:
    """A task: one partition, on one thread."""
    import torch

    torch.set_num_threads(1)
    return do_partition(out, settings, number)
