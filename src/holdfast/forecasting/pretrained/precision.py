"""In what a pretrained network multiplies while it learns."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor

from holdfast.forecasting.pretrained.model import PretrainedNetwork
from holdfast.forecasting.pretrained.reading import Reading

Precision: TypeAlias = Literal["float32", "bfloat16"]
"""Of the multiplications in the recurrent blocks; weights and losses are float32."""


def native_precision(device: str) -> Precision:
    """bfloat16 where the processor has instructions for it: an update then takes two thirds.

    Arguments:
        device: a type of device, "cpu" or "cuda".
    """
    if device == "cuda":
        native = torch.cuda.is_bf16_supported()
    else:
        native = torch.cpu._is_avx512_bf16_supported()
    return "bfloat16" if native else "float32"


def quantiles_in(precision: Precision, network: PretrainedNetwork, reading: Reading) -> Tensor:
    """(K, B, p, Q) quantiles in the network's units, as the network says them while it learns.

    Arguments:
        precision: of the blocks; what stands on top of them is float32.
        network: in training.
        reading: of a batch.
    """
    device = reading.inputs.device.type
    with torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16"):
        known, _ = network.known(reading)
    return network.quantiles_of(known, reading.candidates)
