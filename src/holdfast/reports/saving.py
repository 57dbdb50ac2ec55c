"""A result to a file: which function makes the page of which record."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from holdfast.errors import ArgumentError
from holdfast.records import (
    ClassifierRecord,
    CurvesRecord,
    ForecastComparison,
    ForecastRecord,
    Inspection,
    MemoryComparison,
    SamplesRecord,
    SequenceRecord,
    SurpriseRecord,
    TaggerRecord,
    TextTrainingRecord,
)
from holdfast.reports.comparison_pages import forecast_comparison_html, memory_comparison_html
from holdfast.reports.forecast_page import forecast_html
from holdfast.reports.inspection_page import inspection_html
from holdfast.reports.language_pages import (
    classifier_html,
    surprise_html,
    tagger_html,
    training_html,
)
from holdfast.reports.pretraining_pages import curves_html, samples_html
from holdfast.reports.sequence_page import sequence_html
from holdfast.storage import write_bytes_atomically

Record: TypeAlias = (
    ForecastRecord
    | CurvesRecord
    | SamplesRecord
    | TextTrainingRecord
    | SurpriseRecord
    | ClassifierRecord
    | TaggerRecord
    | Inspection
    | SequenceRecord
    | MemoryComparison
    | ForecastComparison
)
"""Whatever has a page."""

PAGES: dict[type, Callable[[Any], bytes]] = {
    ForecastRecord: forecast_html,
    CurvesRecord: curves_html,
    SamplesRecord: samples_html,
    TextTrainingRecord: training_html,
    SurpriseRecord: surprise_html,
    ClassifierRecord: classifier_html,
    TaggerRecord: tagger_html,
    Inspection: inspection_html,
    SequenceRecord: sequence_html,
    MemoryComparison: memory_comparison_html,
    ForecastComparison: forecast_comparison_html,
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
        >>> save("a forecast", "report.html")
        Traceback (most recent call last):
        holdfast.errors.ArgumentError: record is a str; give a ForecastRecord.
    """
    render = PAGES.get(type(record))
    if render is None:
        raise ArgumentError(f"record is a {type(record).__name__}; give a ForecastRecord.")
    write_bytes_atomically(Path(path), render(record))
