"""Under torchrun the same command runs in several processes; the first writes and prints."""

from __future__ import annotations

import os


def follows() -> bool:
    """Whether this process is one of several, and not the first.

    Example:
        >>> follows()
        False
    """
    return together() and os.environ.get("RANK", "0") != "0"


def together() -> bool:
    """Whether torchrun started several processes."""
    several = os.environ.get("WORLD_SIZE", "1") != "1"
    return "TORCHELASTIC_RUN_ID" in os.environ and several
