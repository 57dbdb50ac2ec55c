"""Pieces of words: hypothesis for what may change nothing."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from holdfast.language.word_encoder import BUCKETS, LENGTHS, WordPieces, bucket_numbers

words = st.lists(st.integers(2, 90), min_size=1, max_size=12)


def padded(rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    lengths = torch.tensor([len(row) for row in rows])
    letters = torch.zeros(int(lengths.max()), len(rows), dtype=torch.long)
    for column, row in enumerate(rows):
        letters[: len(row), column] = torch.tensor(row)
    return letters, lengths


@given(st.lists(words, min_size=1, max_size=5))
def test_a_word_has_the_same_pieces_alone_and_among_longer_ones(rows: list[list[int]]) -> None:
    together = bucket_numbers(*padded(rows))
    for row, found in zip(rows, together, strict=True):
        (alone,) = bucket_numbers(*padded([row]))
        assert sorted(found[found > 0].tolist()) == sorted(alone[alone > 0].tolist())


@given(words)
def test_a_word_has_a_piece_for_every_three_and_four_letters_in_a_row(word: list[int]) -> None:
    (found,) = bucket_numbers(*padded([word]))
    marked = len(word) + 2
    assert int((found > 0).sum()) == sum(max(marked - length + 1, 0) for length in LENGTHS)
    assert int(found.max()) <= BUCKETS


def test_words_share_the_pieces_that_they_share() -> None:
    shared = [5, 6, 7, 8, 9]
    one, other = bucket_numbers(*padded([[11, 12, *shared], [13, 14, *shared]]))
    alike = set(one.tolist()) & set(other.tolist()) - {0}
    assert len(alike) >= 7  # of the five letters and the end: 4 of three, 3 of four


def test_a_word_without_letters_says_nothing_and_learns_nothing() -> None:
    pieces = WordPieces(4)
    made = pieces(torch.zeros(1, 2, dtype=torch.long), torch.tensor([0, 1]))
    assert torch.equal(made[0], torch.zeros(4))
    made.sum().backward()
    weight = pieces.buckets.weight
    assert weight.grad is not None
    assert torch.equal(weight.grad[0], torch.zeros(4))
