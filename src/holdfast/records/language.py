"""Results of language models, classifiers and taggers: training, scores, mistakes."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.records.forecast import RunRecord


@dataclass(frozen=True)
class TextScore:
    """How well a model predicts a text."""

    tokens: int  # tokens, characters, words: of the text; words are what lies between blanks
    characters: int
    words: int
    unknown: int  # tokens that stand for something the vocabulary has not
    nats: float  # nats, bits_per_token: mean surprise of a token
    bits_per_token: float
    bits_per_character: float  # mean surprise of a character
    perplexity: float  # exp of the nats, of a token
    perplexity_per_word: float  # the same of a word, whatever the tokens are
    dynamic: bool  # whether the model went on learning while it read (dynamic evaluation)


@dataclass(frozen=True)
class TextTrainingRecord(RunRecord):
    """A language model's training, with all that a person needs to judge it."""

    kind: str  # what a token is: "char", "byte", "word" or "bpe"
    vocabulary: int  # tokens in it
    learnt: int  # learnt, held_out: tokens that were learnt from, and that were only scored
    held_out: int
    parameters: int  # weights
    design: tuple[tuple[str, str], ...]  # sizes and shares, in words, one entry each
    passes: float  # how often the text was read
    steps: int  # updates
    tokens_per_second: float  # while training
    # curve_steps, curve_loss: the training loss along the way, nats a token, penalties included
    curve_steps: tuple[int, ...]
    curve_loss: tuple[float, ...]
    # validation_steps, validation_loss: nats a token on the held-out text along the way
    validation_steps: tuple[int, ...]
    validation_loss: tuple[float, ...]
    stopped: str  # why training ended: "budget", "steps", "early", "interrupted"
    score: TextScore  # on the held-out text, weights fixed
    sample: str  # text that the model wrote


@dataclass(frozen=True)
class PlannedText:
    """What a training is going to do, once sizes and steps are settled."""

    kind: str  # kind, vocabulary: what a token is, and how many there are
    vocabulary: int
    learnt: int  # learnt, held_out: tokens to learn from, and to be watched on
    held_out: int
    parameters: int  # weights
    design: tuple[tuple[str, str], ...]  # sizes and shares, in words, one entry each
    steps: int  # updates
    passes: float  # how often the text will be read
    threads: int  # of the processor


@dataclass(frozen=True)
class SurpriseRecord:
    """Every token of a text, and how little a model expected it."""

    title: str  # usually the file's name
    texts: tuple[str, ...]  # the tokens as they are written
    nats: tuple[float, ...]  # the surprise of each
    version: str  # of Holdfast


@dataclass(frozen=True)
class TagScore:
    """How well one tag, or one kind of span, is found."""

    name: str  # the tag's or the span's; "all" for all spans
    precision: float  # precision, recall, f1: of it, 0 to 1
    recall: float
    f1: float
    count: int  # how many there truly are

    @classmethod
    def of(cls, name: str, right: int, predicted: int, count: int) -> TagScore:
        """The scores from counts.

        Arguments:
            right: how many were found.
            predicted: how many were predicted, rightly or not.
            count: how many there truly are.
        """
        precision, recall = right / max(predicted, 1), right / max(count, 1)
        both = precision + recall
        return cls(name, precision, recall, 2 * precision * recall / both if both else 0.0, count)


@dataclass(frozen=True)
class TagScores:
    """How well a tagger does."""

    words: int  # that were tagged
    accuracy: float  # share of right tags
    accuracy_most_frequent: float  # of the tag that a word had most often in training
    tags: tuple[TagScore, ...]  # one entry a tag
    # one entry a kind of span and "all", as `seqeval` counts; none without spans
    spans: tuple[TagScore, ...]
    unknown: tuple[str, ...]  # tags of the text that training never saw, which are always wrong


@dataclass(frozen=True)
class ClassifierScores:
    """How well a classifier does."""

    texts: int  # that were classified
    accuracy: float  # share of right labels
    nats: float  # mean surprise of the true label
    calibration_error: float  # how far confidence and accuracy lie apart, 0 to 1
    labels: tuple[TagScore, ...]  # one entry a label
    # row: the true label, column: the one that was given; counts
    confusion: tuple[tuple[int, ...], ...]
    # simple classifiers and their accuracy on the same texts; none where none were asked
    simple: tuple[tuple[str, float], ...]
    unknown: tuple[str, ...]  # labels that training never saw, which are always wrong
    # what is blended, and the accuracy of each part alone; none where nothing is
    parts: tuple[tuple[str, float], ...] = ()
    # what the start from a language model brought; None without one
    warm_start: WarmStartComparison | None = None


@dataclass(frozen=True)
class WarmStartComparison:
    """What it brought to start from a language model: one network with it and one without.

    Both learn from the same texts for as long and are scored on the same ones.
    """

    warm: float  # warm, scratch: accuracy of the network that started from it, and of the other
    scratch: float
    difference: float  # of the two, paired text by text
    error: float  # standard error of the difference

    @property
    def verdict(self) -> str:
        """In a word: "better", "worse", or "no clear difference" within two standard errors."""
        if abs(self.difference) <= 2.0 * self.error or not self.difference:
            return "no clear difference"
        return "better" if self.difference > 0.0 else "worse"


@dataclass(frozen=True)
class ExplainedText:
    """A text, the label that it was given, and what each word had to do with it."""

    words: tuple[str, ...]  # of the text
    # of each word, by leaving it out: what the label's probability would lose
    importance: tuple[float, ...]
    given: str  # given, truth: the label that it was given, and the true one
    truth: str
    probability: float  # the probability of the given label


@dataclass(frozen=True)
class WordImportance:
    """A word that speaks for a label."""

    label: str  # label, word: which
    word: str
    importance: float  # what the label's probability loses without it, on average
    count: int  # texts in which it was looked at


@dataclass(frozen=True)
class ClassifierRecord(RunRecord):
    """A classifier's training, with all that a person needs to judge it."""

    learnt: int  # texts that were learnt from; each network leaves some out to choose its weights
    # whether the networks learnt from the held-out texts, too, after others like them were scored
    # on these
    retrained: bool
    # networks, parameters, steps: networks that are averaged, their weights and their updates
    networks: int
    parameters: int
    steps: int
    scores: ClassifierScores  # on texts that were held out
    # of ten equal ranges of confidence those that occur: mean confidence, share of right labels,
    # and count
    reliability: tuple[tuple[float, float, int], ...]
    importance: tuple[WordImportance, ...]  # words that speak most for each label
    mistakes: tuple[ExplainedText, ...]  # texts that were labelled wrongly, the surest first
    examples: tuple[ExplainedText, ...]  # texts that were labelled rightly


@dataclass(frozen=True)
class ConfusedTags:
    """A tag that was taken for another one."""

    truth: str  # truth, given: the true tag, and the one that was given
    given: str
    count: int  # how often
    words: tuple[str, ...]  # at which words, the most frequent first; some of them


@dataclass(frozen=True)
class TaggedWords:
    """The words of a sentence with the tags that they were given, and the true ones."""

    words: tuple[str, ...]
    given: tuple[str, ...]
    truth: tuple[str, ...]


@dataclass(frozen=True)
class TaggerRecord(RunRecord):
    """A tagger's training, with all that a person needs to judge it."""

    # learnt, held_out: sentences that were learnt from, and by which the weights were chosen
    learnt: int
    held_out: int
    vocabulary: int  # words that it knows by themselves; others it spells
    parameters: int  # parameters, steps: weights and updates
    steps: int
    scores: TagScores  # on the sentences by which the weights were chosen
    confused: tuple[ConfusedTags, ...]  # the tags that were taken for one another most often
    mistakes: tuple[TaggedWords, ...]  # some of these sentences with a wrong tag
