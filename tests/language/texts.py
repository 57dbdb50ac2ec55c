"""Small texts and models that tests share."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch

from holdfast.language.design import LanguageDesign
from holdfast.language.language_model import LanguageModel
from holdfast.language.network import LanguageNetwork
from holdfast.language.tokenizer import Kind, train_tokenizer

VERSE = "The gate forgets, the gate lets in,\nand what is kept is what has been.\n"


def write_text(folder: Path, text: str = VERSE * 60, name: str = "verse.txt") -> Path:
    """A file with a text."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@cache
def small_model(kind: Kind = "char", layers: int = 1, tied: bool = False) -> LanguageModel:
    """A model with weights that were drawn, in float64."""
    tokens = train_tokenizer(kind, [VERSE], size=290 if kind == "bpe" else None)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        design = LanguageDesign(
            tokens.size, embedding=8, hidden=12, layers=layers, tied=tied, weight_drop=0.2
        )
        network = LanguageNetwork(design).double()
    return LanguageModel.from_network(tokens, network)
