"""A pretrained network small enough for a test, in the place of the one that ships."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

import torch

from holdfast.forecasting import fit
from holdfast.forecasting.pretrained.design import FINE
from holdfast.forecasting.pretrained.model import PretrainedNetwork

DESIGN = replace(FINE, window=16, context=32, half_life=16, hidden=16, blocks=1, smoothings=0)


def untrained() -> PretrainedNetwork:
    """A fresh network; nobody's random numbers are moved."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return PretrainedNetwork(DESIGN).half().float().eval()


@contextmanager
def small_network() -> Iterator[PretrainedNetwork]:
    """Inside, fits begin with a small network that was never trained."""
    network = untrained()
    with patch.object(fit, "shipped", lambda name: network):
        yield network
