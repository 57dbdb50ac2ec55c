"""Tasks whose lag is known: sequences in which what counts lies a given number of steps back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from holdfast.errors import ArgumentError, option

TaskName = Literal["adding", "copy", "order", "order-three", "noisy-lag", "latch", "parity"]

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Examples:
    """Sequences of one batch.

    Arguments:
        inputs: (T, B, I) float32; zeros behind the end of a sequence.
        ends: (B,) position of each sequence's last step.
        targets: (B, R) what is asked for after the last R steps: a number, or a class.
    """

    inputs: Tensor
    ends: Tensor
    targets: Tensor

    def read(self, outputs: Tensor) -> Tensor:
        """(B, R, O) a network's outputs (T, B, O) at the last R steps of each sequence."""
        count = self.targets.shape[1]
        steps = self.ends[:, None] + torch.arange(1 - count, 1)
        return outputs[steps, torch.arange(len(self.ends))[:, None]]


class _Task(ABC):
    """A task: `inputs` numbers at a step, `outputs` classes, or 1 for a number.

    A sequence is wrong where an output is off by more than `tolerance`.
    """

    @abstractmethod
    def draw(self, random: np.random.Generator, rows: int) -> Examples:
        """Sequences to train on."""

    def test(self, random: np.random.Generator, rows: int) -> Examples:
        """Sequences to test on; drawn as those of training, unless a task says otherwise."""
        return self.draw(random, rows)


@dataclass(frozen=True)
class Adding(_Task):
    """The sum of two marked numbers among many, at a lag T from 10.

    Each step holds a number from [−1, 1] and a mark. A sequence has between T and T + T/10 steps.
    One of the first 10 is marked 1, then another one of the first T/2 − 1; the first and the last
    step carry −1, all others 0. Where the first step is marked, its number is 0. Asked for at the
    end: 0.5 + (X₁ + X₂)/4, to within 0.04. So no mark lies nearer to the end than T/2 steps.

    Source: Hochreiter and Schmidhuber (1997), "Long short-term memory", experiment 4.
    """

    lag: int
    inputs: int = 2
    outputs: int = 1
    tolerance: float = 0.04

    def draw(self, random: np.random.Generator, rows: int) -> Examples:
        length, x = _lengths(random, self.lag, rows, 2)
        each = np.arange(rows)
        x[:, :, 0] *= random.uniform(-1.0, 1.0, x.shape[:2])
        # The second mark has to find a step that is free: T/2 − 1 of them, and never fewer than 3.
        second_of = max(self.lag // 2 - 1, 3)
        first = random.integers(0, min(10, self.lag // 2), rows)
        second = random.integers(0, second_of - (first < second_of))
        second += second >= first
        x[:, :, 1] = 0.0
        x[0, :, 1] = x[length - 1, each, 1] = -1.0
        x[first, each, 1] = x[second, each, 1] = 1.0
        x[0, x[0, :, 1] == 1.0, 0] = 0.0
        total = x[first, each, 0] + x[second, each, 0]
        return _examples(x, length, (0.5 + total / 4.0).astype(np.float32)[:, None])


@dataclass(frozen=True)
class Order(_Task):
    """In which order symbols came, long before the end, at a lag T from 10.

    Symbols are one-hot: E at the start, B at the end, and between them a, b, c or d at random,
    except for two or three places, each of which holds X or Y. Asked for at the end is which of the
    4 or 8 orders it was. With T = 100, a sequence has 100 to 110 steps and the places are drawn
    from 10–20 and 50–60 (two), or 10–20, 33–43 and 66–76 (three); with other T in proportion.

    Source: Hochreiter and Schmidhuber (1997), experiments 6a (two places) and 6b (three): every
    output within 0.3.
    """

    lag: int
    places: Literal[2, 3] = 2
    inputs: int = 8
    tolerance: float = 0.3

    @property
    def outputs(self) -> int:
        return 2**self.places

    def draw(self, random: np.random.Generator, rows: int) -> Examples:
        length = random.integers(self.lag, self.lag + self.lag // 10 + 1, rows)
        symbols = random.integers(4, 8, (int(length.max()), rows))
        each, label = np.arange(rows), np.zeros(rows, dtype=np.int64)
        symbols[0] = 0
        symbols[length - 1, each] = 1
        for start in (10, 50) if self.places == 2 else (10, 33, 66):
            which = random.integers(0, 2, rows)
            first, last = start * self.lag // 100, (start + 10) * self.lag // 100
            symbols[random.integers(first, last + 1, rows), each] = 2 + which
            label = 2 * label + which
        return _examples(_one_hot(symbols, length, 8), length, label[:, None])


@dataclass(frozen=True)
class NoisyLag(_Task):
    """The second symbol, asked for long after, behind symbols that say nothing.

    A sequence is b, then x or y, then q (the lag) distractors drawn from p; then further
    distractors, after each of which it ends with probability 1/10; then the trigger e. Asked for at
    e is x or y, so that it has to be kept for at least q + 1 steps.

    Source: Hochreiter and Schmidhuber (1997), experiment 2c: both outputs within 0.2. We stop 400
    further distractors early, which one sequence in 10¹⁸ would have.
    """

    lag: int
    distractors: int = 50
    outputs: int = 2
    tolerance: float = 0.2

    @property
    def inputs(self) -> int:
        return self.distractors + 4

    def draw(self, random: np.random.Generator, rows: int) -> Examples:
        more = np.minimum(random.geometric(0.1, rows) - 1, 400)
        length = 2 + self.lag + more + 1
        symbols = random.integers(0, self.distractors, (int(length.max()), rows))
        each, label = np.arange(rows), random.integers(0, 2, rows)
        symbols[0] = self.distractors
        symbols[1] = self.distractors + 2 + label
        symbols[length - 1, each] = self.distractors + 1
        return _examples(_one_hot(symbols, length, self.inputs), length, label[:, None])


@dataclass(frozen=True)
class Latch(_Task):
    """One bit, in the first three steps of noise.

    The first 3 numbers are +1 or −1, all alike; Gaussian noise of variance 0.2 lies on them and is
    all that follows, up to T to T + T/10 steps. Asked for at the end is the sign, by class.

    Source: Bengio, Simard and Frasconi (1994), "Learning long-term dependencies with gradient
    descent is difficult", as in Hochreiter and Schmidhuber (1997), experiment 3b. They warn that
    guessing weights at random solves it sooner than any training: it shows what is kept, not how
    well it is learnt.
    """

    lag: int
    inputs: int = 1
    outputs: int = 2
    tolerance: float = 0.5

    def draw(self, random: np.random.Generator, rows: int) -> Examples:
        length, x = _lengths(random, self.lag, rows, 1)
        label = random.integers(0, 2, rows)
        x[:, :, 0] *= random.normal(0.0, 0.2**0.5, x.shape[:2])
        x[:3, :, 0] += 2.0 * label - 1.0
        return _examples(x, length, label[:, None])


@dataclass(frozen=True)
class Copy(_Task):
    """Ten symbols, to be said again after T blanks.

    Ten symbols out of 8 come first, then T − 1 blanks, then a sign to begin, then ten blanks during
    which the ten symbols are asked for in their order.

    Source: Hochreiter and Schmidhuber (1997) ask for it in parts; this form is that of Arjovsky,
    Shah and Bengio (2016), arXiv 1511.06464, section 5.1. A sequence is right when all ten symbols
    are: each has more than half of the probability.
    """

    lag: int
    inputs: int = 10
    outputs: int = 8
    tolerance: float = 0.5
    symbols: int = 10

    def draw(self, random: np.random.Generator, rows: int) -> Examples:
        written = random.integers(0, 8, (self.symbols, rows))
        steps = self.lag + 2 * self.symbols
        shown = np.full((steps, rows), 8)
        shown[: self.symbols] = written
        shown[self.symbols + self.lag - 1] = 9
        length = np.full(rows, steps)
        return _examples(_one_hot(shown, length, 10), length, written.T.copy())


@dataclass(frozen=True)
class Parity(_Task):
    """Whether the number of ones is odd.

    Trained on 3 to T bits and tested on T to 6.4 T, as 40 is to 256 in the published recipe.

    Source: Delétang et al. (2022), arXiv 2207.02098, section 4; lengths from the experiments of
    Beck et al. (2024), arXiv 2405.04517. A plain RNN solves it; no gate is needed.
    """

    lag: int
    inputs: int = 1
    outputs: int = 2
    tolerance: float = 0.5

    def draw(self, random: np.random.Generator, rows: int) -> Examples:
        return self._between(3, self.lag, random, rows)

    def test(self, random: np.random.Generator, rows: int) -> Examples:
        return self._between(self.lag, int(6.4 * self.lag), random, rows)

    def _between(
        self, shortest: int, longest: int, random: np.random.Generator, rows: int
    ) -> Examples:
        length = random.integers(shortest, longest + 1, rows)
        bits = random.integers(0, 2, (int(length.max()), rows))
        inside = np.arange(len(bits))[:, None] < length
        x = np.where(inside, 2.0 * bits - 1.0, 0.0).astype(np.float32)
        return _examples(x[:, :, None], length, (bits * inside).sum(0)[:, None] % 2)


MemoryTask: TypeAlias = Adding | Order | NoisyLag | Latch | Copy | Parity

LEAST_LAG: Final[Mapping[TaskName, int]] = {
    "adding": 10,
    "copy": 1,
    "order": 10,
    "order-three": 10,
    "noisy-lag": 1,
    "latch": 3,
    "parity": 3,
}
"""The shortest lag with which a task means anything."""


def task_of(name: TaskName, lag: int) -> MemoryTask:
    """The task of a name at a lag; an ArgumentError where it is unknown or the lag too short."""
    if name not in get_args(TaskName):
        raise ArgumentError(
            f"{option('task', name)} is not known; take {', '.join(get_args(TaskName))}."
        )
    if isinstance(lag, bool) or not isinstance(lag, int) or lag < LEAST_LAG[name]:
        raise ArgumentError(
            f"lag={lag!r} of the task {name} must be a whole number from {LEAST_LAG[name]}."
        )
    if name == "adding":
        return Adding(lag)
    if name == "copy":
        return Copy(lag)
    if name == "noisy-lag":
        return NoisyLag(lag)
    if name == "latch":
        return Latch(lag)
    if name == "parity":
        return Parity(lag)
    return Order(lag, 3 if name == "order-three" else 2)


def _lengths(random: np.random.Generator, lag: int, rows: int, inputs: int) -> tuple[Ints, Floats]:
    """Lengths from T to T + T/10, and (T, B, I) of ones inside the sequences and zeros behind."""
    length = random.integers(lag, lag + lag // 10 + 1, rows)
    inside = np.arange(int(length.max()))[:, None] < length
    return length, np.repeat(inside[:, :, None], inputs, axis=2).astype(np.float32)


def _one_hot(symbols: Ints, length: Ints, size: int) -> Floats:
    steps, rows = symbols.shape
    x = np.zeros((steps, rows, size), dtype=np.float32)
    x[np.arange(steps)[:, None], np.arange(rows), symbols] = 1.0
    x[np.arange(steps)[:, None] >= length] = 0.0
    return x


def _examples(x: Floats, length: Ints, targets: NDArray[np.float32] | Ints) -> Examples:
    return Examples(
        torch.from_numpy(np.ascontiguousarray(x)),
        torch.from_numpy(length - 1),
        torch.from_numpy(np.ascontiguousarray(targets)),
    )


def losses(task: MemoryTask, outputs: Tensor, targets: Tensor) -> Tensor:
    """(B,) squared error of a number, cross-entropy of a class, mean over what is asked for."""
    if task.outputs == 1:
        return (outputs[..., 0] - targets).square().mean(dim=1)
    return functional.cross_entropy(outputs.mT, targets, reduction="none").mean(dim=1)


def wrong(task: MemoryTask, outputs: Tensor, targets: Tensor) -> Tensor:
    """(B,) whether some output of a sequence is off by more than the task's tolerance.

    Classes are judged by their probabilities: the asked one's must be near 1, all others' near 0.
    """
    if task.outputs == 1:
        off = (outputs[..., 0] - targets).abs()
    else:
        expected = functional.one_hot(targets, task.outputs)
        off = (outputs.softmax(-1) - expected).abs().amax(-1)
    return ~(off <= task.tolerance).all(dim=1)  # so that what is not a number is wrong
