"""What the tests of the forecaster share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.forecasting.small import small_network


@pytest.fixture(scope="module")
def small() -> Iterator[None]:
    """A small network that knows nothing, in the place of the one that ships."""
    with small_network():
        yield
