"""What the pieces of a word say of it: an embedding of every three and four letters in a row."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

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

    Arguments:
        embedding: E numbers that describe a piece.

    Source: Bojanowski et al. (2017), "Enriching word vectors with subword information", arXiv
    1607.04606, section 3.2.

    Example:
        >>> pieces = WordPieces(8)
        >>> pieces(torch.tensor([[5, 5], [6, 0]]), torch.tensor([2, 1])).shape
        torch.Size([2, 8])
    """

    def __init__(self, embedding: int) -> None:
        super().__init__()
        # Bucket 0 is that of no piece: it stays at zero and counts in no mean.
        self.buckets = nn.EmbeddingBag(1 + BUCKETS, embedding, mode="mean", padding_idx=0)
        nn.init.normal_(self.buckets.weight, std=2.0 * embedding**-0.5)
        with torch.no_grad():
            self.buckets.weight[0].zero_()

    def forward(self, letters: Tensor, lengths: Tensor) -> Tensor:
        """(W, E) of words.

        Arguments:
            letters: (C, W) their numbers.
            lengths: (W,) letters of each.
        """
        said: Tensor = self.buckets(bucket_numbers(letters, lengths))
        return said


def bucket_numbers(letters: Tensor, lengths: Tensor) -> Tensor:
    """(W, P) the bucket of each piece of each word, from 1; 0 beyond a word's last piece.

    Arguments:
        letters, lengths: as `WordPieces` takes them.
    """
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
