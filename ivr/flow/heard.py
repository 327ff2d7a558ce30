"""Words instead of a key: which key of the question that waits stands for what a caller said.

Only whole words count, and only if they point to one key: what is heard twice in different ways is
not guessed. A cry for help is the operator's key everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ivr.flow.actions import Gather
from ivr.flow.engine import OPERATOR_KEY
from ivr.flow.model import CallState, Dialplan
from ivr.flow.steps.ask_place import AskPlaceStep

CRIES = ("tolong", "bantuan", "operator")
"""Whoever says one of these reaches a person in every state."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was made of some words: the key (None: nothing), and what it stands for."""

    key: str | None
    meaning: str


def heard(dialplan: Dialplan, call: CallState, said: str) -> Heard:
    """The key that these words stand for, where the call waits now."""
    if any(_occurs(cry, said) for cry in CRIES):
        return Heard(OPERATOR_KEY, "petugas")
    found: dict[str, str] = {}
    for key, word, meaning in _offered(dialplan, call):
        if _occurs(word, said):
            found.setdefault(key, meaning)
    if len(found) == 1:
        return Heard(*next(iter(found.items())))
    if found:
        return Heard(None, f"dapat berarti {' atau '.join(found.values())}")
    return Heard(None, "tidak dikenal")


def _offered(dialplan: Dialplan, call: CallState) -> Iterator[tuple[str, str, str]]:
    """Each word that may be said now: its key, the word, what it stands for."""
    if not isinstance(call.waiting, Gather):
        return
    step = dialplan.step(call.step)
    if isinstance(step, AskPlaceStep):
        if call.asking in ("", "keys"):  # digits have no names, and yes is no place
            yield from ((key, name, name) for key, name in _places(dialplan, call).items())
        return
    options = [value for value in vars(step).values() if isinstance(value, Mapping)]
    for key, option in (pair for offered in options for pair in offered.items()):
        for word in getattr(option, "words", ()):
            yield key, word, getattr(option, "incident", None) or word


def _places(dialplan: Dialplan, call: CallState) -> Mapping[str, str]:
    if call.area is None:
        return {key: area.name for key, area in dialplan.places.areas.items()}
    names = dialplan.places.names
    return {key: names[code] for key, code in dialplan.area(call.area).kecamatan.items()}


def _occurs(word: str, said: str) -> bool:
    spaced = r"\s+".join(re.escape(part) for part in word.casefold().split())
    return re.search(rf"(?<!\w){spaced}(?!\w)", said.casefold()) is not None
