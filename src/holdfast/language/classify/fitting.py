"""How a classifier is trained: parts of the texts, networks, a second opinion, and a judgement."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import nn

from holdfast.language.classify.bag_fit import BagFitting
from holdfast.language.classify.beside import beside
from holdfast.language.classify.calibration import probabilities, share_and_temperature
from holdfast.language.classify.division import divided
from holdfast.language.classify.ensemble import Beginning, Ensemble
from holdfast.language.classify.model import ClassifierNetwork
from holdfast.language.classify.readers import TokenReader, WordReader
from holdfast.language.classify.scores import classifier_scores
from holdfast.language.classify.started import started_from
from holdfast.language.classify.stored import StoredClassifier, blended, network_scores
from holdfast.language.language_model import LanguageModel
from holdfast.language.word_encoder import EncoderDesign
from holdfast.language.words import WordVocabulary, cut_words, shortened
from holdfast.records import ClassifierScores, WarmStartComparison
from holdfast.training.budget import Budget
from holdfast.training.loop import Trained
from holdfast.training.progress import Progress

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
    identity = hashlib.sha256(described.encode()).hexdigest()
    if asked.start is not None:
        identity += _fingerprint(asked.start.network)
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


def _fingerprint(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, weight in network.state_dict().items():
        digest.update(name.encode() + weight.numpy().tobytes())
    return digest.hexdigest()
