"""Recipes of synthetic series: families, probabilities, and which networks learn from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Final

from holdfast.errors import ArgumentError, option

FAMILIES: Final = (
    "structural",
    "kinks",
    "autoregressive",
    "gaussian_process",
    "chaotic",
    "counts",
    "steps",
)
"""The main families, in the order in which they are drawn; each is a weight of `Recipe`."""

_SETTINGS: Final = ("seasons", "arbitrary_season", "shortest_season", "longest_season", "upward")
"""The fields of `Recipe` that are neither a weight nor the probability of a part."""


@dataclass(frozen=True)
class Recipe:
    """Weights of the main families and probabilities of everything else.

    Arguments:
        structural, kinks, autoregressive, gaussian_process, chaotic, counts, steps: weights of
            the main families; they need not sum to 1.
        seasonal: probability that a series has the season of its calendar.
        seasons: (season, long season, weight) of the calendars that are drawn; 1 where a calendar
            has none.
        arbitrary_season: share of the seasonal series whose season is log-uniform between
            `shortest_season` and `longest_season` instead.
        long_seasonal: probability that the long season of a pair is drawn with it.
        dominant_season: probability that a season stands far above the noise.
        season_drift: probability that the size or the profile of a season drifts.
        fractional_season: probability that the period is not a whole number of points.
        noise, noise_alone: probability of noise on top of what the family has of its own, in
            series with a season and without one.
        growth: probability of a steady drift on top of what the family has of its own; likelier
            in years and quarters, less likely in months and below.
        upward: share of the series that end higher than they begin, before some are flipped;
            0.5 for no preference.
        heavy_tails, coloured_noise, changing_variance: probabilities of these kinds of noise.
        spikes, shocks, holidays, late_break: probabilities of these events.
        exponential: probability that the parts are multiplied instead of added.
        clipping, rounding, flipping, reversal, resampling, mixing, missing, constant:
            probabilities of these augmentations.
        shortening: probability that the series begins late, its length then log-uniform from 10.

    Example:
        >>> SHORT.without("chaotic").chaotic
        0.0
    """

    structural: float = 0.50
    kinks: float = 0.09
    autoregressive: float = 0.18
    gaussian_process: float = 0.09
    chaotic: float = 0.02
    counts: float = 0.045
    steps: float = 0.07
    seasonal: float = 0.65
    seasons: tuple[tuple[int, int, float], ...] = ((12, 1, 1.0),)
    arbitrary_season: float = 0.1
    shortest_season: int = 3
    longest_season: int = 60
    long_seasonal: float = 0.7
    dominant_season: float = 0.06
    season_drift: float = 0.5
    fractional_season: float = 0.05
    noise: float = 0.9
    noise_alone: float = 0.5
    growth: float = 0.35
    upward: float = 0.9
    heavy_tails: float = 0.4
    coloured_noise: float = 0.2
    changing_variance: float = 0.25
    spikes: float = 0.08
    shocks: float = 0.08
    holidays: float = 0.08
    late_break: float = 0.14
    exponential: float = 0.5
    clipping: float = 0.05
    rounding: float = 0.12
    flipping: float = 0.12
    reversal: float = 0.05
    resampling: float = 0.06
    mixing: float = 0.12
    missing: float = 0.08
    shortening: float = 0.5
    constant: float = 0.01

    def without(self, part: str) -> Recipe:
        """The recipe with one family or one augmentation, but not the last family, switched off."""
        if part not in PARTS:
            raise ArgumentError(
                f"part={part!r} is not a part of a recipe; take one of {', '.join(PARTS)}."
            )
        changed = replace(self, **{part: 0.0})  # type: ignore[arg-type] # each is a number
        if not any(changed.weights):
            raise ArgumentError(f"part={part!r} is the last family of the recipe; keep one.")
        return changed

    @property
    def weights(self) -> tuple[float, ...]:
        """The weights of the families, in the order of `FAMILIES`."""
        return tuple(getattr(self, name) for name in FAMILIES)

    def to_json(self) -> dict[str, object]:
        """The fields, for a JSON file."""
        return asdict(self)


AUGMENTATIONS: Final = tuple(
    one.name for one in fields(Recipe) if one.name not in (*FAMILIES, *_SETTINGS)
)
"""Everything else that happens to a series; each is a probability of `Recipe`."""

PARTS: Final = FAMILIES + AUGMENTATIONS
"""What `Recipe.without` can switch off."""

SHORT: Final = Recipe(
    seasonal=0.8,
    seasons=(
        (1, 1, 0.25),
        (4, 1, 0.18),
        (12, 1, 0.30),
        (7, 1, 0.08),
        (52, 1, 0.07),
        (5, 1, 0.05),
        (24, 1, 0.07),
        (6, 1, 0.03),
        (10, 1, 0.02),
    ),
)
"""Series of years, quarters, months, weeks and days."""

LONG: Final = Recipe(
    structural=0.35,
    kinks=0.12,
    autoregressive=0.22,
    gaussian_process=0.16,
    chaotic=0.02,
    counts=0.05,
    steps=0.06,
    seasonal=0.92,
    seasons=(
        (24, 168, 0.60),
        (48, 336, 0.10),
        (96, 672, 0.05),
        (144, 1008, 0.04),
        (7, 364, 0.06),
        (12, 84, 0.06),
        (60, 1440, 0.05),
        (168, 1, 0.04),
    ),
    arbitrary_season=0.15,
    shortest_season=3,
    longest_season=200,
    long_seasonal=0.5,
    dominant_season=0.9,
    season_drift=0.3,
    noise=0.8,
    noise_alone=0.6,
    growth=0.5,
    upward=0.6,
    spikes=0.04,
    shocks=0.04,
    late_break=0.05,
    holidays=0.12,
    exponential=0.3,
)
"""Series of hours and shorter steps."""

RECIPES: Final = {"short": SHORT, "long": LONG}
"""Kind of series → recipe."""

KIND_OF: Final = {"fine": "short", "coarse": "long"}
"""Network → kind of series that it is pretrained on."""

LATE: Final = "shortening"
"""The one part without a say in pretraining, which draws the lengths a batch at a time."""


def check_networks(networks: Sequence[str], without: Sequence[str] = ()) -> None:
    """Refuse names that are no networks of ours, and parts that cannot be switched off.

    Raises:
        ArgumentError: a network is unknown or named twice, or there is none; see `recipe_of`.
    """
    for name in networks:
        if name not in KIND_OF:
            raise ArgumentError(
                f"{option('network', name)} is not known; take one of {', '.join(KIND_OF)}."
            )
        recipe_of(KIND_OF[name], without)
    if not networks or len(set(networks)) < len(networks):
        raise ArgumentError("Name each network to train once, at least one.")


def recipe_of(kind: str, without: Sequence[str] = ()) -> Recipe:
    """The recipe of a kind of series, "short" or "long", as pretraining draws them."""
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
                f"{option('without', part)} is not a part of the generator; take one of "
                f"{', '.join(name for name in PARTS if name != LATE)}."
            )
        recipe = recipe.without(part)
    return replace(recipe, shortening=0.0)


def probabilities(recipe: Recipe) -> dict[str, float]:
    """Everything that may happen to a series beside its family → its probability."""
    return {name: float(getattr(recipe, name)) for name in AUGMENTATIONS if name != LATE}
