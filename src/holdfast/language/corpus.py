"""A text as tokens on disk: counted, cut, numbered and divided in one go, larger than memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError, TextError, option
from holdfast.language.text_files import read_all
from holdfast.language.tokenizer import Kind, Tokenizer, train_tokenizer
from holdfast.storage import written_atomically

Stored = NDArray[np.integer]
"""Token ids in as many bits as they need, usually on disk."""

LEAST: Final = 1_000
"""Tokens below which there is nothing to learn from."""

TEXT: Final = "text"
"""Where the numbers of a text lie in the run directory of a training."""

_TOKENS = "tokens.bin"


@dataclass(frozen=True)
class Amount:
    """How much text there is; words are what lies between blanks."""

    tokens: int = 0
    characters: int = 0
    words: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.tokens + other.tokens, self.characters + other.characters, self.words + other.words
        )

    @classmethod
    def of(cls, text: str, tokens: int) -> Amount:
        """That of a piece of text."""
        return cls(tokens, len(text), len(text.split()))


@dataclass(frozen=True, eq=False)
class Corpus:
    """A text to learn from, and a part of it to be watched on.

    `training` are numbers in the order of the text, `validation` those of its end, or of other
    files, never learnt from; `learnt` and `watched` say how much text that is, and `identity` is a
    hash of both and of the vocabulary.
    """

    tokenizer: Tokenizer
    training: Stored
    validation: Stored
    learnt: Amount
    watched: Amount
    identity: str


def prepare(
    files: Sequence[str | Path],
    kind: Kind,
    folder: str | Path,
    *,
    size: int | None = None,
    validation: float | Sequence[str | Path] = 0.1,
    encoding: str = "utf-8",
) -> Corpus:
    """Read files twice: to count what becomes a token, and to number it.

    The numbers lie in `folder` and are read from there piece by piece, so that a text may be larger
    than memory. The vocabulary is that of the whole text, the part for validation included: it is
    the alphabet of the task, and no probability is learnt from it.
    """
    held: Sequence[str | Path] = ()
    share = 0.0
    if isinstance(validation, int | float):
        share = float(validation)
        if not 0.0 < share < 1.0:
            raise ArgumentError(
                f"{option('validation', validation)} must be a share between 0 and 1."
            )
    else:
        held = validation
    every = [*files, *held]
    tokenizer = train_tokenizer(kind, read_all(every, encoding=encoding), size=size)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    kept = np.uint16 if tokenizer.size <= 1 << 16 else np.uint32
    content = hashlib.sha256(tokenizer.to_json().encode())
    amounts: list[Amount] = []
    with written_atomically(target / _TOKENS) as partial, partial.open("wb") as out:
        for group in (files, held):
            total = Amount()
            for piece in read_all(group, encoding=encoding) if group else ():
                ids = tokenizer.encode(piece).astype(kept)
                content.update(ids.tobytes())
                out.write(ids.tobytes())
                total += Amount.of(piece, len(ids))
            amounts.append(total)
    whole: Stored = np.memmap(target / _TOKENS, dtype=kept, mode="r")
    learnt, watched = amounts
    if held:
        cut = learnt.tokens
    else:
        cut = round((1.0 - share) * learnt.tokens)
        watched = _part(learnt, learnt.tokens - cut)
        learnt = _part(learnt, cut)
    if min(learnt.tokens, 10 * watched.tokens) < LEAST:
        del whole
        (target / _TOKENS).unlink()  # what cannot be learnt from is not kept
        with suppress(OSError):  # refused where something else lies beside it
            target.rmdir()
        raise TextError(
            f"{files[0]}: {learnt.tokens:,} tokens to learn from and {watched.tokens:,} to be "
            f"watched on are too few; give at least {LEAST:,} and {LEAST // 10}."
        )
    return Corpus(tokenizer, whole[:cut], whole[cut:], learnt, watched, content.hexdigest())


def _part(amount: Amount, tokens: int) -> Amount:
    """A part of a text, as if it were alike everywhere."""
    share = tokens / max(amount.tokens, 1)
    return Amount(tokens, round(amount.characters * share), round(amount.words * share))
