"""Worker processes on one machine, each on its share of the threads; one that dies is replaced."""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from loky import ProcessPoolExecutor

from holdfast.forecasting.partitions.plan import Settings
from holdfast.forecasting.partitions.work import PartitionResult, Work, do_partition

ATTEMPTS = 2
"""How often a partition is begun whose worker dies."""

Finished = Callable[[int, "PartitionResult | str"], None]
"""Is told of each partition: its facts, or in a sentence why there are none."""


@dataclass(eq=False)
class Workers:
    """Does partitions in worker processes of this machine.

    Every pool has one worker, so that it is known over which partition a worker died. loky starts
    one from a fresh interpreter that does not run the caller's script again: it starts alike from a
    script, a notebook and the command line.
    """

    out: Path  # the folder of results
    settings: Settings  # of the job
    count: int  # workers
    threads: int  # of each
    # what a worker does instead, for tests
    task: Callable[[Path, Settings, int], PartitionResult | str] | None = None
    _idle: queue.SimpleQueue[ProcessPoolExecutor] = field(default_factory=queue.SimpleQueue)
    _begun: list[ProcessPoolExecutor] = field(default_factory=list)
    _stopped: bool = False

    def do(self, numbers: Sequence[int], finished: Finished) -> None:
        """Do partitions in any order, each once.

        Arguments:
            finished: is told of each, from this thread.
        """
        count = min(self.count, len(numbers))
        for _ in range(count):
            self._idle.put(self._pool())
        threads = ThreadPoolExecutor(count)
        running = {threads.submit(self._one, number): number for number in numbers}
        try:
            for future in as_completed(running):
                finished(running[future], future.result())
        except BaseException:
            self._stopped = True
            raise
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
            for pool in self._begun:
                # A partition that was not finished leaves no file.
                pool.shutdown(kill_workers=self._stopped)
            threads.shutdown()

    def _one(self, number: int) -> PartitionResult | str:
        """One partition, on whichever worker is idle."""
        pool = self._idle.get()
        reason = ""
        try:
            for _ in range(ATTEMPTS):
                try:
                    result: PartitionResult | str = pool.submit(
                        self.task or _do, self.out, self.settings, number
                    ).result()
                    return result
                except BrokenProcessPool as problem:
                    codes = [line for line in str(problem).splitlines() if "exit codes" in line]
                    reason = f" ({codes[0].split('{')[-1].rstrip('}')})" if codes else ""
                    pool = self._pool()
                except Exception as problem:
                    return f"{type(problem).__name__}: {problem}"
        finally:
            self._idle.put(pool)
        return f"its worker ended {ATTEMPTS} times{reason}; is there enough memory?"

    def _pool(self) -> ProcessPoolExecutor:
        begin = (self.threads, os.getpid())
        pool = ProcessPoolExecutor(1, initializer=_begin_worker, initargs=begin)
        self._begun.append(pool)
        if self._stopped:
            pool.shutdown(kill_workers=True)
        return pool


_open_once = lru_cache(maxsize=1)(Work.open)


def _do(out: Path, settings: Settings, number: int) -> PartitionResult | str:
    """One partition, in a worker; the model is read once."""
    return do_partition(out, settings, number, _open_once)


def _begin_worker(threads: int, parent: int) -> None:
    """What a worker does first."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that began the job
    torch.set_num_threads(threads)

    def end_with_parent() -> None:
        """Nobody would wait for results; what is half written is swept up by the next job."""
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
