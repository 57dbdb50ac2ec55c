"""The exceptions that Holdfast raises on purpose.

    HoldfastError
    ├── InputError          a table, file, argument or folder that the caller can mend (exit code 2)
    │   ├── TableError      … in a table: names the file, the column, the row or the series
    │   ├── TextError       … in a text: names the file and the place
    │   ├── ArgumentError   … in an argument: names it, also a ValueError
    │   └── ModelError      … in a model folder or file: missing, corrupt, foreign, other version
    └── TrainingError       training cannot go on
        └── NonFiniteLossError  names the step and the series

Every message is one sentence that a person can act on: what is wrong, where, and what to do. Where
it names an option, `option` puts a mark into the text, and `worded` turns the mark into what the
reader knows the option by: an argument in Python, a flag on the command line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Literal

_MARK: Final = re.compile("\ufdd0(\\w+)(?:\ufdd1([^\ufdd3]*)\ufdd2([^\ufdd3]*))?\ufdd3")
"""An option's name, its value as Python writes it, its value as text; between codes that stand for
no character."""

_FLAGS: Final = {
    "id_col": "--id",
    "time_col": "--time",
    "target_col": "--target",
    "X_df": "--future",
    "static_df": "--static",
    "by": "--total-by",
    "over": "--total-over",
}
"""Flags that are not called as the argument is; any other is: day_first, --day-first."""

_NEGATED: Final = {"day_first": "--month-first"}
"""Flags for False where they are not the flag for True with "no" before it."""

_ALONE: Final = object()

_wording: ContextVar[Literal["argument", "flag"]] = ContextVar("wording", default="argument")


def option(name: str, value: object = _ALONE) -> str:
    """An option inside a message, as its reader will know it.

    Arguments:
        name: of the argument in Python.
        value: that it has or is to have; without one it is named alone.

    Example:
        >>> message = f"say {option('day_first', True)} or {option('day_first', False)}"
        >>> worded(message)
        'say day_first=True or day_first=False'
        >>> with options_as("flag"):
        ...     worded(f"give {option('id_col')} or {option('level', (80, 90))}")
        'give --id or --level 80,90'
    """
    if value is _ALONE:
        return f"\ufdd0{name}\ufdd3"
    values = value if isinstance(value, list | tuple) else (value,)
    text = ",".join(f"{one:g}" if isinstance(one, float) else str(one) for one in values)
    return f"\ufdd0{name}\ufdd1{value!r}\ufdd2{text}\ufdd3"


def worded(message: str) -> str:
    """A message with its options as the reader of this moment knows them."""
    return _MARK.sub(lambda mark: _rendered(*mark.groups(default="")), message)


@contextmanager
def options_as(wording: Literal["argument", "flag"]) -> Iterator[None]:
    """Inside, messages name options as Python's arguments or as flags of the command line."""
    token = _wording.set(wording)
    try:
        yield
    finally:
        _wording.reset(token)


def _rendered(name: str, as_argument: str, as_text: str) -> str:
    """An option, and its value unless "", in the wording of the moment."""
    if _wording.get() == "argument":
        return f"{name}={as_argument}"
    flag = _FLAGS.get(name, f"--{name.replace('_', '-')}")
    if as_argument in ("", "True"):
        return flag
    if as_argument == "False":
        return _NEGATED.get(name, f"--no-{flag.removeprefix('--')}")
    return f"{flag} {as_text}"


class HoldfastError(Exception):
    """Anything that Holdfast raises on purpose; its text names options as the reader knows them."""

    def __str__(self) -> str:
        return worded(super().__str__())

    @property
    def template(self) -> str:
        """The message with its marks, to be worded elsewhere, as by another process."""
        return super().__str__()


class InputError(HoldfastError):
    """Something that came in is wrong and the caller can mend it."""


class TableError(InputError):
    """A table is wrong; the message names the file, column, row or series."""


class TextError(InputError):
    """A text is wrong; the message names the file and the byte or the line."""


class ArgumentError(InputError, ValueError):
    """An argument is wrong; the message names it."""


class ModelError(InputError):
    """A model folder or file is missing, corrupt, foreign or from another format version."""


class TrainingError(HoldfastError):
    """Training cannot go on."""


class NonFiniteLossError(TrainingError):
    """The loss stopped being a finite number.

    Arguments:
        step: the update at which it happened, counted from 1.
        names: the series (or files, sentences) in the batch whose loss was not finite.
    """

    def __init__(self, step: int, names: Sequence[str]) -> None:
        self.step = step
        self.names = tuple(names)
        shown = ", ".join(self.names[:5]) + (" …" if len(self.names) > 5 else "")
        super().__init__(
            f"The loss is not finite at step {step}; look at {shown or 'the learning rate'}: "
            "a value may be too large for single precision, or the learning rate too high."
        )

    def __reduce__(self) -> tuple[type[NonFiniteLossError], tuple[int, tuple[str, ...]]]:
        return type(self), (self.step, self.names)  # so that it can leave a worker process
