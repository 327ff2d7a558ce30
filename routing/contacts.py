"""The contacts that administrators write for whoever can be called: agencies, operators, neighbours."""

from __future__ import annotations

from routing.entries import ContactEntry
from routing.model import DIRECT, Contact
from routing.reading import Reading
from routing.wording import suggestion


def contacts(
    reading: Reading, file: str, owner: tuple[str, ...], written: list[ContactEntry]
) -> tuple[Contact, ...]:
    """The contacts of ``owner``, a path into the file. A number needs a trunk that exists."""
    trunks = reading.written("trunks", "keluar", absent={})
    found = []
    for number, contact in enumerate(written):
        path: tuple[str | int, ...] = (*owner, "contacts", number, "via")
        direct = contact.number.startswith("sip:")
        if not direct and contact.via == DIRECT:
            message = "Nomor ini perlu `via`: trunk mana yang dipakai? Lihat trunks.yaml."
            reading.problem(file, path[:-1], "no-trunk", message)
        elif trunks is not None and contact.via not in (DIRECT, *trunks):
            message = f"Trunk {contact.via[:40]!r} tidak ada di trunks.yaml.{suggestion(contact.via, trunks)}"
            reading.problem(file, path, "unknown-trunk", message)
        found.append(
            Contact(contact.via, contact.number, contact.ring, contact.accept, contact.lines)
        )
    return tuple(found)
