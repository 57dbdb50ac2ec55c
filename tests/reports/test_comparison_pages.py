"""Comparisons as pages and on the terminal."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console, RenderableType
from tests.reports.lens_records import MODELS, compared, comparison, forecasters
from tests.reports.reading import HOSTILE, Reader, shown_only_as_text

from holdfast import reports
from holdfast.reports import terminal_research
from holdfast.reports.comparison_pages import (
    forecast_comparison_html,
    median_updates,
    memory_comparison_html,
)
from holdfast.reports.page import LIMIT


def printed(part: RenderableType) -> str:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(part)
    return console.export_text()


def test_success_is_counted_by_task_model_and_lag() -> None:
    page = Reader(memory_comparison_html(comparison()))
    adding, parity = page.rows("success", 0), page.rows("success", 1)
    assert page.data["views"] == ["adding", "parity"]
    assert [row[0] for row in adding] == list(MODELS)
    headings = [name for name, _ in page.block("success", "table")["columns"]]
    assert headings == ["Model", "lag 10", "lag 30", "lag 100", "lag 300"]
    assert [cell["tag"] for cell in adding[0][1:]] == ["3 of 3", *["0 of 3"] * 3]
    assert [cell["tag"] for cell in adding[4][1:]] == ["3 of 3"] * 4
    updates = ["137 updates", "197 updates", "407 updates", "1,007 updates"]
    assert [cell["below"] for cell in adding[4][1:]] == updates
    assert [cell["tag"] for cell in parity[0][1:]] == ["3 of 3"] * 4
    assert page.lines("updates")[MODELS[4]]["y"] == [137, 197, 407, 1_007]
    assert "with lag 300" in page.sections()["gradients"]["caption"]
    curve = page.lines("gradients")[MODELS[4]]
    np.testing.assert_allclose(curve["y"], 0.999 ** np.array(curve["x"]), rtol=1e-3)
    assert len(page.rows("runs")) == len(comparison().runs)


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
    page = shown_only_as_text((tmp_path / "a.html").read_bytes())
    assert page.data["sentences"] == page.data["views"] == [HOSTILE]
    simple = forecasters(title=HOSTILE, models=(HOSTILE, "GRU", "RNN"), simple={HOSTILE: 0.5})
    reports.save(simple, tmp_path / "b.html")
    page = shown_only_as_text((tmp_path / "b.html").read_bytes())
    assert page.rows("scores")[-1][0] == HOSTILE
    # Where plotly reads markup a name carries none.
    figure = page.block("scores", "figure")
    assert "<" not in figure["layout"]["annotations"][0]["text"]
    assert "<" not in figure["lines"][0]["points"][-1][1]


def test_pages_without_runs_and_with_very_many() -> None:
    empty = Reader(memory_comparison_html(comparison(runs=())))
    assert list(empty.sections()) == ["facts"]
    many = memory_comparison_html(comparison(runs=comparison().runs * 60))
    assert len(many) < LIMIT
    assert len(Reader(many).rows("runs")) == 3_000
    nobody = forecasters(models=(), parameters=(), scores=np.empty((0, 2)), simple={})
    assert Reader(forecast_comparison_html(nobody)).rows("scores") == []


def test_forecasters_stand_beside_the_simple_methods() -> None:
    page = forecast_comparison_html(forecasters())
    rows = Reader(page).rows("scores")
    assert [(row[0], row[2]) for row in rows[:3]] == [
        ("Theta", 0.079), ("LSTM, remember", 0.082), ("GRU", 0.0845),
    ]  # fmt: skip
    assert rows[1][3:] == [2, 0.081, 0.083]
    assert "Theta with 0.079, which it does not beat." in page.decode()
    worse = forecast_comparison_html(forecasters(simple={"Theta": 0.0821}))
    assert "which it beats" in worse.decode()
    gap = forecasters(scores=np.array([[np.nan, 0.1], [0.2, 0.2], [0.3, 0.3]]))
    points = Reader(forecast_comparison_html(gap)).block("scores", "figure")["lines"][0]["points"]
    assert points[-1] == [0.1, "LSTM, remember"]
    assert len(points) == 5


def test_the_terminal_shows_success_and_what_is_missing() -> None:
    text = printed(terminal_research.memory_comparison(comparison()))
    assert re.search(r"Model +lag 10 +lag 30 +lag 100 +lag 300", text)
    assert re.search(r"plain RNN +3/3 +137 +0/3 +0/3 +0/3", text)
    assert "120 of 130 trainings are done; the same command goes on from there." in text
    assert "Parity needs no LSTM" in text


def test_the_terminal_sorts_simple_methods_among_the_networks() -> None:
    text = printed(terminal_research.forecast_comparison(forecasters()))
    order = [text.index(name) for name in ("Theta", "LSTM, remember", "GRU", "SeasonalNaive")]
    assert order == sorted(order)
    assert "2: 0.0810 to 0.0830" in text
