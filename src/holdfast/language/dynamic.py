"""Dynamic evaluation: the model goes on learning from what it has just read."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from holdfast.language.corpus import Stored
from holdfast.language.model import LanguageNetwork, States


@dataclass(frozen=True)
class DynamicRate:
    """How a model learns while it is scored.

    Arguments:
        window: tokens after which it learns, each time from those it has just been scored on.
        rate: of the steps against the gradient, its norm clipped to 1.
        decay: how far each step goes back towards the weights that were trained, as a share.
    """

    window: int = 50
    rate: float = 0.05
    decay: float = 1e-3


def dynamic_surprises(
    network: LanguageNetwork, ids: Stored, how: DynamicRate
) -> Iterator[NDArray[np.float64]]:
    """As `evaluate.surprises`, by a copy of the network that learns from each window after it.

    Every token is scored before anything is learnt from it.

    Arguments:
        network: stays as it is.
        ids: (N,) tokens; the first is only read.
        how: it learns.

    Source: Krause, Kahembwe, Murray and Renals (2018), "Dynamic evaluation of neural sequence
    models", arXiv 1709.07432, equations 4 and 5, with a global clip in place of the mean square of
    the training gradients, which a model folder has not.
    """
    learner = copy.deepcopy(network).eval()
    weights = [weight for weight in learner.parameters() if weight.requires_grad]
    trained = [weight.detach().clone() for weight in weights]
    states: States | None = None
    for begin in range(0, len(ids) - 1, how.window):
        piece = torch.from_numpy(np.asarray(ids[begin : begin + how.window + 1], dtype=np.int64))
        with torch.enable_grad():
            hidden, after = learner(piece[:-1, None], states)
            losses = learner.losses(hidden, piece[1:, None])
            gradients = torch.autograd.grad(losses.mean(), weights)
        yield losses[:, 0].detach().double().numpy()
        states = tuple((h.detach(), c.detach()) for h, c in after)
        norm = torch.linalg.vector_norm(
            torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients])
        )
        step = how.rate * min(1.0, 1.0 / max(float(norm), 1e-12))
        with torch.no_grad():
            for weight, gradient, origin in zip(weights, gradients, trained, strict=True):
                weight.add_(gradient, alpha=-step).lerp_(origin, how.decay)
