"""A bidirectional LSTM over words: word embeddings beside those of letters or pieces."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holdfast.errors import ArgumentError, ModelError
from holdfast.language.words import LETTERS, PADDING, UNKNOWN, WordBatch
from holdfast.nn import LSTM

LENGTHS: Final = (3, 4)
"""Letters of a piece, the marks at the word's ends included."""

BUCKETS: Final = 8_192
"""Pieces share this many embeddings; which one is a matter of arithmetic, so that no list of pieces
has to be kept."""

_FACTOR: Final = 1_000_003
_MODULUS: Final = 2**31 - 1
_BEGIN, _END = _MODULUS - 1, _MODULUS - 2


class WordPieces(nn.Module):
    """The mean embedding of the pieces of each word.

    Source: Bojanowski et al. (2017), "Enriching word vectors with subword information", arXiv
    1607.04606, section 3.2.
    """

    def __init__(self, embedding: int) -> None:
        super().__init__()
        # Bucket 0 is that of no piece: it stays at zero and counts in no mean.
        self.buckets = nn.EmbeddingBag(1 + BUCKETS, embedding, mode="mean", padding_idx=0)
        nn.init.normal_(self.buckets.weight, std=2.0 * embedding**-0.5)
        with torch.no_grad():
            self.buckets.weight[0].zero_()

    def forward(self, letters: Tensor, lengths: Tensor) -> Tensor:
        """(W, E) of words, from their letters (C, W) and how many each has (W,)."""
        mean: Tensor = self.buckets(bucket_numbers(letters, lengths))
        return mean


def bucket_numbers(letters: Tensor, lengths: Tensor) -> Tensor:
    """(W, P) the bucket of each piece of each word, from 1; 0 beyond a word's last piece."""
    steps, words = letters.shape[0] + 2, letters.shape[1]
    marked = letters.new_zeros(steps + max(LENGTHS), words)
    marked[0] = _BEGIN
    marked[1 : steps - 1] = letters
    marked[lengths + 1, torch.arange(words, device=letters.device)] = _END
    begins = torch.arange(steps, device=letters.device)[:, None]
    found = []
    for length in LENGTHS:
        mixed = torch.full_like(marked[:steps], length)
        for place in range(length):
            mixed = (mixed * _FACTOR + marked[place : place + steps]) % _MODULUS
        inside = begins + length <= lengths + 2
        found.append(torch.where(inside, 1 + mixed % BUCKETS, 0))
    return torch.cat(found).T


TIMESCALE: Final = 10.0
"""Steps of the slowest unit over words before training; a tagger learnt better than with 30."""


@dataclass(frozen=True)
class EncoderDesign:
    """The sizes of an encoder.

    Arguments:
        words, letters: how many the vocabulary has, padding and unknown included.
        embedding, letter_embedding, pieces: numbers that describe a word, a letter, a piece of a
            word; 0 pieces for none.
        spelling: units of the LSTM that spells, each way; 0 for none.
        hidden: units of a layer, each way.
        dropout: share of the inputs and outputs that is hidden in training, one mask a sentence.
        word_dropout: share of the words that become unknown in training, so that unknown ones are
            learnt.
        weight_drop: share of the recurrent weights that is hidden in training.
    """

    words: int
    letters: int
    embedding: int = 128
    letter_embedding: int = 32
    spelling: int = 64
    pieces: int = 0
    hidden: int = 128
    layers: int = 1
    dropout: float = 0.4
    word_dropout: float = 0.1
    weight_drop: float = 0.2

    def __post_init__(self) -> None:
        for name, least, most in (
            ("words", 2, 10_000_000),
            ("letters", 2, 100_000),
            ("embedding", 1, 8_192),
            ("letter_embedding", 1, 1_024),
            ("spelling", 0, 4_096),
            ("pieces", 0, 4_096),
            ("hidden", 1, 8_192),
            ("layers", 1, 16),
        ):
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= most:
                raise ArgumentError(f"{name}={value!r} must be from {least} to {most:,}.")
        for name in ("dropout", "word_dropout", "weight_drop"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not 0.0 <= value < 1.0:
                raise ArgumentError(f"{name}={value!r} must be a share from 0 to below 1.")

    @property
    def output(self) -> int:
        """Numbers of a state, both ways together."""
        return 2 * self.hidden

    def to_json(self) -> dict[str, object]:
        """The fields, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, described: object) -> EncoderDesign:
        """A design from what `to_json` wrote; untrusted, a ModelError says what is wrong."""
        names = {field.name for field in fields(cls)}
        if not isinstance(described, dict) or set(described) != names:
            raise ModelError("its design has missing or unknown fields")
        try:
            return cls(**described)
        except (ArgumentError, TypeError) as error:
            raise ModelError(f"its design is impossible ({error})") from error


class WordEncoder(nn.Module):
    """A bidirectional LSTM over words, each an embedding beside those of its letters or pieces.

    Source: Ma and Hovy (2016), arXiv 1603.01354, and Lample et al. (2016), arXiv 1603.01360, whose
    letters are read by an LSTM as here.
    """

    def __init__(self, design: EncoderDesign) -> None:
        super().__init__()
        self.design = design
        self.embedding = nn.Embedding(design.words, design.embedding, padding_idx=PADDING)
        nn.init.normal_(self.embedding.weight, std=design.embedding**-0.5)
        inputs = design.embedding
        if design.spelling:
            self.letters = nn.Embedding(design.letters, design.letter_embedding)
            nn.init.normal_(self.letters.weight, std=design.letter_embedding**-0.5)
            self.speller = LSTM(
                design.letter_embedding,
                design.spelling,
                bidirectional=True,
                timescale=float(LETTERS),
            )
            inputs += 2 * design.spelling
        if design.pieces:
            self.pieces = WordPieces(design.pieces)
            inputs += design.pieces
        self.layers = nn.ModuleList(
            LSTM(
                inputs if layer == 0 else design.output,
                design.hidden,
                bidirectional=True,
                timescale=TIMESCALE,
                weight_drop=design.weight_drop,
            )
            for layer in range(design.layers)
        )

    def forward(self, batch: WordBatch) -> Tensor:
        """(T, B, 2H) the states at every word; zeros beyond a sentence's end."""
        design = self.design
        words = batch.words
        if self.training and design.word_dropout:
            hidden = torch.rand(words.shape) < design.word_dropout
            words = torch.where(hidden & (words != PADDING), UNKNOWN, words)
        x = self.embedding(words)
        if design.spelling:
            _, (h, _) = self.speller(self.letters(batch.spelling), lengths=batch.spelling_lengths)
            spelt = torch.cat([h[0], h[1]], dim=-1)
            x = torch.cat([x, spelt[batch.places]], dim=-1)
        if design.pieces:
            pieces = self.pieces(batch.spelling, batch.spelling_lengths)
            x = torch.cat([x, pieces[batch.places]], dim=-1)
        for layer in self.layers:
            x, _ = layer(self.dropped(x), lengths=batch.lengths)
        return self.dropped(x)

    def dropped(self, x: Tensor) -> Tensor:
        """Variational dropout: one mask for all words of a sentence."""
        if not self.training or not self.design.dropout:
            return x
        return x * F.dropout(x.new_ones(1, *x.shape[1:]), self.design.dropout)
