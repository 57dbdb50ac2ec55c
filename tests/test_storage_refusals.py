"""Model folders that are not what was saved are refused, in a sentence that names them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from tests.model_folder import saved

from holdfast import storage
from holdfast.errors import ModelError


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A saved model of kind "example"."""
    return saved(tmp_path / "model")


def arrays_file(folder: Path) -> Path:
    (found,) = folder.glob("*.safetensors")
    return found


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a manifest as a foreign hand would."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def swap_arrays(folder: Path, data: bytes) -> None:
    """Put other bytes in place of the arrays, with a hash and a size that fit them."""
    arrays_file(folder).write_bytes(data)
    entry = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    edit(folder, lambda manifest: manifest["arrays"].update(entry))


Damage = Callable[[Path], object]


def remove_arrays(folder: Path) -> None:
    arrays_file(folder).unlink()


def truncate(folder: Path) -> None:
    path = arrays_file(folder)
    path.write_bytes(path.read_bytes()[:-3])


def flip(folder: Path) -> None:
    path = arrays_file(folder)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def foreign_type(folder: Path) -> None:
    data = safetensors.numpy.save({"weight": np.zeros(2, np.complex64)})
    swap_arrays(folder, data)


def folder_for_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    (folder / "manifest.json").mkdir()


DAMAGES: dict[str, tuple[Damage, str]] = {
    "no manifest": (lambda f: (f / "manifest.json").unlink(), "it has no manifest.json"),
    "manifest is a folder": (folder_for_manifest, "it has no manifest.json"),
    "random bytes": (lambda f: (f / "manifest.json").write_bytes(b"\xff\x00\x17"), "is not JSON"),
    "deep nesting": (lambda f: (f / "manifest.json").write_text("[" * 10**6), "is not JSON"),
    "cut JSON": (
        lambda f: (f / "manifest.json").write_text((f / "manifest.json").read_text()[:-9]),
        "is not JSON",
    ),
    "other JSON": (lambda f: (f / "manifest.json").write_text("[1]"), "is something else"),
    "foreign format": (lambda f: edit(f, lambda m: m.update(format="keras")), "is something else"),
    "newer": (
        lambda f: edit(f, lambda m: (m.update(format_version=99), m.pop("arrays"))),
        "install a newer Holdfast",
    ),
    "older": (lambda f: edit(f, lambda m: m.update(format_version=1)), "make it again"),
    "no version": (lambda f: edit(f, lambda m: m.pop("format_version")), "lacks fields"),
    "no content": (lambda f: edit(f, lambda m: m.update(content=[])), "lacks fields"),
    "no hash": (lambda f: edit(f, lambda m: m["arrays"].pop("sha256")), "lacks fields"),
    "a path outside": (
        lambda f: edit(f, lambda m: m["arrays"].update(file="../../secret.safetensors")),
        "lacks fields",
    ),
    "no arrays": (remove_arrays, "is missing"),
    "cut arrays": (truncate, "cut short"),
    "one bit": (flip, "changed after it was saved"),
    "not safetensors": (lambda f: swap_arrays(f, b"PK\x03\x04 a zip"), "not a safetensors file"),
    "empty arrays": (lambda f: swap_arrays(f, b""), "not a safetensors file"),
    "header beyond the file": (
        lambda f: swap_arrays(f, (2**62).to_bytes(8, "little") + b"{}"),
        "not a safetensors file",
    ),
    "foreign type": (foreign_type, "a type that Holdfast does not store"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_model_is_refused_in_a_sentence_that_names_the_folder(
    model: Path, damage: str
) -> None:
    do, said = DAMAGES[damage]
    do(model)
    with pytest.raises(ModelError, match=said) as caught:
        storage.load(model, "example")
    assert str(model) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_of_another_kind_is_refused(model: Path) -> None:
    with pytest.raises(ModelError, match="of kind 'example', not 'forecaster'"):
        storage.load(model, "forecaster")


def test_a_path_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "nothing"):
        with pytest.raises(ModelError, match="is not a folder"):
            storage.load(path, "example")
        assert not storage.exists(path)


@pytest.mark.parametrize(
    ("bound", "value"), [("MAX_JSON_BYTES", 50), ("MAX_ARRAYS_BYTES", 50), ("MAX_ARRAYS", 1)]
)
def test_sizes_are_bounded(
    model: Path, monkeypatch: pytest.MonkeyPatch, bound: str, value: int
) -> None:
    monkeypatch.setattr(storage, bound, value)
    with pytest.raises(ModelError, match=f"at most {value} are read"):
        storage.load(model, "example")
