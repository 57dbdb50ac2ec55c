"""The three public classes have one shape, and it is the one that scikit-learn expects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from texts import VERSE, write_text

from holdfast import LanguageModel, Tagger, TextClassifier
from holdfast.errors import ArgumentError
from holdfast.language import Sentence

base = pytest.importorskip("sklearn.base")

WORDS = [("Ada", "sleeps"), ("the", "gate", "opens")] * 12
TAGS = [("NOUN", "VERB"), ("DET", "NOUN", "VERB")] * 12
TEXTS, LABELS = ["a joy", "so dull"] * 15, ["good", "bad"] * 15

ESTIMATORS: dict[str, Any] = {
    "language model": LanguageModel(steps=2, hidden=8),
    "classifier": TextClassifier(steps=2, networks=1, hidden=8, embedding=8),
    "tagger": Tagger(steps=2, hidden=8),
}


def data(name: str, folder: Path) -> tuple[Any, ...]:
    """What the estimator learns from."""
    if name == "language model":
        return (write_text(folder),)
    return (TEXTS, LABELS) if name == "classifier" else (WORDS, TAGS)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_estimator_is_cloned_changed_fitted_and_stored(name: str, tmp_path: Path) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    estimator = base.clone(ESTIMATORS[name])
    assert estimator.get_params() == ESTIMATORS[name].get_params()
    assert repr(estimator) == repr(ESTIMATORS[name])
    with pytest.raises(ArgumentError, match="budget='soon'"):
        estimator.set_params(budget="soon")
    assert estimator.set_params(seed=3) is estimator
    assert base.clone(estimator).seed == 3
    with pytest.raises(NotFittedError):
        check_is_fitted(estimator)
    with pytest.raises(ArgumentError, match="not fitted yet"):
        estimator.save(tmp_path / "model")

    assert estimator.fit(*data(name, tmp_path)) is estimator
    check_is_fitted(estimator)
    assert estimator.scores_ is not None
    assert estimator.result_ is not None
    record = estimator.record(title="a title")
    assert (record.title, record.seed, record.version != "") == ("a title", 3, True)
    assert record.seconds > 0.0

    estimator.save(tmp_path / "model")
    loaded = type(estimator).load(tmp_path / "model")
    check_is_fitted(loaded)
    assert (loaded.scores_, loaded.result_) == (None, None)
    assert loaded.get_params()["hidden"] == 8
    with pytest.raises(ArgumentError, match="nothing to report"):
        loaded.record()
    with pytest.raises(NotFittedError):
        check_is_fitted(base.clone(loaded))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_pipeline_ends_in_an_estimator(name: str, tmp_path: Path) -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.utils.validation import check_is_fitted

    pipeline = make_pipeline("passthrough", base.clone(ESTIMATORS[name]))
    fitted = pipeline.fit(*data(name, tmp_path))
    check_is_fitted(fitted)
    if name == "language model":
        # The mean log-likelihood of a token: higher is better.
        assert pipeline.score(VERSE) == -pipeline[-1].evaluate(VERSE).nats < 0.0
    else:
        values, truth = data(name, tmp_path)
        assert len(pipeline.predict(values)) == len(truth)
        assert 0.0 <= pipeline.score(values, truth) <= 1.0


def test_words_and_tags_apart_are_sentences() -> None:
    tagger = Tagger(steps=3, hidden=8)
    apart = tagger.fit(WORDS, TAGS).predict(WORDS[:2])
    whole = [Sentence(words, tags) for words, tags in zip(WORDS, TAGS, strict=True)]
    assert tagger.fit(whole).predict(WORDS[:2]) == apart
    assert tagger.score(whole) == tagger.score(WORDS, TAGS)
    with pytest.raises(ArgumentError, match="a tag for each"):
        tagger.fit(WORDS, TAGS[:-1])
