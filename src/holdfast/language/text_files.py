"""Text files of any size, read in pieces that can be cut into tokens one by one."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from holdfast.errors import ArgumentError, TextError, option

PIECE: Final = 1 << 20
"""Bytes read at once; a piece of text is about as long."""

LONGEST: Final = 4 << 20
"""Characters after which a piece is cut even where it has no line break and no blank."""


def read_pieces(path: str | Path, *, encoding: str = "utf-8") -> Iterator[str]:
    """A file's text in pieces that end where a line does, so that no token lies across two.

    A line that is longer than a few million characters is cut at a blank, or anywhere if it has
    none. Line ends are those of the file; a byte order mark at its beginning is left out.

    Raises:
        TextError: the file cannot be read, or its bytes are not in this encoding; says where.
        ArgumentError: the encoding is not known.
    """
    decoder = _decoder(encoding)
    rest, place = "", 0
    try:
        with Path(path).open("rb") as file:
            while data := file.read(PIECE):
                try:
                    rest += decoder.decode(data)
                except UnicodeError as error:
                    raise _not_decoded(path, encoding, place, len(data), error) from error
                place += len(data)
                cut = _end_of_piece(rest)
                if cut:
                    yield rest[:cut]
                    rest = rest[cut:]
            try:
                rest += decoder.decode(b"", final=True)
            except UnicodeError as error:
                raise _not_decoded(path, encoding, place, 0, error) from error
    except OSError as error:
        raise TextError(f"{path} cannot be read: {error.strerror}.") from error
    if rest:
        yield rest


def read_all(paths: Sequence[str | Path], *, encoding: str = "utf-8") -> Iterator[str]:
    """The pieces of several files, one file after the other.

    Raises:
        TextError: there is no file, a file cannot be read, or there is no text in any of them.
    """
    if not paths:
        raise ArgumentError("There is no text: give at least one file.")
    empty = True
    for path in paths:
        for piece in read_pieces(path, encoding=encoding):
            empty = False
            yield piece
    if empty and len(paths) == 1:
        raise TextError(f"{paths[0]} is empty; give a text.")
    if empty:
        raise TextError(f"None of the {len(paths)} files has any text.")


def check_files(paths: Sequence[str | Path], *, encoding: str = "utf-8") -> None:
    """Refuse at once what cannot be read: missing files, empty ones, bytes of another encoding.

    Only the beginning of each file is looked at; what lies behind it is checked when it is read.

    Raises:
        TextError: a file is missing, empty or not in this encoding.
    """
    for path in paths:
        next(read_all([path], encoding=encoding))


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    try:
        # utf-8-sig leaves out a byte order mark at the beginning and is utf-8 otherwise.
        with suppress(UnicodeError):
            b" ".decode(encoding)  # refuses codecs between bytes, such as base64
        name = codecs.lookup(encoding).name
        return codecs.getincrementaldecoder("utf-8-sig" if name == "utf-8" else name)()
    except LookupError as error:
        raise ArgumentError(
            f"{option('encoding', encoding)} is not known; give one such as utf-8 or latin-1."
        ) from error


def _end_of_piece(text: str) -> int:
    """Characters of `text` that make a piece; 0 to wait for more."""
    if len(text) < PIECE // 4:
        return 0
    # Blank and indented lines stay with the one before: in some tokens they are one with its break.
    cut = text.rfind("\n", 0, len(text) - 1) + 1
    while cut and text[cut].isspace():
        cut = text.rfind("\n", 0, cut - 1) + 1
    if cut or len(text) < LONGEST:
        return cut
    return text.rfind(" ") or len(text)


def _not_decoded(
    path: str | Path, encoding: str, place: int, size: int, error: UnicodeError
) -> TextError:
    """Say which byte is wrong; the decoder may have kept a few of the piece before."""
    if not isinstance(error, UnicodeDecodeError):  # utf-16 without its byte order mark
        return TextError(
            f"{path} is not {encoding}: {error}; give {option('encoding', f'{encoding}-le')} or "
            f"{option('encoding', f'{encoding}-be')}."
        )
    kept = len(error.object) - size
    byte = error.object[error.start : error.start + 1].hex()
    return TextError(
        f"{path} is not {encoding}: byte {place - kept + error.start:,} (0x{byte}) does not fit; "
        f"give {option('encoding')} (latin-1 fits any file)."
    )
