"""The model folder of a classifier."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast import storage
from holdfast.errors import InputError, ModelError
from holdfast.language.classify.model import ClassifierNetwork
from holdfast.language.word_encoder import EncoderDesign
from holdfast.language.words import WordVocabulary
from holdfast.training.weights import arrays_of, network_from

KIND: Final = "classifier"
"""What a model folder of ours says it holds."""

MOST_NETWORKS: Final = 64

_COLDEST, _HOTTEST = 0.01, 100.0


@dataclass(frozen=True, eq=False)
class StoredClassifier:
    """All that predictions need.

    Arguments:
        vocabulary: of the words.
        labels: K names.
        networks: that are averaged, of one design; at least one.
        temperature: by which scores are divided.
    """

    vocabulary: WordVocabulary
    labels: tuple[str, ...]
    networks: tuple[ClassifierNetwork, ...]
    temperature: float

    def save(self, folder: str | Path) -> None:
        """Write a model folder, whole or not at all.

        Raises:
            InputError: the folder cannot be written, or holds something that is not ours.
        """
        manifest = {
            "design": self.networks[0].encoder.design.to_json(),
            "vocabulary": self.vocabulary.to_json(),
            "labels": list(self.labels),
            "networks": len(self.networks),
            "temperature": self.temperature,
        }
        arrays = {
            f"{number}/{name}": array
            for number, network in enumerate(self.networks)
            for name, array in arrays_of(network).items()
        }
        storage.save(folder, KIND, manifest, arrays)

    @classmethod
    def load(cls, folder: str | Path) -> StoredClassifier:
        """Read a model folder, everything checked.

        Raises:
            ModelError: the folder is missing, corrupt, foreign or from a newer version.
        """
        manifest, arrays = storage.load(folder, KIND)
        try:
            if set(manifest) != {"design", "vocabulary", "labels", "networks", "temperature"}:
                raise ValueError("it has missing or unknown fields")
            design = EncoderDesign.from_json(manifest["design"])
            vocabulary = WordVocabulary.from_json(manifest["vocabulary"])
            vocabulary.check(design.words, design.letters)
            labels, count = manifest["labels"], manifest["networks"]
            if not isinstance(labels, list) or not all(isinstance(one, str) for one in labels):
                raise ValueError("its labels are damaged")
            if len(labels) < 2 or len(set(labels)) < len(labels):
                raise ValueError("its labels are damaged")
            if type(count) is not int or not 1 <= count <= MOST_NETWORKS:
                raise ValueError("its number of networks is damaged")
            temperature = manifest["temperature"]
            if not isinstance(temperature, float) or not _COLDEST <= temperature <= _HOTTEST:
                raise ValueError("its temperature is damaged")
            networks = []
            for number in range(count):
                prefix = f"{number}/"
                own = {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
                networks.append(network_from(lambda: ClassifierNetwork(design, len(labels)), own))
            return cls(vocabulary, tuple(labels), tuple(networks), temperature)
        except (InputError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            reason = str(error).rstrip(".")
            raise ModelError(f"{folder} does not fit together ({reason}); train it again.") from (
                error
            )
