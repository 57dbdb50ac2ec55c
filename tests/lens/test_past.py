"""What an output rests on, and what the past is worth, where the truth is known."""

from __future__ import annotations

import numpy as np
import torch
from tests.lens.subjects import Delayed

from holdfast.lens.attribution import attribution, context_loss
from holdfast.lens.subject import take_apart
from holdfast.nn import LSTM


def test_the_loss_gains_from_as_many_steps_as_the_model_reads() -> None:
    subject = take_apart(Delayed(8), torch.randn(60, 16, 1))
    lags = np.array([1, 2, 4, 6, 8, 10, 20])
    found = context_loss(subject, lags)
    assert found is not None
    assert found.effective == 8
    # Eight steps are summed: without the other 8 − k, they miss 8 − k of variance 1.
    missing = np.maximum(8 - lags, 0)
    np.testing.assert_allclose(found.removed[4:], 0.1, rtol=0, atol=1e-12)
    wide = 4 * found.spread[:4]
    assert (np.abs(found.removed[:4] - 0.1 - missing[:4]) < wide).all()
    # In another order than theirs, mostly other steps lie among the eight: twice the variance.
    assert (found.shuffled[:3] > found.removed[:3]).all()
    np.testing.assert_allclose(found.shuffled[4:], 0.1, rtol=0, atol=1e-12)
    assert found.unit == "squared error"


def test_attributions_lie_where_the_model_reads_and_are_complete() -> None:
    subject = take_apart(Delayed(4), torch.randn(40, 8, 1))
    examples = subject.encoded
    found = attribution(
        take_apart_with(subject, lambda x: (x[-4:, :, 0] ** 2).sum(dim=0)[:, None]), 10
    )
    assert found is not None
    assert found.by_lag.lags.tolist() == list(range(11))
    assert (found.by_lag.median[:4] > 0).all()
    assert (found.by_lag.median[4:] == 0).all()
    assert found.completeness < 1e-12  # a polynomial of degree 4, and the rule is exact to 31
    assert examples.shape == (40, 8, 1)


def test_an_input_that_is_the_mean_explains_nothing() -> None:
    """Far from zero, and yet: attributions are of what differs from the mean input."""
    sequence = 5.0 + torch.randn(40, 8, 1, generator=torch.Generator().manual_seed(0)).double()
    sequence[-2] = 0.0
    sequence[-2] = sequence.sum() / (39 * 8)
    subject = take_apart(Delayed(4), sequence)
    found = attribution(
        take_apart_with(subject, lambda x: x[-4:, :, 0].sum(dim=0)[:, None] ** 2), 10
    )
    assert found is not None
    assert found.by_lag.median[1] < 1e-12 < 1e-3 < found.by_lag.median[0]


def take_apart_with(subject, output):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    return replace(subject, losses=None, output=output)


def test_the_attributions_of_an_lstm_sum_to_what_its_output_moved() -> None:
    subject = take_apart(LSTM(3, 8, timescale=20.0), torch.randn(30, 6, 3))
    found = attribution(subject, 29)
    assert found is not None
    assert found.completeness < 1e-6
    coarse = attribution(subject, 29, steps=2)
    assert coarse is not None
    assert coarse.completeness > 100 * found.completeness


def test_a_model_without_a_loss_has_no_context() -> None:
    subject = take_apart(LSTM(3, 8), torch.randn(30, 6, 3))
    assert context_loss(subject, np.array([1, 2])) is None
