"""How a written sentence is read aloud: digits, abbreviations and the two sounds of the letter e.

Facts it rests on: Indonesian writes one letter for /e/ and /ə/, and espeak-ng 1.52 (`-v id`)
guesses wrong for some of the commonest words of a telephone menu ("tekan" comes out as "tékan"); it
reads "112" as a hundred and twelve and "RSUD" as a heap of consonants. Both voices read what this
page gives them: words, and espeak-ng phonemes in [[double brackets]] where a word needs them.
"""

from __future__ import annotations

import re

_DIGITS = ("nol", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan")

_LETTERS = {
    **{"a": "a", "b": "be", "c": "ce", "d": "de", "e": "e", "f": "ef", "g": "ge", "h": "ha"},
    **{"i": "i", "j": "je", "k": "ka", "l": "el", "m": "em", "n": "en", "o": "o", "p": "pe"},
    **{"q": "ki", "r": "er", "s": "es", "t": "te", "u": "u", "v": "ve", "w": "we", "x": "eks"},
    **{"y": "ye", "z": "zet"},
}

_WORDS = {
    # In capitals, yet said as words; any other word in capitals is spelled letter by letter.
    "BASARNAS": "basarnas",
    "DAMKAR": "damkar",
    "SAR": "sar",
    # Written one way, said another.
    "Bathin": "batin",
}

_PHONEMES = {
    "belum": "b@l'um",
    "dengan": "d@N'an",
    "direkam": "diRek'am",
    "empat": "@mp'at",
    "enam": "@n'am",
    "kecelakaan": "k@tS@lak'a_|an",
    "kecil": "k@tS'il",
    "perlu": "p@Rl'u",
    "polres": "p'olREs",
    "polsek": "p'olsEk",
    "sedang": "s@d'aN",
    "tekan": "t@k'an",
    "telepon": "tElEp'on",
    "tempat": "t@mp'at",
    "tetap": "t@t'ap",
}

_TOKEN = re.compile(r"\d+|[^\W\d_]+")


def spoken(text: str) -> str:
    """The words of a sentence as they are said.

    >>> spoken("Anda terhubung ke 112.")
    'Anda terhubung ke satu satu dua.'
    >>> spoken("RSUD Mandau")
    'er es u de Mandau'
    """
    return _TOKEN.sub(_say, text)


def for_espeak(text: str) -> str:
    """The same, with phonemes for the words espeak-ng would say wrong.

    >>> for_espeak("Kebakaran tekan 1")
    "Kebakaran [[t@k'an]] satu"
    """
    words = re.split(r"([^\W\d_]+)", spoken(text))
    return "".join(f"[[{_PHONEMES[w.lower()]}]]" if w.lower() in _PHONEMES else w for w in words)


def number(digits: str) -> str:
    """One or two digits are a number; more are a telephone number, said digit by digit.

    >>> number("24"), number("112")
    ('dua puluh empat', 'satu satu dua')
    """
    if len(digits) > 2 or digits.startswith("0"):
        return " ".join(_DIGITS[int(digit)] for digit in digits)
    tens, ones = divmod(int(digits), 10)
    if tens == 0:
        return _DIGITS[ones]
    if tens == 1:
        return {0: "sepuluh", 1: "sebelas"}.get(ones) or f"{_DIGITS[ones]} belas"
    return f"{_DIGITS[tens]} puluh" + (f" {_DIGITS[ones]}" if ones else "")


def _say(token: re.Match[str]) -> str:
    word = token[0]
    if word.isdecimal():
        return number(word)
    if word in _WORDS:
        return _WORDS[word]
    if len(word) > 1 and word.isupper():
        return " ".join(_LETTERS.get(letter, letter) for letter in word.lower())
    return word
