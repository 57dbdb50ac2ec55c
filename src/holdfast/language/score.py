"""Scores of a text under a model, in the units that people compare."""

from __future__ import annotations

import math

from holdfast.language.corpus import Amount
from holdfast.records import TextScore


def text_score(nats: float, amount: Amount, unknown: int, *, dynamic: bool) -> TextScore:
    """The score of a text from the sum of its surprises.

    Arguments:
        nats: the sum over all tokens.
        amount: of the text.
        unknown: tokens that stand for something the vocabulary has not.
        dynamic: whether the model went on learning while it read.
    """
    return TextScore(
        tokens=amount.tokens,
        characters=amount.characters,
        words=amount.words,
        unknown=unknown,
        nats=nats / max(amount.tokens, 1),
        bits_per_token=nats / max(amount.tokens, 1) / math.log(2.0),
        bits_per_character=nats / max(amount.characters, 1) / math.log(2.0),
        perplexity=_exponential(nats / max(amount.tokens, 1)),
        perplexity_per_word=_exponential(nats / max(amount.words, 1)),
        dynamic=dynamic,
    )


def _exponential(nats: float) -> float:
    """A perplexity; beyond what a float holds, the largest one."""
    return math.exp(min(nats, 700.0))
