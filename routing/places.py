"""The places that administrators write: kecamatan and their desa, neighbours, area codes, known telephones.

``Areas`` finds the code of a place by what a person calls it.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from routing.contacts import contacts
from routing.entries import (
    AT_MESSAGE,
    DESA,
    EVERYWHERE,
    POINT_MESSAGE,
    AreaCodeEntry,
    NeighbourEntry,
    NumberEntry,
    PlaceEntry,
)
from routing.model import KECAMATAN, Desa, KnownNumber, Neighbour, Place
from routing.reading import Reading
from routing.wording import suggestion

_ALMOST = 0.8
"""From here on (0 to 1) two names of lands are one name, misspelt."""

_COMPARED = 100
"""So many names of lands are compared with each other: no kabupaten has more."""


@dataclass(frozen=True, slots=True)
class Areas:
    """Codes by what a person may write for them: a code, the name of a kecamatan, of a desa, or both as
    "Kecamatan/Desa". A bare name that is a kecamatan's means the kecamatan. ``told``: whether it can be
    said at all which places there are."""

    kecamatan: Mapping[str, str] = field(default_factory=dict)
    desa: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    codes: frozenset[str] = frozenset()
    told: bool = True

    def code(
        self, reading: Reading, word: str, file: str, path: tuple[str | int, ...]
    ) -> str | None:
        """The code of what was written, None where it is at fault, which is told."""
        if word in self.kecamatan:
            return self.kecamatan[word]
        if word in self.codes or not self.told:
            return word
        found = self.desa.get(word, ())
        if len(found) == 1:
            return found[0]
        if found:
            message = (
                f"Ada {len(found)} desa bernama {word[:40]!r}. Tulis dengan kecamatannya "
                f"(Kecamatan/Desa), atau kodenya: {', '.join(found)}."
            )
            reading.problem(file, path, "ambiguous-place", message)
            return None
        meant = self._meant(word)
        message = f"Kecamatan atau desa {word[:40]!r} tidak ada di places.yaml.{meant}"
        reading.problem(file, path, "unknown-place", message)
        return None

    def _meant(self, word: str) -> str:
        """What may have been meant; a desa of a kecamatan that is written well is looked for there."""
        whole = f"{word.partition('/')[0]}/"
        within = [name for name in self.desa if name.startswith(whole)] if "/" in word else []
        bare = [name for name in self.desa if "/" not in name]
        return (
            suggestion(word, within, listing=False)
            or suggestion(word, self.kecamatan, listing=False)
            or suggestion(word, bare, listing=False)
            or suggestion(word, self.kecamatan)
        )


def places(reading: Reading) -> dict[str, Place]:
    """The kecamatan by code."""
    found = {}
    for code, written in reading.entries("places", PlaceEntry, ("kecamatan",)).items():
        at = ("kecamatan", code)
        points = _points(reading, (*at, "points"), written.points)
        for number in written.desa:
            if not DESA.fullmatch(number):
                message = (
                    f"Kode desa {number[:40]!r}: tulis empat angka terakhirnya, misalnya 1001."
                )
                reading.problem("places", (*at, "desa", number), "name", message)
        desa = {
            f"{code}.{number}": Desa(
                f"{code}.{number}",
                one.name,
                one.postcode or written.postcode,
                tuple(one.aliases),
            )
            for number, one in written.desa.items()
        }
        found[code] = Place(
            code,
            written.name,
            written.block,
            points,
            written.postcode,
            desa,
            tuple(written.aliases),
        )
        _twins(reading, (*at, "desa"), {number: one.name for number, one in written.desa.items()})
    names = {code: place.name for code, place in found.items()}
    _twins(reading, ("kecamatan",), names, "name")
    _blocks(reading, {code: place.block for code, place in found.items()})
    return found


def _twins(reading: Reading, at: tuple[str, ...], names: Mapping[str, str], *key: str) -> None:
    """Whoever says the name of two places beside each other means one of them, and nobody knows which."""
    first: dict[str, str] = {}
    for code, name in names.items():
        other = first.setdefault(" ".join(name.casefold().split()), code)
        if other != code:
            message = (
                f"Nama {name[:40]!r} sudah dipakai {other}. Beri nama yang berbeda, "
                "supaya jelas mana yang dimaksud."
            )
            reading.problem("places", (*at, code, *key), "ambiguous-place", message)


def _blocks(reading: Reading, blocks: Mapping[str, str]) -> None:
    """A land of one kecamatan that is called almost like another is that other one, misspelt: nobody
    would ever be sent to it from there."""
    count = Counter(blocks.values())
    names = list(count)[:_COMPARED]
    for number, name in enumerate(names):
        others = [one for n, one in enumerate(names) if count[one] > 1 or n < number]
        meant = next((one for one in others if one != name and _is_close(name, one)), None)
        if count[name] == 1 and meant is not None:
            code = next(code for code, block in blocks.items() if block == name)
            message = (
                f"Daratan `{name[:40]}` hanya dipakai di sini. Maksud Anda `{meant[:40]}`? "
                "Bila memang daratan lain, beri nama yang lebih berbeda."
            )
            reading.problem("places", ("kecamatan", code, "block"), "block", message)


def _is_close(one: str, other: str) -> bool:
    """Misspelt, and not numbered."""
    one, other = one[:40].casefold(), other[:40].casefold()
    digits = [[letter for letter in word if letter.isdigit()] for word in (one, other)]
    if digits[0] != digits[1]:
        return False
    return difflib.SequenceMatcher(None, one, other).ratio() >= _ALMOST


def areas(reading: Reading) -> Areas:
    """What the places are called, also those at fault: a fault is told once."""
    known = reading.written("places", "kecamatan")
    if known is None:
        return Areas(told=False)
    kecamatan: dict[str, str] = {}
    desa: dict[str, tuple[str, ...]] = {}
    codes = set(known)
    for code, part in known.items():
        name = _name(part)
        if name is not None:
            kecamatan[name] = code
        inner = part.get("desa") if isinstance(part, Mapping) else None
        for number, one in inner.items() if isinstance(inner, Mapping) else ():
            whole = f"{code}.{number}"
            codes.add(whole)
            called = one if isinstance(one, str) else _name(one)
            if called is not None:
                desa[called] = (*desa.get(called, ()), whole)
                desa[f"{name}/{called}"] = (whole,)
    return Areas(kecamatan, desa, frozenset(codes))


def _name(part: object) -> str | None:
    name = part.get("name") if isinstance(part, Mapping) else None
    return name if isinstance(name, str) else None


def _points(
    reading: Reading, path: tuple[str | int, ...], written: list[tuple[float, float]]
) -> tuple[tuple[float, float], ...]:
    if not all(_is_point(point) for point in written):
        reading.problem("places", path, "point", POINT_MESSAGE)
    return tuple(point for point in written if _is_point(point))


def _is_point(point: tuple[float, float]) -> bool:
    return -90 <= point[0] <= 90 and -180 <= point[1] <= 180


def neighbours(reading: Reading) -> dict[str, Neighbour]:
    """The kabupaten and kota around by id."""
    at = ("neighbours",)
    return {
        name: Neighbour(
            name,
            written.name,
            _points(reading, (*at, name, "points"), written.points),
            contacts(reading, "places", (*at, name), written.contacts),
        )
        for name, written in reading.entries("places", NeighbourEntry, at).items()
    }


def area_codes(reading: Reading, known: Areas) -> dict[str, tuple[str, ...]]:
    """The kecamatan of each fixed-line area code."""
    found: dict[str, tuple[str, ...]] = {}
    for area_code, written in reading.entries("places", AreaCodeEntry, ("area_codes",)).items():
        codes = []
        for number, word in enumerate(written.root):
            path = ("area_codes", area_code, number)
            code = known.code(reading, word, "places", path)
            if code is not None and len(code) > KECAMATAN:
                message = f"{word[:40]!r} adalah desa. Di sini tulis kecamatannya."
                reading.problem("places", path, "unknown-place", message)
            elif code is not None:
                codes.append(code)
        found[area_code] = tuple(dict.fromkeys(codes))
    return found


def numbers(reading: Reading, known: Areas) -> dict[str, KnownNumber]:
    """The telephones of which it is known where they stand."""
    found = {}
    for number, written in reading.entries("numbers", NumberEntry).items():
        code = None
        if (written.place is None) == (written.at is None):
            message = "Di mana telepon ini? Tulis salah satu: `place: Bengkalis` atau `at: [lintang, bujur]`."
            reading.problem("numbers", (number,), "number-place", message)
        if written.place is not None:
            code = known.code(reading, written.place, "numbers", (number, "place"))
        if written.at is not None and not _is_point(written.at):
            reading.problem("numbers", (number, "at"), "point", AT_MESSAGE)
        lat, lon = written.at or (None, None)
        found[number] = KnownNumber(number, written.name, code, lat, lon)
    return found


def covers(
    reading: Reading, agency: str, written: list[str], known: Areas, every: Mapping[str, Place]
) -> frozenset[str]:
    """Codes of kecamatan and desa; ``semua`` is every kecamatan."""
    if written == [EVERYWHERE]:
        return frozenset(every)
    codes = set()
    for number, word in enumerate(written):
        path = (agency, "covers", number)
        if word == EVERYWHERE:
            message = f"`{EVERYWHERE}` berdiri sendiri: tulis `covers: {EVERYWHERE}`."
            reading.problem("agencies", path, "covers", message)
        elif (code := known.code(reading, word, "agencies", path)) is not None:
            codes.add(code)
    return frozenset(codes)
