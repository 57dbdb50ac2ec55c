"""The state is carried from window to window in training, and forgotten where a pass begins."""

from __future__ import annotations

from pathlib import Path

import torch
from texts import write_text

from holdfast.language.corpus import prepare
from holdfast.language.design import LanguageDesign
from holdfast.language.train import LanguageTask, TextBatch


def _task(folder: Path) -> LanguageTask:
    corpus = prepare([write_text(folder)], "char", folder / "numbers")
    design = LanguageDesign(corpus.tokenizer.size, embedding=8, hidden=12, window=20, batch=4)
    return LanguageTask(design, corpus, seed=0)


def test_training_reads_on_from_the_state_in_which_a_window_ended(tmp_path: Path) -> None:
    task = _task(tmp_path)
    network = task.module.double()
    first, second = task.batch(1, 0), task.batch(2, 0)
    cut = torch.stack([task.losses(network, batch) for batch in (first, second)])
    ids, targets = (
        torch.cat([getattr(first, name), getattr(second, name)]) for name in ("ids", "targets")
    )
    whole = task.losses(network, TextBatch(ids, targets, first=True))
    torch.testing.assert_close(cut.mean(dim=0), whole, rtol=0, atol=1e-12)


def test_a_pass_begins_without_a_state(tmp_path: Path) -> None:
    task = _task(tmp_path)
    network = task.module.double()
    fresh = task.losses(network, task.batch(1, 0))
    task.losses(network, task.batch(2, 0))
    assert torch.equal(task.losses(network, task.batch(1, 0)), fresh)
