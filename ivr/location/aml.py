"""Advanced Mobile Location (ETSI TS 103 625): what a phone sends by itself during an emergency call.

It comes as an HTTPS form, signed with a shared key, or as an SMS, text or packed binary. Every field
may be missing or nonsense; what is left is kept. Pure: nothing here waits, fetches or looks at a clock.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import parse_qsl

from ivr.location.numbers import e164
from ivr.location.placed import SURE, Told, around, placed
from ivr.location.received import kept, number, point
from routing.geography import Geography
from routing.model import Location

LONGEST_FORM = 64 * 1024
LONGEST_SMS = 1024
MOST_FIELDS = 200
FARTHEST_M = 100_000.0
"""An accuracy worse than this (metres) tells nothing about a kabupaten: there is no place then."""

FAST_CLOCK_S = 60.0
"""So much may a phone's clock be fast: a later time of the fix is nonsense."""

STALE_S, STALE_MOST = 180.0, 0.6
OLD_S, OLD_MOST = 600.0, 0.45
"""Seconds before the call, and how sure one may be at most of a place as old as that: after three minutes
on a motorcycle the caller is asked, after ten it is a guess."""

_SIGNED = b"&hmac="
_SMS = re.compile("A[\"'\u201c\u201d]?ML=([12]);", re.IGNORECASE)
_IMEI = re.compile(r"[0-9]{14,16}")
_FLOOR = re.compile(r"-?[0-9]{1,3}")
_METHODS = {"G": "gps", "W": "wifi", "C": "cell", "F": "fused"}
_EARLIEST, _LATEST = 946_684_800.0, 4_102_444_800.0  # epoch seconds: the years 2000 to 2100


@dataclass(frozen=True, slots=True)
class Report:
    """What a phone told. ``number`` is E.164, ``imei`` digits; either may find the call it belongs to.

    ``lat``/``lon`` are degrees WGS 84, both or none. ``confidence`` (0 to 1) is how sure the phone is
    to be within ``radius_m`` metres. ``observed_at`` is epoch seconds.
    """

    kind: Literal["aml_https", "aml_sms"]
    number: str | None = None
    imei: str | None = None
    lat: float | None = None
    lon: float | None = None
    radius_m: float | None = None
    confidence: float | None = None
    method: str | None = None
    text: str = ""
    observed_at: float | None = None
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A form that must not be believed. ``reason`` is a word for the log."""

    reason: Literal["too_long", "unsigned", "wrong_signature", "too_many_fields"]


def read_form(body: bytes, key: bytes | None) -> Report | Refused:
    """Read the body of a POST, exactly as received. With a key, only what is signed is read."""
    if len(body) > LONGEST_FORM:
        return Refused("too_long")
    signed, mark, signature = body.partition(_SIGNED)
    if key is not None:
        if not mark:
            return Refused("unsigned")
        # SHA-1 is what the protocol prescribes; as a keyed hash it still holds
        expected = hmac.new(key, signed, hashlib.sha1).hexdigest().encode()
        told = signature.partition(b"&")[0].strip().lower()
        if not hmac.compare_digest(expected, told):
            return Refused("wrong_signature")
    try:
        pairs = parse_qsl(
            signed.decode(errors="replace"), max_num_fields=MOST_FIELDS, errors="replace"
        )
    except ValueError:
        return Refused("too_many_fields")
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name, value)
    return _of_form(fields, signed)


def _of_form(fields: Mapping[str, str], signed: bytes) -> Report:
    where = _circle(
        fields.get("location_latitude"),
        fields.get("location_longitude"),
        fields.get("location_accuracy"),
    )
    method = fields.get("location_source", "").lower()
    floor = fields.get("location_floor", "").strip()
    return Report(
        kind="aml_https",
        number=e164(fields.get("device_number")),
        imei=_imei(fields.get("device_imei")),
        lat=where[0],
        lon=where[1],
        radius_m=where[2],
        confidence=_share(fields.get("location_confidence") or fields.get("location_certainty")),
        method=method if method in ("gps", "wifi", "cell", "fused") else None,
        text=f"lantai {floor}" if _FLOOR.fullmatch(floor) else "",
        observed_at=_seconds(fields.get("location_time"), 1000)
        or _seconds(fields.get("time"), 1000),
        raw=kept(signed.decode(errors="replace")),
    )


def read_sms(text: str) -> Report | None:
    """Read the text of an SMS; None where it is no AML message, or one that was cut or changed.

    The number it came from stands in the SMS's envelope: whoever received it adds it.
    """
    text = text[: LONGEST_SMS + 1].strip()
    begins = _SMS.match(text)
    if begins is None or len(text) > LONGEST_SMS:
        return None
    fields: dict[str, str] = {}
    for part in text[begins.end() :].split(";"):
        name, equals, value = part.partition("=")
        if equals:
            fields.setdefault(name.strip().lower(), value.strip())
    return _first(fields, text) if begins[1] == "1" else _second(fields, text)


def _first(fields: Mapping[str, str], text: str) -> Report | None:
    """Version 1. Its last field is the length of the whole message."""
    if number(fields.get("ml")) != len(text):
        return None
    where = _circle(fields.get("lt"), fields.get("lg"), fields.get("rd"))
    return Report(
        kind="aml_sms",
        imei=_imei(fields.get("ei")),
        lat=where[0],
        lon=where[1],
        radius_m=where[2],
        confidence=_share(fields.get("lc")),
        method=_METHODS.get(fields.get("pm", "").upper()),
        observed_at=_moment(fields.get("top", "")),
        raw=kept(text),
    )


def _second(fields: Mapping[str, str], text: str) -> Report:
    """Version 2, where ``lt`` is no latitude but the seconds from the call's begin to the fix."""
    told = fields.get("lo", "").split(",")
    where = _circle(told[0], told[1], told[2]) if len(told) == 3 else _NOWHERE
    begun = _seconds(fields.get("et"), 1)
    after = number(fields.get("lt"), -86_400, 86_400)
    return Report(
        kind="aml_sms",
        imei=_imei(fields.get("ei")),
        lat=where[0],
        lon=where[1],
        radius_m=where[2],
        confidence=_share(fields.get("lc")),
        method=_METHODS.get(fields.get("ls", "").upper()),
        observed_at=begun + (after or 0.0) if begun is not None else None,
        raw=kept(text),
    )


def location(
    report: Report, geography: Geography, received_at: float, offered_at: float | None
) -> Location:
    """The report as a location; without a code where the phone told no place.

    ``offered_at`` is when its call came, None where that is unknown: where the phone was long before
    is not sure to be where it is. Times are epoch seconds; one that is still to come is no time.
    """
    observed_at = report.observed_at
    if observed_at is not None and observed_at > received_at + FAST_CLOCK_S:
        observed_at = None
    told = Told(
        source=report.kind,
        method=report.method,
        text=report.text,
        observed_at=observed_at,
        received_at=received_at,
        raw=report.raw,
    )
    if report.lat is None or report.lon is None:
        return told.unplaced()
    reach, at_most = around(told, report.radius_m, report.confidence)
    since = received_at if observed_at is None else min(observed_at, received_at)
    return placed(
        told,
        geography,
        report.lat,
        report.lon,
        report.radius_m,
        reach_m=reach,
        at_most=min(at_most, _most(since, offered_at)),
    )


def _most(since: float, offered_at: float | None) -> float:
    """How sure one may be at most of where somebody was at that time, when he calls."""
    age = offered_at - since if offered_at is not None else 0.0
    return OLD_MOST if age > OLD_S else STALE_MOST if age > STALE_S else SURE


def unpack(data: bytes) -> str:
    """The text of a binary data SMS: GSM 03.38 characters of seven bits, the low bits first.

    Seven bits that only fill up the last byte read as "@", and are left out.
    """
    bits = int.from_bytes(data[:LONGEST_SMS], "little")
    septets = [bits >> 7 * at & 0x7F for at in range(len(data[:LONGEST_SMS]) * 8 // 7)]
    if septets and len(data) % 7 == 0 and septets[-1] in (0, _CARRIAGE_RETURN):
        septets.pop()
    text = []
    escaped = False
    for septet in septets:
        if escaped:
            text.append(_EXTENSION.get(septet, _ALPHABET[septet]))
        elif septet != _ESCAPE:
            text.append(_ALPHABET[septet])
        escaped = septet == _ESCAPE and not escaped
    return "".join(text)


_CARRIAGE_RETURN = 13
_ESCAPE = 27
_ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = {
    10: "\f",
    20: "^",
    40: "{",
    41: "}",
    47: "\\",
    60: "[",
    61: "~",
    62: "]",
    64: "|",
    101: "€",
}


_Circle = tuple[float | None, float | None, float | None]
_NOWHERE: _Circle = (None, None, None)


def _circle(lat: str | None, lon: str | None, accuracy: str | None) -> _Circle:
    """Latitude, longitude and metres, the metres None where they are nonsense; all None for no place,
    or one that is too wide to mean anything."""
    where = point(lat, lon)
    radius = number(accuracy, 0)
    if where is None or (radius is not None and radius > FARTHEST_M):
        return _NOWHERE
    return (*where, radius)


def _imei(text: str | None) -> str | None:
    bare = re.sub(r"[\s\-/]", "", text or "")
    return bare if _IMEI.fullmatch(bare) and bare.strip("0") else None


def _share(text: str | None) -> float | None:
    """0 to 1, also where it is told in per cent."""
    told = number(text, 0, 100)
    return told if told is None or told <= 1 else told / 100


def _seconds(text: str | None, per_second: int) -> float | None:
    told = number(text, _EARLIEST * per_second, _LATEST * per_second)
    return None if told is None else told / per_second


def _moment(text: str) -> float | None:
    """YYYYMMDDhhmmss in UTC as epoch seconds."""
    if not re.fullmatch("[0-9]{14}", text):
        return None
    try:
        return datetime.strptime(f"{text}+0000", "%Y%m%d%H%M%S%z").timestamp()
    except ValueError:
        return None
