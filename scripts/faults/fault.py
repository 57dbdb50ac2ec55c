"""One planted fault: what goes wrong, how it is planted, and which tests must notice."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fault:
    """A wrong behaviour that stands in for a right one while tests run.

    Arguments:
        kind: the promise that it breaks.
        name: what goes wrong, in words.
        target: "module:name" or "module:Class.name", what is replaced.
        wrong: the original → what takes its place.
        tests: node ids below tests/, without parameters; every one of them must go red.
    """

    kind: str
    name: str
    target: str
    wrong: Callable[[Any], Any]
    tests: tuple[str, ...]

    def plant(self) -> None:
        """Replace the target in this process.

        Raises:
            AttributeError: there is no such name.
        """
        module, _, path = self.target.partition(":")
        owner: Any = importlib.import_module(module)
        *way, name = path.split(".")
        for step in way:
            owner = getattr(owner, step)
        held = vars(owner)[name]  # a method as it was written: static, of the class, or plain
        original = held.__func__ if isinstance(held, staticmethod | classmethod) else held
        wrong = self.wrong(original)
        if isinstance(held, staticmethod | classmethod):
            wrong = type(held)(wrong)
        setattr(owner, name, wrong)
        if not way:
            _replace_imported(name, original, wrong)


def _replace_imported(name: str, original: object, wrong: object) -> None:
    """Replace a name of a module also where other modules of ours have imported it already."""
    import sys

    for key, module in list(sys.modules.items()):
        if key.startswith("holdfast") and getattr(module, name, None) is original:
            setattr(module, name, wrong)
