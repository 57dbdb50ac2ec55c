"""Pages of language models, classifiers and taggers: scores, learning curves, mistakes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from holdfast import records
from holdfast.reports import page
from holdfast.reports.figures import BLEND, axis, loss_figure, member, thinned_curve
from holdfast.reports.formatting import as_percent, shorten, significant
from holdfast.reports.page import Json

UNITS = {"char": "characters", "byte": "bytes", "word": "words", "bpe": "pieces of words"}
"""What a text is cut into, in words."""

ENDINGS = {
    "steps": "as planned",
    "early": "it had stopped improving",
    "interrupted": "interrupted",
    "budget": "the budget was spent before all that was planned: a longer one gives a better model",
}
"""Why a training ended, in words."""

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


def training_html(record: records.TextTrainingRecord) -> bytes:
    """The page of a language model's training."""
    values = {
        "record": record,
        "score": record.score,
        "unit": UNITS[record.kind],
        "ended": ENDINGS[record.stopped],
    }
    design = [[name.capitalize(), words] for name, words in record.design]
    training = page.worded_pairs("language", "training", values)
    sample = [(shorten(record.sample, SAMPLE_LENGTH), 0, "")]
    sections = [
        page.section("language/curves", _loss_figure(record)),
        page.section("language/sample", page.marked_text(sample, gap="")),
    ]
    return _training_page(record, "language", values, sections, more_facts=[*design, *training])


def surprise_html(record: records.SurpriseRecord) -> bytes:
    """The page of a text whose surprising tokens are marked."""
    texts = [shorten(text, TOKEN_LENGTH) for text in record.texts[:TOKENS]]
    nats = record.nats[:TOKENS]
    mean = sum(nats) / max(len(nats), 1)
    likely = math.exp(min(mean, 700.0))
    pieces = [
        (text, _mark(value, SURPRISE_MARKS), f"{value:.2f} nats")
        for text, value in zip(texts, nats, strict=True)
    ]
    rows = []
    for place in sorted(range(len(nats)), key=lambda place: -nats[place])[:LEAST_EXPECTED]:
        before = "".join(texts[max(0, place - 12) : place])[-40:]
        token = {"code": texts[place].strip() or repr(texts[place])[1:-1], "title": ""}
        rows.append([before, token, significant(nats[place])])
    headings = [("Before it", ""), ("Token", ""), ("Nats", "fixed2")]
    steps = [(place + 1, f"from {step} nats") for place, step in enumerate(SURPRISE_MARKS)]
    sections = [
        page.section("surprise/text", page.marks(steps), page.marked_text(pieces, gap="")),
        page.section("surprise/most", page.table(headings, rows, "The least expected tokens")),
    ]
    lead = page.sentence("surprise", "lead", tokens=len(texts), mean=mean, likely=likely)
    return page.sections_page(record, "Holdfast surprise", lead, sections, charts=False)


def classifier_html(record: records.ClassifierRecord) -> bytes:
    """The page of a classifier's training."""
    scores = record.scores
    order = sorted(range(len(scores.labels)), key=lambda place: -scores.labels[place].count)
    shown = sorted(order[:LABELS])
    labels = [scores.labels[place] for place in shown]
    names = [one.name for one in labels]
    kept = page.page_texts("classifier")["retrained" if record.retrained else "alone"]
    values = {"record": record, "scores": scores, "kept": kept}
    beside: list[list[object] | Json] = [
        {"bold": True, "cells": ["This classifier", page.bar(scores.accuracy), ""]}
    ]
    for kind, methods in (("a part of it, alone", scores.parts), ("simple method", scores.simple)):
        beside += [[page.short_name(name), page.bar(share), kind] for name, share in methods]
    reliability = [
        [page.cell(sure), page.bar(right), count] for sure, right, count in record.reliability
    ]
    confusion = [
        [page.short_name(names[place]), *_confusion_row(scores.confusion[row], shown, row)]
        for place, row in enumerate(shown)
    ]
    methods_table = page.table(
        [("Method", ""), ("Right labels", ""), ("", "")], beside, "Accuracies"
    )
    sure_columns = [("Sure to", "percent1"), ("Right", ""), ("Texts", "count")]
    sure_table = page.table(sure_columns, reliability, "Confidence and accuracy")
    label_columns = [("True label", ""), *((name, "count") for name in names)]
    start = "" if scores.warm_start is None else warm_start_sentence(scores.warm_start)
    meaning = page.marks([(4, "for the label that was given"), (-4, "against it")])
    sections = [
        page.section("classifier/beside", page.paragraph(start), methods_table),
        page.section("classifier/labels", _score_table("Label", labels, len(order))),
        page.section("classifier/reliability", sure_table, beside=True),
        page.section(
            "classifier/confusion", page.table(label_columns, confusion, "Confusion matrix")
        ),
        page.section("classifier/words", page.columns(*_importance_tables(record, set(names)))),
        page.section("classifier/mistakes", meaning, *_explained(record.mistakes)),
        page.section("classifier/examples", *_explained(record.examples)),
    ]
    return _training_page(record, "classifier", values, sections, more_lead=_best_simple(scores))


def tagger_html(record: records.TaggerRecord) -> bytes:
    """The page of a tagger's training."""
    scores = record.scores
    shown = sorted(scores.tags, key=lambda one: -one.count)[:TAGS]
    spans = next((one.f1 for one in scores.spans if one.name == "all"), None)
    values = {"record": record, "scores": scores, "spans": spans}
    unknown = ", ".join(page.short_name(name) for name in scores.unknown[:TAGS])
    unseen = page.paragraph(page.sentence("tagger", "unknown", tags=unknown) if unknown else "")
    methods: list[list[object] | Json] = [
        {"bold": True, "cells": ["This tagger", page.bar(scores.accuracy)]},
        ["Each word's most frequent tag", page.bar(scores.accuracy_most_frequent)],
    ]
    right_columns = [("Method", ""), ("Right tags", "")]
    confused = [
        [
            *page.cells(one, "truth", "given", "count"),
            ", ".join(shorten(word, WORD_LENGTH) for word in one.words),
        ]
        for one in record.confused
    ]
    headings = [("True tag", ""), ("Given", ""), ("Times", "count"), ("At", "")]
    none = page.paragraph("None of them.", "caption")
    mixed_up = page.table(headings, confused, "Tags that were mixed up") if confused else none
    mistakes: list[Json | None] = [_tagged(one) for one in record.mistakes]
    span_scores = _score_table("Spans", scores.spans, len(scores.spans))
    sections = [
        page.section(
            "tagger/beside",
            unseen,
            page.table(right_columns, methods, "Right tags of both methods"),
        ),
        page.section("tagger/spans", span_scores) if scores.spans else None,
        page.section("tagger/tags", _score_table("Tag", shown, len(scores.tags))),
        page.section("tagger/confused", mixed_up, beside=True),
        page.section("tagger/mistakes", *(mistakes or [none])),
    ]
    worse = scores.accuracy <= scores.accuracy_most_frequent
    verdict = page.sentence("tagger", "worse" if worse else "chosen")
    terms = page.worded_pairs("tagger", "terms", values)
    if spans is None:
        del terms[1]
    return _training_page(record, "tagger", values, sections, more_lead=verdict, terms=terms)


def warm_start_sentence(start: records.WarmStartComparison) -> str:
    """Whether it helped to start from a language model.

    Example:
        >>> warm_start_sentence(records.WarmStartComparison(0.82, 0.8, 0.02, 0.015))
        'Starting from the language model: no clear difference. One network with it is right on \
82.00%, one without on 80.00% (difference +2.00%, standard error 1.50%).'
    """
    return (
        f"Starting from the language model: {start.verdict}. One network with it is right on "
        f"{start.warm:.2%}, one without on {start.scratch:.2%} (difference "
        f"{start.difference:+.2%}, standard error {start.error:.2%})."
    )


def _training_page(
    record: records.TextTrainingRecord | records.ClassifierRecord | records.TaggerRecord, kind: str,
    values: dict[str, object], sections: Sequence[Json | None], *, more_lead: str = "",
    more_facts: Sequence[list[str]] = (), terms: list[list[str]] | None = None,
) -> bytes:  # fmt: skip
    """The page of a training, whose lead, terms and facts assets/texts.json has under `kind`."""
    about = [*page.worded_pairs(kind, "run", values), *more_facts]
    return page.sections_page(
        record,
        f"Holdfast {'language model' if kind == 'language' else kind}",
        page.sentence(kind, "lead", **values) + more_lead,
        [*sections, page.section(f"{kind}/facts", page.facts(about, "Facts of the training"))],
        terms=[page.worded_pairs(kind, "terms", values) if terms is None else terms],
        charts=kind == "language",
    )


def _tagged(one: records.TaggedWords) -> Json:
    """The words of a sentence with the tags that they were given, wrong ones marked."""
    words = []
    for word, given, truth in zip(one.words, one.given, one.truth, strict=True):
        wrong = given != truth
        note = page.short_name(given) + (f", not {page.short_name(truth)}" if wrong else "")
        words.append([shorten(word, WORD_LENGTH), note, wrong])
    return {"kind": "tagged", "words": words}


def _loss_figure(record: records.TextTrainingRecord) -> Json | None:
    curves = [
        (name, *thinned_curve(steps, losses), look)
        for name, steps, losses, look in (
            ("learnt", record.curve_steps, record.curve_loss, member(0)),
            ("held out", record.validation_steps, record.validation_loss, BLEND),
        )
        if steps
    ]
    known = [loss for _, _, losses, _ in curves for loss in losses if math.isfinite(loss)]
    # The first updates lie far above everything else.
    low, high = min(known, default=0.0), max(known, default=1.0)
    return loss_figure(
        curves,
        label="Loss by update",
        across="updates",
        hover=",d",
        y=axis("nats a token", range=[low * 0.96, min(high, low * 2.2)]),
        headings=("Curve", "Update", "Nats"),
    )


def _score_table(name: str, rows: Sequence[records.TagScore], total: int) -> Json:
    left_out = total - len(rows)
    caption = f"The most frequent; {left_out} more are left out" if left_out else "Scores of each"
    scores = [page.cells(one, "name", "precision", "recall", "f1", "count") for one in rows]
    return page.table([(name, ""), *SCORE_COLUMNS], scores, caption)


def _confusion_row(counts: Sequence[int], shown: Sequence[int], row: int) -> list[Json]:
    """Counts, marked by their share of the row; the right ones in the other colour."""
    total = max(sum(counts[column] for column in shown), 1)
    counted = []
    for column in shown:
        mark = _mark(counts[column] / total, SHARE_MARKS)
        kind = f"mark{mark}{' against' if column == row else ''}" if mark else "mark0"
        counted.append(page.tag(f"{counts[column]:,}", kind))
    return counted


def _importance_tables(record: records.ClassifierRecord, names: set[str]) -> list[list[Json]]:
    rows: dict[str, list[list[object]]] = {}
    for one in record.importance:
        if one.label in names:
            word = shorten(one.word, WORD_LENGTH)
            rows.setdefault(one.label, []).append([word, page.cell(-one.importance), one.count])
    headings = [("Without it", "percent1"), ("Texts", "count")]
    tables = []
    for label, found in rows.items():
        name = page.short_name(label)
        tables.append([page.table([(f"For “{name}”", ""), *headings], found, f"Words for {name}")])
    return tables


def _explained(texts: Sequence[records.ExplainedText]) -> list[Json | None]:
    """Texts with their words marked by what they had to do with the label."""
    if not texts:
        return [page.paragraph("None of them.", "caption")]
    blocks: list[Json | None] = []
    for one in texts:
        given, truth = page.short_name(one.given), page.short_name(one.truth)
        wrong = "" if given == truth else f"; in truth “{truth}”"
        pieces = []
        for word, value in zip(one.words, one.importance, strict=True):
            sign, side = (-1, "against") if value < 0 else (1, "for")
            words = f"{side} {given}: {as_percent(abs(value), 1)}"
            mark = sign * _mark(abs(value), SHARE_MARKS)
            pieces.append((shorten(word, WORD_LENGTH), mark, words))
        blocks.append(
            page.marked_text(pieces, f"“{given}”, {as_percent(one.probability)} sure{wrong}")
        )
    return blocks


def _mark(value: float, steps: Sequence[float]) -> int:
    """How strongly something is marked: how many of some steps it reaches."""
    return sum(value >= step for step in steps)


def _best_simple(scores: records.ClassifierScores) -> str:
    """How the best simple method does, in a sentence after others."""
    if not scores.simple:
        return ""
    name, best = max(scores.simple, key=lambda pair: pair[1])
    if best >= scores.accuracy:
        return f" {name[0].upper()}{name[1:]} does at least as well ({best:.1%}): take it."
    return f" The best simple method, {name}, reaches {best:.1%}."
