"""The pretrained network on every problem, with no training on any of them.

    python benchmarks/zero_shot.py --data ../shared/data

Point forecasts are medians. Of a history it reads what fits into its context, and nothing of the
other series. Long seasons are taken from the histories alone.
"""

from __future__ import annotations

import time

import numpy as np
from comparison import DECILES, Forecasts, Peer, compare, parser
from problems import COLLECTIONS, Problem

from holdfast.forecasting.pretrained.forecast import forecast_pretrained
from holdfast.forecasting.pretrained.weights import choose, shipped
from holdfast.forecasting.quantiles import at_level
from holdfast.tables.season import long_season


def zero_shot(problem: Problem) -> Forecasts:
    """Forecast each series from each origin."""
    season, horizon = problem.season, problem.horizon
    begin = time.perf_counter()
    made = []
    for history in problem.histories():
        longer = long_season(history, season)
        network = shipped(choose(history.lengths, horizon, season, longer))
        made.append(forecast_pretrained(network, history, horizon, season, longer))
    quantiles = np.stack(made)
    return Forecasts(
        point=at_level(quantiles, 0.5),
        quantiles=np.stack([at_level(quantiles, share) for share in DECILES]),
        outer=np.stack([at_level(quantiles, share) for share in (0.025, 0.975)]),
        train_seconds=0.0,
        predict_seconds=time.perf_counter() - begin,
    )


def main() -> None:
    wanted = parser(__doc__.splitlines()[0], list(COLLECTIONS))
    wanted.add_argument("--validation", action="store_true", help="the training parts' ends")
    options = wanted.parse_args()
    peer = Peer("Holdfast zero-shot", "", ("holdfast",), zero_shot)
    change = Problem.validation if options.validation else lambda problem: problem
    compare(options, lambda problem: [peer], change)


if __name__ == "__main__":
    main()
