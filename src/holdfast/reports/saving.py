"""A record to a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

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
from holdfast.reports.classifier_page import classifier_html
from holdfast.reports.comparison_page import forecast_comparison_html, memory_comparison_html
from holdfast.reports.curves_page import curves_html
from holdfast.reports.forecast_page import lead, payload
from holdfast.reports.inspection_page import inspection_html
from holdfast.reports.page import LIMIT, forecast_frame
from holdfast.reports.samples_page import samples_html
from holdfast.reports.selection import shorten
from holdfast.reports.sequence_page import sequence_html
from holdfast.reports.tagger_page import tagger_html
from holdfast.reports.text_page import surprise_html, training_html
from holdfast.storage import write_bytes_atomically

TITLE_LENGTH = 200


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


def save(record: Record, path: str | os.PathLike[str]) -> None:
    """Write a record as one HTML page of at most 8 MB that opens offline.

    The page is written beside `path` and then renamed, so a page that was there stays whole if
    anything goes wrong.

    Arguments:
        record: what a forecast, a training or a pretraining left, synthetic series, a text with
            its surprises, what the lens saw of a model or of one sequence, or a comparison.
        path: the file to write; folders above it are made where they do not exist.

    Raises:
        ArgumentError: `record` is no record that has a page.
        InputError: `path` cannot be written.

    Example:
        >>> save("a forecast", "report.html")
        Traceback (most recent call last):
        holdfast.errors.ArgumentError: record is a str; give a ForecastRecord.
    """
    if isinstance(record, ForecastRecord):
        page = forecast_html(record)
    elif isinstance(record, CurvesRecord):
        page = curves_html(record)
    elif isinstance(record, SamplesRecord):
        page = samples_html(record)
    elif isinstance(record, TextTrainingRecord):
        page = training_html(record)
    elif isinstance(record, SurpriseRecord):
        page = surprise_html(record)
    elif isinstance(record, ClassifierRecord):
        page = classifier_html(record)
    elif isinstance(record, TaggerRecord):
        page = tagger_html(record)
    elif isinstance(record, Inspection):
        page = inspection_html(record)
    elif isinstance(record, SequenceRecord):
        page = sequence_html(record)
    elif isinstance(record, MemoryComparison):
        page = memory_comparison_html(record)
    elif isinstance(record, ForecastComparison):
        page = forecast_comparison_html(record)
    else:
        raise ArgumentError(f"record is a {type(record).__name__}; give a ForecastRecord.")
    write_bytes_atomically(Path(path), page)


def forecast_html(record: ForecastRecord) -> bytes:
    """The page of a forecast, as `save` writes it."""
    frame = forecast_frame()
    title = shorten(record.title, TITLE_LENGTH) or "Forecast"
    budget = frame.budget
    while True:
        page = frame.render(title, lead(record), payload(record, budget))
        if len(page) <= LIMIT or not budget:
            return page
        # The budget's estimate was too low, for example for times that are no regular grid.
        budget //= 2
