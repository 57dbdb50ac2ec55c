"""The page of a classifier: scores beside simple methods, mistakes, and the words that decided."""

from __future__ import annotations

from holdfast.records import ClassifierRecord, ExplainedText
from holdfast.reports.curves import significant
from holdfast.reports.page import Frame
from holdfast.reports.selection import shorten
from holdfast.reports.start_words import start_words

SCRIPTS = ("format.js", "elements.js", "scores.js", "classifier.js")
"""Scripts of the page, in the order in which they build on each other."""

TITLE_LENGTH = 200
COMMAND_LENGTH = 4_000
NAME_LENGTH = 80
WORD_LENGTH = 60

HELD_OUT = {
    False: "scored alone",
    True: "scored before networks that learnt from all texts took the place of the scored ones",
}
"""What became of the held-out texts, by `ClassifierRecord.anew`."""

LABELS = 30
"""Labels that the tables show at most, the most frequent first."""


def classifier_html(record: ClassifierRecord) -> bytes:
    """The page of a classifier's training, complete in itself."""
    frame = Frame("classifier.html", "Holdfast classifier", "page.css", SCRIPTS, charts=False)
    scores = record.scores
    order = sorted(range(len(scores.labels)), key=lambda place: -scores.labels[place].count)
    shown = sorted(order[:LABELS])
    kept = {scores.labels[place].name for place in shown}
    data = {
        "command": shorten(record.command, COMMAND_LENGTH),
        "created": record.created,
        "version": record.version,
        "seconds": significant(record.seconds),
        "texts": scores.texts,
        "accuracy": significant(scores.accuracy),
        "nats": significant(scores.nats),
        "calibration": significant(scores.calibration_error),
        "beside": [
            ["This classifier", significant(scores.accuracy), "ours"],
            *[[name, significant(accuracy), "part"] for name, accuracy in scores.parts],
            *[[name, significant(accuracy), "simple"] for name, accuracy in scores.simple],
        ],
        "start": "" if scores.warm_start is None else start_words(scores.warm_start),
        "left_out": len(scores.labels) - len(shown),
        "labels": [
            [
                shorten(one.name, NAME_LENGTH),
                significant(one.precision),
                significant(one.recall),
                significant(one.f1),
                one.count,
            ]
            for one in (scores.labels[place] for place in shown)
        ],
        "confusion": [[scores.confusion[row][column] for column in shown] for row in shown],
        "reliability": [
            [significant(sure), significant(right), count]
            for sure, right, count in record.reliability
        ],
        "deciding": [
            [
                shorten(one.label, NAME_LENGTH),
                shorten(one.word, WORD_LENGTH),
                significant(one.importance),
                one.count,
            ]
            for one in record.importance
            if one.label in kept
        ],
        "mistakes": [_decided(one) for one in record.mistakes],
        "examples": [_decided(one) for one in record.examples],
        "facts": [
            ["Learnt from", f"{record.learnt:,} texts, a few left out by each network"],
            ["Held out", f"{scores.texts:,} texts, {HELD_OUT[record.retrained]}"],
            ["Networks", f"{record.networks:,}, {record.parameters:,} weights together"],
            ["Updates", f"{record.steps:,}"],
            ["Seed", str(record.seed)],
        ],
    }
    title = shorten(record.title, TITLE_LENGTH) or "Classifier"
    return frame.render(title, _lead(record), data)


def _decided(one: ExplainedText) -> dict[str, object]:
    return {
        "words": [shorten(word, WORD_LENGTH) for word in one.words],
        "effects": [significant(value) for value in one.importance],
        "given": shorten(one.given, NAME_LENGTH),
        "truth": shorten(one.truth, NAME_LENGTH),
        "chance": significant(one.probability),
    }


def _lead(record: ClassifierRecord) -> str:
    """What the classifier is worth, in two sentences."""
    scores = record.scores
    said = (
        f"Of {scores.texts:,} texts that were held out, {scores.accuracy:.1%} got the right "
        f"label; its probabilities are off by {scores.calibration_error:.1%}."
    )
    if not scores.simple:
        return said
    name, best = max(scores.simple, key=lambda pair: pair[1])
    if best >= scores.accuracy:
        return f"{said} {name[0].upper()}{name[1:]} does at least as well ({best:.1%}): take it."
    return f"{said} The best simple method, {name}, reaches {best:.1%}."
