"""Small fits of two monthly series, and their model folders with a change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from tests.forecasting.small import small_network

from holdfast import Forecaster, storage
from holdfast.forecasting.model import KIND, FittedModel
from holdfast.forecasting.networks.design import choose_design
from holdfast.forecasting.networks.members import PretrainedMember, WindowMember
from holdfast.forecasting.networks.recipes import FineTuning, FromScratch
from holdfast.records import ADAPTED, LSTM, PRETRAINED

HORIZON = 3
Manifest = dict[str, Any]
Arrays = dict[str, np.ndarray]
Edit = Callable[[Manifest, Arrays], object]


def table(ids: object) -> pd.DataFrame:
    """Two monthly series with a season of 12."""
    generator = np.random.default_rng(0)
    month = np.tile(np.arange(72), 2)
    return pd.DataFrame(
        {
            "unique_id": np.repeat(ids, 72),
            "ds": np.tile(pd.date_range("2015-01-01", periods=72, freq="MS"), 2),
            "y": 50.0 + 8.0 * np.sin(2 * np.pi * month / 12) + generator.normal(0, 1.0, 144),
        }
    )


def fit(frame: pd.DataFrame) -> Forecaster:
    with small_network():
        return Forecaster(HORIZON, season=12, adapt="none").fit(frame)


def fitted_networks() -> FittedModel:
    """What a fit leaves where each of the networks is worth its weight."""
    made = fit(table(np.array(["a", "b"], dtype=object)))
    zero = made._fitted_model()
    start = made_of(zero)
    design = choose_design(zero.series.lengths, HORIZON, 12)
    networks = [FromScratch(design).task(zero.series, None, seed).module.eval() for seed in (0, 1)]
    adapted = FineTuning(start).task(zero.series, None, 0).module.eval()
    with torch.no_grad():
        for weight in adapted.parameters():
            weight.mul_(1.001)  # no weight that half precision could hold
    members = (
        start,
        replace(start, name="Adapted", network=adapted),
        WindowMember(design, networks),
    )
    names = (PRETRAINED, ADAPTED, LSTM, *zero.ensemble.names[1:])
    weights = np.full(len(names), 1.0 / len(names))
    ensemble = replace(zero.ensemble, names=names, weights=weights)
    return replace(zero, networks=members, ensemble=ensemble)


def made_of(fitted: FittedModel) -> PretrainedMember:
    """The network of a fit that trained nothing."""
    (member,) = fitted.networks
    assert isinstance(member, PretrainedMember)
    return member


def edited(folder: Path, target: Path, edit: Edit) -> Path:
    """The model with a change that its hash does not give away."""
    manifest, arrays = storage.load(folder, KIND)
    edit(manifest, arrays)
    storage.save(target, KIND, manifest, arrays)
    return target
