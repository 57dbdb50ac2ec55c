"""The command as a person runs it; networks are small and get a handful of updates."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.cli.command import assert_light, command, one_sentence
from tests.forecasting.small import small_network

from holdfast.cli.screen import Screen
from holdfast.records import NETWORKS
from holdfast.training.progress import SilentProgress


@pytest.fixture(autouse=True)
def _small() -> Iterator[None]:
    """A small network that knows nothing, in the place of the one that ships."""
    with small_network():
        yield


def sales(path: Path, *, series: int = 3, days: int = 90) -> Path:
    """Daily sales of some shops with a weekly season."""
    generator = np.random.default_rng(0)
    lines = ["shop,day,sold"]
    for shop in range(series):
        for day in range(days):
            date = np.datetime64("2024-01-01") + day
            sold = 50 + 10 * shop + 20 * (day % 7 in (4, 5)) + generator.normal(0, 3)
            lines.append(f"shop {shop},{date},{sold:.2f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_forecast_writes_three_files_and_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = sales(tmp_path / "sales.csv"), tmp_path / "out"
    assert command(monkeypatch, "forecast", data, "-h", 7, "--steps", 5, "-o", out) == 0
    printed = capsys.readouterr().out
    for word in ("daily", "SeasonalNaive", "Adapted", "forecast.csv", "report.html"):
        assert word in printed
    made = rows(out / "forecast.csv")
    assert len(made) == 3 * 7
    assert made[0]["shop"] == "shop 0"
    assert made[0]["day"] == "2024-03-31"
    for row in made:
        low90, low80 = float(row["holdfast-lo-90"]), float(row["holdfast-lo-80"])
        high80, high90 = float(row["holdfast-hi-80"]), float(row["holdfast-hi-90"])
        assert low90 <= low80 <= float(row["holdfast"]) <= high80 <= high90
    members = {"Pretrained", "SeasonalNaive", "Theta", "DampedETS", "Naive"}
    assert members | {"method", "note"} <= set(made[0])
    assert (out / "report.html").stat().st_size < 8_000_000
    assert not (out / "training").exists()


def test_json_is_one_object_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = sales(tmp_path / "sales.csv", series=1)
    words = ("forecast", data, "-h", 7, "--adapt", "none", "-o", tmp_path / "out", "--json")
    assert command(monkeypatch, *words) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["summary"]["frequency"].startswith("daily")
    assert {method["method"] for method in made["methods"]} >= {"holdfast", "Pretrained", "Theta"}
    assert made["training"] == []
    assert Path(made["files"]["forecast"]).exists()


def test_quiet_is_quiet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = sales(tmp_path / "sales.csv", series=1)
    words = ("forecast", data, "-h", 7, "--adapt", "none", "-o", tmp_path / "out", "-q")
    assert command(monkeypatch, *words) == 0
    assert capsys.readouterr().out == ""


def test_a_saved_model_predicts_what_the_fit_forecast_and_new_series_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, out = sales(tmp_path / "sales.csv"), tmp_path / "out"
    words = ("forecast", data, "-h", 7, "--adapt", "full", "--steps", 5, "-o", out, "-q")
    assert command(monkeypatch, *words) == 0
    model, again = out / "model", tmp_path / "again"
    assert command(monkeypatch, "predict", model, data, "-o", again, "-q") == 0
    first, second = rows(out / "forecast.csv"), rows(again / "forecast.csv")
    networks = [name for name in NETWORKS if name in first[0]]
    assert "Pretrained" in networks
    ours = ("holdfast", "holdfast-lo-90", "holdfast-hi-90", *networks)
    for name in ours:
        np.testing.assert_array_equal(
            [float(row[name]) for row in first], [float(row[name]) for row in second]
        )
    other = sales(tmp_path / "other.csv", series=5, days=40)
    assert command(monkeypatch, "predict", model, other, "-o", again, "-q") == 0
    made = rows(again / "forecast.csv")
    assert len(made) == 5 * 7
    assert "not in the fit" in made[-1]["note"]


def test_backtest_lays_forecasts_beside_what_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, out = sales(tmp_path / "sales.csv"), tmp_path / "out"
    words = ("backtest", data, "-h", 7, "--adapt", "none", "--folds", 2, "-o", out, "-q")
    assert command(monkeypatch, *words) == 0
    made = rows(out / "backtest.csv")
    assert len(made) == 3 * 7 * 2
    assert {row["cutoff"] for row in made} == {"2024-03-16", "2024-03-23"}
    known = {(row["shop"], row["day"]): row["sold"] for row in rows(data)}
    assert all(float(row["sold"]) == float(known[row["shop"], row["day"]]) for row in made)


BAD = {
    "no such file": (("forecast", "nowhere.csv", "-h", 3), "nowhere.csv"),
    "no horizon": (("forecast", "DATA"), "--horizon"),
    "horizon 0": (("forecast", "DATA", "-h", 0), "--horizon 0"),
    "neither file nor example": (("forecast", "-h", 3), "--example"),
    "unknown example": (("forecast", "--example", "moon"), "moon"),
    "level": (("forecast", "DATA", "-h", 3, "--level", "80,ninety"), "ninety"),
    "a level as a fraction": (("forecast", "DATA", "-h", 3, "--level", "0.9"), "write 90"),
    "budget": (("forecast", "DATA", "-h", 3, "--budget", "soon"), "soon"),
    "missing column": (("forecast", "DATA", "-h", 3, "--target", "price"), "price"),
    "random bytes": (("forecast", "BYTES", "-h", 3), "BYTES"),
    "results onto a file": (("forecast", "DATA", "-h", 3, "-o", "DATA"), "--out"),
    "no model": (("predict", "nowhere", "DATA"), "nowhere"),
    "a foreign folder as model": (("predict", ".", "DATA"), "model"),
    "backtest of a handful": (("backtest", "FEW", "-h", 24), "shorter --horizon"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence_and_exit_code_2(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    sales(tmp_path / "DATA", series=1, days=30)
    (tmp_path / "FEW").write_text("ds,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n")
    (tmp_path / "BYTES").write_bytes(np.random.default_rng(0).bytes(4096))
    words, named = BAD[name]
    assert command(monkeypatch, *words) == 2
    said = one_sentence(capsys.readouterr().err)
    assert named in said
    assert said.startswith("holdfast: ")
    assert not (tmp_path / "holdfast-forecast" / "forecast.csv").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("forecast", "DATA", "-h", 3, "--steps", 0),
        ("forecast", "DATA", "-h", 3, "--seed", -1),
        ("forecast", "DATA", "-h", 3, "--season", 0),
        ("forecast", "DATA", "-h", 3, "--adapt", "some"),
        ("backtest", "DATA", "-h", 3, "--folds", 0),
        ("backtest", "DATA", "-h", 3, "--step", 0),
    ],
)
def test_an_option_out_of_range_is_refused_before_anything_is_read(
    words: tuple[object, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command(monkeypatch, *words) == 2
    assert str(words[-2]) in capsys.readouterr().err


def test_where_nothing_can_be_trained_the_output_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = sales(tmp_path / "sales.csv", series=1, days=20)
    words = ("forecast", data, "-h", 7, "--steps", 3, "-o", tmp_path / "out")
    assert command(monkeypatch, *words) == 0
    printed = capsys.readouterr().out
    untrained = ("Nothing was trained", "pretrained LSTM was not fine-tuned", "No LSTM was")
    for sentence in untrained:
        assert sentence in printed
    assert "First forecast" not in printed


def test_the_first_forecast_is_whole_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = sales(tmp_path / "sales.csv", series=1), tmp_path / "out"
    first = tmp_path / "first"

    class CopyWhatIsThere(SilentProgress):
        def start(self, total: int, description: str) -> None:
            if not first.exists():
                shutil.copytree(out, first)

    monkeypatch.setattr(Screen, "progress", lambda screen: CopyWhatIsThere())
    assert command(monkeypatch, "forecast", data, "-h", 7, "--steps", 3, "-o", out) == 0
    assert "First forecast after" in capsys.readouterr().out
    alone = tmp_path / "alone"
    assert command(monkeypatch, "forecast", data, "-h", 7, "--adapt", "none", "-o", alone) == 0
    assert (first / "forecast.csv").read_bytes() == (alone / "forecast.csv").read_bytes()
    assert (first / "report.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
    again = tmp_path / "again"
    assert command(monkeypatch, "predict", first / "model", data, "-o", again, "-q") == 0


def test_any_level_is_scored_out_of_fold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = sales(tmp_path / "sales.csv"), tmp_path / "out"
    words = (data, "-h", 7, "--adapt", "none", "-o", out, "--level", "72.5")
    assert command(monkeypatch, "backtest", *words) == 0
    assert "72.5 %" in capsys.readouterr().out
    assert "holdfast-lo-72.5" in rows(out / "backtest.csv")[0]
    assert command(monkeypatch, "forecast", *words) == 0
    assert "72.5 %" in capsys.readouterr().out


def test_sentences_stay_whole_in_a_pipe_and_blocks_stand_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = sales(tmp_path / "sales.csv", series=1)
    words = ("forecast", data, "-h", 7, "--steps", 3, "-o", tmp_path / "out")
    assert command(monkeypatch, *words) == 0
    lines = capsys.readouterr().out.splitlines()
    blocks = ("Simple methods", "First forecast:", "First forecast after", "Out of fold",
              "Intervals", "Adapted the", "forecast ")  # fmt: skip
    for start in blocks:
        (place,) = (number for number, line in enumerate(lines) if line.startswith(start))
        assert lines[place - 1].strip() == ""
    (about_levels,) = (line for line in lines if line.startswith("Not calibrated"))
    assert about_levels.endswith(".")


def test_on_a_terminal_lines_break_between_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "dumb")  # of which rich knows that it has 80 columns
    data = sales(tmp_path / "sales.csv", series=1)
    out = tmp_path / ("a-long-folder-" * 5)
    words = ("forecast", data, "-h", 7, "--adapt", "full", "--steps", 3, "-o", out)
    assert command(monkeypatch, *words) == 0
    printed = capsys.readouterr().out
    assert f"{out / 'forecast.csv'}\n" in printed
    about_weights = printed[printed.index("Trained 2 networks") :].split("forecast  ")[0]
    assert all(len(line) <= 80 for line in about_weights.splitlines())
    assert "3 \nsteps in" in about_weights


def test_a_corrupt_model_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = sales(tmp_path / "sales.csv", series=1), tmp_path / "out"
    words = ("forecast", data, "-h", 7, "--adapt", "none", "-o", out, "-q")
    assert command(monkeypatch, *words) == 0
    (arrays,) = (out / "model").glob("arrays-*.safetensors")
    arrays.write_bytes(arrays.read_bytes()[:-100])
    assert command(monkeypatch, "predict", out / "model", data, "-o", tmp_path / "again") == 2
    assert str(out / "model") in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--help"], 0),
        (["--version"], 0),
        (["forecast", "--help"], 0),
        (["forecast", "nowhere.csv", "--horizon", "3"], 2),
        (["forecast", "bad.csv", "--horizon", "3"], 2),
    ],
)
def test_help_and_refusals_do_without_torch_and_pandas(
    words: list[str], code: int, tmp_path: Path
) -> None:
    (tmp_path / "bad.csv").write_text("ds,y\n2024-01-01,1\n2024-01-02,two\n")
    assert_light(words, code, tmp_path)


@pytest.mark.parametrize("verb", ["text", "classify", "tag", "compare"])
def test_help_offers_neither_completion_nor_what_is_refused(
    verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, verb, "--help") == 0
    shown = capsys.readouterr().out
    assert "completion" not in shown
    assert "partitions" not in shown
