"""What may differ from a cell's plain equations."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Options:
    """The variants of one layer; every default is neutral and leaves the plain cell.

    Where an option stands in the equations is written in each cell's `step`; docs/concepts/
    variants.md has them side by side.

    Arguments:
        peepholes: the gates look at the cell state (LSTM).
        coupled: one gate decides what comes in and what is kept, f = 1 − i (LSTM).
        layer_norm: what the matrices give, and the cell state on its way out, are normalised.
        cell_clip: the cell state stays between −cell_clip and cell_clip (LSTM); None for no bound.
        recurrent_dropout: share of the values of h that the recurrent matrix does not see, from 0
            to below 1; 0 outside training.
        zoneout_hidden, zoneout_cell: the probability that a unit keeps its old h, its old c, from 0
            to below 1; without masks, as in evaluation, the expectation takes the place of chance.
        heads: blocks on the diagonal of the recurrent matrix (sLSTM).
        exponential_forget: the forget gate is e^a and not σ(a) (sLSTM).

    Example:
        >>> Options(peepholes=True, zoneout_cell=0.1).changed
        ('peepholes', 'zoneout_cell')
    """

    peepholes: bool = False
    coupled: bool = False
    layer_norm: bool = False
    cell_clip: float | None = None
    recurrent_dropout: float = 0.0
    zoneout_hidden: float = 0.0
    zoneout_cell: float = 0.0
    heads: int = 1
    exponential_forget: bool = False

    @property
    def changed(self) -> tuple[str, ...]:
        """The names of those that are not neutral."""
        return tuple(
            field.name for field in fields(self) if getattr(self, field.name) != field.default
        )

    @property
    def draws(self) -> bool:
        """Whether training needs masks."""
        return bool(self.recurrent_dropout or self.zoneout_hidden or self.zoneout_cell)


NEUTRAL = Options()
