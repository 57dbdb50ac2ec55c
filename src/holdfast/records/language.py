"""Results of language models, classifiers and taggers: training, scores, mistakes."""

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

    @classmethod
    def of(cls, name: str, right: int, predicted: int, count: int) -> TagScore:
        """The scores from counts.

        Arguments:
            name: of the tag.
            right: how many were found.
            predicted: how many were predicted, rightly or not.
            count: how many there truly are.
        """
        precision, recall = right / max(predicted, 1), right / max(count, 1)
        both = precision + recall
        return cls(name, precision, recall, 2 * precision * recall / both if both else 0.0, count)


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
        parts: what is blended, and the accuracy of each part alone; none where nothing is.
        warm_start: what the start from a language model brought; None without one.
    """

    texts: int
    accuracy: float
    nats: float
    calibration_error: float
    labels: tuple[TagScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    simple: tuple[tuple[str, float], ...]
    unknown: tuple[str, ...]
    parts: tuple[tuple[str, float], ...] = ()
    warm_start: WarmStartComparison | None = None


@dataclass(frozen=True)
class WarmStartComparison:
    """What it brought to start from a language model: one network with it and one without.

    Both learn from the same texts for as long and are scored on the same ones.

    Arguments:
        warm, scratch: accuracy of the network that started from it, and of the other.
        difference: of the two, paired text by text.
        error: standard error of the difference.
    """

    warm: float
    scratch: float
    difference: float
    error: float

    @property
    def verdict(self) -> str:
        """In a word: "better", "worse", or "no clear difference" within two standard errors."""
        if abs(self.difference) <= 2.0 * self.error or not self.difference:
            return "no clear difference"
        return "better" if self.difference > 0.0 else "worse"


@dataclass(frozen=True)
class ExplainedText:
    """A text, the label that it was given, and what each word had to do with it.

    Arguments:
        words: of the text.
        importance: of each word, by leaving it out: what the label's probability would lose.
        given, truth: the label that it was given, and the true one.
        probability: the probability of the given label.
    """

    words: tuple[str, ...]
    importance: tuple[float, ...]
    given: str
    truth: str
    probability: float


@dataclass(frozen=True)
class WordImportance:
    """A word that speaks for a label.

    Arguments:
        label, word: which.
        importance: what the label's probability loses without it, on average.
        count: texts in which it was looked at.
    """

    label: str
    word: str
    importance: float
    count: int


@dataclass(frozen=True)
class ClassifierRecord:
    """A classifier's training, with all that a person needs to judge it.

    Arguments:
        title: what it was trained on, usually the file's name.
        command: the command that made it; "" from Python.
        created: date and time, ISO 8601.
        version: of Holdfast.
        seed: of the run.
        seconds: from start to end.
        learnt: texts that were learnt from; each network leaves some out to choose its weights.
        retrained: whether the networks learnt from the held-out texts, too, after others like them
            were scored on these.
        networks, parameters, steps: networks that are averaged, their weights and their updates.
        scores: on texts that were held out.
        reliability: of ten equal ranges of confidence those that occur: mean confidence, share of
            right labels, and count.
        importance: words that speak most for each label.
        mistakes: texts that were labelled wrongly, the surest first.
        examples: texts that were labelled rightly.
    """

    title: str
    command: str
    created: str
    version: str
    seed: int
    seconds: float
    learnt: int
    retrained: bool
    networks: int
    parameters: int
    steps: int
    scores: ClassifierScores
    reliability: tuple[tuple[float, float, int], ...]
    importance: tuple[WordImportance, ...]
    mistakes: tuple[ExplainedText, ...]
    examples: tuple[ExplainedText, ...]


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
