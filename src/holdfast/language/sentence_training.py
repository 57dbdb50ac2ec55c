"""Batches of sentences, and training on them: what classifiers and taggers share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from holdfast.language.words import (
    WordBatch,
    WordVocabulary,
    epoch_batches,
    number_batch,
    word_batch,
)
from holdfast.training.budget import Budget, steps_within
from holdfast.training.loop import StepTiming, Trained, train
from holdfast.training.plan import LayerRate, Plan
from holdfast.training.progress import Progress
from holdfast.training.run_directory import RunDirectory
from holdfast.training.seed import generator
from holdfast.training.task import Task

LEAST_STEPS: Final = 10

_PLANNED: Final = 0.92
"""Share of the time left that training plans for; scoring and writing take the rest."""


@dataclass(frozen=True, eq=False)
class SentenceBatch:
    """What one update reads."""

    rows: NDArray[np.int64]
    words: WordBatch


class SentenceBatches:
    """Which sentences each update reads: a pure function of the step and the seed."""

    def __init__(
        self, lengths: Sequence[int], size: int, padded: Callable[[Sequence[int]], WordBatch]
    ) -> None:
        self.size = size
        self._padded = padded
        self._lengths = np.array(lengths, dtype=np.int64)
        self.a_pass = len(epoch_batches(self._lengths, size, np.random.default_rng(0)))
        """Updates of one pass over all sentences."""
        self._order: tuple[tuple[int, int], list[NDArray[np.int64]]] | None = None

    @classmethod
    def of_words(
        cls, vocabulary: WordVocabulary, sentences: Sequence[Sequence[str]], size: int
    ) -> SentenceBatches:
        """Batches of words, numbered and spelt by a vocabulary."""
        lengths = [len(sentence) for sentence in sentences]
        return cls(
            lengths, size, lambda rows: word_batch(vocabulary, [sentences[row] for row in rows])
        )

    @classmethod
    def of_numbers(cls, numbers: Sequence[NDArray[np.int64]], size: int) -> SentenceBatches:
        """Batches of what is numbered already and is not spelt."""
        lengths = [len(one) for one in numbers]
        return cls(lengths, size, lambda rows: number_batch([numbers[row] for row in rows]))

    def __len__(self) -> int:
        """Sentences of a pass."""
        return len(self._lengths)

    def at(self, step: int, seed: int) -> SentenceBatch:
        """The sentences of update `step`, counted from 1."""
        epoch, place = divmod(step - 1, self.a_pass)
        if self._order is None or self._order[0] != (epoch, seed):
            random = generator(seed, "sentences", epoch)
            self._order = ((epoch, seed), epoch_batches(self._lengths, self.size, random))
        rows = self._order[1][place]
        return SentenceBatch(rows, self.tensors(rows))

    def tensors(self, rows: Sequence[int] | NDArray[np.int64]) -> WordBatch:
        """Some sentences, padded."""
        return self._padded([int(row) for row in rows])

    def in_order(self) -> list[NDArray[np.int64]]:
        """All sentences in batches of alike length, in an order that does not change."""
        order = np.argsort(self._lengths, kind="stable")
        return [order[begin : begin + 64] for begin in range(0, len(order), 64)]


class SentenceTask(Task[SentenceBatch], Protocol):
    """Learning from batches of sentences."""

    @property
    def batches(self) -> SentenceBatches:
        """Which sentences each update reads."""
        ...


@dataclass(frozen=True, eq=False)
class SentenceResult:
    """A trained network."""

    task: SentenceTask
    trained: Trained


@dataclass(frozen=True, kw_only=True)
class SentenceSchedule:
    """How long and how fast a network learns from sentences.

    Arguments:
        most_passes: readings of every sentence beyond which nothing is gained.
        steps: updates in place of the budget.
        layer_rates: layer-wise learning rates, from the updates of the run and of a pass; None for
            one rate.
    """

    learning_rate: float
    most_passes: int
    steps: int | None
    seed: int
    layer_rates: Callable[[int, int], Sequence[LayerRate]] | None = None

    def plan(self, steps: int, a_pass: int) -> Plan:
        """The training plan for so many updates, of which `a_pass` read all sentences once."""
        rates = self.layer_rates
        return Plan(
            steps=steps,
            learning_rate=self.learning_rate,
            weight_decay=0.01,
            warmup=min(100, max(steps // 10, 1)),
            clip=5.0,
            evaluate_every=max(a_pass // 2, 1),
            patience=20,
            average=0.2,
            seed=self.seed,
            layer_rates=() if rates is None else tuple(rates(steps, a_pass)),
        )


def train_sentences(
    make: Callable[[], SentenceTask],
    schedule: SentenceSchedule,
    *,
    budget: Budget,
    identity: str,
    progress: Progress,
    description: str = "Training",
    folder: Path | None = None,
) -> SentenceResult:
    """Train one network within a budget whose clock runs already.

    `make` gives the task, with a fresh network. `identity` is that of the data, the design and all
    options, the time among them; a run that was killed goes on from `folder`.
    """
    inputs = {"identity": identity, "steps": schedule.steps, "seed": schedule.seed}
    directory = None if folder is None else RunDirectory(folder, inputs)
    found = None if directory is None else directory.decisions()
    task = make()
    if found is not None and type(found.get("steps")) is int:
        steps = max(int(found["steps"]), 1)
    else:
        steps = _decided_steps(task, schedule, budget)
        if directory is not None:
            directory.keep({"steps": steps})
    # The deadline is a safety net, which must not take away the least that is promised.
    unlimited = schedule.steps is not None or steps <= LEAST_STEPS
    trained = train(
        task,
        schedule.plan(steps, task.batches.a_pass),
        folder=None if directory is None else directory.checkpoints(),
        identity=identity,
        progress=progress,
        description=description,
        deadline=None if unlimited else budget.deadline,
    )
    return SentenceResult(task, trained)


def _decided_steps(task: SentenceTask, schedule: SentenceSchedule, budget: Budget) -> int:
    if schedule.steps is not None:
        return schedule.steps
    a_pass = task.batches.a_pass
    most = max(schedule.most_passes * a_pass, LEAST_STEPS)
    if budget.seconds is None:
        return most
    timing = StepTiming(task, replace(schedule, layer_rates=None).plan(most, a_pass))
    seconds = _PLANNED * budget.remaining()
    return steps_within(seconds, timing, minimum=LEAST_STEPS, maximum=most)
