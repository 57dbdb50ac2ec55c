"""The public class of classifiers: fit, predict, evaluate, save, load."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError
from holdfast.language.classify.data import check_kinds, given_labels, given_texts
from holdfast.language.classify.model import MOST_NETWORKS, StoredClassifier
from holdfast.language.classify.networks import StartedNetwork
from holdfast.language.classify.scores import classifier_scores, deciding_words
from holdfast.language.classify.training import (
    Asked,
    ClassifierFit,
    Part,
    fit_classifier,
    folder_of,
)
from holdfast.language.language_model import LanguageModel
from holdfast.records import ClassifierScores
from holdfast.training import run_directory
from holdfast.training.budget import Budget, duration
from holdfast.training.parameters import Parameters
from holdfast.training.progress import Progress, progress_for_terminal

Weighting = Literal["none", "balanced"]


class TextClassifier(Parameters):
    """A bidirectional LSTM that gives a text one of several labels, with honest probabilities.

    Arguments:
        budget: how long `fit` may take, such as "5m"; None for as long as it is worth.
        steps: updates of each network in place of the budget; equal steps, equal bits.
        networks: how many are averaged.
        hidden: units each way.
        embedding: numbers that describe a word.
        class_weight: "balanced" lets every label count alike, however rare it is.
        blend: whether a log-linear model over words, their pairs and pieces is blended in, with
            the share that suits held-out texts; `scores_.parts` says how each does alone.
        start: a `LanguageModel`, or the folder of one, whose layers the networks start from (Howard
            and Ruder 2018, arXiv 1801.06146); one more network starts from nothing, and
            `scores_.warm_start` says whether it helped. None to start from nothing.
        seed: of everything random.

    Raises:
        ArgumentError: an argument is out of range.

    Example:
        >>> texts = ["what a joy", "a joy to see", "so dull", "dull and long"] * 20
        >>> classifier = TextClassifier(steps=30, networks=1, hidden=16, embedding=16)
        >>> labels = ["good", "good", "bad", "bad"] * 20
        >>> classifier.fit(texts, labels).predict(["such joy"]).tolist()
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
                raise ArgumentError(f"{name}={value!r} must be from {least} to {most:,}.")
        if class_weight not in get_args(Weighting):
            raise ArgumentError(f'class_weight={class_weight!r} must be "none" or "balanced".')
        if type(blend) is not bool:
            raise ArgumentError(f"blend={blend!r} must be True or False.")
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
        self._kept: StoredClassifier | None = None
        self.fit_: ClassifierFit | None = None
        """How it was trained, where this process has trained it."""

    @property
    def classes_(self) -> NDArray[Any]:
        """(K,) the labels, sorted, as they were given: texts, whole numbers or truth values.

        Raises:
            AttributeError: not fitted.
        """
        if self._kept is None:
            raise AttributeError("The classifier is not fitted yet; call fit first.")
        return self._kept.classes

    @property
    def scores_(self) -> ClassifierScores | None:
        """On texts that were held out, where this process has trained it and there were enough."""
        return None if self.fit_ is None else self.fit_.scores

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

        Raises:
            ArgumentError: there is one label only, nearly one for each text, or one is missing.
            ModelError: `start` is no language model.
        """
        clock = Budget.parse(None if self.steps else self.budget, start=time.monotonic())
        given = given_texts(texts)
        named = given_labels(labels, len(given))
        check_kinds(named.tolist())
        begin = self.start
        if begin is not None and not isinstance(begin, LanguageModel):
            begin = LanguageModel.load(begin)
        asked = Asked(
            self.steps,
            self.networks,
            self.hidden,
            self.embedding,
            self.class_weight == "balanced",
            self.blend,
            self.seed,
            begin,
        )
        shown = progress_for_terminal() if progress is None else progress
        folder = None if checkpoints is None else Path(checkpoints)
        self.fit_ = fit_classifier(asked, given, named, clock, shown, folder)
        self._kept = self.fit_.kept
        return self

    def predict(self, texts: Iterable[str]) -> NDArray[Any]:
        """(N,) the likeliest label of each text.

        Raises:
            ArgumentError: not fitted.
        """
        chances = self.predict_proba(texts)
        return np.asarray(self._fitted().classes[chances.argmax(axis=1)])

    def predict_proba(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """(N, K) the probability of each label, in the order of `classes_`.

        Raises:
            ArgumentError: not fitted.
        """
        return self._fitted().chances(given_texts(texts))

    def score(self, texts: Iterable[str], labels: Iterable[Any]) -> float:
        """The share of texts whose label is right.

        Raises:
            ArgumentError: not fitted, fewer labels than texts, or none.
        """
        return self.evaluate(texts, labels).accuracy

    def evaluate(self, texts: Iterable[str], labels: Iterable[Any]) -> ClassifierScores:
        """How well it does on labelled texts.

        Raises:
            ArgumentError: not fitted, fewer labels than texts, or none.
        """
        kept, given = self._fitted(), given_texts(texts)
        named = [str(one) for one in given_labels(labels, len(given)).tolist()]
        return classifier_scores(kept.chances(given), named, kept.labels, {})

    def deciding(self, text: str, label: Any = None) -> list[tuple[str, float]]:
        """Each word of a text, and what its absence would cost a label's probability.

        Arguments:
            text: to look at.
            label: one of `classes_`; None for the likeliest.

        Raises:
            ArgumentError: not fitted, or the label is not known.
        """
        kept = self._fitted()
        known = kept.classes.tolist()
        if label is not None and label not in known:
            named = ", ".join(map(str, known[:10]))
            raise ArgumentError(f"label={label!r} is not one of {named}.")
        number = int(kept.chances([text]).argmax()) if label is None else known.index(label)
        return deciding_words(kept.chances, text, number)

    def save(self, folder: str | Path) -> None:
        """Write a model folder, whole or not at all.

        Raises:
            ArgumentError: not fitted.
            InputError: the folder cannot be written, or holds something that is not ours.
        """
        self._fitted().save(folder)

    @staticmethod
    def clear(checkpoints: str | Path) -> None:
        """Remove what a training that is done has left in its folder of checkpoints."""
        for number in range(MOST_NETWORKS):
            for part in get_args(Part):
                run_directory.clear(folder_of(Path(checkpoints), number, part))
        with suppress(OSError):  # refused where the caller keeps something of his own in it
            Path(checkpoints).rmdir()

    @classmethod
    def load(cls, folder: str | Path) -> TextClassifier:
        """A classifier from its folder, everything checked.

        Raises:
            ModelError: the folder is missing, corrupt, foreign or from a newer version.
        """
        kept = StoredClassifier.load(folder)
        first = kept.members[0]
        design = first.design if isinstance(first, StartedNetwork) else first.encoder.design
        made = cls(
            networks=len(kept.members),
            hidden=design.hidden,
            embedding=design.embedding,
            blend=kept.bag is not None,
        )
        made._kept = kept
        return made

    def __sklearn_is_fitted__(self) -> bool:
        """Whether `fit` was called; scikit-learn asks."""
        return self._kept is not None

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn wants to know of an estimator; only it calls this."""
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True, one_d_labels=True),
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(one_d_array=False, two_d_array=False, string=True),
        )

    def _fitted(self) -> StoredClassifier:
        if self._kept is None:
            raise ArgumentError("The classifier is not fitted yet; call fit first.")
        return self._kept
