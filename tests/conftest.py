"""One thread a test process: two run side by side, and sums keep their order."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def seeded(request: pytest.FixtureRequest) -> None:
    """Layers draw their weights from one seed, whatever test ran before in the same process."""
    if request.path.parent.name in ("engine", "nn"):
        import torch

        torch.manual_seed(0)
