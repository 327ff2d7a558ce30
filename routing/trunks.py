"""The ways out and the ways in that administrators write."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from routing.entries import NAME, PLACEHOLDER, TAKEN, TrunkInEntry, TrunkOutEntry, TrunksEntry
from routing.model import Carrier, Trunk
from routing.places import Areas
from routing.reading import Reading
from routing.wording import suggestion


def trunks(reading: Reading, areas: Areas) -> tuple[dict[str, Trunk], tuple[Carrier, ...]]:
    """The ways out by name, and those in."""
    part = reading.tree.get("trunks")
    if isinstance(part, Mapping):
        for key in part:
            if key not in TrunksEntry.model_fields:
                message = f"Kunci `{str(key)[:40]}` tidak dikenal.{suggestion(key, TrunksEntry.model_fields)}"
                reading.problem("trunks", (key,), "unknown-key", message)
    outgoing = reading.entries("trunks", TrunkOutEntry, ("keluar",))
    for name, out in outgoing.items():
        _reached(reading, name, out)
    _told_apart(reading, outgoing)
    trunks = {
        name: Trunk(
            name=name,
            host=out.host or "",
            channels=out.channels,
            register=out.registration or "no",
            login=out.login or "",
            pilot=out.pilot,
            setup_s=out.setup,
            location=out.location == "yes",
        )
        for name, out in outgoing.items()
    }
    carriers = []
    for name, incoming in reading.entries("trunks", TrunkInEntry, ("masuk",)).items():
        at = ("masuk", name)
        if not incoming.addresses and incoming.header is None:
            message = "Pembawa masuk dikenali lewat `addresses` atau `header`. Tulis salah satunya."
            reading.problem("trunks", at, "carrier", message)
        for number, address in enumerate(incoming.addresses):
            if not _is_address(address):
                message = f"{address[:40]!r} bukan alamat IP atau jaringan, misalnya 10.1.2.3 atau 10.1.2.0/24."
                reading.problem("trunks", (*at, "addresses", number), "address", message)
        place = incoming.place
        if place is not None:
            place = areas.code(reading, place, "trunks", (*at, "place"))
        carriers.append(Carrier(name, tuple(incoming.addresses), incoming.header, place))
    return trunks, tuple(carriers)


def _reached(reading: Reading, name: str, written: TrunkOutEntry) -> None:
    """What has to be written, and what must not be, for the way in which a trunk is reached."""
    at = ("keluar", name)
    if written.registration == "in":
        if written.host is not None:
            message = (
                "Dengan `register: in` perangkat lawan yang mendaftar ke sini, jadi alamatnya tidak "
                "ditulis. Hapus `host`, atau pakai `register: out` bila kita yang mendaftar."
            )
            reading.problem("trunks", (*at, "host"), "host", message)
    elif written.host is None:
        message = "Kunci `host` belum ditulis di sini: alamat SIP lawan, atau ISI-ALAMAT."
        reading.problem("trunks", (*at, "host"), "missing-key", message)
    if written.registration is not None and written.login is None:
        message = (
            f"Dengan `register: {written.registration}` perlu `login`: nama untuk mendaftar. "
            "Sandinya tidak ditulis di sini; lihat docs/trunks.md."
        )
        reading.problem("trunks", (*at, "login"), "missing-key", message)
    if written.registration is None and written.login is not None:
        message = (
            "`login` hanya berarti bersama `register: out` (kita mendaftar ke lawan) atau "
            "`register: in` (lawan mendaftar ke sini). Tambahkan `register`, atau hapus `login`."
        )
        reading.problem("trunks", (*at, "login"), "login", message)


def _told_apart(reading: Reading, written: Mapping[str, TrunkOutEntry]) -> None:
    """No two peers under one name, and no gateway under a name that is somebody else's.

    A gateway is known by its login alone, so a login of digits would be taken for a caller's number.
    """
    names = set(written)
    for name, trunk in written.items():
        if TAKEN.fullmatch(name):
            message = f"Nama `{name}` dipakai mesin ini sendiri. Beri nama lain pada trunk ini."
            reading.problem("trunks", ("keluar", name), "name", message)
        login = trunk.login
        if trunk.registration != "in" or login is None or login.startswith(PLACEHOLDER):
            continue
        message = ""
        if not NAME.fullmatch(login) or login.isdigit():
            message = (
                "Login perangkat yang mendaftar ke sini hanya huruf kecil, angka dan tanda hubung, "
                "dengan sedikitnya satu huruf, agar tidak tertukar dengan nomor penelepon."
            )
        elif login != name and (login in names or TAKEN.fullmatch(login)):
            message = f"Login `{login}` sudah berarti lain di sini. Pilih login yang lain."
        names.add(login)
        if message:
            reading.problem("trunks", ("keluar", name, "login"), "login", message)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True
