"""What became of each entry between two folders."""

from __future__ import annotations

import fnmatch
import json
import sys
from pathlib import Path

import numpy as np

EXCEPTIONS: dict[str, str] = {}
"""Entry, or a pattern such as ``lens/*/verdict``, that may differ → the reason."""

RENAMED = {
    "judged": "scored", "start": "warm_start", "started": "warm",
    "parts": "partitions", "parts_kept": "partitions_kept",
}  # fmt: skip
"""Key of a JSON object in the old folder → the same key in the new one."""

REWORDED = (
    ("--time, --target, --id set", "time_col=, target_col=, id_col= set"),
    ("--known and --historic read", "--past-covariates and --future-covariates read",
     "past_covariates= and future_covariates= read"),
    ("--missing zero sets", "missing='zero' sets"),
)  # fmt: skip
"""Words of old and new sentences that name the same options."""

REPORTED = ("messages/",)
"""Beginnings of entries that are compared and reported, but may differ: words for people."""


def compare(old: Path, new: Path) -> int:
    """Say of every entry what became of it."""
    before, after = (json.loads((one / "index.json").read_text()) for one in (old, new))
    counts = dict.fromkeys(("equal", "differs", "only in one", "reported", "excepted"), 0)
    for name in sorted(before.keys() | after.keys()):
        if name not in before or name not in after:
            kind, words = "only in one", f"only in {old if name in before else new}"
        elif before[name]["sha256"] == after[name]["sha256"]:
            kind, words = "equal", "equal"
        elif same_but_for_names(old / before[name]["file"], new / after[name]["file"]):
            kind, words = "equal", "equal but for renamed keys"
        else:
            kind, words = "differs", f"differs: {difference(old, new, before[name], after[name])}"
        if kind != "equal":
            reasons = [why for entry, why in EXCEPTIONS.items() if fnmatch.fnmatch(name, entry)]
            if reasons:
                kind, words = "excepted", f"{words} (excepted: {reasons[0]})"
            elif name.startswith(REPORTED):
                kind = "reported"
        counts[kind] += 1
        say(f"{name}: {words}")
    say("; ".join(f"{count} {kind}" for kind, count in counts.items()))
    return 1 if counts["differs"] or counts["only in one"] else 0


def same_but_for_names(one: Path, other: Path) -> bool:
    """Whether two JSON files differ in nothing but renamed keys and reworded sentences."""
    if (one.suffix, other.suffix) != (".json", ".json"):
        return False
    texts = [path.read_text(encoding="utf-8") for path in (one, other)]
    for words, *others in REWORDED:
        for variant in others:
            texts = [text.replace(variant, words) for text in texts]
    before, after = (renamed(json.loads(text)) for text in texts)
    return bool(before == after)


def renamed(value: object) -> object:
    """A JSON value with the keys that it has now."""
    if isinstance(value, dict):
        return {RENAMED.get(key, key): renamed(one) for key, one in value.items()}
    return [renamed(one) for one in value] if isinstance(value, list) else value


def difference(old: Path, new: Path, before: dict[str, str], after: dict[str, str]) -> str:
    """In what two entries differ, in words."""
    one, other = old / before["file"], new / after["file"]
    if one.suffix != other.suffix:
        return f"{one.suffix} and {other.suffix}"
    if one.suffix == ".npy":
        return array_difference(np.load(one), np.load(other))
    if one.suffix == ".bin":
        return f"{one.stat().st_size:,} and {other.stat().st_size:,} bytes"
    lines = [path.read_text(encoding="utf-8").split("\n") for path in (one, other)]
    longest = max(map(len, lines))
    pairs = zip(*(text + ["(no line)"] * (longest - len(text)) for text in lines), strict=True)
    place, pair = next((place, pair) for place, pair in enumerate(pairs, 1) if pair[0] != pair[1])
    same = [one == other for one, other in zip(*pair, strict=False)]
    first = max((same.index(False) if False in same else len(same)) - 40, 0)
    one_part, other_part = (text[first : first + 120] for text in pair)
    return f"line {place}, from column {first + 1}: {one_part!r} and {other_part!r}"


def array_difference(one: np.ndarray, other: np.ndarray) -> str:
    """The largest absolute and relative difference of two arrays, in words."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return f"{one.dtype} {one.shape} and {other.dtype} {other.shape}"
    if one.dtype.kind not in "iufcb":
        return f"{(one != other).sum():,} of {one.size:,} values"
    there, here = one.astype(complex), other.astype(complex)
    both = np.isfinite(there) & np.isfinite(here)
    apart = np.abs(there - here)[both]
    size = np.maximum(np.abs(there), np.abs(here))[both]
    relative = np.divide(apart, size, out=np.zeros_like(apart), where=size > 0)
    odd = (np.isfinite(there) != np.isfinite(here)).sum()
    largest = [float(part.max(initial=0.0)) for part in (apart, relative)]
    finite = f", {odd:,} finite in one only" if odd else ""
    return f"at most {largest[0]:.3g}, relatively {largest[1]:.3g}{finite}"


def say(line: str) -> None:
    """A line of standard output, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
