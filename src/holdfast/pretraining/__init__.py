"""The generator of synthetic series, and the run that pretrains the networks which ship.

What needs torch is loaded when it is first used, so that wrong arguments are refused at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.pretraining.samples import draw_samples as draw_samples
from holdfast.pretraining.samples import write_samples as write_samples
from holdfast.pretraining.synthetic.recipe import KIND_OF as KIND_OF
from holdfast.pretraining.synthetic.recipe import check_networks as check_networks

if TYPE_CHECKING:
    from holdfast.pretraining.run import pretrain as pretrain


def __getattr__(name: str) -> Any:
    if name == "pretrain":
        from holdfast.pretraining.run import pretrain

        return pretrain
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
