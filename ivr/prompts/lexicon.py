"""The pronunciation lexicon: words that are said otherwise than they are written, as data.

    dibaca: {Bathin: batin, km: kilometer}    # read as these words
    bunyi: {tekan: tekan, telepon: tèlè'pon}  # sounds like this: e as in "emas", é and è as in "desa"

Indonesian writes one letter for /ə/, /e/ and /ɛ/, so no program can know which one a name has. The
lexicon says it in the marks that the national dictionary uses, which an administrator can type.
``bunyi`` becomes espeak-ng phonemes, which both voices are fed with. What is wrong in a file is told
with its line, and only that entry is left out: one bad entry never costs a prompt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ivr.flow import yaml_text
from ivr.flow.fault import Fault
from routing.wording import suggestion

READ_AS = "dibaca"
SOUNDS_LIKE = "bunyi"
_PARTS = (READ_AS, SOUNDS_LIKE)

_WORD = re.compile(r"[^\W_]+\.?")
_WORDS = re.compile(r"[^\W\d_]+(?: [^\W\d_]+)*")
_VOWELS = "aeéèiou"
_SOUNDS = {
    **{"ng": "N", "ny": "n^", "sy": "S", "kh": "x"},
    **{"a": "a", "e": "@", "é": "e", "è": "E", "i": "i", "o": "o", "u": "u"},
    **{"b": "b", "c": "tS", "d": "d", "f": "f", "g": "g", "h": "h", "j": "dZ", "k": "k", "l": "l"},
    **{"m": "m", "n": "n", "p": "p", "q": "k", "r": "R", "s": "s", "t": "t", "v": "f", "w": "w"},
    **{"x": "ks", "y": "j", "z": "z"},
}
"""Letters of Indonesian spelling and what espeak-ng calls their sounds."""

_GLIDES = {"ai": "aI", "au": "aU", "oi": "OI"}  # one sound at the end of a word, two within it
_LETTERS = re.compile("|".join(sorted(_SOUNDS, key=len, reverse=True)))
_RESPELLED = re.compile(rf"(?:'?(?:{_LETTERS.pattern}))+")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """By word in small letters: the words it is read as, and the phonemes it sounds like."""

    read_as: Mapping[str, str] = field(default_factory=dict)
    sounds_like: Mapping[str, str] = field(default_factory=dict)

    def over(self, other: Lexicon) -> Lexicon:
        """Both; where they differ, this one counts."""
        return Lexicon({**other.read_as, **self.read_as}, {**other.sounds_like, **self.sounds_like})


def read(file: str, text: str) -> tuple[Lexicon, list[Fault]]:
    """The lexicon that a file holds without its faulty entries, and its faults under `file`'s name."""
    tree, marks, faults = yaml_text.read(file, text)
    found: dict[str, dict[str, str]] = {part: {} for part in _PARTS}
    for part, entries in (tree or {}).items():
        if part not in _PARTS:
            message = f"`{part[:40]}` bukan bagian lafal.{suggestion(part, _PARTS)}"
            faults.append(marks.key_fault((file, part), "unknown-part", message))
        elif not isinstance(entries, dict):
            message = f"`{part}` harus berisi baris `kata: ucapannya`."
            faults.append(marks.fault((file, part), "no-mapping", message))
        else:
            written: dict[str, str] = {}
            for word, said in entries.items():
                path = (file, part, word)
                if wrong := _wrong_word(word, part, written):
                    faults.append(marks.key_fault(path, "word", wrong))
                elif wrong := _wrong_reading(said, part):
                    faults.append(marks.fault(path, "reading", wrong))
                else:
                    written[word.lower()] = word
                    found[part][word.lower()] = said if part == READ_AS else phonemes(said)
    return Lexicon(found[READ_AS], found[SOUNDS_LIKE]), faults


def phonemes(respelled: str) -> str:
    """A respelled word in the phonemes of espeak-ng.

    The stress lies on the last vowel but one, or on the last one where that is a schwa; an
    apostrophe before a syllable puts it there.

    >>> phonemes("tekan"), phonemes("désa"), phonemes("tèlè'pon")
    ("t@k'an", "d'esa", "tElEp'on")
    """
    ending = next((end for end in _GLIDES if respelled.endswith(end)), "")
    letters = _LETTERS.findall(respelled.removesuffix(ending))
    sounds = [_SOUNDS[letter] for letter in letters]
    if ending:
        sounds.append(_GLIDES[ending])
    vowels = [at for at, sound in enumerate(sounds) if sound[0] in "a@eEiouO"]
    marked = respelled.find("'")
    if marked >= 0:
        before = len(_LETTERS.findall(respelled[:marked]))
        stressed = next((at for at in vowels if at >= before), vowels[-1])
    else:
        stressed = vowels[-1] if len(vowels) == 1 or sounds[vowels[-2]] == "@" else vowels[-2]
    said = ""
    for at, sound in enumerate(sounds):
        if at in vowels and at - 1 in vowels:
            said += "_|" if sound == sounds[at - 1] else "|"
        said += f"'{sound}" if at == stressed else sound
    return said


def _wrong_word(word: str, part: str, written: Mapping[str, str]) -> str:
    if not _WORD.fullmatch(word) or (part == SOUNDS_LIKE and not word.isalpha()):
        return f"`{word[:40]}` bukan satu kata. Tulis satu kata saja, tanpa tanda baca."
    if word.lower() in written:
        return f"Kata ini sudah ditulis sebagai `{written[word.lower()]}`. Hapus salah satu."
    return ""


def _wrong_reading(said: object, part: str) -> str:
    if not isinstance(said, str) or not said.strip():
        return "Ucapannya belum ditulis. Tulis seperti kata itu terdengar."
    if part == READ_AS:
        if _WORDS.fullmatch(said):
            return ""
        return "Tulis ucapannya dengan kata-kata saja, tanpa angka dan tanda baca."
    if not _RESPELLED.fullmatch(said):
        return (
            "Tulis bunyinya dengan satu kata berhuruf kecil a sampai z; é atau è untuk e pada `desa`, "
            "dan ' sebelum suku kata yang ditekan."
        )
    if not any(vowel in said for vowel in _VOWELS):
        return "Bunyi ini tidak punya huruf hidup. Untuk singkatan, tulis di `dibaca`: be pe be de."
    return ""


def merged(lexicons: Iterable[Lexicon]) -> Lexicon:
    """All of them; where two differ, the later one counts."""
    whole = Lexicon()
    for lexicon in lexicons:
        whole = lexicon.over(whole)
    return whole
