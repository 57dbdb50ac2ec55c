"""Model folders: what goes in comes out, whole or not at all, and nothing foreign gets in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from tests.model_folder import WEIGHTS, saved

from holdfast import storage
from holdfast.errors import ArgumentError, InputError, ModelError


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A saved model of kind "example"."""
    return saved(tmp_path / "model")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # Lone surrogates are not text that UTF-8 can hold.
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("aé ", max_size=3), inner),
    max_leaves=6,
)
TYPES = st.sampled_from(
    ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", ">f8"]
)
ARRAYS = TYPES.flatmap(
    lambda name: arrays_of.arrays(np.dtype(name), arrays_of.array_shapes(min_dims=0, min_side=0))
)


@given(
    manifest=st.dictionaries(st.text("xyz", max_size=2), JSON, max_size=3),
    arrays=st.dictionaries(st.text("abc/", min_size=1, max_size=4), ARRAYS, max_size=3),
)
@settings(max_examples=40, deadline=None)
def test_what_is_saved_is_what_is_loaded(
    tmp_path_factory: pytest.TempPathFactory,
    manifest: dict[str, object],
    arrays: dict[str, np.ndarray[Any, Any]],
) -> None:
    folder = tmp_path_factory.mktemp("round")
    storage.save(folder, "example", manifest, arrays)
    loaded, found = storage.load(folder, "example")
    assert loaded == manifest
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype.newbyteorder("=")
        assert found[name].flags.writeable
        np.testing.assert_array_equal(found[name], array)


def test_views_are_saved_as_they_look(tmp_path: Path) -> None:
    base = np.arange(12.0).reshape(3, 4)
    storage.save(tmp_path, "example", {}, {"turned": base.T, "every": base[::2, ::-1]})
    _, arrays = storage.load(tmp_path, "example")
    np.testing.assert_array_equal(arrays["turned"], base.T)
    np.testing.assert_array_equal(arrays["every"], base[::2, ::-1])


def test_a_folder_and_its_parents_are_made(tmp_path: Path) -> None:
    folder = tmp_path / "one" / "two with spaces 🧺"
    storage.save(folder, "example", {}, WEIGHTS)
    assert storage.exists(folder)
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".safetensors"]


def test_saving_again_replaces_the_model_and_leaves_no_rest(model: Path) -> None:
    storage.save(model, "example", {"horizon": 7}, {"weight": np.zeros(2)})
    manifest, arrays = storage.load(model, "example")
    assert manifest == {"horizon": 7}
    assert list(arrays) == ["weight"]
    assert len(list(model.iterdir())) == 2


@pytest.mark.parametrize("replacement", [1, 2])
def test_a_crash_before_a_rename_leaves_the_old_model(
    model: Path, monkeypatch: pytest.MonkeyPatch, replacement: int
) -> None:
    """The first rename puts the new arrays in place, the second the manifest."""
    calls = 0
    rename = Path.replace

    def crash(self: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == replacement:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        storage.save(model, "example", {"horizon": 7}, {"weight": np.zeros(2)})
    monkeypatch.undo()
    manifest, arrays = storage.load(model, "example")
    assert manifest == {"horizon": 28}
    np.testing.assert_array_equal(arrays["weight"], WEIGHTS["weight"])
    storage.save(model, "example", {"horizon": 7}, {"weight": np.zeros(2)})
    assert len(list(model.iterdir())) == 2


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from holdfast import storage
Path.replace = lambda self, target: os.kill(os.getpid(), signal.SIGKILL)
storage.save(sys.argv[1], "example", {"horizon": 7}, {"weight": np.zeros(2)})
"""


def test_a_kill_leaves_the_old_model_and_the_next_save_cleans_up(model: Path) -> None:
    source = str(Path(storage.__file__).parents[1])
    result = subprocess.run(
        [sys.executable, "-c", KILLED, str(model)],
        env=os.environ | {"PYTHONPATH": source},
        check=False,
    )
    assert result.returncode == -9
    assert len(list(model.iterdir())) == 3
    assert storage.load(model, "example")[0] == {"horizon": 28}
    storage.save(model, "example", {"horizon": 7}, WEIGHTS)
    assert len(list(model.iterdir())) == 2


def test_a_save_that_was_cut_short_in_a_new_folder_can_be_repeated(tmp_path: Path) -> None:
    (tmp_path / ("arrays-" + "0" * 16 + ".safetensors")).write_bytes(b"half")
    (tmp_path / (".holdfast-" + "0" * 16 + ".part")).write_bytes(b"half")
    storage.save(tmp_path, "example", {}, WEIGHTS)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    thesis = tmp_path / "thesis.tex"
    thesis.write_text("years of work")
    with pytest.raises(ModelError, match="holds files that are not a Holdfast model"):
        storage.save(tmp_path, "example", {}, WEIGHTS)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_model_of_another_kind_is_left_alone(model: Path) -> None:
    with pytest.raises(ModelError, match="of kind 'example', not 'forecaster'"):
        storage.save(model, "forecaster", {}, WEIGHTS)
    assert storage.load(model, "example")[0] == {"horizon": 28}


def test_a_folder_with_a_foreign_manifest_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"name": "a browser extension"}')
    with pytest.raises(ModelError, match="left alone"):
        storage.save(tmp_path, "example", {}, WEIGHTS)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_in_the_place_of_the_folder_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_text("text")
    with pytest.raises(ModelError, match="is a file"):
        storage.save(path, "example", {}, WEIGHTS)
    assert path.read_text() == "text"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}])
def test_a_manifest_that_json_cannot_hold_is_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(ArgumentError, match="cannot be written as JSON"):
        storage.save(tmp_path / "model", "example", {"x": value}, WEIGHTS)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("values", [["a", "b"], [1j], [None]])
def test_arrays_of_other_types_are_refused_by_name(tmp_path: Path, values: list[object]) -> None:
    with pytest.raises(ArgumentError, match="'odd' has type"):
        storage.save(tmp_path / "model", "example", {}, {"odd": np.array(values)})
    assert not (tmp_path / "model").exists()


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"Cannot write .*choose a folder that can be written"):
        storage.save(tmp_path / "file" / "model", "example", {}, WEIGHTS)


def test_a_missing_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write anywhere, so the refusal is the operating system's, replayed."""

    def deny(self: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", deny)
    with pytest.raises(InputError, match="Permission denied"):
        storage.write_text_atomically(tmp_path / "page.html", "text")


def test_the_manifest_says_what_wrote_it(model: Path) -> None:
    manifest = json.loads((model / "manifest.json").read_text(encoding="utf-8"))
    del manifest["arrays"]
    assert manifest.pop("package_version")
    assert manifest == {
        "format": "holdfast",
        "format_version": 2,
        "kind": "example",
        "content": {"horizon": 28},
    }


def test_a_file_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "made" / "forecast.csv"
    storage.write_text_atomically(path, "ä\n")
    assert path.read_bytes() == "ä\n".encode()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left on device"):
        storage.write_bytes_atomically(path, b"new")
    assert path.read_bytes() == "ä\n".encode()
    assert list(path.parent.iterdir()) == [path]


def test_files_get_the_permissions_that_the_user_asks_for(tmp_path: Path) -> None:
    """Temporary files are often private; what is left for others to read must not be."""
    storage.write_text_atomically(tmp_path / "ours", "")
    (tmp_path / "plain").write_text("")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_storage_does_not_import_torch() -> None:
    code = "import sys, holdfast.storage; sys.exit('torch' in sys.modules)"
    source = str(Path(storage.__file__).parents[1])
    result = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": source}, check=False
    )
    assert result.returncode == 0
