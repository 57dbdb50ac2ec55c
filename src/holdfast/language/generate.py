"""Sampling text from a language model, token by token, at the same cost for each."""

from __future__ import annotations

import codecs
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from holdfast.errors import ArgumentError, option
from holdfast.language.network import LanguageNetwork
from holdfast.language.tokenizer import Ids, Tokenizer, byte_letters
from holdfast.training.seed import generator


@dataclass(frozen=True)
class Sampling:
    """How a token is drawn.

    Arguments:
        temperature: log-probabilities are divided by it; below 1 the likely becomes likelier, 0
            takes the likeliest.
        top_k: how many of the likeliest tokens may be drawn; None for all.
        top_p: the likeliest tokens that have at least this probability together may be drawn
            (Holtzman et al. 2020, arXiv 1904.09751); None for all.

    Raises:
        ArgumentError: a number is out of range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.temperature < math.inf:
            raise ArgumentError(f"{option('temperature', self.temperature)} must be 0 or above.")
        if self.top_k is not None and self.top_k < 1:
            raise ArgumentError(f"{option('top_k', self.top_k)} must be a whole number from 1.")
        if self.top_p is not None and not 0.0 < self.top_p <= 1.0:
            raise ArgumentError(f"{option('top_p', self.top_p)} must be above 0 and at most 1.")

    def draw(self, scores: NDArray[np.floating], random: np.random.Generator) -> int:
        """One token from log-probabilities (V,), up to a constant; −∞ for what must not come."""
        if self.temperature == 0.0:
            return int(scores.argmax())
        chances = np.exp((scores - scores.max()).astype(np.float64) / self.temperature)
        if self.top_k is not None and self.top_k < len(chances):
            least = np.partition(chances, -self.top_k)[-self.top_k]
            chances[chances < least] = 0.0
        if self.top_p is not None and self.top_p < 1.0:
            order = np.argsort(-chances, kind="stable")
            sums = np.cumsum(chances[order])
            kept = int(np.searchsorted(sums, self.top_p * sums[-1])) + 1
            chances[order[kept:]] = 0.0
        # Methods, not numpy's functions of the same names: those cost as much again for few tokens.
        sums = chances.cumsum()
        place = int(sums.searchsorted(random.random() * sums[-1], side="right"))
        return min(place, len(chances) - 1)


State = NDArray[np.floating]
"""The last layer's hidden state, (H,)."""


class ReadOut:
    """Layer norm and head of a network in numpy, which starts sooner than torch for one row.

    With W γ in place of W and the mean of each of its rows taken out, W LN(x) + b is one product:
    Σⱼ Wᵢⱼ γⱼ (xⱼ − x̄) = Σⱼ (Wᵢⱼ γⱼ − mean of row i) xⱼ. The weights are copied.
    """

    def __init__(self, network: LanguageNetwork) -> None:
        head = network.head
        with torch.no_grad():
            weight = head.weight * network.norm.weight
            self._centred: NDArray[np.floating] = (
                weight - weight.mean(dim=1, keepdim=True)
            ).numpy()
            self._bias = (head.bias + head.weight @ network.norm.bias).numpy()
        self._ones = np.ones_like(self._centred[0])
        self._epsilon = network.norm.eps

    def __call__(self, hidden: State) -> NDArray[np.floating]:
        """(V,) log-probabilities, up to a constant; a new array."""
        units = len(hidden)
        mean = float(hidden.dot(self._ones)) / units
        variance = float(hidden.dot(hidden)) / units - mean * mean
        scores: NDArray[np.floating] = self._centred.dot(hidden)
        scores *= (max(variance, 0.0) + self._epsilon) ** -0.5
        scores += self._bias
        return scores


PROMPT_WINDOW = 1024


class Reader:
    """Reads a text token by token and says what may come next; its state is all that it keeps.

    The weights are copied, so that training the network on changes nothing here.
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
    """Tokens after a prompt (N,), N at least 1, without an end; `barred` is never drawn."""
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
    """Turns tokens into text as they come; what is not yet a whole character waits."""

    def __init__(self, tokenizer: Tokenizer, after: int | None = None) -> None:
        self._tokenizer = tokenizer
        self._before = None if after is None else tokenizer.texts[after]
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._bytes = {letter: byte for byte, letter in enumerate(byte_letters())}

    def write(self, token: int) -> str:
        """What one more token adds."""
        text = self._tokenizer.texts[token]
        if self._tokenizer.kind == "char":
            return text
        if self._tokenizer.kind == "word":
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
