"""What administrators write about agencies, operators, trunks and places, made into a Directory.

The input is plain dictionaries, lists and text: every scalar is text, whoever read the YAML. All
problems are collected, each with the path to where it stands, so that the reader can name the line.
"""

from __future__ import annotations

from collections.abc import Mapping

from routing import places
from routing.contacts import contacts
from routing.entries import ENTRIES, PLACEHOLDER, AgencyEntry, OperatorEntry
from routing.hours import of_days
from routing.model import DIRECT, SERVICES, Agency, Contact, Directory, Operator, Trunk
from routing.reading import Problem, Reading
from routing.trunks import trunks as read_trunks
from routing.wording import suggestion

__all__ = [
    "DIRECT",
    "ENTRIES",
    "PLACEHOLDER",
    "Problem",
    "is_placeholder",
    "is_unset",
    "read_directory",
]


def is_placeholder(contact: Contact, trunks: Mapping[str, Trunk]) -> bool:
    """True where a number, or the address of its trunk, has yet to be filled in."""
    if contact.number.startswith("sip:"):
        return False
    trunk = trunks.get(contact.via)
    return contact.number.startswith(PLACEHOLDER) or trunk is None or is_unset(trunk)


def is_unset(trunk: Trunk) -> bool:
    """True where the address of a trunk, or its login, has yet to be filled in."""
    return trunk.host.startswith(PLACEHOLDER) or trunk.login.startswith(PLACEHOLDER)


def read_directory(tree: Mapping[str, object]) -> tuple[Directory | None, list[Problem]]:
    """The directory written in ``agencies, trunks, operators, places, numbers``, or what is wrong with it."""
    reading = Reading(tree)
    every = places.places(reading)
    known = places.areas(reading)
    trunks, carriers = read_trunks(reading, known)
    agencies = [
        Agency(
            id=name,
            name=written.name,
            handles=_handles(reading, name, written.handles),
            covers=places.covers(reading, name, written.covers, known, every),
            contacts=contacts(reading, "agencies", (name,), written.contacts),
            ring=written.ring,
            notify=_notify(reading, name, written.notify),
            hours=of_days(written.hours),
            priority=written.priority,
            crossing=written.crossing == "yes",
            capacity=written.capacity,
        )
        for name, written in reading.entries("agencies", AgencyEntry).items()
    ]
    operators = [
        Operator(name, written.name, contacts(reading, "operators", (name,), written.contacts))
        for name, written in reading.entries("operators", OperatorEntry).items()
    ]
    neighbours = places.neighbours(reading)
    area_codes = places.area_codes(reading, known)
    numbers = places.numbers(reading, known)
    if not operators and not any(p.file == "operators" for p in reading.problems):
        message = "Belum ada petugas. Tulis sedikitnya satu: tanpa petugas tidak ada yang menjawab."
        reading.problem("operators", (), "no-operator", message)
    if reading.problems:
        return None, reading.problems
    directory = Directory(
        agencies=tuple(agencies),
        operators=tuple(operators),
        trunks=trunks,
        carriers=carriers,
        places=every,
        neighbours=neighbours,
        area_codes=area_codes,
        numbers=numbers,
    )
    return directory, []


def _handles(reading: Reading, agency: str, written: list[str]) -> frozenset[str]:
    for number, incident in enumerate(written):
        if incident not in SERVICES:
            message = f"Kejadian {incident[:40]!r} tidak dikenal.{suggestion(incident, SERVICES)}"
            reading.problem("agencies", (agency, "handles", number), "unknown-incident", message)
    return frozenset(written)


def _notify(reading: Reading, agency: str, written: list[str]) -> tuple[str, ...]:
    """Other agencies by name, each once."""
    part = reading.tree.get("agencies")
    known = [str(name) for name in part] if isinstance(part, Mapping) else []
    for number, name in enumerate(written):
        at = (agency, "notify", number)
        if name == agency:
            message = "Instansi ini sendiri tidak perlu diberi tahu. Hapus namanya di sini."
            reading.problem("agencies", at, "notify-itself", message)
        elif name not in known:
            meant = suggestion(name, known, listing=False)
            message = f"Instansi {name[:40]!r} tidak ada di agencies.yaml.{meant}"
            reading.problem("agencies", at, "unknown-agency", message)
    return tuple(dict.fromkeys(written))
