"""A trained classifier: probabilities of texts, and its model folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from holdfast import storage
from holdfast.errors import InputError, ModelError
from holdfast.language.classify.log_linear import LogLinear
from holdfast.language.classify.networks import (
    ClassifierNetwork,
    FineTunedNetwork,
    Reader,
    TokenReader,
    WordReader,
    reader_from_json,
)
from holdfast.language.classify.scores import probabilities
from holdfast.language.design import LanguageDesign
from holdfast.language.word_encoder import EncoderDesign
from holdfast.language.words import WordVocabulary
from holdfast.training.weights import arrays_of, network_from

KIND: Final = "classifier"
"""What a model folder of a classifier says it holds."""

MOST_NETWORKS: Final = 64

_FIELDS: Final = {"design", "reader", "labels", "networks", "temperature", "share", "bag"}
_COLDEST, _HOTTEST = 0.01, 100.0
_BATCH = 32

Network: TypeAlias = ClassifierNetwork | FineTunedNetwork


@dataclass(frozen=True, eq=False)
class FittedClassifier:
    """All that predictions need.

    Arguments:
        reader: makes numbers of a text.
        classes: (K,) labels: texts, whole numbers or truth values.
        networks: that are averaged, at least one, all of one kind and design.
        log_linear: blended in, with this share from 0 to 1; None for the networks alone.
        temperature: by which scores are divided.
    """

    reader: Reader
    classes: NDArray[Any]
    networks: tuple[Network, ...]
    log_linear: LogLinear | None = None
    share: float = 0.0
    temperature: float = 1.0

    @property
    def design(self) -> EncoderDesign | LanguageDesign:
        """Sizes of the networks."""
        first = self.networks[0]
        return first.design if isinstance(first, FineTunedNetwork) else first.encoder.design

    @property
    def labels(self) -> tuple[str, ...]:
        """The K labels as texts."""
        return tuple(str(one) for one in self.classes.tolist())

    def word_network(self) -> tuple[WordVocabulary, ClassifierNetwork]:
        """The vocabulary of words, and the first network; refused where it reads tokens."""
        network = self.networks[0]
        if isinstance(self.reader, WordReader) and isinstance(network, ClassifierNetwork):
            return self.reader.vocabulary, network
        raise ModelError(
            "This classifier started from a language model and reads its tokens, not words; give "
            "the language model instead."
        )

    def chances(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(N, K) the probability of each label."""
        scores = network_scores(self.reader, self.networks, texts, len(self.classes))
        if self.log_linear is not None and self.share:
            scores = blended(scores, self.log_linear.log_probabilities(texts), self.share)
        return probabilities(scores / self.temperature)

    def save(self, folder: str | Path) -> None:
        """Write a model folder, whole or not at all."""
        manifest = {
            "design": self.design.to_json(),
            "reader": self.reader.to_json(),
            "labels": self.classes.tolist(),
            "networks": len(self.networks),
            "temperature": self.temperature,
            "share": self.share,
            "bag": None if self.log_linear is None else list(self.log_linear.names),
        }
        arrays: dict[str, NDArray[Any]] = {
            f"{number}/{name}": array
            for number, network in enumerate(self.networks)
            for name, array in arrays_of(network).items()
        }
        if self.log_linear is not None:
            arrays |= {"bag/weights": self.log_linear.weights, "bag/bias": self.log_linear.bias}
        storage.save(folder, KIND, manifest, arrays)

    @classmethod
    def load(cls, folder: str | Path) -> FittedClassifier:
        """Read a model folder, everything checked; a ModelError says what is wrong."""
        manifest, arrays = storage.load(folder, KIND)
        try:
            if set(manifest) != _FIELDS:
                raise ValueError("it has missing or unknown fields")
            labels = _labels(manifest["labels"])
            reader = reader_from_json(manifest["reader"])
            count, share = manifest["networks"], manifest["share"]
            if type(count) is not int or not 1 <= count <= MOST_NETWORKS:
                raise ValueError("its number of networks is damaged")
            temperature = manifest["temperature"]
            if not isinstance(temperature, float) or not _COLDEST <= temperature <= _HOTTEST:
                raise ValueError("its temperature is damaged")
            if not isinstance(share, float) or not 0.0 <= share <= 1.0:
                raise ValueError("its share is damaged")
            networks = tuple(
                _network(
                    reader, manifest["design"], len(labels), storage.under(f"{number}/", arrays)
                )
                for number in range(count)
            )
            log_linear = _log_linear(manifest["bag"], storage.under("bag/", arrays), len(labels))
            return cls(reader, labels, networks, log_linear, share, temperature)
        except (InputError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            message = f"{folder} does not fit together ({str(error).rstrip('.')}); train it again."
            raise ModelError(message) from error


def network_scores(
    reader: Reader, networks: Sequence[Network], texts: Sequence[str], labels: int
) -> NDArray[np.float64]:
    """(N, K) log-probabilities, averaged over networks."""
    scores = np.zeros((len(texts), labels))
    if not len(texts):
        return scores
    batches = reader.batches(texts, _BATCH)
    for rows in batches.in_order():
        read = batches.tensors(rows)
        with torch.no_grad():
            logs = [torch.log_softmax(network(read).double(), dim=-1) for network in networks]
        scores[rows] = torch.stack(logs).mean(dim=0).numpy()
    return scores


def blended(
    networks: NDArray[np.float64], log_linear: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    """(N, K) log-probabilities of networks and a log-linear model, averaged; not normalised."""
    return (1.0 - share) * networks + share * log_linear


def _labels(described: object) -> NDArray[Any]:
    if (
        not isinstance(described, list)
        or {type(one) for one in described} not in ({str}, {int}, {bool})
        or len(described) < 2
        or len(set(described)) < len(described)
    ):
        raise ValueError("its labels are damaged")
    return np.array(described)


def _network(
    reader: Reader, described: object, labels: int, arrays: dict[str, NDArray[Any]]
) -> Network:
    if isinstance(reader, TokenReader):
        language = LanguageDesign.from_json(described)
        if language.vocabulary != reader.tokenizer.size:
            raise ModelError("its vocabulary is not that of its design")
        return network_from(lambda: FineTunedNetwork(language, labels), arrays)
    assert isinstance(reader, WordReader)
    design = EncoderDesign.from_json(described)
    reader.vocabulary.check(design.words, design.letters)
    return network_from(lambda: ClassifierNetwork(design, labels), arrays)


def _log_linear(names: object, arrays: dict[str, NDArray[Any]], labels: int) -> LogLinear | None:
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("its words are damaged")
    weights, bias = arrays["weights"], arrays["bias"]
    fitting = weights.shape == (len(names), labels) and bias.shape == (labels,)
    if not (fitting and np.isfinite(weights).all() and np.isfinite(bias).all()):
        raise ValueError("the weights of its words are damaged")
    return LogLinear(tuple(names), weights.astype(np.float32), bias.astype(np.float32))
