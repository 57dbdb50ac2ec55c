"""A log-linear classifier keeps to its part of the time and of the memory."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.language.classify import log_linear
from holdfast.language.classify.log_linear import MEASURED, USUAL, LogLinear, LogLinearFit
from holdfast.training.budget import Budget


def texts(count: int, labels: int = 2) -> tuple[list[str], np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    numbers = random.integers(0, labels, count)
    words = random.choice([f"w{chr(97 + n)}" for n in range(26)], (count, 6)).tolist()
    return (
        [" ".join(["abcdefghij"[n] * 4, *row]) for n, row in zip(numbers, words, strict=True)],
        numbers,
        (np.ones(labels)),
    )


def test_with_little_time_fewer_texts_are_read_and_nothing_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_linear, "_seconds_a_text", lambda *_: 1e-3)
    given, labels, counts = texts(4 * MEASURED)
    now = 0.0
    fitting = LogLinearFit.chosen(given, labels, counts, Budget(10.0, clock=lambda: now))
    assert (fitting.strength, fitting.most) == (USUAL, 1000)  # a fifth of ten seconds, twice
    seen: list[int] = []
    monkeypatch.setattr(LogLinear, "fitted", lambda rows, *_: seen.append(len(rows)))
    fitting.fit(given, labels, counts)
    assert seen == [1000]


def test_the_weights_are_taken_as_they_are_when_the_time_is_over() -> None:
    given, labels, counts = texts(200)
    early = LogLinear.fitted(given, labels, counts, USUAL, seconds=0.0)
    late = LogLinear.fitted(given, labels, counts, USUAL)
    assert not np.allclose(early.weights, late.weights, atol=1e-3)


def test_without_a_limit_all_texts_are_read() -> None:
    given, labels, counts = texts(200)
    fitting = LogLinearFit.chosen(given, labels, counts, Budget(None))
    assert fitting.most >= 200
    made = fitting.fit(given, labels, counts)
    assert (made.log_probabilities(given).argmax(axis=1) == labels).mean() > 0.95


def test_many_labels_leave_fewer_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_linear, "MOST_WEIGHTS", 300)
    given, labels, counts = texts(60, labels=10)
    made = LogLinear.fitted(given, labels, counts, USUAL)
    assert made.weights.shape == (30, 10)


def test_of_a_long_text_the_middle_is_not_read() -> None:
    given, labels, counts = texts(100)
    made = LogLinear.fitted(given, labels, counts, USUAL)
    ends = ["and"] * 600
    plain, other = (" ".join([*ends, *middle, *ends]) for middle in ([], ["aaaa"] * 9))
    np.testing.assert_array_equal(*(made.log_probabilities([text]) for text in (plain, other)))
