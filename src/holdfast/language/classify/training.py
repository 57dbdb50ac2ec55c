"""Training a classifier: held-out texts, networks, log-linear model, blend and calibration."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from torch import nn

from holdfast.language.classify.log_linear import LogLinearFit
from holdfast.language.classify.model import (
    MOST_NETWORKS,
    FittedClassifier,
    Network,
    blended,
    network_scores,
)
from holdfast.language.classify.networks import (
    ClassifierNetwork,
    ClassifyingTask,
    FineTunedNetwork,
    Reader,
    TokenReader,
    WordReader,
    fine_tuned_from,
    layer_rates,
)
from holdfast.language.classify.scores import (
    classifier_scores,
    probabilities,
    share_and_temperature,
    simple_predictions,
)
from holdfast.language.language_model import LanguageModel
from holdfast.language.sentence_training import SentenceSchedule, train_sentences
from holdfast.language.word_encoder import EncoderDesign
from holdfast.language.words import WordVocabulary, cut_words, shortened
from holdfast.records import ClassifierScores, WarmStartComparison
from holdfast.storage import digest
from holdfast.training.budget import Budget
from holdfast.training.loop import Trained
from holdfast.training.progress import Progress
from holdfast.training.seed import generator
from holdfast.training.weights import weights_digest

HELD_OUT: Final = 0.12
"""Share of the texts on which probabilities are calibrated and scores are printed."""

VALIDATION: Final = 0.09
"""Share of the others by which a network's weights are chosen; another part for each network."""

FEWEST: Final = 20
"""Texts below which none are held out."""

BATCH: Final = 32
LEAST_PASSES: Final = 3
MOST_PASSES: Final = 30

USUAL_STEPS: Final = 600
"""Updates that are enough, if they read the texts often enough: on SST-2 with the rate below, 600
give 80.8 % and 1,200 give 79.9 (3 networks, mean of two seeds)."""

RATE: Final = 0.01
"""Peak of the learning rate from scratch. On SST-2's dev sentences, 3 networks of 600 updates, mean
of two seeds: 79.8 % with 0.002, 80.3 with 0.005; with an encoder of short timescales 80.2 with
0.005 and 80.8 with 0.010."""

FINE_TUNING_RATE: Final = 1e-2
"""Of what stands above a language model; the layers of the language model learn more slowly."""

PIECES: Final = 64
"""Numbers that describe a piece of a word."""

RETRAINING: Final = 1.15
"""Times what the scored networks took has to be left for those that learn from all texts: they read
that much more."""

NETWORKS_ALONE: Final = "LSTMs alone"
LOG_LINEAR_ALONE: Final = "words, pairs and pieces alone"

_SECOND: Final = 1 << 20
"""Far from any seed that is given, for networks that learn from all texts."""

_GOLDEN: Final = 0.6180339887498949
"""Steps by the golden ratio spread each part evenly over the order of the labels."""

Part = Literal["", "all"]
"""Which texts networks learn from: some, or all after that."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassifierConfig:
    """The options of a `TextClassifier`, which says what they are; its language model is loaded."""

    steps: int | None
    networks: int
    hidden: int
    embedding: int
    balanced: bool
    blend: bool
    seed: int
    start: LanguageModel | None


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassifierResult:
    """A trained classifier, and the record of its training.

    Arguments:
        scores: on texts that were held out; None where there were too few.
        learnt: how many texts the networks of `model` learnt from.
        truth: (N,) numbers of the labels of the held-out texts.
        chances: (N, K) the probabilities that were scored.
        scored_model: with the networks that were scored; `model` may hold others like them in their
            place, which learnt from all texts.
    """

    model: FittedClassifier
    scores: ClassifierScores | None
    trained: tuple[Trained, ...]
    learnt: int
    held_out_texts: tuple[str, ...]
    truth: NDArray[np.int64]
    chances: NDArray[np.float64]
    scored_model: FittedClassifier

    @property
    def retrained(self) -> bool:
        """Whether networks that learnt from all texts are kept in place of the scored ones."""
        return self.model.networks[0] is not self.scored_model.networks[0]


def train_classifier(
    config: ClassifierConfig,
    texts: Sequence[str],
    labels: NDArray[np.generic],
    clock: Budget,
    progress: Progress,
    checkpoints: Path | None,
) -> ClassifierResult:
    """Train a classifier and score it on held-out texts.

    Networks that learn from a part of the texts are scored on the rest; where as much time is left
    as they took, others of their kind learn from all texts and are kept in their place, with the
    share and the temperature that suited the first.
    """
    classes, numbers = np.unique(labels, return_inverse=True)
    numbers = numbers.astype(np.int64)
    learning, held_out = divided(numbers, config.seed)
    weights = _label_weights(numbers[learning], len(classes), config.balanced)
    options = repr((replace(config, start=None), clock.seconds, texts, labels.tolist()))
    identity = digest(options, weights_digest(config.start.network_) if config.start else "")
    learnt = [texts[row] for row in learning]
    log_linear = log_linear_fit = None
    if config.blend:  # first, so that the networks share out the time that it leaves
        log_linear_fit = LogLinearFit.chosen(learnt, numbers[learning], weights, clock)
        begin = time.monotonic()
        log_linear = log_linear_fit.fit(learnt, numbers[learning], weights)
        # Kept for the model of all texts and for the simple methods, which take about as long.
        clock = clock.less(2.0 * (time.monotonic() - begin))
    scratch = _from_scratch(config, learnt, len(classes))
    start = scratch if config.start is None else _from_language(config.start, len(classes))
    ensemble = Ensemble(
        texts, numbers, weights, config.steps, config.seed, identity, clock, progress, checkpoints
    )
    starts = [start] * config.networks
    if config.start is not None:
        starts.append(scratch)  # the one beside which the warm start is scored
    members = ensemble.train(starts, learning)
    trained = [member.trained for member in members]
    complete = ensemble.complete(members, starts)
    scratch_member = members.pop() if config.start is not None and complete else None
    networks = tuple(member.network for member in members)
    model = FittedClassifier(start.reader, classes, networks, log_linear)
    result = ClassifierResult(
        model=model,
        scores=None,
        trained=tuple(trained),
        learnt=len(learning),
        held_out_texts=tuple(texts[row] for row in held_out),
        truth=numbers[held_out],
        chances=np.zeros((0, len(classes))),
        scored_model=model,
    )
    if not len(held_out):
        return result
    warm_start = None
    if scratch_member is not None:
        warm_start = _compared(
            _right(result, start.reader, networks[0]),
            _right(result, scratch.reader, scratch_member.network),
        )
    simple = simple_predictions(learnt, numbers[learning], result.held_out_texts)
    scores, chances, share, temperature = _scored(result, simple, warm_start)
    scored_model = replace(model, share=share, temperature=temperature)
    if log_linear_fit is not None and share:  # with the penalty that is chosen, from all texts
        all_weights = _label_weights(numbers, len(classes), config.balanced)
        log_linear = log_linear_fit.fit(texts, numbers, all_weights)
    took = sum(member.trained.seconds for member in members)
    if complete and clock.remaining() > RETRAINING * took:
        if config.start is None:
            start = _from_scratch(config, texts, len(classes))
        starts = [start] * config.networks
        retrained = ensemble.train(starts, np.arange(len(texts)), "all")
        trained += [member.trained for member in retrained]
        if ensemble.complete(retrained, starts):
            networks = tuple(member.network for member in retrained)
            model = replace(model, reader=start.reader, networks=networks)
            result = replace(result, learnt=len(texts))
    return replace(
        result,
        model=replace(model, log_linear=log_linear, share=share, temperature=temperature),
        scores=scores,
        trained=tuple(trained),
        chances=chances,
        scored_model=scored_model,
    )


def _scored(
    result: ClassifierResult,
    simple: Mapping[str, NDArray[np.int64]],
    warm_start: WarmStartComparison | None,
) -> tuple[ClassifierScores, NDArray[np.float64], float, float]:
    """Scores, the probabilities that were scored, and the share and temperature that suit best."""
    model, truth, texts = result.model, result.truth, result.held_out_texts
    networks = network_scores(model.reader, model.networks, texts, len(model.classes))
    log_linear = None if model.log_linear is None else model.log_linear.log_probabilities(texts)
    # Each half is scored with the share and the temperature of the other.
    halves = np.arange(len(truth)) % 2 == 0
    chances = np.empty_like(networks)
    for half in (halves, ~halves):
        other = None if log_linear is None else log_linear[~half]
        share, temperature = share_and_temperature(networks[~half], other, truth[~half])
        logs = networks[half]
        if log_linear is not None:
            logs = blended(logs, log_linear[half], share)
        chances[half] = probabilities(logs / temperature)
    parts = {}
    if log_linear is not None:
        parts = {
            NETWORKS_ALONE: float((networks.argmax(axis=1) == truth).mean()),
            LOG_LINEAR_ALONE: float((log_linear.argmax(axis=1) == truth).mean()),
        }
    scores = classifier_scores(
        chances,
        [model.labels[number] for number in truth],
        model.labels,
        {name: float((predicted == truth).mean()) for name, predicted in simple.items()},
        parts,
        warm_start,
    )
    return scores, chances, *share_and_temperature(networks, log_linear, truth)


def divided(labels: NDArray[np.int64], seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Texts to learn from, and texts to score on; labels in equal shares."""
    if len(labels) < FEWEST:
        return np.arange(len(labels)), np.zeros(0, dtype=np.int64)
    phase = _phases(labels, seed)
    return np.flatnonzero(phase >= HELD_OUT), np.flatnonzero(phase < HELD_OUT)


def validation_split(
    labels: NDArray[np.int64], seed: int, number: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which texts train a network, and which choose its weights: others for the next network."""
    if len(labels) < FEWEST - round(HELD_OUT * FEWEST):
        return np.arange(len(labels)), np.zeros(0, dtype=np.int64)
    phase = (_phases(labels, seed) - number * VALIDATION) % 1.0
    return np.flatnonzero(phase >= VALIDATION), np.flatnonzero(phase < VALIDATION)


def _phases(labels: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    order = generator(seed, "division").permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    phase = np.empty(len(labels))
    phase[order] = (np.arange(len(order)) * _GOLDEN) % 1.0
    return phase


def passes_for(texts: int) -> int:
    """How often texts are read at most: few of them more often."""
    passes = math.ceil(USUAL_STEPS * BATCH / max(texts, 1))
    return min(max(passes, LEAST_PASSES), MOST_PASSES)


def folder_of(checkpoints: Path, number: int, part: Part = "") -> Path:
    """Where the checkpoints of a network lie."""
    return checkpoints / "-".join(filter(None, ["network", part, str(number)]))


@dataclass(frozen=True, eq=False)
class NetworkStart:
    """A network before it learns, how it reads, and the layers of its language model, if any."""

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

    `weights` (K,) says how much each label counts; `clock` is already running.
    """

    texts: Sequence[str]
    labels: NDArray[np.int64]
    weights: NDArray[np.float64]
    steps: int | None
    seed: int
    identity: str
    clock: Budget
    progress: Progress
    checkpoints: Path | None

    def train(
        self, starts: Sequence[NetworkStart], rows: NDArray[np.int64], part: Part = ""
    ) -> list[Member]:
        """Train one network after another; fewer where time is over or Ctrl-C was pressed."""
        members: list[Member] = []
        for number, start in enumerate(starts):
            seconds = None
            if self.clock.seconds is not None:
                seconds = max(0.92 * self.clock.remaining() / (len(starts) - number), 1.0)
            split = validation_split(self.labels[rows], self.seed, number)
            learnt, held = rows[split[0]], rows[split[1]]
            # Those of another part begin with weights of their own.
            seed = (self.seed + (_SECOND if part else 0)) * MOST_NETWORKS + number
            folder, where = self.checkpoints, f", on {part} texts" if part else ""
            schedule = SentenceSchedule(
                learning_rate=FINE_TUNING_RATE if start.layers else RATE,
                most_passes=passes_for(len(learnt)),
                steps=self.steps,
                seed=seed,
                layer_rates=partial(layer_rates, start.layers) if start.layers else None,
            )
            result = train_sentences(
                partial(
                    ClassifyingTask,
                    start.make,
                    start.reader,
                    [self.texts[row] for row in learnt],
                    self.labels[learnt],
                    [self.texts[row] for row in held],
                    self.labels[held],
                    self.weights,
                    BATCH,
                    seed,
                ),
                schedule,
                budget=Budget(seconds),
                identity=self.identity,
                progress=self.progress,
                description=f"Network {number + 1} of {len(starts)}{where}",
                folder=None if folder is None else folder_of(folder, number, part),
            )
            network = result.task.module.eval()
            assert isinstance(network, ClassifierNetwork | FineTunedNetwork)
            members.append(Member(network, result.trained))
            if result.trained.stopped == "interrupted" or self.clock.remaining() <= 0.0:
                break
        return members

    @staticmethod
    def complete(members: Sequence[Member], starts: Sequence[NetworkStart]) -> bool:
        """Whether all networks were trained and nobody pressed Ctrl-C."""
        stopped = [member.trained.stopped for member in members]
        return len(members) == len(starts) and "interrupted" not in stopped


def _from_scratch(config: ClassifierConfig, learnt: Sequence[str], labels: int) -> NetworkStart:
    reader = WordReader(WordVocabulary.counted([shortened(cut_words(text)) for text in learnt]))
    design = EncoderDesign(
        len(reader.vocabulary.words) + 2,
        len(reader.vocabulary.letters) + 2,
        embedding=config.embedding,
        spelling=0,
        pieces=PIECES,
        hidden=config.hidden,
        dropout=0.5,
    )
    return NetworkStart(reader, partial(ClassifierNetwork, design, labels))


def _from_language(model: LanguageModel, labels: int) -> NetworkStart:
    make = partial(fine_tuned_from, model.network_, labels)
    return NetworkStart(TokenReader(model.tokenizer_), make, len(model.network_.layers))


def _label_weights(numbers: NDArray[np.int64], labels: int, balanced: bool) -> NDArray[np.float64]:
    """(K,) how much each label counts."""
    if not balanced:
        return np.ones(labels)
    counts = np.bincount(numbers, minlength=labels).astype(np.float64)
    return np.asarray(len(numbers) / (labels * np.maximum(counts, 1.0)))


def _right(result: ClassifierResult, reader: Reader, network: Network) -> NDArray[np.bool_]:
    """Of which held-out texts a network gives the right label."""
    logs = network_scores(reader, [network], result.held_out_texts, len(result.model.classes))
    return np.asarray(logs.argmax(axis=1) == result.truth)


def _compared(warm: NDArray[np.bool_], scratch: NDArray[np.bool_]) -> WarmStartComparison:
    """Two networks on the same texts: whether each was right."""
    gain = warm.astype(np.float64) - scratch
    error = float(gain.std(ddof=1) / np.sqrt(len(gain))) if len(gain) > 1 else 0.0
    return WarmStartComparison(float(warm.mean()), float(scratch.mean()), float(gain.mean()), error)
