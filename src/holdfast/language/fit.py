"""Training a language model within a budget."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from holdfast.errors import ArgumentError, ModelError
from holdfast.language.choose import choose_design
from holdfast.language.corpus import Corpus
from holdfast.language.design import LanguageDesign
from holdfast.language.evaluate import WINDOW, surprises
from holdfast.language.task import LanguageTask
from holdfast.language.wishes import Wishes
from holdfast.training.budget import Budget, steps_within, update_seconds
from holdfast.training.interrupts import Interrupts
from holdfast.training.loop import Trained, train
from holdfast.training.plan import Plan
from holdfast.training.progress import Progress
from holdfast.training.run_directory import RunDirectory
from holdfast.training.step_timing import StepTiming

LEAST_STEPS: Final = 20
"""Updates, however little time there is."""

MOST_PASSES: Final = 60.0
"""Readings of a text beyond which nothing is gained, where there is no budget."""

_PLANNED = 0.93
"""Share of the time left that training plans for; scoring and writing take the rest."""

_USUAL = 6e9
"""Multiplications and additions of one update, before a design is chosen."""

_SPEED = 4e10
"""Multiplications and additions a second on one thread, before anything was timed."""


@dataclass(frozen=True, eq=False)
class LanguageFit:
    """A trained network, and how it came to be.

    Arguments:
        task: with the network.
        trained: the record of the loop.
        threads: on which it was trained.
        seed: of everything random.
    """

    task: LanguageTask
    trained: Trained
    threads: int
    seed: int


@dataclass(frozen=True)
class _Decisions:
    """What is decided once, so that a killed run goes on with it."""

    design: LanguageDesign
    steps: int
    threads: int

    def to_json(self) -> dict[str, object]:
        return {"design": self.design.to_json(), "steps": self.steps, "threads": self.threads}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> _Decisions:
        try:
            design = LanguageDesign.from_json(found["design"])
            return cls(design, max(int(found["steps"]), 1), max(int(found["threads"]), 1))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"The notes of an earlier training are damaged ({error}); delete their folder."
            ) from error


def fit(
    corpus: Corpus,
    *,
    design: LanguageDesign | None,
    wishes: Wishes,
    budget: Budget,
    steps: int | None,
    seed: int,
    progress: Progress,
    folder: Path | None,
    announce: Callable[[LanguageTask, int, int], None] | None = None,
    interrupts: Interrupts | None = None,
) -> LanguageFit:
    """Train a network on a text.

    Arguments:
        corpus: from `corpus.prepare`.
        design: the network's sizes; None to choose what fits the text and the time.
        wishes: what the caller asks of the choice.
        budget: of everything; its clock is already running.
        steps: updates in place of the budget.
        seed: of everything random.
        progress: is told of every update.
        folder: for checkpoints, from which a killed run goes on; None for none.
        announce: is given the task, its steps and its threads before training begins.
        interrupts: watches for Ctrl-C.

    Raises:
        ArgumentError: a design is given, and wishes for a choice, too.
        NonFiniteLossError: training failed.
        ModelError: the checkpoint in `folder` is of another run.
    """
    if design is not None and wishes != Wishes():
        raise ArgumentError("Give a design, or sizes and dropout for one that is chosen; not both.")
    identity = {
        "text": corpus.identity,
        "budget": budget.seconds,
        "steps": steps,
        "seed": seed,
        "design": None if design is None else design.to_json(),
        "wishes": wishes.to_json(),
    }
    directory = None if folder is None else RunDirectory(folder, identity)
    found = None if directory is None else directory.decisions()
    if found is None:
        decisions = _decide(corpus, design, wishes, budget, steps, seed)
        if directory is not None:
            directory.keep(decisions.to_json())
    else:
        decisions = _Decisions.from_json(found)
    before = torch.get_num_threads()
    torch.set_num_threads(decisions.threads)
    try:
        task = LanguageTask(decisions.design, corpus, seed)
        if announce is not None:
            announce(task, decisions.steps, decisions.threads)
        trained = train(
            task,
            language_plan(decisions.design, decisions.steps, seed),
            folder=None if directory is None else directory.checkpoints(),
            identity=corpus.identity,
            progress=_WithSpeed(progress, decisions.design),
            description="Training",
            # A safety net, which must not take away the least that is promised.
            deadline=None
            if steps is not None or decisions.steps <= LEAST_STEPS
            else budget.deadline,
            interrupts=interrupts,
        )
    finally:
        torch.set_num_threads(before)
    return LanguageFit(task, trained, decisions.threads, seed)


def language_plan(design: LanguageDesign, steps: int, seed: int) -> Plan:
    """The training plan of a language model."""
    return Plan(
        steps=steps,
        learning_rate=design.learning_rate,
        weight_decay=0.1,
        betas=(0.9, 0.99),
        warmup=min(100, max(steps // 10, 1)),
        clip=1.0,
        evaluate_every=max(steps // 20, 10),
        patience=20,
        average=0.1,
        seed=seed,
    )


def _decide(
    corpus: Corpus,
    design: LanguageDesign | None,
    wishes: Wishes,
    budget: Budget,
    steps: int | None,
    seed: int,
) -> _Decisions:
    threads = torch.get_num_threads()
    tokens = len(corpus.training)
    if design is None:
        flops = math.inf
        if steps is not None:
            flops = steps * _USUAL
        elif budget.seconds is not None:
            flops = _PLANNED * budget.remaining() * _SPEED * min(threads, 4)
            first = _chosen(corpus, flops, wishes)
            seconds = _PLANNED * budget.remaining()
            flops = seconds * _measured_speed(first, corpus, seed, seconds)
        design = _chosen(corpus, flops, wishes)
    if steps is not None:
        return _Decisions(design, steps, threads)
    task = LanguageTask(design, corpus, seed)
    most = max(math.ceil(MOST_PASSES * tokens / (design.window * design.batch)), LEAST_STEPS)
    if budget.seconds is None:
        return _Decisions(design, most, threads)
    timing = StepTiming(task, language_plan(design, most, seed))
    counted = steps_within(
        _PLANNED * budget.remaining() - _scoring_seconds(task, corpus),
        timing,
        minimum=LEAST_STEPS,
        maximum=10 * most,
    )
    return _Decisions(design, counted, threads)


def _chosen(corpus: Corpus, flops: float, wishes: Wishes) -> LanguageDesign:
    tokens = corpus.tokens
    return choose_design(tokens.kind, tokens.size, len(corpus.training), flops, wishes)


def _measured_speed(design: LanguageDesign, corpus: Corpus, seed: int, seconds: float) -> float:
    """Multiplications and additions a second of training, from some updates."""
    timing = StepTiming(LanguageTask(design, corpus, seed), _TIMING)
    try:
        each, _ = update_seconds(seconds, timing)
    except TimeoutError:
        each = max(seconds, 1e-9)  # nothing may be left at all
    return design.flops_per_token() * design.window * design.batch / each


_TIMING = Plan(steps=10)


def _scoring_seconds(task: LanguageTask, corpus: Corpus) -> float:
    """What scoring the held-out text in one stream will take, from a piece of it."""
    piece = corpus.validation[: 2 * WINDOW + 1]
    begin = time.monotonic()
    for _ in surprises(task.module.network, piece):
        pass
    task.module.train()
    return (time.monotonic() - begin) * len(corpus.validation) / max(len(piece) - 1, 1)


class _WithSpeed:
    """Adds tokens a second to what a progress shows."""

    def __init__(self, inner: Progress, design: LanguageDesign) -> None:
        self._inner = inner
        self._each = design.window * design.batch
        self._begun: float | None = None
        self._first = 0
        self._note = ""

    def start(self, total: int, description: str) -> None:
        """A run of `total` updates begins."""
        self._inner.start(total, description)

    def advance(self, step: int, loss: float, note: str = "") -> None:
        """Update `step` is done."""
        now = time.monotonic()
        if self._begun is None:
            self._begun, self._first = now, step
        self._note = note or self._note
        seconds = now - self._begun
        speed = ""
        if seconds > 1.0:
            speed = f"{(step - self._first) * self._each / seconds:,.0f} tokens/s"
        self._inner.advance(step, loss, ", ".join(filter(None, [self._note, speed])))

    def message(self, text: str) -> None:
        """Say a sentence."""
        self._inner.message(text)

    def stop(self) -> None:
        """The run has ended."""
        self._inner.stop()
