"""Checkpoints, from which a training run resumes bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from holdfast import storage
from holdfast.errors import ModelError
from holdfast.training.optimise import WeightAverage
from holdfast.training.plan import Plan

_CURVE_POINTS = 150


@dataclass
class Curve:
    """The training loss along the way: means over equal stretches of `every` steps.

    `points` are (last step of a stretch, mean loss over it); `total` and `count` are the sum and
    the number of the losses in the stretch that is still open.
    """

    every: int
    points: list[tuple[int, float]] = field(default_factory=list)
    total: float = 0.0
    count: int = 0

    @classmethod
    def of(cls, plan: Plan) -> Curve:
        """An empty curve that will have about 150 points at the end of the plan."""
        return cls(every=max(1, plan.steps // _CURVE_POINTS))

    def add(self, step: int, loss: float) -> None:
        """Take in the loss of an update."""
        self.total += loss
        self.count += 1
        if self.count == self.every:
            self.points.append((step, self.total / self.count))
            self.total, self.count = 0.0, 0

    def ending_at(self, step: int) -> tuple[tuple[int, float], ...]:
        """All points, the open stretch included."""
        rest = [(step, self.total / self.count)] if self.count else []
        return tuple(self.points + rest)


@dataclass
class Best:
    """The weights with the lowest validation loss so far, and the update after which they came."""

    step: int
    loss: float
    weights: dict[str, Tensor]


@dataclass
class RunState:
    """Where a run stands.

    `seconds` counts all the processes that worked on the run, `stale` the validations since the
    best one; `validations` are (step, validation loss).
    """

    average: WeightAverage
    curve: Curve
    step: int = 0
    seconds: float = 0.0
    validations: list[tuple[int, float]] = field(default_factory=list)
    stale: int = 0
    best: Best | None = None


KIND = "checkpoint"

Arrays: TypeAlias = dict[str, NDArray[np.generic]]

_MODULE, _OPTIMISER, _AVERAGE, _BEST = "module/", "optimiser/", "average/", "best/"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The file of a training run from which it resumes bit for bit, alone in its folder.

    The plan and the identity say what the run is: a checkpoint of another one is refused.
    """

    folder: Path
    plan: Plan
    identity: str
    module: nn.Module
    optimiser: Optimizer
    state: RunState

    def exists(self) -> bool:
        """Whether there is something to resume from."""
        return storage.exists(self.folder)

    def write(self) -> None:
        """Store the run in place of its earlier checkpoint; all of it or nothing."""
        state = self.state
        arrays = _arrays(_MODULE, self.module.state_dict())
        arrays |= _arrays(_AVERAGE, state.average.sums)
        arrays |= _arrays(_BEST, state.best.weights if state.best else {})
        for index, moments in self.optimiser.state_dict()["state"].items():
            arrays |= _arrays(f"{_OPTIMISER}{index}/", moments)
        manifest = {
            "plan": self.plan.identity(),
            "identity": self.identity,
            "module": _outline(self.module),
            "step": state.step,
            "seconds": state.seconds,
            "curve": {
                "points": state.curve.points,
                "total": state.curve.total,
                "count": state.curve.count,
            },
            "validations": state.validations,
            "stale": state.stale,
            "best": [state.best.step, state.best.loss] if state.best else None,
            "averaged": state.average.count,
        }
        storage.save(self.folder, KIND, manifest, arrays)

    def read(self) -> None:
        """Set the module, the optimiser and the state to what is stored.

        Raises:
            ModelError: the folder is corrupt, or its run has another plan, identity or network.
        """
        manifest, arrays = storage.load(self.folder, KIND)
        self._refuse_another_run(manifest)
        state = self.state
        try:
            tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
            self.module.load_state_dict(storage.under(_MODULE, tensors))
            _load_optimiser(self.optimiser, storage.under(_OPTIMISER, tensors))
            state.average.restore(manifest["averaged"], storage.under(_AVERAGE, tensors))
            state.step = manifest["step"]
            state.seconds = manifest["seconds"]
            state.curve.points = [(step, loss) for step, loss in manifest["curve"]["points"]]
            state.curve.total = manifest["curve"]["total"]
            state.curve.count = manifest["curve"]["count"]
            state.validations = [(step, loss) for step, loss in manifest["validations"]]
            state.stale = manifest["stale"]
            if manifest["best"] is not None:
                step, loss = manifest["best"]
                state.best = Best(step, loss, storage.under(_BEST, tensors))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ModelError(
                f"The checkpoint in {self.folder} is not complete ({error}); "
                "delete the folder, or pass resume=False to start again."
            ) from error

    def _refuse_another_run(self, manifest: Mapping[str, object]) -> None:
        stored, expected = manifest.get("plan"), self.plan.identity()
        if stored != expected:
            before = stored if isinstance(stored, dict) else {}
            names = [*expected, *before]
            name = next(name for name in names if before.get(name) != expected.get(name))
            difference = f"its plan has {name} {before.get(name)}, this one {expected.get(name)}"
        elif manifest.get("identity") != self.identity:
            difference = "it was trained on other data or in another way"
        elif manifest.get("module") != _outline(self.module):
            difference = "its network has other weights or other shapes"
        else:
            return
        raise ModelError(
            f"The checkpoint in {self.folder} belongs to another run: {difference}; "
            "choose another folder, or pass resume=False to start again."
        )


def _outline(module: nn.Module) -> dict[str, list[object]]:
    """Name → type and shape of every tensor that a checkpoint of the module holds."""
    return {
        name: [str(tensor.dtype), list(tensor.shape)]
        for name, tensor in module.state_dict().items()
    }


def _arrays(prefix: str, tensors: Mapping[str, Tensor]) -> Arrays:
    return {prefix + name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}


def _load_optimiser(optimiser: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, _, moment = name.partition("/")
        moments.setdefault(int(index), {})[moment] = tensor
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": moments, "param_groups": groups})
