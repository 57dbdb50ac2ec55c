"""Pages of language models, classifiers and taggers: scores, learning curves, mistakes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from holdfast.records import (
    ClassifierRecord,
    ExplainedText,
    SurpriseRecord,
    TaggerRecord,
    TagScore,
    TextTrainingRecord,
    WarmStartComparison,
)
from holdfast.reports.figures import BLEND, axis, figure, line, member
from holdfast.reports.formatting import (
    as_fixed,
    as_percent,
    as_seconds,
    evenly,
    shorten,
    significant,
)
from holdfast.reports.page import (
    NAME_LENGTH,
    Json,
    Page,
    bar,
    columns,
    facts,
    marked_text,
    marks,
    paragraph,
    section,
    table,
    tag,
)

UNITS = {
    "char": "characters",
    "byte": "bytes",
    "word": "words",
    "bpe": "pieces of words",
}
"""What a text is cut into, in words."""

ENDINGS = {
    "steps": "as planned",
    "early": "it had stopped improving",
    "interrupted": "interrupted",
    "budget": "the budget was spent before all that was planned: a longer one gives a better model",
}
"""Why a training ended, in words."""

POINTS = 500
"""Points of a learning curve that are shown at most."""

SAMPLE_LENGTH = 8_000
TOKENS = 50_000
TOKEN_LENGTH = 400
WORD_LENGTH = 60

LEAST_EXPECTED = 20
"""Tokens in the table of the least expected."""

LABELS = 30
TAGS = 60
"""Labels of a classifier and tags of a tagger that tables show at most, the most frequent first."""

SURPRISE_MARKS = (2, 3, 4, 6, 8)
"""Nats from which a token is marked, the more strongly the more."""

SHARE_MARKS = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Shares from which a word or a cell is marked."""

SCORE_COLUMNS = [(name, "fixed3") for name in ("Precision", "Recall", "F1")] + [("Count", "count")]


def training_html(record: TextTrainingRecord) -> bytes:
    """The page of a language model's training."""
    score, unit = record.score, UNITS[record.kind]
    page = Page(
        site="Holdfast language model",
        title=record.title,
        lead=f"On {score.tokens:,} {unit} that it never learnt from, the model is surprised by "
        f"{score.nats:.3f} nats each, {score.bits_per_character:.3f} bits a character.",
        version=record.version,
        created=record.created,
        command=record.command,
        terms=[
            [
                ("Surprise", f"{as_fixed(score.nats, 3)} nats", "a token, on the held-out text"),
                (
                    "By character",
                    f"{as_fixed(score.bits_per_character, 3)} bits",
                    "whatever a token is",
                ),
                (
                    "Perplexity",
                    as_fixed(score.perplexity, 2),
                    f"a token; {as_fixed(score.perplexity_per_word, 1)} a word",
                ),
                ("Training", as_seconds(record.seconds), "from start to end"),
            ]
        ],
        sections=[
            section(
                "language/curves",
                _loss_figure(record),
            ),
            section(
                "language/sample",
                marked_text([(shorten(record.sample, SAMPLE_LENGTH), 0, "")], gap=""),
            ),
            section(
                "language/facts",
                facts(
                    [
                        (
                            "Text",
                            f"{record.learnt:,} {unit} learnt from, {record.held_out:,} held out",
                        ),
                        ("Vocabulary", f"{record.vocabulary:,}"),
                        ("Weights", f"{record.parameters:,}"),
                        *((name.capitalize(), words) for name, words in record.design),
                        (
                            "Updates",
                            f"{record.steps:,}, the text read {record.passes:.1f} times",
                        ),
                        ("Speed", f"{record.tokens_per_second:,.0f} tokens a second"),
                        ("Ended", ENDINGS[record.stopped]),
                        ("Seed", str(record.seed)),
                    ],
                    "Facts of the training",
                ),
            ),
        ],
    )
    return page.render()


def surprise_html(record: SurpriseRecord) -> bytes:
    """The page of a text whose surprising tokens are marked."""
    texts = [shorten(text, TOKEN_LENGTH) for text in record.texts[:TOKENS]]
    nats = record.nats[:TOKENS]
    mean = sum(nats) / max(len(nats), 1)
    least = sorted(range(len(nats)), key=lambda place: -nats[place])[:LEAST_EXPECTED]
    page = Page(
        site="Holdfast surprise",
        title=record.title,
        lead=f"{len(texts):,} tokens, {mean:.2f} nats each on average: about "
        f"{math.exp(min(mean, 700.0)):,.1f} tokens seemed as likely at each place.",
        version=record.version,
        charts=False,
        sections=[
            section(
                "surprise/text",
                marks([(at + 1, f"from {step} nats") for at, step in enumerate(SURPRISE_MARKS)]),
                marked_text(
                    [
                        (text, _mark(value, SURPRISE_MARKS), f"{value:.2f} nats")
                        for text, value in zip(texts, nats, strict=True)
                    ],
                    gap="",
                ),
            ),
            section(
                "surprise/most",
                table(
                    [("Before it", ""), ("Token", ""), ("Nats", "fixed2")],
                    [
                        [
                            "".join(texts[max(0, place - 12) : place])[-40:],
                            {"code": texts[place].strip() or repr(texts[place])[1:-1], "title": ""},
                            significant(nats[place]),
                        ]
                        for place in least
                    ],
                    "The least expected tokens",
                ),
            ),
        ],
    )
    return page.render()


def classifier_html(record: ClassifierRecord) -> bytes:
    """The page of a classifier's training."""
    scores = record.scores
    order = sorted(range(len(scores.labels)), key=lambda place: -scores.labels[place].count)
    shown = sorted(order[:LABELS])
    names = [scores.labels[place].name for place in shown]
    beside: list[list[object] | Json] = [
        {"bold": True, "cells": ["This classifier", bar(scores.accuracy), ""]},
    ]
    for kind, methods in (("a part of it, alone", scores.parts), ("simple method", scores.simple)):
        beside += [[_name(name), bar(share), kind] for name, share in methods]
    start = "" if scores.warm_start is None else warm_start_sentence(scores.warm_start)
    kept = "scored alone"
    if record.retrained:
        kept = "scored before networks that learnt from all texts took the place of the scored ones"
    page = Page(
        site="Holdfast classifier",
        title=record.title,
        lead=_classifier_lead(record),
        version=record.version,
        created=record.created,
        command=record.command,
        charts=False,
        terms=[
            [
                (
                    "Right labels",
                    as_percent(scores.accuracy, 1),
                    f"of {scores.texts:,} held-out texts",
                ),
                (
                    "Calibration error",
                    as_percent(scores.calibration_error, 1),
                    "confidence against accuracy",
                ),
                ("Surprise", f"{as_fixed(scores.nats, 3)} nats", "at the true label"),
                ("Training", as_seconds(record.seconds), "from start to end"),
            ]
        ],
        sections=[
            section(
                "classifier/beside",
                paragraph(start),
                table(
                    [("Method", ""), ("Right labels", ""), ("", "")],
                    beside,
                    "Accuracy of all methods",
                ),
            ),
            section(
                "classifier/labels",
                _score_table("Label", [scores.labels[place] for place in shown], len(order)),
            ),
            section(
                "classifier/reliability",
                table(
                    [("Sure to", "percent1"), ("Right", ""), ("Texts", "count")],
                    [
                        [significant(sure), bar(right), count]
                        for sure, right, count in record.reliability
                    ],
                    "Confidence and accuracy",
                ),
                beside=True,
            ),
            section(
                "classifier/confusion",
                table(
                    [("True label", ""), *((name, "count") for name in names)],
                    [
                        [_name(names[place]), *_confusion_row(scores.confusion[row], shown, row)]
                        for place, row in enumerate(shown)
                    ],
                    "Confusion matrix",
                ),
            ),
            section(
                "classifier/words",
                columns(*([one] for one in _importance_tables(record, set(names)))),
            ),
            section(
                "classifier/mistakes",
                marks([(4, "for the label that was given"), (-4, "against it")]),
                *_explained(record.mistakes),
            ),
            section("classifier/examples", *_explained(record.examples)),
            section(
                "classifier/facts",
                facts(
                    [
                        (
                            "Learnt from",
                            f"{record.learnt:,} texts, a few left out by each network",
                        ),
                        ("Held out", f"{scores.texts:,} texts, {kept}"),
                        (
                            "Networks",
                            f"{record.networks:,}, {record.parameters:,} weights together",
                        ),
                        ("Updates", f"{record.steps:,}"),
                        ("Seed", str(record.seed)),
                    ],
                    "Facts of the training",
                ),
            ),
        ],
    )
    return page.render()


def tagger_html(record: TaggerRecord) -> bytes:
    """The page of a tagger's training."""
    scores = record.scores
    shown = sorted(scores.tags, key=lambda one: -one.count)[:TAGS]
    spans_f1 = next((one.f1 for one in scores.spans if one.name == "all"), None)
    unknown = ", ".join(_name(name) for name in scores.unknown[:TAGS])
    page = Page(
        site="Holdfast tagger",
        title=record.title,
        lead=_tagger_lead(record),
        version=record.version,
        created=record.created,
        command=record.command,
        charts=False,
        terms=[
            [
                ("Right tags", as_percent(scores.accuracy, 1), f"of {scores.words:,} words"),
                *(
                    []
                    if spans_f1 is None
                    else [("Spans found", as_percent(spans_f1, 1), "F1, as seqeval counts")]
                ),
                ("Training", as_seconds(record.seconds), "from start to end"),
            ]
        ],
        sections=[
            section(
                "tagger/beside",
                paragraph(
                    f"Training never saw these tags, which are always wrong: {unknown}."
                    if unknown
                    else ""
                ),
                table(
                    [("Method", ""), ("Right tags", "")],
                    [
                        {"bold": True, "cells": ["This tagger", bar(scores.accuracy)]},
                        ["Each word's most frequent tag", bar(scores.accuracy_most_frequent)],
                    ],
                    "Right tags of both methods",
                ),
            ),
            *(
                [
                    section(
                        "tagger/spans",
                        _score_table("Spans", scores.spans, len(scores.spans)),
                    )
                ]
                if scores.spans
                else []
            ),
            section(
                "tagger/tags",
                _score_table("Tag", shown, len(scores.tags)),
            ),
            section(
                "tagger/confused",
                table(
                    [("True tag", ""), ("Given", ""), ("Times", "count"), ("At", "")],
                    [
                        [
                            _name(one.truth),
                            _name(one.given),
                            one.count,
                            ", ".join(shorten(word, WORD_LENGTH) for word in one.words),
                        ]
                        for one in record.confused
                    ],
                    "Tags that were mixed up",
                )
                if record.confused
                else paragraph("None of them.", "caption"),
                beside=True,
            ),
            section(
                "tagger/mistakes",
                *(
                    {
                        "kind": "tagged",
                        "words": [
                            [
                                shorten(word, WORD_LENGTH),
                                _name(given) + ("" if given == true else f", not {_name(true)}"),
                                given != true,
                            ]
                            for word, given, true in zip(
                                one.words, one.given, one.truth, strict=True
                            )
                        ],
                    }
                    for one in record.mistakes
                ),
                None if record.mistakes else paragraph("None of them.", "caption"),
            ),
            section(
                "tagger/facts",
                facts(
                    [
                        ("Learnt from", f"{record.learnt:,} sentences"),
                        (
                            "Chose the weights",
                            f"{record.held_out:,} sentences, {scores.words:,} words",
                        ),
                        ("Knows", f"{record.vocabulary:,} words; others it spells"),
                        ("Weights", f"{record.parameters:,}"),
                        ("Updates", f"{record.steps:,}"),
                        ("Seed", str(record.seed)),
                    ],
                    "Facts of the training",
                ),
            ),
        ],
    )
    return page.render()


def warm_start_sentence(start: WarmStartComparison) -> str:
    """Whether it helped to start from a language model.

    Example:
        >>> warm_start_sentence(WarmStartComparison(0.82, 0.8, 0.02, 0.015))
        'Starting from the language model: no clear difference. One network with it is right on \
82.00%, one without on 80.00% (difference +2.00%, standard error 1.50%).'
    """
    return (
        f"Starting from the language model: {start.verdict}. One network with it is right on "
        f"{start.warm:.2%}, one without on {start.scratch:.2%} (difference "
        f"{start.difference:+.2%}, standard error {start.error:.2%})."
    )


def _loss_figure(record: TextTrainingRecord) -> Json | None:
    curves = [
        (name, [(steps[place], losses[place]) for place in evenly(len(steps), POINTS)], look)
        for name, steps, losses, look in (
            ("learnt", record.curve_steps, record.curve_loss, member(0)),
            ("held out", record.validation_steps, record.validation_loss, BLEND),
        )
        if steps
    ]
    if not curves:
        return None
    losses = [loss for _, points, _ in curves for _, loss in points if math.isfinite(loss)]
    # The first updates lie far above everything else.
    low, high = (min(losses), max(losses)) if losses else (0.0, 1.0)
    words = "; ".join(
        f"{name} from {as_fixed(points[0][1], 3)} to {as_fixed(points[-1][1], 3)}"
        for name, points, _ in curves
    )
    return figure(
        [
            line(
                name,
                [step for step, _ in points],
                [loss for _, loss in points],
                look,
                form="fixed4",
            )
            for name, points, look in curves
        ],
        label=f"Loss by update: {words}.",
        x=axis("updates", reading=True, hoverformat=",d", rangemode="tozero"),
        y=axis("nats a token", range=[low * 0.96, min(high, low * 2.2)]),
        height="tall",
        numbers_of=("Curve", "Update", "Nats"),
    )


def _score_table(name: str, rows: Sequence[TagScore], total: int) -> Json:
    left_out = total - len(rows)
    caption = (
        "Scores of each" if not left_out else f"The most frequent; {left_out} more are left out"
    )
    return table(
        [(name, ""), *SCORE_COLUMNS],
        [
            [
                _name(one.name),
                *(significant(share) for share in (one.precision, one.recall, one.f1)),
                one.count,
            ]
            for one in rows
        ],
        caption,
    )


def _confusion_row(counts: Sequence[int], shown: Sequence[int], row: int) -> list[object]:
    """Counts, marked by their share of the row; the right ones in the other colour."""
    total = max(sum(counts[column] for column in shown), 1)
    cells: list[object] = []
    for column in shown:
        mark = _mark(counts[column] / total, SHARE_MARKS)
        kind = f"mark{mark}{' against' if column == row else ''}" if mark else "mark0"
        cells.append(tag(f"{counts[column]:,}", kind))
    return cells


def _importance_tables(record: ClassifierRecord, names: set[str]) -> list[Json]:
    found = [one for one in record.importance if one.label in names]
    return [
        table(
            [(f"For “{_name(label)}”", ""), ("Without it", "percent1"), ("Texts", "count")],
            [
                [shorten(one.word, WORD_LENGTH), significant(-one.importance), one.count]
                for one in found
                if one.label == label
            ],
            f"Words for {_name(label)}",
        )
        for label in dict.fromkeys(one.label for one in found)
    ]


def _explained(texts: Sequence[ExplainedText]) -> list[Json | None]:
    """Texts with their words marked by what they had to do with the label."""
    if not texts:
        return [paragraph("None of them.", "caption")]
    blocks: list[Json | None] = []
    for one in texts:
        given, truth = _name(one.given), _name(one.truth)
        wrong = "" if given == truth else f"; in truth “{truth}”"
        pieces = [
            (
                shorten(word, WORD_LENGTH),
                _mark(abs(value), SHARE_MARKS) * (-1 if value < 0 else 1),
                f"{'against' if value < 0 else 'for'} {given}: {as_percent(abs(value), 1)}",
            )
            for word, value in zip(one.words, one.importance, strict=True)
        ]
        blocks.append(marked_text(pieces, f"“{given}”, {as_percent(one.probability)} sure{wrong}"))
    return blocks


def _mark(value: float, steps: Sequence[float]) -> int:
    """How strongly something is marked: how many of some steps it reaches."""
    return sum(value >= step for step in steps)


def _name(text: str) -> str:
    return shorten(text, NAME_LENGTH)


def _classifier_lead(record: ClassifierRecord) -> str:
    """What the classifier is worth, in two sentences."""
    scores = record.scores
    lead = (
        f"Of {scores.texts:,} texts that were held out, {scores.accuracy:.1%} got the right "
        f"label; its probabilities are off by {scores.calibration_error:.1%}."
    )
    if not scores.simple:
        return lead
    name, best = max(scores.simple, key=lambda pair: pair[1])
    if best >= scores.accuracy:
        return f"{lead} {name[0].upper()}{name[1:]} does at least as well ({best:.1%}): take it."
    return f"{lead} The best simple method, {name}, reaches {best:.1%}."


def _tagger_lead(record: TaggerRecord) -> str:
    """What the tagger is worth, in two sentences."""
    scores = record.scores
    usual = f"each word's most frequent tag is right for {scores.accuracy_most_frequent:.1%}"
    lead = (
        f"Of {scores.words:,} words in sentences by which the weights were chosen, "
        f"{scores.accuracy:.1%} got the right tag; {usual}."
    )
    if scores.accuracy <= scores.accuracy_most_frequent:
        return f"{lead} The tagger is no better: do not use it."
    return f"{lead} Sentences that chose nothing would score a little lower."
