"""The exceptions that Holdfast raises on purpose.

    HoldfastError
    ├── InputError          a table, file, argument or folder that the caller can mend (exit code 2)
    │   ├── TableError      … in a table: names the file, the column, the row or the series
    │   ├── TextError       … in a text: names the file and the place
    │   ├── ArgumentError   … in an argument: names it, also a ValueError
    │   └── ModelError      … in a model folder or file: missing, corrupt, foreign, other version
    └── TrainingError       training cannot go on
        └── NonFiniteLossError  names the step and the series

Every message is one sentence that a person can act on: what is wrong, where, and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence


class HoldfastError(Exception):
    """Anything that Holdfast raises on purpose."""


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
