"""Batches of sentences, and training on them: what classifiers and taggers share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from holdfast.language.word_encoder import WordTensors
from holdfast.language.words import WordVocabulary, batched, epoch_batches, unspelt
from holdfast.training.budget import Budget, steps_within
from holdfast.training.loop import StepTiming, Trained, train
from holdfast.training.plan import LayerRate, Plan
from holdfast.training.progress import Progress
from holdfast.training.run_directory import RunDirectory
from holdfast.training.seed import generator
from holdfast.training.task import Task


@dataclass(frozen=True, eq=False)
class SentenceBatch:
    """What one update reads.

    Arguments:
        rows: (B,) which sentences.
        words: their words.
    """

    rows: NDArray[np.int64]
    words: WordTensors


class SentenceBatches:
    """Which sentences each update reads: a pure function of the step and the seed.

    Arguments:
        lengths: (N,) words of each sentence, at least one.
        size: sentences of a batch.
        padded: makes the tensors of some sentences.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        size: int,
        padded: Callable[[Sequence[int]], WordTensors],
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
        return cls(
            [len(sentence) for sentence in sentences],
            size,
            lambda rows: WordTensors.of(batched(vocabulary, [sentences[row] for row in rows])),
        )

    @classmethod
    def of_numbers(cls, numbers: Sequence[NDArray[np.int64]], size: int) -> SentenceBatches:
        """Batches of what is numbered already and is not spelt."""
        return cls(
            [len(one) for one in numbers],
            size,
            lambda rows: WordTensors.of(unspelt([numbers[row] for row in rows])),
        )

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

    def tensors(self, rows: Sequence[int] | NDArray[np.int64]) -> WordTensors:
        """Some sentences, padded."""
        return self._padded([int(row) for row in rows])

    def in_order(self, size: int = 64) -> list[NDArray[np.int64]]:
        """All sentences in batches of alike length, in an order that does not change."""
        order = np.argsort(self._lengths, kind="stable")
        return [order[begin : begin + size] for begin in range(0, len(order), size)]


LEAST_STEPS: Final = 10

_PLANNED = 0.92
"""Share of the time left that training plans for; scoring and writing take the rest."""


class SentenceTask(Task[SentenceBatch], Protocol):
    """Learning from batches of sentences."""

    @property
    def batches(self) -> SentenceBatches:
        """Which sentences each update reads."""
        ...


@dataclass(frozen=True, eq=False)
class SentenceResult:
    """A trained network, and how it came to be.

    Arguments:
        task: with the network.
        trained: the record of the loop.
        passes: how often each sentence was read.
    """

    task: SentenceTask
    trained: Trained
    passes: float


def train_sentences(
    make: Callable[[], SentenceTask],
    *,
    most_passes: int,
    learning_rate: float,
    budget: Budget,
    steps: int | None,
    seed: int,
    identity: str,
    progress: Progress,
    description: str = "Training",
    folder: Path | None = None,
    layer_rates: Callable[[int, int], Sequence[LayerRate]] | None = None,
) -> SentenceResult:
    """Train one network.

    Arguments:
        make: what is to be learnt, with a fresh network.
        most_passes: readings of every sentence beyond which nothing is gained.
        learning_rate: peak of the schedule.
        budget: of everything; its clock is already running.
        steps: updates in place of the budget.
        seed: of everything random.
        identity: of the data, the design and all that was asked for: the time, too.
        progress: is told of every update.
        description: what the progress shows.
        folder: for checkpoints, from which a killed run goes on; None for none.
        layer_rates: of the network's parts, from the updates of the run and of a pass; None for
            one rate.

    Raises:
        NonFiniteLossError: training failed; names the sentences.
        ModelError: the checkpoint in `folder` is of another run.
    """
    inputs = {"identity": identity, "steps": steps, "seed": seed}
    directory = None if folder is None else RunDirectory(folder, inputs)
    found = None if directory is None else directory.decisions()
    task = make()
    if found is not None and type(found.get("steps")) is int:
        updates = max(int(found["steps"]), 1)
    else:
        updates = _decided_steps(task, most_passes, learning_rate, budget, steps, seed)
        if directory is not None:
            directory.keep({"steps": updates})
    trained = train(
        task,
        sentence_plan(updates, task.batches.a_pass, learning_rate, seed, layer_rates),
        folder=None if directory is None else directory.checkpoints(),
        identity=identity,
        progress=progress,
        description=description,
        # A safety net, which must not take away the least that is promised.
        deadline=None if steps is not None or updates <= LEAST_STEPS else budget.deadline,
    )
    return SentenceResult(task, trained, trained.steps / task.batches.a_pass)


def sentence_plan(
    steps: int,
    a_pass: int,
    learning_rate: float,
    seed: int,
    layer_rates: Callable[[int, int], Sequence[LayerRate]] | None = None,
) -> Plan:
    """The training plan of a classifier or a tagger.

    Arguments:
        steps: updates.
        a_pass: updates of one pass over all sentences.
        learning_rate: peak of the schedule.
        seed: of the sentences and of dropout.
        layer_rates: of the network's parts, as in `train_sentences`.
    """
    return Plan(
        steps=steps,
        learning_rate=learning_rate,
        weight_decay=0.01,
        warmup=min(100, max(steps // 10, 1)),
        clip=5.0,
        evaluate_every=max(a_pass // 2, 1),
        patience=20,
        average=0.2,
        seed=seed,
        layer_rates=() if layer_rates is None else tuple(layer_rates(steps, a_pass)),
    )


def _decided_steps(
    task: SentenceTask,
    most_passes: int,
    learning_rate: float,
    budget: Budget,
    steps: int | None,
    seed: int,
) -> int:
    if steps is not None:
        return steps
    most = max(most_passes * task.batches.a_pass, LEAST_STEPS)
    if budget.seconds is None:
        return most
    timing = StepTiming(task, sentence_plan(most, task.batches.a_pass, learning_rate, seed))
    seconds = _PLANNED * budget.remaining()
    return steps_within(seconds, timing, minimum=LEAST_STEPS, maximum=most)
