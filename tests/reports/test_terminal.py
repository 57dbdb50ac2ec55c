from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
from rich.console import Console, RenderableType
from tests.reports.records import forecast_record, training, wave

from holdfast import reports
from holdfast.records import LevelCoverage, MethodScore
from holdfast.reports import terminal


def printed(renderable: RenderableType, width: int = 100) -> str:
    file = io.StringIO()
    Console(file=file, width=width).print(renderable)
    return file.getvalue()


def test_scores_are_printed_with_their_weights() -> None:
    record = forecast_record(wave(1, 60, 12))
    assert record.backtest is not None
    lines = printed(terminal.scores(record.backtest.methods, "Backtest")).splitlines()
    assert lines[0] == "Backtest"
    assert lines[2].split() == ["Holdfast", "(blend)", "0.820", "9.02"]
    assert lines[5].split() == ["LSTM", "0.850", "9.35", "30", "%"]


def test_simple_methods_alone_have_no_column_of_weights() -> None:
    rows = [MethodScore("Naive", 1.5, 12.0), MethodScore("Theta", float("nan"), 11.0)]
    text = printed(terminal.scores(rows, "Simple methods"))
    assert "Weight" not in text
    assert "nan" not in text


def test_the_best_of_each_column_stands_out() -> None:
    file = io.StringIO()
    rows = [MethodScore("Naive", 1.5, 11.0), MethodScore("Theta", 0.9, 12.0)]
    Console(file=file, width=100, force_terminal=True).print(terminal.scores(rows, "Both"))
    assert "\x1b[1;32m0.900" in file.getvalue()
    assert "\x1b[1;32m11.00" in file.getvalue()


def test_a_level_that_is_not_calibrated_says_what_it_needs() -> None:
    text = printed(terminal.coverage([LevelCoverage(95.0, 0.9, 3.0, 36, calibrated=False)]))
    assert "not calibrated: has 36 of 39 scores" in text
    assert "90.0 %" in text


def test_what_was_understood_is_plain_text_within_the_width() -> None:
    record = forecast_record(wave(3, 60, 12))
    messages = ("Column [bold]x[/bold] was dropped, " * 10, *(f"message {i}" for i in range(40)))
    text = printed(terminal.understood(replace(record.summary, messages=messages)), width=300)
    assert "[bold]x[/bold]" in text
    assert "29 more" in text
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= terminal.WIDTH


def test_training_files_and_verdict_are_named() -> None:
    both = [training(member="Adapted", networks=1), training()]
    said = printed(terminal.training(both))
    assert "Adapted the pretrained network of 123,456 weights" in said
    assert "Trained 3 networks of 123,456 weights" in said
    assert "interrupted" in printed(terminal.training([training(stopped="interrupted")]))
    said = printed(terminal.training([], ["No LSTM was trained: 12 values are too few."]))
    assert "Nothing was trained" in said
    assert "12 values are too few" in said
    assert printed(terminal.written({"report": "out/[red].html"})) == "report  out/[red].html\n"
    assert "No series was long enough" in printed(terminal.verdict(()))


def test_json_is_finite_and_plain() -> None:
    record = forecast_record(wave(2, 60, 12), trained=[training(parameters=np.int64(5))])
    assert record.backtest is not None
    methods = (replace(record.backtest.methods[0], mase=float("nan")), *record.backtest.methods[1:])
    record = replace(record, backtest=replace(record.backtest, methods=methods))
    result = reports.as_json(record, {"report": "out/report.html"})
    text = json.dumps(result, allow_nan=False)
    back = json.loads(text)
    assert back["methods"][0]["mase"] is None
    assert back["methods"][3] == {"method": "LSTM", "mase": 0.85, "smape": 9.35, "weight": 0.3}
    assert back["training"][0]["parameters"] == 5
    assert back["best_simple"] == "DampedETS"
    assert back["coverage"][1]["needed"] == 19
    assert back["files"] == {"report": "out/report.html"}
    assert len(back["cutoffs"]) == 3


def test_json_without_backtest_and_training() -> None:
    result = reports.as_json(forecast_record(wave(1, 5, 1), folds=0, season=1))
    assert result["methods"] == []
    assert result["training"] == []


def test_reports_bring_no_heavy_package_along() -> None:
    code = (
        "import sys; import holdfast.reports.saving; from holdfast.reports.page import Frame; "
        "Frame('page.html', '', ()); "
        "sys.exit(', '.join({'torch', 'pandas', 'polars', 'rich'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
