"""Comparisons as pages and on the terminal."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console, RenderableType
from tests.reports.lens_records import MODELS, compared, comparison, forecasters

from holdfast import reports
from holdfast.reports import comparison_terminal
from holdfast.reports.comparison_page import (
    forecast_comparison_html,
    median_updates,
    memory_comparison_html,
)
from holdfast.reports.page import LIMIT

HOSTILE = "</script><script>alert(1)</script> {{data}} & <i>"


def data_of(page: bytes) -> dict[str, Any]:
    text = page.decode("utf-8")
    found = re.findall(r'id="holdfast-data">(.*?)</script>', text, re.DOTALL)
    assert len(found) == 1
    assert text.count("<script") == 3
    assert "<i>" not in text
    made: dict[str, Any] = json.loads(found[0], parse_constant=pytest.fail)
    return made


def printed(part: RenderableType) -> str:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(part)
    return console.export_text()


def test_success_is_counted_by_task_model_and_lag() -> None:
    data = data_of(memory_comparison_html(comparison()))
    assert data["models"] == list(MODELS)
    adding, parity = data["tasks"]
    assert adding["lags"] == [10, 30, 100, 300]
    rnn, remember = adding["cells"][0], adding["cells"][4]
    assert [(one["solved"], one["runs"]) for one in rnn] == [(3, 3), (0, 3), (0, 3), (0, 3)]
    assert [one["solved"] for one in remember] == [3, 3, 3, 3]
    assert [one["updates"] for one in remember] == [137, 197, 407, 1_007]
    assert [one["solved"] for one in parity["cells"][0]] == [3, 3, 3, 3]
    assert adding["gradients"]["lag"] == 300
    curve = adding["gradients"]["curves"][4]["before"]
    np.testing.assert_allclose(curve["median"], 0.999 ** np.array(curve["lags"]), rtol=1e-3)
    assert len(data["runs"]) == len(comparison().runs)


def test_runs_that_failed_count_as_later_than_all_others() -> None:
    done = [compared("adding", 4, 10, seed) for seed in range(3)]
    failed = [replace(one, solved_after=None) for one in done]
    assert median_updates(done) == 137
    assert median_updates([*done, *failed[:2]]) == 144
    assert median_updates([*done, *failed]) is None
    assert median_updates([]) is None


def test_the_lead_says_what_is_not_done_yet() -> None:
    assert "10 more were planned and are not done." in memory_comparison_html(comparison()).decode()
    whole = memory_comparison_html(comparison(planned=120)).decode()
    assert "more were planned" not in whole


def test_names_are_shown_as_text(tmp_path: Path) -> None:
    one = replace(compared("adding", 0, 10, 0), model=HOSTILE, task=HOSTILE)
    record = comparison(runs=(one,), title=HOSTILE, findings=(HOSTILE,), command=HOSTILE * 999)
    reports.save(record, tmp_path / "a.html")
    assert data_of((tmp_path / "a.html").read_bytes())["findings"] == [HOSTILE]
    simple = forecasters(title=HOSTILE, simple={HOSTILE: 0.5})
    reports.save(simple, tmp_path / "b.html")
    assert data_of((tmp_path / "b.html").read_bytes())["simple"] == [[HOSTILE, 0.5]]


def test_pages_without_runs_and_with_very_many() -> None:
    empty = data_of(memory_comparison_html(comparison(runs=())))
    assert empty["tasks"] == []
    many = memory_comparison_html(comparison(runs=comparison().runs * 60))
    assert len(many) < LIMIT
    assert len(data_of(many)["runs"]) == 3_000


def test_forecasters_stand_beside_the_simple_methods() -> None:
    page = forecast_comparison_html(forecasters())
    data = data_of(page)
    assert [one["middle"] for one in data["models"]] == [0.082, 0.0845, 0.0945]
    assert "Theta with 0.079, which it does not beat." in page.decode()
    worse = forecast_comparison_html(forecasters(simple={"Theta": 0.0821}))
    assert "which it beats" in worse.decode()
    gap = forecasters(scores=np.array([[np.nan, 0.1], [0.2, 0.2], [0.3, 0.3]]))
    assert data_of(forecast_comparison_html(gap))["models"][0]["scores"] == [None, 0.1]


def test_the_terminal_shows_success_and_what_is_missing() -> None:
    text = printed(comparison_terminal.memory(comparison()))
    assert re.search(r"Model +lag 10 +lag 30 +lag 100 +lag 300", text)
    assert re.search(r"plain RNN +3/3 +137 +0/3 +0/3 +0/3", text)
    assert "120 of 130 trainings are done; the same command goes on from there." in text
    assert "Parity needs no LSTM" in text


def test_the_terminal_sorts_simple_methods_among_the_networks() -> None:
    text = printed(comparison_terminal.forecast(forecasters()))
    order = [text.index(name) for name in ("Theta", "LSTM, remember", "GRU", "SeasonalNaive")]
    assert order == sorted(order)
    assert "2: 0.0810 to 0.0830" in text
