"""Model folders whose parts do not fit together are refused, before anything is built of them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.forecasting.fits import Arrays, Edit, Manifest, edited, fitted_networks

from holdfast import Forecaster
from holdfast.errors import ModelError
from holdfast.records import LSTM


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that nobody changed."""
    made = tmp_path_factory.mktemp("fitted") / "good"
    fitted_networks().save(made)
    return made


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
    with pytest.raises(
        ModelError, match=r"changed does not fit together \(.+\); fit again with .+\.$"
    ):
        Forecaster.load(changed)
    # Building the networks that some of these ask for takes ten seconds and gigabytes.
    assert time.process_time() - begun < 2.0


def test_a_folder_of_an_earlier_format_is_refused_in_a_sentence(
    folder: Path, tmp_path: Path
) -> None:
    older = edited(folder, tmp_path / "older", lambda manifest, arrays: None)
    header = json.loads((older / "manifest.json").read_text(encoding="utf-8"))
    (older / "manifest.json").write_text(json.dumps(header | {"format_version": 1}))
    with pytest.raises(ModelError, match=r"format 1.*make it again"):
        Forecaster.load(older)
