"""Model folders: safetensors for arrays, JSON for everything else, and no pickle.

A folder holds ``manifest.json`` and one file of arrays, whose name contains its own hash. The
manifest is written last and names that file, so that replacing the manifest, one atomic rename,
replaces the model: whoever reads sees the old one or the new one, whole, at any moment.

What is read is untrusted: sizes are bounded, types and hashes checked, and every refusal is one
sentence that names the folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from holdfast.errors import ArgumentError, InputError, ModelError
from holdfast.version import __version__

Array = TypeVar("Array")

FORMAT: Final = "holdfast"
FORMAT_VERSION: Final = 2
MANIFEST: Final = "manifest.json"

MAX_JSON_BYTES: Final = 64 << 20
MAX_ARRAYS_BYTES: Final = 8 << 30
MAX_ARRAYS: Final = 100_000

PARTIAL: Final = ".holdfast-*.part"
"""The pattern of names under which files are written before they are whole."""

_ARRAYS_FILE = re.compile(r"arrays-[0-9a-f]{16}\.safetensors")
_PARTIAL_FILE = re.compile(r"\.holdfast-[0-9a-f]{16}\.part")

_TYPES: Final = {  # safetensors' name → numpy's
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "I16": "int16", "I32": "int32", "I64": "int64",
    "F16": "float16", "F32": "float32", "F64": "float64",
}  # fmt: skip


def local_time() -> str:
    """Now, as records keep it: ISO 8601 to the second, with the offset from UTC."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def exists(folder: str | Path) -> bool:
    """Whether a folder has a manifest; `load` says whether it is sound."""
    return (Path(folder) / MANIFEST).is_file()


def kind_of(folder: str | Path) -> str:
    """What a model folder says it holds, for example "forecaster"; `load` says whether it is sound.

    Raises:
        ModelError: it is no model folder.
    """
    return str(_read_manifest(Path(folder))["kind"])


def identity(folder: str | Path) -> str:
    """What tells the content of a model folder from that of any other: a hash of its arrays.

    Raises:
        ModelError: it is no model folder.
    """
    return str(_read_manifest(Path(folder)).get("arrays", {}).get("sha256", ""))


def save(
    folder: str | Path,
    kind: str,
    manifest: Mapping[str, object],
    arrays: Mapping[str, NDArray[Any]],
) -> None:
    """Write a model folder, whole or not at all.

    A folder of the same kind is replaced; one that holds anything else is left alone and refused.

    Arguments:
        folder: is made where it does not exist, its parents too.
        kind: what is in it, for example "forecaster".
        manifest: whatever JSON can say; numbers must be finite (NaN belongs into an array).
        arrays: name → booleans, integers up to 64 bits or floats from 16 to 64 bits.

    Raises:
        ModelError: the folder holds something else.
        InputError: the folder cannot be written.
        ArgumentError: the manifest is not JSON, or an array has another type.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as parent:
        ...     folder = Path(parent) / "model"
        ...     save(folder, "example", {"horizon": 28}, {"weight": np.ones(3, np.float32)})
        ...     manifest, arrays = load(folder, "example")
        >>> manifest, arrays["weight"].tolist()
        ({'horizon': 28}, [1.0, 1.0, 1.0])
    """
    folder = Path(folder)
    refuse_what_is_not_ours(folder, kind)
    packed = safetensors.numpy.save({name: _plain(name, array) for name, array in arrays.items()})
    packed_digest = digest(packed)
    arrays_file = f"arrays-{packed_digest[:16]}.safetensors"
    try:
        text = json.dumps(
            {
                "format": FORMAT,
                "format_version": FORMAT_VERSION,
                "kind": kind,
                "package_version": __version__,
                "arrays": {"file": arrays_file, "bytes": len(packed), "sha256": packed_digest},
                "content": manifest,
            },
            indent=1,
            allow_nan=False,
            ensure_ascii=False,
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentError(f"The manifest of a {kind} cannot be written as JSON: {error}.") from (
            error
        )
    write_bytes_atomically(folder / arrays_file, packed)
    write_text_atomically(folder / MANIFEST, text)
    _remove_leftovers(folder, keep=arrays_file)


def load(folder: str | Path, kind: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read a model folder after checking everything that can be checked.

    Arguments:
        folder: written by `save`.
        kind: what it must hold.

    Returns:
        The manifest and the arrays, as they were given to `save`.

    Raises:
        ModelError: the folder is missing, corrupt, of another kind or format.
    """
    folder = Path(folder)
    header = _read_manifest(folder)
    found = header["kind"]
    if found != kind:
        raise ModelError(f"{folder} is of kind {found!r}, not {kind!r}; give another folder.")
    version = header["format_version"]
    if version != FORMAT_VERSION:
        advice = "install a newer Holdfast" if version > FORMAT_VERSION else "make it again"
        raise ModelError(
            f"{folder} has format {version}, written by Holdfast {header['package_version']}; this "
            f"version reads format {FORMAT_VERSION}: {advice}."
        )
    return header["content"], _read_arrays(folder, header["arrays"])


@contextmanager
def written_atomically(path: str | Path) -> Iterator[Path]:
    """A temporary name beside a file to write under; then the file is replaced, or left alone.

    Arguments:
        path: the file; folders above it are made where they do not exist.

    Raises:
        InputError: the file cannot be written there.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with written_atomically(Path(folder) / "numbers") as partial:
        ...         _ = partial.write_text("1 2 3")
        ...     [(path.name, path.read_text()) for path in Path(folder).iterdir()]
        [('numbers', '1 2 3')]
    """
    path = Path(path)
    partial = path.with_name(f".holdfast-{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            with partial.open("rb") as file:
                os.fsync(file.fileno())  # the rename must not reach the disk before the data
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"Cannot write {path} ({error.strerror or error}); choose a folder that can be written."
        ) from error


def write_bytes_atomically(path: str | Path, data: bytes) -> None:
    """Write a file, whole or not at all; see `written_atomically`.

    Raises:
        InputError: the file cannot be written there.
    """
    with written_atomically(path) as partial:
        partial.write_bytes(data)


def write_text_atomically(path: str | Path, text: str) -> None:
    """Write a UTF-8 text file, whole or not at all; see `written_atomically`.

    Raises:
        InputError: the file cannot be written there.
    """
    write_bytes_atomically(path, text.encode())


def digest(*parts: bytes | str | NDArray[Any]) -> str:
    """The sha256 of some parts one after the other, in hexadecimal digits.

    Example:
        >>> digest("a", b"b", np.zeros(2))[:8] == digest("ab", np.zeros(2))[:8]
        True
    """
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            part = part.encode()
        found.update(part if isinstance(part, bytes) else np.ascontiguousarray(part).tobytes())
    return found.hexdigest()


def under(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays whose names begin with a prefix, by their names without it.

    Example:
        >>> under("module/", {"module/weight": 1, "best/weight": 2})
        {'weight': 1}
    """
    size = len(prefix)
    return {name[size:]: array for name, array in arrays.items() if name.startswith(prefix)}


def _plain(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """The array as safetensors takes it: C order, this machine's byte order, a known type."""
    array = np.asarray(array)
    native = array.dtype.newbyteorder("=")
    if native.name not in _TYPES.values():
        raise ArgumentError(f"The array {name!r} has type {array.dtype}, which is not stored.")
    return np.asarray(array, dtype=native, order="C")


def refuse_what_is_not_ours(folder: str | Path, kind: str) -> None:
    """Refuse a folder that `save` would refuse; for callers who work long before they save.

    Arguments:
        folder, kind: as `save` will get them.

    Raises:
        ModelError: the folder holds something else.
        InputError: the folder cannot be read.
    """
    folder = Path(folder)
    try:
        if not folder.exists():
            return
        if not folder.is_dir():
            raise ModelError(f"{folder} is a file, not a folder; choose another name.")
        names = [entry.name for entry in folder.iterdir()]
    except OSError as error:
        raise InputError(
            f"Cannot write {folder} ({error.strerror or error}); "
            "choose a folder that can be written."
        ) from error
    if MANIFEST in names:
        try:
            found = _read_manifest(folder)["kind"]
        except ModelError as error:
            raise ModelError(f"{error} It is left alone; choose another folder to write to.") from (
                error
            )
        if found != kind:
            raise ModelError(f"{folder} is of kind {found!r}, not {kind!r}; choose another folder.")
        return
    # Without a manifest, only the remains of a save that was cut short may be written over.
    if any(not (_ARRAYS_FILE.fullmatch(n) or _PARTIAL_FILE.fullmatch(n)) for n in names):
        raise ModelError(
            f"{folder} holds files that are not a Holdfast model; choose a new or an empty folder."
        )


def _remove_leftovers(folder: Path, *, keep: str) -> None:
    """Remove arrays of the model that was replaced and the remains of saves that were cut short."""
    try:
        for entry in list(folder.iterdir()):
            ours = _ARRAYS_FILE.fullmatch(entry.name) or _PARTIAL_FILE.fullmatch(entry.name)
            if ours and entry.name != keep:
                entry.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"Cannot clean up {folder} ({error.strerror or error}); the new model is in place."
        ) from error


def _read_manifest(folder: Path) -> dict[str, Any]:
    """The whole manifest, with every field that this module relies on checked."""
    if not folder.is_dir():
        raise ModelError(f"{folder} is not a folder; give the folder of a saved model.")
    path = folder / MANIFEST
    if not path.is_file():
        raise ModelError(f"{folder} is not a Holdfast model: it has no {MANIFEST}.")
    data = _read_file(path, MAX_JSON_BYTES, folder)
    try:
        header = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not JSON; the model is corrupt, save it again.") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ModelError(f"{folder} is not a Holdfast model: its {MANIFEST} is something else.")
    version, arrays = header.get("format_version"), header.get("arrays")
    texts = (header.get("kind"), header.get("package_version"))
    sound = isinstance(version, int) and all(isinstance(text, str) for text in texts)
    # What a newer format looks like beyond these fields is not for this version to judge.
    if sound and isinstance(version, int) and version <= FORMAT_VERSION:
        sound = (
            isinstance(header.get("content"), dict)
            and isinstance(arrays, dict)
            and isinstance(arrays.get("file"), str)
            and _ARRAYS_FILE.fullmatch(arrays["file"]) is not None
            and isinstance(arrays.get("bytes"), int)
            and isinstance(arrays.get("sha256"), str)
        )
    if not sound:
        raise ModelError(f"{path} lacks fields or has wrong ones; the model is corrupt.")
    return header


def _read_arrays(folder: Path, entry: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    path = folder / entry["file"]
    if not path.is_file():
        raise ModelError(f"{folder} is not complete: {path.name} is missing; save the model again.")
    data = _read_file(path, MAX_ARRAYS_BYTES, folder)
    if len(data) != entry["bytes"]:
        raise ModelError(
            f"{path} has {len(data)} bytes instead of {entry['bytes']}; it was cut short or "
            "changed: save the model again."
        )
    if digest(data) != entry["sha256"]:
        raise ModelError(f"{path} was changed after it was saved; save the model again.")
    try:
        _check_types(path, data)
        arrays: dict[str, NDArray[Any]] = safetensors.numpy.load(data)
    except (safetensors.SafetensorError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not a safetensors file; the model is corrupt.") from error
    return {name: np.require(array, requirements="W") for name, array in arrays.items()}


def _check_types(path: Path, data: bytes) -> None:
    """Refuse types and counts that `save` never writes; layout and sizes are safetensors' part."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + min(length, MAX_JSON_BYTES)])
    if not isinstance(header, dict):
        raise ValueError("the header is not an object")
    header.pop("__metadata__", None)
    if len(header) > MAX_ARRAYS:
        raise ModelError(f"{path} holds {len(header)} arrays; at most {MAX_ARRAYS} are read.")
    for name, entry in header.items():
        if not isinstance(entry, dict) or entry.get("dtype") not in _TYPES:
            raise ModelError(f"{path} holds {name!r} in a type that Holdfast does not store.")


def _read_file(path: Path, most: int, folder: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > most:
            raise ModelError(f"{path} has {size} bytes; at most {most} are read.")
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise ModelError(f"Cannot read {path} of {folder}: {error.strerror or error}.") from error
