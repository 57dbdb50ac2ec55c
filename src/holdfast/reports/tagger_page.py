"""The page of a tagger: scores beside the most frequent tag, and where it is wrong."""

from __future__ import annotations

from holdfast.records import TaggerRecord, TagScore
from holdfast.reports.curves import significant
from holdfast.reports.page import Frame
from holdfast.reports.selection import shorten

SCRIPTS = ("format.js", "elements.js", "scores.js", "tagger.js")
"""Scripts of the page, in the order in which they build on each other."""

TITLE_LENGTH = 200
COMMAND_LENGTH = 4_000
NAME_LENGTH = 80
WORD_LENGTH = 60

TAGS = 60
"""Tags that the table shows at most, the most frequent first."""


def tagger_html(record: TaggerRecord) -> bytes:
    """The page of a tagger's training, complete in itself."""
    frame = Frame("tagger.html", "Holdfast tagger", "page.css", SCRIPTS, charts=False)
    scores = record.scores
    shown = sorted(scores.tags, key=lambda one: -one.count)[:TAGS]
    data = {
        "command": shorten(record.command, COMMAND_LENGTH),
        "created": record.created,
        "version": record.version,
        "seconds": significant(record.seconds),
        "words": scores.words,
        "accuracy": significant(scores.accuracy),
        "span_f1": next((significant(one.f1) for one in scores.spans if one.name == "all"), None),
        "beside": [
            ["This tagger", significant(scores.accuracy), "ours"],
            ["Each word's most frequent tag", significant(scores.accuracy_most_frequent), ""],
        ],
        "spans": [_row(one) for one in scores.spans],
        "tags": [_row(one) for one in shown],
        "left_out": len(scores.tags) - len(shown),
        "unknown": [shorten(name, NAME_LENGTH) for name in scores.unknown[:TAGS]],
        "confused": [
            [
                shorten(one.truth, NAME_LENGTH),
                shorten(one.given, NAME_LENGTH),
                one.count,
                ", ".join(shorten(word, WORD_LENGTH) for word in one.words),
            ]
            for one in record.confused
        ],
        "mistakes": [
            [
                [
                    shorten(word, WORD_LENGTH),
                    shorten(given, NAME_LENGTH),
                    shorten(true, NAME_LENGTH),
                ]
                for word, given, true in zip(one.words, one.given, one.truth, strict=True)
            ]
            for one in record.mistakes
        ],
        "facts": [
            ["Learnt from", f"{record.learnt:,} sentences"],
            ["Chose the weights", f"{record.held_out:,} sentences, {scores.words:,} words"],
            ["Knows", f"{record.vocabulary:,} words; others it spells"],
            ["Weights", f"{record.parameters:,}"],
            ["Updates", f"{record.steps:,}"],
            ["Seed", str(record.seed)],
        ],
    }
    return frame.render(shorten(record.title, TITLE_LENGTH) or "Tagger", _lead(record), data)


def _row(one: TagScore) -> list[object]:
    shares = [significant(share) for share in (one.precision, one.recall, one.f1)]
    return [shorten(one.name, NAME_LENGTH), *shares, one.count]


def _lead(record: TaggerRecord) -> str:
    """What the tagger is worth, in two sentences."""
    scores = record.scores
    usual = f"each word's most frequent tag is right for {scores.accuracy_most_frequent:.1%}"
    said = (
        f"Of {scores.words:,} words in sentences by which the weights were chosen, "
        f"{scores.accuracy:.1%} got the right tag; {usual}."
    )
    if scores.accuracy <= scores.accuracy_most_frequent:
        return f"{said} The tagger is no better: do not use it."
    return f"{said} Sentences that chose nothing would score a little lower."
