"""Indonesian words as they sound, so that a misheard word is still near the right one. Pure.

A recogniser writes what it hears in whatever letters come to it, and people say words as they are said
at home: "kebakaghan", "saye", "ndak". Rules bring such spellings together; what they leave apart is
measured, one sound at a time.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+")

_SPELLINGS = (
    # Malay of Riau says r in the throat: kebakaghan, sughuh. English letters for the same sounds after it.
    *(("gh", "r"), ("ng", "N"), ("ny", "Y"), ("kh", "h"), ("sy", "s"), ("sh", "s"), ("ch", "c")),
    *(("dj", "j"), ("tj", "c"), ("th", "t"), ("dh", "d"), ("ph", "f"), ("bh", "b"), ("ck", "k")),
    *(("oe", "u"), ("oo", "u"), ("ee", "i"), ("v", "f"), ("q", "k"), ("x", "ks"), ("z", "s")),
)

_EVERYDAY = {
    "tidak": (
        "ndak",
        "tak",
        "nggak",
        "ngga",
        "enggak",
        "engga",
        "gak",
        "ga",
        "kagak",
        "tdk",
        "dak",
        "nda",
    ),
    "ya": ("iya", "iye", "iyo", "yo", "yak", "yoi", "ye", "iyah", "yah", "yaa"),
    "tabrak": ("langgar", "laga"),
    "tertabrak": ("kelanggar", "terlanggar", "ketabrak"),
    "ditabrak": ("dilanggar",),
    "kosong": ("nihil",),
}
_STANDARD = {spoken: standard for standard, every in _EVERYDAY.items() for spoken in every}

_GROUPS = (
    *(
        ("pb", 0.25),
        ("td", 0.25),
        ("kg", 0.25),
        ("cj", 0.25),
        ("fp", 0.25),
        ("sc", 0.4),
        ("sj", 0.4),
    ),
    *(("lr", 0.35), ("nN", 0.25), ("mn", 0.35), ("nY", 0.3), ("mN", 0.4), ("kh", 0.5), ("bf", 0.4)),
    *(("wu", 0.2), ("yi", 0.2), ("wo", 0.4), ("wf", 0.5), ("wb", 0.5), ("kc", 0.5), ("tk", 0.6)),
    *(("ea", 0.3), ("ei", 0.3), ("eu", 0.4), ("eo", 0.4), ("ao", 0.4), ("uo", 0.25), ("dr", 0.6)),
    *(("au", 0.5), ("ai", 0.6), ("iu", 0.7), ("tc", 0.5), ("dj", 0.5), ("dl", 0.6), ("ts", 0.6)),
)
_NEAR = dict(_GROUPS) | {pair[::-1]: cost for pair, cost in _GROUPS}

_FADING = {"k": 0.2, "t": 0.3, "h": 0.1, "p": 0.35, "d": 0.3, "g": 0.2}
"""What the end of a word loses on the way, where it is hardly sounded."""

_EXTRA = {"e": 0.5, "h": 0.4, "a": 0.7, "i": 0.7, "u": 0.7, "o": 0.7, "y": 0.5, "w": 0.5}
"""What a sound costs that is heard beside those of a word, or missing from it; others cost 1."""


@dataclass(frozen=True, slots=True)
class Sounds:
    """The sounds of some words, one letter each; ``ends`` are the places where a word ends or begins."""

    letters: str
    ends: frozenset[int]
    missing: tuple[float, ...]  # what each costs where it is not heard


def words(text: str) -> list[str]:
    """Words in small letters without accents and marks; "kebakar'an" and "api-api" as they are said."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("'", "").replace("’", ""))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return [_STANDARD.get(word, word) for word in _WORD.findall(plain)]


@lru_cache(maxsize=20000)
def sounds(said: tuple[str, ...]) -> Sounds:
    letters = ""
    ends = {0}
    missing: list[float] = []
    for word in said:
        spoken = _spoken(word)
        letters += spoken
        missing += [_EXTRA.get(letter, 1.0) for letter in spoken]
        if len(spoken) > 3 and spoken[-1] in _FADING:
            missing[-1] = _FADING[spoken[-1]]
        if len(spoken) > 3 and spoken[0] == "h":
            missing[-len(spoken)] = 0.2  # ilang, utan
        ends.add(len(letters))
    return Sounds(letters, frozenset(ends), tuple(missing))


def _spoken(word: str) -> str:
    for written, sound in _SPELLINGS:
        word = word.replace(written, sound)
    word = re.sub(r"(.)\1+", r"\1", word)
    word = re.sub(r"ai$", "e", word)
    return re.sub(r"au$", "o", word) if len(word) > 3 else word


@dataclass(frozen=True, slots=True)
class Spot:
    """Where in a text some words were found: sounds ``start`` to ``end`` of it, and how near, up to 1."""

    nearness: float
    start: int
    end: int


_INSIDE = 1.0
"""What it costs to begin or to end in the midst of a word: "api" is not in "sapi"."""


def best_spot(wanted: Sounds, heard: Sounds, telling: int = 0) -> Spot:
    """The stretch of what was heard that is nearest to the wanted words (Sellers' algorithm).

    ``telling`` is how many of the wanted sounds tell them from other words; all of them if it is 0.
    """
    letters, ends, missing = heard.letters, heard.ends, wanted.missing
    size = len(letters)
    row = [0.0 if place in ends else _INSIDE for place in range(size + 1)]
    starts = list(range(size + 1))
    extra = [_EXTRA.get(letter, 1.0) for letter in letters]
    near = _NEAR
    for number, letter in enumerate(wanted.letters):
        lost = missing[number]
        left = row[0] + lost
        left_start = starts[0]
        new_row, new_starts = [left], [left_start]
        for place in range(size):
            other = letters[place]
            cost = row[place] + (0.0 if other == letter else near.get(letter + other, 1.0))
            start = starts[place]
            drop = row[place + 1] + lost
            if drop < cost:
                cost, start = drop, starts[place + 1]
            more = left + extra[place]
            if more < cost:
                cost, start = more, left_start
            new_row.append(cost)
            new_starts.append(start)
            left, left_start = cost, start
        row, starts = new_row, new_starts
    best, where = min(
        (cost + (0.0 if place in ends else _INSIDE), place) for place, cost in enumerate(row)
    )
    return Spot(max(0.0, 1 - best / max(telling or len(wanted.letters), 3)), starts[where], where)


def likeness(one: Sounds, other: Sounds) -> float:
    """How alike two whole texts sound, from 0 to 1."""
    row = [0.0]
    for letter in other.letters:
        row.append(row[-1] + _EXTRA.get(letter, 1.0))
    for number, letter in enumerate(one.letters):
        new = [row[0] + one.missing[number]]
        for place, heard in enumerate(other.letters):
            same = row[place] + (0.0 if heard == letter else _NEAR.get(letter + heard, 1.0))
            lost, more = row[place + 1] + one.missing[number], new[-1] + _EXTRA.get(heard, 1.0)
            new.append(min(same, lost, more))
        row = new
    return max(0.0, 1 - row[-1] / max(len(one.letters), len(other.letters), 3))


_COARSE = str.maketrans("bdgjfzvrNYmeoywaiu", "ptkcpsflnnnaaiuaiu")


@lru_cache(maxsize=20000)
def outline(said: Sounds) -> frozenset[str]:
    """Pairs of coarse sounds: words with few common pairs need not be compared."""
    return _pairs(said.letters.translate(_COARSE))


def outlines(heard: Sounds, size: int) -> list[frozenset[str]]:
    """The outlines of all stretches of ``size`` sounds of a text, a third of it apart."""
    coarse = heard.letters.translate(_COARSE)
    starts = range(0, max(len(coarse) - size, 0) + size // 3 + 1, max(size // 3, 1))
    return [_pairs(coarse[start : start + size]) for start in starts]


def _pairs(coarse: str) -> frozenset[str]:
    return frozenset(coarse[place : place + 2] for place in range(len(coarse) - 1))
