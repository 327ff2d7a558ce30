"""What administrators write about agencies, operators, trunks and places, made into a Directory.

The input is plain dictionaries, lists and text: every scalar is text, whoever read the YAML. All
problems are collected, each with the path to where it stands, so that the reader can name the line.
Nothing but digits, ``*``, ``#`` or one well-formed ``sip:`` URI is accepted as a number: these
texts end in a dial string.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from routing.model import (
    OPERATOR,
    SERVICES,
    Agency,
    Carrier,
    Contact,
    Directory,
    Operator,
    Place,
    Trunk,
)
from routing.wording import plain, suggestion, told_once

DIRECT = "langsung"
"""The ``via`` of a ``sip:`` contact: it needs no trunk."""

PLACEHOLDER = "ISI-"
"""How a value begins that an administrator has yet to fill in."""

EVERYWHERE = "semua"

MAX_ENTRIES = 300
"""More agencies, operators or trunks than any kabupaten has."""

MAX_PLACES = 1000
"""More places than any kabupaten has."""

_NUMBER = re.compile(r"[0-9*#]{2,20}|ISI-[A-Z-]{1,30}")
_URI = re.compile(r"sip:[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")
_NAME = re.compile(r"[a-z0-9-]{1,40}")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,60}: [A-Za-z0-9 ._@-]{1,120}")
_DURATION = re.compile(r"([0-9]{1,3})s")
_LOGIN = re.compile(r"[A-Za-z0-9._+-]{1,64}|ISI-[A-Z-]{1,30}")
_PILOT = re.compile(r"[0-9]{3,15}")
_POINT_MESSAGE = (
    "Titik ditulis [lintang, bujur] dalam derajat, satu atau lebih: [[1.2856, 101.197]]."
)
_TAKEN = re.compile(rf"anonymous|{DIRECT}|(masuk|petugas)-.*")
"""Names under which Asterisk already knows somebody else."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: the file, the path of keys and indices into it, and a sentence."""

    file: str
    path: tuple[str | int, ...]
    code: str
    message: str


def is_placeholder(contact: Contact, trunks: Mapping[str, Trunk]) -> bool:
    """True where a number, or the address of its trunk, has yet to be filled in."""
    if contact.number.startswith("sip:"):
        return False
    trunk = trunks.get(contact.via)
    return contact.number.startswith(PLACEHOLDER) or trunk is None or is_unset(trunk)


def is_unset(trunk: Trunk) -> bool:
    """True where the address of a trunk, or its login, has yet to be filled in."""
    return trunk.host.startswith(PLACEHOLDER) or trunk.login.startswith(PLACEHOLDER)


def _matching(pattern: re.Pattern[str], code: str, message: str) -> BeforeValidator:
    def check(value: object) -> object:
        if isinstance(value, str) and not pattern.fullmatch(value):
            raise PydanticCustomError(code, "{message}", {"message": message})
        return value

    return BeforeValidator(check)


def _seconds(value: object) -> object:
    if isinstance(value, str):
        found = _DURATION.fullmatch(value)
        if not found:
            raise PydanticCustomError(
                "duration", "{message}", {"message": "Tulis lama waktu dalam detik, misalnya 15s."}
            )
        return float(found[1])
    return value


def _places_covered(value: object) -> object:
    if value == EVERYWHERE:
        return [EVERYWHERE]
    if not isinstance(value, list):
        message = f"Tulis daftar kecamatan, misalnya [Mandau, Pinggir], atau `{EVERYWHERE}`."
        raise PydanticCustomError("covers", "{message}", {"message": message})
    return value


def _number_or_uri(value: object) -> object:
    if isinstance(value, str) and not (_NUMBER.fullmatch(value) or _URI.fullmatch(value)):
        raise PydanticCustomError(
            "number",
            "{message}",
            {
                "message": "Nomor hanya angka, * dan # (2 sampai 20), atau sip:nama@alamat:porta, "
                "atau ISI-NOMOR bila belum ada."
            },
        )
    return value


_Host = Annotated[
    str,
    _matching(
        _HOST, "host", "Alamat: nama atau IP, boleh dengan :porta; ISI-ALAMAT bila belum ada."
    ),
]
_Header = Annotated[
    str, _matching(_HEADER, "header", 'Tulis "Nama: nilai", misalnya "X-Trunk: telkomsel".')
]
_Login = Annotated[
    str,
    _matching(
        _LOGIN,
        "login",
        "Login hanya huruf, angka dan . _ + - (paling banyak 64); ISI-LOGIN bila belum ada.",
    ),
]
_Pilot = Annotated[
    str,
    _matching(
        _PILOT, "pilot", "Nomor `pilot` hanya angka, 3 sampai 15, tanpa +, misalnya 0766123456."
    ),
]
_DURATION_SCHEMA = WithJsonSchema(
    {
        "type": "string",
        "pattern": f"^{_DURATION.pattern}$",
        "examples": ["15s"],
    }
)
_Seconds = Annotated[float, BeforeValidator(_seconds), Field(ge=5, le=120), _DURATION_SCHEMA]
_SetupSeconds = Annotated[float, BeforeValidator(_seconds), Field(ge=1, le=15), _DURATION_SCHEMA]
_Number = Annotated[
    str,
    BeforeValidator(_number_or_uri),
    WithJsonSchema({"type": "string", "pattern": f"^({_NUMBER.pattern}|{_URI.pattern})$"}),
]


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Contact(_Written):
    via: str = DIRECT
    number: _Number
    ring: _Seconds = 20.0
    accept: Literal["press", "answer"] = "press"
    lines: Annotated[int, Field(ge=1, le=100)] = 1


class _Agency(_Written):
    name: str = Field(min_length=1, max_length=80)
    handles: list[str] = Field(min_length=1, max_length=50)
    covers: Annotated[
        list[str],
        BeforeValidator(_places_covered),
        Field(max_length=MAX_PLACES),
        WithJsonSchema(
            {"anyOf": [{"const": EVERYWHERE}, {"type": "array", "items": {"type": "string"}}]}
        ),
    ]
    contacts: list[_Contact] = Field(min_length=1, max_length=50)
    ring: Literal["in-order", "all"] = "in-order"
    notify: list[str] = Field(default_factory=list, max_length=50)


class _Operator(_Written):
    name: str = Field(min_length=1, max_length=80)
    contacts: list[_Contact] = Field(min_length=1, max_length=50)


class _TrunkOut(_Written):
    host: _Host | None = None
    channels: Annotated[int, Field(ge=1, le=1000)] = 2
    registration: Literal["out", "in"] | None = Field(default=None, alias="register")
    login: _Login | None = None
    pilot: _Pilot | None = None
    setup: _SetupSeconds = 4.0
    location: Literal["yes", "no"] = "no"


class _TrunkIn(_Written):
    addresses: list[str] = Field(default_factory=list, max_length=200)
    header: _Header | None = None


class _Trunks(_Written):
    keluar: dict[str, _TrunkOut] = Field(default_factory=dict)
    masuk: dict[str, _TrunkIn] = Field(default_factory=dict)


class _Place(_Written):
    name: str = Field(min_length=1, max_length=80)
    block: str = Field(min_length=1, max_length=40)
    points: list[tuple[float, float]] = Field(default_factory=list)


ENTRIES: Mapping[tuple[str, ...], type[BaseModel]] = {
    ("agencies",): _Agency,
    ("operators",): _Operator,
    ("trunks", "keluar"): _TrunkOut,
    ("trunks", "masuk"): _TrunkIn,
    ("places", "kecamatan"): _Place,
}
"""How each named entry is written, by its file and the part of it."""

_Model = TypeVar("_Model", bound=_Written)


class _Reading:
    """One pass over the files; gathers what is wrong instead of stopping at it."""

    def __init__(self, tree: Mapping[str, object]) -> None:
        self.tree = tree
        self.problems: list[Problem] = []

    def problem(self, file: str, path: Iterable[str | int], code: str, message: str) -> None:
        self.problems.append(Problem(file, tuple(path), code, message))

    def typed(
        self, model: type[_Model], file: str, path: tuple[str | int, ...], value: object
    ) -> _Model | None:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            for detail in told_once(error.errors(include_url=False)):
                self.problem(file, (*path, *_clean(detail)), *_sentence(model, detail))
            return None

    def entries(
        self, file: str, model: type[_Model], at: tuple[str, ...] = ()
    ) -> dict[str, _Model]:
        """Every named entry of a mapping, its name checked, those at fault left out."""
        part: object = self.tree.get(file)
        for key in at:
            part = part.get(key) if isinstance(part, Mapping) else None
        if part is None or part == "":
            return {}
        if not isinstance(part, Mapping):
            self.problem(file, at, "type", "Di sini harus daftar nama, satu per baris.")
            return {}
        most = MAX_PLACES if file == "places" else MAX_ENTRIES
        if len(part) > most:
            message = f"Terlalu banyak nama di sini. Paling banyak {most}."
            self.problem(file, at, "too-many", message)
            return {}
        found = {}
        for name, value in part.items():
            typed = self.typed(model, file, (*at, name), value)
            if file != "places" and not _NAME.fullmatch(str(name)):
                message = f"Nama {str(name)[:40]!r}: hanya huruf kecil, angka dan tanda hubung, tanpa spasi."
                self.problem(file, (*at, name), "name", message)
            elif file == "agencies" and name == OPERATOR:
                message = (
                    f"Nama `{OPERATOR}` berarti petugas 112. Beri nama lain pada instansi ini."
                )
                self.problem(file, (*at, name), "name", message)
            elif typed is not None:
                found[str(name)] = typed
        return found

    def written(
        self, file: str, key: str, absent: Mapping[str, object] | None = None
    ) -> Mapping[str, object] | None:
        """A part as it stands there, also what is at fault in it: that is told once, not again
        by everybody who names it. None where the file, or what it says in its first column, is
        at fault: then nobody can say which names there are."""
        part = self.tree.get(file)
        at_fault = any(p.file == file and len(p.path) == 1 for p in self.problems)
        if not isinstance(part, Mapping) or at_fault:
            return None
        names = part.get(key, absent)
        return names if isinstance(names, Mapping) else None


def read_directory(tree: Mapping[str, object]) -> tuple[Directory | None, list[Problem]]:
    """The directory written in ``agencies, trunks, operators, places``, or what is wrong with it."""
    reading = _Reading(tree)
    places = _places(reading)
    trunks, carriers = _trunks(reading)
    agencies = [
        Agency(
            id=name,
            name=written.name,
            handles=_handles(reading, name, written.handles),
            covers=_covers(reading, name, written.covers, places),
            contacts=_contacts(reading, "agencies", name, written.contacts),
            ring=written.ring,
            notify=_notify(reading, name, written.notify),
        )
        for name, written in reading.entries("agencies", _Agency).items()
    ]
    operators = [
        Operator(name, written.name, _contacts(reading, "operators", name, written.contacts))
        for name, written in reading.entries("operators", _Operator).items()
    ]
    if not operators and not any(p.file == "operators" for p in reading.problems):
        message = "Belum ada petugas. Tulis sedikitnya satu: tanpa petugas tidak ada yang menjawab."
        reading.problem("operators", (), "no-operator", message)
    if reading.problems:
        return None, reading.problems
    return Directory(tuple(agencies), tuple(operators), trunks, carriers, places), []


def _places(reading: _Reading) -> dict[str, Place]:
    found = {}
    for code, written in reading.entries("places", _Place, ("kecamatan",)).items():
        good = [p for p in written.points if -90 <= p[0] <= 90 and -180 <= p[1] <= 180]
        if len(good) < len(written.points):
            reading.problem("places", ("kecamatan", code, "points"), "point", _POINT_MESSAGE)
        found[code] = Place(code, written.name, written.block, tuple(good))
    return found


def _trunks(reading: _Reading) -> tuple[dict[str, Trunk], tuple[Carrier, ...]]:
    part = reading.tree.get("trunks")
    if isinstance(part, Mapping):
        for key in part:
            if key not in _Trunks.model_fields:
                message = (
                    f"Kunci `{str(key)[:40]}` tidak dikenal.{suggestion(key, _Trunks.model_fields)}"
                )
                reading.problem("trunks", (key,), "unknown-key", message)
    outgoing = reading.entries("trunks", _TrunkOut, ("keluar",))
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
    for name, incoming in reading.entries("trunks", _TrunkIn, ("masuk",)).items():
        at = ("masuk", name)
        if not incoming.addresses and incoming.header is None:
            message = "Pembawa masuk dikenali lewat `addresses` atau `header`. Tulis salah satunya."
            reading.problem("trunks", at, "carrier", message)
        for number, address in enumerate(incoming.addresses):
            if not _is_address(address):
                message = f"{address[:40]!r} bukan alamat IP atau jaringan, misalnya 10.1.2.3 atau 10.1.2.0/24."
                reading.problem("trunks", (*at, "addresses", number), "address", message)
        carriers.append(Carrier(name, tuple(incoming.addresses), incoming.header))
    return trunks, tuple(carriers)


def _reached(reading: _Reading, name: str, written: _TrunkOut) -> None:
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


def _told_apart(reading: _Reading, written: Mapping[str, _TrunkOut]) -> None:
    """No two peers under one name, and no gateway under a name that is somebody else's.

    A gateway is known by its login alone, so a login of digits would be taken for a caller's number.
    """
    names = set(written)
    for name, trunk in written.items():
        if _TAKEN.fullmatch(name):
            message = f"Nama `{name}` dipakai mesin ini sendiri. Beri nama lain pada trunk ini."
            reading.problem("trunks", ("keluar", name), "name", message)
        login = trunk.login
        if trunk.registration != "in" or login is None or login.startswith(PLACEHOLDER):
            continue
        message = ""
        if not _NAME.fullmatch(login) or login.isdigit():
            message = (
                "Login perangkat yang mendaftar ke sini hanya huruf kecil, angka dan tanda hubung, "
                "dengan sedikitnya satu huruf, agar tidak tertukar dengan nomor penelepon."
            )
        elif login != name and (login in names or _TAKEN.fullmatch(login)):
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


def _handles(reading: _Reading, agency: str, written: list[str]) -> frozenset[str]:
    for number, incident in enumerate(written):
        if incident not in SERVICES:
            message = f"Kejadian {incident[:40]!r} tidak dikenal.{suggestion(incident, SERVICES)}"
            reading.problem("agencies", (agency, "handles", number), "unknown-incident", message)
    return frozenset(written)


def _notify(reading: _Reading, agency: str, written: list[str]) -> tuple[str, ...]:
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


def _covers(
    reading: _Reading, agency: str, written: list[str], places: Mapping[str, Place]
) -> frozenset[str]:
    """Kecamatan by name or code; ``semua`` is every one of them."""
    if written == [EVERYWHERE]:
        return frozenset(places)
    known = reading.written("places", "kecamatan")
    if known is None:
        return frozenset()
    parts = {code: p.get("name") for code, p in known.items() if isinstance(p, Mapping)}
    by_name = {name: code for code, name in parts.items() if isinstance(name, str)}
    codes = set()
    for number, name in enumerate(written):
        code = by_name.get(name, name)
        if name == EVERYWHERE:
            message = f"`{EVERYWHERE}` berdiri sendiri: tulis `covers: {EVERYWHERE}`."
            reading.problem("agencies", (agency, "covers", number), "covers", message)
        elif code not in known:
            message = (
                f"Kecamatan {name[:40]!r} tidak ada di places.yaml.{suggestion(name, by_name)}"
            )
            reading.problem("agencies", (agency, "covers", number), "unknown-place", message)
        codes.add(code)
    return frozenset(codes)


def _contacts(
    reading: _Reading, file: str, owner: str, written: list[_Contact]
) -> tuple[Contact, ...]:
    trunks = reading.written("trunks", "keluar", absent={})
    found = []
    for number, contact in enumerate(written):
        path = (owner, "contacts", number, "via")
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


def _clean(detail: ErrorDetails) -> tuple[str | int, ...]:
    """The path without the names that pydantic puts in for dictionary keys; points as a whole."""
    path = tuple(p for p in detail["loc"] if not (isinstance(p, str) and "[" in p))
    return path[: path.index("points") + 1] if "points" in path else path


def _sentence(model: type[_Written], detail: ErrorDetails) -> tuple[str, str]:
    kind, within = detail["type"], detail["loc"]
    if kind == "extra_forbidden":
        known = _keys_of(_Contact if "contacts" in within else model)
        key = str(within[-1])
        return "unknown-key", f"Kunci `{key[:40]}` tidak dikenal.{suggestion(key, known)}"
    if "points" in within:
        return "point", _POINT_MESSAGE
    sentence = plain(detail)
    if sentence is None:
        return kind, str(detail["msg"])
    return "missing-key" if kind == "missing" else "type", sentence


def _keys_of(model: type[_Written]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]
