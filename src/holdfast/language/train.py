"""Training a language model within a budget: truncated backpropagation with a carried state."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from holdfast.errors import ModelError
from holdfast.language.corpus import Corpus
from holdfast.language.design import LanguageDesign, Overrides, choose_design, design_words
from holdfast.language.network import LanguageNetwork, States
from holdfast.language.score import WINDOW, mean_loss, surprises
from holdfast.records import PlannedText
from holdfast.training.budget import Budget, steps_within, update_seconds
from holdfast.training.loop import StepTiming, Trained, train
from holdfast.training.plan import Plan
from holdfast.training.progress import Progress
from holdfast.training.run_directory import RunDirectory
from holdfast.training.seed import generator, seeded, torch_seed
from holdfast.training.threads import torch_threads

LEAST_STEPS: Final = 20
"""Updates, however little time there is."""

MOST_PASSES: Final = 60.0
"""Readings of a text beyond which nothing is gained, where there is no budget."""

_PLANNED: Final = 0.93
"""Share of the time left that training plans for; scoring and writing take the rest."""

_USUAL: Final = 6e9
"""Multiplications and additions of one update, before a design is chosen."""

_SPEED: Final = 4e10
"""Multiplications and additions a second on one thread, before anything was timed."""

_TIMING: Final = Plan(steps=10)
"""Of the updates that are only timed."""

WATCHED: Final = 65_536
"""Tokens of the validation text on which training is watched; all of them count in the end."""

SCORES: Final = 1 << 29
"""Scores of tokens in a validation, where the softmax is sampled in training."""


class CarriedNetwork(nn.Module):
    """A network and the state in which the last window left it.

    The state is a buffer, so that a checkpoint holds it and a resumed run goes on exactly.
    """

    def __init__(self, design: LanguageDesign) -> None:
        super().__init__()
        self.network = LanguageNetwork(design)
        for place, (_, units) in enumerate(design.sizes()):
            for part in "hc":
                self.register_buffer(f"{part}{place}", torch.zeros(1, design.batch, units))

    @property
    def states(self) -> States:
        """h and c of each layer."""
        places = range(len(self.network.layers))
        return tuple((getattr(self, f"h{place}"), getattr(self, f"c{place}")) for place in places)

    def keep(self, states: States) -> None:
        """Carry these states to the next window; no gradient goes back through them."""
        for mine, after in zip(self.states, states, strict=True):
            for buffer, part in zip(mine, after, strict=True):
                buffer.copy_(part.detach())

    def begin(self) -> None:
        """Forget what was read."""
        for state in self.states:
            for buffer in state:
                buffer.zero_()


@dataclass(frozen=True, eq=False)
class TextBatch:
    """What one update reads: tokens (T, B), those that follow, and whether the streams begin."""

    ids: Tensor
    targets: Tensor
    first: bool


class LanguageTask:
    """Learning to predict the next token of a text.

    The text is divided into B streams of equal length, which are read side by side, window after
    window, the state carried from each to the next. Windows of later passes begin elsewhere, so
    that gradients are not always cut at the same places.
    """

    def __init__(self, design: LanguageDesign, corpus: Corpus, seed: int) -> None:
        self.design = design
        self.corpus = corpus
        streams = corpus.training
        self._length = len(streams) // design.batch
        self._begins = np.arange(design.batch) * self._length
        window = min(design.window, self._length - 1)
        # One window is left to shift the borders by.
        self._window = window
        self.windows = max((self._length - 1) // window - 1, 1)
        with seeded(torch_seed(seed, "initial weights"), torch.device("cpu")):
            self.module = CarriedNetwork(design)

    def batch(self, step: int, seed: int) -> TextBatch:
        """The windows of update `step`."""
        epoch, place = divmod(step - 1, self.windows)
        room = self._length - self.windows * self._window
        shift = int(generator(seed, "shift", epoch).integers(room)) if room > 1 else 0
        begin = shift + place * self._window
        columns = self._begins[:, None] + begin + np.arange(self._window + 1)
        ids = torch.from_numpy(self.corpus.training[columns].T.astype(np.int64))
        return TextBatch(ids[:-1].contiguous(), ids[1:].contiguous(), place == 0)

    def losses(self, module: nn.Module, batch: TextBatch) -> Tensor:
        """(B,) mean surprise of each stream's window in nats."""
        assert isinstance(module, CarriedNetwork)
        if batch.first:
            module.begin()
        network = module.network
        # Copies: the buffers change before the gradient is worked out.
        before = tuple((h.clone(), c.clone()) for h, c in module.states)
        states, after = network(batch.ids, before)
        module.keep(after)
        return network.losses(states, batch.targets).mean(dim=0)

    def names(self, batch: TextBatch, rows: Sequence[int]) -> Sequence[str]:
        """Where in the text some streams are."""
        del batch
        return [f"the text from token {self._begins[row]:,} on" for row in rows]

    def validate(self, module: nn.Module) -> float | None:
        """Mean surprise on the beginning of the validation text, in nats a token."""
        assert isinstance(module, CarriedNetwork)
        watched = WATCHED
        if self.design.sampled:  # where scoring the whole vocabulary is what costs
            watched = min(watched, max(SCORES // self.design.vocabulary, 1_000))
        return mean_loss(module.network, self.corpus.validation[: watched + 1])


@dataclass(frozen=True, eq=False)
class LanguageResult:
    """A trained language model, the record of the loop, and the threads on which it was trained."""

    task: LanguageTask
    trained: Trained
    threads: int


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


def train_language(
    corpus: Corpus,
    *,
    design: LanguageDesign | None,
    overrides: Overrides,
    budget: Budget,
    steps: int | None,
    seed: int,
    progress: Progress,
    folder: Path | None,
    announce: Callable[[PlannedText], None] | None = None,
) -> LanguageResult:
    """Train a network on a text, within a budget whose clock runs already, or for `steps` updates.

    A run that was killed goes on from `folder`; `announce` is given the plan before it begins.
    """
    identity = {
        "text": corpus.identity,
        "budget": budget.seconds,
        "steps": steps,
        "seed": seed,
        "design": None if design is None else design.to_json(),
        "overrides": overrides.to_json(),
    }
    directory = None if folder is None else RunDirectory(folder, identity)
    found = None if directory is None else directory.decisions()
    if found is None:
        decisions = _decide(corpus, design, overrides, budget, steps, seed)
        if directory is not None:
            directory.keep(decisions.to_json())
    else:
        decisions = _Decisions.from_json(found)
    # The deadline is a safety net, which must not take away the least that is promised.
    unlimited = steps is not None or decisions.steps <= LEAST_STEPS
    with torch_threads(decisions.threads):
        task = LanguageTask(decisions.design, corpus, seed)
        if announce is not None:
            announce(_planned(task, decisions))
        trained = train(
            task,
            language_plan(decisions.design, decisions.steps, seed),
            folder=None if directory is None else directory.checkpoints(),
            identity=corpus.identity,
            progress=_WithSpeed(progress, decisions.design),
            deadline=None if unlimited else budget.deadline,
        )
    return LanguageResult(task, trained, decisions.threads)


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


def _planned(task: LanguageTask, decisions: _Decisions) -> PlannedText:
    corpus, design = task.corpus, task.design
    return PlannedText(
        kind=corpus.tokenizer.kind,
        vocabulary=corpus.tokenizer.size,
        learnt=len(corpus.training),
        held_out=len(corpus.validation),
        parameters=sum(weight.numel() for weight in task.module.network.parameters()),
        design=tuple(design_words(design).items()),
        steps=decisions.steps,
        passes=decisions.steps * design.batch * design.window / len(corpus.training),
        threads=decisions.threads,
    )


def _decide(
    corpus: Corpus,
    design: LanguageDesign | None,
    overrides: Overrides,
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
            first = _chosen(corpus, flops, overrides)
            seconds = _PLANNED * budget.remaining()
            flops = seconds * _measured_speed(first, corpus, seed, seconds)
        design = _chosen(corpus, flops, overrides)
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


def _chosen(corpus: Corpus, flops: float, overrides: Overrides) -> LanguageDesign:
    tokens = corpus.tokenizer
    return choose_design(tokens.kind, tokens.size, len(corpus.training), flops, overrides)


def _measured_speed(design: LanguageDesign, corpus: Corpus, seed: int, seconds: float) -> float:
    """Multiplications and additions a second of training, from some updates."""
    timing = StepTiming(LanguageTask(design, corpus, seed), _TIMING)
    try:
        each, _ = update_seconds(seconds, timing)
    except TimeoutError:
        each = max(seconds, 1e-9)  # nothing may be left at all
    return design.flops_per_token() * design.window * design.batch / each


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
