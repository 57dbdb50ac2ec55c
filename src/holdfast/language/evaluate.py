"""How surprising a text is to a model."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from holdfast.language.corpus import Stored
from holdfast.language.model import LanguageNetwork, States

WINDOW = 1024
"""Tokens read at once; the state is carried, so that it changes nothing but the speed."""

LOGITS = 1 << 24
"""Scores of tokens that are held at once."""


def surprises(
    network: LanguageNetwork, ids: Stored, *, window: int = WINDOW
) -> Iterator[NDArray[np.float64]]:
    """The surprise of each token after the first, in nats, window by window, in one stream.

    Arguments:
        network: its weights stay as they are.
        ids: (N,) tokens; the first is only read.
        window: tokens read at once.
    """
    network.eval()
    window = max(min(window, LOGITS // network.design.vocabulary), 1)
    states: States | None = None
    for begin in range(0, len(ids) - 1, window):
        piece = torch.from_numpy(np.asarray(ids[begin : begin + window + 1], dtype=np.int64))
        with torch.no_grad():
            hidden, states = network(piece[:-1, None], states)
            losses = network.losses(hidden, piece[1:, None])
        yield losses[:, 0].double().numpy()


def mean_loss(network: LanguageNetwork, ids: Stored, *, streams: int = 16) -> float:
    """Mean surprise in nats a token, the text read in several streams at once: quick, not exact.

    Each stream begins without a state, which costs a little at `streams` places.
    """
    network.eval()
    streams = max(min(streams, (len(ids) - 1) // 256), 1)
    length = (len(ids) - 1) // streams
    places = np.arange(streams)[:, None] * length + np.arange(length + 1)
    text = torch.from_numpy(np.asarray(ids[places.T], dtype=np.int64))
    window = max(min(WINDOW, LOGITS // (network.design.vocabulary * streams)), 1)
    states: States | None = None
    total = 0.0
    for begin in range(0, length, window):
        piece = text[begin : begin + window + 1]
        with torch.no_grad():
            hidden, states = network(piece[:-1], states)
            total += float(network.losses(hidden, piece[1:]).double().sum())
    return total / (streams * length)
