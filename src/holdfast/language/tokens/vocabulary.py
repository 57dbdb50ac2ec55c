"""Vocabularies, counted in a text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from holdfast.errors import ArgumentError, TextError
from holdfast.language.tokens.library import Tokenizer, library
from holdfast.language.tokens.tokens import UNKNOWN, Kind, Tokens, byte_letters

BPE_SIZE: Final = 4096
"""Tokens of a vocabulary of pieces of words, where nobody says how many."""

MOST_WORDS: Final = 50_000
"""Words that a vocabulary has at most, where nobody says how many."""

MOST_CHARACTERS: Final = 50_000
LARGEST: Final = 1_000_000

_APART: Final = r"<\w+>|@.@|\w+(?:['’]\w+)*|[^\w\s]"
"""Words, and each mark beside them alone."""

_SAMPLE: Final = 4 << 20
"""Characters by which one sees whether marks already stand apart from words."""


@dataclass(eq=False)
class TokenCounts:
    """How often everything occurs that may become a token.

    Arguments:
        kind: what a token is.
        counts: of characters or words; empty for the other kinds.
        apart: whether marks have to be cut off the words.
        tokenizer: what learnt pieces of words; None for the other kinds.
    """

    kind: Kind
    counts: Counter[str] = field(default_factory=Counter)
    apart: bool = False
    tokenizer: Tokenizer = None

    def tokens(self, size: int | None = None) -> Tokens:
        """The vocabulary of the most frequent ones.

        Words that occur once become "<unk>" with those beyond `size`, so that the model learns how
        to treat words that it has never seen; a text that has "<unk>" keeps them.

        Arguments:
            size: of the vocabulary, "<unk>" included; None for a number that fits.

        Raises:
            ArgumentError: the text has fewer different tokens than `size`.
        """
        if self.kind in ("byte", "bpe"):
            return Tokens(self.kind, _byte_tokenizer() if self.kind == "byte" else self.tokenizer)
        ranked = [text for text, _ in self.counts.most_common() if text != UNKNOWN]
        if size is not None and size > len(ranked) + 1:
            thing = "characters" if self.kind == "char" else "words"
            raise ArgumentError(
                f"--vocab {size:,} is more than the text has: {len(ranked):,} different {thing}; "
                "give fewer, or leave it out."
            )
        if size is not None:
            kept = ranked[: size - 1]
        elif self.kind == "char":
            kept = ranked[:MOST_CHARACTERS]
        else:
            closed = UNKNOWN in self.counts
            kept = [text for text in ranked if closed or self.counts[text] > 1][:MOST_WORDS]
        return Tokens(self.kind, _level_tokenizer(self.kind, [UNKNOWN, *kept], apart=self.apart))


def count_tokens(kind: Kind, pieces: Iterable[str], *, size: int | None = None) -> TokenCounts:
    """Count what a text is made of, in one pass.

    Arguments:
        kind: what a token is.
        pieces: the text, from `text_files.read_all`.
        size: of the vocabulary that is to be made; None for a number that fits.

    Raises:
        TextError: there is no text.
        ArgumentError: `size` is out of range, or more than the text can fill.
    """
    if size is not None and not 2 <= size <= LARGEST:
        raise ArgumentError(f"--vocab {size} must be a number from 2 to {LARGEST:,}.")
    if kind == "byte":
        if size not in (None, 256):
            raise ArgumentError("Bytes have a vocabulary of 256; leave out --vocab.")
        return TokenCounts(kind)
    if kind == "bpe":
        return TokenCounts(kind, tokenizer=_learnt_pieces(pieces, size or BPE_SIZE, given=size))
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
    return TokenCounts(kind, counts, apart)


def _words(piece: str, *, apart: bool) -> Iterator[str]:
    pattern = _APART + r"|\n" if apart else r"\n|\S+"
    return (found.group() for found in re.finditer(pattern, piece))


def _marks_touch(text: str) -> bool:
    """Whether full stops and commas touch the words before them, as people write."""
    marks = re.findall(r"(\S?)[.,](?=\s)", text)
    return sum(map(bool, marks)) > 0.1 * len(marks)


def _level_tokenizer(kind: Kind, texts: list[str], *, apart: bool) -> Tokenizer:
    """One token a character or a word."""
    hugging: Any = library()
    made = hugging.Tokenizer(
        hugging.models.WordLevel(
            {text: number for number, text in enumerate(texts)}, unk_token=UNKNOWN
        )
    )
    split, regex = hugging.pre_tokenizers.Split, hugging.Regex
    if kind == "char":
        made.pre_tokenizer = split(regex(r"[\s\S]"), "isolated")
        made.decoder = hugging.decoders.Fuse()
    else:
        pattern = _APART + r"|\n" if apart else r"\n|[^\s]+"
        # What matches is kept; what lies between the matches, blanks, is left out.
        made.pre_tokenizer = split(regex(pattern), "removed", invert=True)
    return made


def _byte_tokenizer() -> Tokenizer:
    hugging: Any = library()
    letters = {letter: byte for byte, letter in enumerate(byte_letters())}
    made = hugging.Tokenizer(hugging.models.BPE(letters, []))
    made.pre_tokenizer = hugging.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = hugging.decoders.ByteLevel()
    return made


def _learnt_pieces(pieces: Iterable[str], size: int, *, given: int | None) -> Tokenizer:
    """Byte-pair encoding on bytes, so that nothing is unknown."""
    hugging: Any = library()
    if size < 257:
        raise ArgumentError(f"--vocab {size} is too few for pieces of words; give at least 257.")
    made = hugging.Tokenizer(hugging.models.BPE())
    made.pre_tokenizer = hugging.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = hugging.decoders.ByteLevel()
    trainer = hugging.trainers.BpeTrainer(
        vocab_size=size, show_progress=False, initial_alphabet=list(byte_letters())
    )
    made.train_from_iterator(pieces, trainer)
    found = made.get_vocab_size()
    if given is not None and found < given:
        raise ArgumentError(
            f"--vocab {given:,} is more than the text has pieces for: {found:,}; give at most that."
        )
    return made
