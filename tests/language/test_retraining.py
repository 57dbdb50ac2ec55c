"""Networks that learn from all texts after others like them were scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from holdfast.language.classify import training
from holdfast.language.classify.classifier import TextClassifier
from holdfast.language.classify.training import divided
from holdfast.training.progress import SilentProgress

ROWS = 160
SEEN, UNSEEN = ("so dull a film", "a joy to see"), ("cold and cold", "warm and warm")


def films(seed: int = 0) -> tuple[list[str], list[str]]:
    """Texts whose words for either label occur either in those learnt from or in the held-out."""
    numbers = np.arange(ROWS) % 2
    _, scoring = divided(numbers, seed)
    texts = [(UNSEEN if row in scoring else SEEN)[label] for row, label in enumerate(numbers)]
    return texts, [("bad", "good")[label] for label in numbers]


def test_what_is_kept_has_learnt_from_all_texts_and_the_scores_are_from_before() -> None:
    texts, labels = films()
    classifier = TextClassifier(steps=120, networks=1, hidden=16, embedding=32, blend=False)
    fit = classifier.fit(texts, labels).result_
    assert fit is not None
    assert fit.retrained
    assert classifier.scores_ is not None
    assert classifier.scores_.accuracy < 0.7
    assert classifier.predict([*UNSEEN, *SEEN]).tolist() == ["bad", "good"] * 2
    assert {"warm", "cold"} <= set(fit.model.word_network()[0].words)
    assert not {"warm", "cold"} & set(fit.scored_model.word_network()[0].words)
    assert len(fit.model.networks) == 1


def test_nobody_learns_anew_where_the_time_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "RETRAINING", 1e9)
    texts, labels = films()
    classifier = TextClassifier(budget="60s", networks=1, hidden=8, embedding=8, blend=False)
    fit = classifier.fit(texts, labels).result_
    assert fit is not None
    assert not fit.retrained
    assert len(fit.trained) == 1


class Counter(SilentProgress):
    """Counts updates."""

    def __init__(self) -> None:
        self.updates = 0

    def advance(self, step: int, loss: float, note: str = "") -> None:
        self.updates += 1


def test_a_training_with_a_budget_goes_on_where_it_was(tmp_path: Path) -> None:
    texts, labels = films()
    classifier = TextClassifier(budget="60s", networks=2, hidden=8, embedding=8, blend=False)
    first, second = Counter(), Counter()
    made = classifier.fit(texts, labels, checkpoints=tmp_path, progress=first).predict_proba(texts)
    classifier.fit(texts, labels, checkpoints=tmp_path, progress=second)
    again = classifier.predict_proba(texts)
    assert first.updates > 0
    assert second.updates == 0
    np.testing.assert_array_equal(again, made)
    TextClassifier.clear_checkpoints(tmp_path)
    assert not tmp_path.exists()
