"""How networks come to know the user's series: trained from scratch, or fine-tuned."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final

import numpy as np
from torch import nn

from holdfast.forecasting.networks.covariates.inputs import CovariateEncoding
from holdfast.forecasting.networks.covariates.network import CovariateNetwork, CovariateTask
from holdfast.forecasting.networks.design import Design
from holdfast.forecasting.networks.members import (
    CovariateMember,
    NetworkMember,
    PretrainedMember,
    WindowMember,
)
from holdfast.forecasting.networks.model import ForecastNetwork
from holdfast.forecasting.networks.storage import encoding_to_json
from holdfast.forecasting.networks.train import NetworkTask, SeriesTask, network_plan
from holdfast.forecasting.pretrained.fine_tuning import (
    FineTuningTask,
    Precision,
    fine_tuning_plan,
)
from holdfast.forecasting.pretrained.model import PretrainedNetwork
from holdfast.records import ADAPTED, LSTM, LSTM_X
from holdfast.tables.series import SeriesSet
from holdfast.training.plan import Plan

NETWORKS_OF: Final = {ADAPTED: 1, LSTM: 2, LSTM_X: 2}
"""Networks averaged in a member. One that is fine-tuned, since all would begin with the same
weights; two from scratch, since each more takes its updates from the others' share of the
budget."""

_WARM_SHARE: Final = 2  # a warm start has one in so many of the updates from scratch


@dataclass(frozen=True)
class Size:
    """How large a network is and how far it reads, in units and grid points."""

    context: int
    patch: int
    hidden: int
    layers: int


@dataclass(frozen=True, eq=False)
class WarmStart:
    """Saved weights with which the last training, on the whole history, begins.

    The trainings of the backtest begin from scratch: the saved weights have seen what they score.
    """

    networks: tuple[nn.Module, ...]
    whole: SeriesSet


@dataclass(frozen=True, eq=False, kw_only=True)
class Recipe(ABC):
    """How the networks of one member are trained, from scratch or from saved weights."""

    warm_start: WarmStart | None = field(default=None)

    name: ClassVar[str]
    """The member."""

    untrained: ClassVar[str]
    """What is said of networks that were not trained, before the reason."""

    share: ClassVar[float]
    """Of the time that all recipes have together."""

    least_points: ClassVar[int]
    """Fewer points to learn from are not worth the time, unless somebody asks for it."""

    least_steps: ClassVar[int]
    """Fewer updates are not worth beginning with, unless somebody asks for it."""

    @property
    def networks(self) -> int:
        """How many are averaged, before the backtest and after it."""
        return NETWORKS_OF[self.name]

    @property
    @abstractmethod
    def size(self) -> Size:
        """Of each network."""

    @abstractmethod
    def new_task(self, series: SeriesSet, held_out: SeriesSet | None, seed: int) -> SeriesTask[Any]:
        """What one network is given to learn, without a warm start; arguments as for `task`."""

    @abstractmethod
    def plan(self, steps: int, seed: int, *, stop_early: bool) -> Plan:
        """The training plan of one network."""

    @abstractmethod
    def useful_steps(self, points: int) -> int:
        """Updates beyond which a network gains nothing from so many points."""

    @abstractmethod
    def member(self, networks: Sequence[nn.Module]) -> NetworkMember:
        """What forecasts with the networks that were trained."""

    @abstractmethod
    def identity_from_scratch(self) -> dict[str, object]:
        """What shapes the networks beside data, plan, seed and a warm start."""

    def task(self, series: SeriesSet, held_out: SeriesSet | None, seed: int) -> SeriesTask[Any]:
        """What one network is given to learn, up to the last value that training may see.

        `held_out` are the same series some horizons further, to stop early on; None for never.
        """
        task = self.new_task(series, held_out, seed)
        if self.warm_start is not None and series is self.warm_start.whole:
            saved = self.warm_start.networks[seed % self.networks]
            task.module.load_state_dict(saved.state_dict())
        return task

    def final_steps(self, steps: int) -> int:
        """Updates of the last training, where those before kept so many: fewer after a warm start,
        whose weights lie near where they have to go."""
        return steps if self.warm_start is None else max(steps // _WARM_SHARE, 1)

    def identity(self) -> dict[str, object]:
        """What shapes the networks beside data, plan and seed, ready for JSON."""
        identity = self.identity_from_scratch()
        if self.warm_start is not None:
            identity["from"] = [digest_of(network) for network in self.warm_start.networks]
        return identity


@dataclass(frozen=True, eq=False)
class FromScratch(Recipe):
    """Networks of a design chosen for the table, trained on its series alone."""

    design: Design

    name = LSTM
    untrained = "No LSTM was trained on these series alone"
    share = 0.6
    least_points = 2_000  # a network that begins with nothing learns little from less
    least_steps = 50  # weights that begin anywhere have to come a long way

    @property
    def size(self) -> Size:
        design = self.design
        return Size(design.context, design.patch, design.hidden, design.layers)

    def new_task(self, series: SeriesSet, held_out: SeriesSet | None, seed: int) -> SeriesTask[Any]:
        return NetworkTask(self.design, series, held_out, seed)

    def plan(self, steps: int, seed: int, *, stop_early: bool) -> Plan:
        return network_plan(self.design, steps, seed, stop_early=stop_early)

    def useful_steps(self, points: int) -> int:
        """More with the square root of the points."""
        return int(np.clip(30.0 * np.sqrt(points), 250, 40_000))

    def member(self, networks: Sequence[nn.Module]) -> NetworkMember:
        return WindowMember(
            self.design, tuple(one for one in networks if isinstance(one, ForecastNetwork))
        )

    def identity_from_scratch(self) -> dict[str, object]:
        return {"design": self.design.to_json()}


@dataclass(frozen=True, eq=False)
class FromScratchWithCovariates(FromScratch):
    """Networks trained on the table's series alone that read their covariates."""

    encoding: CovariateEncoding

    name = LSTM_X
    untrained = "No LSTM with covariates was trained on these series"

    def new_task(self, series: SeriesSet, held_out: SeriesSet | None, seed: int) -> SeriesTask[Any]:
        return CovariateTask(self.design, self.encoding, series, held_out, seed)

    def member(self, networks: Sequence[nn.Module]) -> NetworkMember:
        read = tuple(one for one in networks if isinstance(one, CovariateNetwork))
        return CovariateMember(self.design, self.encoding, read)

    def identity_from_scratch(self) -> dict[str, object]:
        return {"design": self.design.to_json(), "reading": encoding_to_json(self.encoding)}


@dataclass(frozen=True, eq=False)
class FineTuning(Recipe):
    """The pretrained network, fine-tuned on the series: low rates, few steps."""

    start: PretrainedMember
    precision: Precision = "float32"

    name = ADAPTED
    untrained = "The pretrained LSTM was not fine-tuned"
    share = 0.4
    least_points = 1  # any, where there are windows enough
    least_steps = 20  # it begins near where it has to go

    @property
    def size(self) -> Size:
        design = self.start.network.design
        return Size(design.context, design.patch, design.hidden, design.blocks)

    def new_task(self, series: SeriesSet, held_out: SeriesSet | None, seed: int) -> SeriesTask[Any]:
        start = self.start
        return FineTuningTask(
            start.network,
            series,
            held_out,
            horizon=start.horizon,
            season=start.season,
            long_season=start.long_season,
            precision=self.precision,
        )

    def plan(self, steps: int, seed: int, *, stop_early: bool) -> Plan:
        return fine_tuning_plan(steps, seed, stop_early=stop_early)

    def useful_steps(self, points: int) -> int:
        """Few: what the network knows is to be moved, not replaced."""
        return int(np.clip(10.0 * np.sqrt(points), 40, 6_000))

    def member(self, networks: Sequence[nn.Module]) -> NetworkMember:
        (network,) = (one for one in networks if isinstance(one, PretrainedNetwork))
        return replace(self.start, name=ADAPTED, network=network)

    def identity_from_scratch(self) -> dict[str, object]:
        """A hash of the weights that it begins with, and what it is told of the series."""
        start = self.start
        return {
            "start": digest_of(start.network),
            "horizon": start.horizon,
            "season": start.season,
            "long season": start.long_season,
            "precision": self.precision,
        }


def warm_started(
    recipe: Recipe, saved: Sequence[NetworkMember], whole: SeriesSet
) -> tuple[Recipe, str]:
    """A recipe that goes on from the saved member of its name, where sizes agree.

    The second result is a sentence where there is no warm start all the same; "" otherwise.
    """
    before = next((member for member in saved if member.name == recipe.name), None)
    if before is None:
        return recipe, f"The saved model has no {recipe.name} to go on from; it begins anew."
    networks: tuple[nn.Module, ...] = ()
    if isinstance(before, WindowMember):
        networks = tuple(before.networks)
    elif isinstance(before, PretrainedMember):
        networks = (before.network,)
    shapes = _shapes(recipe.new_task(whole, None, 0).module) if networks else {}
    fits = len(networks) == recipe.networks and all(_shapes(one) == shapes for one in networks)
    if not fits:
        return recipe, f"The saved {recipe.name} has other sizes; it begins anew."
    return replace(recipe, warm_start=WarmStart(networks, whole)), ""


def digest_of(network: nn.Module) -> str:
    """A hash of a network's weights and their names."""
    digest = hashlib.sha256()
    for name, weight in network.state_dict().items():
        digest.update(name.encode())
        digest.update(weight.numpy().tobytes())
    return digest.hexdigest()


def _shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(weight.shape) for name, weight in network.state_dict().items()}
