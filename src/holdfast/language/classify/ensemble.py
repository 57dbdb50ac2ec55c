"""Networks of a classifier, trained one after another."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from torch import nn

from holdfast.language.classify.division import stopping
from holdfast.language.classify.model import ClassifierNetwork
from holdfast.language.classify.readers import Reader
from holdfast.language.classify.started import StartedNetwork, layer_rates
from holdfast.language.classify.stored import MOST_NETWORKS, Network
from holdfast.language.classify.task import ClassifyingTask
from holdfast.language.sentence_fit import fit_sentences
from holdfast.training.budget import Budget
from holdfast.training.loop import Trained
from holdfast.training.progress import Progress

Part = Literal["", "all"]
"""Which texts networks learn from: some, or all after that."""

BATCH: Final = 32

LEAST_PASSES: Final = 3
MOST_PASSES: Final = 30
USUAL_STEPS: Final = 600
"""Updates that are enough, if they read the texts often enough: on SST-2 with the rate below, 600
give 80.8 % and 1,200 give 79.9 (3 networks, mean of two seeds)."""
RATE: Final = 0.01
"""Peak of the learning rate from nothing. On SST-2's dev sentences, 3 networks of 600 updates, mean
of two seeds: 79.8 % with 0.002, 80.3 with 0.005; with an encoder of short timescales 80.2 with
0.005 and 80.8 with 0.010."""

SECOND: Final = 1 << 20
"""Far from any seed that is given, for networks that learn from all texts."""

STARTED_RATE: Final = 1e-2
"""Of what stands above a language model; its own layers learn more slowly."""


def passes_wanted(texts: int) -> int:
    """How often texts are read at most: few of them more often.

    Example:
        >>> passes_wanted(6_000), passes_wanted(500)
        (4, 30)
    """
    passes = math.ceil(USUAL_STEPS * BATCH / max(texts, 1))
    return min(max(passes, LEAST_PASSES), MOST_PASSES)


def folder_of(checkpoints: Path, number: int, part: Part = "") -> Path:
    """Where the checkpoints of a network lie."""
    return checkpoints / "-".join(filter(None, ["network", part, str(number)]))


@dataclass(frozen=True, eq=False)
class Beginning:
    """What a network is before it learns, and how it reads.

    Arguments:
        reader: makes numbers of a text.
        make: a fresh network.
        layers: of the language model that it starts from; 0 for one that knows nothing.
    """

    reader: Reader
    make: Callable[[], nn.Module]
    layers: int = 0


@dataclass(frozen=True, eq=False)
class Member:
    """A trained network, and the record of its training."""

    network: Network
    trained: Trained


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Trains networks on labelled texts, each with another part of them to choose its weights by.

    Arguments:
        texts, labels: N of each.
        counts: (K,) how much each label counts.
        steps: updates of a network; None for what the budget allows.
        seed: of everything random.
        identity: of the texts and of all that was asked for.
        clock: of the budget, already running.
        progress: is told of every update.
        checkpoints: folder from which a killed training goes on; None for none.
    """

    texts: Sequence[str]
    labels: NDArray[np.int64]
    counts: NDArray[np.float64]
    steps: int | None
    seed: int
    identity: str
    clock: Budget
    progress: Progress
    checkpoints: Path | None

    def train(
        self, beginnings: Sequence[Beginning], rows: NDArray[np.int64], part: Part = ""
    ) -> list[Member]:
        """Train one network after another, in equal shares of the time that is left.

        Arguments:
            beginnings: one for each network.
            rows: which texts they learn from.
            part: "all" where these are all texts, after others were learnt from.

        Returns:
            Fewer than were asked for where the time is over or Ctrl-C was pressed.
        """
        made: list[Member] = []
        for number, beginning in enumerate(beginnings):
            left = len(beginnings) - number
            seconds = None
            if self.clock.seconds is not None:
                seconds = max(0.92 * self.clock.remaining() / left, 1.0)
            own, held = (rows[some] for some in stopping(self.labels[rows], self.seed, number))
            # Those of another part begin with weights of their own.
            seed = (self.seed + (SECOND if part else 0)) * MOST_NETWORKS + number
            fit = fit_sentences(
                partial(self._task, beginning, own, held, seed),
                most_passes=passes_wanted(len(own)),
                learning_rate=STARTED_RATE if beginning.layers else RATE,
                budget=Budget(seconds),
                steps=self.steps,
                seed=seed,
                identity=self.identity,
                progress=self.progress,
                description=f"Network {number + 1} of {len(beginnings)}"
                + (f", on {part} texts" if part else ""),
                folder=None
                if self.checkpoints is None
                else folder_of(self.checkpoints, number, part),
                layer_rates=partial(layer_rates, beginning.layers) if beginning.layers else None,
            )
            network = fit.task.module.eval()
            assert isinstance(network, ClassifierNetwork | StartedNetwork)
            made.append(Member(network, fit.trained))
            if fit.trained.stopped == "interrupted" or self.clock.remaining() <= 0.0:
                break
        return made

    @staticmethod
    def complete(members: Sequence[Member], beginnings: Sequence[Beginning]) -> bool:
        """Whether all networks were trained and nobody pressed Ctrl-C."""
        stopped = [member.trained.stopped for member in members]
        return len(members) == len(beginnings) and "interrupted" not in stopped

    def _task(
        self, beginning: Beginning, own: NDArray[np.int64], held: NDArray[np.int64], seed: int
    ) -> ClassifyingTask:
        return ClassifyingTask(
            beginning.make,
            beginning.reader,
            [self.texts[row] for row in own],
            self.labels[own],
            [self.texts[row] for row in held],
            self.labels[held],
            self.counts,
            BATCH,
            seed,
        )
