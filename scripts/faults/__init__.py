"""The faults that `plant_faults.py` plants, room by room."""

from faults import (
    engine,
    export,
    forecasting,
    language,
    lens,
    native,
    native_variants,
    pretrained,
    real_tables,
    training,
)
from faults.fault import Fault as Fault

FAULTS: tuple[Fault, ...] = (
    *engine.FAULTS,
    *native.FAULTS,
    *native_variants.FAULTS,
    *export.FAULTS,
    *forecasting.FAULTS,
    *real_tables.FAULTS,
    *language.FAULTS,
    *training.FAULTS,
    *pretrained.FAULTS,
    *lens.FAULTS,
)
"""In the order of the promises that they break."""
