"""`holdfast inspect` on every kind of saved model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command import assert_light, command, one_sentence
from tests.forecasting.fits import fitted_networks

from holdfast import LanguageModel, Tagger, TextClassifier
from holdfast.language import read_sentences

TEXT = "to be or not to be, that is the question. " * 40


def _language_model(folder: Path) -> tuple[Path, Path]:
    text = folder / "text.txt"
    text.write_text(TEXT, encoding="utf-8")
    model = LanguageModel(steps=2, hidden=8).fit(text)
    model.save(folder / "model")
    return folder / "model", text


def _classifier(folder: Path) -> tuple[Path, Path]:
    data = folder / "texts.csv"
    texts, labels = ["what a joy to see", "so dull and so long"] * 12, ["good", "bad"] * 12
    rows = "".join(f"{one},{two}\n" for one, two in zip(texts, labels, strict=True))
    data.write_text("text,label\n" + rows, encoding="utf-8")
    made = TextClassifier(steps=2, networks=1, hidden=8, embedding=8).fit(texts, labels)
    made.save(folder / "model")
    return folder / "model", data


def _tagger(folder: Path) -> tuple[Path, Path]:
    data = folder / "names.txt"
    data.write_text("Ada B-PER\nsleeps O\nlong O\n\n" * 20, encoding="utf-8")
    Tagger(steps=2, hidden=8).fit(read_sentences(data)).save(folder / "model")
    return folder / "model", data


@pytest.mark.parametrize(
    ("make", "unit", "layers", "text", "labels"),
    [(_language_model, "nats a character", 1, "to be", list("to be")),
     (_classifier, "nats a text", 2, "what a joy", ["what", " a", " joy"]),
     (_tagger, "nats a word", 2, "Ada sleeps long", ["Ada", " sleeps", " long"])],
)  # fmt: skip
def test_a_model_of_text_is_inspected(
    make: object,
    unit: str,
    layers: int,
    text: str,
    labels: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model, data = make(tmp_path)  # type: ignore[operator]
    assert command(monkeypatch, "inspect", model, data, "--max-lag", 2, "--json") == 0
    made = json.loads(capsys.readouterr().out)
    assert made["verdict"].startswith("Remembers")
    assert len(made["layers"]) >= layers
    assert len(made["arrays"]["context/removed"]) == 2
    assert command(monkeypatch, "inspect", model) == 2
    assert "is looked at while it reads: give" in one_sentence(capsys.readouterr().err)

    page = tmp_path / "page.html"
    words = ("inspect", model, "--sequence", text, "--out", page, "--json")
    assert command(monkeypatch, *words) == 0
    seen = json.loads(capsys.readouterr().out)
    assert seen["labels"] == labels
    assert seen["output"].startswith("the logarithmic probability of ")
    assert sum(abs(share) for share in seen["rests_on"]) == pytest.approx(1, abs=1e-3)
    assert page.stat().st_size > 10_000
    for wrong, message in (
        ((model, data, "--sequence", text), "--sequence is the text itself; leave"),
        ((model, "--sequence", "a"), "give at least 2"),
        ((model, "--sequence", text, "--max-lag", 2), "--max-lag is for a model as a whole"),
    ):
        assert command(monkeypatch, "inspect", *wrong) == 2
        assert message in one_sentence(capsys.readouterr().err)


@pytest.mark.parametrize("place", [0, 1])
def test_a_forecaster_is_inspected_on_its_own_histories(
    place: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fitted = fitted_networks()
    heavy = np.zeros_like(fitted.ensemble.weights)
    named = [fitted.ensemble.names.index(one.name) for one in fitted.networks]
    heavy[named[-1] if place else named[0]] = 1.0
    fitted = replace(fitted, ensemble=replace(fitted.ensemble, weights=heavy))
    fitted.save(tmp_path / "model")
    page = tmp_path / "page.html"
    words = ("inspect", tmp_path / "model", "--prescribe", "--out", page, "--max-lag", 3)
    assert command(monkeypatch, *words) == 0
    said = capsys.readouterr().out
    assert "remembers" in said.lower()
    assert "scaled quantile loss" in said
    assert "What to change" in said
    assert page.stat().st_size > 10_000

    monkeypatch.chdir(tmp_path)
    assert command(monkeypatch, "inspect", "model", "--sequence", "b", "--json") == 0
    seen = json.loads(capsys.readouterr().out)
    assert seen["title"].startswith("What the forecast of b rests on")
    assert seen["output"].endswith(" after 2020-12-01")  # the last of 72 months from 2015 on
    assert Path(seen["files"]["page"]).stat().st_size > 10_000
    # Each step is a patch and is called by the month that it begins with.
    steps = np.array(seen["labels"], dtype="datetime64[D]").astype("datetime64[M]").astype(int)
    patch = int(np.diff(steps)[0])
    assert set(np.diff(steps)) == {patch}
    assert steps[-1] + patch - 1 == np.datetime64("2020-12").astype(int)
    assert command(monkeypatch, "inspect", "model", "--sequence", "c") == 2
    assert "give one of a, b, or a number from 1 to 2" in one_sentence(capsys.readouterr().err)


def test_a_folder_that_is_no_model_is_refused_before_torch_is_loaded(tmp_path: Path) -> None:
    assert_light(["inspect", str(tmp_path)], 2, tmp_path)
