"""A vocabulary, and how text is cut into its tokens and put together again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ModelError, TextError
from holdfast.language.tokens.library import Tokenizer, from_json

Kind: TypeAlias = Literal["char", "byte", "word", "bpe"]
"""What a token is."""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

UNKNOWN: Final = "<unk>"
"""What stands for characters and words that the vocabulary has not."""

Ids: TypeAlias = NDArray[np.int64]

_LAST_CODE_POINT: Final = 0x10FFFF


@dataclass(frozen=True, eq=False)
class Tokens:
    """Cuts text into tokens by a vocabulary, as Hugging Face's `tokenizers` do it.

    Characters and bytes are looked up in a table, which gives the same numbers sooner.

    Arguments:
        kind: what a token is.
        tokenizer: of Hugging Face.

    Example:
        >>> from holdfast.language.tokens.vocabulary import count_tokens
        >>> tokens = count_tokens("char", ["to be"]).tokens()
        >>> ids = tokens.encode("be to")
        >>> tokens.size, tokens.decode(ids)
        (6, 'be to')
    """

    kind: Kind
    tokenizer: Tokenizer

    @cached_property
    def size(self) -> int:
        """Tokens in the vocabulary."""
        return int(self.tokenizer.get_vocab_size())

    @cached_property
    def unknown(self) -> int | None:
        """The token of what the vocabulary has not; None where there is no such thing."""
        found = self.tokenizer.token_to_id(UNKNOWN)
        return None if found is None else int(found)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """How each token is written: its text in the vocabulary, in the order of the numbers."""
        by_number = {number: text for text, number in self.tokenizer.get_vocab().items()}
        return tuple(by_number[number] for number in range(self.size))

    def encode(self, text: str) -> Ids:
        """The tokens of a text as numbers, each below `size`.

        Raises:
            TextError: the text holds half a character, as bytes that are not UTF-8 become in a
                command's arguments; where a token is a character it is an unknown one.
        """
        if self.kind == "char":
            points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
            return self._by_code_point[points]
        check_whole(text)
        if self.kind == "byte":
            return self._by_byte[np.frombuffer(text.encode("utf-8"), dtype=np.uint8)]
        encoded = self.tokenizer.encode_batch_fast(_lines(text), add_special_tokens=False)
        return np.fromiter((one for line in encoded for one in line.ids), dtype=np.int64)

    def decode(self, ids: Sequence[int] | Ids) -> str:
        """The text of some tokens; bytes that are no character become �."""
        numbers = np.asarray(ids, dtype=np.int64)
        if self.kind in ("char", "word"):
            parts = [self.texts[number] for number in numbers.tolist()]
            return "".join(parts) if self.kind == "char" else joined(parts)
        text: str = self.tokenizer.decode(numbers.tolist(), skip_special_tokens=False)
        return text

    def to_json(self) -> str:
        """The tokenizer in the form of Hugging Face's ``tokenizer.json``."""
        text: str = self.tokenizer.to_str()
        return text

    @classmethod
    def from_json(cls, kind: object, text: object) -> Tokens:
        """Tokens from what `to_json` wrote; untrusted.

        Raises:
            ModelError: it is damaged, or the kind is unknown.
        """
        if kind not in KINDS or not isinstance(text, str):
            raise ModelError(f"its tokens are of an unknown kind, {kind!r}")
        try:
            json.loads(text)
            made = cls(kind, from_json(text))
            if made.size < 1 or len(made.texts) != made.size:
                raise ValueError("its numbers have gaps")
        except (ValueError, KeyError, RecursionError) as error:
            raise ModelError(f"its tokenizer is damaged ({error})") from error
        return made

    @cached_property
    def _by_code_point(self) -> Ids:
        table = np.full(_LAST_CODE_POINT + 1, self.unknown, dtype=np.int64)
        for text, number in self.tokenizer.get_vocab().items():
            if len(text) == 1:
                table[ord(text)] = number
        return table

    @cached_property
    def _by_byte(self) -> Ids:
        vocabulary = self.tokenizer.get_vocab()
        return np.array([vocabulary[letter] for letter in byte_letters()], dtype=np.int64)


def check_whole(text: str, what: str = "The text") -> None:
    """Refuse half a character: a surrogate without the other.

    Arguments:
        text: to look at.
        what: it is called in the message.

    Raises:
        TextError: says where it stands.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise TextError(
            f"{what} holds U+{ord(text[error.start]):04X} at character {error.start + 1:,}, which "
            "is no character: bytes that are not UTF-8 look like this; take it out."
        ) from error


def joined(words: Sequence[str]) -> str:
    """Words as a text: a blank between two, none at a line break."""
    return " ".join(words).replace(" \n ", "\n").replace(" \n", "\n").replace("\n ", "\n")


def byte_letters() -> tuple[str, ...]:
    """The letter by which `tokenizers` writes each of the 256 bytes (that of GPT-2).

    Printable bytes are their own letter, the others take those from U+0100 on.
    """
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return tuple(chr(byte if byte in printable else next(others)) for byte in range(256))


def _lines(text: str) -> list[str]:
    """A piece of text in parts that can be cut into tokens side by side.

    Only before a line that begins with neither a blank nor a break, for the reason that pieces of
    files end there.
    """
    parts: list[str] = []
    begin = 0
    while begin < len(text):
        end = begin + 10_000
        while (end := text.find("\n", end) + 1) and end < len(text) and text[end].isspace():
            pass
        if not end:
            end = len(text)
        parts.append(text[begin:end])
        begin = end
    return parts
