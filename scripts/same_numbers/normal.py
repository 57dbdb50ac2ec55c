"""What may differ from run to run is taken out here, and nowhere else."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

VOLATILE = frozenset(
    {"seconds", "seconds_per_step", "cpu_seconds", "tokens_per_second", "created", "version",
     "command", "hours", "files"}
)  # fmt: skip
"""Fields of records, JSON objects and CSV tables that are left out wherever they occur."""


def without_times(text: str) -> str:
    """Durations, clock readings and names of model files in words become #."""
    text = re.sub(r"\b\d[\d,.]* ?(ms|s|min|h|minutes|hours|seconds)\b", "# s", text)
    return re.sub(r"arrays-[0-9a-f]+|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*", "#", text)


def without_rates(text: str) -> str:
    """Speeds in words become #."""
    return re.sub(r"[\d,.]+ ?(\w+/s|\w+ a second)|a second +[\d,.]+", "# a second", text)


def without_volatile_columns(text: str) -> str:
    """A CSV table without the columns that `VOLATILE` names."""
    rows = list(csv.reader(io.StringIO(text)))
    kept = [place for place, name in enumerate(rows[0]) if name not in VOLATILE]
    if len(kept) == len(rows[0]):
        return text
    return "".join(",".join(row[place] for place in kept) + "\n" for row in rows)


def without_producer(content: bytes) -> bytes:
    """An ONNX file without the version of the program that wrote it."""
    import onnx

    model = onnx.load_from_string(content)
    model.producer_version = ""
    return model.SerializeToString(deterministic=True)


def plain(value: Any) -> Any:
    """Anything as what JSON knows, floats exact, volatile fields left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items() if key not in VOLATILE}
    if isinstance(value, Tensor):
        value = value.detach().numpy()
    if isinstance(value, np.ndarray | np.generic):
        value = value.astype(str).tolist() if value.dtype.kind in "mM" else value.tolist()
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Path | pd.Timestamp):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no plain value")
