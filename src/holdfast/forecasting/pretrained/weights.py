"""A pretrained network as two files: weights of half precision, and a JSON that says what they are.

``fine.safetensors`` holds the weights, ``fine.json`` the design, the weights' hash and whatever is
known about the training. What is read is untrusted: sizes are bounded, types, shapes and the hash
are checked before a network is built.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import safetensors
import safetensors.numpy
import torch
from numpy.typing import NDArray

from holdfast.errors import ArgumentError, ModelError
from holdfast.forecasting.pretrained.design import PatchDesign
from holdfast.forecasting.pretrained.model import PretrainedNetwork
from holdfast.storage import digest, write_bytes_atomically, write_text_atomically
from holdfast.training.weights import network_from

FORMAT: Final = "holdfast pretrained network"
FORMAT_VERSION: Final = 1

MAX_WEIGHTS_BYTES: Final = 256 << 20
MAX_JSON_BYTES: Final = 4 << 20

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
_FIELDS: Final = {
    "format", "format_version", "name", "design", "parameters", "bytes", "sha256", "facts",
}  # fmt: skip


def network_paths(folder: str | Path, name: str) -> tuple[Path, Path]:
    """Where the weights of a network and the JSON beside them lie.

    Raises:
        ArgumentError: the name is not lower-case letters, digits and hyphens.
    """
    if _NAME.fullmatch(name) is None:
        raise ArgumentError(
            f"name={name!r} cannot name a network; take lower-case letters, digits and hyphens."
        )
    return Path(folder) / f"{name}.safetensors", Path(folder) / f"{name}.json"


def write_network(
    network: PretrainedNetwork, name: str, folder: str | Path, facts: Mapping[str, object]
) -> str:
    """Write a network's two files, each whole or not at all; returns the sha256 of the weights.

    Arguments:
        network: its weights are rounded to half precision.
        folder: is made where it does not exist.
        facts: about the training; whatever JSON can say.

    Raises:
        ArgumentError: the name is unfit, a weight is too large for half precision, or the facts
            are not JSON.
        InputError: the folder cannot be written.
    """
    weights_path, json_path = network_paths(folder, name)
    arrays = {key: _halved(key, tensor) for key, tensor in network.state_dict().items()}
    packed = safetensors.numpy.save(arrays)
    packed_digest = digest(packed)
    header = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "name": name,
        "design": network.design.to_json(),
        "parameters": sum(array.size for array in arrays.values()),
        "bytes": len(packed),
        "sha256": packed_digest,
        "facts": facts,
    }
    try:
        text = _text(header)
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentError(f"The facts about {name!r} cannot be written as JSON: {error}.") from (
            error
        )
    write_bytes_atomically(weights_path, packed)
    write_text_atomically(json_path, text)
    return packed_digest


def read_network(folder: str | Path, name: str) -> tuple[PretrainedNetwork, dict[str, Any]]:
    """A network that `write_network` wrote, in single precision, ready to forecast; and the facts.

    Raises:
        ArgumentError: the name is unfit.
        ModelError: a file is missing, corrupt, of something else or from a newer version.
    """
    weights_path, json_path = network_paths(folder, name)
    header = read_header(folder, name)
    packed = _bytes(weights_path, MAX_WEIGHTS_BYTES)
    if len(packed) != header["bytes"] or digest(packed) != header["sha256"]:
        raise ModelError(
            f"{weights_path} is not the file that {json_path.name} describes; it was cut short or "
            "changed: take both files from one place again."
        )
    try:
        design = PatchDesign.from_json(header["design"])
        network = network_from(lambda: PretrainedNetwork(design), _arrays(packed))
    except (ModelError, safetensors.SafetensorError, ValueError, TypeError) as error:
        reason = str(error).rstrip(".")
        raise ModelError(f"{weights_path} does not fit together ({reason}).") from error
    return network, header["facts"]


def read_header(folder: str | Path, name: str) -> dict[str, Any]:
    """What the JSON says of a network, without its weights: design, hash, facts; raises alike."""
    path = network_paths(folder, name)[1]
    try:
        header = json.loads(_bytes(path, MAX_JSON_BYTES).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not JSON; the file is corrupt.") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ModelError(f"{path} does not describe a pretrained network of Holdfast.")
    version = header.get("format_version")
    if type(version) is int and version > FORMAT_VERSION:
        raise ModelError(
            f"{path} has format {version}, this version of Holdfast reads formats up to "
            f"{FORMAT_VERSION}: install a newer one."
        )
    sound = (
        set(header) == _FIELDS
        and version == FORMAT_VERSION
        and header["name"] == name
        and type(header["bytes"]) is int
        and isinstance(header["sha256"], str)
        and isinstance(header["facts"], dict)
    )
    if not sound:
        raise ModelError(f"{path} lacks fields or has wrong ones; the file is corrupt.")
    return header


def _text(header: Mapping[str, Any]) -> str:
    """JSON with a line for each field and each fact, however long a list it is."""
    facts = [f"  {_json(name)}: {_json(fact)}" for name, fact in header["facts"].items()]
    lines = [f" {_json(name)}: {_json(field)}" for name, field in header.items() if name != "facts"]
    lines.append(' "facts": {\n' + ",\n".join(facts) + "\n }")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _json(value: object) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False)


def _halved(key: str, tensor: torch.Tensor) -> NDArray[np.float16]:
    with np.errstate(over="ignore"):  # to infinity, which is refused
        array = tensor.detach().cpu().numpy().astype(np.float16)
    if not np.isfinite(array).all():
        raise ArgumentError(f"The weights {key!r} are not finite in half precision.")
    return np.ascontiguousarray(array)


def _bytes(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise ModelError(f"Cannot read {path}: {error.strerror or error}.") from error
    if len(data) > most:
        raise ModelError(f"{path} has more than {most} bytes, which no such file of ours has.")
    return data


def _arrays(packed: bytes) -> dict[str, NDArray[Any]]:
    # Of types that numpy has no name for safetensors raises a KeyError.
    try:
        arrays: dict[str, NDArray[Any]] = safetensors.numpy.load(packed)
    except KeyError as error:
        raise ValueError(f"it holds weights of type {error}") from error
    if any(array.dtype != np.float16 for array in arrays.values()):
        raise ValueError("its weights are not of half precision")
    return arrays


Name = Literal["fine", "coarse"]

FOLDER: Final = Path(__file__).parent / "weights"
"""Where the two networks lie, a safetensors file and a JSON file each."""

LONG_SEASON: Final = 24  # points from which a season is read in long patches, given enough of them
YEAR_OF_WEEKS: Final = 52  # a season that is read in short patches: few histories hold many years
LONG_HISTORY: Final = 120  # points of a typical history that make five long patches
LONG_HORIZON: Final = 48  # a longer horizon is reached in long patches


def choose(
    lengths: NDArray[np.int64], horizon: int, season: int, long_season: int | None = None
) -> Name:
    """Which of the two networks suits a table of N histories of some lengths."""
    begun = lengths[lengths > 0]  # others start after what may be seen
    typical = float(np.median(begun)) if len(begun) else 0.0
    long = max(season, long_season or 1) >= LONG_SEASON and season != YEAR_OF_WEEKS
    if long and typical >= LONG_HISTORY:
        return "coarse"
    if horizon > LONG_HORIZON and typical >= 2 * LONG_HISTORY:
        return "coarse"
    return "fine"


@cache
def shipped(name: Name) -> PretrainedNetwork:
    """A network that ships with Holdfast; read once in a process, and not to be changed."""
    try:
        return read_network(FOLDER, name)[0]
    except ModelError as error:
        raise ModelError(f"{error} It comes with Holdfast: install it again.") from error
