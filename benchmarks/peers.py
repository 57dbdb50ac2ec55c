"""Another library's LSTM on M4 hourly's test part, scored as benchmarks/m4.py scores ours.

    python benchmarks/peers.py --data ../shared/data

Runs in an environment of its own: pip install neuralforecast pyarrow.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from ledger import append
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MQLoss
from neuralforecast.models import LSTM

SEASON, HORIZON = 24, 48
NAIVE2 = (18.383, 2.395)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--steps", type=int, default=500)
    options = parser.parse_args()
    path = options.data / "m4" / "m4_hourly.parquet"
    if not path.exists():
        sys.exit(f"{path} is not there; give the folder that holds m4/ with --data.")
    warnings.filterwarnings("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    table = pd.read_parquet(path)
    train = [np.asarray(values, dtype=float) for values in table["train"]]
    test = np.stack([np.asarray(values, dtype=float) for values in table["test"]])
    longest = max(map(len, train))
    frame = pd.DataFrame(
        {
            "unique_id": np.repeat(table["id"].to_numpy(), [len(values) for values in train]),
            "ds": np.concatenate([np.arange(longest - len(v), longest) for v in train]),
            "y": np.concatenate(train),
        }
    )
    begin = time.monotonic()
    model = LSTM(
        h=HORIZON, input_size=168, max_steps=options.steps, scaler_type="robust",
        loss=MQLoss(level=[80, 90]), enable_progress_bar=False, logger=False,
        enable_checkpointing=False, accelerator="cpu",
    )  # fmt: skip
    forecaster = NeuralForecast(models=[model], freq=1)
    forecaster.fit(frame)
    made = forecaster.predict(frame).set_index("unique_id")
    seconds = time.monotonic() - begin
    column = "LSTM-median" if "LSTM-median" in made else "LSTM"
    forecast = np.stack([made.loc[name].sort_values("ds")[column] for name in table["id"]])
    scale = np.array([np.mean(np.abs(v[SEASON:] - v[:-SEASON])) for v in train])
    smape = float(np.mean(200 * np.abs(forecast - test) / (np.abs(forecast) + np.abs(test))))
    mase = float(np.mean(np.abs(forecast - test) / scale[:, None]))
    owa = 0.5 * (smape / NAIVE2[0] + mase / NAIVE2[1])
    print(f"sMAPE {smape:.3f}, MASE {mase:.3f}, OWA {owa:.3f} in {seconds:.0f} s")
    append(
        "peers",
        {
            "model": "neuralforecast LSTM",
            "settings": f"{options.steps} steps, robust scaling, input 168",
            "sMAPE": round(smape, 3),
            "MASE": round(mase, 4),
            "OWA": round(owa, 4),
            "seconds": round(seconds, 1),
        },
    )


if __name__ == "__main__":
    main()
