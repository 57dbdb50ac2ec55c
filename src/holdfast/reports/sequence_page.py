"""Page of one sequence: what a model's units did at each step, with scripts of its own."""

from __future__ import annotations

import base64

import numpy as np

from holdfast.records import Floats, SequenceRecord, UnitsInTime
from holdfast.reports.formatting import numbers, shorten, significant
from holdfast.reports.page import NAME_LENGTH, TITLE_LENGTH, Frame

SCRIPTS = ("sequence_data.js", "sequence_panels.js", "sequence_tables.js", "sequence.js")
"""Scripts of the page, in the order in which they build on each other."""

STEPS = 2_000
"""Steps that are shown at most: the last ones, which the output is nearest to."""

UNITS = 64
LAYERS = 8
CHANNELS = 4
"""Units of a layer, layers and directions, and columns of a series that are shown at most."""

MAP_BYTES = 5_000_000
"""Bytes of all heat maps at most."""

CODES = 254
"""Levels of a heat map's values; the next code says that there is no value."""

LABEL_LENGTH = 60
OUTPUT_LENGTH = 300


def sequence_html(record: SequenceRecord) -> bytes:
    """The page, complete in itself."""
    frame = Frame(
        "sequence.html", "Holdfast lens", SCRIPTS, charts=False, more_style="sequence.css"
    )
    length = len(record.labels)
    first = max(length - STEPS, 0)
    layers = record.layers[:LAYERS]
    units = _units_that_fit(layers, length - first)
    data = {
        "version": record.version,
        "created": record.created,
        "first": first,
        "labels": [shorten(label, LABEL_LENGTH) for label in record.labels[first:]],
        "channels": [shorten(name, NAME_LENGTH) for name in record.channels[:CHANNELS]],
        "values": None
        if record.values is None
        else [numbers(column, 5) for column in record.values[first:, :CHANNELS].T],
        "attribution": None
        if record.attribution is None
        else numbers(record.attribution[first:], 4),
        "output": shorten(record.output, OUTPUT_LENGTH),
        "layers": [_layer(one, first, units) for one in layers],
        "left_out": _left_out(record, units),
    }
    return frame.render(shorten(record.title, TITLE_LENGTH) or "Sequence", lead(record), data)


def lead(record: SequenceRecord) -> str:
    """How long it is, and what the output rests on most."""
    parts = [f"{len(record.labels):,} steps."]
    if record.output:
        parts.append(f"The output is {shorten(record.output, OUTPUT_LENGTH)}.")
    if record.attribution is not None and np.abs(record.attribution).sum() > 0:
        size = np.abs(np.nan_to_num(record.attribution))
        order = np.argsort(-size, kind="stable")
        half = 1 + int(np.searchsorted(np.cumsum(size[order]), size.sum() / 2))
        reach = len(size) - int(order[:half].min())
        steps = "one step" if half == 1 else f"{half:,} steps"
        parts.append(
            f"Half of what the output rests on lies in {steps}, the earliest {reach:,} before the "
            "end."
        )
    return " ".join(parts)


def attribution_shares(record: SequenceRecord) -> Floats | None:
    """(T,) each step's part in the sum of the attributions' sizes, with its sign."""
    if record.attribution is None:
        return None
    known = np.nan_to_num(record.attribution)
    total = np.abs(known).sum()
    return known / total if total > 0 else None


def _units_that_fit(layers: tuple[UnitsInTime, ...], steps: int) -> int:
    """Units of each layer for which there is room."""
    maps = sum(len(one.fields) for one in layers)
    each = (MAP_BYTES * 3 // 4) // max(maps * steps, 1)
    return int(min(UNITS, max(each, 1)))


def _shown(one: UnitsInTime, units: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Places of the units that are shown: the weightiest half, the others evenly by timescale."""
    count = len(one.order)
    if count <= units:
        return np.arange(count)
    chosen: set[int] = set()
    if len(one.weight) == count:
        chosen.update(np.argsort(-one.weight, kind="stable")[: units // 2].tolist())
    others = [place for place in range(count) if place not in chosen]
    evenly = np.linspace(0, len(others) - 1, units - len(chosen)).round().astype(int)
    chosen.update(others[place] for place in evenly)
    return np.array(sorted(chosen))


def _layer(one: UnitsInTime, first: int, units: int) -> dict[str, object]:
    shown = _shown(one, units)
    return {
        "name": shorten(one.name, NAME_LENGTH),
        "kind": one.kind,
        "units": one.order[shown].tolist(),
        "all": len(one.order),
        "timescales": None if one.timescales is None else numbers(one.timescales[shown]),
        "weight": numbers(one.weight[shown]) if len(one.weight) == len(one.order) else None,
        "fields": [
            {"name": name, **_map(values[first:, shown], gate=name.endswith("gate"))}
            for name, values in one.fields.items()
        ],
        **{name: numbers(getattr(one, name)[first:]) for name in ("written", "kept", "erased")},
    }


def _map(values: Floats, *, gate: bool) -> dict[str, object]:
    """(T, U) values in one byte each, unit by unit: low + code / 254 · (high − low)."""
    finite = np.isfinite(values)
    largest = float(np.max(np.abs(values), initial=0.0, where=finite))
    low, high = (0.0, 1.0) if gate else (-(largest or 1.0), largest or 1.0)
    share = np.clip((np.where(finite, values, low) - low) / (high - low), 0, 1)
    codes = np.where(finite, np.rint(share * CODES), CODES + 1).astype(np.uint8)
    return {
        "low": significant(low, 6),
        "high": significant(high, 6),
        "codes": base64.b64encode(np.ascontiguousarray(codes.T).tobytes()).decode("ascii"),
    }


def _left_out(record: SequenceRecord, units: int) -> list[str]:
    """What a page of bounded size does not show."""
    sentences = []
    if len(record.labels) > STEPS:
        sentences.append(f"The last {STEPS:,} of {len(record.labels):,} steps are shown.")
    widest = max((len(one.order) for one in record.layers), default=0)
    if widest > units:
        sentences.append(
            f"At most {units} units of a layer are shown: those that the output rests on most, "
            "where that is known, and others evenly by timescale."
        )
    if len(record.layers) > LAYERS:
        sentences.append(
            f"The first {LAYERS} of {len(record.layers)} layers and directions are shown."
        )
    if len(record.channels) > CHANNELS:
        sentences.append(
            f"The first {CHANNELS} of {len(record.channels)} columns of the input are shown."
        )
    return sentences
