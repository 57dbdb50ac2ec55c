"""One planted fault: what goes wrong, how it is planted, and which tests must notice."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

Wrong = Callable[[Any], Any]
"""A right function, property, constant → the wrong one in its place."""


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
    wrong: Wrong
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


def returns(change: Callable[[Any, SimpleNamespace], Any]) -> Wrong:
    """A function that runs as before and returns something else.

    Arguments:
        change: (its result, its arguments by name) → the wrong result.
    """

    def wrong(original: Any) -> Any:
        signature = inspect.signature(original)

        @functools.wraps(original)
        def planted(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            return change(original(*args, **kwargs), SimpleNamespace(**bound.arguments))

        return planted

    return wrong


def reads(**changes: Callable[[Any, SimpleNamespace], Any]) -> Wrong:
    """A function that reads something else than it is given.

    Arguments:
        changes: name of an argument → (its value, all arguments by name) → the wrong value.
    """

    def wrong(original: Any) -> Any:
        signature = inspect.signature(original)

        @functools.wraps(original)
        def planted(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            given = SimpleNamespace(**bound.arguments)
            for name, change in changes.items():
                bound.arguments[name] = change(bound.arguments[name], given)
            return original(*bound.args, **bound.kwargs)

        return planted

    return wrong


def changed(value: Any, **fields: Any) -> Any:
    """A dataclass or a named tuple with some fields of other values."""
    return value._replace(**fields) if hasattr(value, "_replace") else replace(value, **fields)


def does_nothing(original: Any) -> Any:
    """A function that does nothing and returns None."""
    return functools.wraps(original)(lambda *_args, **_kwargs: None)


def constant(value: Any) -> Wrong:
    """A constant of another value, or a function that returns one value always."""

    def wrong(original: Any) -> Any:
        if not callable(original):
            return value
        return functools.wraps(original)(lambda *_args, **_kwargs: value)

    return wrong
