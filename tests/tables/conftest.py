"""What the tests of wrong tables share."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tables.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A folder in which a test leaves files to be read."""
    return Desk(tmp_path)
