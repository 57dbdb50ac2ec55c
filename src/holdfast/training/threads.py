"""Threads: networks of this size run on one each, several of them side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Inside, torch computes on this many threads; outside, on as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def one_thread() -> AbstractContextManager[None]:
    """Inside, torch computes on one thread; outside, on as many as before.

    Networks of this size train at the same speed on one thread as on two (62 and 55 ms an update
    on two quiet cores), thirty times as fast where another program holds a core, because threads
    that wait for each other spin; and their numbers do not depend on the number of cores.
    """
    return torch_threads(1)


def side_by_side(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """The result of `work` for each item, in their order, as many at once as torch has threads.

    `work` computes on one thread, and its result does not depend on the other items.
    """
    workers = min(torch.get_num_threads(), len(items))
    with one_thread():  # which a thread that begins inside takes over
        if workers <= 1:
            return [work(item) for item in items]
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(work, items))
