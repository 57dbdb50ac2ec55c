"""The pages of the lens, as a browser would read them."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import replace
from html.parser import HTMLParser
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

from holdfast import reports
from holdfast.records import ContextLoss, Floats, Inspection, LagCurve
from holdfast.reports.inspection_page import LAYERS, inspection_html
from holdfast.reports.lag_curves import lag_curve
from holdfast.reports.page import LIMIT
from holdfast.reports.sequence_page import STEPS, sequence_html

HOSTILE = "</script><script>alert(1)</script> {{data}} & <i>"


class Reader(HTMLParser):
    """Every start tag with its attributes, and the text of the script with the data."""

    def __init__(self, page: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._inside = False
        self.feed(page.decode("utf-8"))
        self.data: dict[str, Any] = json.loads(self.text, parse_constant=_refuse)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = dict(attrs).get("id") == "holdfast-data"

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        self.text += data if self._inside else ""

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def _refuse(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


def read(record: Inspection) -> dict[str, Any]:
    return Reader(inspection_html(record)).data


def test_an_inspection_is_in_its_page_with_what_was_before_training() -> None:
    data = read(inspection())
    first, second = data["layers"]
    assert list(first["curves"]) == ["jacobian", "cell_path", "median_cell", "rest", "output"]
    np.testing.assert_allclose(first["curves"]["rest"]["median"], layer().rest.median, rtol=1e-3)
    np.testing.assert_allclose(first["before"]["cell_path"]["low"], curve(0.5, seed=6).low, 1e-3)
    assert first["timescales"][0] == "∞"
    assert first["timescales"] == ["∞", *sorted(first["timescales"][1:], reverse=True)]
    assert list(second["curves"]) == ["jacobian"]
    assert second["before"] is None
    assert second["timescales"] is None
    assert data["context"]["effective"] == 90
    assert data["attribution"]["completeness"] == 0.0012
    assert data["advice"][1] == "A window of 96 steps is enough."


def test_the_verdict_comes_first() -> None:
    page = inspection_html(inspection()).decode()
    verdict = inspection().verdict()
    assert "so a window of 96 is enough" in verdict
    assert f'<p class="lead">{verdict}</p>' in page
    assert "LSTM of 64 units, RNN of 32 units, over 300 steps of 8 sequences" in page


def test_a_whole_stack_stands_before_its_layers() -> None:
    names = [one["name"] for one in read(inspection(whole=curve(0.9)))["layers"]]
    assert names == ["all layers together", "layer 1", "layer 2"]


def test_numbers_that_are_none_do_not_break_the_page() -> None:
    lags = np.array([1, 10])
    broken = LagCurve(lags, np.array([np.nan, 0.0]), np.zeros(2), np.array([np.inf, 1.0]), 3)
    bare = ContextLoss(lags, np.full(2, np.nan), np.full(2, np.nan), 1.0, np.full(2, np.nan))
    odd = layer(
        jacobian=broken, timescales=np.array([np.nan, np.inf]), lyapunov=np.array([-np.inf])
    )
    data = read(inspection(layers=(odd,), context=bare, seconds=0.0))
    assert data["layers"][0]["curves"]["jacobian"]["median"] == [None, 0.0]
    assert data["layers"][0]["curves"]["jacobian"]["high"] == ["∞", 1.0]
    assert data["layers"][0]["timescales"] == ["∞"]
    assert data["layers"][0]["lyapunov"] == [None]
    assert data["context"]["removed"] == [None, None]
    assert read(inspection(layers=(), attribution=None, context=None))["layers"] == []


def test_names_are_shown_as_text_and_nothing_is_loaded(tmp_path: Path) -> None:
    record = inspection(
        title=HOSTILE,
        command=HOSTILE * 1_000,
        advice=(HOSTILE,),
        description=((HOSTILE, HOSTILE),),
        layers=(layer(HOSTILE), rnn()),
    )
    reports.save(record, tmp_path / "page.html")
    page = Reader((tmp_path / "page.html").read_bytes())
    assert page.count("script") == 3
    assert page.count("i") == page.count("link") == page.count("img") == page.count("iframe") == 0
    assert page.data["advice"] == [HOSTILE]
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
    data = Reader(page).data
    assert len(data["layers"]) == LAYERS
    assert data["left_out"][0] == "The first 16 of 40 layers and directions are shown."
    assert data["layers"][0]["curves"]["jacobian"]["lags"][-1] == 5_000


@pytest.mark.parametrize("count", [1, 199, 200, 201, 7_000])
def test_a_thinned_curve_keeps_its_ends(count: int) -> None:
    lags = np.arange(1, count + 1)
    made = lag_curve(LagCurve.of(lags, np.ones((count, 1))))
    assert made is not None
    assert isinstance(made["lags"], list)
    assert made["lags"][0] == 1
    assert made["lags"][-1] == count
    assert len(made["lags"]) <= 200
    assert math.isclose(sum(made["median"]), len(made["lags"]))


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
    shown, made = data["layers"][0], record.layers[0]
    assert shown["units"] == made.order.tolist()
    assert [field["name"] for field in shown["fields"]] == list(made.fields)
    for field in shown["fields"]:
        step = (field["high"] - field["low"]) / 254
        off = np.abs(decoded(field, 40) - made.fields[field["name"]])
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
    page = Reader(sequence_html(record))
    assert page.count("script") == 3
    assert page.count("i") == 0
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
