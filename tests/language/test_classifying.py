from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from holdfast.errors import ArgumentError, ModelError
from holdfast.language.classify.calibration import calibration_error, probabilities, temperature
from holdfast.language.classify.classifier import TextClassifier
from holdfast.language.classify.division import divided

GOOD = ["a joy to watch", "what a warm and funny film", "I loved the joy in it"]
BAD = ["dull and far too long", "what a cold and empty film", "I hated the noise in it"]


def films(count: int = 40) -> tuple[list[str], list[str]]:
    texts = [text for _ in range(count) for pair in zip(GOOD, BAD, strict=True) for text in pair]
    return texts, ["good", "bad"] * (len(texts) // 2)


def small(**others: object) -> TextClassifier:
    return TextClassifier(steps=60, networks=2, hidden=32, embedding=64, **others)  # type: ignore[arg-type]


def test_labels_are_learnt_and_simple_classifiers_stand_beside() -> None:
    classifier = small().fit(*films())
    assert classifier.predict([*GOOD, *BAD]) == ["good"] * 3 + ["bad"] * 3
    chances = classifier.predict_proba(["such joy", "so dull", ""])
    assert chances.shape == (3, 2)
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)
    scores = classifier.scores_
    assert scores is not None
    assert scores.accuracy == 1.0
    assert {name for name, _ in scores.simple} == {"naive Bayes on bigrams", "linear SVM"}
    assert sum(map(sum, scores.confusion)) == scores.texts


def test_a_text_has_one_label_alone_and_among_others() -> None:
    classifier = small().fit(*films())
    texts = [*GOOD, "joy " * 50, *BAD]
    together = classifier.predict_proba(texts)
    alone = np.concatenate([classifier.predict_proba([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_the_words_that_decided_are_found() -> None:
    classifier = small().fit(*films())
    ranked = sorted(classifier.deciding("the film is a joy", "good"), key=lambda pair: -pair[1])
    assert ranked[0][0] == "joy"
    assert ranked[0][1] > 0


def test_parts_do_not_meet_and_hold_every_label() -> None:
    labels = np.array([0] * 900 + [1] * 100)
    parts = divided(labels, 3)
    assert sorted(np.concatenate(parts).tolist()) == list(range(1000))
    for part, share in zip(parts, (0.8, 0.08, 0.12), strict=True):
        assert abs(len(part) / 1000 - share) < 0.01
        assert abs(labels[part].mean() - 0.1) < 0.02


def test_a_temperature_makes_too_sure_scores_honest() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 4000)
    honest = random.normal(size=(4000, 3))
    honest[np.arange(4000), truth] += 1.0
    sure = 4.0 * honest
    warmth = temperature(sure, truth)
    assert abs(warmth - 4.0 * temperature(honest, truth)) < 1e-3
    before = calibration_error(probabilities(sure), truth)
    after = calibration_error(probabilities(sure / warmth), truth)
    assert after < 0.03 < before


def test_rare_labels_count_alike_when_balanced() -> None:
    classifier = small(class_weight="balanced")
    classifier.classes_ = ["a", "b"]
    weights = classifier._label_weights(np.array([0] * 9 + [1]))
    assert weights[1] / weights[0] == pytest.approx(9.0)


def test_a_classifier_comes_back_from_its_folder(tmp_path: Path) -> None:
    classifier = small().fit(*films())
    classifier.save(tmp_path / "model")
    again = TextClassifier.load(tmp_path / "model")
    texts = ["a joy", "zzz", ""]
    np.testing.assert_array_equal(again.predict_proba(texts), classifier.predict_proba(texts))
    assert again.classes_ == classifier.classes_


def test_equal_steps_give_equal_bits() -> None:
    first, second = (small().fit(*films()) for _ in range(2))
    for one, two in zip(first._networks, second._networks, strict=True):
        for left, right in zip(one.parameters(), two.parameters(), strict=True):
            assert torch.equal(left, right)


def test_it_follows_the_conventions_of_scikit_learn() -> None:
    sklearn = pytest.importorskip("sklearn.base")
    classifier = TextClassifier(budget="90s", hidden=64)
    copy = sklearn.clone(classifier)
    assert copy.get_params() == classifier.get_params()
    assert repr(copy) == "TextClassifier(budget='90s', hidden=64)"


def test_a_label_that_training_never_saw_is_named() -> None:
    scores = small().fit(*films()).evaluate([GOOD[0], "so so"], ["good", "middling"])
    assert scores.unknown == ("middling",)
    assert scores.accuracy == 0.5


def test_what_cannot_be_learnt_is_refused() -> None:
    with pytest.raises(ArgumentError, match="nothing to learn"):
        small().fit(["a", "b"], ["x", "x"])
    with pytest.raises(ArgumentError, match="2 texts and 1 labels"):
        small().fit(["a", "b"], ["x"])
    with pytest.raises(ArgumentError, match="networks=0"):
        TextClassifier(networks=0)
    with pytest.raises(ArgumentError, match="not fitted"):
        TextClassifier().predict(["a"])
    with pytest.raises(ArgumentError, match="label='worse'"):
        small().fit(*films(10)).deciding("a joy", "worse")


def test_damaged_folders_are_refused(tmp_path: Path) -> None:
    small().fit(*films(10)).save(tmp_path / "model")
    manifest = tmp_path / "model" / "manifest.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    for name, value in {
        "labels": ["good"],
        "networks": 0,
        "temperature": "warm",
        "vocabulary": {},
        "design": None,
    }.items():
        broken = {**content, "content": {**content["content"], name: value}}
        manifest.write_text(json.dumps(broken), encoding="utf-8")
        with pytest.raises(ModelError, match="does not fit together"):
            TextClassifier.load(tmp_path / "model")
