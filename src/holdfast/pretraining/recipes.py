"""Which synthetic series each pretrained network learns from; no torch here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from holdfast.errors import ArgumentError
from holdfast.pretraining.synthetic.recipe import AUGMENTATIONS, LONG, PARTS, SHORT, Recipe

RECIPES: Final = {"short": SHORT, "long": LONG}
"""Kind of series → recipe."""

KIND_OF: Final = {"fine": "short", "coarse": "long"}
"""Network → kind of series that it is pretrained on."""

LATE: Final = "shortening"
"""The one part without a say in pretraining, which draws the lengths a batch at a time."""


def check_networks(networks: Sequence[str]) -> None:
    """Refuse names that are no networks of ours.

    Raises:
        ArgumentError: one is unknown or named twice, or there is none.
    """
    for name in networks:
        if name not in KIND_OF:
            raise ArgumentError(f"network={name!r} is not known; take one of {', '.join(KIND_OF)}.")
    if not networks or len(set(networks)) < len(networks):
        raise ArgumentError("Name each network to train once, at least one.")


def recipe_of(kind: str, without: Sequence[str] = ()) -> Recipe:
    """The recipe of a kind of series as pretraining draws them.

    Arguments:
        kind: "short" or "long".
        without: families and augmentations to switch off.

    Raises:
        ArgumentError: the kind or a part is not known, a part has no say, or no family is left.

    Example:
        >>> recipe_of("short", without=["chaotic"]).chaotic
        0.0
    """
    if kind not in RECIPES:
        raise ArgumentError(f"kind={kind!r} is not known; take one of {', '.join(RECIPES)}.")
    recipe = RECIPES[kind]
    for part in without:
        if part == LATE:
            raise ArgumentError(
                f"without={LATE!r} changes nothing: pretraining draws the lengths of its series "
                "itself; leave it out."
            )
        if part not in PARTS:
            raise ArgumentError(
                f"without={part!r} is not a part of the generator; take one of "
                f"{', '.join(name for name in PARTS if name != LATE)}."
            )
        recipe = recipe.without(part)
    return replace(recipe, shortening=0.0)


def probabilities(recipe: Recipe) -> dict[str, float]:
    """Everything that may happen to a series beside its family → its probability."""
    return {name: float(getattr(recipe, name)) for name in AUGMENTATIONS if name != LATE}
