"""How administrators write agencies, operators, trunks and places: each key, and what it may hold.

Nothing but digits, ``*``, ``#`` or one well-formed ``sip:`` URI is accepted as a number: these
texts end in a dial string. Every scalar comes as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from routing.hours import OpenDays
from routing.model import DIRECT

PLACEHOLDER = "ISI-"
"""How a value begins that an administrator has yet to fill in."""

EVERYWHERE = "semua"

MAX_ENTRIES = 300
"""More agencies, operators or trunks than any kabupaten has."""

MAX_PLACES = 1000
"""More places than any kabupaten has."""

_NUMBER = re.compile(r"[0-9*#]{2,20}|ISI-[A-Z-]{1,30}")
_URI = re.compile(r"sip:[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
AREA_CODE = re.compile(r"0[1-9][0-9]{1,3}")
DESA = re.compile(r"[0-9]{4}")
_POSTCODE = re.compile(r"[1-9][0-9]{4}")
NAME = re.compile(r"[a-z0-9-]{1,40}")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,60}: [A-Za-z0-9 ._@-]{1,120}")
_DURATION = re.compile(r"([0-9]{1,3})s")
_LOGIN = re.compile(r"[A-Za-z0-9._+-]{1,64}|ISI-[A-Z-]{1,30}")
_PILOT = re.compile(r"[0-9]{3,15}")
POINT_MESSAGE = (
    "Titik ditulis [lintang, bujur] dalam derajat, satu atau lebih: [[1.2856, 101.197]]."
)
AT_MESSAGE = "Titik ditulis [lintang, bujur] dalam derajat, misalnya [1.4695, 102.1085]."
TAKEN = re.compile(rf"anonymous|{DIRECT}|(masuk|petugas)-.*")
"""Names under which Asterisk already knows somebody else."""


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
        message = (
            f"Tulis daftar kecamatan atau desa, misalnya [Mandau, Pinggir], atau `{EVERYWHERE}`."
        )
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
_Postcode = Annotated[
    str, _matching(_POSTCODE, "postcode", "Kode pos adalah lima angka, misalnya 28783.")
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


class Written(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ContactEntry(Written):
    via: str = DIRECT
    number: _Number
    ring: _Seconds = 20.0
    accept: Literal["press", "answer"] = "press"
    lines: Annotated[int, Field(ge=1, le=100)] = 1


class AgencyEntry(Written):
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
    contacts: list[ContactEntry] = Field(min_length=1, max_length=50)
    ring: Literal["in-order", "all"] = "in-order"
    notify: list[str] = Field(default_factory=list, max_length=50)
    hours: OpenDays = Field(default_factory=dict)
    priority: Annotated[int, Field(ge=0, le=100)] = 0
    crossing: Literal["yes", "no"] = "no"
    capacity: Annotated[int, Field(ge=1, le=100)] | None = None


class OperatorEntry(Written):
    name: str = Field(min_length=1, max_length=80)
    contacts: list[ContactEntry] = Field(min_length=1, max_length=50)


class TrunkOutEntry(Written):
    host: _Host | None = None
    channels: Annotated[int, Field(ge=1, le=1000)] = 2
    registration: Literal["out", "in"] | None = Field(default=None, alias="register")
    login: _Login | None = None
    pilot: _Pilot | None = None
    setup: _SetupSeconds = 4.0
    location: Literal["yes", "no"] = "no"


class TrunkInEntry(Written):
    addresses: list[str] = Field(default_factory=list, max_length=200)
    header: _Header | None = None
    place: str | None = None


class TrunksEntry(Written):
    keluar: dict[str, TrunkOutEntry] = Field(default_factory=dict)
    masuk: dict[str, TrunkInEntry] = Field(default_factory=dict)


_Aliases = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=80)]],
    Field(
        max_length=20,
        description="Nama lain yang dipakai orang untuk tempat ini, misalnya [Selatbaru].",
    ),
]


class DesaEntry(Written):
    name: str = Field(min_length=1, max_length=80)
    postcode: _Postcode = ""
    aliases: _Aliases = Field(default_factory=list)


def _by_its_name(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


_Desa = Annotated[DesaEntry, BeforeValidator(_by_its_name, json_schema_input_type=DesaEntry | str)]


class PlaceEntry(Written):
    name: str = Field(min_length=1, max_length=80)
    block: str = Field(min_length=1, max_length=40)
    points: list[tuple[float, float]] = Field(default_factory=list)
    postcode: _Postcode = ""
    aliases: _Aliases = Field(default_factory=list)
    desa: dict[
        str,
        Annotated[DesaEntry, BeforeValidator(_by_its_name, json_schema_input_type=DesaEntry | str)],
    ] = Field(default_factory=dict, max_length=MAX_PLACES)


class NeighbourEntry(Written):
    name: str = Field(min_length=1, max_length=80)
    points: list[tuple[float, float]] = Field(min_length=1, max_length=100)
    contacts: list[ContactEntry] = Field(default_factory=list, max_length=50)


class AreaCodeEntry(RootModel[Annotated[list[str], Field(min_length=1, max_length=MAX_PLACES)]]):
    """The kecamatan that a fixed-line area code may be in."""


class NumberEntry(Written):
    name: str = Field(min_length=1, max_length=80)
    place: str | None = None
    at: tuple[float, float] | None = None


ENTRIES: Mapping[tuple[str, ...], type[BaseModel]] = {
    ("agencies",): AgencyEntry,
    ("operators",): OperatorEntry,
    ("trunks", "keluar"): TrunkOutEntry,
    ("trunks", "masuk"): TrunkInEntry,
    ("places", "kecamatan"): PlaceEntry,
    ("places", "neighbours"): NeighbourEntry,
    ("places", "area_codes"): AreaCodeEntry,
    ("numbers",): NumberEntry,
}
"""How each named entry is written, by its file and the part of it."""
