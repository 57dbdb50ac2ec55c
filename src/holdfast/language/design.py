"""Sizes and regularisation of a language model, and how they are chosen from text and time."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from itertools import pairwise
from typing import Final

from holdfast.errors import ArgumentError, ModelError, option
from holdfast.language.tokenizer import Kind

_MOST: Final = {
    "vocabulary": 1_000_000,
    "embedding": 8_192,
    "hidden": 16_384,
    "layers": 16,
    "window": 65_536,
    "batch": 4_096,
}
_SHARES: Final = ("input_dropout", "hidden_dropout", "output_dropout", "weight_drop")

_RETIRED: Final = {
    "cutoffs": [],
    "embedding_dropout": 0.0,
    "activation_penalty": 0.0,
    "temporal_penalty": 0.0,
}
"""Fields in folders of earlier models, which were always switched off."""


@dataclass(frozen=True)
class LanguageDesign:
    """The sizes of a language model and its regularisation.

    Arguments:
        vocabulary: V tokens.
        embedding: E numbers to describe a token.
        hidden: H units of a layer; the last has E where the embedding is tied to the output.
        tied: whether the output's weights are the embedding's (Press and Wolf 2017, arXiv
            1608.05859; Inan, Khosravi and Socher 2017, arXiv 1611.01462).
        sampled: tokens that an update scores beside the right ones, drawn anew each time (Jean et
            al. 2015, arXiv 1412.2007); 0 for all. Text is always scored on all of them.
        window: T tokens through which a gradient flows.
        batch: B streams side by side.
        learning_rate: peak of the schedule.
        input_dropout, hidden_dropout, output_dropout: shares hidden of the embeddings, between
            layers, and before the output; one mask for all steps of a window (Gal and Ghahramani
            2016, arXiv 1512.05287).
        weight_drop: share of the recurrent weights that an update hides (Merity, Keskar and Socher
            2018, arXiv 1708.02182).

    Raises:
        ArgumentError: a number is out of its range; the message names it.
    """

    vocabulary: int
    embedding: int
    hidden: int
    layers: int = 1
    tied: bool = False
    sampled: int = 0
    window: int = 96
    batch: int = 32
    learning_rate: float = 3e-3
    input_dropout: float = 0.0
    hidden_dropout: float = 0.0
    output_dropout: float = 0.0
    weight_drop: float = 0.0

    def __post_init__(self) -> None:
        for name, most in _MOST.items():
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= most:
                raise ArgumentError(f"{name}={reprlib.repr(value)} must be from 1 to {most:,}.")
        for name in _SHARES:
            if not _number(getattr(self, name)) or not 0.0 <= getattr(self, name) < 1.0:
                raise ArgumentError(f"{name} must be a share from 0 to below 1.")
        if not _number(self.learning_rate) or not 0.0 < self.learning_rate <= 10.0:
            raise ArgumentError("learning_rate must be above 0 and at most 10.")
        if type(self.tied) is not bool:
            raise ArgumentError("tied must be True or False.")
        if type(self.sampled) is not int or not 0 <= self.sampled <= self.vocabulary:
            raise ArgumentError("sampled must be from 0 to the vocabulary.")

    def sizes(self) -> list[tuple[int, int]]:
        """The inputs and the units of each layer."""
        outputs = [self.hidden] * self.layers
        if self.tied:
            outputs[-1] = self.embedding
        return list(pairwise([self.embedding, *outputs]))

    @property
    def output(self) -> int:
        """Units of the last layer."""
        return self.sizes()[-1][1]

    def flops_per_token(self) -> float:
        """Multiplications and additions of one token in training, forward and backward."""
        recurrent = sum(8.0 * units * (inputs + units) for inputs, units in self.sizes())
        # A sampled softmax scores the targets beside its draws: about a fifth more.
        scored = min(1.2 * self.sampled or math.inf, float(self.vocabulary))
        return 3.0 * (recurrent + 2.0 * self.output * scored)

    def to_json(self) -> dict[str, object]:
        """The fields, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, described: object) -> LanguageDesign:
        """A design from what `to_json` wrote; untrusted, a ModelError says what is wrong."""
        names = {field.name for field in fields(cls)}
        given = {
            name: value
            for name, value in (described.items() if isinstance(described, Mapping) else ())
            if name not in _RETIRED or value != _RETIRED[name]
        }
        if set(given) != names:
            raise ModelError("its design has missing or unknown fields")
        try:
            return cls(**given)
        except (ArgumentError, TypeError) as error:
            raise ModelError(f"its design is impossible ({error})") from error


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True)
class Overrides:
    """Sizes and shares in place of those that would be chosen; None where they are chosen."""

    hidden: int | None = None
    layers: int | None = None
    dropout: float | None = None
    weight_drop: float | None = None

    def __post_init__(self) -> None:
        for name in ("hidden", "layers"):
            if (size := getattr(self, name)) is not None and size < 1:
                raise ArgumentError(f"{option(name, size)} must be a whole number from 1.")
        for name in ("dropout", "weight_drop"):
            if (share := getattr(self, name)) is not None and not 0.0 <= share < 1.0:
                raise ArgumentError(f"{option(name, share)} must be a share from 0 to below 1.")

    def shares(self, design: LanguageDesign) -> LanguageDesign:
        """A design with these shares; the others as they were chosen."""
        if self.dropout is not None:
            design = replace(design, output_dropout=self.dropout, hidden_dropout=self.dropout)
        if self.weight_drop is not None:
            design = replace(design, weight_drop=self.weight_drop)
        return design

    def to_json(self) -> dict[str, object]:
        """The overrides, ready for JSON."""
        return asdict(self)


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
    kind: Kind, vocabulary: int, tokens: int, flops: float, overrides: Overrides | None = None
) -> LanguageDesign:
    """The widest model that reads the text often enough in the time that there is.

    `tokens` are there to learn from, and the time is enough for `flops` multiplications and
    additions, infinite for no limit. The learning rate and the shares follow the given sizes.
    """
    overrides = overrides or Overrides()
    first, *wider = WIDTHS if overrides.hidden is None else (overrides.hidden,)
    best = _design(kind, vocabulary, tokens, first, flops, overrides)
    for width in wider:
        candidate = _design(kind, vocabulary, tokens, width, flops, overrides)
        if flops / (candidate.flops_per_token() * tokens) < least_passes(tokens):
            break
        if width * width > 2 * tokens:  # more weights than there is to learn
            break
        best = candidate
    return best


def least_passes(tokens: int) -> float:
    """How often a text should be read, at least: a short one more often."""
    return min(max(10.0 * math.sqrt(1e6 / tokens), 1.0), 60.0)


def learning_rate(width: int) -> float:
    """The peak for few kinds of tokens: 0.015 for 256 units, lower for wider layers.

    On Tiny Shakespeare, 256 units, 1,200 updates, one run each: 1.631 nats with 0.003, 1.513 with
    0.006, 1.475 with 0.010, 1.461 with 0.015 and 1.467 with 0.020.
    """
    return round(0.015 * math.sqrt(256 / max(width, 256)), 4)


def _design(
    kind: Kind, vocabulary: int, tokens: int, width: int, flops: float, overrides: Overrides
) -> LanguageDesign:
    small = vocabulary <= 512
    embedding = min(64, width) if small else min(width, 512)
    # A stream shorter than a few windows carries no state worth the name.
    batch = min(max(tokens // 2_000, 1), 32)
    window = 96 if small else 64
    design = LanguageDesign(
        vocabulary,
        embedding=embedding,
        hidden=width,
        layers=overrides.layers or 1,
        tied=not small,
        sampled=0 if vocabulary <= FULL_SOFTMAX else SAMPLED,
        window=min(window, max(tokens // batch - 2, 1)),
        batch=batch,
        learning_rate=learning_rate(width) if small else 3e-3,
    )
    passes = flops / (design.flops_per_token() * tokens)
    return overrides.shares(_regularised(design, passes, tokens))


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


def design_words(design: LanguageDesign) -> dict[str, str]:
    """Sizes and shares as people read them; what is switched off is left out."""
    dropped = {
        "embeddings": design.input_dropout,
        "between layers": design.hidden_dropout,
        "output": design.output_dropout,
        "recurrent weights": design.weight_drop,
    }
    layers = ", ".join(f"{units:,}" for _, units in design.sizes())
    softmax = "tied to the embedding" if design.tied else "full"
    if design.sampled:
        softmax += f", {design.sampled:,} tokens of it drawn for an update"
    return {
        "layers": f"LSTM, {layers} units",
        "embedding": f"{design.embedding:,} numbers a token",
        "softmax": softmax,
        "window": f"{design.window} tokens, {design.batch} streams side by side, state carried",
        "dropout": ", ".join(f"{n} {s:g}" for n, s in dropped.items() if s) or "none",
    }
