"""The pages of language models: a training, and a text with its surprises."""

from __future__ import annotations

import math

import numpy as np

from holdfast.records import SurpriseRecord, TextTrainingRecord
from holdfast.reports.curves import significant
from holdfast.reports.page import Frame
from holdfast.reports.selection import shorten

TRAINING_SCRIPTS = ("format.js", "elements.js", "legend.js", "charts.js", "text.js")
SURPRISE_SCRIPTS = ("format.js", "elements.js", "surprise.js")
"""Scripts of the pages, in the order in which they build on each other."""

NAMES = {
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
TITLE_LENGTH = 200
COMMAND_LENGTH = 4_000
SAMPLE_LENGTH = 8_000
TOKENS = 50_000
TOKEN_LENGTH = 400


def training_html(record: TextTrainingRecord) -> bytes:
    """The page of a training, complete in itself."""
    frame = Frame("text.html", "Holdfast language model", "page.css", TRAINING_SCRIPTS)
    score, unit = record.score, NAMES[record.kind]
    data = {
        "command": shorten(record.command, COMMAND_LENGTH),
        "created": record.created,
        "version": record.version,
        "unit": unit,
        "seconds": significant(record.seconds),
        "facts": [
            ["Text", f"{record.learnt:,} {unit} learnt from, {record.held_out:,} held out"],
            ["Vocabulary", f"{record.vocabulary:,}"],
            ["Weights", f"{record.parameters:,}"],
            *[[name.capitalize(), words] for name, words in record.design],
            ["Updates", f"{record.steps:,}, the text read {record.passes:.1f} times"],
            ["Speed", f"{record.tokens_per_second:,.0f} tokens a second"],
            ["Ended", ENDINGS[record.stopped]],
            ["Seed", str(record.seed)],
        ],
        "score": {
            "nats": significant(score.nats),
            "bits_per_character": significant(score.bits_per_character),
            "perplexity": significant(score.perplexity),
            "perplexity_per_word": significant(score.perplexity_per_word),
            "tokens": score.tokens,
            "unknown": score.unknown,
        },
        "curves": [
            _curve("learnt", record.curve_steps, record.curve_loss),
            _curve("held out", record.validation_steps, record.validation_loss),
        ],
        "sample": shorten(record.sample, SAMPLE_LENGTH),
    }
    return frame.render(
        shorten(record.title, TITLE_LENGTH) or "Language model", _lead(record), data
    )


def surprise_html(record: SurpriseRecord) -> bytes:
    """The page of a text whose surprising tokens are marked, complete in itself."""
    frame = Frame("surprise.html", "Holdfast surprise", "page.css", SURPRISE_SCRIPTS, charts=False)
    texts, nats = record.texts[:TOKENS], record.nats[:TOKENS]
    data = {
        "version": record.version,
        "texts": [shorten(text, TOKEN_LENGTH) for text in texts],
        "nats": [significant(value) for value in nats],
    }
    mean = sum(nats) / max(len(nats), 1)
    lead = (
        f"{len(texts):,} tokens, {mean:.2f} nats each on average: about "
        f"{math.exp(min(mean, 700.0)):,.1f} tokens seemed as likely at each place."
    )
    return frame.render(shorten(record.title, TITLE_LENGTH) or "Surprise", lead, data)


def _curve(name: str, steps: tuple[int, ...], losses: tuple[float, ...]) -> dict[str, object]:
    kept = np.unique(np.linspace(0, max(len(steps) - 1, 0), min(len(steps), POINTS)).round())
    places = [int(place) for place in kept]
    return {
        "name": name,
        "steps": [int(steps[place]) for place in places],
        "loss": [significant(losses[place]) for place in places],
    }


def _lead(record: TextTrainingRecord) -> str:
    """What the model is worth, in a sentence."""
    score = record.score
    return (
        f"On {score.tokens:,} {NAMES[record.kind]} that it never learnt from, the model is "
        f"surprised by {score.nats:.3f} nats each, {score.bits_per_character:.3f} bits a character."
    )
