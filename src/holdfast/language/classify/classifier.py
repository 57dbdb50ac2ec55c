"""The public class of classifiers: fit, predict, evaluate, save, load."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from holdfast.errors import ArgumentError
from holdfast.language.classify.beside import beside
from holdfast.language.classify.calibration import probabilities, temperature
from holdfast.language.classify.deciding import deciding_words
from holdfast.language.classify.division import divided
from holdfast.language.classify.model import ClassifierNetwork
from holdfast.language.classify.scores import classifier_scores
from holdfast.language.classify.stored import MOST_NETWORKS, StoredClassifier
from holdfast.language.classify.task import ClassifyingTask
from holdfast.language.sentence_fit import SentenceFit, fit_sentences
from holdfast.language.sentence_task import SentenceBatches
from holdfast.language.settled import clear
from holdfast.language.word_encoder import EncoderDesign
from holdfast.language.words import WordVocabulary, cut_words
from holdfast.records import ClassifierScores
from holdfast.training.budget import Budget, duration
from holdfast.training.parameters import Parameters
from holdfast.training.progress import Progress, progress_for_terminal

Weighting = Literal["none", "balanced"]

BATCH: Final = 32
MOST_PASSES: Final = 10


class TextClassifier(Parameters):
    """A bidirectional LSTM that gives a text one of several labels, with honest probabilities.

    Arguments:
        budget: how long `fit` may take, such as "5m"; None for as long as it is worth.
        steps: updates of each network in place of the budget; equal steps, equal bits.
        networks: how many are trained and averaged.
        hidden: units each way.
        embedding: numbers that describe a word.
        class_weight: "balanced" lets every label count alike, however rare it is.
        seed: of everything random.

    Raises:
        ArgumentError: an argument is out of range.

    Example:
        >>> texts = ["what a joy", "a joy to see", "so dull", "dull and long"] * 20
        >>> classifier = TextClassifier(steps=30, networks=1, hidden=16, embedding=16)
        >>> classifier.fit(texts, ["good", "good", "bad", "bad"] * 20).predict(["such joy"])
        ['good']
    """

    def __init__(
        self,
        *,
        budget: str | float | None = "5m",
        steps: int | None = None,
        networks: int = 5,
        hidden: int = 128,
        embedding: int = 256,
        class_weight: Weighting = "none",
        seed: int = 0,
    ) -> None:
        if budget is not None:
            duration(budget)
        for name, value, least, most in (
            ("steps", 1 if steps is None else steps, 1, 10_000_000),
            ("networks", networks, 1, MOST_NETWORKS),
            ("hidden", hidden, 1, 8_192),
            ("embedding", embedding, 1, 8_192),
        ):
            if type(value) is not int or not least <= value <= most:
                raise ArgumentError(f"{name}={value!r} must be from {least} to {most:,}.")
        if class_weight not in get_args(Weighting):
            raise ArgumentError(f'class_weight={class_weight!r} must be "none" or "balanced".')
        self.budget = budget
        self.steps = steps
        self.networks = networks
        self.hidden = hidden
        self.embedding = embedding
        self.class_weight = class_weight
        self.seed = seed
        self.classes_: list[str] = []
        self.scores_: ClassifierScores | None = None
        """On texts that were held out, where this process has trained it."""
        self._vocabulary = WordVocabulary((), ())
        self._networks: list[ClassifierNetwork] = []
        self._temperature = 1.0

    def fit(
        self,
        texts: Sequence[str],
        labels: Sequence[Any],
        *,
        snapshots: str | Path | None = None,
        progress: Progress | None = None,
    ) -> TextClassifier:
        """Learn the labels of texts.

        A part of the texts chooses the weights, another calibrates the probabilities and gives the
        scores, each half of it with the temperature of the other half; simple classifiers learn
        from the same texts and are scored on the same part.

        Arguments:
            texts: N of them.
            labels: N, numbers or texts.
            snapshots: folder from which a training that was killed goes on; None for none.
            progress: is told of every update; None for a bar on a terminal.

        Raises:
            ArgumentError: there is one label only, or fewer labels than texts.
        """
        clock = Budget.parse(None if self.steps else self.budget, start=time.monotonic())
        names = [str(label) for label in labels]
        given = [str(text) for text in texts]
        if len(given) != len(names) or not given:
            raise ArgumentError(f"There are {len(given):,} texts and {len(names):,} labels.")
        self.classes_ = sorted(set(names))
        if len(self.classes_) < 2:
            raise ArgumentError(f"Every text has the label {names[0]!r}: nothing to learn.")
        place = {name: number for number, name in enumerate(self.classes_)}
        numbers = np.array([place[name] for name in names], dtype=np.int64)
        words = [cut_words(text) for text in given]
        learning, stopping, scoring = divided(numbers, self.seed)
        self._vocabulary = WordVocabulary.counted([words[row] for row in learning])
        design = EncoderDesign(
            len(self._vocabulary.words) + 2,
            len(self._vocabulary.letters) + 2,
            embedding=self.embedding,
            spelling=0,
            hidden=self.hidden,
            dropout=0.5,
        )
        weights = self._label_weights(numbers[learning])

        def task(number: int) -> ClassifyingTask:
            return ClassifyingTask(
                design,
                self._vocabulary,
                [words[row] for row in learning],
                numbers[learning],
                [words[row] for row in stopping],
                numbers[stopping],
                weights,
                BATCH,
                self.seed * MOST_NETWORKS + number,
            )

        identity = hashlib.sha256(repr((design, given, names)).encode()).hexdigest()
        shown = progress_for_terminal() if progress is None else progress
        self._networks = []
        for number in range(self.networks):
            folder = None if snapshots is None else Path(snapshots) / f"network-{number}"
            left = self.networks - number
            made = self._fit_one(task, number, clock, left, identity, shown, folder)
            network = made.task.module
            assert isinstance(network, ClassifierNetwork)
            self._networks.append(network.eval())
            if made.trained.stopped == "interrupted" or clock.remaining() <= 0.0:
                break
        self._temperature = 1.0
        self._judge(given, words, numbers, learning, scoring)
        return self

    def predict(self, texts: Sequence[str]) -> list[str]:
        """The likeliest label of each text.

        Raises:
            ArgumentError: not fitted.
        """
        chances = self.predict_proba(texts)
        return [self.classes_[number] for number in chances.argmax(axis=1)]

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(N, K) the probability of each label, in the order of `classes_`.

        Raises:
            ArgumentError: not fitted.
        """
        return self._chances([cut_words(str(text)) for text in texts])

    def evaluate(self, texts: Sequence[str], labels: Sequence[Any]) -> ClassifierScores:
        """How well it does on labelled texts.

        Raises:
            ArgumentError: not fitted, fewer labels than texts, or none.
        """
        names = [str(label) for label in labels]
        if len(names) != len(texts) or not names:
            raise ArgumentError(f"There are {len(texts):,} texts and {len(names):,} labels.")
        return classifier_scores(self.predict_proba(texts), names, self.classes_, {})

    def deciding(self, text: str, label: str | None = None) -> list[tuple[str, float]]:
        """Each word of a text, and what its absence would cost a label's probability.

        Arguments:
            text: to look at.
            label: one of `classes_`; None for the likeliest.

        Raises:
            ArgumentError: not fitted, or the label is not known.
        """
        if label is not None and label not in self.classes_:
            raise ArgumentError(f"label={label!r} is not one of {', '.join(self.classes_[:10])}.")
        words = cut_words(text)
        number = (
            int(self._chances([words]).argmax()) if label is None else self.classes_.index(label)
        )
        return deciding_words(self._chances, words, number)

    def save(self, folder: str | Path) -> None:
        """Write a model folder, whole or not at all.

        Raises:
            ArgumentError: not fitted.
            InputError: the folder cannot be written, or holds something that is not ours.
        """
        kept = StoredClassifier(
            self._vocabulary, tuple(self.classes_), tuple(self._fitted()), self._temperature
        )
        kept.save(folder)

    @staticmethod
    def clear(snapshots: str | Path) -> None:
        """Remove what a training that is done has left in its folder of snapshots."""
        for number in range(MOST_NETWORKS):
            clear(Path(snapshots) / f"network-{number}")
        with suppress(OSError):  # refused where the caller keeps something of his own in it
            Path(snapshots).rmdir()

    @classmethod
    def load(cls, folder: str | Path) -> TextClassifier:
        """A classifier from its folder, everything checked.

        Raises:
            ModelError: the folder is missing, corrupt, foreign or from a newer version.
        """
        kept = StoredClassifier.load(folder)
        design = kept.networks[0].encoder.design
        made = cls(networks=len(kept.networks), hidden=design.hidden, embedding=design.embedding)
        made.classes_, made._vocabulary = list(kept.labels), kept.vocabulary
        made._networks, made._temperature = list(kept.networks), kept.temperature
        return made

    def _fit_one(
        self,
        task: Any,
        number: int,
        clock: Budget,
        left: int,
        identity: str,
        progress: Progress,
        folder: Path | None,
    ) -> SentenceFit:
        """One network, in its share of the time that is left."""
        seconds = None if clock.seconds is None else max(0.92 * clock.remaining() / left, 1.0)
        return fit_sentences(
            lambda: task(number),
            most_passes=MOST_PASSES,
            learning_rate=2e-3,
            budget=Budget(seconds),
            steps=self.steps,
            seed=self.seed * MOST_NETWORKS + number,
            identity=identity,
            progress=progress,
            description=f"Network {number + 1} of {self.networks}",
            folder=folder,
        )

    def _judge(
        self,
        texts: Sequence[str],
        words: Sequence[Sequence[str]],
        numbers: NDArray[np.int64],
        learning: NDArray[np.int64],
        scoring: NDArray[np.int64],
    ) -> None:
        """Calibrate, and score beside simple classifiers, each half by the other's temperature."""
        self.scores_ = None
        if not len(scoring):
            return
        scores = self._mean_scores([words[row] for row in scoring])
        truth = numbers[scoring]
        halves = np.arange(len(scoring)) % 2 == 0
        chances = np.empty_like(scores)
        for half in (halves, ~halves):
            chances[half] = probabilities(scores[half] / temperature(scores[~half], truth[~half]))
        self._temperature = temperature(scores, truth)
        simple = beside(
            [texts[row] for row in learning], numbers[learning], [texts[row] for row in scoring]
        )
        accuracy = {name: float((made == truth).mean()) for name, made in simple.items()}
        names = [self.classes_[number] for number in truth]
        self.scores_ = classifier_scores(chances, names, self.classes_, accuracy)

    def _label_weights(self, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
        counts = np.bincount(numbers, minlength=len(self.classes_)).astype(np.float64)
        if self.class_weight == "none":
            return np.ones(len(counts))
        return np.asarray(len(numbers) / (len(counts) * np.maximum(counts, 1.0)))

    def _chances(self, words: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        return probabilities(self._mean_scores(words) / self._temperature)

    def _mean_scores(self, words: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """(N, K) scores, averaged over the networks as log-probabilities."""
        networks = self._fitted()
        made = np.zeros((len(words), len(self.classes_)))
        if not len(words):
            return made
        batches = SentenceBatches(self._vocabulary, words, BATCH)
        for rows in batches.in_order():
            read = batches.tensors(rows)
            with torch.no_grad():
                logs = [torch.log_softmax(network(read).double(), dim=-1) for network in networks]
            made[rows] = torch.stack(logs).mean(dim=0).numpy()
        return made

    def _fitted(self) -> list[ClassifierNetwork]:
        if not self._networks:
            raise ArgumentError("The classifier is not fitted yet; call fit first.")
        return self._networks
