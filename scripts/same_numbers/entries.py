"""Outputs as files of a folder, and the cases that make them."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import torch
from normal import plain, without_producer, without_volatile_columns
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

Case = Callable[[], Iterator[tuple[str, Any]]]
CASES: dict[str, Case] = {}


class Store:
    """Outputs as files of a folder, and an index of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index: dict[str, dict[str, str]] = {}
        self.errors: dict[str, str] = {}

    def take(self, name: str, value: Any) -> None:
        """Store what a name stands for; an error is an entry, too."""
        try:
            made = callable(value) and not isinstance(value, nn.Module)
            self.put(name, value() if made else value)
        except Exception as error:
            self.fail(name, error)

    def fail(self, name: str, error: Exception) -> None:
        """An entry that says what went wrong."""
        self.errors[name] = f"error: {type(error).__name__}: {error}"
        if os.environ.get("SAME_NUMBERS_TRACEBACKS"):
            traceback.print_exc()
        if name not in self.index:
            self._write(name, ".txt", self.errors[name].encode())

    def put(self, name: str, value: Any) -> None:
        """Store a value in the form that suits its kind."""
        if isinstance(value, nn.Module):
            value = value.state_dict()
        if isinstance(value, PackedSequence):
            value = {"data": value.data, "batch_sizes": value.batch_sizes}
        if isinstance(value, Tensor):
            value = value.detach()
            value = (value.float() if value.dtype == torch.bfloat16 else value).numpy()
        if isinstance(value, np.ndarray) and value.dtype.kind in "biufcmM":
            content = io.BytesIO()
            np.save(content, np.array(value, order="C"), allow_pickle=False)
            self._write(name, ".npy", content.getvalue())
        elif isinstance(value, pd.DataFrame | pl.DataFrame | pa.Table):
            self.put(name, frame_columns(value))
        elif isinstance(value, Mapping) and any(map(is_array, value.values())):
            for key, one in value.items():
                self.put(f"{name}/{key}", one)
        elif isinstance(value, list | tuple) and any(map(is_array, value)):
            self.put(name, {str(place): one for place, one in enumerate(value)})
        elif isinstance(value, bytes):
            self._write(name, ".bin", value)
        elif isinstance(value, str):
            self._write(name, ".txt", value.encode())
        elif isinstance(value, Path):
            self._file(name, value)
        else:
            text = json.dumps(plain(value), indent=1, ensure_ascii=False, sort_keys=True)
            self._write(name, ".json", text.encode())

    def _file(self, name: str, path: Path) -> None:
        if path.suffix == ".parquet":
            self.put(name, pd.read_parquet(path))
        elif path.suffix == ".onnx":
            self.put(name, without_producer(path.read_bytes()))
        elif path.suffix == ".csv":
            self.put(name, without_volatile_columns(path.read_text(encoding="utf-8")))
        else:
            self.put(name, path.read_text(encoding="utf-8"))

    def _write(self, name: str, suffix: str, content: bytes) -> None:
        if name in self.index:
            raise ValueError(f"two entries are called {name}")
        path = self.folder / (re.sub(r"[^\w./=+-]", "_", name) + suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        self.index[name] = {"file": str(path.relative_to(self.folder)), "sha256": digest}


def is_array(value: Any) -> bool:
    """Whether a value is stored by itself rather than as JSON."""
    kinds = Tensor, np.ndarray, nn.Module, PackedSequence
    several = isinstance(value, list | tuple)
    return isinstance(value, kinds) or (several and any(map(is_array, value)))


def frame_columns(frame: Any) -> dict[str, Any]:
    """A frame as its kind, the types of its columns, and the columns."""
    kind = f"{type(frame).__module__.split('.')[0]} {type(frame).__name__}"
    if isinstance(frame, pa.Table):
        names, types = frame.schema.names, frame.schema.types
    else:
        names, types = frame.columns, frame.dtypes
    made: dict[str, Any] = {"kind": "\n".join([kind, *map("{}: {}".format, names, types)])}
    return made | {str(one): np.asarray(frame[one].to_numpy()) for one in names}


def arrays_in(folder: Path | str) -> dict[str, Tensor]:
    """Every array of a model folder, whatever its files are called."""
    from safetensors.torch import load_file

    found = [load_file(path) for path in sorted(Path(folder).rglob("*.safetensors"))]
    return {name: array for one in found for name, array in sorted(one.items())}


def case(made: Case) -> Case:
    """Make a generator of (name, value or function without arguments) one of the cases."""
    CASES[made.__name__] = made
    return made
