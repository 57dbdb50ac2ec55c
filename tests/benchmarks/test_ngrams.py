"""The n-grams beside the language models: probabilities that add up, by two ways and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.ngrams import KneserNey

SIZE = 6
TEXT = np.random.default_rng(0).choice(SIZE - 1, 400, p=[0.4, 0.3, 0.15, 0.1, 0.05])


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_probabilities_add_up_after_contexts_seen_and_unseen(order: int) -> None:
    made = KneserNey(TEXT, SIZE, order)
    for context in ([], [0], [5], [0, 1, 0, 2], [5, 1], [1, 5, 0, 0], TEXT[-4:].tolist()):
        chances = made.probabilities(np.array(context, np.int64))
        assert chances.sum() == pytest.approx(1.0, abs=1e-12)
        assert (chances > 0).all()  # the last token was never seen


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_surprises_of_a_stream_are_those_of_each_context(order: int) -> None:
    made = KneserNey(TEXT, SIZE, order)
    scored = np.random.default_rng(1).integers(SIZE, size=200)
    wanted = [
        -np.log(made.probabilities(scored[place - order + 1 : place])[scored[place]])
        for place in range(order - 1, len(scored))
    ]
    np.testing.assert_allclose(made.surprises(scored), wanted, rtol=1e-12)


def test_a_bigram_by_hand() -> None:
    # aab ab: pairs aa 1, ab 2, ba 1; a token's contexts: a after a and b, b after a.
    made = KneserNey(np.array([0, 0, 1, 0, 1]), 2, 2)
    # Pairs: n1 = 2, n2 = 1, n3 = 0 (taken as 1): Y = 1/2, D1 = 1 − 2·½·½ = ½, D2 = 2 − 3·½ = ½.
    # Contexts: 2 for a, 1 for b, n1 = n2 = 1: Y = 1/3, D1 = 1/3, D2 = 1; 4/3 of 3 are left.
    lower_b = (1 - 1 / 3) / 3 + (4 / 3) / 3 / 2
    wanted = (2 - 0.5) / 3 + (0.5 + 0.5) / 3 * lower_b
    assert made.probabilities(np.array([0]))[1] == pytest.approx(wanted, rel=1e-12)
