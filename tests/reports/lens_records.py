"""Records of the lens, made by hand: what a page is fed in tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from holdfast.records import (
    Attribution,
    ContextLoss,
    Floats,
    GateActivity,
    Inspection,
    LagCurve,
    LayerMemory,
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
    return replace(made, before=before, **changes)
