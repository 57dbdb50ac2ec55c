"""Files of a training run from which it resumes bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from holdfast import storage
from holdfast.errors import ModelError
from holdfast.training.plan import Plan
from holdfast.training.state import Best, RunState

KIND = "checkpoint"

Arrays: TypeAlias = dict[str, NDArray[np.generic]]

_MODULE, _OPTIMISER, _AVERAGE, _BEST = "module/", "optimiser/", "average/", "best/"


def exists(folder: Path) -> bool:
    """Whether `folder` holds something to resume from."""
    return storage.exists(folder)


def write(
    folder: Path,
    *,
    plan: Plan,
    identity: str,
    module: nn.Module,
    optimiser: Optimizer,
    state: RunState,
) -> None:
    """Write a run to `folder`, in place of its earlier checkpoint there; all of it or nothing.

    Arguments:
        folder: holds this checkpoint and nothing else.
        plan, identity: what the run is; `read` refuses another plan or identity.
        module, optimiser, state: where the run stands.

    Raises:
        InputError: the folder cannot be written or belongs to something else.
    """
    arrays = _arrays(_MODULE, module.state_dict())
    arrays |= _arrays(_AVERAGE, state.average.sums)
    arrays |= _arrays(_BEST, state.best.weights if state.best else {})
    for index, moments in optimiser.state_dict()["state"].items():
        arrays |= _arrays(f"{_OPTIMISER}{index}/", moments)
    manifest = {
        "plan": plan.identity(),
        "identity": identity,
        "module": _outline(module),
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
    storage.save(folder, KIND, manifest, arrays)


def read(
    folder: Path,
    *,
    plan: Plan,
    identity: str,
    module: nn.Module,
    optimiser: Optimizer,
    state: RunState,
) -> None:
    """Set `module`, `optimiser` and `state` to what `folder` holds.

    Raises:
        ModelError: the folder is corrupt, or its run has another plan, identity or network.
    """
    manifest, arrays = storage.load(folder, KIND)
    _refuse_another_run(folder, manifest, plan, identity, module)
    try:
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        module.load_state_dict(_under(_MODULE, tensors))
        _load_optimiser(optimiser, _under(_OPTIMISER, tensors))
        state.average.restore(manifest["averaged"], _under(_AVERAGE, tensors))
        state.step = manifest["step"]
        state.seconds = manifest["seconds"]
        state.curve.points = [(step, loss) for step, loss in manifest["curve"]["points"]]
        state.curve.total = manifest["curve"]["total"]
        state.curve.count = manifest["curve"]["count"]
        state.validations = [(step, loss) for step, loss in manifest["validations"]]
        state.stale = manifest["stale"]
        if manifest["best"] is not None:
            step, loss = manifest["best"]
            state.best = Best(step, loss, _under(_BEST, tensors))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"The checkpoint in {folder} is not complete ({error}); "
            "delete the folder, or pass resume=False to start again."
        ) from error


def _refuse_another_run(
    folder: Path, manifest: Mapping[str, object], plan: Plan, identity: str, module: nn.Module
) -> None:
    theirs, ours = manifest.get("plan"), plan.identity()
    if theirs != ours:
        was = theirs if isinstance(theirs, dict) else {}
        name = next(name for name in [*ours, *was] if was.get(name) != ours.get(name))
        difference = f"its plan has {name} {was.get(name)}, this one {ours.get(name)}"
    elif manifest.get("identity") != identity:
        difference = "it was trained on other data or in another way"
    elif manifest.get("module") != _outline(module):
        difference = "its network has other weights or other shapes"
    else:
        return
    raise ModelError(
        f"The checkpoint in {folder} belongs to another run: {difference}; "
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


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose name starts with a prefix, without it."""
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def _load_optimiser(optimiser: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, _, moment = name.partition("/")
        moments.setdefault(int(index), {})[moment] = tensor
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": moments, "param_groups": groups})
