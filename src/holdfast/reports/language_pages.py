"""Pages of language models, classifiers and taggers: scores, learning curves, mistakes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from holdfast.records import (
    ClassifierRecord,
    ClassifierScores,
    ExplainedText,
    SurpriseRecord,
    TaggedWords,
    TaggerRecord,
    TagScore,
    TextTrainingRecord,
    WarmStartComparison,
)
from holdfast.reports.figures import BLEND, axis, figure, line, member
from holdfast.reports.formatting import (
    as_fixed,
    as_percent,
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
    page_texts,
    paragraph,
    section,
    sentence,
    table,
    tag,
    worded_pairs,
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
    values = {
        "record": record,
        "score": record.score,
        "unit": UNITS[record.kind],
        "ended": ENDINGS[record.stopped],
    }
    design = [[name.capitalize(), words] for name, words in record.design]
    about = [*worded_pairs("language", "run", values), *design]
    sample = [(shorten(record.sample, SAMPLE_LENGTH), 0, "")]
    return _page(
        "language",
        record,
        sentence("language", "lead", values),
        worded_pairs("language", "terms", values),
        [
            section("language/curves", _loss_figure(record)),
            section("language/sample", marked_text(sample, gap="")),
            _facts("language", [*about, *worded_pairs("language", "training", values)]),
        ],
        charts=True,
    )


def surprise_html(record: SurpriseRecord) -> bytes:
    """The page of a text whose surprising tokens are marked."""
    texts = [shorten(text, TOKEN_LENGTH) for text in record.texts[:TOKENS]]
    nats = record.nats[:TOKENS]
    mean = sum(nats) / max(len(nats), 1)
    values = {"tokens": len(texts), "mean": mean, "likely": math.exp(min(mean, 700.0))}
    pieces = [
        (text, _mark(value, SURPRISE_MARKS), f"{value:.2f} nats")
        for text, value in zip(texts, nats, strict=True)
    ]
    least = sorted(range(len(nats)), key=lambda place: -nats[place])[:LEAST_EXPECTED]
    rows = [
        [
            "".join(texts[max(0, place - 12) : place])[-40:],
            {"code": texts[place].strip() or repr(texts[place])[1:-1], "title": ""},
            significant(nats[place]),
        ]
        for place in least
    ]
    headings = [("Before it", ""), ("Token", ""), ("Nats", "fixed2")]
    page = Page(
        site="Holdfast surprise",
        title=record.title,
        lead=sentence("surprise", "lead", values),
        version=record.version,
        charts=False,
        sections=[
            section(
                "surprise/text",
                marks([(at + 1, f"from {step} nats") for at, step in enumerate(SURPRISE_MARKS)]),
                marked_text(pieces, gap=""),
            ),
            section("surprise/most", table(headings, rows, "The least expected tokens")),
        ],
    )
    return page.render()


def classifier_html(record: ClassifierRecord) -> bytes:
    """The page of a classifier's training."""
    scores = record.scores
    order = sorted(range(len(scores.labels)), key=lambda place: -scores.labels[place].count)
    shown = sorted(order[:LABELS])
    labels = [scores.labels[place] for place in shown]
    names = [one.name for one in labels]
    kept = page_texts("classifier")["retrained" if record.retrained else "alone"]
    values = {"record": record, "scores": scores, "kept": kept}
    beside: list[list[object] | Json] = [
        {"bold": True, "cells": ["This classifier", bar(scores.accuracy), ""]}
    ]
    for kind, methods in (("a part of it, alone", scores.parts), ("simple method", scores.simple)):
        beside += [[_name(name), bar(share), kind] for name, share in methods]
    start = "" if scores.warm_start is None else warm_start_sentence(scores.warm_start)
    reliability = [
        [significant(sure), bar(right), count] for sure, right, count in record.reliability
    ]
    confusion = [
        [_name(names[place]), *_confusion_row(scores.confusion[row], shown, row)]
        for place, row in enumerate(shown)
    ]
    return _page(
        "classifier",
        record,
        sentence("classifier", "lead", values) + _best_simple(scores),
        worded_pairs("classifier", "terms", values),
        [
            section(
                "classifier/beside",
                paragraph(start),
                table([("Method", ""), ("Right labels", ""), ("", "")], beside, "Accuracies"),
            ),
            section("classifier/labels", _score_table("Label", labels, len(order))),
            section(
                "classifier/reliability",
                table(
                    [("Sure to", "percent1"), ("Right", ""), ("Texts", "count")],
                    reliability,
                    "Confidence and accuracy",
                ),
                beside=True,
            ),
            section(
                "classifier/confusion",
                table(
                    [("True label", ""), *((name, "count") for name in names)],
                    confusion,
                    "Confusion matrix",
                ),
            ),
            section("classifier/words", columns(*_importance_tables(record, set(names)))),
            section(
                "classifier/mistakes",
                marks([(4, "for the label that was given"), (-4, "against it")]),
                *_explained(record.mistakes),
            ),
            section("classifier/examples", *_explained(record.examples)),
            _facts("classifier", worded_pairs("classifier", "run", values)),
        ],
    )


def tagger_html(record: TaggerRecord) -> bytes:
    """The page of a tagger's training."""
    scores = record.scores
    shown = sorted(scores.tags, key=lambda one: -one.count)[:TAGS]
    spans = next((one.f1 for one in scores.spans if one.name == "all"), None)
    values = {"record": record, "scores": scores, "spans": spans}
    right, spans_found, time = worded_pairs("tagger", "terms", values)
    unknown = ", ".join(_name(name) for name in scores.unknown[:TAGS])
    worse = scores.accuracy <= scores.accuracy_most_frequent
    methods: list[list[object] | Json] = [
        {"bold": True, "cells": ["This tagger", bar(scores.accuracy)]},
        ["Each word's most frequent tag", bar(scores.accuracy_most_frequent)],
    ]
    confused = [
        [
            _name(one.truth),
            _name(one.given),
            one.count,
            ", ".join(shorten(word, WORD_LENGTH) for word in one.words),
        ]
        for one in record.confused
    ]
    headings = [("True tag", ""), ("Given", ""), ("Times", "count"), ("At", "")]
    none = paragraph("None of them.", "caption")
    span_scores = _score_table("Spans", scores.spans, len(scores.spans))
    return _page(
        "tagger",
        record,
        sentence("tagger", "lead", values) + sentence("tagger", "worse" if worse else "chosen", {}),
        [right, time] if spans is None else [right, spans_found, time],
        [
            section(
                "tagger/beside",
                paragraph(sentence("tagger", "unknown", {"tags": unknown}) if unknown else ""),
                table([("Method", ""), ("Right tags", "")], methods, "Right tags of both methods"),
            ),
            section("tagger/spans", span_scores) if scores.spans else None,
            section("tagger/tags", _score_table("Tag", shown, len(scores.tags))),
            section(
                "tagger/confused",
                table(headings, confused, "Tags that were mixed up") if confused else none,
                beside=True,
            ),
            section(
                "tagger/mistakes",
                *(_tagged(one) for one in record.mistakes),
                None if record.mistakes else none,
            ),
            _facts("tagger", worded_pairs("tagger", "run", values)),
        ],
    )


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


def _page(
    page: str,
    record: TextTrainingRecord | ClassifierRecord | TaggerRecord,
    lead: str,
    terms: list[list[str]],
    sections: list[Json | None],
    *,
    charts: bool = False,
) -> bytes:
    """The page of a training, whose texts assets/texts.json has under `page`."""
    kind = {"language": "language model"}.get(page, page)
    return Page(
        site=f"Holdfast {kind}",
        title=record.title,
        lead=lead,
        version=record.version,
        created=record.created,
        command=record.command,
        charts=charts,
        terms=[terms],
        sections=sections,
    ).render()


def _facts(page: str, pairs: list[list[str]]) -> Json:
    return section(f"{page}/facts", facts(pairs, "Facts of the training"))


def _tagged(sentence: TaggedWords) -> Json:
    """The words of a sentence with the tags that they were given, wrong ones marked."""
    words = [
        [
            shorten(word, WORD_LENGTH),
            _name(given) + ("" if given == truth else f", not {_name(truth)}"),
            given != truth,
        ]
        for word, given, truth in zip(sentence.words, sentence.given, sentence.truth, strict=True)
    ]
    return {"kind": "tagged", "words": words}


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


def _importance_tables(record: ClassifierRecord, names: set[str]) -> list[list[Json]]:
    found = [one for one in record.importance if one.label in names]
    return [
        [
            table(
                [(f"For “{_name(label)}”", ""), ("Without it", "percent1"), ("Texts", "count")],
                [
                    [shorten(one.word, WORD_LENGTH), significant(-one.importance), one.count]
                    for one in found
                    if one.label == label
                ],
                f"Words for {_name(label)}",
            )
        ]
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


def _best_simple(scores: ClassifierScores) -> str:
    """How the best simple method does, in a sentence after others."""
    if not scores.simple:
        return ""
    name, best = max(scores.simple, key=lambda pair: pair[1])
    if best >= scores.accuracy:
        return f" {name[0].upper()}{name[1:]} does at least as well ({best:.1%}): take it."
    return f" The best simple method, {name}, reaches {best:.1%}."
