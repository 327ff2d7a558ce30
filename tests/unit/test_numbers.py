"""A number is the same number however it is written."""

from __future__ import annotations

import pytest

from ivr.location.numbers import e164


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0766123456", "+62766123456"),
        ("62766123456", "+62766123456"),
        ("0062766123456", "+62766123456"),
        ("+62766123456", "+62766123456"),
        ("+62 (0)766 123-456", "+62766123456"),
        ("+620766123456", "+62766123456"),
        ("081276123456", "+6281276123456"),
        ("81276123456", "+6281276123456"),
        (" 6281276123456", "+6281276123456"),
        ("tel:+62-812-7612-3456", "+6281276123456"),
        ("<sip:+6281276123456@ims.mnc010.mcc510.3gppnetwork.org;user=phone>", "+6281276123456"),
        ("+60123456789", "+60123456789"),
        ("0060123456789", "+60123456789"),
    ],
)
def test_a_number_is_written_in_one_way(text: str, expected: str) -> None:
    assert e164(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "112",
        "anonymous",
        "Anonymous <sip:anonymous@anonymous.invalid>",
        "+",
        "++62766123456",
        "5101012345678901234",
        "0" * 12,
        "٠٧٦٦١٢٣٤٥٦",
        "\x00",
        "+999999999999",
        "766" * 300,
    ],
)
def test_what_is_nobodys_number_is_none(text: str | None) -> None:
    assert e164(text) is None
