"""What a phone sends of itself is read field by field, and believed only when it is signed."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

import pytest
from location_world import AT, MANDAU, PINGGIR, world

from ivr.location.aml import Refused, Report, location, read_form, read_sms, unpack

KEY = b"kunci bersama"
FORM = (
    b"v=3&emergency_number=112&source=CALL&time=1795421730000"
    b"&location_latitude=1.2856&location_longitude=101.197&location_time=1795421725500"
    b"&location_accuracy=12.5&location_source=gps&location_confidence=0.68"
    b"&device_number=%2B6281276123456&device_imei=353472104343540"
)
FIRST = (
    'A"ML=1;lt=+1.28560;lg=+101.19700;rd=25;top=20261123081530;lc=90;pm=G;si=510101234567890;'
    "ei=353472104343540;mcc=510;mnc=10;ml=128"
)
SECOND = (
    'A"ML=2;en=112;et=1795421730;lo=1.28560,101.19700,25.0;lt=-12;lc=90;lz=41.0,3.0;ls=F;'
    "ei=353472104343540;nc=51010;hc=51010;lg=id-ID"
)


def signed(body: bytes, key: bytes = KEY) -> bytes:
    return body + b"&hmac=" + hmac.new(key, body, hashlib.sha1).hexdigest().encode()


def form(**changed: str | None) -> Report:
    fields: dict[str, str | None] = {
        "location_latitude": "1.2856",
        "location_longitude": "101.197",
        **changed,
    }
    body = "&".join(f"{name}={value}" for name, value in fields.items() if value is not None)
    report = read_form(body.encode(), None)
    assert isinstance(report, Report)
    return report


def test_a_signed_form_tells_who_where_and_when() -> None:
    assert read_form(signed(FORM), KEY) == Report(
        kind="aml_https",
        number="+6281276123456",
        imei="353472104343540",
        lat=1.2856,
        lon=101.197,
        radius_m=12.5,
        confidence=0.68,
        method="gps",
        observed_at=1795421725.5,
        raw=FORM.decode(),
    )


def test_the_signature_may_be_written_in_capitals() -> None:
    body, mark, digits = signed(FORM).partition(b"&hmac=")
    assert isinstance(read_form(body + mark + digits.upper(), KEY), Report)


def test_what_follows_the_signature_is_not_read() -> None:
    report = read_form(signed(FORM) + b"&device_number=%2B62766111222", KEY)
    assert isinstance(report, Report)
    assert report.number == "+6281276123456"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (FORM, "unsigned"),
        (b"", "unsigned"),
        (signed(FORM, b"kunci lain"), "wrong_signature"),
        (signed(FORM).replace(b"1.2856", b"1.2857"), "wrong_signature"),
        (FORM + b"&hmac=", "wrong_signature"),
        (FORM + b"&hmac=\xff\xfe\x00", "wrong_signature"),
        (signed(FORM)[:-1], "wrong_signature"),
        (signed(b"a=1&" * 300), "too_many_fields"),
        (signed(b"a=" + b"1" * 100_000), "too_long"),
    ],
)
def test_a_form_that_is_not_signed_with_the_key_is_refused(body: bytes, reason: str) -> None:
    assert read_form(body, KEY) == Refused(reason)  # type: ignore[arg-type]


def test_without_a_key_a_form_needs_no_signature() -> None:
    unsigned = read_form(FORM, None)
    assert isinstance(unsigned, Report)
    assert read_form(signed(FORM), None) == unsigned


def test_an_empty_form_is_a_report_of_nothing() -> None:
    assert read_form(b"", None) == Report(kind="aml_https")


@pytest.mark.parametrize(
    ("lat", "lon"),
    [
        ("nan", "101.2"),
        ("1.2", "inf"),
        ("-inf", "101.2"),
        ("200", "101.2"),
        ("1.2", "200"),
        ("-90.01", "101.2"),
        ("1e999", "101.2"),
        ("", "101.2"),
        (None, "101.2"),
        ("1.2", None),
        ("1,2", "101,2"),
        ("utara", "timur"),
        ("1_2", "101.2"),
        ("0x1", "101.2"),
        ("0.0", "0.0"),
        ("%00%00", "%1b[2J"),
        ("1" * 5000, "101.2"),
        ("%D9%A1.2", "101.2"),  # an Arabic one
    ],
)
def test_a_coordinate_that_is_not_on_earth_is_left_out(lat: str | None, lon: str | None) -> None:
    report = form(location_latitude=lat, location_longitude=lon, device_number="081276123456")
    assert (report.lat, report.lon) == (None, None)
    assert report.number == "+6281276123456"


@pytest.mark.parametrize("value", ["nan", "-1", "inf", "dekat", ""])
def test_a_nonsense_accuracy_costs_only_itself(value: str) -> None:
    report = form(location_accuracy=value)
    assert (report.lat, report.lon, report.radius_m) == (1.2856, 101.197, None)


@pytest.mark.parametrize("value", ["100001", "1e9"])
def test_an_accuracy_too_wide_to_mean_anything_is_no_place(value: str) -> None:
    report = form(location_accuracy=value, device_number="081276123456")
    assert (report.lat, report.lon, report.radius_m) == (None, None, None)
    assert (report.number, value in report.raw) == ("+6281276123456", True)
    text = SECOND.replace(",25.0;", f",{value};")
    message = read_sms(text)
    assert message is not None
    assert (message.lat, message.lon, message.radius_m) == (None, None, None)
    old = FIRST.replace("rd=25", f"rd={value}")
    old = old.replace("ml=128", f"ml={len(old)}")
    first = read_sms(old)
    assert first is not None
    assert (first.lat, first.lon, first.radius_m) == (None, None, None)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"location_confidence": "0.9"}, 0.9),
        ({"location_confidence": "68"}, 0.68),
        ({"location_certainty": "83"}, 0.83),
        ({"location_confidence": "101"}, None),
        ({"location_confidence": "-1"}, None),
        ({"location_confidence": "NaN"}, None),
    ],
)
def test_confidence_is_read_as_a_share_or_in_per_cent(
    fields: dict[str, str], expected: float | None
) -> None:
    assert form(**fields).confidence == expected


@pytest.mark.parametrize("value", ["0", "-5", "99999999999999999", "nan", "kemarin"])
def test_a_nonsense_time_of_the_fix_leaves_the_time_of_sending(value: str) -> None:
    assert form(location_time=value, time="1795421730000").observed_at == 1795421730.0


@pytest.mark.parametrize("value", ["000000000000000", "12", "abc", "1" * 40])
def test_a_nonsense_imei_is_left_out(value: str) -> None:
    assert form(device_imei=value).imei is None


def test_a_plus_that_was_not_escaped_still_tells_the_number() -> None:
    assert form(device_number="+6281276123456").number == "+6281276123456"


def test_a_floor_is_told_in_words() -> None:
    assert form(location_floor="3").text == "lantai 3"
    assert form(location_floor="<b>3</b>").text == ""


def test_what_was_sent_is_kept_up_to_two_kilobytes_without_control_characters() -> None:
    report = read_form(b"x=" + "é".encode() * 4000 + b"&y=\x00\x1b", None)
    assert isinstance(report, Report)
    assert 2000 < len(report.raw.encode()) <= 2048
    short = read_form(b"y=\x00\x1b", None)
    assert isinstance(short, Report)
    assert short.raw == "y=??"


def test_a_message_of_the_first_version_is_read() -> None:
    assert read_sms(FIRST) == Report(
        kind="aml_sms",
        imei="353472104343540",
        lat=1.2856,
        lon=101.197,
        radius_m=25.0,
        confidence=0.9,
        method="gps",
        observed_at=1795421730.0,
        raw=FIRST,
    )


def test_in_the_second_version_lt_is_a_time_and_lg_a_language() -> None:
    first = read_sms(FIRST)
    assert first is not None
    assert read_sms(SECOND) == replace(first, method="fused", observed_at=1795421718.0, raw=SECOND)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Tolong, rumah saya terbakar",
        'A"ML=3;lt=1;ml=16',
        FIRST[:-1],
        FIRST[:60],
        FIRST.replace("101.19700", "101.1970"),
        FIRST.replace(";ml=128", ""),
        FIRST + ";" * 2000,
        "\x00" * 50,
    ],
)
def test_a_message_that_was_cut_or_changed_is_no_report(text: str) -> None:
    assert read_sms(text) is None


def test_a_gateway_may_add_a_line_end_and_change_the_quotation_mark() -> None:
    assert read_sms(FIRST.replace('"', "\u201d") + "\r\n") is not None


@pytest.mark.parametrize(
    "lo", ["nan,nan,25", "200,101.2,25", "1.2,101", "1.2,101.2,25,0", ",,", ""]
)
def test_a_nonsense_place_in_a_message_leaves_the_rest(lo: str) -> None:
    report = read_sms(SECOND.replace("1.28560,101.19700,25.0", lo))
    assert report is not None
    assert (report.lat, report.lon, report.radius_m) == (None, None, None)
    assert report.imei == "353472104343540"


@pytest.mark.parametrize(
    "told", ["20261323081530", "2026112308153", "20261123246161", "abcdefghijklmn"]
)
def test_a_nonsense_moment_is_left_out(told: str) -> None:
    text = FIRST.replace("20261123081530", told)
    text = text.replace("ml=128", f"ml={len(text)}")
    report = read_sms(text)
    assert report is not None
    assert report.observed_at is None


def test_a_packed_message_is_unpacked() -> None:
    assert unpack(bytes.fromhex("c8329bfd065ddf723619")) == "Hello World"
    assert unpack(b"") == ""


def test_a_report_is_a_location_in_its_kecamatan() -> None:
    report = read_sms(FIRST)
    assert report is not None
    found = location(report, world(), AT, AT)
    assert (found.source, found.code, found.kind, found.shape) == (
        "aml_sms",
        MANDAU,
        "inside",
        "circle",
    )
    assert (found.lat, found.lon, found.radius_m, found.method) == (1.2856, 101.197, 25.0, "gps")
    assert (found.observed_at, found.received_at, found.raw) == (1795421730.0, AT, FIRST)
    assert found.confidence >= 0.9


def test_a_report_without_a_place_is_kept_and_names_none() -> None:
    found = location(Report(kind="aml_https", raw="v=3"), world(), AT, AT)
    assert (found.code, found.lat, found.confidence, found.raw) == (None, None, 0.0, "v=3")


def test_a_phone_that_is_not_sure_of_its_circle_is_believed_less() -> None:
    near_the_edge = Report(kind="aml_https", lat=1.17, lon=101.25, radius_m=1500.0)
    sure = location(replace(near_the_edge, confidence=0.95), world(), AT, AT)
    unsure = location(replace(near_the_edge, confidence=0.3), world(), AT, AT)
    assert unsure.confidence < sure.confidence
    assert unsure.radius_m == 1500.0


@pytest.mark.parametrize("method", [None, "gps", "wifi", "fused", "cell"])
@pytest.mark.parametrize("radius_m", [None, 0.0])
def test_without_an_accuracy_no_place_is_sure_but_all_around_is_looked_at(
    method: str | None, radius_m: float | None
) -> None:
    inside = Report(kind="aml_https", lat=1.25, lon=101.25, radius_m=radius_m, method=method)
    found = location(inside, world(), AT, AT)
    assert (found.code, found.radius_m) == (MANDAU, radius_m)
    assert 0.5 <= found.confidence < 0.9
    near_the_edge = location(replace(inside, lat=1.16), world(), AT, AT)
    assert {candidate.code for candidate in near_the_edge.candidates} == {MANDAU, PINGGIR}
    farther = location(replace(inside, lat=1.2), world(), AT, AT)
    assert (len(farther.candidates) == 2) == (method == "cell")


@pytest.mark.parametrize(
    ("observed_before", "received_before", "most", "least"),
    [
        (None, 0, 0.95, 0.95),
        (179, 0, 0.95, 0.95),
        (181, 0, 0.6, 0.6),
        (600, 0, 0.6, 0.6),
        (601, 0, 0.45, 0.45),
        (86_400, -30, 0.45, 0.45),
        (None, 181, 0.6, 0.6),
        (None, 601, 0.45, 0.45),
        (700, 181, 0.45, 0.45),
        (-300, -300, 0.95, 0.95),
    ],
)
def test_where_a_phone_was_long_before_the_call_is_believed_less(
    observed_before: float | None, received_before: float, most: float, least: float
) -> None:
    observed = None if observed_before is None else AT - observed_before
    report = Report("aml_https", lat=1.25, lon=101.25, radius_m=20.0, observed_at=observed)
    found = location(report, world(), AT - received_before, AT)
    assert (found.code, found.observed_at) == (MANDAU, observed)
    assert least <= found.confidence <= most


def test_a_time_that_is_still_to_come_is_unknown() -> None:
    report = Report("aml_https", lat=1.25, lon=101.25, radius_m=20.0, observed_at=AT + 60)
    assert location(report, world(), AT, AT).observed_at == AT + 60, "a clock may be a little fast"
    assert location(replace(report, observed_at=AT + 61), world(), AT, AT).observed_at is None
    early = location(replace(report, observed_at=AT + 61), world(), AT - 700, AT)
    assert (early.observed_at, early.confidence) == (None, 0.45)
    nowhere = Report("aml_https", observed_at=AT + 61)
    assert location(nowhere, world(), AT, AT).observed_at is None
