"""Processes side by side on one machine, each on one thread; one that dies is replaced."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, TextIO

from holdfast.errors import HoldfastError
from holdfast.forecasting.partitions.plan import Settings
from holdfast.forecasting.partitions.work import Facts, Work

ATTEMPTS = 2
"""How often a part is begun whose process dies."""

Finished = Callable[[int, "Facts | str"], None]
"""Is told of each part: its facts, or in a sentence why there are none."""


@dataclass(eq=False)
class Workers:
    """Does parts in processes of its own.

    Every process runs ``holdfast.forecasting.partitions.processes`` and speaks JSON over its pipes,
    so that it starts alike from a script, a notebook and the command line.

    Arguments:
        out: the folder of results.
        settings: of the job.
        count: processes.
        threads: of each.
        command: how to start one, for tests; None for the usual way.
    """

    out: Path
    settings: Settings
    count: int
    threads: int
    command: Sequence[str] | None = None
    _processes: list[subprocess.Popen[str]] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def do(self, numbers: Sequence[int], finished: Finished) -> None:
        """Do parts in any order, each once.

        Arguments:
            numbers: of the parts.
            finished: is told of each, from this thread.
        """
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        answers: queue.SimpleQueue[tuple[int, Facts | str]] = queue.SimpleQueue()
        for number in numbers:
            waiting.put(number)
        threads = [
            threading.Thread(target=self._serve, args=(waiting, answers), daemon=True)
            for _ in range(min(self.count, len(numbers)))
        ]
        try:
            for thread in threads:
                thread.start()
            for _ in numbers:
                finished(*answers.get())
        finally:
            self._stopped.set()
            for process in self._processes:
                if process.poll() is None:
                    process.kill()  # a part that was not finished leaves no file
                process.wait()
            for thread in threads:
                thread.join()
            for process in self._processes:
                for pipe in (process.stdin, process.stdout):
                    with suppress(OSError):  # what a dead process did not read
                        if pipe is not None:
                            pipe.close()

    def _serve(
        self,
        waiting: queue.SimpleQueue[int],
        answers: queue.SimpleQueue[tuple[int, Facts | str]],
    ) -> None:
        """Feed one process with numbers until there are none left."""
        process: subprocess.Popen[str] | None = None
        while not self._stopped.is_set():
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                break
            made: Facts | str = "its process could not be started"
            for _ in range(ATTEMPTS):
                if process is None or process.poll() is not None:
                    process = self._start()
                answer = _ask(process, number)
                if answer is not None:
                    made = answer
                    break
                code = process.wait()
                how = f"signal {-code}" if code < 0 else f"exit code {code}"
                made = f"its process ended {ATTEMPTS} times ({how}); is there enough memory?"
                if self._stopped.is_set():
                    return
            answers.put((number, made))
        if process is not None and process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()

    def _start(self) -> subprocess.Popen[str]:
        settings = json.dumps(asdict(self.settings))
        usual = [sys.executable, "-m", "holdfast.forecasting.partitions.processes"]
        command = [*(self.command or usual), str(self.out), settings, str(self.threads)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )
        self._processes.append(process)
        return process


def _ask(process: subprocess.Popen[str], number: int) -> Facts | str | None:
    """What a process makes of a part; None where it died over it."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(f"{number}\n")
        process.stdin.flush()
        line = _line(process.stdout)
    except OSError:
        return None
    if line is None:
        return None
    answer = json.loads(line)
    return answer["error"] if "error" in answer else Facts.from_json(answer["facts"])


def _line(stream: IO[str]) -> str | None:
    line = stream.readline()
    return line if line.endswith("\n") else None


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
            answer = {"error": problem.template}
        print(json.dumps(answer), file=answers, flush=True)  # the other end reads it


def settings_from(data: dict[str, Any]) -> Settings:
    """Settings that were sent as JSON."""
    ids = None if data["ids"] is None else tuple(data["ids"])
    return Settings(**{**data, "levels": tuple(data["levels"]), "ids": ids})


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that began the job
    serve(sys.argv[1:], sys.stdin, sys.stdout, parent=os.getppid())
