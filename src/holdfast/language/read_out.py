"""Scores of the next token from one hidden state, in the few microseconds that a step takes."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from holdfast.language.model import LanguageNetwork

State = NDArray[np.floating]
"""The last layer's hidden state, (H,)."""


class ReadOut:
    """Layer norm and head of a network in numpy, which starts sooner than torch for one row.

    With W γ in place of W and the mean of each of its rows taken out, W LN(x) + b is one product:
    Σⱼ Wᵢⱼ γⱼ (xⱼ − x̄) = Σⱼ (Wᵢⱼ γⱼ − mean of row i) xⱼ.

    Arguments:
        network: its weights are copied.

    Example:
        >>> from holdfast.language.design import LanguageDesign
        >>> network = LanguageNetwork(LanguageDesign(vocabulary=10, embedding=4, hidden=8)).eval()
        >>> hidden = torch.randn(1, 8)
        >>> with torch.no_grad():
        ...     wanted = network.log_probabilities(hidden)[0].numpy()
        >>> constant = ReadOut(network)(hidden[0].numpy()) - wanted
        >>> bool(np.allclose(constant, constant[0], atol=1e-5))
        True
    """

    def __init__(self, network: LanguageNetwork) -> None:
        self._network = network
        self._centred: NDArray[np.floating] | None = None
        head = network.head
        if isinstance(head, nn.AdaptiveLogSoftmaxWithLoss):
            return
        with torch.no_grad():
            weight = head.weight * network.norm.weight
            self._centred = (weight - weight.mean(dim=1, keepdim=True)).numpy()
            self._bias = (head.bias + head.weight @ network.norm.bias).numpy()
        self._ones = np.ones_like(self._centred[0])
        self._epsilon = network.norm.eps

    def __call__(self, hidden: State) -> NDArray[np.floating]:
        """(V,) log-probabilities, up to a constant; an array of their own."""
        if self._centred is None:  # an adaptive softmax has parts that depend on each other
            with torch.no_grad():
                row = torch.from_numpy(hidden)[None]
                scores: NDArray[np.floating] = self._network.log_probabilities(row)[0].numpy()
            return scores
        units = len(hidden)
        mean = float(hidden.dot(self._ones)) / units
        variance = float(hidden.dot(hidden)) / units - mean * mean
        scores = self._centred.dot(hidden)
        scores *= (max(variance, 0.0) + self._epsilon) ** -0.5
        scores += self._bias
        return scores
