"""Weight drop acts in the training loop: a fresh mask for every update, the same on a replay."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from texts import write_text

from holdfast.language.corpus import prepare
from holdfast.language.design import LanguageDesign
from holdfast.language.train import LanguageTask, language_plan
from holdfast.training.optimise import Update


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_every_update_hides_other_recurrent_weights(share: float, tmp_path: Path) -> None:
    corpus = prepare([write_text(tmp_path)], "char", tmp_path / "numbers")
    design = LanguageDesign(
        corpus.tokenizer.size,
        embedding=8,
        hidden=16,
        window=20,
        batch=4,
        weight_drop=share,
        learning_rate=1e-12,  # so that nothing but the mask may change
    )
    task = LanguageTask(design, corpus, seed=0)
    update = Update(task, task.module.train(), language_plan(design, 10, seed=0))
    batch, read = task.batch(1, 0), []
    task.batch = lambda step, seed: batch  # type: ignore[method-assign]  # one window, always
    layer = task.module.network.layers[0]
    layer.register_forward_hook(lambda _, given, made: read.append(made[0].detach().clone()))
    gradients: list[torch.Tensor] = []
    layer.weight_hh_l0.register_hook(lambda gradient: gradients.append(gradient.clone()))
    for step in (1, 2, 1):
        update(step)
    for found in (read, gradients):
        assert torch.allclose(found[0], found[2], rtol=0, atol=1e-6)
        assert torch.allclose(found[0], found[1], rtol=0, atol=1e-6) == (share == 0.0)
