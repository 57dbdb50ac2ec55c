"""The page of a classifier, as a browser would read it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.reports.reading import HOSTILE, Reader, shown_only_as_text

from holdfast import reports
from holdfast.records import (
    ClassifierRecord,
    ClassifierScores,
    ExplainedText,
    TagScore,
    WarmStartComparison,
    WordImportance,
)
from holdfast.reports import terminal_language
from holdfast.reports.language_pages import LABELS, classifier_html

NAMES = ("bad", "good", HOSTILE)


def scores(**changes: Any) -> ClassifierScores:
    default = ClassifierScores(
        texts=60,
        accuracy=0.8,
        nats=0.5,
        calibration_error=0.03,
        labels=tuple(TagScore(name, 0.8, 0.8, 0.8, 20) for name in NAMES),
        confusion=((16, 2, 2), (2, 16, 2), (2, 2, 16)),
        simple=(("naive Bayes on bigrams", 0.7), ("linear SVM", 0.75)),
        unknown=(),
        parts=(("LSTMs alone", 0.78), ("words, pairs and pieces alone", 0.76)),
        warm_start=WarmStartComparison(0.8, 0.75, 0.05, 0.02),
    )
    return replace(default, **changes)


def record(**changes: Any) -> ClassifierRecord:
    text = ExplainedText(("a", HOSTILE), (0.2, -0.1), "good", "bad", 0.9)
    default = ClassifierRecord(
        title=HOSTILE,
        command="holdfast classify train films.csv",
        created="2026-01-01T00:00:00+00:00",
        version="0.1.0",
        seed=0,
        seconds=12.0,
        learnt=400,
        retrained=False,
        networks=5,
        parameters=1_000_000,
        steps=500,
        scores=scores(),
        reliability=((0.55, 0.5, 10), (0.95, 0.9, 50)),
        importance=(
            WordImportance("good", "joy", 0.3, 4),
            WordImportance(HOSTILE, HOSTILE, 0.1, 1),
        ),
        mistakes=(text,),
        examples=(replace(text, truth="good"),),
    )
    return replace(default, **changes)


@pytest.mark.parametrize(("anew", "words"), [(False, "alone"), (True, "took the place")])
def test_the_page_says_what_became_of_the_held_out_texts(
    anew: bool, words: str, tmp_path: Path
) -> None:
    reports.save(record(retrained=anew), tmp_path / "report.html")
    facts = dict(Reader((tmp_path / "report.html").read_bytes()).rows("facts"))
    assert words in facts["Held out"]


def test_the_page_holds_what_was_found_and_no_markup_of_the_data(tmp_path: Path) -> None:
    reports.save(record(), tmp_path / "report.html")
    page = shown_only_as_text((tmp_path / "report.html").read_bytes())
    confusion = [[cell["tag"] for cell in row[1:]] for row in page.rows("confusion")]
    assert confusion == [["16", "2", "2"], ["2", "16", "2"], ["2", "2", "16"]]
    assert page.rows("confusion")[0][1]["class"] == "mark5 against"
    assert [row[0] for row in page.rows("beside")][:2] == ["This classifier", "LSTMs alone"]
    start = page.block("beside", "text")["text"]
    assert start.startswith("Starting from the language model: better.")
    text = page.block("mistakes", "marked")
    assert text["heading"] == "“good”, 90\u00a0% sure; in truth “bad”"
    assert text["pieces"] == [
        ["a", 4, "for good: 20.0\u00a0%"],
        [HOSTILE, -3, "against good: 10.0\u00a0%"],
    ]
    assert page.block("words", "table")["rows"] == [["joy", -0.3, 4]]


def test_the_lead_says_where_a_simple_method_is_as_good() -> None:
    better = classifier_html(record())
    assert b"The best simple method, linear SVM, reaches 75.0%" in better
    beaten = scores(simple=(("linear SVM", 0.8),))
    assert b"Linear SVM does at least as well (80.0%): take it." in classifier_html(
        record(scores=beaten)
    )


def test_of_many_labels_the_most_frequent_are_shown() -> None:
    names = [f"label {place}" for place in range(200)]
    many = scores(
        labels=tuple(TagScore(name, 0.5, 0.5, 0.5, count) for count, name in enumerate(names)),
        confusion=tuple(tuple(0 for _ in names) for _ in names),
    )
    page = Reader(classifier_html(record(scores=many)))
    rows = page.rows("labels")
    assert len(rows) == len(page.rows("confusion")) == len(page.rows("confusion")[0]) - 1 == LABELS
    assert rows[-1][0] == "label 199"
    assert "170 more are left out" in page.block("labels", "table")["caption"]


def test_a_page_without_mistakes_is_whole() -> None:
    page = Reader(classifier_html(record(mistakes=(), examples=(), importance=())))
    assert page.block("mistakes", "text")["text"] == "None of them."


def test_the_terminal_says_what_is_blended_and_what_the_start_brought() -> None:
    console = Console(width=400, record=True, quiet=False, file=None)
    with console.capture() as captured:
        console.print(terminal_language.label_scores(scores(), "Held out"))
    said = captured.get()
    assert "Blended of: LSTMs alone: 78.00%; words, pairs and pieces alone: 76.00%." in said
    assert "Starting from the language model: better." in said
    assert "take it" not in said
