"""One fault: what goes wrong, where, and which tests must notice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One fault.

    Arguments:
        kind: the promise that it breaks.
        name: what goes wrong, in words.
        file: below src/holdfast; or one of the compiled kernels, from "native/" on.
        old: text that stands exactly once in the file.
        new: what the fault puts in its place.
        tests: node ids without parameters; every one of them must go red.
    """

    kind: str
    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def native(self) -> bool:
        """Whether the compiled kernels have to be built for it."""
        return self.file.startswith("native/")
