"""An LSTM learns Python from the standard library of this machine in a minute; it writes functions.

    python -m examples.write_python

What it reads: every function and method of the library (without docstrings, comments, decorators
and nested functions), as `ast.unparse` writes it, a blank line between two, 3 MB at most. Then 50
functions are written after "def " at a temperature of 0.5; a blank line ends each, or 400
characters, of which whole lines are kept. How many of them are Python, as `ast.parse` judges?
Beside it a Kneser-Ney 5-gram of the same characters, drawn with the same temperature, cut alike.
"""

from __future__ import annotations

import argparse
import ast
import sysconfig
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from benchmarks.ngrams import KneserNey

from holdfast import LanguageModel
from holdfast.language.generate import Sampling

PROMPT, END, LENGTH, ORDER = "def ", "\n\n", 400, 5


def functions(source: str) -> Iterator[str]:
    """The functions of a module, each in the plainest form."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # of old files
        tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.decorator_list = []
            if ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:] or [ast.Pass()]
            written = ast.unparse(node)
            if "\n\n" not in written and written.isascii():
                yield written


def library_text(characters: int) -> str:
    """The functions of the standard library, in the order of the names of its files."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    parts: list[str] = []
    size = 0
    for path in sorted(folder.rglob("*.py")):
        if {"site-packages", "dist-packages", "test", "tests", "idlelib"} & set(path.parts):
            continue
        try:
            found = list(functions(path.read_text(encoding="utf-8")))
        except (OSError, SyntaxError, ValueError, RecursionError):
            continue  # templates and the like
        parts += found
        size += sum(map(len, found))
        if size > characters:
            break
    # Shuffled by a fixed seed: the last tenth, which is held out, is then like the rest.
    order = np.random.default_rng(0).permutation(len(parts))
    return END.join(parts[place] for place in order) + "\n"


def whole_lines(written: str) -> str:
    """A function up to the blank line; the lines that are complete where there is none."""
    body, end, _ = written.partition(END)
    return body if end else body.rpartition("\n")[0]


def is_python(text: str) -> bool:
    """Whether Python can read it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return bool(tree.body)


def ngram_text(made: KneserNey, model: LanguageModel, sampling: Sampling, seed: int) -> str:
    """What the n-gram writes after the prompt."""
    random = np.random.default_rng(seed)
    ids = model.tokenizer_.encode(END + PROMPT).tolist()
    text = PROMPT
    while len(text) < LENGTH + len(PROMPT) and not text.endswith(END):
        chances = made.probabilities(np.array(ids[-ORDER:]))
        token = sampling.draw(np.log(chances), random)
        ids.append(token)
        text += model.tokenizer_.texts[token]
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", default="60s", help="for training")
    parser.add_argument("--steps", type=int, help="updates in place of the budget")
    parser.add_argument("--hidden", type=int, default=256, help="units of the LSTM")
    parser.add_argument("--samples", type=int, default=50)
    parser.add_argument("--temperature", type=float, default=0.5)
    parser.add_argument("--characters", type=int, default=3_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "functions.txt"
        path.write_text(library_text(options.characters), encoding="utf-8")
        begin = time.monotonic()
        # More units than would be chosen: one reading by a large network is worth more here than
        # five by a small one, and what is read once needs no dropout.
        model = LanguageModel(
            budget=options.budget, steps=options.steps, hidden=options.hidden, dropout=0.0
        ).fit(path, validation=0.03)
        seconds = time.monotonic() - begin
        assert model.result_ is not None
        assert model.scores_ is not None
        learnt = np.array(model.result_.task.corpus.training)
    print(
        f"{len(learnt):,} characters of Python read, {seconds:.0f} s: "
        f"{model.scores_.nats:.3f} nats a character on functions it has not seen"
    )
    sampling = Sampling(options.temperature)
    ngram = KneserNey(learnt, model.tokenizer_.size, ORDER)
    ours, theirs = [], []
    for seed in range(options.samples):
        written = model.generate(
            "\n" + PROMPT, length=LENGTH, temperature=options.temperature, seed=seed
        )
        ours.append(whole_lines(PROMPT + written))
        theirs.append(whole_lines(ngram_text(ngram, model, sampling, seed)))
    for name, texts in (("5-gram", theirs), ("LSTM", ours)):
        good = [text for text in texts if is_python(text)]
        shown = max(good, key=lambda text: (text.count("\n"), text), default="(none)")
        print(f"\nThe longest of the {name} that is Python:\n\n{shown}")
    for name, texts in (("LSTM", ours), ("5-gram", theirs)):
        good = [text for text in texts if is_python(text)]
        lines = np.mean([text.count("\n") + 1 for text in texts])
        print(
            f"{name}: {len(good)} of {len(texts)} functions are Python "
            f"({100 * len(good) / len(texts):.0f} %), {lines:.1f} lines each on average"
        )


if __name__ == "__main__":
    main()
