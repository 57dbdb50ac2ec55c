"""A design in which a caller's wishes take the place of what was chosen."""

from __future__ import annotations

from dataclasses import replace

from holdfast.errors import ArgumentError
from holdfast.language.design import LanguageDesign


def adjusted(
    design: LanguageDesign, *, hidden: int | None, layers: int | None, dropout: float | None
) -> LanguageDesign:
    """A design with what the caller asks for in place of what was chosen."""
    if hidden is not None:
        design = replace(design, hidden=hidden, embedding=min(design.embedding, hidden))
    if layers is not None:
        design = replace(design, layers=layers)
    if dropout is not None:
        if not 0.0 <= dropout < 1.0:
            raise ArgumentError(f"dropout={dropout!r} must be a share from 0 to below 1.")
        design = replace(
            design, output_dropout=dropout, weight_drop=dropout, hidden_dropout=dropout
        )
    return design
