"""The faults that `scripts/plant_faults.py` plants, by the promise that each breaks."""

from __future__ import annotations

from faults.engine import FAULTS as ENGINE
from faults.fault import Fault as Fault

FAULTS: tuple[Fault, ...] = (*ENGINE,)
