"""Records of the lens, made by hand: what a page is fed in tests."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np

from holdfast.records import (
    Attribution,
    ComparedRun,
    ContextLoss,
    Floats,
    ForecastComparison,
    GateActivity,
    Inspection,
    LagCurve,
    LayerMemory,
    MemoryComparison,
    SequenceRecord,
    UnitsInTime,
)

LAGS = np.unique(np.geomspace(1, 300, 40).round().astype(np.int64))


def curve(rate: float, spread: float = 0.3, seed: int = 0) -> LagCurve:
    """rate^k, with noise on the logarithm."""
    noise = np.random.default_rng(seed).normal(size=(len(LAGS), 20)) * spread
    return LagCurve.of(LAGS, rate ** LAGS[:, None] * np.exp(noise))


def gate(name: str, mean: float) -> GateActivity:
    draw = np.random.default_rng(1)
    by_step = np.clip(mean + 0.1 * np.sin(np.arange(300) / 20), 0, 1)
    return GateActivity(name, by_step, draw.uniform(0.1, 0.95, 64), 0.125, 0.25)


def layer(name: str = "layer 1", **changes: Any) -> LayerMemory:
    made = LayerMemory(
        name=name,
        kind="LSTM",
        units=64,
        jacobian=curve(0.985),
        cell_path=curve(0.98, seed=1),
        rest=curve(0.93, seed=2),
        reaches_output=curve(0.979, seed=3) if "plain" not in name else None,
        timescales=np.r_[np.inf, np.geomspace(0.7, 900, 63)],
        latching=5 / 64,
        leaking=49 / 64,
        resetting=10 / 64,
        gates=(gate("forget gate", 0.85), gate("input gate", 0.3), gate("output gate", 0.5)),
        lyapunov=-np.geomspace(0.004, 3, 128),
        capacity=LagCurve.of(LAGS, np.exp(-LAGS / 30)[:, None]),
        median_cell=curve(0.9, seed=4),
    )
    return replace(made, **changes)


def rnn(name: str = "layer 2") -> LayerMemory:
    return LayerMemory(name, "RNN", 32, curve(0.8))


def context(best: int = 90) -> ContextLoss:
    lags = np.array([1, 2, 5, 10, 20, 50, 90, 150, 300])
    removed = 1.5 + np.maximum(np.log(best / lags), 0) * 0.1
    spread: Floats = np.full(len(lags), 0.004)
    return ContextLoss(lags, removed, removed - 0.03, 1.5, spread, "nats a character")


def inspection(**changes: Any) -> Inspection:
    early = replace(
        layer(),
        jacobian=curve(0.6, seed=5),
        cell_path=curve(0.5, seed=6),
        rest=curve(0.55, seed=7),
        reaches_output=curve(0.5, seed=8),
        timescales=np.linspace(1.2, 1.8, 64),
        gates=(gate("forget gate", 0.5), gate("input gate", 0.5), gate("output gate", 0.5)),
        lyapunov=-np.geomspace(0.3, 3, 128),
    )
    made = Inspection(
        title="Shakespeare, by character",
        created="2026-01-01T12:00:00+00:00",
        version="1.2.3",
        description=(("Model", "language model of 2 layers"), ("Weights", "812,000")),
        steps=300,
        sequences=8,
        seconds=21.4,
        layers=(layer(), rnn()),
        attribution=Attribution(LagCurve.of(LAGS, np.exp(-LAGS / 20)[:, None] / 20), 0.0012, 64),
        context=context(),
        advice=("Start with timescales up to 300 steps.", "A window of 96 steps is enough."),
        command="holdfast inspect model --report inspection.html",
    )
    before = replace(made, layers=(early,), before=None, advice=())
    return replace(made, **{"before": before, **changes})


def units(name: str = "layer 1", steps: int = 300, count: int = 40, **changes: Any) -> UnitsInTime:
    """A leaking layer that reads noise."""
    draw = np.random.default_rng(3)
    timescales = np.geomspace(400, 1.2, count)
    keep = np.exp(-1 / timescales)
    forget = np.clip(keep + draw.normal(size=(steps, count)) * 0.02, 0, 1)
    entry = 1 / (1 + np.exp(-draw.normal(size=(steps, count)) * 2))
    cell = np.zeros((steps, count))
    for step in range(1, steps):
        cell[step] = forget[step] * cell[step - 1] + entry[step] * draw.normal(size=count) * 0.3
    before = np.vstack([np.zeros(count), cell[:-1]])
    made = UnitsInTime(
        name=name,
        kind="LSTM",
        order=draw.permutation(count).astype(np.int64),
        timescales=timescales,
        fields={
            "forget gate": forget,
            "input gate": entry,
            "output gate": 1 / (1 + np.exp(-draw.normal(size=(steps, count)))),
            "cell": cell,
            "hidden": np.tanh(cell) * 0.6,
        },
        weight=draw.dirichlet(np.full(count, 0.3)),
        written=np.abs(entry * 0.3).mean(axis=1),
        kept=np.abs(forget * before).mean(axis=1),
        erased=np.abs((1 - forget) * before).mean(axis=1),
    )
    return replace(made, **changes)


def series_sequence(steps: int = 300, **changes: Any) -> SequenceRecord:
    days = np.arange("2024-01-01", "2034-01-01", dtype="datetime64[D]")[:steps]
    values = 20 + 5 * np.sin(np.arange(steps) / 7 * 2 * np.pi) + np.arange(steps) / 60
    resting = np.exp(-(steps - 1 - np.arange(steps)) / 20) * np.cos(
        np.arange(steps) / 7 * 2 * np.pi
    )
    made = SequenceRecord(
        title="Sales, shop 12",
        created="2026-01-01T12:00:00+00:00",
        version="1.2.3",
        labels=tuple(str(day) for day in days),
        values=values[:, None],
        channels=("sales",),
        attribution=resting,
        output="the forecast of the next week",
        layers=(units(steps=steps), units("layer 2", steps, 24)),
    )
    return replace(made, **changes)


def text_sequence(**changes: Any) -> SequenceRecord:
    words = re.findall(r"\S+", "The king , who had slept through the war , woke and asked for his")
    labels = tuple(word if word == "," else f" {word}" for word in words)
    draw = np.random.default_rng(5)
    made = replace(
        series_sequence(len(labels)),
        title="Which words?",
        labels=labels,
        values=None,
        channels=(),
        attribution=draw.normal(size=len(labels)) * np.linspace(0.1, 1, len(labels)),
        output="the word that follows",
        layers=(units(steps=len(labels)),),
    )
    return replace(made, **changes)


MODELS = ("plain RNN", "GRU", "LSTM, forget bias 0", "LSTM, forget bias 1", "LSTM, remember")


def compared(task: str, model: int, lag: int, seed: int) -> ComparedRun:
    reach = (20, 200, 40, 150, 2_000)[model] * (50 if task == "parity" and model == 0 else 1)
    solved = lag * (1 + 0.2 * seed) < reach
    far = np.unique(np.geomspace(1, lag, 12).round().astype(np.int64))
    before = (0.8, 0.9, 0.6, 0.93, 0.999)[model]
    return ComparedRun(
        task=task,
        model=MODELS[model],
        lag=lag,
        seed=seed,
        parameters=10_000 + model,
        updates=3_000,
        solved_after=int(100 + lag * 3 + seed * 7) if solved else None,
        error=0.0005 if solved else 0.48,
        learning_rate=0.003,
        seconds=12.5,
        gradient_before=LagCurve.of(far, (before ** far.astype(float))[:, None]),
        gradient_after=LagCurve.of(far, (max(before, 0.97) ** far.astype(float))[:, None]),
    )


def comparison(**changes: Any) -> MemoryComparison:
    """Five models, two tasks, four lags, three seeds."""
    runs = tuple(
        compared(task, model, lag, seed)
        for task in ("adding", "parity")
        for model in range(len(MODELS))
        for lag in (10, 30, 100, 300)
        for seed in range(3)
    )
    made = MemoryComparison(
        title="Which network remembers?",
        created="2026-01-01T12:00:00+00:00",
        version="1.2.3",
        command="holdfast compare --lags 10,30,100,300",
        runs=runs,
        planned=130,
        success="at most 3 errors in 2,560 sequences.",
        findings=(
            "Adding: LSTM, remember solves every lag; the plain RNN none beyond 10.",
            "Parity needs no LSTM: the plain RNN solves it at every lag.",
        ),
        facts=(("Weights", "10,000 to 10,004"), ("Updates", "at most 3,000")),
    )
    return replace(made, **changes)


def forecasters(**changes: Any) -> ForecastComparison:
    scores = np.array([[0.081, 0.083], [0.085, 0.084], [0.097, 0.092]])
    made = ForecastComparison(
        title="Sales, 28 days ahead",
        created="2026-01-01T12:00:00+00:00",
        version="1.2.3",
        command="holdfast compare sales.csv --horizon 28",
        models=("LSTM, remember", "GRU", "plain RNN"),
        parameters=(81_000, 80_500, 80_900),
        scores=scores,
        simple={"SeasonalNaive": 0.101, "Theta": 0.079},
        findings=("Theta is better than every network here: take it.",),
    )
    return replace(made, **changes)
