"""The pages of the lens, as a browser would read them."""

from __future__ import annotations

import base64
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.reports.lens_records import (
    curve,
    gate,
    inspection,
    layer,
    rnn,
    series_sequence,
    text_sequence,
    units,
)
from tests.reports.reading import HOSTILE, Reader, shown_only_as_text

from holdfast import reports
from holdfast.records import ContextLoss, Floats, Inspection, LagCurve
from holdfast.reports.figures import lag_line, style
from holdfast.reports.inspection_page import LAYERS, inspection_html
from holdfast.reports.page import LIMIT
from holdfast.reports.sequence_page import STEPS, sequence_html


def read(record: Inspection) -> Reader:
    return Reader(inspection_html(record))


def test_an_inspection_is_in_its_page_with_what_was_before_training() -> None:
    page = read(inspection())
    now = [
        "whole Jacobian", "cell path, best unit", "cell path, median unit", "rest",
        "reaches the output",
    ]  # fmt: skip
    lines = page.lines("lags")
    assert list(lines) == [*now, *(f"{name}, before training" for name in now)]
    np.testing.assert_allclose(lines["rest"]["y"], layer().rest.median, rtol=1e-3)
    assert not lines["rest"]["back"]
    early = lines["cell path, best unit, before training"]
    np.testing.assert_allclose(early["y"], curve(0.5, seed=6).median, rtol=1e-3)
    assert (early["back"], early["group"]) == (True, "before training")
    kinds = page.lines("timescales")
    assert kinds["latches"]["text"][:2] == ["∞ steps", "900 steps"]
    assert sum(len(kinds[kind]["x"]) for kind in ("latches", "leaks", "resets")) == 64
    heights = [y for kind in ("latches", "leaks", "resets") for y in kinds[kind]["y"]]
    assert heights == sorted(heights, reverse=True)
    assert list(page.lines("lags", 1)) == ["whole Jacobian"]
    assert "timescales" not in page.sections(1)
    shapes = page.block("context", "figure")["layout"]["shapes"]
    assert shapes[0]["x0"] == shapes[0]["x1"] == 90
    assert (
        "miss the output's difference from its baseline by 0.12\u00a0%."
        in (page.sections()["attribution"]["caption"])
    )
    assert page.block("advice", "sentences")["items"][1] == "A window of 96 steps is enough."


def test_the_verdict_comes_first() -> None:
    page = inspection_html(inspection()).decode()
    verdict = inspection().verdict()
    assert "so a window of 96 is enough" in verdict
    assert f'<p class="lead">{verdict}</p>' in page
    assert "LSTM of 64 units, RNN of 32 units, over 300 steps of 8 sequences" in page


def test_a_whole_stack_stands_before_its_layers() -> None:
    names = read(inspection(whole=curve(0.9))).data["views"]
    assert names == ["all layers together", "layer 1 · LSTM", "layer 2 · RNN"]


def test_numbers_that_are_none_do_not_break_the_page() -> None:
    lags = np.array([1, 10])
    broken = LagCurve(lags, np.array([np.nan, 0.0]), np.zeros(2), np.array([np.inf, 1.0]), 3)
    bare = ContextLoss(lags, np.full(2, np.nan), np.full(2, np.nan), 1.0, np.full(2, np.nan))
    odd = layer(
        jacobian=broken, timescales=np.array([np.nan, np.inf]), lyapunov=np.array([-np.inf])
    )
    page = read(inspection(layers=(odd,), context=bare, seconds=0.0))
    jacobian = page.lines("lags")["whole Jacobian"]
    assert (jacobian["y"], jacobian["high"]) == ([None, 0.0], ["∞", 1.0])
    assert page.lines("timescales")["latches"]["text"] == ["∞ steps"]
    assert page.lines("lyapunov")["exponent"]["y"] == [None]
    assert page.lines("context")["removed"]["y"] == [None, None]
    nothing = read(inspection(layers=(), attribution=None, context=None))
    assert list(nothing.sections()) == ["advice", "facts", "words"]


def test_names_are_shown_as_text_and_nothing_is_loaded(tmp_path: Path) -> None:
    record = inspection(
        title=HOSTILE,
        command=HOSTILE * 1_000,
        advice=(HOSTILE,),
        description=((HOSTILE, HOSTILE),),
        layers=(layer(HOSTILE), rnn()),
    )
    reports.save(record, tmp_path / "page.html")
    page = shown_only_as_text((tmp_path / "page.html").read_bytes())
    assert page.block("advice", "sentences")["items"] == [HOSTILE]
    assert page.data["views"][0] == f"{HOSTILE} · LSTM"
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv"))
    assert str(policy).startswith("default-src 'none'; script-src 'sha256-")


def test_a_large_model_stays_within_the_limit_and_says_what_is_left_out() -> None:
    lags = np.arange(1, 5_001)
    values = np.random.default_rng(0).lognormal(-20, 3, size=(5_000, 3))
    long = LagCurve.of(lags, values)
    activity = tuple(
        replace(gate(name, 0.5), by_step=values[:, 0], by_unit=values[:, 1])
        for name in ("forget gate", "input gate", "output gate")
    )
    big = layer(
        jacobian=long,
        cell_path=long,
        rest=long,
        reaches_output=long,
        capacity=long,
        timescales=values[:, 0],
        lyapunov=values[:, 1],
        gates=activity,
        units=5_000,
    )
    many = tuple(replace(big, name=f"layer {place}") for place in range(40))
    record = inspection(layers=many, steps=5_000)
    page = inspection_html(replace(record, before=replace(record, before=None)))
    assert len(page) < LIMIT
    reader = Reader(page)
    assert len(reader.data["views"]) == LAYERS
    left_out = reader.data["sentences"][0]
    assert left_out == "The first 16 of 40 layers and directions are shown."
    assert reader.lines("lags")["rest"]["x"][-1] == 5_000


@pytest.mark.parametrize("count", [1, 199, 200, 201, 7_000])
def test_a_thinned_curve_keeps_its_ends(count: int) -> None:
    lags = np.arange(1, count + 1)
    drawn = lag_line("R²", LagCurve.of(lags, np.ones((count, 1))), style("--blend"))
    assert (drawn["x"][0], drawn["x"][-1]) == (1, count)
    assert len(drawn["x"]) <= 200
    assert math.isclose(sum(drawn["y"]), len(drawn["x"]))


def test_equal_inspections_give_equal_pages() -> None:
    assert inspection_html(inspection()) == inspection_html(inspection())


def decoded(field: dict[str, Any], count: int) -> Floats:
    """(T, U) a heat map as the page's script reads it."""
    codes = np.frombuffer(base64.b64decode(field["codes"]), dtype=np.uint8).reshape(count, -1)
    values = field["low"] + codes.T / 254 * (field["high"] - field["low"])
    return np.where(codes.T > 254, np.nan, values)


def test_a_sequence_is_in_its_page_unit_by_unit() -> None:
    record = series_sequence()
    data = Reader(sequence_html(record)).data
    shown, units_now = data["layers"][0], record.layers[0]
    assert shown["units"] == units_now.order.tolist()
    assert [field["name"] for field in shown["fields"]] == list(units_now.fields)
    for field in shown["fields"]:
        step = (field["high"] - field["low"]) / 254
        off = np.abs(decoded(field, 40) - units_now.fields[field["name"]])
        assert off.max() <= step / 2 + 1e-6 * field["high"]
    assert (shown["fields"][0]["low"], shown["fields"][0]["high"]) == (0.0, 1.0)
    assert data["values"][0][:2] == pytest.approx([20.0, 23.926], rel=1e-4)
    assert data["left_out"] == []


def test_the_lead_says_in_how_few_steps_half_of_it_lies() -> None:
    resting = np.zeros(300)
    resting[[100, 299]] = [-3.0, 1.0]
    page = sequence_html(series_sequence(attribution=resting)).decode()
    assert "Half of what the output rests on lies in one step, the earliest 200 before" in page


def test_a_text_with_a_gap_and_without_gates_has_a_page() -> None:
    cell = np.array(units(steps=16).fields["cell"])
    cell[3, 2] = np.nan
    plain = units("rnn", 16, kind="RNN", timescales=None, fields={"hidden": cell})
    plain = replace(plain, weight=np.empty(0), written=np.empty(0), kept=np.empty(0))
    plain = replace(plain, erased=np.empty(0))
    labels = (HOSTILE, *text_sequence().labels[1:16])
    record = text_sequence(layers=(plain,), labels=labels, title=HOSTILE, attribution=None)
    page = shown_only_as_text(sequence_html(record))
    assert page.data["values"] is None
    assert page.data["labels"][0] == HOSTILE
    shown = page.data["layers"][0]
    assert shown["timescales"] is shown["weight"] is None
    assert np.isnan(decoded(shown["fields"][0], 40)[3, 2])


def test_a_long_wide_sequence_stays_small_and_says_what_is_left_out() -> None:
    wide = units(steps=3_000, count=300)
    record = series_sequence(3_000, layers=(wide,) * 10)
    page = sequence_html(record)
    assert len(page) < LIMIT
    data = Reader(page).data
    assert len(data["labels"]) == STEPS
    assert data["first"] == 1_000
    assert len(data["layers"]) == 8
    assert len(data["left_out"]) == 3
    shown = data["layers"][0]
    best = int(wide.order[np.argmax(wide.weight)])
    assert best in shown["units"]
    # The last step that is shown is the record's last.
    place = shown["units"].index(best)
    forget = decoded(shown["fields"][0], len(shown["units"]))
    true = wide.fields["forget gate"][:, int(np.argmax(wide.weight))]
    assert abs(forget[-1, place] - true[-1]) < 0.01
