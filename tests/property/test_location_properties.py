"""Whatever a stranger sends, the parsers of locations answer, and answer with finite numbers."""

from __future__ import annotations

import math
from dataclasses import astuple
from datetime import UTC, datetime

from hypothesis import assume, given
from hypothesis import strategies as st

from ivr.location.aml import Report, read_form, read_sms, unpack
from ivr.location.numbers import e164
from ivr.location.received import kept

DEGREES_LAT = st.floats(-90, 90).map(lambda value: round(value, 5))
DEGREES_LON = st.floats(-180, 180).map(lambda value: round(value, 5))
ALPHABET = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
ALPHABET += "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
EXTENSION = {"^": 20, "{": 40, "}": 41, "\\": 47, "[": 60, "~": 61, "]": 62, "|": 64, "€": 101}


def pack(text: str) -> bytes:
    """As a phone packs it: seven bits a character, filled up with a carriage return's bits."""
    septets: list[int] = []
    for letter in text:
        septets += [27, EXTENSION[letter]] if letter in EXTENSION else [ALPHABET.index(letter)]
    if len(septets) % 8 == 7:
        septets.append(13)
    bits = "".join(f"{septet:07b}"[::-1] for septet in septets)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, len(bits), 8))


def finite(report: Report) -> None:
    for value in astuple(report):
        assert not isinstance(value, float) or math.isfinite(value)
    assert (report.lat is None) == (report.lon is None)
    assert report.lat is None or abs(report.lat) <= 90
    assert report.lon is None or abs(report.lon) <= 180
    assert report.radius_m is None or report.radius_m >= 0
    assert report.confidence is None or 0 <= report.confidence <= 1
    assert len(report.raw.encode()) <= 2048


@given(st.text(st.sampled_from(ALPHABET.replace("\x1b", "") + "".join(EXTENSION)), max_size=160))
def test_what_is_packed_comes_back(text: str) -> None:
    assume(not text.endswith(("@", "\r")))  # which look like what fills up the last byte
    assert unpack(pack(text)) == text


@given(st.binary(max_size=300))
def test_any_bytes_unpack_to_some_text(data: bytes) -> None:
    assert read_sms(unpack(data)) is None or data


@given(st.binary(max_size=400), st.none() | st.binary(min_size=1, max_size=20))
def test_any_body_is_a_report_or_refused(body: bytes, key: bytes | None) -> None:
    report = read_form(body, key)
    if isinstance(report, Report):
        finite(report)


VALUES = st.text(max_size=30) | st.floats().map(str) | st.integers().map(str)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "location_latitude",
                "location_longitude",
                "location_accuracy",
                "location_confidence",
                "location_time",
                "location_source",
                "time",
                "device_number",
                "device_imei",
            ]
        ),
        VALUES,
    )
)
def test_any_field_of_a_form_may_be_nonsense(fields: dict[str, str]) -> None:
    body = "&".join(f"{name}={value}" for name, value in fields.items())
    report = read_form(body.encode(errors="replace"), None)
    assert isinstance(report, Report)
    finite(report)


@given(
    DEGREES_LAT,
    DEGREES_LON,
    st.integers(0, 99_999),
    st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1)),
    st.sampled_from([("G", "gps"), ("W", "wifi"), ("C", "cell"), ("N", None)]),
)
def test_what_a_phone_writes_in_a_message_is_what_is_read(
    lat: float, lon: float, radius: int, when: datetime, method: tuple[str, str | None]
) -> None:
    assume((lat, lon) != (0.0, 0.0))
    top = when.replace(microsecond=0, tzinfo=UTC)
    head = (
        f'A"ML=1;lt={lat:+.5f};lg={lon:+.5f};rd={radius};top={top:%Y%m%d%H%M%S};pm={method[0]};ml='
    )
    length = len(head) + (3 if len(head) > 97 else 2)
    report = read_sms(f"{head}{length}")
    assert report is not None
    assert (report.lat, report.lon, report.radius_m) == (lat, lon, radius)
    assert (report.observed_at, report.method) == (top.timestamp(), method[1])


@given(st.text(max_size=40), st.integers(0, 200))
def test_a_changed_message_is_read_or_not_and_never_raises(noise: str, at: int) -> None:
    text = 'A"ML=2;en=112;et=1795421730;lo=1.28560,101.19700,25.0;lt=-12;lc=90;ls=F'
    report = read_sms(text[:at] + noise + text[at:])
    if report is not None:
        finite(report)


@given(st.text(max_size=80))
def test_a_number_is_e164_or_none_and_reading_it_again_changes_nothing(text: str) -> None:
    number = e164(text)
    assert number is None or (number.startswith("+") and number[1:].isdigit())
    assert number is None or e164(number) == number


@given(st.text(st.characters(), max_size=50).map(lambda text: text * 80), st.integers(0, 2048))
def test_what_is_kept_fits_and_can_be_written_anywhere(text: str, most: int) -> None:
    fit = kept(text, most)
    assert len(fit.encode()) <= most
    assert "\x00" not in fit
