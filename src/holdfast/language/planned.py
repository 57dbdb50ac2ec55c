"""A design in words, and what a training is going to do."""

from __future__ import annotations

from holdfast.language.design import LanguageDesign
from holdfast.language.task import LanguageTask
from holdfast.records import PlannedText


def planned(task: LanguageTask, steps: int, threads: int) -> PlannedText:
    """What a training is going to do.

    Arguments:
        task: with text and network.
        steps: updates.
        threads: of the processor.
    """
    corpus, design = task.corpus, task.design
    read = steps * design.batch * design.window
    return PlannedText(
        kind=corpus.tokens.kind,
        vocabulary=corpus.tokens.size,
        learnt=len(corpus.training),
        held_out=len(corpus.validation),
        parameters=sum(weight.numel() for weight in task.module.network.parameters()),
        design=tuple(design_words(design).items()),
        steps=steps,
        passes=read / len(corpus.training),
        threads=threads,
    )


def design_words(design: LanguageDesign) -> dict[str, str]:
    """Sizes and shares as people read them; what is switched off is left out.

    Example:
        >>> design_words(LanguageDesign(65, 32, 128, output_dropout=0.2))["dropout"]
        'output 0.2'
    """
    dropped = {
        "tokens": design.embedding_dropout,
        "embeddings": design.input_dropout,
        "between layers": design.hidden_dropout,
        "output": design.output_dropout,
        "recurrent weights": design.weight_drop,
    }
    layers = ", ".join(f"{units:,}" for _, units in design.sizes())
    softmax = "adaptive" if design.cutoffs else "tied to the embedding" if design.tied else "full"
    if design.sampled:
        softmax += f", {design.sampled:,} tokens of it drawn for an update"
    return {
        "layers": f"LSTM, {layers} units",
        "embedding": f"{design.embedding:,} numbers a token",
        "softmax": softmax,
        "window": f"{design.window} tokens, {design.batch} streams side by side, state carried",
        "dropout": ", ".join(f"{n} {s:g}" for n, s in dropped.items() if s) or "none",
    }
