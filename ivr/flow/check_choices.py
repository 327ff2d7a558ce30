"""What a caller is told to press or to say is what works, and means one thing only.

Each function yields findings: the place in the files, a code, a sentence in Indonesian. Whoever
calls them decides what becomes of a finding; ``refused`` are faults, all the others are warnings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from ivr.flow.loader import DIALPLAN_FILE, PLACES_FILE
from ivr.flow.model import Dialplan, Path
from ivr.flow.steps.ask_place import POSTCODE_KEY, AskPlaceStep
from ivr.flow.steps.menu import MenuStep
from ivr.flow.vocabulary import HELP, NO, NO_VALUE, YES, YES_VALUE, plain
from routing.model import SERVICES, Directory

OPERATOR_WORDS = frozenset({*HELP, "nol"})
"""Whoever says one of these wants a person, in every menu."""

STAYING_WORDS = frozenset({"tetap"})
"""Every menu ends with "tetap di telepon": who repeats that has chosen nothing."""

NUMBER_WORDS: Mapping[str, str] = {
    "satu": "1",
    "dua": "2",
    "tiga": "3",
    "empat": "4",
    "lima": "5",
    "enam": "6",
    "tujuh": "7",
    "delapan": "8",
    "sembilan": "9",
    "bintang": "*",
    "pagar": "#",
}

MAX_WORDS = 100
"""More words in a menu than anybody can tell apart; they are not compared either."""

_SHORTEST_WITHIN = 3
"""Letters that a word must have to be looked for inside another one."""

_KEY = re.compile(
    rf"(?P<asked>\b(?:tekan|tombol|pencet)\s+)?"
    rf"(?P<key>(?<![\w.,:/*#])[0-9*#](?![\w*#]|[.,:/]\d)|\b(?:{'|'.join(NUMBER_WORDS)})\b)"
    rf"(?P<listed>\s*(?:[.,;]|$|\batau\b|\bdan\b))?",
    re.IGNORECASE,
)

_SOUNDS = (
    (r"[^a-z0-9 ]", ""),
    (r"kh|[gkq]", "k"),
    (r"sy|[sz]", "s"),
    (r"ng|ny|[mn]", "n"),
    (r"[bpfv]", "p"),
    (r"[dt]", "t"),
    (r"[cj]", "c"),
    (r"[lr]", "l"),
    (r"h", ""),
    (r"(.)\1+", r"\1"),
)
"""Letters that a telephone line makes alike, in this order."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a deployment. ``refused``: with it the dialplan must not be published;
    ``on_key``: it is told where the last key of the path stands, not where its value does."""

    path: Path
    code: str
    message: str
    refused: bool = False
    on_key: bool = False


@dataclass(frozen=True, slots=True)
class _Word:
    """A word a caller may say: as it stands there, in small letters, and where."""

    key: str
    text: str
    path: Path

    @property
    def plain(self) -> str:
        return self.text.lower().strip(" .,!?")


def choices(dialplan: Dialplan) -> Iterator[Finding]:
    """Everything about the keys and the words of the menus and of the place questions."""
    for name, step in dialplan.steps.items():
        if isinstance(step, MenuStep):
            path: Path = (DIALPLAN_FILE, "steps", name)
            yield from _keys(step.menu, (*path, "menu"), step.options, (*path, "options"))
            yield from _words(step, (*path, "options"))
            yield from _speechless(step, (*path, "options"))
    path = (PLACES_FILE, "wilayah")
    areas = dialplan.places.areas
    keys: dict[str, object] = {**areas, **_postcode_key(dialplan)}
    yield from _keys(dialplan.places.prompt.text, (*path, "prompt"), keys, (*path, "areas"))
    for key, area in areas.items():
        path = (PLACES_FILE, "wilayah", "areas", key)
        options = (*path, "kecamatan")
        yield from _keys(area.prompt.text, (*path, "prompt"), area.kecamatan, options)
    yield from _chosen_twice(dialplan)


def _postcode_key(dialplan: Dialplan) -> Mapping[str, object]:
    """The key of the area question behind which a postcode is asked for, if one is anywhere."""
    steps = dialplan.steps.values()
    asked = any(isinstance(step, AskPlaceStep) and "kodepos" in step.ask_place for step in steps)
    return {POSTCODE_KEY: "kodepos"} if asked else {}


def not_offered(dialplan: Dialplan, reached: set[str]) -> Iterator[Finding]:
    """Kinds of incident that a caller can choose in no menu; ``reached`` are the steps that count."""
    offered = {
        option.incident
        for name, step in dialplan.steps.items()
        if isinstance(step, MenuStep) and name in reached
        for option in step.options.values()
    }
    missing = [incident for incident in SERVICES if incident not in offered]
    if missing and offered:  # who asks nobody for it has the operator do so
        message = (
            f"Tidak ada menu yang menawarkan {', '.join(missing)}. "
            f"Tambahkan pilihan dengan `incident: {missing[0]}`."
        )
        yield Finding((DIALPLAN_FILE, "steps"), "incident-not-offered", message)


def _keys(
    text: str, text_path: Path, options: Mapping[str, object], options_path: Path
) -> Iterator[Finding]:
    """The keys that a question names are those that mean something in it."""
    named: set[str] = set()
    for found in _KEY.finditer(text):
        key = NUMBER_WORDS.get(found["key"].lower(), found["key"])
        # A number that is neither asked for nor listed counts something: "ada 2 pilihan".
        asked = found["asked"] or (found["listed"] is not None and found["key"] == key)
        if asked and key not in options and key not in named and key != "0":
            message = (
                f"Kalimat ini menyebut tombol {key}, tetapi pilihan itu tidak ada. "
                "Tambahkan pilihannya, atau hapus dari kalimat."
            )
            yield Finding(text_path, "key-without-option", message)
        named.add(key)
    for key in options:
        if key not in named:
            message = (
                f"Pilihan {key} tidak disebut dalam kalimatnya, jadi penelepon tidak tahu. "
                f'Tambahkan "tekan {key}".'
            )
            yield Finding((*options_path, key), "option-not-said", message, on_key=True)


def _words(step: MenuStep, path: Path) -> Iterator[Finding]:
    words = [
        _Word(key, text, (*path, key, "words", number))
        for key, option in step.options.items()
        for number, text in enumerate(option.words)
    ]
    if len(words) > MAX_WORDS:
        message = f"{len(words)} kata dalam satu menu sukar dibedakan. Paling banyak {MAX_WORDS}."
        yield Finding(path, "too-many-words", message)
        return
    for word in words:
        yield from _taken(word, step)
        yield from _answering(word)
    for one, other in combinations(words, 2):
        if one.key != other.key:
            yield from _alike(one, other)


def _taken(word: _Word, step: MenuStep) -> Iterator[Finding]:
    """Words that mean something in every menu: a person, a number."""
    number = word.plain if re.fullmatch(r"[0-9*#]", word.plain) else NUMBER_WORDS.get(word.plain)
    reserved = sorted((OPERATOR_WORDS | STAYING_WORDS) & set(word.plain.split()))
    if word.plain in OPERATOR_WORDS or number == "0":
        message = (
            f"`{word.text}` selalu berarti petugas, jadi tidak dapat memilih {word.key}. Hapus."
        )
        yield Finding(word.path, "reserved-word", message, refused=True)
    elif reserved:
        meaning = "petugas" if reserved[0] in OPERATOR_WORDS else "tidak memilih apa-apa"
        message = (
            f"`{word.text}` memuat `{reserved[0]}`, yang berarti {meaning}. "
            f"Pakai kata lain untuk pilihan {word.key}."
        )
        yield Finding(word.path, "reserved-word", message)
    elif number is not None and number != word.key:
        if number in step.options:
            message = (
                f"`{word.text}` di pilihan {word.key} berarti pilihan {number}. Hapus kata ini."
            )
        else:
            message = f"`{word.text}` berarti tombol {number}, bukan {word.key}. Hapus kata ini."
        yield Finding(word.path, "number-word", message, refused=number in step.options)


def _answering(word: _Word) -> Iterator[Finding]:
    """Words that are a yes or a no, which mean something else in the next moment, and words that sound
    like a cry."""
    for answer, words, key in (("ya", YES, YES_VALUE), ("tidak", NO, NO_VALUE)):
        if plain(word.text) in words and word.key != key:
            message = (
                f"`{word.text}` adalah jawaban {answer}, juga bila penelepon ditanya apakah ucapannya "
                f"benar. Pakai kata lain untuk pilihan {word.key}, atau pindahkan ke pilihan {key}."
            )
            yield Finding(word.path, "yes-no-word", message)
    for other in HELP:
        if word.plain != other and sound_alike(word.plain, other):
            message = (
                f"`{word.text}` terdengar seperti `{other}`, yang berarti petugas. "
                f"Pakai kata lain untuk pilihan {word.key}."
            )
            yield Finding(word.path, "reserved-word", message)


def _speechless(step: MenuStep, path: Path) -> Iterator[Finding]:
    """Options that nobody can name, in a menu that listens."""
    for key, option in step.options.items():
        if step.listen == "yes" and option.incident is None and not option.words:
            message = (
                f"Pilihan {key} hanya dapat ditekan, tidak dapat diucapkan. Tambahkan `words`, atau tulis "
                "`listen: no` pada menu ini."
            )
            yield Finding((*path, key), "no-words", message, on_key=True)


def aliases(directory: Directory) -> Iterator[Finding]:
    """Other names of places that are another place's name too: then nobody is sent to either."""
    owner: dict[str, str] = {}
    for code, place in directory.places.items():
        owner.setdefault(plain(place.name), code)
        for desa in place.desa.values():
            owner.setdefault(plain(desa.name), desa.code)
    for code, place in directory.places.items():
        at: Path = ("kecamatan", code, "aliases")
        written = [(code, place.name, place.aliases, at)]
        for desa in place.desa.values():
            number = desa.code.rpartition(".")[2]
            at = ("kecamatan", code, "desa", number, "aliases")
            written.append((desa.code, desa.name, desa.aliases, at))
        for named, name, others, at in written:
            for index, alias in enumerate(others):
                first = owner.setdefault(plain(alias), named)
                if first != named or plain(alias) == plain(name):
                    message = (
                        f"Nama lain `{alias}` sudah dipakai untuk {first}. Penelepon yang menyebutnya "
                        "ditanya lagi tempatnya. Hapus salah satu."
                    )
                    yield Finding((PLACES_FILE, *at, index), "alias-twice", message)


def _alike(one: _Word, other: _Word) -> Iterator[Finding]:
    """Two words of two options that a listener may take for each other; told at the second."""
    both = f"`{other.text}` (pilihan {other.key}) dan `{one.text}` (pilihan {one.key})"
    if one.plain == other.plain:
        message = (
            f"`{other.text}` sudah menjadi kata pilihan {one.key}, di sini pilihan {other.key}. "
            "Satu kata hanya untuk satu pilihan: hapus salah satu."
        )
        yield Finding(other.path, "word-twice", message, refused=True)
        return
    short, long = sorted((one.plain, other.plain), key=len)
    if len(short) >= _SHORTEST_WITHIN and short in long:
        message = f"{both} mudah tertukar: yang satu memuat yang lain. Pakai kata yang lebih jelas."
        yield Finding(other.path, "similar-words", message)
    elif sound_alike(one.plain, other.plain):
        message = f"{both} terdengar mirip. Pakai kata yang lebih berbeda untuk salah satunya."
        yield Finding(other.path, "similar-words", message)


def sound_alike(one: str, other: str) -> bool:
    """Would a listener on a bad line take one word for the other?

    >>> sound_alike("sakit", "sakti"), sound_alike("banjir", "panjir"), sound_alike("api", "asap")
    (True, True, False)
    """
    one, other = _sound(one), _sound(other)
    shorter = min(len(one), len(other))
    allowed = 2 if shorter >= 8 else 1 if shorter >= 4 else 0
    return abs(len(one) - len(other)) <= allowed and _changes(one, other) <= allowed


def _sound(word: str) -> str:
    for pattern, sound in _SOUNDS:
        word = re.sub(pattern, sound, word)
    return word


def _changes(one: str, other: str) -> int:
    """How many letters to put in, leave out, change or swap with their neighbour."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _chosen_twice(dialplan: Dialplan) -> Iterator[Finding]:
    """One kecamatan behind two keys of an area: one of them was meant to be another."""
    for area_key, area in dialplan.places.areas.items():
        first: dict[str, str] = {}
        for key, code in area.kecamatan.items():
            if code in first:
                message = (
                    f"Tombol {first[code]} dan {key} menuju kecamatan yang sama ({code}). "
                    "Perbaiki salah satunya."
                )
                path = (PLACES_FILE, "wilayah", "areas", area_key, "kecamatan", key)
                yield Finding(path, "kecamatan-twice", message)
            first.setdefault(code, key)
