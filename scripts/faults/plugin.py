"""A pytest plugin that plants the fault which HOLDFAST_FAULT names, before tests are collected."""

from __future__ import annotations

import os
import sys

import pytest

from faults import FAULTS


def pytest_configure(config: pytest.Config) -> None:
    """Plant the fault, and say so in a line that the planter reads."""
    name = os.environ.get("HOLDFAST_FAULT")
    if name is None:
        return
    (fault,) = [fault for fault in FAULTS if fault.name == name]
    fault.plant()
    sys.stdout.write(f"planted: {fault.name}\n")
