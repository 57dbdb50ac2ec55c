"""Every page's scripts run without an error, draw what they should, and follow their reader."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.reports import test_classifier_page as classifier
from tests.reports import test_pretraining_pages as pretraining
from tests.reports import test_tagger_page as tagger
from tests.reports.browser import opened
from tests.reports.lens_records import (
    comparison,
    forecasters,
    inspection,
    series_sequence,
    text_sequence,
)
from tests.reports.reading import HOSTILE
from tests.reports.records import forecast_record, training, trust_of, wave

from holdfast import reports
from holdfast.records import (
    AnomalyRecord,
    SurpriseRecord,
    TextScore,
    TextTrainingRecord,
    TotalsRecord,
)

DRAWN = """
charts: all(".chart").length,
drawn: all(".chart").filter((chart) => chart.querySelector(".main-svg")).length
"""
"""How many charts a page has, and how many of them show a plot."""


def page_of(record: Any, folder: Path) -> bytes:
    reports.save(record, folder / "page.html")
    return (folder / "page.html").read_bytes()


def seen(record: Any, folder: Path, script: str) -> Any:
    """What a script returns that runs in a record's page, whose own scripts must not fail."""
    answer = opened(page_of(record, folder), script)
    assert answer.errors == []
    return answer.result


def text_training() -> TextTrainingRecord:
    steps = tuple(range(10, 200, 10))
    losses = tuple(5 / step for step in steps)
    score = TextScore(500, 500, 90, 0, 1.5, 2.16, 2.16, 4.5, 800.0, dynamic=False)
    return TextTrainingRecord(
        "tale.txt", HOSTILE, "2026-01-01T00:00:00+00:00", "1.2.3", 0, 60.0, "char", 65, 9_000, 500,
        80_000, (("layers", "2 of 64 units"),), 3.0, 190, 5_000.0, steps, losses, steps, losses,
        "budget", score, f"ROMEO:\n{HOSTILE}",
    )  # fmt: skip


def test_a_forecast_is_searched_chosen_sorted_and_filtered(tmp_path: Path) -> None:
    labels = [*(f"shop {place}" for place in range(14)), HOSTILE]
    trust = trust_of(15, grave=[3])
    record = forecast_record(wave(15, 60, 12), labels=labels, trust=trust, trained=[training()])
    result = seen(
        record,
        tmp_path,
        """
        const search = one("#series-search");
        search.value = "shop 3";
        search.dispatchEvent(new Event("input"));
        const options = all("#series-options li").map((item) => item.textContent);
        search.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
        const chosen = one("#series-name").textContent;
        all("#series-table .sort").find((button) => button.textContent === "Trust").click();
        const first = one("#series-table tbody tr").textContent;
        const filter = one("#series-filter");
        filter.value = "script";
        filter.dispatchEvent(new Event("input"));
        const left = all("#series-table tbody tr");
        left[0].click();
        one("#span-all").click();
        const legend = one("#forecast-legend button");
        legend.click();
        one("#forecast-numbers").open = true;
        one("#forecast-numbers").dispatchEvent(new Event("toggle"));
        const names = ["forecast", "step-mase", "step-coverage", "learning", "totals"];
        return {
          options, chosen, first, left: left.length, name: one("#series-name").textContent,
          pressed: legend.getAttribute("aria-pressed"),
          numbers: all("#forecast-numbers tbody tr").length,
          folds: all("#folds-table tbody tr").length, links: all("#contents a").length,
          charts: names.filter((name) => one(`#${name}-chart .main-svg`)),
        };
        """,
    )
    assert result["options"] == ["shop 3"]
    assert result["chosen"] == "shop 3 do not trust"
    assert "shop 3" in result["first"]
    assert result["left"] == 1
    assert result["name"].startswith(HOSTILE)
    assert result["pressed"] == "false"
    assert result["numbers"] == 12
    assert result["folds"] == 3
    assert result["links"] == 12
    assert result["charts"] == ["forecast", "step-mase", "step-coverage", "learning", "totals"]


def test_a_forecast_shows_anomalies_and_totals_of_the_chosen_group(tmp_path: Path) -> None:
    anomalies = AnomalyRecord(
        99.0, 180, True, np.array([1]), np.array([3]), np.array([9.0]), np.array([1.0]),
        np.array([2.0]), np.array([15.0]),
    )  # fmt: skip
    numbers = np.arange(6.0)
    totals = TotalsRecord(
        by="region", over="", labels=("north", "south") * 3,
        times=tuple(f"2024-0{1 + place // 2}-01" for place in range(6)),
        median=numbers, mean=numbers, lower={90.0: numbers - 1}, upper={90.0: numbers + 1},
        note=("",) * 6,
    )  # fmt: skip
    record = forecast_record(wave(2, 60, 12), anomalies=anomalies, totals=totals)
    result = seen(
        record,
        tmp_path,
        """
        const choice = one("#group-totals-choice");
        choice.value = "1";
        choice.dispatchEvent(new Event("change"));
        return {
          anomalies: all("#anomalies-table tbody tr").map((row) => row.textContent),
          groups: [...choice.children].map((option) => option.textContent),
          cells: one("#group-totals-table tbody tr").textContent,
        };
        """,
    )
    assert len(result["anomalies"]) == 1
    assert "series 1" in result["anomalies"][0]
    assert result["groups"] == ["north", "south"]
    assert result["cells"].startswith("2024-01-01")


def test_a_short_forecast_has_its_chart_alone(tmp_path: Path) -> None:
    record = forecast_record(wave(1, 5, 1), folds=0, season=1)
    script = """
    return { chart: Boolean(one("#forecast-chart .main-svg")), hidden: one("#scores").hidden };
    """
    assert seen(record, tmp_path, script) == {"chart": True, "hidden": True}


def test_an_inspection_changes_layer_scale_and_lines(tmp_path: Path) -> None:
    result = seen(
        inspection(),
        tmp_path,
        f"""
        const first = {{ {DRAWN} }};
        const before = one("#lags .chart").data.length;
        all("#lags .segmented button")[1].click();
        const scale = one("#lags .segmented button[aria-pressed=true]").textContent;
        const legend = all("#lags .legends button").map((button) => button.textContent);
        all("#lags .legends button")[0].click();
        const details = one("#timescales details");
        details.open = true;
        details.dispatchEvent(new Event("toggle"));
        const numbers = details.querySelectorAll("tbody tr").length;
        all("#view-chips button")[1].click();
        return {{
          ...first, before, scale, legend, numbers, sections: all(".card").map((card) => card.id),
          terms: all("#figures dt").length, facts: all("#facts tbody tr").length,
        }};
        """,
    )
    assert result["charts"] == result["drawn"] == 7
    # A line and two edges of a band now, a line before training.
    assert result["before"] == 5 * 3 + 5
    assert result["scale"] == "linear lag"
    assert len(result["legend"]) == 6
    assert result["legend"][-1] == "before training"
    assert result["numbers"] == 128
    assert result["sections"] == ["advice", "lags", "context", "attribution", "facts", "words"]
    assert result["terms"] == 2
    assert result["facts"] == 4


@pytest.mark.parametrize("record", [series_sequence(60), text_sequence()])
def test_a_sequence_is_read_by_keys_units_and_tables(record: Any, tmp_path: Path) -> None:
    result = seen(
        record,
        tmp_path,
        """
        const last = one("#reading").textContent;
        one("#stack").dispatchEvent(new KeyboardEvent("keydown", { key: "Home" }));
        const first = one("#reading b").textContent;
        one("#weights-table button").click();
        one("#rests-table button").click();
        one("#step-numbers").open = true;
        one("#step-numbers").dispatchEvent(new Event("toggle"));
        return {
          last, first, panels: all("#stack canvas").length, tokens: all("#tokens span").length,
          steps: all("#step-numbers tbody tr").length,
          written: all("#changes-table tbody tr").length,
        };
        """,
    )
    assert result["panels"] == 8
    assert result["steps"] == len(record.labels)
    assert result["tokens"] == (0 if record.values is not None else len(record.labels))
    assert result["written"] == 12
    assert result["first"] == ("2024-01-01" if record.values is not None else "step 1: “The”")
    assert "unit" in result["last"]


def test_a_comparison_changes_its_task_and_hides_a_model_everywhere(tmp_path: Path) -> None:
    result = seen(
        comparison(),
        tmp_path,
        f"""
        const first = {{ {DRAWN} }};
        all("#gradients .legends button")[0].click();
        const rnn = all(".legends button").filter((one) => one.textContent === "plain RNN");
        const pressed = rnn.map((button) => button.getAttribute("aria-pressed"));
        all("#view-chips button")[1].click();
        const rows = all("#success tbody tr").map((row) => row.textContent);
        return {{ ...first, pressed, rows, findings: all("#sentences li").length }};
        """,
    )
    assert result["charts"] == result["drawn"] == 4
    assert set(result["pressed"]) == {"false"}
    assert result["rows"][0].startswith("plain RNN3 of 3")
    assert result["findings"] == 2


SIMPLE = f"""
return {{ {DRAWN}, rows: all("tbody tr").length, marked: all("main span").filter(
  (piece) => /^mark[1-5]/.test(piece.className)).length, text: one("main").textContent }};
"""

NOBODY = replace(forecasters(), models=(), parameters=(), scores=np.empty((0, 2)))


@pytest.mark.parametrize(
    ("record", "charts", "rows", "marked", "text"),
    [
        (forecasters(), 1, 5, 0, "Theta"),
        (NOBODY, 0, 2, 0, "Theta"),
        (comparison(runs=()), 0, 2, 0, "Weights"),
        (pretraining.curves(pretraining.network(device=HOSTILE)), 2, 1, 0, HOSTILE),
        (text_training(), 1, 8, 0, HOSTILE),
        (SurpriseRecord("tale", ("a ", HOSTILE, "b"), (0.5, 9.0, 2.5), "1.2.3"), 0, 3, 7, HOSTILE),
        (classifier.record(), 0, 20, 15, HOSTILE),
        (tagger.record(), 0, 13, 1, HOSTILE),
    ],
)  # fmt: skip
def test_a_page_of_sections_shows_its_charts_tables_and_texts(
    record: Any, charts: int, rows: int, marked: int, text: str, tmp_path: Path
) -> None:
    result = seen(record, tmp_path, SIMPLE)
    assert (result["charts"], result["drawn"]) == (charts, charts)
    assert result["rows"] == rows
    assert result["marked"] == marked
    assert text in result["text"]


def test_a_tapped_token_says_its_surprise(tmp_path: Path) -> None:
    record = SurpriseRecord("tale", ("a ", "b"), (0.5, 9.0), "1.2.3")
    script = "all('.writing span')[1].click(); return one('.writing + .caption').textContent;"
    assert seen(record, tmp_path, script) == "“b”: 9.00 nats"
