"""How a classifier is trained: parts of the texts, networks, a second opinion, and a judgement."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import nn

from holdfast.language.classify.bag import Bag
from holdfast.language.classify.beside import beside
from holdfast.language.classify.calibration import probabilities, share_and_temperature
from holdfast.language.classify.division import divided, stopping
from holdfast.language.classify.model import ClassifierNetwork
from holdfast.language.classify.readers import Reader, TokenReader, WordReader, shortened
from holdfast.language.classify.scores import classifier_scores
from holdfast.language.classify.started import StartedNetwork, paces, started_from
from holdfast.language.classify.stored import (
    MOST_NETWORKS,
    Network,
    StoredClassifier,
    blended,
    network_scores,
)
from holdfast.language.classify.task import ClassifyingTask
from holdfast.language.language_model import LanguageModel
from holdfast.language.sentence_fit import fit_sentences
from holdfast.language.word_encoder import EncoderDesign
from holdfast.language.words import WordVocabulary, cut_words
from holdfast.records import ClassifierScores, StartComparison
from holdfast.training.budget import Budget
from holdfast.training.loop import Trained
from holdfast.training.progress import Progress

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

STARTED_RATE: Final = 2e-3
"""Of a network that begins as a language model: what it knows should stay."""

NETWORKS: Final = "LSTMs alone"
BAG: Final = "words and word pairs alone"


def passes_wanted(texts: int) -> int:
    """How often texts are read at most: few of them more often.

    Example:
        >>> passes_wanted(6_000), passes_wanted(500)
        (4, 30)
    """
    passes = math.ceil(USUAL_STEPS * BATCH / max(texts, 1))
    return min(max(passes, LEAST_PASSES), MOST_PASSES)


@dataclass(frozen=True, eq=False)
class Asked:
    """What `TextClassifier` was asked for.

    Arguments:
        steps: updates of a network; None for what the budget allows.
        networks: how many.
        hidden, embedding: sizes.
        balanced: whether labels count alike.
        blend: whether a bag of words and pairs is blended in.
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
    """

    kept: StoredClassifier
    scores: ClassifierScores | None
    trained: tuple[Trained, ...]
    learning: NDArray[np.int64]
    scoring: NDArray[np.int64]
    chances: NDArray[np.float64]


def fit_classifier(
    asked: Asked,
    texts: Sequence[str],
    labels: NDArray[np.generic],
    clock: Budget,
    progress: Progress,
    snapshots: Path | None,
) -> ClassifierFit:
    """Train and judge a classifier.

    Arguments:
        asked: sizes and seeds.
        texts, labels: N of each.
        clock: of the budget, already running.
        progress: is told of every update.
        snapshots: folder from which a killed training goes on; None for none.
    """
    classes, numbers = np.unique(labels, return_inverse=True)
    numbers = numbers.astype(np.int64)
    learning, scoring = divided(numbers, asked.seed)
    counts = _label_counts(numbers[learning], len(classes), asked.balanced)
    named = [str(one) for one in classes.tolist()]
    described = repr((replace(asked, start=None), texts, labels.tolist()))
    identity = hashlib.sha256(described.encode()).hexdigest()
    design, words = _from_nothing(asked, [texts[row] for row in learning])
    fresh = partial(ClassifierNetwork, design, len(classes))
    plans: list[tuple[Reader, Callable[[], nn.Module], int]] = []
    if asked.start is not None:
        theirs = asked.start.network
        reader: Reader = TokenReader(asked.start.tokens)
        identity += _fingerprint(theirs)
        plans += [
            (reader, partial(started_from, theirs, len(classes)), len(theirs.layers))
        ] * asked.networks
        plans.append((words, fresh, 0))  # the one beside which the start is judged
    else:
        reader = words
        plans += [(words, fresh, 0)] * asked.networks
    read: dict[int, list[NDArray[np.int64]]] = {}
    made: list[Network] = []
    trained = []
    for number, (how, make, layers) in enumerate(plans):
        numbered = read.setdefault(id(how), [how.numbers(text) for text in texts])
        left = len(plans) - number
        own, held = (learning[part] for part in stopping(numbers[learning], asked.seed, number))
        seconds = None if clock.seconds is None else max(0.92 * clock.remaining() / left, 1.0)
        seed = asked.seed * MOST_NETWORKS + number

        def task(
            make: Callable[[], nn.Module] = make,
            numbered: list[NDArray[np.int64]] = numbered,
            own: NDArray[np.int64] = own,
            held: NDArray[np.int64] = held,
            seed: int = seed,
        ) -> ClassifyingTask:
            return ClassifyingTask(
                make,
                [texts[row] for row in own],
                [numbered[row] for row in own],
                numbers[own],
                [numbered[row] for row in held],
                numbers[held],
                counts,
                BATCH,
                seed,
            )

        fit = fit_sentences(
            task,
            most_passes=passes_wanted(len(own)),
            learning_rate=STARTED_RATE if layers else RATE,
            budget=Budget(seconds),
            steps=asked.steps,
            seed=seed,
            identity=identity,
            progress=progress,
            description=f"Network {number + 1} of {len(plans)}",
            folder=None if snapshots is None else snapshots / f"network-{number}",
            paces=partial(paces, layers) if layers else None,
        )
        network = fit.task.module.eval()
        assert isinstance(network, ClassifierNetwork | StartedNetwork)
        made.append(network)
        trained.append(fit.trained)
        if fit.trained.stopped == "interrupted" or clock.remaining() <= 0.0:
            break
    beginner = None
    if asked.start is not None and len(made) == len(plans):
        beginner = made.pop()
    bag = None
    if asked.blend:
        bag = Bag.fitted([texts[row] for row in learning], numbers[learning], counts)
    kept = StoredClassifier.of(reader, classes, made, bag)
    if not len(scoring):
        nothing = np.zeros((0, len(classes)))
        return ClassifierFit(kept, None, tuple(trained), learning, scoring, nothing)
    truth, unseen = numbers[scoring], [texts[row] for row in scoring]
    start = None
    if beginner is not None:
        start = _compared(
            network_scores(reader, made[:1], unseen, len(classes)).argmax(axis=1) == truth,
            network_scores(words, [beginner], unseen, len(classes)).argmax(axis=1) == truth,
        )
    ours = network_scores(reader, made, unseen, len(classes))
    theirs_too = None if bag is None else bag.log_probabilities(unseen)
    chances, share, warmth = _judged(ours, theirs_too, truth)
    simple = beside([texts[row] for row in learning], numbers[learning], unseen)
    parts = {}
    if theirs_too is not None:
        parts = {
            NETWORKS: float((ours.argmax(axis=1) == truth).mean()),
            BAG: float((theirs_too.argmax(axis=1) == truth).mean()),
        }
    scores = classifier_scores(
        chances,
        [named[number] for number in truth],
        named,
        {name: float((said == truth).mean()) for name, said in simple.items()},
        parts,
        start,
    )
    if share:  # which is settled, so that the bag can learn from the rest as well
        bag = Bag.fitted(texts, numbers, _label_counts(numbers, len(classes), asked.balanced))
    kept = StoredClassifier.of(reader, classes, made, bag, share, warmth)
    return ClassifierFit(kept, scores, tuple(trained), learning, scoring, chances)


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


def _from_nothing(asked: Asked, learnt: Sequence[str]) -> tuple[EncoderDesign, WordReader]:
    """The design of a network that knows nothing, and how it reads."""
    reader = WordReader(WordVocabulary.counted([shortened(cut_words(text)) for text in learnt]))
    design = EncoderDesign(
        len(reader.vocabulary.words) + 2,
        len(reader.vocabulary.letters) + 2,
        embedding=asked.embedding,
        spelling=0,
        hidden=asked.hidden,
        dropout=0.5,
    )
    return design, reader


def _label_counts(numbers: NDArray[np.int64], labels: int, balanced: bool) -> NDArray[np.float64]:
    """(K,) how much each label counts."""
    found = np.bincount(numbers, minlength=labels).astype(np.float64)
    if not balanced:
        return np.ones(labels)
    return np.asarray(len(numbers) / (labels * np.maximum(found, 1.0)))


def _compared(started: NDArray[np.bool_], scratch: NDArray[np.bool_]) -> StartComparison:
    """Two networks on the same texts: whether each was right."""
    gain = started.astype(np.float64) - scratch
    error = float(gain.std(ddof=1) / np.sqrt(len(gain))) if len(gain) > 1 else 0.0
    return StartComparison(float(started.mean()), float(scratch.mean()), float(gain.mean()), error)


def _fingerprint(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, weight in network.state_dict().items():
        digest.update(name.encode() + weight.numpy().tobytes())
    return digest.hexdigest()
