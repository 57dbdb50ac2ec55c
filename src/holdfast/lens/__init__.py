"""What a recurrent model remembers, for how long, and what of it reaches its output.

Comparisons of networks are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.lens.inspect import inspect as inspect
from holdfast.lens.prescription import force_forget as force_forget
from holdfast.lens.prescription import prescribe as prescribe
from holdfast.lens.sequence import sequence as sequence

if TYPE_CHECKING:
    from holdfast.lens.compare.forecasters import compare_forecasters as compare_forecasters
    from holdfast.lens.compare.layer_speed import layer_speeds as layer_speeds
    from holdfast.lens.compare.memory import MemoryPlan as MemoryPlan
    from holdfast.lens.compare.memory import compare_memory as compare_memory
    from holdfast.lens.compare.models import MODELS as MODELS
    from holdfast.lens.compare.models import ModelName as ModelName

__all__ = [
    "MODELS",
    "MemoryPlan",
    "compare_forecasters",
    "compare_memory",
    "force_forget",
    "inspect",
    "layer_speeds",
    "prescribe",
    "sequence",
]


def __getattr__(name: str) -> object:
    if name in ("MemoryPlan", "compare_memory"):
        from holdfast.lens.compare import memory

        return getattr(memory, name)
    if name == "compare_forecasters":
        from holdfast.lens.compare.forecasters import compare_forecasters

        return compare_forecasters
    if name == "MODELS":
        from holdfast.lens.compare.models import MODELS

        return MODELS
    if name == "layer_speeds":
        from holdfast.lens.compare.layer_speed import layer_speeds

        return layer_speeds
    raise AttributeError(f"module 'holdfast.lens' has no attribute {name!r}")
