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
from holdfast.language.classify.log_linear import Bag
from holdfast.language.classify.networks import (
    ClassifierNetwork,
    Reader,
    StartedNetwork,
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
"""What a model folder of ours says it holds."""

MOST_NETWORKS: Final = 64

_FIELDS: Final = {"design", "reader", "labels", "networks", "temperature", "share", "bag"}
_COLDEST, _HOTTEST = 0.01, 100.0
_BATCH = 32

Network: TypeAlias = ClassifierNetwork | StartedNetwork


@dataclass(frozen=True, eq=False)
class StoredClassifier:
    """All that predictions need.

    Arguments:
        reader: makes numbers of a text.
        classes: (K,) labels: texts, whole numbers or truth values.
        networks: that are averaged, of one design, and read words.
        started: in place of them those that started from a language model.
        bag: of words and what they are made of, blended in; None for the networks alone.
        share: of the bag in the blend, 0 to 1.
        temperature: by which scores are divided.
    """

    reader: Reader
    classes: NDArray[Any]
    networks: tuple[ClassifierNetwork, ...]
    started: tuple[StartedNetwork, ...] = ()
    bag: Bag | None = None
    share: float = 0.0
    temperature: float = 1.0

    @classmethod
    def of(
        cls,
        reader: Reader,
        classes: NDArray[Any],
        networks: Sequence[Network],
        bag: Bag | None = None,
        share: float = 0.0,
        temperature: float = 1.0,
    ) -> StoredClassifier:
        """The same from networks of either kind, all of one."""
        own = tuple(one for one in networks if isinstance(one, ClassifierNetwork))
        started = tuple(one for one in networks if isinstance(one, StartedNetwork))
        return cls(reader, classes, own, started, bag, share, temperature)

    @property
    def members(self) -> tuple[Network, ...]:
        """The networks of either kind; at least one."""
        return self.networks or self.started

    @property
    def labels(self) -> tuple[str, ...]:
        """The K labels as texts."""
        return tuple(str(one) for one in self.classes.tolist())

    @property
    def vocabulary(self) -> WordVocabulary:
        """Of the words.

        Raises:
            ModelError: the networks started from a language model and read what it reads.
        """
        if isinstance(self.reader, WordReader):
            return self.reader.vocabulary
        raise ModelError(
            "This classifier started from a language model and reads its tokens, not words; give "
            "the language model instead."
        )

    def chances(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(N, K) the probability of each label."""
        scores = network_scores(self.reader, self.members, texts, len(self.classes))
        if self.bag is not None and self.share:
            scores = blended(scores, self.bag.log_probabilities(texts), self.share)
        return probabilities(scores / self.temperature)

    def save(self, folder: str | Path) -> None:
        """Write a model folder, whole or not at all.

        Raises:
            InputError: the folder cannot be written, or holds something that is not ours.
        """
        first = self.members[0]
        design = first.design if isinstance(first, StartedNetwork) else first.encoder.design
        manifest = {
            "design": design.to_json(),
            "reader": self.reader.to_json(),
            "labels": self.classes.tolist(),
            "networks": len(self.members),
            "temperature": self.temperature,
            "share": self.share,
            "bag": None if self.bag is None else list(self.bag.names),
        }
        arrays: dict[str, NDArray[Any]] = {
            f"{number}/{name}": array
            for number, network in enumerate(self.members)
            for name, array in arrays_of(network).items()
        }
        if self.bag is not None:
            arrays |= {"bag/weights": self.bag.weights, "bag/bias": self.bag.bias}
        storage.save(folder, KIND, manifest, arrays)

    @classmethod
    def load(cls, folder: str | Path) -> StoredClassifier:
        """Read a model folder, everything checked.

        Raises:
            ModelError: the folder is missing, corrupt, foreign or from a newer version.
        """
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
                _network(reader, manifest["design"], len(labels), _under(f"{number}/", arrays))
                for number in range(count)
            )
            bag = _bag(manifest["bag"], _under("bag/", arrays), len(labels))
            return cls.of(reader, labels, networks, bag, share, temperature)
        except (InputError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            reason = str(error).rstrip(".")
            raise ModelError(f"{folder} does not fit together ({reason}); train it again.") from (
                error
            )


def network_scores(
    reader: Reader, networks: Sequence[Network], texts: Sequence[str], labels: int
) -> NDArray[np.float64]:
    """(N, K) log-probabilities, averaged over networks."""
    made = np.zeros((len(texts), labels))
    if not len(texts):
        return made
    batches = reader.batches(texts, _BATCH)
    for rows in batches.in_order():
        read = batches.tensors(rows)
        with torch.no_grad():
            logs = [torch.log_softmax(network(read).double(), dim=-1) for network in networks]
        made[rows] = torch.stack(logs).mean(dim=0).numpy()
    return made


def blended(
    networks: NDArray[np.float64], bag: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    """(N, K) log-probabilities of networks and a bag, averaged; not normalised."""
    return (1.0 - share) * networks + share * bag


def _under(prefix: str, arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}


def _labels(described: object) -> NDArray[Any]:
    if not isinstance(described, list) or len({type(one) for one in described}) != 1:
        raise ValueError("its labels are damaged")
    if type(described[0]) not in (str, int, bool) or len(set(described)) < len(described):
        raise ValueError("its labels are damaged")
    if len(described) < 2:
        raise ValueError("its labels are damaged")
    return np.array(described)


def _network(
    reader: Reader, described: object, labels: int, arrays: dict[str, NDArray[Any]]
) -> Network:
    if isinstance(reader, TokenReader):
        language = LanguageDesign.from_json(described)
        if language.vocabulary != reader.tokens.size:
            raise ModelError("its vocabulary is not that of its design")
        return network_from(lambda: StartedNetwork(language, labels), arrays)
    assert isinstance(reader, WordReader)
    design = EncoderDesign.from_json(described)
    reader.vocabulary.check(design.words, design.letters)
    return network_from(lambda: ClassifierNetwork(design, labels), arrays)


def _bag(names: object, arrays: dict[str, NDArray[Any]], labels: int) -> Bag | None:
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("its words are damaged")
    weights, bias = arrays["weights"], arrays["bias"]
    if weights.shape != (len(names), labels) or bias.shape != (labels,):
        raise ValueError("the weights of its words are damaged")
    if not (np.isfinite(weights).all() and np.isfinite(bias).all()):
        raise ValueError("the weights of its words are damaged")
    return Bag(tuple(names), weights.astype(np.float32), bias.astype(np.float32))
