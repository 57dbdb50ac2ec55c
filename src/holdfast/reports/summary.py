"""Results as JSON for other programs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from holdfast.records import ForecastRecord, Inspection, SequenceRecord
from holdfast.records.lens_summary import memory
from holdfast.reports.formatting import numbers
from holdfast.reports.scores import VERDICTS, best_simple, needed_scores
from holdfast.reports.sequence_page import attribution_shares

NO_FILES: Mapping[str, str] = MappingProxyType({})

DOUBTED = 40
"""Series that are named with the reasons not to trust them at most."""

Json: TypeAlias = dict[str, object]


def as_json(
    record: ForecastRecord | Inspection | SequenceRecord, files: Mapping[str, str] = NO_FILES
) -> Json:
    """The numbers of a result, made of what JSON knows: those that are not finite are None.

    Of a forecast, forecast.csv holds the forecasts themselves; they are not here.

    Arguments:
        record: of a forecast, an inspection or a sequence.
        files: what was written → where, for example ``{"forecast": "out/forecast.csv"}``.
    """
    if isinstance(record, Inspection):
        result = _inspection(record)
    elif isinstance(record, SequenceRecord):
        result = _sequence(record)
    else:
        result = _forecast(record)
    return {name: _plain(value) for name, value in {**result, "files": dict(files)}.items()}


def _forecast(record: ForecastRecord) -> Json:
    backtest = record.backtest
    simple = None if backtest is None else best_simple(backtest.methods)
    totals = record.totals
    return {
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
        "trust": _trust(record),
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
    }


def _trust(record: ForecastRecord) -> Json:
    """Counts of verdicts, the series that are not to be trusted blindly, and what holds for all."""
    trust = record.trust
    if trust is None:
        return {}
    doubted = [index for verdict in VERDICTS[:2] for index in trust.series(verdict)]
    return {
        "counts": {verdict: trust.count(verdict) for verdict in VERDICTS},
        "series": {
            record.labels[index]: [trust.verdicts[index], *trust.findings[index]]
            for index in doubted[:DOUBTED]
        },
        "common": list(trust.common),
        "hard": [record.labels[index] for index in trust.hard],
        "rests_on": list(trust.rests_on),
    }


def _inspection(record: Inspection) -> Json:
    return {
        "title": record.title,
        "verdict": record.verdict(),
        "advice": list(record.advice),
        "steps": record.steps,
        "sequences": record.sequences,
        "seconds": round(record.seconds, 3),
        "effective_context": None if record.context is None else record.context.effective,
        "layers": [
            {
                "name": layer.name,
                "kind": layer.kind,
                "units": layer.units,
                "remembers": memory(layer.jacobian),
                "latching": layer.latching,
                "leaking": layer.leaking,
                "resetting": layer.resetting,
            }
            for layer in record.layers
        ],
        "arrays": {name: array.tolist() for name, array in record.table().items()},
    }


def _sequence(record: SequenceRecord) -> Json:
    shares = attribution_shares(record)
    return {
        "title": record.title,
        "output": record.output,
        "labels": list(record.labels),
        "rests_on": None if shares is None else numbers(shares),
        "layers": [
            {
                "name": layer.name,
                "kind": layer.kind,
                "units": layer.order.tolist(),
                "timescales": None if layer.timescales is None else layer.timescales.tolist(),
                "weights": numbers(layer.weight),
            }
            for layer in record.layers
        ],
    }


def _plain(value: object) -> object:
    """`value` with lists for tuples and None for numbers that are not finite."""
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
