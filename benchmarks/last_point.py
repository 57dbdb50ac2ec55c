"""Does the last observation reach the first forecast? Ours, neuralforecast's and Darts' LSTM.

    python benchmarks/last_point.py                # ours
    python benchmarks/last_point.py --peer neuralforecast
    python benchmarks/last_point.py --peer darts

The best forecast of a random walk is its last value: ∂ŷ₁/∂y_T = 1. Each model is trained on the
same walks; then the last value is moved and the first forecast is watched, every scaler held fixed.
Peers run in an environment of their own: pip install neuralforecast, or darts.
"""

from __future__ import annotations

import argparse

import numpy as np
from ledger import append

SERIES, LENGTH, CONTEXT, HORIZON = 200, 200, 48, 12


def walks(count: int, length: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, length)).cumsum(axis=1)


def ours(steps: int) -> dict[str, float]:
    """Median derivative by autograd, before and after training."""
    import torch

    from holdfast.forecasting.networks.design import choose_design
    from holdfast.forecasting.networks.model import features
    from holdfast.forecasting.networks.train import NetworkTask, network_plan
    from holdfast.forecasting.quantiles import QUANTILES
    from holdfast.tables.calendar import Calendar
    from holdfast.tables.series import SeriesSet
    from holdfast.training.loop import train

    rows = {str(index): row for index, row in enumerate(walks(SERIES, LENGTH, seed=0))}
    series = SeriesSet.from_arrays(rows, Calendar.integer())
    design = choose_design(series.lengths, HORIZON, 1)
    task = NetworkTask(design, series, None, seed=0)

    def derivative() -> float:
        task.module.eval()
        values = torch.from_numpy(walks(500, design.context, seed=1)).requires_grad_()
        read = features(values, design)
        median = task.module(read)[-1, :, 0, len(QUANTILES) // 2].double()
        first = median * read.spread[-1] + read.level[-1]
        (gradient,) = torch.autograd.grad(first.sum(), values)
        return float(gradient[:, -1].median())

    untrained = derivative()
    train(task, network_plan(design, steps, 0, stop_early=False))
    return {"untrained": untrained, "trained": derivative()}


def neuralforecast(steps: int) -> dict[str, float]:
    """Median derivative by a small move of the last value; scaler_type None, so nothing scales."""
    import logging
    import warnings

    import pandas as pd
    from neuralforecast import NeuralForecast
    from neuralforecast.models import LSTM

    warnings.filterwarnings("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)

    def frame(rows: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "unique_id": np.repeat(np.arange(len(rows)), rows.shape[1]),
                "ds": np.tile(np.arange(rows.shape[1]), len(rows)),
                "y": rows.ravel(),
            }
        )

    def first(made: pd.DataFrame) -> np.ndarray:
        return made.sort_values(["unique_id", "ds"])["LSTM"].to_numpy().reshape(-1, HORIZON)[:, 0]

    result = {}
    for name, count in (("untrained", 0), ("trained", steps)):
        model = LSTM(
            h=HORIZON, input_size=CONTEXT, max_steps=max(count, 1), scaler_type="identity",
            learning_rate=1e-3 if count else 0.0, enable_progress_bar=False, logger=False,
            enable_checkpointing=False, accelerator="cpu",
        )  # fmt: skip
        forecaster = NeuralForecast(models=[model], freq=1)
        forecaster.fit(frame(walks(SERIES, LENGTH, seed=0)))
        test = walks(500, LENGTH, seed=1)
        moved = test.copy()
        moved[:, -1] += 0.01
        change = first(forecaster.predict(frame(moved))) - first(forecaster.predict(frame(test)))
        result[name] = float(np.median(change / 0.01))
    return result


def darts(steps: int) -> dict[str, float]:
    """Median derivative by a small move of the last value; no scaler is used."""
    import logging

    from darts import TimeSeries
    from darts.models import BlockRNNModel

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)

    def listed(rows: np.ndarray) -> list[TimeSeries]:
        return [TimeSeries.from_values(row.astype(np.float32)) for row in rows]

    batches = SERIES * (LENGTH - CONTEXT - HORIZON + 1) // 64
    result = {}
    for name, rate in (("untrained", 0.0), ("trained", 1e-3)):
        model = BlockRNNModel(
            input_chunk_length=CONTEXT, output_chunk_length=HORIZON, model="LSTM", hidden_dim=64,
            batch_size=64, n_epochs=max(steps // batches, 1) if rate else 1, random_state=0,
            optimizer_kwargs={"lr": rate},
            pl_trainer_kwargs={"accelerator": "cpu", "enable_progress_bar": False, "logger": False},
        )  # fmt: skip
        model.fit(listed(walks(SERIES, LENGTH, seed=0)))
        test = walks(200, LENGTH, seed=1)
        moved = test.copy()
        moved[:, -1] += 0.01
        at = [
            np.array([one.values()[0, 0] for one in model.predict(HORIZON, series=listed(rows))])
            for rows in (moved, test)
        ]
        result[name] = float(np.median((at[0] - at[1]) / 0.01))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", choices=["neuralforecast", "darts"])
    parser.add_argument("--steps", type=int, default=1500)
    options = parser.parse_args()
    run = {None: ours, "neuralforecast": neuralforecast, "darts": darts}[options.peer]
    result = run(options.steps)
    name = options.peer or "holdfast"
    print(f"{name}: d forecast 1 / d last value, median: " + ", ".join(
        f"{key} {value:.3f}" for key, value in result.items()
    ))  # fmt: skip
    append("last_point", {"model": name, "steps": options.steps, **result})


if __name__ == "__main__":
    main()
