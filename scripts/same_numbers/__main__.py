"""Are all outputs still the same, bit for bit, at equal steps, threads and machine?

``python scripts/same_numbers store FOLDER`` runs every public class and every verb of the
command line on small fixed inputs, and keeps each output as a file beside ``index.json``.
``python scripts/same_numbers compare OLD NEW`` says what became of each entry, and exits 1 where
one differs that is not named in `EXCEPTIONS` (`comparing.py`). `names.py` alone knows how
Holdfast's modules, classes and arguments are called: after a renaming only that file changes.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "COLUMNS": "100", "NO_COLOR": "1"}

import torch
from comparing import REPORTED, compare, say
from entries import CASES, Store

GROUPS = "layers", "forecasts", "texts", "commands"
"""Modules whose import fills `CASES`."""


def store(folder: Path, only: Sequence[str]) -> int:
    """Run all cases, or some, and write what came out."""
    warnings.simplefilter("ignore")
    for group in GROUPS:
        importlib.import_module(group)
    torch.set_num_threads(1)
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)  # of workers in other folders
    os.environ["PYTHONPATH"] = os.pathsep.join(str(Path(path).absolute()) for path in paths if path)
    kept, home = Store(folder.absolute()), Path.cwd()
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        say(f"{folder} is not empty.")
        return 2
    for name, made in CASES.items():
        if only and name not in only:
            continue
        begun = time.process_time()
        with tempfile.TemporaryDirectory() as scratch:
            os.chdir(scratch)
            torch.manual_seed(0)
            try:
                for part, value in made():
                    kept.take(part if part.startswith(REPORTED) else f"{name}/{part}", value)
            except Exception as error:
                kept.fail(f"{name}/error", error)
            finally:
                os.chdir(home)
        say(f"{name}: {time.process_time() - begun:.1f} s")
    index = json.dumps(kept.index, indent=1, ensure_ascii=False)
    (folder / "index.json").write_text(index, encoding="utf-8")
    for name, error in kept.errors.items():
        say(f"{name}: {error}")
    say(f"{len(kept.index)} entries, {len(kept.errors)} errors.")
    return 0


def main(words: Sequence[str]) -> int:
    """Do what the command line asks for."""
    if len(words) >= 2 and words[0] == "store":
        return store(Path(words[1]), words[2:])
    if len(words) == 3 and words[0] == "compare":
        return compare(Path(words[1]), Path(words[2]))
    say("Give: store FOLDER [CASE ...], or: compare OLD NEW.")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
