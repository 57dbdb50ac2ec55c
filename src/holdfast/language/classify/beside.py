"""What stands beside every classifier: naive Bayes on word pairs, and a linear SVM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError

NAIVE_BAYES: Final = "naive Bayes on bigrams"
LINEAR_SVM: Final = "linear SVM"


def beside(
    texts: Sequence[str], labels: NDArray[np.int64], others: Sequence[str]
) -> dict[str, NDArray[np.int64]]:
    """What simple classifiers say of other texts after learning from some.

    Arguments:
        texts, labels: to learn from.
        others: to label.

    Returns:
        The classifier's name → (N,) labels of `others`.

    Raises:
        ArgumentError: scikit-learn is not installed.

    Source: Wang and Manning (2012), "Baselines and bigrams".
    """
    made: dict[str, NDArray[np.int64]] = {}
    for name, classifier in _classifiers().items():
        classifier.fit(list(texts), labels)
        made[name] = np.asarray(classifier.predict(list(others)), dtype=np.int64)
    return made


def _classifiers() -> dict[str, Any]:
    try:
        from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
        from sklearn.naive_bayes import MultinomialNB
        from sklearn.pipeline import make_pipeline
        from sklearn.svm import LinearSVC
    except ImportError as error:
        raise ArgumentError(
            "Simple classifiers need the package scikit-learn: pip install 'holdfast[text]'."
        ) from error
    token = r"(?u)\b\w+\b|[^\w\s]"
    pairs: dict[str, Any] = {"ngram_range": (1, 2), "token_pattern": token}
    return {
        NAIVE_BAYES: make_pipeline(CountVectorizer(binary=True, **pairs), MultinomialNB()),
        LINEAR_SVM: make_pipeline(
            TfidfVectorizer(sublinear_tf=True, **pairs), LinearSVC(C=1.0, random_state=0)
        ),
    }
