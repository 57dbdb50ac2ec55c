from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.reports.records import (
    MEMBERS,
    counters,
    days,
    forecast_record,
    hours,
    months,
    training,
    wave,
)

from holdfast import reports
from holdfast.errors import ArgumentError, InputError
from holdfast.records import Floats, ForecastRecord, Times
from holdfast.reports.forecast_page import forecast_html
from holdfast.reports.page import LIMIT
from holdfast.reports.scores import needed_scores

HOSTILE = (
    "</script><script>alert(1)</script>",
    '"quoted" & <b>bold</b>',
    "<!-- <script>",
    "rocket 🚀 \u2028 line",
    "{{data}} {{plotly}}",
    "lone \udc80 surrogate",
)


class Reader(HTMLParser):
    """Elements, their text, and every attribute of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.texts: dict[str, str] = {}
        self._open: list[dict[str, str | None]] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        self._open.append(attributes)
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append((attributes, ""))

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False
        self._open.append({})

    def handle_data(self, data: str) -> None:
        if self._in_script:
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)
        elif self._open and self._open[-1].get("id"):
            self.texts[str(self._open[-1]["id"])] = data


def read(record: ForecastRecord) -> tuple[Reader, dict[str, Any]]:
    """A record's page, parsed as a browser would, and the data inside."""
    reader = Reader()
    reader.feed(forecast_html(record).decode("utf-8"))
    data = [text for attributes, text in reader.scripts if attributes.get("id") == "holdfast-data"]
    assert len(data) == 1
    return reader, json.loads(data[0])


def unpacked(packed: Sequence[Any]) -> Floats:
    """A curve as the page's script reads it."""
    origin, exponent, text = packed
    codes = np.frombuffer(base64.b64decode(text), dtype="<u2").astype(np.float64)
    return np.where(codes == 65_535, np.nan, (origin + codes) * 10.0**exponent)


def axis_points(axis: dict[str, Any]) -> list[int]:
    points = [axis["first"]]
    for step, count in zip(axis["runs"][::2], axis["runs"][1::2], strict=True):
        points += [points[-1] + step * (i + 1) for i in range(count)]
    return points


def test_one_series_is_shown_whole_and_as_it_is() -> None:
    history = np.round(wave(1, 144, 12)[0], 1)
    history[50:53] = np.nan
    record = forecast_record([history], levels=(80.0, 90.0, 95.0), trained=[training()])
    _, data = read(record)
    curves = data["series"]["curves"][0]
    np.testing.assert_allclose(unpacked(curves["h"]), history, rtol=1e-12)
    reach = record.upper[95.0][0].max() - record.lower[95.0][0].min()
    for packed, values in [
        (curves["m"], record.median[0]),
        *zip(curves["lo"], [record.lower[level][0] for level in (80.0, 90.0, 95.0)], strict=True),
        *zip(curves["x"], [record.members[name][0] for name in MEMBERS], strict=True),
    ]:
        # A step is at most a 6,553rd of a curve's own range, and rounding errs by half of it.
        np.testing.assert_allclose(unpacked(packed), values, atol=reach / 6_553 / 2)
    assert len(curves["b"]) == 3
    points = axis_points(data["axis"])
    shown = np.array(points[curves["f"] : curves["f"] + 12], dtype="datetime64[ms]")
    assert np.array_equal(shown, record.times[0].astype("datetime64[ms]"))
    assert np.array_equal(
        np.array(points[curves["t"] : curves["t"] + 144], dtype="datetime64[ms]"),
        record.history_times.astype("datetime64[ms]"),
    )
    assert data["axis"]["unit"] == "month"
    assert record.backtest is not None
    _, place, packed = curves["b"][0]
    fold = record.backtest.folds[0]
    np.testing.assert_allclose(unpacked(packed), fold.median[0], atol=reach / 6_553 / 2)
    assert np.datetime64(points[place], "ms") == fold.times[0, 0]


def test_every_series_of_three_hundred_can_be_found_and_seen() -> None:
    record = forecast_record(wave(300, 120, 12))
    _, data = read(record)
    assert data["series"]["label"] == list(record.labels)
    assert all("x" in curves for curves in data["series"]["curves"])
    totals = data["totals"]
    np.testing.assert_allclose(unpacked(totals["m"]), record.median.sum(axis=0), rtol=1e-3)
    assert unpacked(totals["n"])[-1] == 300


def test_five_thousand_series_stay_below_the_limit_within_seconds() -> None:
    record = forecast_record(wave(5_000, 500, 24), clock=hours, horizon=24, season=24)
    began = time.process_time()
    page = forecast_html(record)
    took = time.process_time() - began
    assert len(page) <= LIMIT
    assert took < 10
    reader = Reader()
    reader.feed(page.decode())
    series = json.loads(reader.scripts[0][1])["series"]
    assert len(series["label"]) == 5_000
    drawn = [curves for curves in series["curves"] if curves]
    assert len(drawn) > 4_000
    assert sum("x" in curves for curves in drawn) > 100
    brief = next(curves for curves in drawn if "x" not in curves)
    assert [bound is not None for bound in brief["lo"]] == [False, True]
    largest = int(np.argmax(np.abs(record.median).mean(axis=1)))
    assert "x" in series["curves"][largest]


def test_long_names_and_notes_do_not_break_the_limit() -> None:
    count = 12_000
    record = forecast_record(
        wave(count, 30, 12),
        labels=[f"{i} " + "🚀<" * 300 for i in range(count)],
        notes=[f"{i} " + "<" * 500 for i in range(count)],
        folds=0,
    )
    page = forecast_html(record)
    assert len(page) <= LIMIT
    assert b'"total":12000' in page


@pytest.mark.parametrize("label", HOSTILE)
def test_names_stay_text(label: str) -> None:
    histories = wave(2, 60, 12)
    record = replace(
        forecast_record(histories, labels=[label, "plain"], notes=[label, ""]),
        title=label,
        command=label,
    )
    harmless, _ = read(forecast_record(histories, labels=["some", "plain"]))
    reader, data = read(record)
    assert [tag for tag, _ in reader.tags] == [tag for tag, _ in harmless.tags]
    assert data["series"]["label"][0] == label
    assert reader.texts["title"].replace("?", "") == label.replace("\udc80", "")


def test_nothing_is_loaded_from_anywhere() -> None:
    reader, _ = read(forecast_record(wave(3, 60, 12), trained=[training()]))
    for tag, attributes in reader.tags:
        assert tag not in {"link", "iframe", "img", "object", "embed", "base"}
        assert not {"src", "srcset", "action", "data"} & set(attributes)
        assert (attributes.get("href") or "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    style = re.search(
        r"<style>(.*?)</style>", forecast_html(forecast_record(wave(1, 60, 12))).decode(), re.S
    )
    assert style is not None
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_only_the_page_s_own_scripts_may_run() -> None:
    reader, _ = read(forecast_record(wave(1, 60, 12)))
    policy = next(a["content"] for _, a in reader.tags if a.get("http-equiv"))
    assert policy is not None
    assert "default-src 'none'" in policy
    allowed = re.search(r"script-src ([^;]*)", policy)
    assert allowed is not None
    digests = {
        "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
        for attributes, text in reader.scripts
        if "type" not in attributes
    }
    assert set(allowed[1].split()) == digests


@pytest.mark.parametrize(
    ("clock", "unit"), [(months, "month"), (days, "day"), (hours, "minute"), (counters, "integer")]
)
def test_times_are_written_by_their_frequency(
    clock: Callable[[int, int], Times], unit: str
) -> None:
    _, data = read(forecast_record(wave(2, 60, 12), clock=clock))
    assert data["axis"]["unit"] == unit


def test_a_page_without_backtest_and_training_says_so() -> None:
    reader, data = read(forecast_record(wave(1, 5, 1), folds=0, season=1))
    assert data["backtest"] is None
    assert data["training"] == []
    assert "No series was long enough" in reader.texts["verdict"]


def test_odd_histories_have_their_place() -> None:
    nothing = np.full(30, np.nan)
    constant = np.full(30, 5.0)
    huge = np.linspace(1e30, 2e30, 30)
    shifted = 1e9 + np.arange(30.0)
    single = np.array([3.0])
    record = forecast_record([nothing, constant, huge, shifted, single], folds=0)
    _, data = read(record)
    curves = data["series"]["curves"]
    assert np.isnan(unpacked(curves[0]["h"])).all()
    assert unpacked(curves[1]["h"]).tolist() == constant.tolist()
    np.testing.assert_allclose(unpacked(curves[2]["h"]), huge, rtol=1e-3)
    np.testing.assert_allclose(unpacked(curves[3]["h"]) - 1e9, np.arange(30.0), atol=1e-3)
    assert data["series"]["last"] == [None, 5.0, 2e30, 1_000_000_000.0, 3.0]
    assert data["series"]["mase"] == [None] * 5


def test_series_that_end_at_different_times_have_no_total() -> None:
    record = forecast_record(wave(2, 60, 12))
    times = np.stack([months(60, 12), months(61, 12)])
    _, data = read(replace(record, times=times))
    assert data["totals"] is None


def test_totals_bridge_gaps_and_begin_with_each_series() -> None:
    gappy = np.array([1.0, np.nan, 3.0, 4.0])
    late = np.array([10.0, 20.0])
    _, data = read(forecast_record([gappy, late], folds=0, horizon=2, season=1))
    assert unpacked(data["totals"]["h"]).tolist() == [1.0, 2.0, 13.0, 24.0]
    assert unpacked(data["totals"]["n"]).tolist() == [1.0, 1.0, 2.0, 2.0]


def test_the_change_is_against_as_many_recent_values() -> None:
    history = np.array([1.0, 1.0, 10.0, 30.0])
    record = forecast_record([history], folds=0, horizon=2, season=1)
    _, data = read(replace(record, median=np.array([[20.0, 24.0]])))
    assert data["series"]["mean"] == [22.0]
    assert data["series"]["change"] == [10.0]


def test_folds_are_scored_from_what_came() -> None:
    record = forecast_record(wave(1, 60, 12))
    assert record.backtest is not None
    fold = replace(
        record.backtest.folds[0],
        actual=np.array([[100.0, np.nan, 0.0]]),
        median=np.array([[300.0, 5.0, 0.0]]),
        members={"Naive": np.array([[100.0, 1.0, 1.0]])},
        lower={90.0: np.array([[250.0, 0.0, -1.0]])},
        upper={90.0: np.array([[350.0, 9.0, 1.0]])},
        times=months(0, 3)[None, :],
    )
    _, data = read(replace(record, backtest=replace(record.backtest, folds=(fold,))))
    scored = data["backtest"]["folds"][0]
    assert scored["smape"] == {"holdfast": 50.0, "Naive": 100.0}
    assert scored["coverage"] == [{"level": 90.0, "share": 0.5}]
    assert scored["points"] == 2


def test_scores_needed_are_those_of_a_two_tailed_interval() -> None:
    assert [needed_scores(level) for level in (50, 80, 90, 95, 99)] == [3, 9, 19, 39, 199]


def test_a_page_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    record = forecast_record(wave(1, 60, 12))
    reports.save(record, path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        reports.save(replace(record, seconds=np.nan, seed=np.nan), path)  # type: ignore[arg-type]  # not a seed
    with pytest.raises(ArgumentError, match="ForecastRecord"):
        reports.save("a forecast", path)  # type: ignore[arg-type]  # what is refused
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"report\.html"):
        reports.save(forecast_record(wave(1, 60, 12)), tmp_path / "file" / "report.html")
