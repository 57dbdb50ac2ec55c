"""Work on several threads: in order, on one thread each, and nothing of it stays behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from holdfast.training.threads import one_thread, side_by_side


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_results_come_in_order_from_threads_that_compute_alone(threads: int) -> None:
    seen: set[int] = set()
    together = threading.Barrier(threads, timeout=30)

    def work(item: int) -> tuple[int, int]:
        together.wait()  # breaks unless as many work at once
        seen.add(threading.get_ident())
        return item, torch.get_num_threads()

    assert side_by_side(work, range(4)) == [(item, 1) for item in range(4)]
    assert len(seen) == threads
    assert torch.get_num_threads() == threads


def test_an_error_gets_out_and_the_threads_are_as_before(threads: int) -> None:
    def work(item: int) -> int:
        raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item 0"):
        side_by_side(work, range(3))
    assert torch.get_num_threads() == threads


def test_inside_another_computation_of_one_thread_there_is_one(threads: int) -> None:
    with one_thread():
        assert (
            side_by_side(lambda _: threading.get_ident(), range(3)) == [threading.get_ident()] * 3
        )
    assert torch.get_num_threads() == threads


def test_no_items_make_nothing(threads: int) -> None:
    assert side_by_side(lambda item: item, []) == []
