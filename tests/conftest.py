"""One thread a test process: two run side by side, and sums keep their order."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
