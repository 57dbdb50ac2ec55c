"""Random numbers depend on the seed and the keys, and on nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.training.seed import generator, seeded, torch_seed

KEYS = st.lists(st.one_of(st.integers(-5, 5), st.text("ab|:1", max_size=3)), max_size=3)


@given(one=KEYS, other=KEYS, seed=st.integers(0, 3))
@settings(max_examples=200, deadline=None)
def test_streams_are_equal_exactly_when_seed_and_keys_are(
    one: list[int | str], other: list[int | str], seed: int
) -> None:
    assert (torch_seed(seed, *one) == torch_seed(seed, *other)) == (one == other)
    assert torch_seed(seed, *one) != torch_seed(seed + 1, *one)
    same = generator(seed, *one).random(3).tolist() == generator(seed, *other).random(3).tolist()
    assert same == (one == other)


def test_streams_are_the_same_on_every_machine_and_version() -> None:
    """A change here breaks every seed and checkpoint that people have."""
    assert torch_seed(0, "update", 1) == 6010374562452138636
    assert generator(0, "batch", 1).integers(0, 1000, size=4).tolist() == [545, 703, 29, 835]


def test_numpy_integers_are_integers() -> None:
    assert torch_seed(0, int(np.int64(7))) == torch_seed(0, np.int64(7))


def test_the_global_generator_comes_back_even_after_an_error() -> None:
    before = torch.get_rng_state()

    def fail() -> None:
        torch.rand(5)
        raise RuntimeError

    with pytest.raises(RuntimeError), seeded(3, torch.device("cpu")):
        fail()
    assert torch.equal(torch.get_rng_state(), before)


def test_inside_numbers_come_from_the_seed() -> None:
    draws = []
    for seed in (3, 3, 4):
        with seeded(seed, torch.device("cpu")):
            draws.append(torch.rand(5))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
