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

    Arguments:
        lags: (K,) steps back, ascending.
        median: (K,).
        low, high: (K,) the 10 % and the 90 % quantile.
        samples: sequences × positions that each point is made of.

    Example:
        >>> LagCurve.of(np.array([1, 2]), np.array([[1.0, 3.0], [2.0, 2.0]])).median.tolist()
        [2.0, 2.0]
    """

    lags: Ints
    median: Floats
    low: Floats
    high: Floats
    samples: int

    @classmethod
    def of(cls, lags: Ints, values: Floats) -> LagCurve:
        """The curve of samples.

        Arguments:
            lags: (K,).
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
    """How open a gate stood.

    Arguments:
        name: "forget gate", "input gate", "output gate", "update gate", "reset gate".
        by_step: (T,) its mean over units and sequences at each step.
        by_unit: (H,) its mean over steps and sequences in each unit.
        closed, open: shares of all values below 0.05 and above 0.95: saturated.
    """

    name: str
    by_step: Floats
    by_unit: Floats
    closed: float
    open: float


@dataclass(frozen=True, eq=False)
class LayerMemory:
    """The memory of one recurrent layer in one direction.

    Arguments:
        name: the layer's name in its model; with ", reverse" for the direction back in time.
        kind: "LSTM", "GRU", "RNN" or "sLSTM", or "RNN (relu)".
        units: H.
        jacobian: spectral norm of the Jacobian of the joint state at t by the joint state at t−k.
        cell_path: of its part along the cells alone, the largest ∏f of any unit; none for a plain
            RNN.
        rest: of what is left when the cell path is taken away: the way through gates and h.
        reaches_output: the median over units of the cell path up to h at t, o (1 − tanh² c) ∏f for
            an LSTM; none where there is no cell path.
        timescales: (H,) steps after which a unit has kept 1/e, −1/mean ln f; infinite where f is 1.
            For a plain RNN, which has no gate, none.
        latching, leaking, resetting: shares of the units that keep (longer than the sequence),
            that forget slowly, and that forget within 2 steps.
        gates: how open each gate stood.
        lyapunov: exponents of the state, the largest first, per step.
        capacity: linear memory capacity by lag: R² of white noise k steps back, read linearly from
            the state.
        median_cell: ∏f of the median unit, beside `cell_path` for the largest.
    """

    name: str
    kind: str
    units: int
    jacobian: LagCurve
    cell_path: LagCurve | None = None
    rest: LagCurve | None = None
    reaches_output: LagCurve | None = None
    timescales: Floats | None = None
    latching: float = 0.0
    leaking: float = 0.0
    resetting: float = 0.0
    gates: tuple[GateActivity, ...] = ()
    lyapunov: Floats | None = None
    capacity: LagCurve | None = None
    median_cell: LagCurve | None = None


@dataclass(frozen=True, eq=False)
class Attribution:
    """Which inputs an output rests on, by integrated gradients.

    Arguments:
        by_lag: share of the attribution's absolute sum at each lag; the shares of a sample sum to 1
            over all lags of its sequence.
        completeness: |sum of attributions − (output − output of the baseline)|, relative to the
            latter; what the integral's steps left out.
        steps: of the integral.
    """

    by_lag: LagCurve
    completeness: float
    steps: int


@dataclass(frozen=True, eq=False)
class ContextLoss:
    """The loss when the past beyond a lag is taken away: what the past is worth.

    Arguments:
        lags: (K,) how many steps were left as they are.
        removed: (K,) mean loss when everything before was replaced by the mean input: `whole` and
            the mean difference from it at the very same positions.
        shuffled: (K,) the same when everything before was put in another order.
        whole: the loss with all of the past.
        spread: (K,) standard error of the paired difference removed − whole.
        unit: of the loss: "nats a character", "scaled quantile loss".
    """

    lags: Ints
    removed: Floats
    shuffled: Floats
    whole: float
    spread: Floats
    unit: str = ""

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
    """What was measured of a model's memory; `holdfast.reports.save` makes the page.

    Arguments:
        title: what was inspected.
        created: when, ISO 8601.
        version: of Holdfast.
        description: what the model is, in a few words each.
        steps, sequences: T and B of what it was inspected on.
        seconds: how long it took.
        layers: in the order in which a sequence passes them, each direction for itself.
        whole: the Jacobian of the joint state of all layers of a stack that runs forward; none
            where there is one layer, or two directions.
        attribution, context: none where the model has no output or loss to take them from.
        before: the same before training, where the first weights were at hand.
        advice: what to change, in sentences; filled by `lens.prescribe`.
        command: that was given, or "".
    """

    title: str
    created: str
    version: str
    description: tuple[tuple[str, str], ...]
    steps: int
    sequences: int
    seconds: float
    layers: tuple[LayerMemory, ...]
    whole: LagCurve | None = None
    attribution: Attribution | None = None
    context: ContextLoss | None = None
    before: Inspection | None = None
    advice: tuple[str, ...] = ()
    command: str = ""

    def table(self) -> dict[str, NDArray[np.generic]]:
        """Every measured array by a name such as "lstm/jacobian/median"; see `verdict.table`."""
        return table(self)

    def verdict(self) -> str:
        """One paragraph in plain words, each number from the measurement."""
        return verdict(self)


@dataclass(frozen=True, eq=False)
class UnitsInTime:
    """One layer in one direction, unit by unit and step by step.

    Arguments:
        name, kind: as in `LayerMemory`.
        order: (U,) the units that are shown, by timescale, the longest first.
        timescales: (U,) of those; none for a plain RNN.
        fields: name → (T, U): the gates, cells and hidden states, in that order.
        weight: (U,) how much the output rests on each unit; sums to 1 over all units.
        written, kept, erased: (T,) mean over units of |i·g|, |f·c before| and |(1 − f)·c before|;
            empty for a plain RNN.
    """

    name: str
    kind: str
    order: Ints
    timescales: Floats | None
    fields: dict[str, Floats] = field(default_factory=dict)
    weight: Floats = field(default_factory=lambda: np.empty(0))
    written: Floats = field(default_factory=lambda: np.empty(0))
    kept: Floats = field(default_factory=lambda: np.empty(0))
    erased: Floats = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True, eq=False)
class SequenceRecord:
    """One sequence as a model read it.

    Arguments:
        title, created, version: as in `Inspection`.
        labels: (T,) the steps in words: tokens of a text, or times of a series.
        values: (T, C) numbers of a series, none for a text.
        channels: (C,) names of the columns of values.
        attribution: (T,) how much the output rests on each step, signed; none where unknown.
        output: what the attribution is of, in words.
        layers: each direction for itself.
    """

    title: str
    created: str
    version: str
    labels: tuple[str, ...]
    values: Floats | None
    channels: tuple[str, ...]
    attribution: Floats | None
    output: str
    layers: tuple[UnitsInTime, ...]


@dataclass(frozen=True, eq=False)
class SequenceLabels:
    """How one sequence is shown: what `lens.sequence` takes beside the model and what it reads.

    Arguments:
        labels, values, channels, output, title: as in `SequenceRecord`.
        at: the step whose prediction is looked at; None for the last one.
    """

    labels: tuple[str, ...]
    output: str
    title: str
    values: Floats | None = None
    channels: tuple[str, ...] = ()
    at: int | None = None


@dataclass(frozen=True, eq=False)
class ComparedRun:
    """One network, trained once.

    Arguments:
        task: "adding", "copy", "order", "noisy-lag", "latch" or "parity".
        model: "plain RNN", "GRU", "LSTM, forget bias 0", …
        lag: of the task, in steps.
        seed: of the run.
        parameters: weights that were trained.
        updates: done.
        solved_after: updates until it succeeded; none if it did not.
        error: share of the test sequences that it got wrong.
        learning_rate: that it was trained with.
        seconds: of training.
        gradient_before, gradient_after: norm of the gradient of the output at a sequence's end by
            the input so many steps before, before and after training; none where not measured.
    """

    task: str
    model: str
    lag: int
    seed: int
    parameters: int
    updates: int
    solved_after: int | None
    error: float
    learning_rate: float
    seconds: float
    gradient_before: LagCurve | None = None
    gradient_after: LagCurve | None = None


@dataclass(frozen=True, eq=False)
class MemoryComparison:
    """Recurrent networks on tasks whose lag is known, at equal sizes, updates and tuning.

    Arguments:
        title, created, version, command: as in `Inspection`.
        runs: all that were trained.
        planned: how many were asked for.
        success: what counts as solved, in words.
        findings: what the runs say, in sentences; where the LSTM does not win, too.
        facts: what was equal for all, in pairs of words.
    """

    title: str
    created: str
    version: str
    command: str
    runs: tuple[ComparedRun, ...]
    planned: int
    success: str
    findings: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class ForecastComparison:
    """Recurrent networks as forecasters of one table, on the same folds.

    Arguments:
        title, created, version, command: as in `Inspection`.
        models: names, the best first.
        parameters: weights of each.
        scores: (models, seeds) MASE of the medians on the scored folds.
        simple: name → MASE of the simple methods on the same folds.
        findings: what the scores say, in sentences.
    """

    title: str
    created: str
    version: str
    command: str
    models: tuple[str, ...]
    parameters: tuple[int, ...]
    scores: Floats
    simple: dict[str, float]
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class LayerSpeed:
    """One layer on one shape: which kernel runs it, why, and how fast beside torch's.

    Arguments:
        cell: "LSTM", "GRU" or "RNN".
        steps, batch, inputs, units: T, B, I, H.
        kernel, reason: what the engine chose, in words.
        inference, training: milliseconds, ours and torch's; None where nothing was measured.
    """

    cell: str
    steps: int
    batch: int
    inputs: int
    units: int
    kernel: str
    reason: str
    inference: tuple[float, float] | None = None
    training: tuple[float, float] | None = None
