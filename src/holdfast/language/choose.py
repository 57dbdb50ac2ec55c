"""A design that fits the text and the time."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from holdfast.language.design import LanguageDesign
from holdfast.language.tokens.tokens import Kind
from holdfast.language.wishes import Wishes

WIDTHS: Final = (64, 96, 128, 192, 256, 320, 384, 512, 640, 768, 1024, 1280)
"""Units of a layer, of which one is taken."""

FULL_SOFTMAX: Final = 8_192
"""Of a vocabulary beyond this an update scores a part."""

SAMPLED: Final = 4_096
"""Tokens of that part: as fast as the adaptive softmax, whose weights cannot be the embedding's."""

EMBEDDING_STRAIN: Final = 0.25
"""How much a weight of the embedding counts among those that could learn the text by heart; tried
on WikiText-2 once, without a run beside it that counts them whole."""


def choose_design(
    kind: Kind, vocabulary: int, tokens: int, flops: float, wishes: Wishes | None = None
) -> LanguageDesign:
    """The widest model that reads the text often enough in the time that there is.

    Arguments:
        kind: what a token is.
        vocabulary: V.
        tokens: to learn from.
        flops: multiplications and additions that the time is enough for; infinite for no limit.
        wishes: what the caller asks for; the learning rate and the shares follow it.

    Example:
        >>> quick = choose_design("char", 65, 1_000_000, 2e13)
        >>> patient = choose_design("char", 65, 1_000_000, 2e14)
        >>> quick.hidden < patient.hidden, quick.output_dropout < patient.output_dropout
        (True, True)
        >>> choose_design("char", 65, 1_000_000, 2e13, Wishes(hidden=1024)).learning_rate
        0.0075
    """
    wishes = wishes or Wishes()
    first, *wider = WIDTHS if wishes.hidden is None else (wishes.hidden,)
    best = _design(kind, vocabulary, tokens, first, flops, wishes)
    for width in wider:
        made = _design(kind, vocabulary, tokens, width, flops, wishes)
        if flops / (made.flops_per_token() * tokens) < passes_wanted(tokens):
            break
        if width * width > 2 * tokens:  # more weights than there is to learn
            break
        best = made
    return best


def passes_wanted(tokens: int) -> float:
    """How often a text should be read, at least: a short one more often."""
    return min(max(10.0 * math.sqrt(1e6 / tokens), 1.0), 60.0)


def learning_rate(width: int) -> float:
    """The peak for few kinds of tokens: 0.015 for 256 units, lower for wider layers.

    On Tiny Shakespeare, 256 units, 1,200 updates, one run each: 1.631 nats with 0.003, 1.513 with
    0.006, 1.475 with 0.010, 1.461 with 0.015 and 1.467 with 0.020.

    Example:
        >>> learning_rate(256), learning_rate(1024)
        (0.015, 0.0075)
    """
    return round(0.015 * math.sqrt(256 / max(width, 256)), 4)


def _design(
    kind: Kind, vocabulary: int, tokens: int, width: int, flops: float, wishes: Wishes
) -> LanguageDesign:
    small = vocabulary <= 512
    embedding = min(64, width) if small else min(width, 512)
    # A stream shorter than a few windows carries no state worth the name.
    batch = min(max(tokens // 2_000, 1), 32)
    window = 96 if small else 64
    made = LanguageDesign(
        vocabulary,
        embedding=embedding,
        hidden=width,
        layers=wishes.layers or 1,
        tied=not small,
        sampled=0 if vocabulary <= FULL_SOFTMAX else SAMPLED,
        window=min(window, max(tokens // batch - 2, 1)),
        batch=batch,
        learning_rate=learning_rate(width) if small else 3e-3,
    )
    passes = flops / (made.flops_per_token() * tokens)
    return wishes.shares(_regularised(made, passes, tokens))


def _regularised(design: LanguageDesign, passes: float, tokens: int) -> LanguageDesign:
    """The more often a text is read by the more weights, the more of them are hidden at a time."""
    weights: float = sum(4 * units * (inputs + units) for inputs, units in design.sizes())
    # A token's embedding learns only where the token stands.
    weights += EMBEDDING_STRAIN * design.vocabulary * design.embedding
    strain = min(passes, 100.0) * weights / tokens
    share = min(max(0.1 * math.log2(1.0 + strain / 2.0), 0.0), 0.5)
    # Where the text is read a dozen times, hiding recurrent weights too costs more than it gives.
    return replace(
        design,
        input_dropout=round(0.6 * share, 2) if design.tied else 0.0,
        output_dropout=round(share, 2),
        weight_drop=round(max(share - 0.2, 0.0), 2),
    )
