"""A record as numbers for other programs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType

import numpy as np

from holdfast.records import ForecastRecord
from holdfast.reports.scores import best_simple, needed_scores
from holdfast.reports.trust_payload import trust_json

NO_FILES: Mapping[str, str] = MappingProxyType({})


def as_json(record: ForecastRecord, files: Mapping[str, str] = NO_FILES) -> dict[str, object]:
    """What a forecast came to, made of what JSON knows: numbers that are not finite are None.

    The forecasts themselves are in forecast.csv, not here.

    Arguments:
        record: what a forecast left.
        files: what was written → where, for example ``{"forecast": "out/forecast.csv"}``.
    """
    backtest = record.backtest
    simple = None if backtest is None else best_simple(backtest.methods)
    totals = record.totals
    result = {
        "title": record.title,
        "command": record.command,
        "created": record.created,
        "version": record.version,
        "seed": record.seed,
        "seconds": record.seconds,
        "horizon": record.horizon,
        "levels": sorted(record.upper),
        "summary": asdict(record.summary),
        "methods": [] if backtest is None else [asdict(row) for row in backtest.methods],
        "best_simple": None if simple is None else simple.method,
        "coverage": []
        if backtest is None
        else [{**asdict(row), "needed": needed_scores(row.level)} for row in backtest.coverage],
        "cutoffs": [] if backtest is None else [fold.cutoff for fold in backtest.folds],
        "verdict": [] if backtest is None else list(backtest.verdict),
        "trust": trust_json(record),
        "training": [asdict(one) for one in record.training],
        "remarks": list(record.remarks),
        "totals": None
        if totals is None
        else {
            "by": totals.by,
            "over": totals.over,
            "count": len(totals.labels),
            "partial": totals.partial,
        },
        "files": dict(files),
    }
    return {name: _plain(value) for name, value in result.items()}


def _plain(value: object) -> object:
    """`value` with lists for tuples and None for numbers that are not finite."""
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
