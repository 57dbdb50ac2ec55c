"""Taggers: how they were trained, and where they are wrong."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.records.language import TagScores


@dataclass(frozen=True)
class ConfusedTags:
    """A tag that was taken for another one.

    Arguments:
        truth, given: the true tag, and the one that was given.
        count: how often.
        words: at which words, the most frequent first; some of them.
    """

    truth: str
    given: str
    count: int
    words: tuple[str, ...]


@dataclass(frozen=True)
class TaggedWords:
    """The words of a sentence with the tags that they were given, and the true ones."""

    words: tuple[str, ...]
    given: tuple[str, ...]
    truth: tuple[str, ...]


@dataclass(frozen=True)
class TaggerRecord:
    """A tagger's training, with all that a person needs to judge it.

    Arguments:
        title: what it was trained on, usually the file's name.
        command: the command that made it; "" from Python.
        created: date and time, ISO 8601.
        version: of Holdfast.
        seed: of the run.
        seconds: from start to end.
        learnt, held_out: sentences that were learnt from, and by which the weights were chosen.
        vocabulary: words that it knows by themselves; others it spells.
        parameters, steps: weights and updates.
        scores: on the sentences by which the weights were chosen.
        confused: the tags that were taken for one another most often.
        mistakes: some of these sentences with a wrong tag.
    """

    title: str
    command: str
    created: str
    version: str
    seed: int
    seconds: float
    learnt: int
    held_out: int
    vocabulary: int
    parameters: int
    steps: int
    scores: TagScores
    confused: tuple[ConfusedTags, ...]
    mistakes: tuple[TaggedWords, ...]
