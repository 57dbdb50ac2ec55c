"""What a caller asks of a design, in place of what would be chosen."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from holdfast.errors import ArgumentError
from holdfast.language.design import LanguageDesign


@dataclass(frozen=True)
class Wishes:
    """Sizes and shares that a caller asks for; None where the choice is left to us.

    Arguments:
        hidden: units of a layer.
        layers: how many.
        dropout: share hidden between layers and before the output.
        weight_drop: share of the recurrent weights that an update hides.

    Raises:
        ArgumentError: a number is out of its range.

    Example:
        >>> Wishes(dropout=0.3).shares(LanguageDesign(65, 32, 128, weight_drop=0.1)).weight_drop
        0.1
    """

    hidden: int | None = None
    layers: int | None = None
    dropout: float | None = None
    weight_drop: float | None = None

    def __post_init__(self) -> None:
        for name in ("hidden", "layers"):
            if (size := getattr(self, name)) is not None and size < 1:
                raise ArgumentError(f"{name}={size!r} must be a whole number from 1.")
        for name in ("dropout", "weight_drop"):
            if (share := getattr(self, name)) is not None and not 0.0 <= share < 1.0:
                raise ArgumentError(f"{name}={share!r} must be a share from 0 to below 1.")

    def shares(self, design: LanguageDesign) -> LanguageDesign:
        """A design with the shares that are asked for; the others as they were chosen."""
        if self.dropout is not None:
            design = replace(design, output_dropout=self.dropout, hidden_dropout=self.dropout)
        if self.weight_drop is not None:
            design = replace(design, weight_drop=self.weight_drop)
        return design

    def to_json(self) -> dict[str, object]:
        """The wishes, ready for JSON."""
        return asdict(self)
