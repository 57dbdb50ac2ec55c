"""Language models, classifiers and taggers as the lens takes them: `holdfast.nn.Inspectable`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Generic, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holdfast.errors import TextError, option
from holdfast.language.classify.classifier import TextClassifier
from holdfast.language.classify.networks import ClassifierNetwork
from holdfast.language.language_model import LanguageModel
from holdfast.language.network import LanguageNetwork
from holdfast.language.tag.network import TaggerNetwork
from holdfast.language.tag.sentences import Sentence
from holdfast.language.tag.tagger import Tagger
from holdfast.language.words import WordBatch, WordVocabulary, cut_words, word_batch
from holdfast.nn.inspectable import input_replaced, input_seen
from holdfast.records import SequenceLabels

WINDOW: Final = 256
"""Tokens of a sequence, where the text has enough of them."""

MOST_LOGITS: Final = 30_000_000
"""Probabilities that are held at once: sequences × steps × tokens of the vocabulary."""

LEAST_SEQUENCES, MOST_SEQUENCES = 4, 32

LONGEST: Final = 2_000
"""Tokens of a text at most: what a page shows of it."""

Network = TypeVar("Network", ClassifierNetwork, TaggerNetwork)

_NAMES: Final = {"char": "character", "byte": "byte", "word": "word", "bpe": "token"}


class InspectedLanguage(nn.Module):
    """A language model; its examples are tokens (T + 1, B)."""

    def __init__(self, network: LanguageNetwork, token: str = "token") -> None:
        super().__init__()
        self.network = network
        self.loss_unit = f"nats a {token}"

    def recurrent_layers(self) -> dict[str, nn.Module]:
        """The recurrent layers by name."""
        return {f"layer {place + 1}": layer for place, layer in enumerate(self.network.layers)}

    def encode(self, examples: Tensor) -> Tensor:
        """(T, B, I) the tokens' embeddings."""
        with input_seen(self.network.layers[0]) as seen:
            self.network(examples[:-1])
        read: Tensor = seen[0]
        return read

    def loss_by_position(self, examples: Tensor, encoded: Tensor | None = None) -> Tensor:
        """(T, B) the surprise of the next token, in nats."""
        with input_replaced(self.network.layers[0], encoded):
            states, _ = self.network(examples[:-1])
        return self.network.losses(states, examples[1:])


class _OverWords(nn.Module, Generic[Network]):
    """What a classifier and a tagger have in common: layers over words."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network: Network = network

    def recurrent_layers(self) -> dict[str, nn.Module]:
        """The layers over words by name."""
        layers = self.network.encoder.layers
        return {f"words {place + 1}": layer for place, layer in enumerate(layers)}

    def encode(self, examples: tuple[WordBatch, Tensor]) -> Tensor:
        """(T, B, I) words and, where they are read, what their letters say."""
        encoder = self.network.encoder
        with input_seen(encoder.layers[0]) as seen:
            encoder(examples[0])
        read: Tensor = seen[0]
        return read


class InspectedClassifier(_OverWords[ClassifierNetwork]):
    """A classifier; its examples are the words of texts and the numbers of their labels (B,)."""

    loss_unit = "nats a text"

    def loss_by_position(
        self, examples: tuple[WordBatch, Tensor], encoded: Tensor | None = None
    ) -> Tensor:
        """(T, B) the surprise of the label in nats, at the last word; NaN before it."""
        words, labels = examples
        with input_replaced(self.network.encoder.layers[0], encoded):
            surprise = F.cross_entropy(self.network(words), labels, reduction="none")
        none = surprise.new_full((len(words.words) - 1, len(labels)), torch.nan)
        return torch.cat([none, surprise[None]])


class InspectedTagger(_OverWords[TaggerNetwork]):
    """A tagger; its examples are the words of sentences and the numbers of their tags (T, B).

    The loss is that of each word's own score, without the chain over the tags.
    """

    loss_unit = "nats a word"

    def loss_by_position(
        self, examples: tuple[WordBatch, Tensor], encoded: Tensor | None = None
    ) -> Tensor:
        """(T, B) the surprise of each word's tag, in nats."""
        words, tags = examples
        with input_replaced(self.network.encoder.layers[0], encoded):
            scores = self.network.emissions(words)
        flat = F.cross_entropy(scores.flatten(0, 1), tags.flatten(), reduction="none")
        return flat.view_as(tags)


def language_examples(model: LanguageModel, text: str) -> tuple[nn.Module, Tensor]:
    """A language model, and (T + 1, B) tokens: sequences of one length, spread over a text."""
    ids = np.asarray(model.tokenizer_.encode(text), dtype=np.int64)
    if len(ids) < 4 * LEAST_SEQUENCES:
        raise TextError(
            f"The text has {len(ids):,} tokens; memory needs {4 * LEAST_SEQUENCES} at least, and "
            f"is better measured on {WINDOW * MOST_SEQUENCES:,}."
        )
    steps = min(WINDOW, (len(ids) - 1) // LEAST_SEQUENCES)
    room = MOST_LOGITS // (steps * model.tokenizer_.size)
    count = int(np.clip(min((len(ids) - 1) // steps, room), 1, MOST_SEQUENCES))
    starts = np.linspace(0, len(ids) - steps - 1, count).astype(np.int64)
    examples = np.stack([ids[at : at + steps + 1] for at in starts], axis=1)
    return _inspected_language(model), torch.from_numpy(examples)


def classifier_examples(
    classifier: TextClassifier, texts: Sequence[str], labels: Sequence[str]
) -> tuple[nn.Module, tuple[WordBatch, Tensor]]:
    """A classifier's first network, and the first words of texts with their labels."""
    vocabulary, network = classifier.model_.word_network()
    words, rows = _word_sequences(vocabulary, [cut_words(one) for one in texts])
    names = classifier.model_.labels
    numbers = torch.tensor([_number(names, labels[row], "label") for row in rows])
    return InspectedClassifier(network), (words, numbers)


def tagger_examples(
    tagger: Tagger, sentences: Sequence[Sentence]
) -> tuple[nn.Module, tuple[WordBatch, Tensor]]:
    """A tagger, and the first words of sentences with their tags."""
    words, rows = _word_sequences(tagger.vocabulary_, [one.words for one in sentences])
    steps = len(words.words)
    tags = [
        [_number(tagger.tags_, name, "tag") for name in (sentences[row].tags or ())[:steps]]
        for row in rows
    ]
    return InspectedTagger(tagger.network_), (words, torch.tensor(tags).T.contiguous())


def _inspected_language(model: LanguageModel) -> InspectedLanguage:
    return InspectedLanguage(model.network_, _NAMES[model.tokenizer_.kind])


def _word_sequences(
    vocabulary: WordVocabulary, sentences: Sequence[Sequence[str]]
) -> tuple[WordBatch, list[int]]:
    """Words of sentences, cut to a length that a quarter of them reach, and which those are."""
    lengths = np.array([len(words) for words in sentences])
    steps = int(np.quantile(lengths, 0.75)) if len(lengths) else 0
    steps = min(max(steps, 3), WINDOW)
    rows = [row for row, words in enumerate(sentences) if len(words) >= steps][:MOST_SEQUENCES]
    if not rows:
        raise TextError("No text has three words or more, so there is nothing to remember.")
    cut = [list(sentences[row])[:steps] for row in rows]
    return word_batch(vocabulary, cut), rows


def _number(names: Sequence[str], name: str, what: str) -> int:
    if name not in names:
        raise TextError(
            f"The model does not know the {what} {name!r}; it knows {', '.join(names[:12])}."
        )
    return list(names).index(name)


def language_sequence(model: LanguageModel, text: str) -> tuple[nn.Module, Tensor, SequenceLabels]:
    """A text, and what a language model expects behind it.

    The model for the lens comes with its examples (the tokens and behind them the likeliest next
    one, whose logarithmic probability the lens attributes) and with what the steps are called.

    Raises:
        TextError: the text has one token, or too many.
    """
    ids = np.asarray(model.tokenizer_.encode(text), dtype=np.int64)
    _check_length(len(ids), "token")
    read = torch.from_numpy(ids)[:, None]
    with torch.no_grad():
        states, _ = model.network_(read)
        chances = model.network_.log_probabilities(states[-1])[0]
    best = int(chances.argmax())
    labels = [model.tokenizer_.decode([int(number)]) for number in ids]
    likeliest = model.tokenizer_.decode([best])
    words = SequenceLabels(
        labels=tuple(labels),
        output=f"the logarithmic probability of {likeliest!r} "
        f"({float(chances[best].exp()):.0%}), the likeliest next",
        title="What a language model expects, and why",
    )
    examples = torch.cat([read, torch.tensor([[best]])])
    return _inspected_language(model), examples, words


def classifier_sequence(
    classifier: TextClassifier, text: str
) -> tuple[nn.Module, tuple[WordBatch, Tensor], SequenceLabels]:
    """A text, and the label that a classifier gives it, as its first network sees it."""
    model, cut = classifier.model_, cut_words(text)
    vocabulary, network = model.word_network()
    _check_length(len(cut), "word")
    batch = word_batch(vocabulary, [cut])
    chances = model.chances([text])[0]
    best = int(chances.argmax())
    with torch.no_grad():
        alone = float(torch.softmax(network.eval()(batch).double(), dim=-1)[0, best])
    output = f"the logarithmic probability of the label {model.labels[best]!r}"
    if len(model.networks) > 1 or model.log_linear is not None:
        output += (
            f" ({chances[best]:.0%}) in the first network of {len(model.networks)} "
            f"({alone:.0%} before calibration)"
        )
    labels = SequenceLabels(
        labels=_spaced(cut), output=output, title=f"Why a classifier says {model.labels[best]!r}"
    )
    return InspectedClassifier(network), (batch, torch.tensor([best])), labels


def tagger_sequence(
    tagger: Tagger, text: str
) -> tuple[nn.Module, tuple[WordBatch, Tensor], SequenceLabels]:
    """A sentence of words between blanks, and the tag of its last word that is not "O", if any."""
    cut = text.split()
    _check_length(len(cut), "word")
    batch = word_batch(tagger.vocabulary_, [cut])
    (found,) = tagger.predict([cut])
    assert found.tags is not None
    marked = [place for place, tag in enumerate(found.tags) if tag != "O"]
    at = marked[-1] if marked else len(cut) - 1
    words = SequenceLabels(
        labels=_spaced(cut),
        at=at,
        output=f"the logarithmic probability of the tag {found.tags[at]!r} of {cut[at]!r}",
        title=f"Why a tagger says {found.tags[at]!r} at {cut[at]!r}",
    )
    numbers = torch.tensor([[tagger.tags_.index(tag)] for tag in found.tags])
    return InspectedTagger(tagger.network_), (batch, numbers), words


def _check_length(count: int, what: str) -> None:
    if count < 2:
        raise TextError(
            f"{option('sequence')}: the text has {count} {what}s; give at least 2, since memory "
            "shows over steps."
        )
    if count > LONGEST:
        most = f"give at most {LONGEST:,} of them"
        raise TextError(f"{option('sequence')}: the text has {count:,} {what}s; {most}.")


def _spaced(words: Sequence[str]) -> tuple[str, ...]:
    """As the words of a text, so that they do not run together."""
    return tuple(word if place == 0 else f" {word}" for place, word in enumerate(words))
