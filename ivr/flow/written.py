"""The building blocks of what an administrator writes: sentences, durations, keys, incidents.

Every scalar arrives as text (see ``yaml_text``), so `0123` keeps its zero and `no` stays a word.
What is wrong is said in Indonesian, because the person who reads it runs a call centre. Each block
also says what an editor may expect there (``WithJsonSchema``); its title is for people.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, WithJsonSchema
from pydantic_core import PydanticCustomError

from routing.model import SERVICES
from routing.wording import suggestion

_DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)(ms|s)", re.ASCII)
_STEP_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)
_DOMAIN = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*", re.ASCII)
_DIALLED = re.compile(r"\+?[0-9]{2,15}", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}", re.ASCII)
OPTION_KEYS = "123456789*#"
FIRST_LANGUAGE = "id"
"""In which a dialplan is written."""


class Written(BaseModel):
    """A part of a file: an unknown key in it is a fault, not a surprise at run time."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _sentence(value: str) -> str:
    text = " ".join(value.split())
    if not text:
        raise PydanticCustomError("empty-text", "Kalimat ini kosong. Tulis apa yang diucapkan.")
    return text


def _optional_sentence(value: str) -> str:
    return " ".join(value.split())


def _seconds(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value.strip())
    if not value:
        raise PydanticCustomError(
            "duration", "Lama waktu belum ditulis. Tulis angka dengan satuan, misalnya 4s."
        )
    if match is None:
        raise PydanticCustomError(
            "duration",
            "`{value}` bukan lama waktu. Tulis angka dengan satuan, misalnya 4s atau 1500ms.",
            {"value": value[:40]},
        )
    number, unit = match.groups()
    return float(number) / (1000 if unit == "ms" else 1)


def _key(value: str) -> str:
    if value == "0":
        raise PydanticCustomError(
            "operator-key", "Tombol 0 selalu menuju petugas. Pakai tombol lain untuk pilihan ini."
        )
    if len(value) != 1 or value not in OPTION_KEYS:
        raise PydanticCustomError(
            "key",
            '`{value}` bukan tombol. Pakai satu tombol: 1 sampai 9, "*" atau "#".',
            {"value": value[:40]},
        )
    return value


def _step_name(value: str) -> str:
    if _STEP_NAME.fullmatch(value) is None:
        raise PydanticCustomError(
            "step-name",
            "`{value}` tidak dapat menjadi nama langkah. Pakai huruf kecil, angka, - dan _ saja.",
            {"value": value[:40]},
        )
    return value


def _incident(value: str) -> str:
    if not value:
        raise PydanticCustomError(
            "unknown-incident",
            "Kejadian belum ditulis.{suggestion}",
            {"suggestion": suggestion("", SERVICES)},
        )
    if value not in SERVICES:
        raise PydanticCustomError(
            "unknown-incident",
            "Kejadian `{value}` tidak dikenal.{suggestion}",
            {"value": value[:40], "suggestion": suggestion(value, SERVICES)},
        )
    return value


def _language(value: str) -> str:
    if _LANGUAGE.fullmatch(value) is None:
        raise PydanticCustomError(
            "language",
            "`{value}` bukan kode bahasa. Tulis dua huruf kecil, misalnya id atau en.",
            {"value": value[:40]},
        )
    return value


def _dialled(value: str) -> str:
    if _DIALLED.fullmatch(value) is None:
        raise PydanticCustomError(
            "dialled",
            "`{value}` bukan nomor yang dapat dihubungi. Tulis angka saja, misalnya 112.",
            {"value": value[:40]},
        )
    return value


def _domain(value: str) -> str:
    if len(value) > 100 or _DOMAIN.fullmatch(value) is None:
        raise PydanticCustomError(
            "domain",
            "`{value}` bukan nama domain. Tulis misalnya 112.contohkab.go.id.",
            {"value": value[:40]},
        )
    return value


Sentence = Annotated[
    str,
    AfterValidator(_sentence),
    WithJsonSchema({"type": "string", "title": "kalimat", "minLength": 1}),
]
OptionalSentence = Annotated[
    str,
    AfterValidator(_optional_sentence),
    WithJsonSchema({"type": "string", "title": "kalimat, boleh kosong"}),
]
Seconds = Annotated[
    float,
    BeforeValidator(_seconds),
    WithJsonSchema(
        {
            "type": "string",
            "title": "lama waktu",
            "pattern": f"^{_DURATION.pattern}$",
            "examples": ["4s"],
        }
    ),
]
Key = Annotated[
    str,
    AfterValidator(_key),
    WithJsonSchema({"type": "string", "title": "tombol", "pattern": f"^[{OPTION_KEYS}]$"}),
]
StepName = Annotated[
    str,
    AfterValidator(_step_name),
    WithJsonSchema(
        {
            "type": "string",
            "title": "nama langkah",
            "pattern": f"^{_STEP_NAME.pattern}$",
        }
    ),
]
Domain = Annotated[
    str,
    AfterValidator(_domain),
    WithJsonSchema({"type": "string", "title": "nama domain", "pattern": f"^{_DOMAIN.pattern}$"}),
]
Incident = Annotated[
    str,
    AfterValidator(_incident),
    WithJsonSchema({"type": "string", "title": "kejadian", "enum": list(SERVICES)}),
]
Dialled = Annotated[
    str,
    AfterValidator(_dialled),
    WithJsonSchema({"type": "string", "title": "nomor", "pattern": f"^{_DIALLED.pattern}$"}),
]
Language = Annotated[
    str,
    AfterValidator(_language),
    WithJsonSchema({"type": "string", "title": "bahasa", "pattern": f"^{_LANGUAGE.pattern}$"}),
]
Target = str
"""The name of another step; that it exists is seen once all steps are read."""
