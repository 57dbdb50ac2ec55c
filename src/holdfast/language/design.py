"""How large a language model is, and how it is kept from learning by heart."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Final

from holdfast.errors import ArgumentError, ModelError

_MOST: Final = {
    "vocabulary": 1_000_000,
    "embedding": 8_192,
    "hidden": 16_384,
    "layers": 16,
    "window": 65_536,
    "batch": 4_096,
}
_SHARES: Final = (
    "embedding_dropout", "input_dropout", "hidden_dropout", "output_dropout", "weight_drop",
)  # fmt: skip
_PENALTIES: Final = ("activation_penalty", "temporal_penalty")


@dataclass(frozen=True)
class LanguageDesign:
    """The sizes of a language model and its regularisation.

    Arguments:
        vocabulary: V tokens.
        embedding: E numbers to describe a token.
        hidden: H units of a layer.
        layers: how many; the last has E units where the embedding is tied to the output.
        tied: whether the output's weights are the embedding's (Press and Wolf 2017, arXiv
            1608.05859; Inan, Khosravi and Socher 2017, arXiv 1611.01462).
        cutoffs: with them the softmax is adaptive: tokens from each cutoff on form a cluster of
            their own (Grave et al. 2017, arXiv 1609.04309); empty for the full softmax.
        sampled: tokens that an update scores beside the right ones, drawn anew each time (Jean et
            al. 2015, arXiv 1412.2007); 0 for all. Text is always scored on all of them.
        window: T tokens through which a gradient flows.
        batch: B streams side by side.
        learning_rate: peak of the schedule.
        embedding_dropout: share of the tokens of the vocabulary whose embedding an update hides.
        input_dropout, hidden_dropout, output_dropout: shares hidden of the embeddings, between
            layers, and before the output; one mask for all steps of a window (Gal and Ghahramani
            2016, arXiv 1512.05287).
        weight_drop: share of the recurrent weights that an update hides (Merity, Keskar and Socher
            2018, arXiv 1708.02182).
        activation_penalty, temporal_penalty: factors of the mean squared output and of its mean
            squared change (Merity, McCann and Socher 2017, arXiv 1708.01009).

    Raises:
        ArgumentError: a number is out of its range; the message names it.
    """

    vocabulary: int
    embedding: int
    hidden: int
    layers: int = 1
    tied: bool = False
    cutoffs: tuple[int, ...] = ()
    sampled: int = 0
    window: int = 96
    batch: int = 32
    learning_rate: float = 3e-3
    embedding_dropout: float = 0.0
    input_dropout: float = 0.0
    hidden_dropout: float = 0.0
    output_dropout: float = 0.0
    weight_drop: float = 0.0
    activation_penalty: float = 0.0
    temporal_penalty: float = 0.0

    def __post_init__(self) -> None:
        for name, most in _MOST.items():
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= most:
                raise ArgumentError(f"{name}={reprlib.repr(value)} must be from 1 to {most:,}.")
        for name in _SHARES:
            if not _number(getattr(self, name)) or not 0.0 <= getattr(self, name) < 1.0:
                raise ArgumentError(f"{name} must be a share from 0 to below 1.")
        for name in _PENALTIES:
            if not _number(getattr(self, name)) or getattr(self, name) < 0.0:
                raise ArgumentError(f"{name} must be a number from 0.")
        if not _number(self.learning_rate) or not 0.0 < self.learning_rate <= 10.0:
            raise ArgumentError("learning_rate must be above 0 and at most 10.")
        if type(self.tied) is not bool:
            raise ArgumentError("tied must be True or False.")
        ascending = (0, *self.cutoffs, self.vocabulary)
        whole = all(type(cut) is int for cut in self.cutoffs) and len(self.cutoffs) <= 16
        if not whole or any(low >= high for low, high in pairwise(ascending)):
            raise ArgumentError("cutoffs must ascend between 0 and the vocabulary.")
        if type(self.sampled) is not int or not 0 <= self.sampled <= self.vocabulary:
            raise ArgumentError("sampled must be from 0 to the vocabulary.")
        if self.sampled and self.cutoffs:
            raise ArgumentError("sampled and cutoffs are two ways to one end; give one of them.")
        if self.output < 4 ** len(self.cutoffs):
            raise ArgumentError(
                f"{len(self.cutoffs)} cutoffs need at least {4 ** len(self.cutoffs)} units in the "
                "last layer, since each cluster has a quarter of those before it."
            )

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
        return 3.0 * (recurrent + 2.0 * self.output * self._scored())

    def _scored(self) -> float:
        """Tokens that are scored beside each other for one, on average."""
        if not self.cutoffs:
            return min(1.2 * self.sampled or math.inf, float(self.vocabulary))
        return self.cutoffs[0] + len(self.cutoffs) + 0.1 * math.sqrt(self.vocabulary)

    def to_json(self) -> dict[str, object]:
        """The fields, ready for JSON."""
        return asdict(self) | {"cutoffs": list(self.cutoffs)}

    @classmethod
    def from_json(cls, described: object) -> LanguageDesign:
        """A design from what `to_json` wrote; untrusted.

        Raises:
            ModelError: a field is missing, unknown or out of range.
        """
        names = {field.name for field in fields(cls)}
        if not isinstance(described, Mapping) or set(described) != names:
            raise ModelError("its design has missing or unknown fields")
        given = dict(described)
        if not isinstance(given["cutoffs"], list):
            raise ModelError("its design has impossible cutoffs")
        try:
            return cls(**{**given, "cutoffs": tuple(given["cutoffs"])})
        except (ArgumentError, TypeError) as error:
            raise ModelError(f"its design is impossible ({error})") from error


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
