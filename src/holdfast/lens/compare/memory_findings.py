"""Sentences about the runs of a memory comparison; where the LSTM does not win, too."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Final

from holdfast.records import ComparedRun

_REMEMBER, _DEFAULT, _PLAIN = "LSTM, remember", "LSTM, forget bias 0", "plain RNN"


PUBLISHED: Final[Mapping[tuple[str, int], str]] = {
    ("adding", 100): "74,000",
    ("adding", 500): "209,000",
    ("adding", 1000): "853,000",
    ("order", 100): "31,390",
    ("order-three", 100): "571,100",
    ("noisy-lag", 1000): "49,000 to 203,000",
}
"""Training sequences until success of Hochreiter and Schmidhuber (1997)."""


def findings(runs: Sequence[ComparedRun], planned: int, batch: int) -> tuple[str, ...]:
    """What the runs of one task say, in sentences; `planned` is how many there should be."""
    models = list(dict.fromkeys(run.model for run in runs))
    found = [_reach(model, [run for run in runs if run.model == model]) for model in models]
    found += _without_gates(runs)
    found += _forgetful(runs)
    found += _sooner(runs)
    found += _published(runs, batch)
    if len(runs) < planned:
        lags = ", ".join(str(lag) for lag in sorted({run.lag for run in runs})) or "none"
        found.append(
            f"{planned - len(runs)} of {planned} runs were not done: the budget was spent, or they "
            f"were stopped; lags with runs: {lags}."
        )
    return tuple(found)


def _reach(model: str, runs: Sequence[ComparedRun]) -> str:
    lags = sorted({run.lag for run in runs})
    solved = [lag for lag in lags if _share(runs, lag) == 1.0]
    partly = [
        f"lag {lag} in {sum(run.solved_after is not None for run in _at(runs, lag))} of "
        f"{len(_at(runs, lag))}"
        for lag in lags
        if 0.0 < _share(runs, lag) < 1.0
    ]
    never = [lag for lag in lags if _share(runs, lag) == 0.0]
    parts = []
    if solved:
        parts.append(f"solved lag {_listed(solved)} in every run")
    parts += [f"solved {part}" for part in partly]
    if never:
        parts.append(f"did not solve lag {_listed(never)}")
    return f"{model}: {'; '.join(parts)}."


def _without_gates(runs: Sequence[ComparedRun]) -> list[str]:
    """Where a plain RNN does as well."""
    plain, ours = (_longest(runs, model) for model in (_PLAIN, _REMEMBER))
    if plain is None or ours is None or not plain or plain < ours:
        return []
    solved = f"the plain RNN solved {runs[0].task} up to lag {plain} in every run"
    if plain == ours:
        return [f"This needs no LSTM: {solved}, as did the LSTM that starts to remember."]
    reached = f"up to lag {ours}" if ours else "at no lag"
    return [f"The plain RNN wins here: {solved}, the LSTM that starts to remember {reached}."]


def _forgetful(runs: Sequence[ComparedRun]) -> list[str]:
    """Where an LSTM alone is not enough."""
    ours, default = (_longest(runs, model) for model in (_REMEMBER, _DEFAULT))
    if ours is None or default is None or ours == default:
        return []
    first, second = (f"up to lag {lag}" if lag else "no lag" for lag in (default, ours))
    seen = f"with forget gates that start at 1/2 it solved {first} in every run"
    if ours > default:
        return [f"Being an LSTM is not enough: {seen}, with timescales spread over it {second}."]
    return [f"Spread timescales did not help the LSTM: {seen}, with them {second}."]


def _sooner(runs: Sequence[ComparedRun]) -> list[str]:
    """Who needs fewer updates than the LSTM that remembers, at the longest lag both solve."""
    found = []
    for model in dict.fromkeys(run.model for run in runs):
        both = [
            lag
            for lag in {run.lag for run in runs}
            if model != _REMEMBER
            and all(_share(_of(runs, name), lag) == 1.0 for name in (model, _REMEMBER))
        ]
        if not both:
            continue
        lag = max(both)
        others, ours = (_updates(_of(runs, name), lag) for name in (model, _REMEMBER))
        if others < ours:
            found.append(
                f"At lag {lag} {model} was sooner: {others:,.0f} updates in the median, the LSTM "
                f"that starts to remember {ours:,.0f}."
            )
    return found


def _published(runs: Sequence[ComparedRun], batch: int) -> list[str]:
    """Training sequences beside those of the paper that the tasks are from."""
    found = []
    for lag in sorted({run.lag for run in runs}):
        published = PUBLISHED.get((runs[0].task, lag))
        ours = _at(_of(runs, _REMEMBER), lag)
        if published is None or not ours or _share(ours, lag) < 1.0:
            continue
        found.append(
            f"At lag {lag} {_REMEMBER} took {batch * _updates(ours, lag):,.0f} training sequences "
            f"in the median; Hochreiter and Schmidhuber (1997) report {published} for theirs."
        )
    return found


def _longest(runs: Sequence[ComparedRun], model: str) -> int | None:
    """The longest lag solved in every run, 0 where none was; None where the model has no runs."""
    of_model = _of(runs, model)
    if not of_model:
        return None
    return max((run.lag for run in of_model if _share(of_model, run.lag) == 1.0), default=0)


def _of(runs: Sequence[ComparedRun], model: str) -> list[ComparedRun]:
    return [run for run in runs if run.model == model]


def _at(runs: Sequence[ComparedRun], lag: int) -> list[ComparedRun]:
    return [run for run in runs if run.lag == lag]


def _share(runs: Sequence[ComparedRun], lag: int) -> float:
    """Of the runs at a lag, those that solved it; −1 where there are none."""
    at_lag = _at(runs, lag)
    return sum(run.solved_after is not None for run in at_lag) / len(at_lag) if at_lag else -1.0


def _updates(runs: Sequence[ComparedRun], lag: int) -> float:
    return statistics.median(run.solved_after or 0 for run in _at(runs, lag))


def _listed(lags: Sequence[int]) -> str:
    words = [str(lag) for lag in lags]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
