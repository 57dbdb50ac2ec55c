"""The size of a pretrained network, and the two that ship."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from holdfast.errors import ModelError
from holdfast.forecasting.pretrained.smoothing import SMOOTHINGS

_MOST = {
    "patch": 1024,
    "window": 4096,
    "context": 65_536,
    "half_life": 65_536,
    "hidden": 4096,
    "blocks": 64,
    "smoothings": SMOOTHINGS,
}


@dataclass(frozen=True)
class PatchDesign:
    """The sizes of a pretrained network.

    Arguments:
        patch: grid points between two positions; each position forecasts one patch.
        window: newest points that a position reads, in the units of that moment; whole patches.
        context: points that a forecast looks back on at most; whole patches.
        half_life: points after which a value counts half in level and spread.
        blocks: recurrent blocks on top of each other.
        smoothings: exponential smoothings among the candidates: all of them or 0.
    """

    patch: int
    window: int
    context: int
    half_life: int
    hidden: int
    blocks: int
    smoothings: int

    def to_json(self) -> dict[str, int]:
        """Plain numbers."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: object) -> PatchDesign:
        """The inverse of `to_json`; a ModelError where a field is missing or impossible."""
        if not isinstance(fields, dict) or set(fields) != set(_MOST):
            raise ModelError("The pretrained network's design has missing or unknown fields.")
        for name, most in _MOST.items():
            value = fields[name]
            least = 0 if name == "smoothings" else 1
            if type(value) is not int or not least <= value <= most:
                raise ModelError(f"The pretrained network's design has an impossible {name}.")
        design = cls(**fields)
        if design.smoothings not in (0, SMOOTHINGS):
            raise ModelError("The pretrained network's design has an impossible smoothings.")
        if design.context > 512 * design.half_life:  # weights of the past must lie within float64
            raise ModelError("The pretrained network's design has an impossible half_life.")
        for name in ("window", "context"):
            if fields[name] % design.patch:
                raise ModelError(f"The pretrained network's {name} is not whole patches.")
        return design


FINE = PatchDesign(
    patch=4, window=32, context=128, half_life=64, hidden=192, blocks=3, smoothings=SMOOTHINGS
)
"""Reads four points at a time: years, quarters, months, weeks, days."""

COARSE = PatchDesign(
    patch=24,
    window=48,
    context=672,
    half_life=336,
    hidden=192,
    blocks=3,
    smoothings=SMOOTHINGS,
)
"""Reads 24 points at a time, four weeks of hours: long seasons and long horizons."""
