"""Which recurrent networks solved a task at which lag."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.records.arrays import Floats
from holdfast.records.inspection import LagCurve


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
