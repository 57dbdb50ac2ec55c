"""A small model in a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from holdfast import storage

WEIGHTS = {"weight": np.arange(6, dtype=np.float32).reshape(2, 3), "count": np.array(7)}


def saved(folder: Path) -> Path:
    """A saved model of kind "example"."""
    storage.save(folder, "example", {"horizon": 28}, WEIGHTS)
    return folder
