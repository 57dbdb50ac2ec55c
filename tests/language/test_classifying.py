from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from holdfast.errors import ArgumentError, ModelError
from holdfast.language.classify.classifier import TextClassifier
from holdfast.language.classify.data import check_labels, checked_labels, checked_texts
from holdfast.language.classify.log_linear import STRENGTHS, LogLinear, features, suited_strength
from holdfast.language.classify.scores import (
    calibration_error,
    probabilities,
    share_and_temperature,
    temperature,
)
from holdfast.language.classify.training import divided, validation_split

GOOD = ["a joy to watch", "what a warm and funny film", "I loved the joy in it"]
BAD = ["dull and far too long", "what a cold and empty film", "I hated the noise in it"]


def films(count: int = 40) -> tuple[list[str], list[str]]:
    texts = [text for _ in range(count) for pair in zip(GOOD, BAD, strict=True) for text in pair]
    return texts, ["good", "bad"] * (len(texts) // 2)


def small(**others: object) -> TextClassifier:
    return TextClassifier(steps=60, networks=2, hidden=32, embedding=64, **others)  # type: ignore[arg-type]


def _networks(classifier: TextClassifier) -> tuple[torch.nn.Module, ...]:
    assert classifier.result_ is not None
    return classifier.result_.model.networks


def test_labels_are_learnt_and_simple_classifiers_stand_beside() -> None:
    classifier = small().fit(*films())
    assert classifier.predict([*GOOD, *BAD]).tolist() == ["good"] * 3 + ["bad"] * 3
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


def test_the_most_important_word_is_found() -> None:
    classifier = small().fit(*films())
    ranked = sorted(
        classifier.word_importance("the film is a joy", "good"), key=lambda pair: -pair[1]
    )
    assert ranked[0][0] == "joy"
    assert ranked[0][1] > 0


def test_parts_do_not_meet_and_hold_every_label() -> None:
    labels = np.array([0] * 900 + [1] * 100)
    learning, _ = parts = divided(labels, 3)
    assert sorted(np.concatenate(parts).tolist()) == list(range(1000))
    for part, share in zip(parts, (0.88, 0.12), strict=True):
        assert abs(len(part) / 1000 - share) < 0.01
        assert abs(labels[part].mean() - 0.1) < 0.02
    left_out = []
    for number in range(3):
        own, held = validation_split(labels[learning], 3, number)
        assert sorted([*own, *held]) == list(range(len(learning)))
        assert abs(len(held) / len(learning) - 0.09) < 0.01
        assert abs(labels[learning][held].mean() - 0.1) < 0.03
        left_out += held.tolist()
    assert len(set(left_out)) == len(left_out)  # three networks together learn from everything


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
    texts, labels = ["so so"] * 90 + ["so so"] * 10, ["often"] * 90 + ["seldom"] * 10
    plain, balanced = (
        TextClassifier(steps=60, networks=1, hidden=8, embedding=32, class_weight=how, blend=False)
        .fit(texts, labels)
        .result_
        for how in ("none", "balanced")
    )
    assert plain is not None
    assert balanced is not None
    # Before calibration, which goes back to how often labels truly occur.
    usual, alike = (
        replace(fitted.model, temperature=1.0).chances(["so so"])[0, 1]
        for fitted in (plain, balanced)
    )
    assert usual < 0.35
    assert alike == pytest.approx(0.5, abs=0.1)


def test_a_classifier_comes_back_from_its_folder(tmp_path: Path) -> None:
    classifier = small().fit(*films())
    classifier.save(tmp_path / "model")
    again = TextClassifier.load(tmp_path / "model")
    texts = ["a joy", "zzz", ""]
    np.testing.assert_array_equal(again.predict_proba(texts), classifier.predict_proba(texts))
    assert again.classes_.tolist() == classifier.classes_.tolist()


def test_equal_steps_give_equal_bits() -> None:
    first, second = (small().fit(*films()) for _ in range(2))
    for one, two in zip(_networks(first), _networks(second), strict=True):
        for left, right in zip(one.parameters(), two.parameters(), strict=True):
            assert torch.equal(left, right)


def test_it_follows_the_conventions_of_scikit_learn() -> None:
    base = pytest.importorskip("sklearn.base")
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    classifier = TextClassifier(budget="90s", hidden=64)
    copy = base.clone(classifier)
    assert copy.get_params() == classifier.get_params()
    assert repr(copy) == "TextClassifier(budget='90s', hidden=64)"
    assert base.is_classifier(copy)
    texts, names = films(10)
    numbers = np.array([name == "good" for name in names]).astype(np.int64)
    estimator = TextClassifier(steps=30, networks=1, hidden=16, embedding=32)
    lowered = make_pipeline(
        FunctionTransformer(lambda rows: [row.lower() for row in rows]), estimator
    )
    scores = cross_val_score(lowered, np.array(texts, dtype=object), numbers, cv=2)
    assert scores.shape == (2,)
    assert scores.min() > 0.9
    fitted = lowered.fit(texts, numbers)
    assert fitted.predict(GOOD).dtype.kind == "i"
    assert fitted.score(texts, numbers) > 0.9


@pytest.mark.parametrize("labels", [[0, 1], [False, True], ["x", "y"]])
def test_labels_come_back_as_they_were_given(labels: list[object], tmp_path: Path) -> None:
    texts, names = films(10)
    given = [labels[name == "good"] for name in names]
    small().fit(texts, given).save(tmp_path / "model")
    again = TextClassifier.load(tmp_path / "model")
    assert again.classes_.tolist() == labels
    assert again.predict([GOOD[0], BAD[0]]).tolist() == labels[::-1]
    assert again.evaluate(texts, given).unknown == ()


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_columns_of_frames_are_read(kind: str) -> None:
    frames = pytest.importorskip(kind)
    texts, names = films(10)
    make = frames.table if kind == "pyarrow" else frames.DataFrame
    table = make({"text": texts, "label": names})
    classifier = small().fit(table["text"], table["label"])
    assert classifier.score(table["text"], table["label"]) == 1.0


def test_the_blend_says_what_each_part_does_alone() -> None:
    scores = small().fit(*films()).scores_
    assert scores is not None
    assert dict(scores.parts) == {"LSTMs alone": 1.0, "words, pairs and pieces alone": 1.0}
    alone = small(blend=False).fit(*films()).scores_
    assert alone is not None
    assert alone.parts == ()


def test_the_share_of_the_blend_is_that_of_the_better_part() -> None:
    truth = np.array([0, 1] * 50)
    sure, wrong = np.eye(2)[truth] * 3.0, np.eye(2)[1 - truth] * 3.0
    assert share_and_temperature(sure, wrong, truth)[0] == 0.0
    assert share_and_temperature(wrong, sure, truth)[0] == 0.9
    assert share_and_temperature(sure, None, truth)[0] == 0.0


def test_a_log_linear_model_of_pairs_learns_what_words_alone_cannot() -> None:
    texts = ["not good", "not bad", "very good", "very bad"] * 30
    labels = np.array([0, 1, 1, 0] * 30)
    model = LogLinear.fitted(texts, labels, np.ones(2), STRENGTHS[0])
    chances = np.exp(model.log_probabilities([*texts[:4], "nothing known", ""]))
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)
    assert chances[:4].argmax(axis=1).tolist() == labels[:4].tolist()
    np.testing.assert_allclose(chances[4:], 0.5, atol=0.01)


def test_texts_of_any_length_and_kind_are_classified() -> None:
    classifier = small().fit(*films(10))
    texts = ["", "\0\0", "word " * 200_000, "x" * 1_000_000, "\u2028\U0001f600"]
    assert classifier.predict_proba(texts).shape == (5, 2)


def test_a_label_that_training_never_saw_is_named() -> None:
    scores = small().fit(*films()).evaluate([GOOD[0], "so so"], ["good", "middling"])
    assert scores.unknown == ("middling",)
    assert scores.accuracy == 0.5


def test_what_cannot_be_learnt_is_refused() -> None:
    with pytest.raises(ArgumentError, match="nothing to learn"):
        small().fit(["a", "b"], ["x", "x"])
    with pytest.raises(ArgumentError, match="2 texts and 1 labels"):
        small().fit(["a", "b"], ["x"])
    with pytest.raises(ArgumentError, match="is one text"):
        small().fit("a text", ["x"])
    with pytest.raises(ArgumentError, match=r"texts\[1\]=None is a NoneType"):
        small().fit(["a", None], ["x", "y"])  # type: ignore[list-item]
    with pytest.raises(ArgumentError, match=r"labels\[1\] is missing"):
        small().fit(["a", "b"], ["x", None])
    with pytest.raises(ArgumentError, match="networks=0"):
        TextClassifier(networks=0)
    with pytest.raises(ArgumentError, match="not fitted"):
        TextClassifier().predict(["a"])
    with pytest.raises(ArgumentError, match="label='worse'"):
        small().fit(*films(10)).word_importance("a joy", "worse")


def test_damaged_folders_are_refused(tmp_path: Path) -> None:
    small().fit(*films(10)).save(tmp_path / "model")
    manifest = tmp_path / "model" / "manifest.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    for name, value in {
        "labels": ["good"],
        "networks": 0,
        "temperature": "warm",
        "reader": {},
        "bag": ["joy"],
        "share": 2.0,
        "design": None,
    }.items():
        broken = {**content, "content": {**content["content"], name: value}}
        manifest.write_text(json.dumps(broken), encoding="utf-8")
        with pytest.raises(ModelError, match="does not fit together"):
            TextClassifier.load(tmp_path / "model")


def test_the_log_linear_model_takes_the_penalty_that_suits_held_out_texts() -> None:
    """Labels by lot want a strong penalty; labels that the first word settles a weak one."""
    random = np.random.default_rng(0)
    words = [" ".join(row) for row in random.choice(list("abcdefgh"), (200, 6)).tolist()]
    by_lot = random.integers(0, 2, 200)
    by_word = np.array([int(text[0] in "abcd") for text in words])
    counts = np.ones(2)
    assert suited_strength(words, by_lot, counts) == STRENGTHS[0]
    assert suited_strength(words, by_word, counts) == STRENGTHS[-1]


def test_the_log_linear_model_reads_endings_of_words_where_they_decide() -> None:
    random = np.random.default_rng(0)
    stems = ["".join(row) for row in random.choice(list("abcdefgh"), (400, 5)).tolist()]
    labels = random.integers(0, 2, 400)
    texts = [stem + ("less" if label else "ful") for stem, label in zip(stems, labels, strict=True)]
    said = LogLinear.fitted(texts[:200], labels[:200], np.ones(2), 0.2).log_probabilities(
        texts[200:]
    )
    np.testing.assert_array_equal(said.argmax(axis=1), labels[200:])


def test_the_log_linear_model_has_the_weights_that_scikit_learn_finds() -> None:
    """Two labels' weights are one weight's halves: the penalty s on both is C = 2 s on the one."""
    linear = pytest.importorskip("sklearn.linear_model")
    random = np.random.default_rng(1)
    words = random.permutation(["gate"] * 60 + ["cell"] * 60)
    labels = ((words == "gate") ^ (random.random(120) < 0.2)).astype(np.int64)
    model = LogLinear.fitted(words.tolist(), labels, np.ones(2), 0.5)
    names = sorted({*features("gate"), *features("cell")})
    rows = np.array([[name in features(word) for name in names] for word in words.tolist()]) * 1.0
    counts = 1.0 + np.stack([rows[labels == label].sum(axis=0) for label in (0, 1)])
    shares = np.log(counts / counts.sum(axis=1, keepdims=True))
    ratios = shares[1] - shares[0]
    theirs = linear.LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000)
    theirs.fit(rows * ratios, labels)
    chances = theirs.predict_proba(rows * ratios)
    np.testing.assert_allclose(np.exp(model.log_probabilities(words.tolist())), chances, atol=1e-4)


def test_labels_come_as_tables_give_them() -> None:
    assert checked_labels(np.array([1.0, 0.0]), 2).tolist() == [1, 0]
    assert checked_labels([1.5, 0.0], 2).tolist() == ["1.5", "0.0"]
    assert checked_labels(np.array([2**63 + 5, 1], dtype=np.uint64), 2).dtype.kind == "U"
    with pytest.raises(ArgumentError, match=r"labels\[0\] holds several"):
        checked_labels(np.array([[1, 2], [3, 4]]), 2)
    pandas = pytest.importorskip("pandas")
    with pytest.raises(ArgumentError, match=r"labels\[1\] is missing"):
        checked_labels(pandas.Series(["x", None], dtype="string"), 2)
    with pytest.raises(ArgumentError, match="40 texts have 40 different labels"):
        check_labels(list(range(40)))
    with pytest.raises(ArgumentError, match=r"texts\[0\] holds U\+D800"):
        checked_texts(["\ud800"])
