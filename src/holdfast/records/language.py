"""Language models: how they were trained, and how they do on a text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TextScore:
    """How well a model predicts a text.

    Arguments:
        tokens, characters, words: of the text; words are what lies between blanks.
        unknown: tokens that stand for something the vocabulary has not.
        nats, bits_per_token: mean surprise of a token.
        bits_per_character: mean surprise of a character.
        perplexity: exp of the nats, of a token.
        perplexity_per_word: the same of a word, whatever the tokens are.
        dynamic: whether the model went on learning while it read (dynamic evaluation).
    """

    tokens: int
    characters: int
    words: int
    unknown: int
    nats: float
    bits_per_token: float
    bits_per_character: float
    perplexity: float
    perplexity_per_word: float
    dynamic: bool


@dataclass(frozen=True)
class TextTrainingRecord:
    """A language model's training, with all that a person needs to judge it.

    Arguments:
        title: what it was trained on, usually the file's name.
        command: the command that made it; "" from Python.
        created: date and time, ISO 8601.
        version: of Holdfast.
        seed: of the run.
        seconds: from start to end.
        kind: what a token is: "char", "byte", "word" or "bpe".
        vocabulary: tokens in it.
        learnt, held_out: tokens that were learnt from, and that were only scored.
        parameters: weights.
        design: sizes and shares, in words, one entry each.
        passes: how often the text was read.
        steps: updates.
        tokens_per_second: while training.
        curve_steps, curve_loss: the training loss along the way, nats a token, penalties included.
        validation_steps, validation_loss: nats a token on the held-out text along the way.
        stopped: why training ended: "budget", "steps", "early", "interrupted".
        score: on the held-out text, weights fixed.
        sample: text that the model wrote.
    """

    title: str
    command: str
    created: str
    version: str
    seed: int
    seconds: float
    kind: str
    vocabulary: int
    learnt: int
    held_out: int
    parameters: int
    design: tuple[tuple[str, str], ...]
    passes: float
    steps: int
    tokens_per_second: float
    curve_steps: tuple[int, ...]
    curve_loss: tuple[float, ...]
    validation_steps: tuple[int, ...]
    validation_loss: tuple[float, ...]
    stopped: str
    score: TextScore
    sample: str


@dataclass(frozen=True)
class PlannedText:
    """What a training is going to do, once sizes and steps are settled.

    Arguments:
        kind, vocabulary: what a token is, and how many there are.
        learnt, held_out: tokens to learn from, and to be watched on.
        parameters: weights.
        design: sizes and shares, in words, one entry each.
        steps: updates.
        passes: how often the text will be read.
        threads: of the processor.
    """

    kind: str
    vocabulary: int
    learnt: int
    held_out: int
    parameters: int
    design: tuple[tuple[str, str], ...]
    steps: int
    passes: float
    threads: int


@dataclass(frozen=True)
class SurpriseRecord:
    """Every token of a text, and how little a model expected it.

    Arguments:
        title: usually the file's name.
        texts: the tokens as they are written.
        nats: the surprise of each.
        version: of Holdfast.
    """

    title: str
    texts: tuple[str, ...]
    nats: tuple[float, ...]
    version: str


@dataclass(frozen=True)
class TagScore:
    """How well one tag, or one kind of span, is found.

    Arguments:
        name: the tag's or the span's; "all" for all spans.
        precision, recall, f1: of it, 0 to 1.
        count: how many there truly are.
    """

    name: str
    precision: float
    recall: float
    f1: float
    count: int


@dataclass(frozen=True)
class TagScores:
    """How well a tagger does.

    Arguments:
        words: that were tagged.
        accuracy: share of right tags.
        accuracy_most_frequent: of the tag that a word had most often in training.
        tags: one entry a tag.
        spans: one entry a kind of span and "all", as `seqeval` counts; none without spans.
        unknown: tags of the text that training never saw, which are always wrong.
    """

    words: int
    accuracy: float
    accuracy_most_frequent: float
    tags: tuple[TagScore, ...]
    spans: tuple[TagScore, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class ClassifierScores:
    """How well a classifier does.

    Arguments:
        texts: that were classified.
        accuracy: share of right labels.
        nats: mean surprise of the true label.
        calibration_error: how far confidence and accuracy lie apart, 0 to 1.
        labels: one entry a label.
        confusion: row: the true label, column: the one that was given; counts.
        simple: simple classifiers and their accuracy on the same texts; none where none were asked.
        unknown: labels that training never saw, which are always wrong.
    """

    texts: int
    accuracy: float
    nats: float
    calibration_error: float
    labels: tuple[TagScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    simple: tuple[tuple[str, float], ...]
    unknown: tuple[str, ...]
