"""What language models print, as rich renderables; see `terminal`."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from holdfast.records import PlannedText, SurpriseRecord, TextScore, TextTrainingRecord
from holdfast.reports.study_terminal import span
from holdfast.reports.text_page import ENDINGS, NAMES

SHADES = ((6.0, "black on bright_red"), (4.0, "red"), (2.0, "yellow"))
"""Nats from which a token is marked, and how; e^2 = 7 tokens were as likely."""


def plan(planned: PlannedText) -> RenderableType:
    """What a training is going to do."""
    facts = {
        "text": f"{planned.learnt:,} {NAMES[planned.kind]} to learn from, "
        f"{planned.held_out:,} held out, {planned.vocabulary:,} different ones",
        "weights": f"{planned.parameters:,}",
        **dict(planned.design),
        "training": f"{planned.steps:,} updates on {_threads(planned.threads)}: the text is read "
        f"{planned.passes:.1f} times",
    }
    return _facts("Language model", facts)


def trained(record: TextTrainingRecord) -> RenderableType:
    """What a training came to."""
    facts = {
        "training": f"{record.steps:,} updates, {record.tokens_per_second:,.0f} tokens a second, "
        f"{span(record.seconds)} in all ({ENDINGS[record.stopped]})",
        **_score_facts(record.score),
    }
    return Group(
        _facts("On the held-out text", facts),
        Text(),
        Text("It writes:", style="bold"),
        Text(record.sample.strip()),
    )


def score(measured: TextScore) -> RenderableType:
    """How well a model predicts a text."""
    title = "Dynamic evaluation" if measured.dynamic else "Weights fixed"
    return _facts(title, _score_facts(measured))


def surprise(record: SurpriseRecord) -> RenderableType:
    """A text whose surprising tokens are coloured."""
    text = Text()
    for token, nats in zip(record.texts, record.nats, strict=True):
        style = next((name for least, name in SHADES if nats >= least), "")
        text.append(token, style=style)
    mean = sum(record.nats) / len(record.nats)
    legend = Text.assemble(
        ("Surprise: ", "dim"),
        ("2 nats", "yellow"),
        " ",
        ("4 nats", "red"),
        " ",
        ("6 nats", "black on bright_red"),
        (f"; {mean:.2f} on average", "dim"),
    )
    return Group(legend, Text(), text)


def _score_facts(measured: TextScore) -> dict[str, str]:
    facts = {
        "surprise": f"{measured.nats:.4f} nats a token ({measured.bits_per_token:.4f} bits)",
        "by character": f"{measured.bits_per_character:.4f} bits",
        "perplexity": f"{measured.perplexity:,.2f} a token, {measured.perplexity_per_word:,.1f} a "
        "word",
        "text": f"{measured.tokens:,} tokens, {measured.characters:,} characters, "
        f"{measured.words:,} words",
    }
    if measured.unknown:
        facts["unknown"] = (
            f"{measured.unknown:,} tokens are not in the vocabulary; numbers of models with other "
            "vocabularies cannot be compared with these"
        )
    return facts


def _facts(title: str, facts: dict[str, str]) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    for name, fact in facts.items():
        grid.add_row(name, Text(fact))
    return Group(Text(title, style="bold"), grid)


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"
