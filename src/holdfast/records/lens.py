"""Results of the lens: a model's memory, one sequence, comparisons, and the speed of layers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from holdfast.records.forecast import Floats
from holdfast.records.lens_summary import table, verdict

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LagCurve:
    """A quantity against the lag: its middle over sequences and positions, and its spread.

    Example:
        >>> LagCurve.of(np.array([1, 2]), np.array([[1.0, 3.0], [2.0, 2.0]])).median.tolist()
        [2.0, 2.0]
    """

    lags: Ints  # (K,) steps back, ascending
    median: Floats  # (K,)
    low: Floats  # low, high: (K,) the 10 % and the 90 % quantile
    high: Floats
    samples: int  # sequences × positions that each point is made of

    @classmethod
    def of(cls, lags: Ints, values: Floats) -> LagCurve:
        """The curve of samples.

        Arguments:
            values: (K, N), NaN where a sample does not reach back so far.
        """
        low, median, high = np.nanquantile(values, [0.1, 0.5, 0.9], axis=1)
        return cls(lags, median, low, high, values.shape[1])

    def at(self, lag: int) -> float:
        """The median at the measured lag nearest to `lag` on a logarithmic axis."""
        distance = np.abs(np.log(np.maximum(self.lags, 0.5)) - np.log(max(lag, 0.5)))
        return float(self.median[int(np.argmin(distance))])


@dataclass(frozen=True, eq=False)
class GateActivity:
    """How open a gate stood."""

    name: str  # "forget gate", "input gate", "output gate", "update gate", "reset gate"
    by_step: Floats  # (T,) its mean over units and sequences at each step
    by_unit: Floats  # (H,) its mean over steps and sequences in each unit
    closed: float  # closed, open: shares of all values below 0.05 and above 0.95: saturated
    open: float


@dataclass(frozen=True, eq=False)
class LayerMemory:
    """The memory of one recurrent layer in one direction."""

    name: str  # the layer's name in its model; with ", reverse" for the direction back in time
    kind: str  # "LSTM", "GRU", "RNN" or "sLSTM", or "RNN (relu)"
    units: int  # H
    # spectral norm of the Jacobian of the joint state at t by the joint state at t−k
    jacobian: LagCurve
    # of its part along the cells alone, the largest ∏f of any unit; none for a plain RNN
    cell_path: LagCurve | None = None
    # of what is left when the cell path is taken away: the way through gates and h
    rest: LagCurve | None = None
    # the median over units of the cell path up to h at t, o (1 − tanh² c) ∏f for an LSTM; none
    # where there is no cell path
    reaches_output: LagCurve | None = None
    # (H,) steps after which a unit has kept 1/e, −1/mean ln f; infinite where f is 1. For a plain
    # RNN, which has no gate, none
    timescales: Floats | None = None
    # latching, leaking, resetting: shares of the units that keep (longer than the sequence), that
    # forget slowly, and that forget within 2 steps
    latching: float = 0.0
    leaking: float = 0.0
    resetting: float = 0.0
    gates: tuple[GateActivity, ...] = ()  # how open each gate stood
    lyapunov: Floats | None = None  # exponents of the state, the largest first, per step
    # linear memory capacity by lag: R² of white noise k steps back, read linearly from the state
    capacity: LagCurve | None = None
    median_cell: LagCurve | None = None  # ∏f of the median unit, beside `cell_path` for the largest


@dataclass(frozen=True, eq=False)
class Attribution:
    """Which inputs an output rests on, by integrated gradients."""

    # share of the attribution's absolute sum at each lag; the shares of a sample sum to 1 over all
    # lags of its sequence
    by_lag: LagCurve
    # |sum of attributions − (output − output of the baseline)|, relative to the latter; what the
    # integral's steps left out
    completeness: float
    steps: int  # of the integral


@dataclass(frozen=True, eq=False)
class ContextLoss:
    """The loss when the past beyond a lag is taken away: what the past is worth."""

    lags: Ints  # (K,) how many steps were left as they are
    # (K,) mean loss when everything before was replaced by the mean input: `whole` and the mean
    # difference from it at the very same positions
    removed: Floats
    shuffled: Floats  # (K,) the same when everything before was put in another order
    whole: float  # the loss with all of the past
    spread: Floats  # (K,) standard error of the paired difference removed − whole
    unit: str = ""  # of the loss: "nats a character", "scaled quantile loss"

    @property
    def effective(self) -> int | None:
        """The shortest context whose loss is not above the whole's by more than two standard
        errors and 1 %; None where even the longest measured one is."""
        least = np.maximum(2 * self.spread, 0.01 * abs(self.whole))
        for start in range(len(self.lags)):
            if np.all(self.removed[start:] - self.whole <= least[start:]):
                return int(self.lags[start])
        return None


@dataclass(frozen=True, eq=False)
class Inspection:
    """What was measured of a model's memory; `holdfast.reports.save` makes the page."""

    title: str  # what was inspected
    created: str  # when, ISO 8601
    version: str  # of Holdfast
    description: tuple[tuple[str, str], ...]  # what the model is, in a few words each
    steps: int  # steps, sequences: T and B of what it was inspected on
    sequences: int
    seconds: float  # how long it took
    # in the order in which a sequence passes them, each direction for itself
    layers: tuple[LayerMemory, ...]
    # the Jacobian of the joint state of all layers of a stack that runs forward; none where there
    # is one layer, or two directions
    whole: LagCurve | None = None
    # attribution, context: none where the model has no output or loss to take them from
    attribution: Attribution | None = None
    context: ContextLoss | None = None
    # the same before training, where the first weights were at hand
    before: Inspection | None = None
    advice: tuple[str, ...] = ()  # what to change, in sentences; filled by `lens.prescribe`
    command: str = ""  # that was given, or ""

    def table(self) -> dict[str, NDArray[np.generic]]:
        """Every measured array, by names such as "lstm/jacobian/median"."""
        return table(self)

    def verdict(self) -> str:
        """One paragraph in plain words, each number from the measurement."""
        return verdict(self)


@dataclass(frozen=True, eq=False)
class UnitsInTime:
    """One layer in one direction, unit by unit and step by step."""

    name: str  # name, kind: as in `LayerMemory`
    kind: str
    order: Ints  # (U,) the units that are shown, by timescale, the longest first
    timescales: Floats | None  # (U,) of those; none for a plain RNN
    # name → (T, U): the gates, cells and hidden states, in that order
    fields: dict[str, Floats] = field(default_factory=dict)
    # (U,) how much the output rests on each unit; sums to 1 over all units
    weight: Floats = field(default_factory=lambda: np.empty(0))
    # written, kept, erased: (T,) mean over units of |i·g|, |f·c before| and |(1 − f)·c before|;
    # empty for a plain RNN
    written: Floats = field(default_factory=lambda: np.empty(0))
    kept: Floats = field(default_factory=lambda: np.empty(0))
    erased: Floats = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True, eq=False)
class SequenceRecord:
    """One sequence as a model read it."""

    title: str  # title, created, version: as in `Inspection`
    created: str
    version: str
    labels: tuple[str, ...]  # (T,) the steps in words: tokens of a text, or times of a series
    values: Floats | None  # (T, C) numbers of a series, none for a text
    channels: tuple[str, ...]  # (C,) names of the columns of values
    # (T,) how much the output rests on each step, signed; none where unknown
    attribution: Floats | None
    output: str  # what the attribution is of, in words
    layers: tuple[UnitsInTime, ...]  # each direction for itself


@dataclass(frozen=True, eq=False)
class SequenceLabels:
    """How one sequence is shown: what `lens.sequence` takes beside the model and what it reads."""

    labels: tuple[str, ...]  # labels, values, channels, output, title: as in `SequenceRecord`
    output: str
    title: str
    values: Floats | None = None
    channels: tuple[str, ...] = ()
    at: int | None = None  # the step whose prediction is looked at; None for the last one


@dataclass(frozen=True, eq=False)
class ComparedRun:
    """One network, trained once."""

    task: str  # "adding", "copy", "order", "noisy-lag", "latch" or "parity"
    model: str  # "plain RNN", "GRU", "LSTM, forget bias 0", …
    lag: int  # of the task, in steps
    seed: int  # of the run
    parameters: int  # weights that were trained
    updates: int  # done
    solved_after: int | None  # updates until it succeeded; none if it did not
    error: float  # share of the test sequences that it got wrong
    learning_rate: float  # that it was trained with
    seconds: float  # of training
    # gradient_before, gradient_after: norm of the gradient of the output at a sequence's end by the
    # input so many steps before, before and after training; none where not measured
    gradient_before: LagCurve | None = None
    gradient_after: LagCurve | None = None


@dataclass(frozen=True, eq=False)
class MemoryComparison:
    """Recurrent networks on tasks whose lag is known, at equal sizes, updates and tuning."""

    title: str  # title, created, version, command: as in `Inspection`
    created: str
    version: str
    command: str
    runs: tuple[ComparedRun, ...]  # all that were trained
    planned: int  # how many were asked for
    success: str  # what counts as solved, in words
    # what the runs say, in sentences; where the LSTM does not win, too
    findings: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()  # what was equal for all, in pairs of words


@dataclass(frozen=True, eq=False)
class ForecastComparison:
    """Recurrent networks as forecasters of one table, on the same folds."""

    title: str  # title, created, version, command: as in `Inspection`
    created: str
    version: str
    command: str
    models: tuple[str, ...]  # names, the best first
    parameters: tuple[int, ...]  # weights of each
    scores: Floats  # (models, seeds) MASE of the medians on the scored folds
    simple: dict[str, float]  # name → MASE of the simple methods on the same folds
    findings: tuple[str, ...] = ()  # what the scores say, in sentences


@dataclass(frozen=True)
class LayerSpeed:
    """One layer on one shape: which kernel runs it, why, and how fast beside torch's."""

    cell: str  # "LSTM", "GRU" or "RNN"
    steps: int  # steps, batch, inputs, units: T, B, I, H
    batch: int
    inputs: int
    units: int
    kernel: str  # kernel, reason: what the engine chose, in words
    reason: str
    # inference, training: milliseconds, ours and torch's; None where nothing was measured
    inference: tuple[float, float] | None = None
    training: tuple[float, float] | None = None
