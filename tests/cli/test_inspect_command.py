"""`holdfast inspect` on every kind of saved model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command import assert_light, command, one_sentence
from tests.forecasting.fits import fitted_networks

from holdfast.language.classify.classifier import TextClassifier
from holdfast.language.language_model import LanguageModel
from holdfast.language.tag.sentences import read_sentences
from holdfast.language.tag.tagger import Tagger

TEXT = "to be or not to be, that is the question. " * 40


def _language_model(folder: Path) -> tuple[Path, Path]:
    text = folder / "text.txt"
    text.write_text(TEXT, encoding="utf-8")
    model = LanguageModel.train(text, steps=2, hidden=8)
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
    Tagger.train(read_sentences(data), steps=2, hidden=8).save(folder / "model")
    return folder / "model", data


@pytest.mark.parametrize(
    ("make", "unit", "layers"),
    [(_language_model, "nats a character", 1), (_classifier, "nats a text", 2),
     (_tagger, "nats a word", 2)],
)  # fmt: skip
def test_a_model_of_text_is_inspected(
    make: object,
    unit: str,
    layers: int,
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


@pytest.mark.parametrize("place", [0, 1])
def test_a_forecaster_is_inspected_on_its_own_histories(
    place: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fitted = fitted_networks()
    heavy = np.zeros_like(fitted.rule.weights)
    named = [fitted.rule.names.index(one.name) for one in fitted.networks]
    heavy[named[-1] if place else named[0]] = 1.0
    fitted = replace(fitted, rule=replace(fitted.rule, weights=heavy))
    fitted.save(tmp_path / "model")
    page = tmp_path / "page.html"
    words = ("inspect", tmp_path / "model", "--prescribe", "--out", page, "--max-lag", 3)
    assert command(monkeypatch, *words) == 0
    said = capsys.readouterr().out
    assert "remembers" in said.lower()
    assert "scaled quantile loss" in said
    assert "What to change" in said
    assert page.stat().st_size > 10_000


def test_a_folder_that_is_no_model_is_refused_before_torch_is_loaded(tmp_path: Path) -> None:
    assert_light(["inspect", str(tmp_path)], 2, tmp_path)
