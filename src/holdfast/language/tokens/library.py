"""Hugging Face's `tokenizers`, loaded when it is first needed."""

from __future__ import annotations

from typing import Any, TypeAlias

from holdfast.errors import ArgumentError

Tokenizer: TypeAlias = Any
"""A `tokenizers.Tokenizer`: the package has no types, and is imported when it is needed."""


def library() -> Any:
    """The package `tokenizers`.

    Raises:
        ArgumentError: it is not installed.
    """
    try:
        import tokenizers
    except ImportError as error:
        raise ArgumentError(
            "Text needs the package tokenizers: pip install 'holdfast[text]'."
        ) from error
    return tokenizers


def from_json(text: str) -> Tokenizer:
    """A tokenizer from ``tokenizer.json``.

    Raises:
        ValueError: it is damaged.
    """
    try:
        return library().Tokenizer.from_str(text)
    except ArgumentError:
        raise
    except Exception as error:  # the library raises the bare class
        raise ValueError(str(error)) from error
