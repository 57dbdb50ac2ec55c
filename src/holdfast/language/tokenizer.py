"""Tokenizers: vocabularies counted in a text; text to token ids and back."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError, ModelError, TextError, option

Kind: TypeAlias = Literal["char", "byte", "word", "bpe"]
"""What a token is."""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

UNKNOWN: Final = "<unk>"
"""What stands for characters and words that the vocabulary has not."""

Ids: TypeAlias = NDArray[np.int64]

BPE_SIZE: Final = 4096
"""Tokens of a vocabulary of pieces of words, by default."""

MOST_WORDS: Final = 50_000
"""Words that a vocabulary has at most, by default."""

MOST_CHARACTERS: Final = 50_000
LARGEST: Final = 1_000_000

_APART: Final = r"<\w+>|@.@|\w+(?:['’]\w+)*|[^\w\s]"
"""Words, and each mark beside them alone."""

_SAMPLE: Final = 4 << 20
"""Characters by which one sees whether marks already stand apart from words."""

_LAST_CODE_POINT: Final = 0x10FFFF


@dataclass(frozen=True, eq=False)
class Tokenizer:
    """Cuts text into tokens by a vocabulary, as Hugging Face's `tokenizers` do it.

    Characters and bytes are looked up in a table, which gives the same numbers sooner. `backend` is
    a `tokenizers.Tokenizer`, which has no types.
    """

    kind: Kind
    backend: Any

    @cached_property
    def size(self) -> int:
        """Tokens in the vocabulary."""
        return int(self.backend.get_vocab_size())

    @cached_property
    def unknown(self) -> int | None:
        """The token of what the vocabulary has not; None where there is no such thing."""
        found = self.backend.token_to_id(UNKNOWN)
        return None if found is None else int(found)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """How each token is written: its text in the vocabulary, in the order of the numbers."""
        by_number = {number: text for text, number in self.backend.get_vocab().items()}
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
        encoded = self.backend.encode_batch_fast(_lines(text), add_special_tokens=False)
        return np.fromiter((one for line in encoded for one in line.ids), dtype=np.int64)

    def decode(self, ids: Sequence[int] | Ids) -> str:
        """The text of some tokens; bytes that are no character become �."""
        numbers = np.asarray(ids, dtype=np.int64)
        if self.kind in ("char", "word"):
            parts = [self.texts[number] for number in numbers.tolist()]
            return "".join(parts) if self.kind == "char" else joined(parts)
        text: str = self.backend.decode(numbers.tolist(), skip_special_tokens=False)
        return text

    def to_json(self) -> str:
        """The tokenizer in the form of Hugging Face's ``tokenizer.json``."""
        text: str = self.backend.to_str()
        return text

    @classmethod
    def from_json(cls, kind: object, text: object) -> Tokenizer:
        """A tokenizer from what `to_json` wrote; untrusted, a ModelError says what is wrong."""
        if kind not in KINDS or not isinstance(text, str):
            raise ModelError(f"its tokens are of an unknown kind, {kind!r}")
        try:
            json.loads(text)
            tokenizer = cls(kind, tokenizers_package().Tokenizer.from_str(text))
            if tokenizer.size < 1 or len(tokenizer.texts) != tokenizer.size:
                raise ValueError("its numbers have gaps")
        except ArgumentError:
            raise
        except Exception as error:  # the package raises the bare class
            raise ModelError(f"its tokenizer is damaged ({error})") from error
        return tokenizer

    @cached_property
    def _by_code_point(self) -> Ids:
        table = np.full(_LAST_CODE_POINT + 1, self.unknown, dtype=np.int64)
        for text, number in self.backend.get_vocab().items():
            if len(text) == 1:
                table[ord(text)] = number
        return table

    @cached_property
    def _by_byte(self) -> Ids:
        vocabulary = self.backend.get_vocab()
        return np.array([vocabulary[letter] for letter in byte_letters()], dtype=np.int64)


def tokenizers_package() -> Any:
    """Hugging Face's `tokenizers`, imported when it is first needed."""
    try:
        import tokenizers
    except ImportError as error:
        raise ArgumentError(
            "Text needs the package tokenizers: pip install 'holdfast[text]'."
        ) from error
    return tokenizers


def check_whole(text: str, what: str = "The text") -> None:
    """Refuse half a character: a surrogate without the other."""
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
    """A text in parts to be cut side by side; they begin where pieces of files do."""
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


def train_tokenizer(kind: Kind, pieces: Iterable[str], *, size: int | None = None) -> Tokenizer:
    """The tokenizer of a text, counted in one pass: its most frequent characters, words or pieces.

    Words that occur once become "<unk>" with those beyond `size`, so that the model learns how to
    treat words that it has never seen; a text that has "<unk>" keeps them. A `size`, "<unk>"
    included, of None is a number that fits.

    Raises:
        TextError: there is no text.
        ArgumentError: `size` is out of range, or more than the text can fill.
    """
    if size is not None and not 2 <= size <= LARGEST:
        raise ArgumentError(f"{option('vocab', size)} must be a number from 2 to {LARGEST:,}.")
    if kind == "byte":
        if size not in (None, 256):
            raise ArgumentError(f"Bytes have a vocabulary of 256; leave out {option('vocab')}.")
        return Tokenizer(kind, _byte_tokenizer())
    if kind == "bpe":
        return Tokenizer(kind, _learnt_pieces(pieces, size or BPE_SIZE, given=size))
    counts: Counter[str] = Counter()
    apart, first = False, True
    for piece in pieces:
        if kind == "char":
            counts.update(piece)
            continue
        if first:
            apart, first = _marks_touch(piece[:_SAMPLE]), False
        counts.update(_words(piece, apart=apart))
    if not counts:
        raise TextError("There is no text to count: every file is empty.")
    ranked = [text for text, _ in counts.most_common() if text != UNKNOWN]
    if size is not None and size > len(ranked) + 1:
        thing = "characters" if kind == "char" else "words"
        raise ArgumentError(
            f"{option('vocab', size)} is more than the text has: {len(ranked):,} different "
            f"{thing}; give fewer, or leave it out."
        )
    if size is not None:
        kept = ranked[: size - 1]
    elif kind == "char":
        kept = ranked[:MOST_CHARACTERS]
    else:
        closed = UNKNOWN in counts
        kept = [text for text in ranked if closed or counts[text] > 1][:MOST_WORDS]
    return Tokenizer(kind, _level_tokenizer(kind, [UNKNOWN, *kept], apart=apart))


def _words(piece: str, *, apart: bool) -> Iterator[str]:
    pattern = _APART + r"|\n" if apart else r"\n|\S+"
    return (found.group() for found in re.finditer(pattern, piece))


def _marks_touch(text: str) -> bool:
    """Whether full stops and commas touch the words before them, as people write."""
    marks = re.findall(r"(\S?)[.,](?=\s)", text)
    return sum(map(bool, marks)) > 0.1 * len(marks)


def _level_tokenizer(kind: Kind, texts: list[str], *, apart: bool) -> Any:
    """One token a character or a word."""
    package = tokenizers_package()
    backend = package.Tokenizer(
        package.models.WordLevel(
            {text: number for number, text in enumerate(texts)}, unk_token=UNKNOWN
        )
    )
    split, regex = package.pre_tokenizers.Split, package.Regex
    if kind == "char":
        backend.pre_tokenizer = split(regex(r"[\s\S]"), "isolated")
        backend.decoder = package.decoders.Fuse()
    else:
        pattern = _APART + r"|\n" if apart else r"\n|[^\s]+"
        # What matches is kept; what lies between the matches, blanks, is left out.
        backend.pre_tokenizer = split(regex(pattern), "removed", invert=True)
    return backend


def _byte_tokenizer() -> Any:
    package = tokenizers_package()
    letters = {letter: byte for byte, letter in enumerate(byte_letters())}
    backend = package.Tokenizer(package.models.BPE(letters, []))
    backend.pre_tokenizer = package.pre_tokenizers.ByteLevel(
        add_prefix_space=False, use_regex=False
    )
    backend.decoder = package.decoders.ByteLevel()
    return backend


def _learnt_pieces(pieces: Iterable[str], size: int, *, given: int | None) -> Any:
    """Byte-pair encoding on bytes, so that nothing is unknown."""
    package = tokenizers_package()
    if size < 257:
        raise ArgumentError(
            f"{option('vocab', size)} is too few for pieces of words; give at least 257."
        )
    backend = package.Tokenizer(package.models.BPE())
    backend.pre_tokenizer = package.pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = package.decoders.ByteLevel()
    trainer = package.trainers.BpeTrainer(
        vocab_size=size, show_progress=False, initial_alphabet=list(byte_letters())
    )
    backend.train_from_iterator(pieces, trainer)
    found = backend.get_vocab_size()
    if given is not None and found < given:
        raise ArgumentError(
            f"{option('vocab', given)} is more than the text has pieces for: {found:,}; give at "
            "most that."
        )
    return backend
