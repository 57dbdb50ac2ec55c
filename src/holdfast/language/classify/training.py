"""Training a classifier: held-out texts, networks, log-linear model, blend and calibration."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from torch import nn

from holdfast.language.classify.log_linear import BagFitting
from holdfast.language.classify.model import (
    MOST_NETWORKS,
    Network,
    StoredClassifier,
    blended,
    network_scores,
)
from holdfast.language.classify.networks import (
    ClassifierNetwork,
    ClassifyingTask,
    Reader,
    StartedNetwork,
    TokenReader,
    WordReader,
    layer_rates,
    started_from,
)
from holdfast.language.classify.scores import (
    beside,
    classifier_scores,
    probabilities,
    share_and_temperature,
)
from holdfast.language.language_model import LanguageModel
from holdfast.language.sentence_training import fit_sentences
from holdfast.language.word_encoder import EncoderDesign
from holdfast.language.words import WordVocabulary, cut_words, shortened
from holdfast.records import ClassifierScores, WarmStartComparison
from holdfast.storage import digest
from holdfast.training.budget import Budget
from holdfast.training.loop import Trained
from holdfast.training.progress import Progress
from holdfast.training.seed import generator
from holdfast.training.weights import weights_digest

SCORING: Final = 0.12
"""Share of the texts on which probabilities are calibrated and scores are printed."""

STOPPING: Final = 0.09
"""Share of the others by which a network's weights are chosen; another part for each network."""

FEWEST: Final = 20
"""Texts below which none are held out."""

_GOLDEN: Final = 0.6180339887498949
"""Steps by the golden ratio spread each part evenly over the order of the labels."""


def divided(labels: NDArray[np.int64], seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Texts to learn from, and texts to score on; labels in equal shares."""
    if len(labels) < FEWEST:
        return np.arange(len(labels)), np.zeros(0, dtype=np.int64)
    phase = _phases(labels, seed)
    return np.flatnonzero(phase >= SCORING), np.flatnonzero(phase < SCORING)


def stopping(
    labels: NDArray[np.int64], seed: int, number: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which of the texts that are learnt from train a network, and which choose its weights.

    Arguments:
        labels: of the texts that are learnt from.
        seed: of the draws.
        number: of the network; networks that follow one another leave out different texts, so that
            together they learn from all.

    Returns:
        Places among `labels`.
    """
    if len(labels) < FEWEST - round(SCORING * FEWEST):
        return np.arange(len(labels)), np.zeros(0, dtype=np.int64)
    phase = (_phases(labels, seed) - number * STOPPING) % 1.0
    return np.flatnonzero(phase >= STOPPING), np.flatnonzero(phase < STOPPING)


def _phases(labels: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    order = generator(seed, "division").permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    phase = np.empty(len(labels))
    phase[order] = (np.arange(len(order)) * _GOLDEN) % 1.0
    return phase


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


NETWORKS: Final = "LSTMs alone"
BAG: Final = "words, pairs and pieces alone"

PIECES: Final = 64
"""Numbers that describe a piece of a word."""

ANEW: Final = 1.15
"""Times what the judged networks took has to be left for those that learn from all texts: they read
that much more."""


@dataclass(frozen=True, eq=False)
class Asked:
    """What `TextClassifier` was asked for.

    Arguments:
        steps: updates of a network; None for what the budget allows.
        networks: how many.
        hidden, embedding: sizes.
        balanced: whether labels count alike.
        blend: whether a bag of words, pairs and pieces is blended in.
        seed: of everything random.
        start: a language model from which networks start; None to start from nothing.
    """

    steps: int | None
    networks: int
    hidden: int
    embedding: int
    balanced: bool
    blend: bool
    seed: int
    start: LanguageModel | None


@dataclass(frozen=True, eq=False)
class ClassifierFit:
    """A trained classifier.

    Arguments:
        kept: all that predictions need.
        scores: on texts that were held out; None where there were too few.
        trained: the record of each network's training.
        learning, scoring: which texts were learnt from, and which were scored.
        chances: (N, K) the probabilities that were scored.
        judged: with the networks that were scored; `kept` may hold others like them in their place,
            which learnt from all texts.
    """

    kept: StoredClassifier
    scores: ClassifierScores | None
    trained: tuple[Trained, ...]
    learning: NDArray[np.int64]
    scoring: NDArray[np.int64]
    chances: NDArray[np.float64]
    judged: StoredClassifier

    @property
    def anew(self) -> bool:
        """Whether networks that learnt from all texts are kept in place of the scored ones."""
        return self.kept.members[0] is not self.judged.members[0]


def fit_classifier(
    asked: Asked,
    texts: Sequence[str],
    labels: NDArray[np.generic],
    clock: Budget,
    progress: Progress,
    checkpoints: Path | None,
) -> ClassifierFit:
    """Train and judge a classifier.

    Networks that learn from a part of the texts are judged on the rest; where as much time is left
    as they took, others of their kind learn from all texts and are kept in their place, with the
    share and the temperature that suited the first.

    Arguments:
        asked: sizes and seeds.
        texts, labels: N of each.
        clock: of the budget, already running.
        progress: is told of every update.
        checkpoints: folder from which a killed training goes on; None for none.
    """
    classes, numbers = np.unique(labels, return_inverse=True)
    numbers = numbers.astype(np.int64)
    learning, scoring = divided(numbers, asked.seed)
    counts = _label_counts(numbers[learning], len(classes), asked.balanced)
    described = repr((replace(asked, start=None), clock.seconds, texts, labels.tolist()))
    identity = digest(described)
    if asked.start is not None:
        identity += weights_digest(asked.start.network)
    learnt = [texts[row] for row in learning]
    bag = fitting = None
    if asked.blend:  # first, so that the networks share out the time that it leaves
        fitting = BagFitting.settled(learnt, numbers[learning], counts, clock)
        begin = time.monotonic()
        bag = fitting.fit(learnt, numbers[learning], counts)
        # Kept for the bag of all texts and for the simple methods, which take about as long.
        clock = clock.less(2.0 * (time.monotonic() - begin))
    fresh = _from_nothing(asked, learnt, len(classes))
    beginning = fresh if asked.start is None else _from_language(asked.start, len(classes))
    ensemble = Ensemble(
        texts, numbers, counts, asked.steps, asked.seed, identity, clock, progress, checkpoints
    )
    plans = [beginning] * asked.networks
    if asked.start is not None:
        plans.append(fresh)  # the one beside which the start is judged
    members = ensemble.train(plans, learning)
    trained = [member.trained for member in members]
    complete = ensemble.complete(members, plans)
    beginner = members.pop().network if asked.start is not None and complete else None
    reader, made = beginning.reader, [member.network for member in members]
    kept = StoredClassifier.of(reader, classes, made, bag)
    if not len(scoring):
        nothing = np.zeros((0, len(classes)))
        return ClassifierFit(kept, None, tuple(trained), learning, scoring, nothing, kept)
    truth, unseen = numbers[scoring], [texts[row] for row in scoring]
    start = None
    if beginner is not None:
        start = _compared(
            network_scores(reader, made[:1], unseen, len(classes)).argmax(axis=1) == truth,
            network_scores(fresh.reader, [beginner], unseen, len(classes)).argmax(axis=1) == truth,
        )
    ours = network_scores(reader, made, unseen, len(classes))
    theirs = None if bag is None else bag.log_probabilities(unseen)
    chances, share, warmth = _judged(ours, theirs, truth)
    named = [str(one) for one in classes.tolist()]
    simple = beside(learnt, numbers[learning], unseen)
    parts = {}
    if theirs is not None:
        parts = {
            NETWORKS: float((ours.argmax(axis=1) == truth).mean()),
            BAG: float((theirs.argmax(axis=1) == truth).mean()),
        }
    scores = classifier_scores(
        chances,
        [named[number] for number in truth],
        named,
        {name: float((said == truth).mean()) for name, said in simple.items()},
        parts,
        start,
    )
    judged = StoredClassifier.of(reader, classes, made, bag, share, warmth)
    if fitting is not None and share:  # settled, so that the bag can learn from the rest as well
        bag = fitting.fit(texts, numbers, _label_counts(numbers, len(classes), asked.balanced))
    took = sum(member.trained.seconds for member in members)
    if complete and clock.remaining() > ANEW * took:
        if asked.start is None:
            beginning = _from_nothing(asked, texts, len(classes))
        plans = [beginning] * asked.networks
        others = ensemble.train(plans, np.arange(len(texts)), "all")
        trained += [other.trained for other in others]
        if ensemble.complete(others, plans):
            reader, made = beginning.reader, [other.network for other in others]
    kept = StoredClassifier.of(reader, classes, made, bag, share, warmth)
    return ClassifierFit(kept, scores, tuple(trained), learning, scoring, chances, judged)


def _judged(
    networks: NDArray[np.float64], bag: NDArray[np.float64] | None, truth: NDArray[np.int64]
) -> tuple[NDArray[np.float64], float, float]:
    """Probabilities, each half by the other's share and temperature; and those of all together."""
    halves = np.arange(len(truth)) % 2 == 0
    chances = np.empty_like(networks)
    for half in (halves, ~halves):
        other = None if bag is None else bag[~half]
        share, warmth = share_and_temperature(networks[~half], other, truth[~half])
        scores = networks[half] if bag is None else blended(networks[half], bag[half], share)
        chances[half] = probabilities(scores / warmth)
    return chances, *share_and_temperature(networks, bag, truth)


def _from_nothing(asked: Asked, learnt: Sequence[str], labels: int) -> Beginning:
    """A network that knows nothing but the words of the texts."""
    reader = WordReader(WordVocabulary.counted([shortened(cut_words(text)) for text in learnt]))
    design = EncoderDesign(
        len(reader.vocabulary.words) + 2,
        len(reader.vocabulary.letters) + 2,
        embedding=asked.embedding,
        spelling=0,
        pieces=PIECES,
        hidden=asked.hidden,
        dropout=0.5,
    )
    return Beginning(reader, partial(ClassifierNetwork, design, labels))


def _from_language(model: LanguageModel, labels: int) -> Beginning:
    """A network that begins as a language model."""
    network = model.network
    make = partial(started_from, network, labels)
    return Beginning(TokenReader(model.tokens), make, len(network.layers))


def _label_counts(numbers: NDArray[np.int64], labels: int, balanced: bool) -> NDArray[np.float64]:
    """(K,) how much each label counts."""
    found = np.bincount(numbers, minlength=labels).astype(np.float64)
    if not balanced:
        return np.ones(labels)
    return np.asarray(len(numbers) / (labels * np.maximum(found, 1.0)))


def _compared(started: NDArray[np.bool_], scratch: NDArray[np.bool_]) -> WarmStartComparison:
    """Two networks on the same texts: whether each was right."""
    gain = started.astype(np.float64) - scratch
    error = float(gain.std(ddof=1) / np.sqrt(len(gain))) if len(gain) > 1 else 0.0
    return WarmStartComparison(
        float(started.mean()), float(scratch.mean()), float(gain.mean()), error
    )
