"""The two files of a pretrained network: they come back as they were, or are refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch

from holdfast.errors import ArgumentError, InputError, ModelError
from holdfast.forecasting.pretrained import weights
from holdfast.forecasting.pretrained.design import FINE
from holdfast.forecasting.pretrained.model import PretrainedNetwork
from holdfast.forecasting.pretrained.weights import network_paths, read_network, write_network
from holdfast.training.seed import seeded

DESIGN = replace(FINE, window=8, context=32, half_life=16, hidden=8, blocks=1)
FACTS = {"seed": 0, "curve": [[1, 0.5], [2, 0.25]], "cpu": "some – processor"}


def network() -> PretrainedNetwork:
    with seeded(7, torch.device("cpu")):
        return PretrainedNetwork(DESIGN)


def test_a_network_comes_back_in_half_precision_with_its_facts(tmp_path: Path) -> None:
    result = network()
    digest = write_network(result, "fine", tmp_path / "new" / "folder", FACTS)
    again, facts = read_network(tmp_path / "new" / "folder", "fine")
    assert facts == FACTS
    assert again.design == DESIGN
    assert not again.training
    weights = again.state_dict()
    assert list(weights) == list(result.state_dict())
    for name, tensor in result.state_dict().items():
        assert torch.equal(weights[name], tensor.half().float())
    packed = network_paths(tmp_path / "new" / "folder", "fine")[0].read_bytes()
    assert hashlib.sha256(packed).hexdigest() == digest


def test_equal_networks_give_equal_files(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write_network(network(), "fine", tmp_path / folder, FACTS)
    for one, two in zip(
        network_paths(tmp_path / "one", "fine"),
        network_paths(tmp_path / "two", "fine"),
        strict=True,
    ):
        assert one.read_bytes() == two.read_bytes()


def test_reading_moves_no_random_numbers(tmp_path: Path) -> None:
    write_network(network(), "fine", tmp_path, FACTS)
    before = torch.get_rng_state()
    read_network(tmp_path, "fine")
    assert torch.equal(torch.get_rng_state(), before)


def test_what_half_precision_cannot_hold_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    result = network()
    with torch.no_grad():
        result.leave.weight[0] = 1e6
    with pytest.raises(ArgumentError, match=r"leave\.weight"):
        write_network(result, "fine", tmp_path, FACTS)
    with pytest.raises(ArgumentError, match="JSON"):
        write_network(network(), "fine", tmp_path, {"when": object()})
    with pytest.raises(ArgumentError, match="JSON"):
        write_network(network(), "fine", tmp_path, {"loss": float("nan")})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["", "../fine", "Fine", "fine.json", "a/b", "x" * 65])
def test_a_name_is_no_path(name: str, tmp_path: Path) -> None:
    for use in (
        lambda: read_network(tmp_path, name),
        lambda: write_network(network(), name, tmp_path, FACTS),
    ):
        with pytest.raises(ArgumentError, match="name="):
            use()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="file"):
        write_network(network(), "fine", tmp_path / "file", FACTS)


def change(**fields: object) -> Callable[[Path], None]:
    """Change fields of the JSON; None leaves one out."""

    def damage(folder: Path) -> None:
        path = network_paths(folder, "fine")[1]
        header = json.loads(path.read_text(encoding="utf-8")) | fields
        kept = {name: value for name, value in header.items() if value is not None}
        path.write_text(json.dumps(kept), encoding="utf-8")

    return damage


def weights_of(change_arrays: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """Change the weights, and the JSON so that it describes them."""

    def damage(folder: Path) -> None:
        path = network_paths(folder, "fine")[0]
        arrays = safetensors.numpy.load(path.read_bytes())
        change_arrays(arrays)
        packed = safetensors.numpy.save(arrays)
        path.write_bytes(packed)
        change(bytes=len(packed), sha256=hashlib.sha256(packed).hexdigest())(folder)

    return damage


def bytes_of(packed: bytes) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        network_paths(folder, "fine")[0].write_bytes(packed)
        change(bytes=len(packed), sha256=hashlib.sha256(packed).hexdigest())(folder)

    return damage


def huge(field: str, value: int) -> Callable[[Path], None]:
    return change(design={**DESIGN.to_json(), field: value})


NAN = np.full(8, np.nan, dtype=np.float16)
DAMAGES: dict[str, Callable[[Path], object]] = {
    "no JSON": lambda folder: network_paths(folder, "fine")[1].unlink(),
    "no weights": lambda folder: network_paths(folder, "fine")[0].unlink(),
    "JSON that is none": lambda folder: network_paths(folder, "fine")[1].write_bytes(b"\xff{"),
    "JSON without an end": lambda folder: network_paths(folder, "fine")[1].write_text(
        "[" * 100_000
    ),
    "a list": lambda folder: network_paths(folder, "fine")[1].write_text("[]"),
    "something else's JSON": change(format="other"),
    "a newer format": change(format_version=2),
    "another network's name": change(name="coarse"),
    "a field less": change(facts=None),
    "a field more": change(extra=1),
    "facts that are none": change(facts=[1]),
    "another hash": change(sha256="0" * 64),
    "weights cut short": lambda folder: network_paths(folder, "fine")[0].write_bytes(b"short"),
    "weights that are none": bytes_of(b"\x08" + b"\0" * 7 + b"not json"),
    "weights with a type of their own": bytes_of(
        (b'{"a":{"dtype":"F8_E8M0","shape":[1],"data_offsets":[0,1]}}'.ljust(64)).join(
            [(64).to_bytes(8, "little"), b"\0"]
        )
    ),
    "a design with more units": huge("hidden", 16),
    "a design that takes all memory": huge("hidden", 4096),
    "a design beyond all bounds": huge("hidden", 10**9),
    "a design with a text": change(design={**DESIGN.to_json(), "blocks": "1"}),
    "a weight less": weights_of(lambda arrays: arrays.pop("leave.weight")),
    "a weight more": weights_of(lambda arrays: arrays.update(more=NAN)),
    "a weight of single precision": weights_of(
        lambda arrays: arrays.update({"leave.weight": np.ones(8, np.float32)})
    ),
    "a weight that is not a number": weights_of(
        lambda arrays: arrays.update({"leave.weight": NAN})
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_refused_in_a_sentence_that_names_the_file(name: str, tmp_path: Path) -> None:
    write_network(network(), "fine", tmp_path, FACTS)
    DAMAGES[name](tmp_path)
    with pytest.raises(ModelError, match=r"fine\.(json|safetensors)") as refused:
        read_network(tmp_path, "fine")
    assert str(refused.value).endswith(".")


def test_files_beyond_all_size_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_network(network(), "fine", tmp_path, FACTS)
    monkeypatch.setattr(weights, "MAX_WEIGHTS_BYTES", 100)
    with pytest.raises(ModelError, match="more than 100 bytes"):
        read_network(tmp_path, "fine")
