"""The pretrained network beside seasonal naive on each classic series: mean absolute errors.

python benchmarks/classic.py --data ../shared/data
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from ledger import append
from problems import COLLECTIONS
from zero_shot import zero_shot

from holdfast.forecasting.baselines import forecast_simple


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    beaten = 0
    problems = COLLECTIONS["classic"](options.data)
    for problem in problems:
        simple = np.stack(
            [
                forecast_simple(history, problem.season, problem.horizon)["SeasonalNaive"]
                for history in problem.histories()
            ]
        )
        made = {"zero-shot": zero_shot(problem).point, "seasonal naive": simple}
        errors = {
            name: float(np.nanmean(np.abs(point - problem.actual))) for name, point in made.items()
        }
        beaten += errors["zero-shot"] < errors["seasonal naive"]
        ratio = errors["zero-shot"] / errors["seasonal naive"]
        print(
            f"{problem.name:24} zero-shot {errors['zero-shot']:10.4g} "
            f"seasonal naive {errors['seasonal naive']:10.4g} ratio {ratio:.3f}",
            flush=True,
        )
        shown = {f"{name} MAE": f"{error:.6g}" for name, error in errors.items()}
        append("classic", {"problem": problem.name, **shown, "ratio": round(ratio, 4)})
    print(f"smaller error than seasonal naive on {beaten} of {len(problems)}")


if __name__ == "__main__":
    main()
