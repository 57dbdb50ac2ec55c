"""Tables and sentences for the terminal: language models, classifiers and taggers."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from holdfast import records
from holdfast.reports.formatting import as_span, plural
from holdfast.reports.language_pages import ENDINGS, UNITS, warm_start_sentence
from holdfast.reports.terminal import facts_grid, plain_table, titled

SHADES = ((6.0, "black on bright_red"), (4.0, "red"), (2.0, "yellow"))
"""Nats from which a token is marked, and how; e^2 = 7 tokens were as likely."""

ROWS = 40
"""Labels or tags that are printed at most, the most frequent first."""

CONFUSED = 5
"""Pairs of confused labels, and unknown names, that are printed at most."""


def text_plan(planned: records.PlannedText) -> RenderableType:
    """What a training of a language model is going to do."""
    unit = UNITS[planned.kind]
    facts = {
        "text": f"{planned.learnt:,} {unit} to learn from, {planned.held_out:,} held out, "
        f"{planned.vocabulary:,} different ones",
        "weights": f"{planned.parameters:,}",
        **dict(planned.design),
        "training": f"{planned.steps:,} updates on {plural(planned.threads, 'thread')}: the text "
        f"is read {planned.passes:.1f} times",
    }
    return titled("Language model", facts_grid(facts))


def text_training(record: records.TextTrainingRecord) -> RenderableType:
    """Speed and scores of a trained language model, and a text that it wrote."""
    facts = {
        "training": f"{record.steps:,} updates, {record.tokens_per_second:,.0f} tokens a second, "
        f"{as_span(record.seconds)} in all ({ENDINGS[record.stopped]})",
        **_score_facts(record.score),
    }
    sample = titled("It writes:", record.sample.strip())
    return titled("On the held-out text", facts_grid(facts), "", sample)


def text_score(score: records.TextScore) -> RenderableType:
    """How well a model predicts a text."""
    title = "Dynamic evaluation" if score.dynamic else "Weights fixed"
    return titled(title, facts_grid(_score_facts(score)))


def surprise(record: records.SurpriseRecord) -> RenderableType:
    """A text whose surprising tokens are coloured."""
    text = Text()
    for token, nats in zip(record.texts, record.nats, strict=True):
        text.append(token, style=next((name for least, name in SHADES if nats >= least), ""))
    mean = sum(record.nats) / len(record.nats)
    shades = [(f"{least:.0f} nats", name) for least, name in SHADES]
    legend = Text.assemble(
        ("Surprise: ", "dim"), shades[2], " ", shades[1], " ", shades[0],
        (f"; {mean:.2f} on average", "dim"),
    )  # fmt: skip
    return Group(legend, Text(), text)


def networks_trained(
    steps: int, seconds: float, networks: int = 1, everything: int = 0, asked: int = 0
) -> RenderableType:
    """How many networks of a classifier or tagger were trained, and how long that took.

    `everything` of them learnt from all texts and are kept alone; `asked` is how many were asked
    for where fewer fitted into the time. 0 where neither is so.
    """
    what = f"{networks} networks, " if networks > 1 else ""
    kept = f"; the {everything} that learnt from all texts are kept" if everything else ""
    if asked:
        kept += f"; the time was over before all {asked} networks had learnt: give more of it"
    return Text(f"Trained: {what}{steps:,} updates, {as_span(seconds)} in all{kept}.")


def unscored(what: str) -> RenderableType:
    """Said in place of scores."""
    return Text(f"Too few {what} to hold some out: nothing was scored, so there is no report.html.")


def tag_scores(scores: records.TagScores, title: str) -> RenderableType:
    """How well a tagger does, and each word's most frequent tag beside it."""
    worse = scores.accuracy <= scores.accuracy_most_frequent
    right = (
        f"{scores.accuracy:.2%} of {scores.words:,} tags are right; each word's most frequent tag: "
        f"{scores.accuracy_most_frequent:.2%}{' – no better: do not use it' if worse else ''}"
    )
    parts: list[RenderableType] = [right]
    if scores.spans:
        parts += ["", _score_table("Spans", scores.spans)]
    parts += ["", _score_table("Tag", scores.tags), *_unknown("tags", scores.unknown)]
    return titled(title, *parts)


def label_scores(scores: records.ClassifierScores, title: str) -> RenderableType:
    """How well a classifier does, simple classifiers beside it, and what was taken for what."""
    right = (
        f"{scores.accuracy:.2%} of {scores.texts:,} labels are right; probabilities are off by "
        f"{scores.calibration_error:.1%} (expected calibration error)."
    )
    parts: list[RenderableType] = [right]
    for name, accuracy in scores.simple:
        better = accuracy >= scores.accuracy
        verdict = "; at least as good, and simpler: take it" if better else ""
        parts.append(f"{name}: {accuracy:.2%}{verdict}")
    if scores.parts:
        alone = "; ".join(f"{name}: {accuracy:.2%}" for name, accuracy in scores.parts)
        parts.append(f"Blended of: {alone}.")
    if scores.warm_start is not None:
        parts.append(warm_start_sentence(scores.warm_start))
    parts += ["", _score_table("Label", scores.labels)]
    confused = [
        (count, scores.labels[row].name, scores.labels[column].name)
        for row, counts in enumerate(scores.confusion)
        for column, count in enumerate(counts)
        if row != column and count
    ]
    if confused:
        parts += ["", "Most often confused:"]
    for count, truth, given in sorted(confused, reverse=True)[:CONFUSED]:
        parts.append(f"  {truth} taken for {given}: {count:,} times")
    return titled(title, *parts, *_unknown("labels", scores.unknown))


def _score_facts(score: records.TextScore) -> dict[str, str]:
    facts = {
        "surprise": f"{score.nats:.4f} nats a token ({score.bits_per_token:.4f} bits)",
        "by character": f"{score.bits_per_character:.4f} bits",
        "perplexity": f"{score.perplexity:,.2f} a token, {score.perplexity_per_word:,.1f} a word",
        "text": f"{score.tokens:,} tokens, {score.characters:,} characters, {score.words:,} words",
    }
    if score.unknown:
        facts["unknown"] = (
            f"{score.unknown:,} tokens are not in the vocabulary; numbers of models with other "
            "vocabularies cannot be compared with these"
        )
    return facts


def _score_table(name: str, scores: Sequence[records.TagScore]) -> Table:
    rows = []
    for one in sorted(scores, key=lambda one: -one.count)[:ROWS]:
        shares = [f"{share:.3f}" for share in (one.precision, one.recall, one.f1)]
        rows.append([one.name, *shares, f"{one.count:,}"])
    return plain_table(name, numbers=("Precision", "Recall", "F1", "Count"), rows=rows)


def _unknown(what: str, names: Sequence[str]) -> list[RenderableType]:
    listed = ", ".join(names[:CONFUSED])
    unseen = f"Training never saw these {what}, which are always wrong: {listed}."
    return [Text(), Text(unseen)] if names else []
