"""How networks come to know the user's series: trained from nothing, or adapted to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from torch import nn

from holdfast.forecasting.networks.covariates.inputs import Reading
from holdfast.forecasting.networks.covariates.network import CovariateNetwork, CovariateTask
from holdfast.forecasting.networks.design import Design
from holdfast.forecasting.networks.members import (
    CovariateMember,
    NetworkMember,
    PretrainedMember,
    WindowMember,
)
from holdfast.forecasting.networks.model import ForecastNetwork
from holdfast.forecasting.networks.storage import described_reading
from holdfast.forecasting.networks.train import NetworkTask, SeriesTask, network_plan
from holdfast.forecasting.pretrained.fine_tuning import AdaptingTask, Precision, adapting_plan
from holdfast.forecasting.pretrained.model import PretrainedNetwork
from holdfast.records import ADAPTED, LSTM, LSTM_X
from holdfast.tables.series import SeriesSet
from holdfast.training.plan import Plan
from holdfast.training.weights import weights_digest

NETWORKS_OF: Final = {ADAPTED: 1, LSTM: 2, LSTM_X: 2}
"""Networks averaged in a member. One that is adapted, since all would begin with the same weights;
two from nothing, since each more takes its updates from the others' share of the budget."""


@dataclass(frozen=True)
class Size:
    """How large a network is and how far it reads, in units and grid points."""

    context: int
    patch: int
    hidden: int
    layers: int


class Recipe(Protocol):
    """How the networks of one member are trained."""

    @property
    def name(self) -> str:
        """The member."""
        ...

    @property
    def networks(self) -> int:
        """How many are averaged, before the backtest and after it."""
        ...

    @property
    def undone(self) -> str:
        """What is said of networks that were not trained, before the reason."""
        ...

    @property
    def share(self) -> float:
        """Of the time that all recipes have together."""
        ...

    @property
    def least_points(self) -> int:
        """Fewer points to learn from are not worth the time, unless somebody asks for it."""
        ...

    @property
    def least_steps(self) -> int:
        """Fewer updates are not worth beginning with, unless somebody asks for it."""
        ...

    @property
    def size(self) -> Size:
        """Of each network."""
        ...

    def task(self, series: SeriesSet, held_out: SeriesSet | None, seed: int) -> SeriesTask[Any]:
        """What one network is given to learn.

        Arguments:
            series: histories up to the last value that training may see.
            held_out: the same series some horizons further, to stop early on; None for never.
            seed: of the network.
        """
        ...

    def plan(self, steps: int, seed: int, *, stop_early: bool) -> Plan:
        """The training plan of one network."""
        ...

    def final_steps(self, steps: int) -> int:
        """Updates of the last training, where those before kept so many."""
        ...

    def useful_steps(self, points: int) -> int:
        """Updates beyond which a network gains nothing from so many points."""
        ...

    def member(self, networks: Sequence[nn.Module]) -> NetworkMember:
        """What forecasts with the networks that were trained."""
        ...

    def identity(self) -> dict[str, object]:
        """What shapes the networks beside data, plan and seed, ready for JSON."""
        ...


@dataclass(frozen=True, eq=False)
class Scratch:
    """Networks of a design made for the table, trained on its series alone.

    Arguments:
        design: their sizes.
    """

    design: Design

    @property
    def name(self) -> str:
        """The member."""
        return LSTM

    @property
    def networks(self) -> int:
        """How many are averaged."""
        return NETWORKS_OF[LSTM]

    @property
    def undone(self) -> str:
        """What is said of networks that were not trained, before the reason."""
        return "No LSTM was trained on these series alone"

    @property
    def share(self) -> float:
        """Of the time that all recipes have together."""
        return 0.6

    @property
    def least_points(self) -> int:
        """A network that begins with nothing learns little from less."""
        return 2_000

    @property
    def least_steps(self) -> int:
        """Weights that begin anywhere have to come a long way."""
        return 50

    @property
    def size(self) -> Size:
        """Of each network."""
        design = self.design
        return Size(design.context, design.patch, design.hidden, design.layers)

    def task(self, series: SeriesSet, held_out: SeriesSet | None, seed: int) -> NetworkTask:
        """Windows of the series, and a fresh network."""
        return NetworkTask(self.design, series, held_out, seed)

    def plan(self, steps: int, seed: int, *, stop_early: bool) -> Plan:
        """The training plan of one network."""
        return network_plan(self.design, steps, seed, stop_early=stop_early)

    def final_steps(self, steps: int) -> int:
        """As many."""
        return steps

    def useful_steps(self, points: int) -> int:
        """More with the square root of the points."""
        return int(np.clip(30.0 * np.sqrt(points), 250, 40_000))

    def member(self, networks: Sequence[nn.Module]) -> WindowMember:
        """The networks, averaged."""
        own = tuple(one for one in networks if isinstance(one, ForecastNetwork))
        return WindowMember(self.design, own)

    def identity(self) -> dict[str, object]:
        """The design."""
        return {"design": self.design.to_json()}


@dataclass(frozen=True, eq=False)
class ScratchWithCovariates(Scratch):
    """Networks trained on the table's series alone that read their covariates.

    Arguments:
        design: their sizes.
        reading: how covariates become numbers.
    """

    reading: Reading

    @property
    def name(self) -> str:
        """The member."""
        return LSTM_X

    @property
    def networks(self) -> int:
        """How many are averaged."""
        return NETWORKS_OF[LSTM_X]

    @property
    def undone(self) -> str:
        """What is said of networks that were not trained, before the reason."""
        return "No LSTM with covariates was trained on these series"

    def task(self, series: SeriesSet, held_out: SeriesSet | None, seed: int) -> CovariateTask:
        """Windows of the series and their covariates, and a fresh network."""
        return CovariateTask(self.design, self.reading, series, held_out, seed)

    def member(self, networks: Sequence[nn.Module]) -> CovariateMember:  # type: ignore[override]
        """The networks, averaged."""
        own = tuple(one for one in networks if isinstance(one, CovariateNetwork))
        return CovariateMember(self.design, self.reading, own)

    def identity(self) -> dict[str, object]:
        """The design and the reading."""
        return {"design": self.design.to_json(), "reading": described_reading(self.reading)}


@dataclass(frozen=True, eq=False)
class Adapting:
    """The pretrained network, fine-tuned on the series: low rates, few steps.

    Arguments:
        start: the member to begin with; stays as it is.
        precision: of the network's multiplications while it learns.
    """

    start: PretrainedMember
    precision: Precision = "float32"

    @property
    def name(self) -> str:
        """The member."""
        return ADAPTED

    @property
    def networks(self) -> int:
        """How many are averaged."""
        return NETWORKS_OF[ADAPTED]

    @property
    def undone(self) -> str:
        """What is said of networks that were not trained, before the reason."""
        return "The pretrained LSTM was not adapted"

    @property
    def share(self) -> float:
        """Of the time that all recipes have together."""
        return 0.4

    @property
    def least_points(self) -> int:
        """Any, where there are windows enough."""
        return 1

    @property
    def least_steps(self) -> int:
        """It begins near where it has to go."""
        return 20

    @property
    def size(self) -> Size:
        """Of the network."""
        design = self.start.network.design
        return Size(design.context, design.patch, design.hidden, design.blocks)

    def task(self, series: SeriesSet, held_out: SeriesSet | None, seed: int) -> AdaptingTask:
        """Windows of the series, and a copy of the network."""
        start = self.start
        return AdaptingTask(
            start.network,
            series,
            held_out,
            horizon=start.horizon,
            season=start.season,
            long_season=start.long_season,
            precision=self.precision,
        )

    def plan(self, steps: int, seed: int, *, stop_early: bool) -> Plan:
        """The training plan of the network."""
        return adapting_plan(steps, seed, stop_early=stop_early)

    def final_steps(self, steps: int) -> int:
        """As many."""
        return steps

    def useful_steps(self, points: int) -> int:
        """Few: what the network knows is to be moved, not replaced."""
        return int(np.clip(10.0 * np.sqrt(points), 40, 6_000))

    def member(self, networks: Sequence[nn.Module]) -> PretrainedMember:
        """The network as it has become."""
        (network,) = (one for one in networks if isinstance(one, PretrainedNetwork))
        start = self.start
        return PretrainedMember(ADAPTED, network, start.horizon, start.season, start.long_season)

    def identity(self) -> dict[str, object]:
        """A hash of the weights that it begins with, and what it is told of the series."""
        start = self.start
        return {
            "start": weights_digest(self.start.network),
            "horizon": start.horizon,
            "season": start.season,
            "long season": start.long_season,
            "precision": self.precision,
        }


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
        return {
            **self.recipe.identity(),
            "from": [weights_digest(one) for one in self.networks_before],
        }


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
