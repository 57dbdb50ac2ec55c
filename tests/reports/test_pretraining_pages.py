"""The pages of a pretraining and of synthetic series, as a browser would read them."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from tests.reports.reading import HOSTILE, Reader, shown_only_as_text

from holdfast import reports
from holdfast.records import CurvesRecord, PlannedTraining, PretrainedSummary, SamplesRecord
from holdfast.reports import terminal_research
from holdfast.reports.page import LIMIT
from holdfast.reports.pretraining_pages import HEIGHT, WIDTH, curves_html, path, samples_html


def samples(count: int = 3, **changes: Any) -> SamplesRecord:
    values = np.random.default_rng(0).normal(size=(count, 40)).astype(np.float32)
    record = SamplesRecord(
        kind="short",
        seed=0,
        without=(),
        version="1.2.3",
        command="",
        families={"structural": 0.75, "counts": 0.25},
        parts={"seasonal": 0.5},
        values=values,
        season=np.ones(count, dtype=np.int64),
        long_season=np.ones(count, dtype=np.int64),
        family=("structural",) * count,
    )
    return replace(record, **changes)


def network(**changes: Any) -> PretrainedSummary:
    summary = PretrainedSummary(
        network="fine",
        parameters=1000,
        planned=20,
        steps=20,
        seconds=7200.0,
        seed=0,
        device="CPU",
        curve_steps=tuple(range(1, 21)),
        curve_loss=tuple(1 / step for step in range(1, 21)),
        stopped="steps",
        sha256="ab" * 32,
    )
    return replace(summary, **changes)


def curves(*networks: PretrainedSummary, **changes: Any) -> CurvesRecord:
    record = CurvesRecord("Pretraining", "", "2026-01-01T00:00:00+00:00", "1.2.3", networks)
    return replace(record, **changes)


@pytest.mark.parametrize("count", [1, 7, 60])
def test_there_are_as_many_pictures_as_series(count: int) -> None:
    page = Reader(samples_html(samples(count)))
    assert len(page.named("figure", "sample")) == count
    labels = [attributes["aria-label"] for attributes in page.named("svg")]
    assert labels[0] is not None
    assert labels[0].startswith("Series 1: structural, no season, −")
    assert len(set(labels)) == count


def test_a_picture_says_its_seasons_and_marks_them_where_there_are_not_too_many() -> None:
    record = samples(
        values=np.random.default_rng(0).normal(size=(4, 61)).astype(np.float32),
        season=np.array([20, 2, 2, 1]),
        long_season=np.array([1, 30, 1, 1]),
        family=("structural",) * 4,
    )
    page = Reader(samples_html(record))
    labels = [str(attributes["aria-label"]).split(", ", 1)[1] for attributes in page.named("svg")]
    told = ("season 20, ", "seasons 2, 30, ", "season 2, ", "no season, ")
    assert [label.startswith(one) for label, one in zip(labels, told, strict=True)] == [True] * 4
    # 20, 40 of 60 steps; 30; too many; none. The end of the picture is no mark.
    assert [a["d"] for a in page.named("path", "cycles")] == ["M200 0V90M100 0V90", "M150 0V90"]


def test_the_page_of_samples_loads_nothing_and_runs_nothing(tmp_path: Path) -> None:
    record = samples(command=f"holdfast synth {HOSTILE}", version=HOSTILE)
    reports.save(record, tmp_path / "samples.html")
    text = (tmp_path / "samples.html").read_text(encoding="utf-8")
    page = shown_only_as_text(text.encode())
    assert not page.named("script")
    (policy,) = (a["content"] for a in page.named("meta") if "http-equiv" in a)
    assert str(policy).startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert "http://" not in text
    assert "https://" not in text


def test_equal_records_give_equal_pages() -> None:
    assert samples_html(samples()) == samples_html(samples())


@given(
    st.lists(st.floats(width=32) | st.just(float("nan")), min_size=1, max_size=60).filter(
        lambda numbers: any(np.isfinite(numbers))
    )
)
@settings(max_examples=150, deadline=None)
def test_a_picture_stays_inside_its_box_and_leaves_gaps_open(numbers: list[float]) -> None:
    values = np.array(numbers, dtype=np.float32)
    values[np.isinf(values)] = np.nan
    drawn = path(values)
    places = re.findall(r"(-?[\d.]+) (-?[\d.]+)", drawn)
    assert len(places) == np.isfinite(values).sum()
    for across, height in places:
        assert 0 <= float(across) <= WIDTH
        assert 0 <= float(height) <= HEIGHT
    seen = np.isfinite(values)
    assert drawn.count("M") == np.sum(seen & ~np.r_[False, seen[:-1]])


def test_a_long_series_keeps_its_extremes_and_its_gaps() -> None:
    values = np.random.default_rng(0).normal(size=20_000).astype(np.float32)
    values[7_777] = 50.0
    values[12_000:14_000] = np.nan
    drawn = path(values)
    assert drawn.count("M") == 2
    assert " 5L" in drawn  # the highest value is drawn at the top
    assert len(drawn) < 6_000


def test_the_curves_are_in_the_page_as_they_were() -> None:
    page = Reader(curves_html(curves(network(), network(network="coarse", stopped="interrupted"))))
    assert [row[0] for row in page.rows("networks")] == ["fine", "coarse"]
    assert [row[3] for row in page.rows("networks")] == ["carried out", "interrupted at 100\u00a0%"]
    fine = page.lines("by-step")["fine"]
    assert fine["x"] == list(range(1, 21))
    np.testing.assert_allclose(fine["y"], network().curve_loss, rtol=1e-4)
    assert page.lines("by-hour")["fine"]["x"][-1] == 2.0


def test_a_page_without_networks_or_losses_is_whole() -> None:
    assert Reader(curves_html(curves())).sections()["by-step"]["blocks"] == []
    bare = Reader(curves_html(curves(network(curve_steps=(), curve_loss=()))))
    assert bare.rows("networks")[0][5] is None


def test_a_page_of_curves_stays_small_and_shows_names_as_text() -> None:
    many = tuple(range(1, 100_001))
    long = network(curve_steps=many, curve_loss=tuple(1 / step for step in many), device=HOSTILE)
    page = curves_html(curves(*[long] * 30, title=HOSTILE, command=HOSTILE * 1000))
    assert len(page) < LIMIT
    reader = shown_only_as_text(page)
    assert reader.rows("networks")[0][7] == HOSTILE
    assert reader.lines("by-step")["fine"]["x"][-1] == 100_000


def printed(*parts: Any) -> str:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(*parts)
    return console.export_text()


def test_the_plan_says_steps_rate_and_time() -> None:
    planned = [
        PlannedTraining("fine", 3_000, 0, 0.5, 412.6, "CPU"),
        PlannedTraining("coarse", 1_000, 400, 1.0, 90.0, "CPU"),
        PlannedTraining("other", 500, 500, 0.0, 0.0, "CPU"),
    ]
    text = printed(terminal_research.pretraining_plan(planned))
    assert re.search(r"fine +3,000 +413 +25 min", text)
    assert re.search(r"coarse +600 of 1,000 +90 +10 min", text)
    assert re.search(r"other +500 +– +done already", text)
    assert "About 35 min in all" in text


def test_an_interrupted_network_is_said_to_be_one() -> None:
    text = printed(terminal_research.pretrained([network(steps=7, stopped="interrupted")]))
    assert "fine was interrupted after 7 of 20 updates" in text
    assert "ab" * 32 in text
