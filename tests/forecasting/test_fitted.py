from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from tests.forecasting.small import small_network

from holdfast import Forecaster, storage
from holdfast.errors import ModelError
from holdfast.forecasting.fitted import KIND, Fitted
from holdfast.forecasting.network.design import choose_design
from holdfast.forecasting.network.members import PretrainedMember, WindowMember
from holdfast.forecasting.network.recipes import Adapting, Scratch
from holdfast.forecasting.predictor import forecast
from holdfast.records import LSTM, NETWORKS

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


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    """What a fit leaves where each of the networks is worth its weight."""
    made = fit(table(np.array(["a", "b"], dtype=object)))
    zero = made._require()
    start = made_of(zero)
    design = choose_design(zero.series.lengths, HORIZON, 12)
    networks = [Scratch(design).task(zero.series, None, seed).module.eval() for seed in (0, 1)]
    adapted = Adapting(start).task(zero.series, None, 0).module.eval()
    with torch.no_grad():
        for weight in adapted.parameters():
            weight.mul_(1.001)  # no weight that half precision could hold
    members = (
        start,
        replace(start, name="Adapted", network=adapted),
        WindowMember(design, networks),
    )
    names = (*NETWORKS, *zero.rule.names[1:])
    weights = np.full(len(names), 1.0 / len(names))
    rule = replace(zero.rule, names=names, weights=weights)
    return replace(zero, networks=members, rule=rule)


def made_of(fitted: Fitted) -> PretrainedMember:
    """The network of a fit that trained nothing."""
    (member,) = fitted.networks
    assert isinstance(member, PretrainedMember)
    return member


@pytest.fixture(scope="module")
def folder(fitted: Fitted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("fitted") / "good"
    fitted.save(made)
    return made


def edited(folder: Path, target: Path, edit: Edit) -> Path:
    """The model with a change that its hash does not give away."""
    manifest, arrays = storage.load(folder, KIND)
    edit(manifest, arrays)
    storage.save(target, KIND, manifest, arrays)
    return target


def sets(*path: str, to: object) -> Edit:
    """Set a field of the manifest."""

    def edit(manifest: Manifest, arrays: Arrays) -> None:
        for name in path[:-1]:
            manifest = manifest[name]
        manifest[path[-1]] = to

    return edit


def designs(**fields: object) -> Edit:
    """Set fields of the design of the networks that were trained from nothing."""
    return lambda manifest, arrays: manifest["networks"][LSTM]["design"].update(fields)


def patches(name: str, **fields: object) -> Edit:
    """Set fields of the design of the pretrained network, or of the adapted one."""
    return lambda manifest, arrays: manifest["networks"][name]["design"].update(fields)


def ids(kind: object, *values: object) -> Edit:
    return sets("keys", "unique_id", to={"kind": kind, "values": list(values)})


def puts(name: str, made: Callable[[np.ndarray], object]) -> Edit:
    """Replace an array by what is made of it."""
    return lambda manifest, arrays: arrays.update({name: np.asarray(made(arrays[name]))})


def drops_weights(manifest: Manifest, arrays: Arrays) -> None:
    del arrays["LSTM 0/read.0.bias"]


def empties_the_first_series(manifest: Manifest, arrays: Arrays) -> None:
    arrays["series/values"] = arrays["series/values"][72:]
    arrays["series/offsets"] = np.array([0, 0, 72])


def blinds_the_last_series(manifest: Manifest, arrays: Arrays) -> None:
    arrays["series/values"][72:] = np.nan


def ends_beyond_64_bits(manifest: Manifest, arrays: Arrays) -> None:
    manifest["calendar"] |= {"kind": "counter", "step": 2**60, "phase": 0}


def without_season_but_with_its_mean(manifest: Manifest, arrays: Arrays) -> None:
    assert "SeasonalMean" in manifest["members"]
    manifest["season"] = 1


def renames(old: str, new: str) -> Edit:
    def edit(manifest: Manifest, arrays: Arrays) -> None:
        members = manifest["members"]
        members[members.index(old)] = new

    return edit


_WRAPS = np.array([0, -(2**63), 0])
WEIGHT = "LSTM 0/read.2.weight"
OTHER_WEIGHT = "Adapted 0/enter.0.weight"
DAMAGE: dict[str, Edit] = {
    "a field is missing": lambda manifest, arrays: manifest.pop("horizon"),
    "a field is unknown": sets("more", to=1),
    "horizon is a boolean": sets("horizon", to=True),
    "horizon is not that of the weights": sets("horizon", to=4),
    "season of 10 million": sets("season", to=10_000_000),
    "season 1": without_season_but_with_its_mean,
    "networks": sets("networks", LSTM, "networks", to=65),
    "more networks than weights": sets("networks", LSTM, "networks", to=9),
    "networks is a list": sets("networks", to=[]),
    "no pretrained network": lambda manifest, arrays: manifest["networks"].pop("Pretrained"),
    "a member without its network": lambda manifest, arrays: manifest["networks"].pop("Adapted"),
    "a network of another name": sets("networks", "Delphi", to={}),
    "no design": sets("networks", LSTM, "design", to=None),
    "design is a list": sets("networks", LSTM, "design", to=[]),
    "a field of a network is unknown": sets("networks", "Adapted", "more", to=1),
    "a network is a list": sets("networks", "Pretrained", to=[]),
    "long season 0": sets("networks", "Pretrained", "long season", to=0),
    "long season is text": sets("networks", "Adapted", "long season", to="168"),
    "pretrained: no design": sets("networks", "Pretrained", "design", to=None),
    "pretrained: hidden is not that of the weights": patches("Pretrained", hidden=4000),
    "pretrained: 64 blocks": patches("Adapted", blocks=64),
    "pretrained: patch 0": patches("Adapted", patch=0),
    "pretrained: a window that is not whole patches": patches("Pretrained", window=33),
    "adapted weights hold NaN": puts(OTHER_WEIGHT, lambda weight: weight * np.nan),
    "adapted weights are whole numbers": puts(OTHER_WEIGHT, lambda w: w.astype(np.int64)),
    "patch 0": designs(patch=0),
    "patch does not divide the context": designs(context=36, patch=5),
    "patch is a boolean": designs(patch=True),
    "patch is a fraction": designs(patch=1.0),
    "span 0": designs(span=0),
    "span beyond the context": designs(span=1_000_000),
    "context of a billion": designs(context=10**9),
    "context of a million positions": designs(context=10**6),
    "least 0": designs(least=0),
    "hidden 0": designs(hidden=0),
    "hidden too large": designs(hidden=4097),
    "hidden is not that of the weights": designs(hidden=4000),
    "a million layers": designs(layers=10**6),
    "more layers than weights": designs(layers=16),
    "batch 0": designs(batch=0),
    "lag 0": designs(lags=[0]),
    "a lag beyond the context": designs(lags=[1, 100_000]),
    "no lags": designs(lags=[]),
    "too many lags": designs(lags=[1] * 17),
    "other lags than the weights": designs(lags=[1] * 16),
    "lags is a number": designs(lags=1),
    "a lag is text": designs(lags=["1"]),
    "dropout 1": designs(dropout=1.0),
    "dropout is a boolean": designs(dropout=False),
    "dropout is text": designs(dropout="0.1"),
    "learning rate 0": designs(learning_rate=0.0),
    "learning rate without end": designs(learning_rate=10**400),
    "weights are missing": drops_weights,
    "weights hold NaN": puts(WEIGHT, lambda weight: weight * np.nan),
    "weights hold infinity": puts(WEIGHT, lambda weight: weight + np.inf),
    "weights in double precision": puts(WEIGHT, lambda weight: weight.astype(np.float64)),
    "weights in another shape": puts(WEIGHT, lambda weight: weight[:, :-1]),
    "an unknown member": renames("Theta", "Delphi"),
    "a member twice": renames("Theta", "Naive"),
    "members is a text": sets("members", to=LSTM),
    "no members": sets("members", to=[]),
    "levels are booleans": puts("rule/levels", lambda levels: levels > 0),
    "levels are NaN": puts("rule/levels", lambda levels: levels * np.nan),
    "levels twice": puts("rule/levels", lambda levels: levels * 0 + 80),
    "levels in a table": puts("rule/levels", lambda levels: levels[:, None]),
    "no levels": lambda manifest, arrays: arrays.pop("rule/levels"),
    "blend weights hold NaN": puts("rule/weights", lambda weights: weights * np.nan),
    "share above one": puts("rule/share and unit", lambda pair: pair + 2),
    "scores are too many": puts("rule/scores", lambda scores: scores + np.inf),
    "ids names another column": sets("ids", to=["zzz"]),
    "ids names a column twice": sets("ids", to=["unique_id", "unique_id"]),
    "ids is empty": sets("ids", to=[]),
    "no keys": sets("keys", to={}),
    "keys is a list": sets("keys", to=[]),
    "a key column is a list": sets("keys", "unique_id", to=["a", "b"]),
    "a key column is too short": ids("text", "a"),
    "an unknown kind of id": ids("datetime64[ns]", "a", "b"),
    "a kind of id that is a list": ids([], "a", "b"),
    "an id beyond 64 bits": ids("int64", 10**30, 1),
    "a number among texts": ids("text", 1, "b"),
    "an id beyond its kind": ids("uint8", 256, 1),
    "an id below its kind": ids("uint64", -1, 1),
    "a boolean among whole ids": ids("int64", True, 1),
    "a number among booleans": ids("bool", True, 1),
    "a fraction beyond its kind": ids("float32", 1e300, 1.0),
    "an id that is a list": ids("text", [1], [2]),
    "an id that is nothing": ids("text", None, "b"),
    "labels is a text": sets("labels", to="ab"),
    "a label is a number": sets("labels", to=["a", 1]),
    "no labels": sets("labels", to=[]),
    "one label too many": sets("labels", to=["a", "b", "c"]),
    "time is a number": sets("time", to=1),
    "target is nothing": sets("target", to=None),
    "calendar is a list": sets("calendar", to=[]),
    "calendar of no kind": sets("calendar", "kind", to="lunar"),
    "calendar with a zone that is a folder": sets("calendar", "zone", to="Europe"),
    "counter beyond 64 bits": ends_beyond_64_bits,
    "starts beyond the calendar": puts("series/starts", lambda starts: starts + 2**40),
    "starts beyond 64 bits": puts("series/starts", lambda starts: starts * 0 + (2**63 - 1)),
    "starts are fractions": puts("series/starts", lambda starts: starts / 2),
    "offsets fall": puts("series/offsets", lambda offsets: offsets[[0, 2, 2]] * [1, 2, 1]),
    "offsets wrap around": puts("series/offsets", lambda offsets: offsets * [1, 0, 1] + _WRAPS),
    "values are infinite": puts("series/values", lambda values: values + np.inf),
    "a series without a value": blinds_the_last_series,
    "a series without a point": empties_the_first_series,
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_model_folder_that_does_not_fit_together_is_refused_by_name(
    damage: str, folder: Path, tmp_path: Path
) -> None:
    changed = edited(folder, tmp_path / "changed", DAMAGE[damage])
    begun = time.process_time()
    with pytest.raises(ModelError, match=r"changed does not fit together \(.+\); save it again\.$"):
        Forecaster.load(changed)
    # Building the networks that some of these ask for takes ten seconds and gigabytes.
    assert time.process_time() - begun < 2.0


def test_a_folder_that_nobody_changed_gives_equal_forecasts(
    fitted: Fitted, folder: Path, tmp_path: Path
) -> None:
    same = edited(folder, tmp_path / "same", lambda manifest, arrays: None)
    made, again = (forecast(one, fitted.series, (80.0,)) for one in (fitted, Fitted.load(same)))
    assert list(made.members)[:3] == list(NETWORKS)
    for name, rows in made.members.items():
        assert np.isfinite(rows).all()
        np.testing.assert_array_equal(again.members[name], rows)
    for ours, theirs in ((made.median, again.median), (made.upper[80.0], again.upper[80.0])):
        np.testing.assert_array_equal(theirs, ours)
    assert again.method == made.method
    assert all(name in made.method[0] for name in NETWORKS)


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


def test_a_folder_of_an_earlier_format_is_refused_in_a_sentence(
    folder: Path, tmp_path: Path
) -> None:
    older = edited(folder, tmp_path / "older", lambda manifest, arrays: None)
    header = json.loads((older / "manifest.json").read_text(encoding="utf-8"))
    (older / "manifest.json").write_text(json.dumps(header | {"format_version": 1}))
    with pytest.raises(ModelError, match=r"format 1.*make it again"):
        Forecaster.load(older)


def test_loading_draws_nothing_and_the_networks_are_whole(folder: Path) -> None:
    before = torch.get_rng_state()
    members = Fitted.load(folder).networks
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
    fitted = Fitted.load(folder)
    named = replace(fitted, series=replace(fitted.series, keys={"unique_id": names}))
    named.save(tmp_path / "named")
    again = Fitted.load(tmp_path / "named").series.keys["unique_id"]
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
