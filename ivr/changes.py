"""What is different between two versions, for a person to read. Pure.

First one line for each file, then the lines themselves as a unified difference.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from ivr.versions import Frozen

MOST_NAMED = 5
NOTHING = Frozen("", {}, {})


@dataclass(frozen=True, slots=True)
class Changes:
    """``summary`` has a line for each thing that changed; ``lines`` the difference itself."""

    summary: tuple[str, ...]
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([*self.summary, *([""] if self.lines else []), *self.lines])


def between(old: Frozen, new: Frozen) -> Changes:
    """From ``old`` to ``new``; both lists are empty where nothing changed."""
    summary: list[str] = []
    lines: list[str] = []
    for name in sorted({*old.files, *new.files}):
        before, after = old.files.get(name), new.files.get(name)
        if before == after:
            continue
        found = list(
            difflib.unified_diff(
                (before or "").splitlines(),
                (after or "").splitlines(),
                f"lama/{name}",
                f"baru/{name}",
                lineterm="",
            )
        )
        lines += found
        summary.append(_summary(name, before, after, found[2:]))
    summary += _of_sounds(old, new)
    return Changes(tuple(summary), tuple(lines))


def _summary(name: str, before: str | None, after: str | None, lines: list[str]) -> str:
    if before is None:
        return f"{name}: berkas baru."
    if after is None:
        return f"{name}: berkas dihapus."
    added = sum(line.startswith("+") for line in lines)
    removed = sum(line.startswith("-") for line in lines)
    if not lines:
        return f"{name}: hanya akhir baris yang berubah."
    return f"{name}: {added} baris ditambah, {removed} baris dihapus."


def _of_sounds(old: Frozen, new: Frozen) -> list[str]:
    if not old.files:
        return []
    came = sorted(new.sounds.keys() - old.sounds.keys())
    went = sorted(old.sounds.keys() - new.sounds.keys())
    other = sorted(
        name
        for name in old.sounds.keys() & new.sounds.keys()
        if old.sounds[name].audio != new.sounds[name].audio
    )
    return [
        f"suara {what}: {_named(names)}."
        for what, names in (("baru", came), ("tidak dipakai lagi", went), ("direkam ulang", other))
        if names
    ]


def _named(names: list[str]) -> str:
    shown = ", ".join(names[:MOST_NAMED])
    more = len(names) - MOST_NAMED
    return f"{shown}, dan {more} lagi" if more > 0 else shown
