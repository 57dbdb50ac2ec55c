"""What a fit leaves comes back from its folder as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tests.forecasting.fits import edited, fit, fitted_networks, table

from holdfast import Forecaster, storage
from holdfast.forecasting.model import KIND, FittedModel
from holdfast.forecasting.networks.members import WindowMember
from holdfast.forecasting.predict import forecast
from holdfast.records import ADAPTED, LSTM, PRETRAINED


@pytest.fixture(scope="module")
def fitted() -> FittedModel:
    return fitted_networks()


@pytest.fixture(scope="module")
def folder(fitted: FittedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("fitted") / "good"
    fitted.save(made)
    return made


def test_a_folder_that_nobody_changed_gives_equal_forecasts(
    fitted: FittedModel, folder: Path, tmp_path: Path
) -> None:
    same = edited(folder, tmp_path / "same", lambda manifest, arrays: None)
    made, again = (
        forecast(one, fitted.series, (80.0,)) for one in (fitted, FittedModel.load(same))
    )
    assert list(made.members)[:3] == [PRETRAINED, ADAPTED, LSTM]
    for name, rows in made.members.items():
        assert np.isfinite(rows).all()
        np.testing.assert_array_equal(again.members[name], rows)
    for ours, theirs in ((made.median, again.median), (made.upper[80.0], again.upper[80.0])):
        np.testing.assert_array_equal(theirs, ours)
    assert again.method == made.method
    assert all(name in made.method[0] for name in (PRETRAINED, ADAPTED, LSTM))


def test_a_folder_keeps_the_pretrained_network_and_needs_half_the_room_for_it(
    folder: Path,
) -> None:
    _, arrays = storage.load(folder, KIND)
    kinds = {
        name: {array.dtype.name for key, array in arrays.items() if key.startswith(name)}
        for name in ("Pretrained 0", "Adapted 0")
    }
    assert kinds["Pretrained 0"] == {"float16"}
    assert "float32" in kinds["Adapted 0"]


def test_loading_draws_nothing_and_the_networks_are_whole(folder: Path) -> None:
    before = torch.get_rng_state()
    members = FittedModel.load(folder).networks
    assert torch.equal(torch.get_rng_state(), before)
    networks = []
    for member in members:
        own = member.networks if isinstance(member, WindowMember) else [member.network]
        networks += list(own)
    assert len(networks) == 4
    for network in networks:
        assert not network.training
        tensors = [*network.parameters(), *network.buffers()]
        assert {tensor.device.type for tensor in tensors} == {"cpu"}
        assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize(
    "names",
    [
        np.array(["1", "äpfel 🍎"], dtype=object),
        np.array([1, -(2**63)], dtype=np.int64),
        np.array([1, 2**64 - 1], dtype=np.uint64),
        np.array([3, 4], dtype=np.int8),
        np.array([0.1, -1e300]),
        np.array([0.1, 2.5], dtype=np.float32),
        np.array([True, False]),
    ],
    ids=lambda names: str(names.dtype),
)
def test_ids_come_back_from_a_model_folder_as_they_were(
    names: np.ndarray, folder: Path, tmp_path: Path
) -> None:
    fitted = FittedModel.load(folder)
    named = replace(fitted, series=replace(fitted.series, keys={"unique_id": names}))
    named.save(tmp_path / "named")
    again = FittedModel.load(tmp_path / "named").series.keys["unique_id"]
    assert again.dtype == names.dtype
    assert again.tolist() == names.tolist()


@pytest.mark.parametrize("names", [[True, False], [1.0, 2.5]])
def test_forecasts_of_a_loaded_model_carry_ids_of_the_same_kind(
    names: list[object], tmp_path: Path
) -> None:
    forecaster = fit(table(np.array(names)))
    forecaster.save(tmp_path / "model")
    made, again = forecaster.predict(), Forecaster.load(tmp_path / "model").predict()
    pd.testing.assert_series_equal(again["unique_id"], made["unique_id"], check_exact=True)
    assert again["unique_id"].unique().tolist() == names


def test_ids_that_json_has_no_word_for_come_back_as_text(tmp_path: Path) -> None:
    forecaster = fit(table(np.array([1.5, np.inf])))
    forecaster.save(tmp_path / "model")
    made = Forecaster.load(tmp_path / "model").predict()
    assert list(made["unique_id"].unique()) == ["1.5", "inf"]
