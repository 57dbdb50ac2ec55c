"""What taggers and classifiers print, as rich renderables; see `terminal`."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from holdfast.records import ClassifierScores, TagScore, TagScores
from holdfast.reports.start_words import start_words
from holdfast.reports.study_terminal import span

ROWS = 40
"""Tags that are printed at most, the most frequent first."""


def tags(scores: TagScores, title: str) -> RenderableType:
    """How well a tagger does, and each word's most frequent tag beside it."""
    gain = scores.accuracy - scores.accuracy_most_frequent
    verdict = "" if gain > 0 else " – no better: do not use it"
    parts: list[RenderableType] = [
        Text(title, style="bold"),
        Text(
            f"{scores.accuracy:.2%} of {scores.words:,} tags are right; each word's most frequent "
            f"tag: {scores.accuracy_most_frequent:.2%}{verdict}"
        ),
    ]
    if scores.spans:
        parts += [Text(), _table("Spans", scores.spans)]
    parts += [Text(), _table("Tag", scores.tags)]
    if scores.unknown:
        named = ", ".join(scores.unknown[:5])
        parts += [Text(), Text(f"Training never saw these tags, which are always wrong: {named}.")]
    return Group(*parts)


def trained(
    steps: int, seconds: float, networks: int = 1, everything: int = 0, asked: int = 0
) -> RenderableType:
    """What a training came to.

    Arguments:
        steps: updates of all networks.
        seconds: from start to end.
        networks: that were trained.
        everything: those of them that learnt from all texts and are kept alone; 0 for none.
        asked: how many were asked for, where fewer fitted into the time; 0 where all did.
    """
    what = f"{networks} networks, " if networks > 1 else ""
    kept = f"; the {everything} that learnt from all texts are kept" if everything else ""
    if asked:
        kept += f"; the time was over before all {asked} networks had learnt: give more of it"
    return Text(f"Trained: {what}{steps:,} updates, {span(seconds)} in all{kept}.")


def unscored(what: str) -> RenderableType:
    """Said in place of scores."""
    return Text(f"Too few {what} to hold some out: nothing was scored, so there is no report.html.")


def labels(scores: ClassifierScores, title: str) -> RenderableType:
    """How well a classifier does, simple classifiers beside it, and what was taken for what."""
    parts: list[RenderableType] = [
        Text(title, style="bold"),
        Text(
            f"{scores.accuracy:.2%} of {scores.texts:,} labels are right; probabilities are off by "
            f"{scores.calibration_error:.1%} (expected calibration error)."
        ),
    ]
    for name, accuracy in scores.simple:
        better = accuracy >= scores.accuracy
        verdict = "; at least as good, and simpler: take it" if better else ""
        parts.append(Text(f"{name}: {accuracy:.2%}{verdict}"))
    if scores.parts:
        alone = "; ".join(f"{name}: {accuracy:.2%}" for name, accuracy in scores.parts)
        parts.append(Text(f"Blended of: {alone}."))
    if scores.warm_start is not None:
        parts.append(Text(start_words(scores.warm_start)))
    parts += [Text(), _table("Label", scores.labels)]
    mixed = [
        (count, scores.labels[row].name, scores.labels[column].name)
        for row, counts in enumerate(scores.confusion)
        for column, count in enumerate(counts)
        if row != column and count
    ]
    if mixed:
        parts += [Text(), Text("Most often confused:")]
        parts += [
            Text(f"  {true} taken for {said}: {count:,} times")
            for count, true, said in sorted(mixed, reverse=True)[:5]
        ]
    if scores.unknown:
        named = ", ".join(scores.unknown[:5])
        parts += [
            Text(),
            Text(f"Training never saw these labels, which are always wrong: {named}."),
        ]
    return Group(*parts)


def _table(name: str, rows: Sequence[TagScore]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column(name)
    for column in ("Precision", "Recall", "F1", "Count"):
        table.add_column(column, justify="right")
    for row in sorted(rows, key=lambda one: -one.count)[:ROWS]:
        table.add_row(
            row.name, f"{row.precision:.3f}", f"{row.recall:.3f}", f"{row.f1:.3f}", f"{row.count:,}"
        )
    return table
