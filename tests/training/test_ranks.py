"""Two processes of torchrun train as one process does with a batch of double size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.ranks_run import Gappy, plan, run, weights

from holdfast import storage
from holdfast.errors import ArgumentError
from holdfast.training.loop import train
from holdfast.training.ranks import SHARDS, Ranks, ranks

TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes leave."""
    folder = tmp_path_factory.mktemp("ranks")
    script = Path(__file__).parent / "ranks_run.py"
    subprocess.run([sys.executable, *TORCHRUN, str(script), str(folder)], check=True)
    return folder


def test_two_processes_and_one_with_two_shards_are_equal_bit_for_bit(
    together: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Losses with gaps, clipping, decay, averages, validation and dropout: a + b is b + a."""
    monkeypatch.setenv(SHARDS, "2")
    for name, one in run(tmp_path).items():
        for rank in (0, 1):
            np.testing.assert_array_equal(np.load(together / f"{name}-{rank}.npy"), one)
    # Only the first process writes, and its checkpoint is the one that a single process writes.
    mine, theirs = tmp_path / "checkpoints", together / "checkpoints"
    ours, arrays = storage.load(mine, "checkpoint")[1], storage.load(theirs, "checkpoint")[1]
    assert set(ours) == set(arrays)
    for name, array in ours.items():
        np.testing.assert_array_equal(array, arrays[name])


def test_they_equal_one_batch_of_double_size(together: Path) -> None:
    """One forward pass over all rows adds in another order, so a tolerance is derived.

    In float64 the difference shows how a rounding error of 2⁻⁵³ grows over the training, n steps
    of Adam included: by the factor c = difference / 2⁻⁵³. In float32 the same training rounds by
    2⁻²⁴, so its difference is c · 2⁻²⁴ to first order; sixteen times that allows for other
    roundings happening to agree in one of them.
    """
    apart = {}
    for name, kind in (("float64", torch.float64), ("float32", torch.float32)):
        whole = Gappy(kind, copies=2)
        train(whole, plan())
        apart[name] = np.abs(weights(whole) - np.load(together / f"{name}-0.npy")).max()
    assert apart["float64"] < 1e-12
    growth = max(apart["float64"], 2.0**-53) / 2.0**-53
    assert apart["float32"] < 16 * growth * 2.0**-24
    alone = Gappy(torch.float64)
    train(alone, plan())
    other = np.abs(weights(alone) - np.load(together / "float64-0.npy")).max()
    assert other > 1e-3  # the second half of the batch has its say


def test_shards_are_shared_out() -> None:
    assert [Ranks(rank, 3, 6).own_shards for rank in range(3)] == [(0, 3), (1, 4), (2, 5)]
    assert Ranks(2, 3, 6).alone() == Ranks(0, 1, 2)


def test_shards_that_cannot_be_shared_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ranks() == Ranks()
    for text in ("0", "two", "-2"):
        monkeypatch.setenv(SHARDS, text)
        with pytest.raises(ArgumentError, match=f"{SHARDS}={text} must be a multiple"):
            ranks()


def test_a_checkpoint_of_another_number_of_batches_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from holdfast.errors import ModelError

    train(Gappy(torch.float64), plan(4), folder=tmp_path / "run")
    monkeypatch.setenv(SHARDS, "2")
    with pytest.raises(ModelError, match="belongs to another run"):
        train(Gappy(torch.float64), plan(4), folder=tmp_path / "run")
