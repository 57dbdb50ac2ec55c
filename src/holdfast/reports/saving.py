"""A result to a file: which function makes the page of which record."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from holdfast import records
from holdfast.errors import ArgumentError
from holdfast.reports import (
    comparison_pages,
    forecast_page,
    inspection_page,
    language_pages,
    pretraining_pages,
    sequence_page,
)
from holdfast.storage import write_bytes_atomically

Record: TypeAlias = (
    records.ForecastRecord
    | records.CurvesRecord
    | records.SamplesRecord
    | records.TextTrainingRecord
    | records.SurpriseRecord
    | records.ClassifierRecord
    | records.TaggerRecord
    | records.Inspection
    | records.SequenceRecord
    | records.MemoryComparison
    | records.ForecastComparison
)
"""Whatever has a page."""

PAGES: dict[type, Callable[[Any], bytes]] = {
    records.ForecastRecord: forecast_page.forecast_html,
    records.CurvesRecord: pretraining_pages.curves_html,
    records.SamplesRecord: pretraining_pages.samples_html,
    records.TextTrainingRecord: language_pages.training_html,
    records.SurpriseRecord: language_pages.surprise_html,
    records.ClassifierRecord: language_pages.classifier_html,
    records.TaggerRecord: language_pages.tagger_html,
    records.Inspection: inspection_page.inspection_html,
    records.SequenceRecord: sequence_page.sequence_html,
    records.MemoryComparison: comparison_pages.memory_comparison_html,
    records.ForecastComparison: comparison_pages.forecast_comparison_html,
}
"""Kind of record → what makes its page."""


def save(record: Record, path: str | os.PathLike[str]) -> None:
    """Write a record as one HTML page of at most 8 MB that opens offline.

    The page is written beside `path` and then renamed, so a page that was there stays whole if
    anything goes wrong.

    Arguments:
        record: of a forecast, a training or a pretraining, synthetic series, a text with its
            surprises, an inspection of a model or of one sequence, or a comparison.
        path: the file to write; folders above it are made where they do not exist.

    Raises:
        ArgumentError: `record` is no record that has a page.
        InputError: `path` cannot be written.

    Example:
        >>> save("a forecast", "report.html")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        holdfast.errors.ArgumentError: record is a str; give one of ForecastRecord, ...
    """
    render = PAGES.get(type(record))
    if render is None:
        names = ", ".join(kind.__name__ for kind in PAGES)
        raise ArgumentError(f"record is a {type(record).__name__}; give one of {names}.")
    write_bytes_atomically(Path(path), render(record))
