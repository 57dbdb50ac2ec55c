"""Surprise of a text under a language model: nats, bits, perplexity; dynamic evaluation."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from holdfast.language.corpus import Amount, Stored
from holdfast.language.network import LanguageNetwork, States
from holdfast.records import TextScore


def text_score(nats: float, amount: Amount, unknown: int, *, dynamic: bool) -> TextScore:
    """The score of a text from the sum of its surprises."""
    each, a_word = nats / max(amount.tokens, 1), nats / max(amount.words, 1)
    return TextScore(
        tokens=amount.tokens,
        characters=amount.characters,
        words=amount.words,
        unknown=unknown,
        nats=each,
        bits_per_token=each / math.log(2.0),
        bits_per_character=nats / max(amount.characters, 1) / math.log(2.0),
        perplexity=math.exp(min(each, 700.0)),  # the largest that a float holds, about
        perplexity_per_word=math.exp(min(a_word, 700.0)),
        dynamic=dynamic,
    )


WINDOW = 1024
"""Tokens read at once; the state is carried, so that it changes nothing but the speed."""

LOGITS = 1 << 24
"""Scores of tokens that are held at once."""


def surprises(
    network: LanguageNetwork, ids: Stored, *, window: int = WINDOW
) -> Iterator[NDArray[np.float64]]:
    """The surprise of each token after the first, in nats, window by window, in one stream."""
    network.eval()
    window = max(min(window, LOGITS // network.design.vocabulary), 1)
    states: States | None = None
    for begin in range(0, len(ids) - 1, window):
        piece = torch.from_numpy(np.asarray(ids[begin : begin + window + 1], dtype=np.int64))
        with torch.no_grad():
            hidden, states = network(piece[:-1, None], states)
            losses = network.losses(hidden, piece[1:, None])
        yield losses[:, 0].double().numpy()


def mean_loss(network: LanguageNetwork, ids: Stored) -> float:
    """Mean surprise in nats a token, the text read in several streams at once: quick, not exact.

    Each stream begins without a state, which costs a little at 16 places.
    """
    network.eval()
    streams = max(min(16, (len(ids) - 1) // 256), 1)
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


def dynamic_surprises(
    network: LanguageNetwork,
    ids: Stored,
    *,
    window: int = 50,
    rate: float = 0.05,
    decay: float = 1e-3,
) -> Iterator[NDArray[np.float64]]:
    """As `surprises`, by a copy of the network that learns from each window after it.

    Every token is scored before anything is learnt from it. Steps go at `rate` against the
    gradient, its norm clipped to 1; `decay` is how far each goes back towards the trained weights,
    as a share.

    Source: Krause, Kahembwe, Murray and Renals (2018), "Dynamic evaluation of neural sequence
    models", arXiv 1709.07432, equations 4 and 5, with a global clip in place of the mean square of
    the training gradients, which a model folder has not.
    """
    learner = copy.deepcopy(network).eval()
    weights = [weight for weight in learner.parameters() if weight.requires_grad]
    trained = [weight.detach().clone() for weight in weights]
    states: States | None = None
    for begin in range(0, len(ids) - 1, window):
        piece = torch.from_numpy(np.asarray(ids[begin : begin + window + 1], dtype=np.int64))
        with torch.enable_grad():
            hidden, after = learner(piece[:-1, None], states)
            losses = learner.losses(hidden, piece[1:, None])
            gradients = torch.autograd.grad(losses.mean(), weights)
        yield losses[:, 0].detach().double().numpy()
        states = tuple((h.detach(), c.detach()) for h, c in after)
        norm = torch.linalg.vector_norm(
            torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients])
        )
        step = rate * min(1.0, 1.0 / max(float(norm), 1e-12))
        with torch.no_grad():
            for weight, gradient, origin in zip(weights, gradients, trained, strict=True):
                weight.add_(gradient, alpha=-step).lerp_(origin, decay)
