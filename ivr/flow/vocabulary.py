"""What a caller may say instead of pressing keys, in phrases that steps put together.

A phrase is in small letters, without punctuation; ``plain`` makes any text so. Which question takes
which of them is for its step to say (``Listening``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from ivr.flow.spoken import Phrase, Vocabulary
from routing.model import KECAMATAN, Place

HELP = ("tolong", "bantuan", "operator", "petugas")
"""Whoever says one of these, and nothing else that may be said, reaches a person in every state."""

OPERATOR_VALUE = "0"
YES_VALUE, NO_VALUE = "1", "2"

YES = (
    "ya", "iya", "ya betul", "betul", "benar", "ya benar", "ho oh", "he eh", "oke", "yo",
)  # fmt: skip
NO = (
    "tidak", "bukan", "salah", "tak", "ndak", "nggak", "enggak", "gak", "indak", "tidak betul",
    "tidak benar", "tak betul", "tak benar", "bukan itu", "bukan di situ",
)  # fmt: skip
"""How people agree and disagree here, on the coast and in Duri; yes and no are keys 1 and 2 of every
question that takes them."""

AREA = "area:"
"""How the value of a place begins that is an area of the first place question; its key follows."""

ORDINARY = frozenset({"pinggir", "petani", "damai", "sepotong", "beringin"})
"""Names of places that are words of everyday speech too: who says that it happened "di pinggir jalan"
has not named Pinggir. They count where a place is asked for, elsewhere with what they are before them."""

_NOT_SPOKEN = re.compile(r"[^\w]+|_")


def plain(text: str) -> str:
    """The words of a text as one says them.

    >>> plain("Parit I Api-Api."), plain(" Orang  HILANG! ")
    ('parit i api api', 'orang hilang')
    """
    return " ".join(_NOT_SPOKEN.sub(" ", text.casefold()).split())


HELP_PHRASES = tuple(Phrase(word, OPERATOR_VALUE) for word in HELP)

YES_NO = Vocabulary(
    "yes_no",
    (
        *(Phrase(word, YES_VALUE) for word in YES),
        *(Phrase(word, NO_VALUE) for word in NO),
        *HELP_PHRASES,
    ),
)
"""Of every question whose keys are 1 for yes and 2 for no."""


HELP_ONLY = Vocabulary("menu", HELP_PHRASES)
"""Of every question that is for keys: a cry for help is heard there too, and nothing else is."""


Words = tuple[tuple[str, str], ...]
"""What may be said, as it is written, each with the value that it stands for."""


@dataclass(frozen=True, slots=True)
class SpokenPlaces:
    """Everything that callers call a place, areas included. Cheap to find things by."""

    phrases: tuple[Phrase, ...] = ()

    def __hash__(self) -> int:
        return hash((len(self.phrases), self.phrases[:1]))


@lru_cache(maxsize=256)
def of_menu(own: Words, behind: Words, places: SpokenPlaces) -> Vocabulary:
    """Of a question for something else than a place. Words of the questions ``behind`` its options have
    all the keys that lead there."""
    in_passing = (phrase for phrase in places.phrases if phrase.text not in ORDINARY)
    return Vocabulary("menu", _options(own, behind), tuple(in_passing))


@lru_cache(maxsize=256)
def of_place(own: Words, places: SpokenPlaces) -> Vocabulary:
    """Of a question for the place, with names that have keys of their own; no area has a code."""
    options = _options(own, ())
    taken = {phrase.text for phrase in options}
    others = (
        phrase
        for phrase in places.phrases
        if area_of(phrase.value) is None and phrase.text not in taken
    )
    return Vocabulary("place", options, tuple(others))


@lru_cache(maxsize=256)
def of_digits(digits: int, within: str, places: SpokenPlaces) -> Vocabulary:
    """Of a question for a number; where a kecamatan is told, the names of its desa count too."""
    inside = (one for one in places.phrases if within and one.value.startswith(f"{within}."))
    return Vocabulary("digits", HELP_PHRASES, tuple(inside), digits)


@lru_cache(maxsize=256)
def names_of(code: str, places: SpokenPlaces) -> tuple[str, ...]:
    """What people call a place."""
    return tuple(phrase.text for phrase in places.phrases if phrase.value == code)


def _options(own: Words, behind: Words) -> tuple[Phrase, ...]:
    """Words with their keys as phrases, those of the question itself before those of questions behind
    it; one that would stand for two values there is left out."""
    found = _one_value_each(own)
    for text, value in _one_value_each(behind).items():
        found.setdefault(text, value)
    for phrase in HELP_PHRASES:
        found[phrase.text] = phrase.value
    return tuple(Phrase(text, value) for text, value in found.items())


def spoken_places(places: Mapping[str, Place], areas: Mapping[str, str]) -> SpokenPlaces:
    """Every name and alias of a place, by what it stands for; ``areas`` are names by key.

    A name of two places is nobody's, but for two that lie in each other: then the wider one is meant,
    and what is asked next, if anything, tells them apart.
    """
    found: dict[str, list[str]] = {}
    for name, value in _names(places):
        values = found.setdefault(plain(name), [])
        if value not in values:
            values.append(value)
    named: dict[str, list[str]] = {}
    for key, name in areas.items():
        named.setdefault(plain(name), []).append(f"{AREA}{key}")
    phrases = []
    for text, values in {**found, **named}.items():
        widest = min(values, key=len)
        if text and all(value.startswith(widest) for value in values):
            phrases.append(Phrase(text, widest))
    return SpokenPlaces(tuple(phrases))


def kecamatan_of(value: str) -> str:
    """The kecamatan in which a place of a vocabulary lies that is no area."""
    return value[:KECAMATAN]


def area_of(value: str) -> str | None:
    """The key of an area; None for any other place."""
    return value.removeprefix(AREA) if value.startswith(AREA) else None


def _one_value_each(words: Iterable[tuple[str, str]]) -> dict[str, str]:
    values: dict[str, set[str]] = {}
    for word, value in words:
        values.setdefault(plain(word), set()).add(value)
    return {text: min(found) for text, found in values.items() if text and len(found) == 1}


def _names(places: Mapping[str, Place]) -> Iterator[tuple[str, str]]:
    for code, place in places.items():
        for name in (place.name, f"kecamatan {place.name}", *place.aliases):
            yield name, code
        for desa in place.desa.values():
            names = (desa.name, *desa.aliases)
            for name in names:
                yield name, desa.code
                if plain(name) in ORDINARY:
                    yield f"desa {name}", desa.code
