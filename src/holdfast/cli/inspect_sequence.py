"""`holdfast inspect --sequence`: one series or text, unit by unit and step by step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.cli.screen import Screen
from holdfast.errors import ArgumentError

if TYPE_CHECKING:
    from torch import nn

    from holdfast.forecasting.model import FittedModel
    from holdfast.records import SequenceLabels
    from holdfast.tables.series import SeriesSet

LANGUAGE_MODEL, CLASSIFIER = "language model", "classifier"

PAGE = Path("holdfast-sequence.html")
"""Where the page is written if nobody says."""


def check(
    sequence: str, data: Path | None, takes_data: bool, *, max_lag: int | None, prescribe: bool
) -> None:
    """Refuse what --sequence cannot be given with.

    Raises:
        ArgumentError: names the option.
    """
    if not sequence.strip():
        raise ArgumentError("--sequence is empty; give a text, or the name of a series.")
    if data is not None and not takes_data:
        raise ArgumentError(f"--sequence is the text itself; leave {data} away.")
    if max_lag is not None or prescribe:
        option = "--prescribe" if prescribe else "--max-lag"
        raise ArgumentError(f"{option} is for a model as a whole; leave it or --sequence away.")


def series_sequence(
    fitted: FittedModel, series: SeriesSet | None, name: str
) -> tuple[nn.Module, Any, SequenceLabels]:
    """What a forecaster reads of a series."""
    from holdfast.forecasting.inspect import forecast_sequence

    return forecast_sequence(fitted, name, series)


def text_sequence(kind: str, folder: Path, text: str) -> tuple[nn.Module, Any, SequenceLabels]:
    """What a language model, a classifier or a tagger reads of a text."""
    if kind == LANGUAGE_MODEL:
        from holdfast.language.inspect import language_sequence
        from holdfast.language.language_model import LanguageModel

        return language_sequence(LanguageModel.load(folder), text)
    if kind == CLASSIFIER:
        from holdfast.language.classify.model import StoredClassifier
        from holdfast.language.inspect import classifier_sequence

        return classifier_sequence(StoredClassifier.load(folder), text)
    from holdfast.language.inspect import tagger_sequence
    from holdfast.language.tag.tagger import Tagger

    return tagger_sequence(Tagger.load(folder), text)


def show(
    screen: Screen, subject: nn.Module, examples: Any, words: SequenceLabels, out: Path | None
) -> None:
    """Look at one sequence, say what its output rests on, and write its page."""
    from holdfast import lens
    from holdfast.reports import save, sequence_terminal, terminal

    record = lens.sequence(
        subject,
        examples,
        labels=words.labels,
        values=words.values,
        channels=words.channels,
        at=words.at,
        output=words.output,
        title=words.title,
    )
    page = PAGE if out is None else out
    save(record, page)
    files = {"page": str(page)}
    screen.show(sequence_terminal.sequence(record))
    screen.show(terminal.written(files), whole_lines=True)
    screen.result({**sequence_terminal.summary(record), "files": files})
