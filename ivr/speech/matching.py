"""Which options and places a written-down sentence holds. Pure.

A sentence may hold an option and a place at once, in the midst of other words. The longest phrase wins
("rupat utara" is not "rupat"), an option wins over a cry for help, and "bukan kebakaran" is no fire.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from ivr.flow.spoken import Phrase, Vocabulary
from ivr.speech.everyday import AROUND, EVERYDAY
from ivr.speech.numbers import DIGITS
from ivr.speech.phones import Sounds, Spot, best_spot, outline, outlines, sounds, words

HELP = "0"
CLEAR = 0.72
"""What scores so much was said, whatever else was."""

LEAST = 0.5
"""What is less near than this was not said."""

_OF_ANY_PLACE = frozenset({"kecamatan", "desa", "kelurahan", "kampung"})
"""Words that tell no place from another: "kecamatan bantan" is not near "kecamatan mandau"."""

_SHARED = 0.4
"""So much of a place's outline must be in a stretch of the text before it is looked at closely."""

_OPTION_SHARED = 0.25
"""The same of an option's: there are few of them, and all hangs on them."""

_BARE = 5
"""Of a place of so few sounds one that was heard otherwise leaves too little of an outline to go by."""

_SHORT, _LONG = 15, 30  # sounds in such a stretch, for words of two thirds of it

_NEAR_PLACE = 0.6
_MOST_NEAR = 18

_DERIVED = 0.92
"""What a word of the same root is worth: "terbakar" for "kebakaran"."""

_NOT = frozenset({"bukan", "tidak", "jangan"})
_BETWEEN = frozenset({"ada", "di", "ke", "dari", "panggil", "perlu", "usah"})
_NOT_A_PLACE_BEFORE = frozenset(
    {"jalan", "jalanan", "sungai", "laut", "pantai", "jurang", "parit", "hutan", "kota", "rel"}
)


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase of the vocabulary, how near the text comes to it (to 1), and the sounds that it takes up."""

    phrase: Phrase
    place: bool
    nearness: float
    start: int
    end: int


@lru_cache(maxsize=64)
def find(text: str, vocabulary: Vocabulary) -> tuple[Found, ...]:
    """Every phrase that may be in the text, the nearest first, then the longest."""
    said = tuple(words(text))[:40]
    heard = sounds(said)
    drawn = {size: outlines(heard, size) for size in (_SHORT, _LONG)}
    found = [
        Found(phrase, place, spot.nearness, spot.start, spot.end)
        for place, phrases in ((False, vocabulary.options), (True, vocabulary.places))
        for phrase in phrases
        if (spot := _spot(phrase.text, heard, drawn, _SHARED if place else _OPTION_SHARED))
        is not None
        and spot.nearness >= LEAST
    ]
    found = [one for one in found if not _denied(one, said, heard, vocabulary.kind)]
    if vocabulary.kind == "yes_no":
        found = [replace(one, nearness=one.nearness * _bare(said, vocabulary)) for one in found]
    found = _longest(_apart([_doubted(one, said, heard) for one in found]))
    return tuple(sorted(found, key=lambda one: (-one.nearness, -(one.end - one.start))))


def without_help(found: Sequence[Found]) -> list[Found]:
    """An option wins over a cry for help in the same sentence."""
    if any(not one.place and one.phrase.value != HELP and one.nearness >= CLEAR for one in found):
        return [one for one in found if one.place or one.phrase.value != HELP]
    return list(found)


def put(text: str, found: Found) -> str:
    """The text with the phrase in the place of what was heard there."""
    said = words(text)
    first, last = _span(found, sounds(tuple(said)))
    return " ".join([*said[:first], found.phrase.text, *said[last:]])


def _spot(
    phrase: str, heard: Sounds, drawn: dict[int, list[frozenset[str]]], shared: float
) -> Spot | None:
    best = None
    for wanted, telling, worth in _forms(phrase):
        pairs = outline(wanted)
        near = drawn[_SHORT if len(wanted.letters) <= _SHORT * 2 // 3 else _LONG]
        bare = len(wanted.letters) <= _BARE
        if not bare and max(len(pairs & one) for one in near) < shared * len(pairs):
            continue
        spot = best_spot(wanted, heard, telling)
        spot = replace(spot, nearness=spot.nearness * worth)
        if best is None or spot.nearness > best.nearness:
            best = spot
    return best


@lru_cache(maxsize=5000)
def _forms(phrase: str) -> tuple[tuple[Sounds, int, float], ...]:
    """The phrase, and where it is one word with affixes, the words of the same root; of each how many
    sounds tell it from others, and what it is worth."""
    said = tuple(words(phrase))
    if not said:
        return ()
    telling = tuple(word for word in said if word not in _OF_ANY_PLACE)
    forms = [(sounds(said), len(sounds(telling).letters), 1.0)]
    if len(said) == 1:
        forms += [(sounds((word,)), 0, _DERIVED) for word in _same_root(said[0])]
    return tuple(forms)


_AFFIXES = re.compile(
    r"^(?:ke|per|pe|ber|ter)?(?P<root>[a-z]{5,})an$|^(?:ke|ter|di|ber)(?P<bare>[a-z]{5,})$"
)


def _same_root(word: str) -> list[str]:
    """ "kebakaran": terbakar, kebakar, dibakar; "tabrakan": tabrak, tertabrak, menabrak…"""
    if len(word) < 7 or not (fits := _AFFIXES.match(word)):
        return []
    root = fits["root"] or fits["bare"]
    nasal = {"t": "n" + root[1:], "s": "ny" + root[1:], "k": "ng" + root[1:], "p": "m" + root[1:]}
    active = nasal.get(root[0], ("m" if root[0] in "bf" else "n") + root)
    made = [
        f"ter{root}",
        f"ke{root}",
        f"di{root}",
        f"ke{root}an",
        f"ber{root}an",
        active,
        f"me{active}",
    ]
    if word.endswith("an") and not word.startswith("ke"):
        made.append(root)
    return [one for one in made if one != word]


def _denied(one: Found, said: tuple[str, ...], heard: Sounds, kind: str) -> bool:
    """Said to be not so, or a word of another meaning here."""
    ends = sorted(heard.ends)
    before = said[ends.index(one.start) - 1] if one.start in heard.ends and one.start else ""
    place = ends.index(one.end) if one.end in heard.ends else len(said)
    after = said[place] if place < len(said) else ""
    if one.place and len(words(one.phrase.text)) == 1 and after in _NOT_A_PLACE_BEFORE:
        return True  # "di pinggir jalan" is not the kecamatan Pinggir
    number = ends.index(one.start) if one.start in heard.ends else 0
    while number and before in _BETWEEN:  # "tidak ada api", "jangan panggil polisi"
        number -= 1
        before = said[number - 1] if number else ""
    if before in _NOT and one.phrase.text.split()[0] not in _NOT:
        return True
    if kind != "yes_no" and one.phrase.text in DIGITS:
        first = ends.index(one.start) if one.start in heard.ends else 0
        others = [*said[:first], *said[place:]]
        return not all(word in AROUND or word in DIGITS for word in others)
    return False


def _doubted(one: Found, said: tuple[str, ...], heard: Sounds) -> Found:
    """Less near where it would take the place of everyday words only."""
    first, last = _span(one, heard)
    there = said[first:last]
    own = words(one.phrase.text)
    if there and all(word in EVERYDAY and word not in own for word in there):
        return replace(one, nearness=one.nearness - 0.2)
    return one


def _bare(said: tuple[str, ...], vocabulary: Vocabulary) -> float:
    """What an answer of yes or no is worth among other words: "saya tidak dengar" is no "tidak"."""
    answers = {word for phrase in vocabulary.options for word in words(phrase.text)}
    others = [word for word in said if word in EVERYDAY and word not in answers | AROUND]
    return 1 - 0.2 * min(len(others), 2)


def _span(one: Found, heard: Sounds) -> tuple[int, int]:
    """From which word of the text to which it goes, words that are taken in part with them."""
    ends = sorted(heard.ends)
    first = max((n for n, end in enumerate(ends) if end <= one.start), default=0)
    last = min((n for n, end in enumerate(ends) if end >= one.end), default=len(ends) - 1)
    return first, last


def _apart(found: list[Found]) -> list[Found]:
    """Without the places in whose stretch an option, or a cry for help, was heard better: one stretch of
    speech says one thing."""
    options = [one for one in found if not one.place]
    return [
        one
        for one in found
        if not one.place
        or not any(
            option.nearness > one.nearness and option.start < one.end and one.start < option.end
            for option in options
        )
    ]


def _longest(found: list[Found]) -> list[Found]:
    """What lies within a longer phrase that was heard about as well stands behind it."""
    kept = []
    for one in found:
        ceiling = min(
            (
                other.nearness - 0.15
                for other in found
                if other.phrase.value != one.phrase.value
                and other.nearness >= 0.78
                and other.start <= one.start
                and other.end >= one.end
                and len(other.phrase.text) >= len(one.phrase.text) + 2
                and other.end - other.start >= one.end - one.start + 2
            ),
            default=1.0,
        )
        kept.append(replace(one, nearness=min(one.nearness, ceiling)))
    return [one for one in kept if one.nearness >= LEAST]


def covers(text: str, found: Found) -> float:
    """How much of the text the phrase takes up: 1 where nothing else was said."""
    return (found.end - found.start) / max(len(sounds(tuple(words(text))).letters), 1)


def in_mind(text: str, vocabulary: Vocabulary) -> list[str]:
    """The words of the vocabulary in the order in which a recogniser should have them in mind: what is
    near the text first; of places, only that."""
    near = [one for one in find(text, vocabulary) if not one.place or one.nearness >= _NEAR_PLACE]
    if vocabulary.kind == "menu":
        near = [one for one in near if not one.place][:12] + [one for one in near if one.place][:6]
    texts = [one.phrase.text for one in near[:_MOST_NEAR]]
    return list(dict.fromkeys([*texts, *(one.text for one in vocabulary.options)]))
