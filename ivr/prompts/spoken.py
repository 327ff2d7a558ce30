"""How a written sentence is read aloud: numbers, times, abbreviations, and names.

Facts it rests on: espeak-ng 1.52 (`-v id`) reads "112" as a hundred and twelve, "RSUD" as a heap of
consonants, and guesses wrong which e a word has ("tekan" comes out as "tékan"). Both voices read
what this page gives them: words, and espeak-ng phonemes in [[double brackets]] where the lexicon
says how a word sounds.

A number is said as a number where it counts something ("20 menit", "1.500 orang"), and digit by
digit where a listener may have to note it down: telephone numbers, codes, "112".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from ivr.config import PROJECT
from ivr.prompts.lexicon import Lexicon, read

LEXICON = "prompts/lafal.yaml"

_DIGITS = ("nol", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan")

_LETTERS = {
    **{"a": "a", "b": "be", "c": "ce", "d": "de", "e": "e", "f": "ef", "g": "ge", "h": "ha"},
    **{"i": "i", "j": "je", "k": "ka", "l": "el", "m": "em", "n": "en", "o": "o", "p": "pe"},
    **{"q": "ki", "r": "er", "s": "es", "t": "te", "u": "u", "v": "ve", "w": "we", "x": "eks"},
    **{"y": "ye", "z": "zet"},
}

_COUNTED = (
    r"(?:detik|menit|jam|hari|minggu|bulan|tahun|kali|persen|meter|kilometer|km|hektare?|liter|"
    r"kilo(?:gram)?|kg|orang|korban|jiwa|warga|unit|rumah|kamar|kendaraan|mobil|motor|petugas|"
    r"tingkat|lantai|rupiah)\b"
)

_TOKEN = re.compile(
    rf"""
    (?P<clock> (?:\b(?:pukul|jam)\s+)? (?<![\d.,])(?:[01]?\d|2[0-3])[.:][0-5]\d (?![.,:]?\d) )
    | (?P<grouped> (?<![\d.,])[1-9]\d{{0,2}}(?:\.\d{{3}}){{1,3}} (?![.,]?\d) )
    | (?P<decimal> (?<![\d.,])\d{{1,9}},\d+ (?![.,]?\d) )
    | (?P<ordinal> \bke-[1-9]\d{{0,5}}\b )
    | (?P<range> (?<=\d)\s*[–—]\s*(?=\d) | (?<!\d\d)(?<=\d)-(?=\d{{1,2}}\b) )
    | (?P<counted> \b[1-9]\d{{0,8}} (?= %|\s+{_COUNTED}) | (?<=\btahun\ )[1-9]\d{{3}}\b )
    | (?P<percent> \s?% )
    | (?P<digits> \d+ )
    | (?P<word> [^\W\d_]+\.? )
    """,
    re.VERBOSE | re.IGNORECASE,
)


def spoken(text: str, lexicon: Lexicon | None = None) -> str:
    """The words of a sentence as they are said, after the shipped lexicon unless another is given.

    >>> spoken("Anda terhubung ke 112.")
    'Anda terhubung ke satu satu dua.'
    >>> spoken("RSUD Mandau, 20 menit, pukul 07.30")
    'er es u de Mandau, dua puluh menit, pukul tujuh lewat tiga puluh'
    """
    words = (shipped() if lexicon is None else lexicon).read_as
    return _TOKEN.sub(lambda token: _say(token, words), text)


def for_espeak(text: str, lexicon: Lexicon | None = None) -> str:
    """The same, with phonemes for the words whose sound the lexicon tells.

    >>> for_espeak("Kebakaran tekan 1")
    "Kebakaran [[t@k'an]] satu"
    """
    lexicon = shipped() if lexicon is None else lexicon
    sounds = lexicon.sounds_like
    words = re.split(r"([^\W\d_]+)", spoken(text, lexicon))
    return "".join(f"[[{sounds[w.lower()]}]]" if w.lower() in sounds else w for w in words)


@cache
def shipped() -> Lexicon:
    """The lexicon of this checkout, without what is faulty in it."""
    return read(LEXICON, (PROJECT / LEXICON).read_text(encoding="utf-8"))[0]


def number(digits: str) -> str:
    """One or two digits are a number; more are a telephone number, said digit by digit.

    >>> number("24"), number("112")
    ('dua puluh empat', 'satu satu dua')
    """
    if len(digits) > 2 or digits.startswith("0"):
        return _one_by_one(digits)
    return _cardinal(int(digits))


def _say(token: re.Match[str], words: Mapping[str, str]) -> str:
    text = token[0]
    match token.lastgroup:
        case "clock":
            return _clock(text)
        case "grouped":
            return _cardinal(int(text.replace(".", "")))
        case "decimal":
            whole, _, part = text.partition(",")
            return f"{_cardinal(int(whole))} koma {_one_by_one(part)}"
        case "ordinal":
            which = int(text[3:])
            return "pertama" if which == 1 else f"ke{_cardinal(which)}"
        case "range":
            return " sampai "
        case "counted":
            return _cardinal(int(text))
        case "percent":
            return " persen"
        case "digits":
            return words.get(text) or number(text)
        case _:
            return _word(text, words)


def _word(text: str, words: Mapping[str, str]) -> str:
    """A word, an abbreviation with its full stop ("Jl."), or capitals spelled letter by letter."""
    word = text.removesuffix(".")
    if word != text and text.lower() in words:
        return words[text.lower()]
    rest = text[len(word) :]
    said = words.get(word.lower())
    if said is not None:
        return (word if said == word.lower() and not word.isupper() else said) + rest
    if len(word) > 1 and word.isupper():
        return " ".join(_LETTERS.get(letter, letter) for letter in word.lower()) + rest
    return text


def _clock(text: str) -> str:
    before, time = text.rsplit(maxsplit=1) if " " in text else ("pukul", text)
    hours, minutes = (int(part) for part in re.split("[.:]", time))
    return f"{before} {_cardinal(hours)}" + (f" lewat {_cardinal(minutes)}" if minutes else "")


def _one_by_one(digits: str) -> str:
    return " ".join(_DIGITS[int(digit)] for digit in digits)


def _cardinal(count: int) -> str:
    from num2words import num2words  # noqa: PLC0415  loads every language there is

    return str(num2words(count, lang="id"))
