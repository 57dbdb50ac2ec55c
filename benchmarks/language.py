"""Language models on texts that everybody knows: nats a token, out of the training text.

    python benchmarks/language.py --data ../shared/data --text shakespeare --budget 3m --seeds 3

Tiny Shakespeare is scored as nanoGPT scores it: characters, the last tenth of the file, weights
fixed; the state is carried through the whole of it. Published: nanoGPT 1.88 (CPU, about 3 minutes),
1.4697 (A100, 3 minutes). WikiText-2 has files of its own for validation and test, and its closed
vocabulary of 33,278 words.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import torch
from ledger import append

from holdfast import LanguageModel
from holdfast.language.design import design_words


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of shared data")
    parser.add_argument("--text", choices=["shakespeare", "wikitext-2"], default="shakespeare")
    parser.add_argument("--budget", default="3m")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--hidden", type=int)
    parser.add_argument("--dropout", type=float)
    parser.add_argument("--weight-drop", type=float)
    parser.add_argument("--test", action="store_true", help="score WikiText-2's test part, too")
    options = parser.parse_args()
    shakespeare = options.text == "shakespeare"
    folder = options.data / ("tiny-shakespeare" if shakespeare else "wikitext-2")
    if not folder.is_dir():
        sys.exit(f"{folder} is not there; --data names the folder of shared data.")
    file = folder / ("input.txt" if shakespeare else "wiki.train.tokens")
    for seed in range(options.first, options.first + options.seeds):
        begin = time.monotonic()
        model = LanguageModel(
            "char" if shakespeare else "word",
            budget=options.budget,
            hidden=options.hidden,
            dropout=options.dropout,
            weight_drop=options.weight_drop,
            seed=seed,
        ).fit(file, validation=0.1 if shakespeare else [folder / "wiki.valid.tokens"])
        seconds = time.monotonic() - begin
        result, score = model.result_, model.scores_
        assert result is not None
        assert score is not None
        row: dict[str, object] = {
            "text": options.text,
            "budget": options.budget,
            "seed": seed,
            "threads": torch.get_num_threads(),
            "seconds": round(seconds, 1),
            "updates": result.trained.steps,
            "weights": sum(weight.numel() for weight in model.network_.parameters()),
            "design": "; ".join(design_words(model.network_.design).values()),
            "validation nats": round(score.nats, 4),
            "validation perplexity": round(score.perplexity, 2),
        }
        if options.test and not shakespeare:
            tested = model.evaluate(folder / "wiki.test.tokens")
            row |= {
                "test nats": round(tested.nats, 4),
                "test perplexity": round(tested.perplexity, 2),
            }
        print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
        append("language", row)


if __name__ == "__main__":
    main()
