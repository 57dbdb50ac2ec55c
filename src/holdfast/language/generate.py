"""Text that a model writes, token by token, at the same cost for each."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from holdfast.language.model import LanguageNetwork
from holdfast.language.read_out import ReadOut
from holdfast.language.sampling import Sampling
from holdfast.language.tokens.tokens import Ids, Tokens, byte_letters
from holdfast.training.seed import generator

PROMPT_WINDOW = 1024


class Reader:
    """Reads a text token by token and says what may come next; its state is all that it keeps.

    Arguments:
        network: its weights are copied, so that training it on changes nothing here.
    """

    def __init__(self, network: LanguageNetwork) -> None:
        self._network = network.eval()
        self._steppers = [layer.stepper(1) for layer in network.layers]  # type: ignore[operator]  # an LSTM each
        self._read_out = ReadOut(network)
        self._embedding = network.embedding.weight.detach().numpy().copy()
        self._x = torch.from_numpy(self._embedding[:1].copy())
        self._row: NDArray[np.floating] = self._x.numpy()[0]  # the same memory, as is the next
        self._last: NDArray[np.floating] = self._advance().numpy()[0]
        self._hidden: NDArray[np.floating] = np.zeros_like(self._last)
        for stepper in self._steppers:
            stepper.reset()

    def read(self, ids: Ids) -> None:
        """Read many tokens: one pass over the sequence, and not a step for each."""
        for begin in range(0, len(ids), PROMPT_WINDOW):
            piece = torch.from_numpy(np.asarray(ids[begin : begin + PROMPT_WINDOW], dtype=np.int64))
            with torch.no_grad():
                states = tuple(stepper.state for stepper in self._steppers)
                hidden, after = self._network(piece[:, None], states)
            for stepper, state in zip(self._steppers, after, strict=True):
                stepper.state = state
            self._hidden = hidden[-1, 0].numpy().copy()

    def step(self, token: int) -> None:
        """Read one token."""
        self._row[:] = self._embedding[token]
        self._advance()
        self._hidden = self._last

    def scores(self) -> NDArray[np.floating]:
        """(V,) log-probabilities of the next token, up to a constant."""
        return self._read_out(self._hidden)

    def _advance(self) -> Tensor:
        """One step of every layer; always the same tensor, that of the last one's states."""
        x = self._x
        for stepper in self._steppers:
            x = stepper.step(x)
        return x


def generate_ids(
    network: LanguageNetwork, prompt: Ids, sampling: Sampling, *, seed: int, barred: int | None
) -> Iterator[int]:
    """Tokens after a prompt, without an end.

    Arguments:
        network: reads and predicts.
        prompt: (N,) tokens to begin with, at least one.
        sampling: how each token is drawn.
        seed: of the draws.
        barred: a token that is never drawn, such as the unknown; None for none.
    """
    reader = Reader(network)
    reader.read(prompt)
    random = generator(seed, "text")
    while True:
        scores = reader.scores()
        if barred is not None:
            scores[barred] = -np.inf
        token = sampling.draw(scores, random)
        yield token
        reader.step(token)


class Writer:
    """Turns tokens into text as they come; what is not yet a whole character waits.

    Arguments:
        tokens: the vocabulary.
        after: the token before the first.
    """

    def __init__(self, tokens: Tokens, after: int | None = None) -> None:
        self._tokens = tokens
        self._before = None if after is None else tokens.texts[after]
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._bytes = {letter: byte for byte, letter in enumerate(byte_letters())}

    def write(self, token: int) -> str:
        """What one more token adds."""
        text = self._tokens.texts[token]
        if self._tokens.kind == "char":
            return text
        if self._tokens.kind == "word":
            blank = "" if "\n" in (text, self._before) or self._before is None else " "
            self._before = text
            return blank + text
        return self._decoder.decode(bytes(self._bytes[letter] for letter in text))


def until(stop: str | None, pieces: Iterator[str]) -> Iterator[str]:
    """Pieces of text up to `stop`; what may be its beginning waits."""
    if stop is None:
        yield from pieces
        return
    waiting = ""
    for piece in pieces:
        waiting += piece
        place = waiting.find(stop)
        if place >= 0:
            yield waiting[:place]
            return
        keep = next(
            (
                length
                for length in range(min(len(stop) - 1, len(waiting)), 0, -1)
                if stop.startswith(waiting[-length:])
            ),
            0,
        )
        yield waiting[: len(waiting) - keep]
        waiting = waiting[len(waiting) - keep :]
    yield waiting
