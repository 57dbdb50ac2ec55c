"""Results as JSON for other programs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import TypeAlias

import numpy as np

from holdfast.records import ForecastRecord, Inspection, SequenceRecord
from holdfast.records.lens_summary import memory
from holdfast.reports.formatting import fields_of, numbers
from holdfast.reports.scores import VERDICTS, best_simple, needed_scores
from holdfast.reports.sequence_page import attribution_shares

DOUBTED = 40
"""Series that are named with the reasons not to trust them at most."""

Json: TypeAlias = dict[str, object]


def as_json(
    record: ForecastRecord | Inspection | SequenceRecord, files: Mapping[str, str] | None = None
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
    return {name: _plain(value) for name, value in {**result, "files": dict(files or {})}.items()}


def _forecast(record: ForecastRecord) -> Json:
    backtest = record.backtest
    methods = () if backtest is None else backtest.methods
    coverage = () if backtest is None else backtest.coverage
    simple = best_simple(methods)
    totals = record.totals
    return {
        **fields_of(record, "title", "command", "created", "version", "seed", "seconds", "horizon"),
        "levels": sorted(record.upper),
        "summary": record.summary,
        "methods": methods,
        "best_simple": None if simple is None else simple.method,
        "coverage": [{**asdict(row), "needed": needed_scores(row.level)} for row in coverage],
        "cutoffs": [] if backtest is None else [fold.cutoff for fold in backtest.folds],
        "verdict": [] if backtest is None else backtest.verdict,
        "trust": _trust(record),
        "training": record.training,
        "remarks": record.remarks,
        "totals": totals
        and {
            **fields_of(totals, "by", "over"),
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
        "common": trust.common,
        "hard": [record.labels[index] for index in trust.hard],
        "rests_on": trust.rests_on,
    }


def _inspection(record: Inspection) -> Json:
    return {
        "title": record.title,
        "verdict": record.verdict(),
        **fields_of(record, "advice", "steps", "sequences"),
        "seconds": round(record.seconds, 3),
        "effective_context": None if record.context is None else record.context.effective,
        "layers": [
            {
                **fields_of(layer, "name", "kind", "units"),
                "remembers": memory(layer.jacobian),
                **fields_of(layer, "latching", "leaking", "resetting"),
            }
            for layer in record.layers
        ],
        "arrays": record.table(),
    }


def _sequence(record: SequenceRecord) -> Json:
    shares = attribution_shares(record)
    return {
        **fields_of(record, "title", "output", "labels"),
        "rests_on": None if shares is None else numbers(shares),
        "layers": [
            {
                **fields_of(layer, "name", "kind"),
                "units": layer.order,
                "timescales": layer.timescales,
                "weights": numbers(layer.weight),
            }
            for layer in record.layers
        ],
    }


def _plain(value: object) -> object:
    """`value` with lists for tuples and arrays, and None for numbers that are not finite."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
