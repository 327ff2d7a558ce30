"""What is wrong with a deployment, and where it is written.

A mark is a line and a column, counted from 1 as editors do. Messages are for the person who edits
the file: Indonesian, what happened and what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Mark:
    """A position in a file."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong, or (as a warning) something to look at. ``code`` never changes."""

    file: str
    line: int
    column: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Marks:
    """Where the values and the keys of some files stand. A path begins with the file's name."""

    values: Mapping[tuple[str | int, ...], Mark] = field(default_factory=dict)
    keys: Mapping[tuple[str | int, ...], Mark] = field(default_factory=dict)

    def fault(self, path: tuple[str | int, ...], code: str, message: str) -> Fault:
        """A fault in the value at ``path``, or in what is nearest around it."""
        mark = _nearest(self.values, path)
        return Fault(str(path[0]), mark.line, mark.column, code, message)

    def key_fault(self, path: tuple[str | int, ...], code: str, message: str) -> Fault:
        """A fault in the key at the end of ``path``."""
        mark = self.keys.get(path) or _nearest(self.values, path)
        return Fault(str(path[0]), mark.line, mark.column, code, message)


def _nearest(marks: Mapping[tuple[str | int, ...], Mark], path: tuple[str | int, ...]) -> Mark:
    while path and path not in marks:
        path = path[:-1]
    return marks.get(path, Mark(1, 1))
