"""The paragraph and the arrays of an inspection, whatever is missing or is no number."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.reports.lens_records import context, curve, inspection, layer, rnn

from holdfast.records import Inspection, LagCurve
from holdfast.records.lens_summary import known, memory
from holdfast.reports import as_json, terminal_research


def with_median(values: list[float]) -> LagCurve:
    lags = np.unique(np.geomspace(1, 100, len(values)).round().astype(np.int64))
    median = np.array(values)
    return LagCurve(lags, median, median, median, 1)


def alone(**changes: Any) -> Inspection:
    """One layer, with nothing beside it that is said."""
    one = layer(**changes)
    return inspection(layers=(one,), before=None, attribution=None, context=None)


def test_without_layers_it_says_that_nothing_was_measured() -> None:
    record = inspection(layers=(), attribution=None, context=None, before=None)
    assert record.verdict() == (
        "No recurrent layer was measured, so nothing is known of its memory."
    )
    terminal_research.inspection(record)
    assert as_json(record)["layers"] == []


def test_lags_that_are_no_number_are_left_out() -> None:
    """What is known of three lags says the same as if the third had never been measured."""
    broken = with_median([0.5, 0.05, np.nan])
    said = alone(jacobian=broken).verdict()
    assert memory(broken) == pytest.approx(memory(with_median([0.5, 0.05, 0.01])))
    assert "the gradient at lag 10 is 0.1 of that at lag 1" in said
    assert "nan" not in said


def test_where_no_gradient_is_a_number_it_says_so() -> None:
    nothing = with_median([np.nan, np.nan, np.nan])
    assert known(nothing) is None
    record = alone(jacobian=nothing, timescales=np.full(64, np.nan))
    assert record.verdict().startswith("How long it remembers is not known: no measured gradient")
    assert "nan" not in record.verdict()
    shown = as_json(record)
    assert shown["layers"][0]["remembers"] is None  # type: ignore[index]


def test_a_layer_that_is_known_decides_before_one_that_is_not() -> None:
    record = inspection(layers=(layer(jacobian=with_median([np.nan] * 3)), rnn()), before=None)
    assert record.verdict().startswith("Remembers about 4 steps")  # 0.8^k is 1/e at k = 4.5


def test_a_gradient_beyond_every_number_is_said_as_such() -> None:
    said = alone(jacobian=with_median([2.0, 1e9, np.inf])).verdict()
    assert said.startswith("Remembers beyond 100 steps")
    assert "the gradient has grown beyond every number at lag 100" in said


def test_a_loss_that_is_no_number_is_not_judged() -> None:
    broken = replace(context(), removed=np.full(9, np.nan))
    assert "the loss" not in inspection(context=broken).verdict()
    assert "the loss gains nothing beyond 90 steps" in inspection().verdict()


def test_the_median_units_cell_is_among_the_arrays() -> None:
    found = inspection().table()["layer 1/median_cell/median"]
    np.testing.assert_array_equal(found, curve(0.9, seed=4).median)


def test_attributions_that_miss_much_are_said_to() -> None:
    record = inspection()
    assert record.attribution is not None
    assert "attributions that miss" not in record.verdict()
    coarse = replace(record.attribution, completeness=0.2)
    assert (
        "steps (by attributions that miss 20% of it)"
        in replace(record, attribution=coarse).verdict()
    )
