"""Training that goes on from the networks of a saved model, where that leaks nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from holdfast.forecasting.networks.fit import SeriesTask
from holdfast.forecasting.networks.members import NetworkMember, PretrainedMember, WindowMember
from holdfast.forecasting.networks.recipes import Recipe, Size, digest_of
from holdfast.tables.series import SeriesSet
from holdfast.training.plan import Plan

_SHARE = 2
"""Of the updates that a training from the beginning has: one in so many."""


@dataclass(frozen=True, eq=False)
class Continued:
    """A recipe whose last training, on the whole history, begins with saved weights.

    The trainings of the backtest begin as ever: the saved weights have seen what is scored there.

    Arguments:
        recipe: how else.
        networks_before: the saved ones, as many as the recipe averages.
        whole: the history that nothing is held out of.
    """

    recipe: Recipe
    networks_before: tuple[nn.Module, ...]
    whole: SeriesSet

    @property
    def name(self) -> str:
        """The member."""
        return self.recipe.name

    @property
    def networks(self) -> int:
        """How many are averaged."""
        return self.recipe.networks

    @property
    def undone(self) -> str:
        """What is said of networks that were not trained, before the reason."""
        return self.recipe.undone

    @property
    def share(self) -> float:
        """Of the time that all recipes have together."""
        return self.recipe.share

    @property
    def least_points(self) -> int:
        """As without saved weights, since the backtest goes without them."""
        return self.recipe.least_points

    @property
    def least_steps(self) -> int:
        """As without saved weights."""
        return self.recipe.least_steps

    @property
    def size(self) -> Size:
        """Of each network."""
        return self.recipe.size

    def task(self, series: SeriesSet, held_out: SeriesSet | None, seed: int) -> SeriesTask[Any]:
        """As the recipe has it; on the whole history the network has the saved weights."""
        made = self.recipe.task(series, held_out, seed)
        if series is self.whole:
            saved = self.networks_before[seed % self.networks]
            made.module.load_state_dict(saved.state_dict())
        return made

    def plan(self, steps: int, seed: int, *, stop_early: bool) -> Plan:
        """The training plan of one network."""
        return self.recipe.plan(steps, seed, stop_early=stop_early)

    def final_steps(self, steps: int) -> int:
        """Fewer than from the beginning: the weights lie near where they have to go."""
        return max(steps // _SHARE, 1)

    def useful_steps(self, points: int) -> int:
        """Updates beyond which a network gains nothing."""
        return self.recipe.useful_steps(points)

    def member(self, networks: Sequence[nn.Module]) -> NetworkMember:
        """What forecasts with the networks."""
        return self.recipe.member(networks)

    def identity(self) -> dict[str, object]:
        """What shapes the networks, the saved weights included."""
        return {**self.recipe.identity(), "from": [digest_of(one) for one in self.networks_before]}


def continued(
    recipe: Recipe, saved: Sequence[NetworkMember], whole: SeriesSet
) -> tuple[Recipe, str]:
    """A recipe that goes on from the member of its name, where sizes agree.

    Arguments:
        recipe: how.
        saved: the members of a saved model.
        whole: the history that nothing is held out of.

    Returns:
        The recipe, and a sentence where it begins anew all the same; "" otherwise.
    """
    before = next((one for one in saved if one.name == recipe.name), None)
    if before is None:
        return recipe, f"The saved model has no {recipe.name} to go on from; it begins anew."
    networks: tuple[nn.Module, ...] = ()
    if isinstance(before, WindowMember):
        networks = tuple(before.networks)
    elif isinstance(before, PretrainedMember):
        networks = (before.network,)
    shapes = _shapes(recipe.task(whole, None, 0).module) if networks else {}
    fits = len(networks) == recipe.networks and all(_shapes(one) == shapes for one in networks)
    if not fits:
        return recipe, f"The saved {recipe.name} has other sizes; it begins anew."
    return Continued(recipe, networks, whole), ""


def _shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(weight.shape) for name, weight in network.state_dict().items()}
