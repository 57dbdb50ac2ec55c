"""The networks that ship: which one a table gets, and what a broken installation says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.forecasting.small import untrained

from holdfast.errors import ModelError
from holdfast.forecasting.pretrained import weights
from holdfast.forecasting.pretrained import weights as module
from holdfast.forecasting.pretrained.design import COARSE, FINE
from holdfast.forecasting.pretrained.weights import choose, shipped


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of weights that a test may break."""
    weights.write_network(untrained(), "fine", tmp_path, {})
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    shipped.cache_clear()
    yield tmp_path
    shipped.cache_clear()


@pytest.mark.parametrize(
    ("length", "horizon", "season", "long_season", "name"),
    [
        (144, 12, 12, None, "fine"),  # months
        (60, 8, 4, None, "fine"),  # quarters
        (300, 13, 52, None, "fine"),  # weeks: a season as long, but few of them
        (200, 14, 7, None, "fine"),  # days
        (30, 6, 1, None, "fine"),  # years
        (700, 48, 24, 168, "coarse"),  # hours
        (960, 48, 24, None, "coarse"),
        (2_000, 96, 96, 672, "coarse"),  # quarter hours
        (100, 24, 24, None, "fine"),  # hours of four days: too short for long patches
        (240, 60, 1, None, "coarse"),  # far ahead from a long history
        (200, 60, 1, None, "fine"),
    ],
)
def test_long_patches_are_for_long_seasons_and_far_horizons(
    length: int, horizon: int, season: int, long_season: int | None, name: str
) -> None:
    lengths = np.array([length, length, 0])  # the last one begins later
    assert choose(lengths, horizon, season, long_season) == name


def test_a_table_whose_series_all_begin_later_gets_a_network_too() -> None:
    assert choose(np.zeros(3, dtype=np.int64), 100, 24) == "fine"


@pytest.mark.parametrize(("name", "design"), [("fine", FINE), ("coarse", COARSE)])
def test_both_networks_ship_and_are_read_once(name: module.Name, design: object) -> None:
    network = shipped(name)
    assert network.design == design
    assert not network.training
    assert shipped(name) is network
    assert {weight.dtype for weight in network.state_dict().values()} == {torch.float32}
    facts = weights.read_header(module.FOLDER, name)
    assert facts["parameters"] == sum(weight.numel() for weight in network.parameters())


def test_files_that_are_missing_or_damaged_are_one_sentence(broken: Path) -> None:
    shipped("fine")
    for damage in ("changed", "gone"):
        shipped.cache_clear()
        path = broken / "fine.safetensors"
        if damage == "changed":
            path.write_bytes(path.read_bytes()[:-2])
        else:
            path.unlink()
        with pytest.raises(ModelError, match=r"fine.*install it again\.$"):
            shipped("fine")


def test_a_description_of_something_else_is_one_sentence(broken: Path) -> None:
    (broken / "fine.json").write_text(json.dumps({"format": "keras"}))
    with pytest.raises(ModelError, match=r"fine.*install it again\.$"):
        shipped("fine")
