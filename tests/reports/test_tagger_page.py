"""The page of a tagger, as a browser would read it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.reports.reading import HOSTILE, Reader, shown_only_as_text

from holdfast import reports
from holdfast.errors import ArgumentError
from holdfast.language import Sentence
from holdfast.language.tag.tagger import LONGEST, Tagger
from holdfast.records import ConfusedTags, TaggedWords, TaggerRecord, TagScore, TagScores
from holdfast.reports.language_pages import TAGS, tagger_html


def scores(**changes: Any) -> TagScores:
    default = TagScores(
        words=100,
        accuracy=0.9,
        accuracy_most_frequent=0.8,
        tags=(TagScore("B-NP", 0.9, 0.9, 0.9, 40), TagScore(HOSTILE, 0.9, 0.9, 0.9, 60)),
        spans=(TagScore("NP", 0.9, 0.8, 0.85, 40), TagScore("all", 0.9, 0.8, 0.85, 40)),
        unknown=(),
    )
    return replace(default, **changes)


def record(**changes: Any) -> TaggerRecord:
    default = TaggerRecord(
        title=HOSTILE,
        command="holdfast tag train names.txt",
        created="2026-01-01T00:00:00+00:00",
        version="0.1.0",
        seed=0,
        seconds=12.0,
        learnt=400,
        held_out=40,
        vocabulary=900,
        parameters=100_000,
        steps=500,
        scores=scores(),
        confused=(ConfusedTags("O", HOSTILE, 3, ("gate", HOSTILE)),),
        mistakes=(TaggedWords(("the", HOSTILE), ("O", "O"), ("O", "B-NP")),),
    )
    return replace(default, **changes)


def test_the_page_holds_what_was_found_and_no_markup_of_the_data(tmp_path: Path) -> None:
    reports.save(record(), tmp_path / "report.html")
    page = shown_only_as_text((tmp_path / "report.html").read_bytes())
    assert ["Spans found", "85.0\u00a0%", "F1, as seqeval counts"] in page.data["terms"][0]
    assert page.rows("confused") == [["O", HOSTILE, 3, f"gate, {HOSTILE}"]]
    assert page.block("mistakes", "tagged")["words"] == [
        ["the", "O", False],
        [HOSTILE, "O, not B-NP", True],
    ]


def test_the_lead_says_where_the_most_frequent_tag_is_as_good() -> None:
    assert b"no better: do not use it" not in tagger_html(record())
    assert b"no better: do not use it" in tagger_html(record(scores=scores(accuracy=0.8)))


def test_of_many_tags_the_most_frequent_are_shown() -> None:
    many = scores(tags=tuple(TagScore(str(n), 0.5, 0.5, 0.5, n) for n in range(200)), spans=())
    page = Reader(tagger_html(record(scores=many)))
    assert [row[0] for row in page.rows("tags")] == [str(n) for n in range(199, 199 - TAGS, -1)]
    assert f"{200 - TAGS} more are left out" in page.block("tags", "table")["caption"]
    assert "spans" not in page.sections()


def test_a_record_counts_the_tags_that_were_taken_for_others() -> None:
    """In the held-out sentences a word of known tag has another one, which nobody can foresee."""
    usual = [Sentence(("the", "gate", "opens"), ("DET", "NOUN", "VERB"))] * 30
    odd = [Sentence(("the", "gate", "opens"), ("DET", "NOUN", "NOUN"))]
    tagger = Tagger(steps=40, hidden=16).fit(usual, validation=[*usual[:4], *odd])
    made = tagger.record()
    assert made.confused == (ConfusedTags("NOUN", "VERB", 1, ("opens",)),)
    assert made.mistakes == (
        TaggedWords(("the", "gate", "opens"), ("DET", "NOUN", "VERB"), ("DET", "NOUN", "NOUN")),
    )
    assert (made.learnt, made.held_out) == (30, 5)


def test_a_tagger_that_was_loaded_has_no_report(tmp_path: Path) -> None:
    sentences = [Sentence(("the", "gate"), ("DET", "NOUN"))] * 30
    Tagger(steps=5, hidden=8).fit(sentences).save(tmp_path / "model")
    loaded = Tagger.load(tmp_path / "model")
    with pytest.raises(ArgumentError, match="nothing to report"):
        loaded.record()


def test_of_a_long_sentence_the_part_with_the_mistake_is_shown() -> None:
    words = tuple(f"word{number}" for number in range(200))
    usual = [Sentence(("the", "gate", "opens"), ("DET", "NOUN", "VERB"))] * 30
    long = Sentence(words, ("NOUN",) * 150 + ("X",) + ("NOUN",) * 49)
    tagger = Tagger(steps=20, hidden=8).fit(usual, validation=[usual[0], long])
    (one,) = tagger.record().mistakes
    assert len(one.words) == LONGEST
    wrong = next(p for p in range(LONGEST) if one.given[p] != one.truth[p])
    first = words.index(one.words[0])
    assert tagger.predict([words])[0].tags[first + wrong] == one.given[wrong]  # type: ignore[index]
    assert wrong <= LONGEST // 3
