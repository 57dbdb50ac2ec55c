"""`TextClassifier`: the public class of classifiers: fit, predict, evaluate, save, load."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError, option
from holdfast.language.classify.data import check_labels, checked_labels, checked_texts
from holdfast.language.classify.model import KIND, MOST_NETWORKS, FittedClassifier
from holdfast.language.classify.record import classifier_record
from holdfast.language.classify.scores import classifier_scores, leave_one_out
from holdfast.language.classify.training import (
    ClassifierConfig,
    ClassifierResult,
    Part,
    folder_of,
    train_classifier,
)
from holdfast.language.language_model import LanguageModel
from holdfast.records import ClassifierRecord, ClassifierScores
from holdfast.training import run_directory
from holdfast.training.budget import Budget, duration
from holdfast.training.parameters import Parameters
from holdfast.training.progress import Progress, progress_for_terminal

Weighting = Literal["none", "balanced"]


class TextClassifier(Parameters):
    """Bidirectional LSTMs that give a text one of several labels, with calibrated probabilities.

    Arguments:
        budget: how long `fit` may take, such as "5m"; None for as long as it is worth.
        steps: updates of each network in place of the budget; equal steps, equal bits.
        networks: how many are averaged.
        hidden: units each way.
        embedding: numbers that describe a word.
        class_weight: "balanced" lets every label count alike, however rare it is.
        blend: whether a log-linear model over words, their pairs and pieces is blended in, with
            the share that suits held-out texts; `scores_.parts` says how each does alone.
        start: a `LanguageModel`, or the folder of one, to fine-tune (Howard and Ruder 2018, arXiv
            1801.06146); one more network is trained from scratch, and `scores_.warm_start` says
            whether the start helped. None to train from scratch.
        seed: of everything random.

    Attributes:
        classes_: (K,) the labels, sorted, as they were given: texts, whole numbers or truth values;
            there after `fit` or `load`, as is the next.
        model_: networks, log-linear model and temperature.
        scores_: on texts that were held out in `fit`; None for a loaded model, or too few texts.
        result_: the record of the training; None for a loaded model.

    Raises:
        ArgumentError: an argument is out of range.

    Example:
        >>> texts = ["what a joy", "a joy to see", "so dull", "dull and long"] * 20
        >>> classifier = TextClassifier(steps=30, networks=1, hidden=16, embedding=16)
        >>> labels = ["good", "good", "bad", "bad"] * 20
        >>> classifier.fit(texts, labels).predict(["such joy"]).tolist()
        ['good']
    """

    KIND: ClassVar[str] = KIND
    """What a model folder of this class says it holds."""

    classes_: NDArray[Any]
    model_: FittedClassifier

    def __init__(
        self,
        *,
        budget: str | float | None = "5m",
        steps: int | None = None,
        networks: int = 5,
        hidden: int = 128,
        embedding: int = 256,
        class_weight: Weighting = "none",
        blend: bool = True,
        start: LanguageModel | str | Path | None = None,
        seed: int = 0,
    ) -> None:
        if budget is not None:
            duration(budget)
        for name, value, least, most in (
            ("steps", 1 if steps is None else steps, 1, 10_000_000),
            ("networks", networks, 1, MOST_NETWORKS - 1),
            ("hidden", hidden, 1, 8_192),
            ("embedding", embedding, 1, 8_192),
        ):
            if type(value) is not int or not least <= value <= most:
                raise ArgumentError(f"{option(name, value)} must be from {least} to {most:,}.")
        if class_weight not in get_args(Weighting):
            raise ArgumentError(f'class_weight={class_weight!r} must be "none" or "balanced".')
        if type(blend) is not bool:
            raise ArgumentError(f"{option('blend', blend)} must be True or False.")
        if start is not None and not isinstance(start, LanguageModel | str | Path):
            raise ArgumentError("start must be a LanguageModel or the folder of one.")
        self.budget = budget
        self.steps = steps
        self.networks = networks
        self.hidden = hidden
        self.embedding = embedding
        self.class_weight = class_weight
        self.blend = blend
        self.start = start
        self.seed = seed
        self.scores_: ClassifierScores | None = None
        self.result_: ClassifierResult | None = None

    def fit(
        self,
        texts: Iterable[str],
        labels: Iterable[Any],
        *,
        checkpoints: str | Path | None = None,
        progress: Progress | None = None,
    ) -> TextClassifier:
        """Learn the labels of texts.

        A part of the texts chooses the weights, another calibrates the probabilities and gives the
        scores, each half of it with the temperature of the other half; simple classifiers learn
        from the same texts and are scored on the same part. Where the time allows, networks that
        learn from all texts then take the place of those that were scored.

        Arguments:
            texts: N of them: a list, an array, a column of a frame.
            labels: N: texts, whole numbers or truth values.
            checkpoints: folder from which a training that was killed goes on; None for none.
            progress: is told of every update; None for a bar on a terminal.

        Returns:
            itself.

        Raises:
            ArgumentError: there is one label only, nearly one for each text, or one is missing.
            ModelError: `start` is no language model.
        """
        clock = Budget.parse(None if self.steps else self.budget, start=time.monotonic())
        texts = checked_texts(texts)
        labels = checked_labels(labels, len(texts))
        check_labels(labels.tolist())
        start = self.start
        if start is not None and not isinstance(start, LanguageModel):
            start = LanguageModel.load(start)
        config = ClassifierConfig(
            steps=self.steps,
            networks=self.networks,
            hidden=self.hidden,
            embedding=self.embedding,
            balanced=self.class_weight == "balanced",
            blend=self.blend,
            seed=self.seed,
            start=start,
        )
        shown = progress_for_terminal() if progress is None else progress
        folder = None if checkpoints is None else Path(checkpoints)
        self.result_ = train_classifier(config, texts, labels, clock, shown, folder)
        self.scores_ = self.result_.scores
        self.model_ = self.result_.model
        self.classes_ = self.model_.classes
        return self

    @staticmethod
    def clear_checkpoints(folder: str | Path) -> None:
        """Remove what a training that is done has left, and nothing that lies beside it."""
        for number in range(MOST_NETWORKS):
            for part in get_args(Part):
                run_directory.clear(folder_of(Path(folder), number, part))
        with suppress(OSError):  # refused where the caller keeps something of his own in it
            Path(folder).rmdir()

    def predict(self, texts: Iterable[str]) -> NDArray[Any]:
        """(N,) the likeliest label of each text.

        Raises:
            ArgumentError: not fitted.
        """
        return np.asarray(self._fitted().classes[self.predict_proba(texts).argmax(axis=1)])

    def predict_proba(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """(N, K) the probability of each label, in the order of `classes_`.

        Raises:
            ArgumentError: not fitted.
        """
        return self._fitted().chances(checked_texts(texts))

    def score(self, texts: Iterable[str], labels: Iterable[Any]) -> float:
        """The share of texts whose label is right.

        Raises:
            ArgumentError: not fitted, fewer labels than texts, or none.
        """
        return self.evaluate(texts, labels).accuracy

    def evaluate(self, texts: Iterable[str], labels: Iterable[Any]) -> ClassifierScores:
        """How well it does on labelled texts: accuracy, F1 of each label, calibration.

        Raises:
            ArgumentError: not fitted, fewer labels than texts, or none.
        """
        model, texts = self._fitted(), checked_texts(texts)
        names = [str(one) for one in checked_labels(labels, len(texts)).tolist()]
        return classifier_scores(model.chances(texts), names, model.labels, {})

    def word_importance(self, text: str, label: Any = None) -> list[tuple[str, float]]:
        """Leave-one-out importance: what each word's absence costs a label's probability.

        Arguments:
            text: to look at.
            label: one of `classes_`; None for the likeliest.

        Returns:
            Each word and its importance; words that speak for the label are positive.

        Raises:
            ArgumentError: not fitted, or the label is not known.
        """
        model = self._fitted()
        known = model.classes.tolist()
        if label is not None and label not in known:
            names = ", ".join(map(str, known[:10]))
            raise ArgumentError(f"label={label!r} is not one of {names}.")
        number = int(model.chances([text]).argmax()) if label is None else known.index(label)
        return leave_one_out(model.chances, text, number)

    def record(
        self, *, title: str = "Classifier", command: str = "", started: float | None = None
    ) -> ClassifierRecord:
        """All that a report shows of the training, for `holdfast.reports.save`.

        Arguments:
            title: what it was trained on.
            command: that trained it; "" from Python.
            started: the reading of ``time.monotonic`` from which seconds count; None for those of
                the updates alone.

        Raises:
            ArgumentError: it was loaded, or there were too few texts to hold some out.
        """
        if self.result_ is None:
            raise ArgumentError(
                "There is nothing to report: this classifier was loaded, not trained."
            )
        return classifier_record(
            self.result_, seed=self.seed, title=title, command=command, started=started
        )

    def save(self, folder: str | Path) -> None:
        """Write a model folder, whole or not at all.

        Raises:
            ArgumentError: not fitted.
            InputError: the folder cannot be written, or holds something that is not ours.
        """
        self._fitted().save(folder)

    @classmethod
    def load(cls, folder: str | Path) -> TextClassifier:
        """A classifier from its folder, everything checked.

        Raises:
            ModelError: the folder is missing, corrupt, foreign or from a newer version.
        """
        model = FittedClassifier.load(folder)
        classifier = cls(
            networks=len(model.networks),
            hidden=model.design.hidden,
            embedding=model.design.embedding,
            blend=model.log_linear is not None,
        )
        classifier.model_, classifier.classes_ = model, model.classes
        return classifier

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is a model; scikit-learn's `check_is_fitted` asks."""
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn wants to know of an estimator; only it calls this."""
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True, one_d_labels=True),
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(one_d_array=False, two_d_array=False, string=True),
        )

    def _fitted(self) -> FittedClassifier:
        if not self.__sklearn_is_fitted__():
            raise ArgumentError("The classifier is not fitted yet; call fit first.")
        return self.model_
