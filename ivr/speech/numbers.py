"""Digits and numbers as one says them: "nol delapan satu", "dua puluh satu", "dua ratus". Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ivr.speech.everyday import AROUND, EVERYDAY
from ivr.speech.phones import best_spot, likeness, sounds, words

DIGITS = {
    **{"nol": "0", "kosong": "0", "satu": "1", "dua": "2", "tiga": "3", "empat": "4", "lima": "5"},
    **{"enam": "6", "tujuh": "7", "delapan": "8", "sembilan": "9"},
}
HALF = {"belas": 10, "puluh": 10, "ratus": 100, "ribu": 1000}
ONE = {"sepuluh": 10, "sebelas": 11, "seratus": 100, "seribu": 1000}
_SPOKEN = (*DIGITS, *HALF, *ONE)
_SHORT = {"mpat": "empat", "pat": "empat", "nam": "enam", "tuju": "tujuh", "lapan": "delapan"}
_SHORT |= {
    "atu": "satu",
    "se": "satu",
    "ji": "satu",
    "ro": "dua",
    "semilan": "sembilan",
    "sanga": "sembilan",
}
_ENGLISH = {"zero": "nol", "null": "nol", "no": "nol", "nul": "nol", "do": "dua", "two": "dua"}
_ANSWERS = frozenset({"ya", "tidak", "bukan"})
_LEAST, _SURELY = 0.62, 0.9
_BEFORE = tuple(sounds((word,)) for word in ("nomor", "angka", "tekan", "pilih"))
_NEAR_BEFORE = 0.7


@dataclass(frozen=True, slots=True)
class Reading:
    """Digits that a text may mean, and how near its words come to theirs, up to 1."""

    digits: str
    words: str
    nearness: float


def readings(text: str, most: int) -> list[Reading]:
    """Every meaning of up to ``most`` digits, the nearest first; none where other things were said."""
    parts = [part for word in words(text) for part in re.findall(r"[0-9]|[^0-9]+", word)]
    said = [word for part in parts for word in _apart(part)]
    heard = [one for one in (_number_word(word) for word in said) if one is not None]
    if not heard:
        return []
    around = sum(_around(word) for word in said)
    nearness = min(near for _, near in heard) * (0.4 + 0.6 * len(heard) / (len(said) - around))
    tokens = [word for word, _ in heard]
    every = {digits for digits in _meanings(tokens) if 0 < len(digits) <= most}
    found = [Reading(digits, " ".join(tokens), nearness) for digits in sorted(every, key=len)]
    return sorted(found, key=lambda one: -one.nearness)


def _apart(word: str) -> tuple[str, ...]:
    """Two number words that are written as one: "duabelas", "nolima"."""
    alone = _number_word(word)
    if word in EVERYDAY or (alone is not None and alone[1] >= _SURELY):
        return (word,)
    halves = [
        (word[:cut], word[cut:])
        for cut in range(2, len(word) - 2)
        if _written(word[:cut]) and _written(word[cut:])
    ]
    return max(halves, key=lambda two: len(two[1]), default=(word,))


def _written(word: str) -> bool:
    return _ENGLISH.get(word, word) in _SPOKEN


def _number_word(word: str) -> tuple[str, float] | None:
    """The number word that this is or sounds like; None for any other word."""
    if re.fullmatch("[0-9]", word):
        return next(name for name, digit in DIGITS.items() if digit == word), 1.0
    word = _SHORT.get(word, _ENGLISH.get(word, word))
    if word in _SPOKEN:
        return word, 1.0
    if word in EVERYDAY or word in _ANSWERS:
        return None
    heard = sounds((word,))
    near, name = max((_likeness(name, heard.letters, word), name) for name in _SPOKEN)
    return (name, near) if near >= _LEAST else None


def _around(word: str) -> bool:
    """Is it "nomor" or "pak", or the like, and no number?"""
    if _number_word(word) is not None:
        return False
    spoken = sounds((word,))
    return word in AROUND or any(likeness(one, spoken) >= _NEAR_BEFORE for one in _BEFORE)


def _likeness(name: str, letters: str, word: str) -> float:
    wanted = sounds((name,))
    there = best_spot(wanted, sounds((word,))).nearness
    return there * min(1.0, len(wanted.letters) / len(letters) + 0.2)


def _meanings(tokens: Sequence[str]) -> set[str]:
    """Word by word, and with every number taken whole: "dua puluh satu" is 21 or 201 ("20", "1")."""
    if not tokens:
        return {""}
    found: set[str] = set()
    first, *rest = tokens
    if first in DIGITS:
        found |= {DIGITS[first] + more for more in _meanings(rest)}
    for size in range(len(tokens), 0, -1):
        value = _value(tokens[:size])
        if value is not None and value >= 10:
            found |= {str(value) + more for more in _meanings(tokens[size:])}
    return found


def _value(tokens: Sequence[str]) -> int | None:
    """The value of one whole number of up to four digits; None if it is not one."""
    total, left = 0, 10000
    number = 0
    while number < len(tokens):
        word = tokens[number]
        following = tokens[number + 1] if number + 1 < len(tokens) else ""
        if word in ONE:
            amount, unit = ONE[word], 1 if word == "sebelas" else ONE[word]
            number += 1
        elif word in DIGITS and DIGITS[word] != "0" and following in HALF:
            digit = int(DIGITS[word])
            unit = 1 if following == "belas" else HALF[following]
            amount = 10 + digit if following == "belas" else digit * unit
            number += 2
        elif word in DIGITS and DIGITS[word] != "0":
            amount, unit = int(DIGITS[word]), 1
            number += 1
        else:
            return None
        if unit >= left:
            return None
        if unit == 1 and amount >= 10 and left <= 10:
            return None  # "dua puluh sebelas"
        total, left = total + amount, unit
    return total
