"""Training on sentences within a budget: what classifiers and taggers share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from holdfast.language.sentence_task import SentenceBatch, SentenceBatches
from holdfast.training.budget import Budget, steps_within
from holdfast.training.interrupts import Interrupts
from holdfast.training.loop import Trained, train
from holdfast.training.plan import LayerRate, Plan
from holdfast.training.progress import Progress
from holdfast.training.run_directory import RunDirectory
from holdfast.training.step_timing import StepTiming
from holdfast.training.task import Task

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
class SentenceFit:
    """A trained network, and how it came to be.

    Arguments:
        task: with the network.
        trained: the record of the loop.
        passes: how often each sentence was read.
    """

    task: SentenceTask
    trained: Trained
    passes: float


def fit_sentences(
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
    interrupts: Interrupts | None = None,
    layer_rates: Callable[[int, int], Sequence[LayerRate]] | None = None,
) -> SentenceFit:
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
        interrupts: watches for Ctrl-C.
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
        interrupts=interrupts,
    )
    return SentenceFit(task, trained, trained.steps / task.batches.a_pass)


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
        layer_rates: of the network's parts, as in `fit_sentences`.
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
