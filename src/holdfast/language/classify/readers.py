"""How texts are read: by words of the classifier's own, or by the tokens of a language model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ModelError
from holdfast.language.sentence_task import SentenceBatches
from holdfast.language.tokens.tokens import Tokens
from holdfast.language.words import LONGEST, WordVocabulary, cut_words, shortened


@dataclass(frozen=True, eq=False)
class WordReader:
    """Reads words and their letters.

    Arguments:
        vocabulary: numbers them.
    """

    vocabulary: WordVocabulary

    def batches(self, texts: Sequence[str], size: int) -> SentenceBatches:
        """Batches of texts, each of at most `LONGEST` words."""
        cut = [shortened(cut_words(text)) for text in texts]
        return SentenceBatches.of_words(self.vocabulary, cut, size)

    def to_json(self) -> dict[str, object]:
        """The fields, ready for JSON."""
        return {"words": self.vocabulary.to_json()}


@dataclass(frozen=True, eq=False)
class TokenReader:
    """Reads what a language model reads.

    Arguments:
        tokens: of the language model.
    """

    tokens: Tokens

    def batches(self, texts: Sequence[str], size: int) -> SentenceBatches:
        """Batches of texts, each of at most `LONGEST` tokens."""
        return SentenceBatches.of_numbers([self.numbers(text) for text in texts], size)

    def numbers(self, text: str) -> NDArray[np.int64]:
        """(T,) at least one, at most `LONGEST`."""
        found = self.tokens.encode(text).astype(np.int64)
        if not len(found):
            found = self.tokens.encode("\n").astype(np.int64)
        if len(found) > LONGEST:
            found = np.concatenate([found[: LONGEST // 2], found[-(LONGEST // 2) :]])
        return found if len(found) else np.zeros(1, dtype=np.int64)

    def to_json(self) -> dict[str, object]:
        """The fields, ready for JSON."""
        return {"kind": self.tokens.kind, "tokens": self.tokens.to_json()}


Reader: TypeAlias = WordReader | TokenReader


def reader_from_json(described: object) -> Reader:
    """A reader from what `to_json` wrote; untrusted.

    Raises:
        ModelError: it is damaged.
    """
    if isinstance(described, dict) and set(described) == {"words"}:
        return WordReader(WordVocabulary.from_json(described["words"]))
    if isinstance(described, dict) and set(described) == {"kind", "tokens"}:
        return TokenReader(Tokens.from_json(described["kind"], described["tokens"]))
    raise ModelError("its way of reading is damaged")
