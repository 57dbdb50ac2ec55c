"""Holdfast as a person uses it: zero-shot, adapted to the data, trained on it, and their blend.

    python benchmarks/adapted.py --data ../shared/data --problem m4-hourly --budget 15m --seed 0

The budget is for all problems of a collection together (M3 is four tables), in proportion to how
many series each has. One row for the blend and one for each member; from several origins the
forecaster is fitted once, before the first. Members that are no network are the simple methods,
which `statistical.py` scores. What is chosen, is chosen on the last horizon of the training part:
--validation forecasts that one.
"""

from __future__ import annotations

import time

import numpy as np
import pyarrow as pa
from comparison import DECILES, Forecasts, Peer, compare, parser
from problems import COLLECTIONS, Problem, long_columns

import holdfast
from holdfast.records import NETWORKS
from holdfast.training.budget import duration

LEVELS = (20, 40, 60, 80, 95)
BLEND = "holdfast"


def frame(problem: Problem, origin: int) -> pa.Table:
    """What may be seen at an origin, in the long format."""
    return pa.table(long_columns(problem.series.cut(origin)))


def fitted(problem: Problem, adapt: str, seconds: float, seed: int) -> dict[str, Forecasts]:
    """The forecasts of the blend and of every network member."""
    begin = time.perf_counter()
    forecaster = holdfast.Forecaster(
        problem.horizon, season=problem.season, freq=1, budget=seconds, adapt=adapt, seed=seed
    )
    forecaster.fit(frame(problem, problem.origins[0]))
    trained = time.perf_counter() - begin
    begin = time.perf_counter()
    tables = [
        forecaster.predict(
            None if origin == problem.origins[0] else frame(problem, origin),
            level=LEVELS,
            members=True,
        )
        for origin in problem.origins
    ]
    predicted = time.perf_counter() - begin

    def column(name: str) -> np.ndarray:
        rows = [
            table.sort_by([("unique_id", "ascending"), ("ds", "ascending")]) for table in tables
        ]
        return np.stack([table[name].to_numpy().astype(float) for table in rows]).reshape(
            problem.actual.shape
        )

    def quantile(share: float) -> np.ndarray:
        level = round(abs(200 * share - 100))
        side = "lo" if share < 0.5 else "hi"
        return column(BLEND if level == 0 else f"{BLEND}-{side}-{level}")

    made = {
        BLEND: Forecasts(
            point=column(BLEND),
            quantiles=np.stack([quantile(share) for share in DECILES]),
            outer=np.stack([quantile(0.025), quantile(0.975)]),
            train_seconds=trained,
            predict_seconds=predicted,
        )
    }
    for member in NETWORKS:
        if member in tables[0].column_names:
            point = column(member)
            if np.isfinite(point).all():
                made[member] = Forecasts(point, None, None, trained, predicted)
    return made


def main() -> None:
    wanted = parser(__doc__.splitlines()[0], list(COLLECTIONS))
    wanted.add_argument("--budget", default="15m", help="for a whole collection")
    wanted.add_argument("--adapt", choices=["none", "auto", "full"], default="auto")
    wanted.add_argument("--seed", type=int, default=0)
    wanted.add_argument("--validation", action="store_true", help="the training parts' ends")
    options = wanted.parse_args()
    totals = {}
    for collection in options.problem:
        problems = COLLECTIONS[collection](options.data)
        total = sum(len(problem.series) for problem in problems)
        totals |= {problem.name: total for problem in problems}
    budget, settings = duration(options.budget), f"adapt {options.adapt}, seed {options.seed}"

    def peers(problem: Problem) -> list[Peer]:
        seconds = budget * len(problem.series) / totals[problem.name]
        made = fitted(problem, options.adapt, seconds, options.seed)
        return [
            Peer(
                f"Holdfast {'blend' if name == BLEND else name}",
                f"{settings}, {options.budget}",
                ("holdfast",),
                lambda _, forecasts=forecasts: forecasts,
            )
            for name, forecasts in made.items()
        ]

    change = Problem.validation if options.validation else lambda problem: problem
    compare(options, peers, change)


if __name__ == "__main__":
    main()
