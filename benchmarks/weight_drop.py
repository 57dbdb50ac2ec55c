"""Does weight drop act? Output and gradient change, and validation gets better, at equal updates.

    python benchmarks/weight_drop.py --data ../shared/data

The first 300 kB of Tiny Shakespeare, the last tenth held out, one layer of 256 units, 2,000 updates
of 32 × 96 characters: the text is read more than twenty times, and a model without any dropout
learns it by heart. Two runs of one seed, alike but for the share of recurrent weights that an
update hides (Merity, Keskar and Socher 2018, arXiv 1708.02182). Killed, it goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import torch
from ledger import append

from holdfast import LanguageModel
from holdfast.language.corpus import prepare
from holdfast.language.design import LanguageDesign
from holdfast.language.train import LanguageTask

CHARACTERS = 300_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of shared data")
    parser.add_argument("--folder", type=Path, default=Path("weight-drop"), help="for checkpoints")
    parser.add_argument("--updates", type=int, default=2_000)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    source = options.data / "tiny-shakespeare" / "input.txt"
    if not source.is_file():
        sys.exit(f"{source} is not there; --data names the folder of shared data.")
    torch.set_num_threads(options.threads)
    options.folder.mkdir(parents=True, exist_ok=True)
    text = options.folder / "beginning.txt"
    text.write_text(source.read_text(encoding="utf-8")[:CHARACTERS], encoding="utf-8")
    vocabulary = prepare([text], "char", options.folder / "counted").tokens.size
    for share in (0.0, 0.5):
        design = LanguageDesign(vocabulary, embedding=64, hidden=options.hidden, weight_drop=share)
        changed = changes(design, text, options.folder, options.seed)
        begin = time.monotonic()
        model = LanguageModel(design=design, steps=options.updates, seed=options.seed).fit(
            text,
            checkpoints=options.folder / f"share-{share}-seed-{options.seed}",
        )
        result, score = model.result_, model.scores_
        assert result is not None
        assert score is not None
        row: dict[str, object] = {
            "weight drop": share,
            "characters": CHARACTERS,
            "hidden": options.hidden,
            "updates": options.updates,
            "seed": options.seed,
            "threads": options.threads,
            "seconds": round(time.monotonic() - begin, 1),
            "change of output": f"{changed[0]:.3g}",
            "change of gradient": f"{changed[1]:.3g}",
            "training nats at the end": round(result.trained.curve[-1][1], 4),
            "last validation nats": round(result.trained.validations[-1][1], 4),
            "validation nats": round(score.nats, 4),
        }
        print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
        append("weight_drop", row)


def changes(design: LanguageDesign, text: Path, folder: Path, seed: int) -> tuple[float, float]:
    """How far two passes over one window are apart, in training: states, gradient of W_hh."""
    task = LanguageTask(design, prepare([text], "char", folder / "counted"), seed)
    module, batch = task.module.train(), task.batch(1, seed)
    found = []
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for _ in range(2):
            states, _ = module.network(batch.ids)
            loss = module.network.losses(states, batch.targets).mean()
            (gradient,) = torch.autograd.grad(loss, [module.network.layers[0].weight_hh_l0])
            found.append((states.detach(), gradient))
    (one, first), (two, second) = found
    apart = lambda a, b: float((a - b).norm() / a.norm())  # noqa: E731  # two uses of one ratio
    return apart(one, two), apart(first, second)


if __name__ == "__main__":
    main()
