"""The faults that `scripts/plant_faults.py` plants, by the promise that each breaks."""

from __future__ import annotations

from faults.engine import FAULTS as ENGINE
from faults.fault import Fault as Fault
from faults.forecasting import FAULTS as FORECASTING
from faults.language import FAULTS as LANGUAGE
from faults.layers import FAULTS as LAYERS
from faults.tables import FAULTS as TABLES
from faults.training import FAULTS as TRAINING

FAULTS: tuple[Fault, ...] = (*ENGINE, *LAYERS, *FORECASTING, *TABLES, *LANGUAGE, *TRAINING)
