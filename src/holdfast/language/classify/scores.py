"""Scores of a classifier: accuracy, calibration, simple methods, leave-one-out importance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError
from holdfast.language.words import word_places
from holdfast.records import ClassifierScores, TagScore, WarmStartComparison

Floats = NDArray[np.float64]

NAIVE_BAYES: Final = "naive Bayes on bigrams"
LINEAR_SVM: Final = "linear SVM"

Chances = Callable[[Sequence[str]], NDArray[np.float64]]
"""Probabilities (N, K) of some texts."""

_BINS = 10
_COLDEST, _HOTTEST = 0.4, 20.0
"""No sharper: a few held-out texts that are all right would make every score certain."""


def temperature(scores: Floats, labels: NDArray[np.int64]) -> float:
    """The number by which scores (N, K) are divided so that held-out labels surprise least.

    It is 1 without texts.

    Source: Guo et al. (2017), "On calibration of modern neural networks", arXiv 1706.04599,
    section 4.2.
    """
    if not len(labels):
        return 1.0
    low, high = np.log(_COLDEST), np.log(_HOTTEST)
    share = (np.sqrt(5.0) - 1.0) / 2.0
    # The surprise has one valley along the inverse temperature: a golden section finds it.
    for _ in range(60):
        left, right = high - share * (high - low), low + share * (high - low)
        if _surprise(scores / np.exp(left), labels) < _surprise(scores / np.exp(right), labels):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2.0))


def share_and_temperature(
    networks: Floats, log_linear: Floats | None, labels: NDArray[np.int64]
) -> tuple[float, float]:
    """The share of the log-linear model, in tenths, and the temperature that surprise least."""
    if log_linear is None or not len(labels):
        return 0.0, temperature(networks, labels)
    tried = []
    for share in (tenths / 10.0 for tenths in range(10)):
        mixed = (1.0 - share) * networks + share * log_linear
        best = temperature(mixed, labels)
        tried.append((_surprise(mixed / best, labels), share, best))
    _, share, best = min(tried)
    return share, best


def probabilities(scores: Floats) -> Floats:
    """(N, K) softmax."""
    exponential = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(exponential / exponential.sum(axis=1, keepdims=True))


def reliability(chances: Floats, labels: NDArray[np.int64]) -> tuple[tuple[float, float, int], ...]:
    """Mean confidence, accuracy and number of texts, for each of ten bins of confidence."""
    confidence, right = chances.max(axis=1), chances.argmax(axis=1) == labels
    places = np.minimum((confidence * _BINS).astype(np.int64), _BINS - 1)
    return tuple(
        (float(confidence[inside].mean()), float(right[inside].mean()), int(inside.sum()))
        for inside in (places == place for place in range(_BINS))
        if inside.any()
    )


def calibration_error(chances: Floats, labels: NDArray[np.int64]) -> float:
    """Expected calibration error: how far confidence and accuracy lie apart, over ten bins.

    Source: Naeini, Cooper and Hauskrecht (2015); Guo et al. (2017), equation 3.
    """
    error = 0.0
    for confidence, accuracy, count in reliability(chances, labels):
        error += count / len(labels) * abs(confidence - accuracy)
    return round(error, 12)


def _surprise(scores: Floats, labels: NDArray[np.int64]) -> float:
    chances = probabilities(scores)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chances, 1e-300)).mean())


def classifier_scores(
    chances: NDArray[np.float64],
    truth: Sequence[str],
    labels: Sequence[str],
    simple: Mapping[str, float],
    parts: Mapping[str, float] | None = None,
    warm_start: WarmStartComparison | None = None,
) -> ClassifierScores:
    """Accuracy, calibration, confusion; labels that training never saw count as wrong."""
    known = {name: number for number, name in enumerate(labels)}
    numbers = np.array([known.get(name, -1) for name in truth], dtype=np.int64)
    predicted = chances.argmax(axis=1)
    inside = numbers >= 0
    confusion = _confusion(numbers[inside], predicted[inside], len(labels))
    picked = np.where(inside, chances[np.arange(len(truth)), np.maximum(numbers, 0)], 0.0)
    return ClassifierScores(
        texts=len(truth),
        accuracy=float((predicted == numbers).mean()),
        nats=float(-np.log(np.maximum(picked, 1e-12)).mean()),
        calibration_error=calibration_error(chances, numbers),
        labels=tuple(
            TagScore.of(name, row[place], int((predicted == place).sum()), sum(row))
            for place, (name, row) in enumerate(zip(labels, confusion, strict=True))
        ),
        confusion=confusion,
        simple=tuple(simple.items()),
        unknown=tuple(sorted(set(truth) - set(labels))),
        parts=tuple((parts or {}).items()),
        warm_start=warm_start,
    )


def _confusion(
    truth: NDArray[np.int64], predicted: NDArray[np.int64], labels: int
) -> tuple[tuple[int, ...], ...]:
    """Row: the true label, column: the predicted one; counts."""
    if not len(truth):
        return ((0,) * labels,) * labels
    try:
        from sklearn.metrics import confusion_matrix
    except ImportError as error:
        raise _needs_scikit_learn("Scores of classifiers") from error
    counts = confusion_matrix(truth, predicted, labels=np.arange(labels))
    return tuple(tuple(row) for row in counts.tolist())


def simple_predictions(
    texts: Sequence[str], labels: NDArray[np.int64], others: Sequence[str]
) -> dict[str, NDArray[np.int64]]:
    """What simple classifiers say of other texts after learning from some: name → labels (N,).

    Raises:
        ArgumentError: scikit-learn is not installed.

    Source: Wang and Manning (2012), "Baselines and bigrams".
    """
    predictions: dict[str, NDArray[np.int64]] = {}
    for name, classifier in _classifiers().items():
        classifier.fit(list(texts), labels)
        predictions[name] = np.asarray(classifier.predict(list(others)), dtype=np.int64)
    return predictions


def _classifiers() -> dict[str, Any]:
    try:
        from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
        from sklearn.naive_bayes import MultinomialNB
        from sklearn.pipeline import make_pipeline
        from sklearn.svm import LinearSVC
    except ImportError as error:
        raise _needs_scikit_learn("Simple classifiers") from error
    token = r"(?u)\b\w+\b|[^\w\s]"
    pairs: dict[str, Any] = {"ngram_range": (1, 2), "token_pattern": token}
    return {
        NAIVE_BAYES: make_pipeline(CountVectorizer(binary=True, **pairs), MultinomialNB()),
        LINEAR_SVM: make_pipeline(
            TfidfVectorizer(sublinear_tf=True, **pairs), LinearSVC(C=1.0, random_state=0)
        ),
    }


def _needs_scikit_learn(what: str) -> ArgumentError:
    return ArgumentError(f"{what} need the package scikit-learn: pip install 'holdfast[text]'.")


def leave_one_out(
    chances: Chances, text: str, label: int, *, most: int = 200
) -> list[tuple[str, float]]:
    """Leave-one-out importance: each word, and what its absence costs a label's probability.

    At most `most` words are left out, from the beginning; those that speak for the label are
    positive.

    Source: Li, Monroe and Jurafsky (2016), arXiv 1612.08220.
    """
    places = word_places(text)[:most]
    words = [text[begin:end] for begin, end in places]
    if len(words) < 2:
        return [(word, 0.0) for word in words or [""]]
    whole, *others = chances([text, *(f"{text[:begin]} {text[end:]}" for begin, end in places)])[
        :, label
    ]
    return [(word, float(whole - other)) for word, other in zip(words, others, strict=True)]
