"""An address names a place of ours by its code, its names or its postcode, or says that it is elsewhere."""

from __future__ import annotations

import asyncio

import pytest
from location_world import MANDAU, PINGGIR, asked

from ivr.location.pidf import Pidf
from ivr.location.source import PIDF, PIDF_FORMAT
from routing.model import Candidate, Location

OURS = 'country="ID",A1="Riau",A2="Kabupaten Bengkalis",'


def found(text: str) -> Location:
    (location,) = asyncio.run(Pidf().find(asked({PIDF: text, PIDF_FORMAT: "civicAddress"})))
    assert (location.source, location.shape, location.lat) == ("sip_pidf", "civic", None)
    return location


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (OURS + 'A3="Mandau",A4="Air Jamban"', "14.03.09.1001"),
        (OURS + 'A3="Kec. MANDAU",A4="Kelurahan Air  Jamban"', "14.03.09.1001"),
        ('lang="id",' + OURS + 'A3="Mandau"', MANDAU),
        (OURS + 'A3="Mandau",A4="Entah"', MANDAU),
        (OURS + 'A4="Duri-Barat"', "14.03.09.1006"),
        ('A2="Kab. Bengkalis",A4="Pinggir"', "14.03.13.2007"),
        ('A1="Riau",A4="Pinggir"', "14.03.13.2007"),
        ('A3="Pinggir",A4="Pinggir"', "14.03.13.2007"),
        ('ADDCODE="14.03",A4="Pinggir"', "14.03.13.2007"),
        ('PC="28790",A4="Duri Barat"', "14.03.09.1006"),
        ('PC="28784",A4="Pinggir"', "14.03.13.2007"),
        (OURS + 'A4="Pinggir"', "14.03.13.2007"),
        (OURS + 'A3="Pinggir"', PINGGIR),
        (OURS + 'A3="Mandau",A4="Pinggir"', MANDAU),
        (OURS + 'A3="Mandau",ADDCODE="14.03.13.2007"', "14.03.13.2007"),
        ('ADDCODE="14.03.09"', MANDAU),
        ('ADDCODE="140309"', MANDAU),
        ('ADDCODE="1403091001"', "14.03.09.1001"),
        ('ADDCODE="14.03.09.9999"', MANDAU),
        ('A3="Mandau"', MANDAU),
        ('A2="Bengkalis",A3="Mandau"', MANDAU),
    ],
)
def test_codes_and_names_are_found(text: str, code: str) -> None:
    location = found(text)
    assert (location.code, location.confidence) == (code, 0.9)
    assert location.candidates == (Candidate(code, 1.0),)


@pytest.mark.parametrize(
    "beside", ["", 'country="ID",', 'ADDCODE="rahasia",', 'PC="28783",', 'A2=".",', 'A3="-",']
)
def test_the_name_of_a_desa_alone_is_not_sure(beside: str) -> None:
    """There is a Pinggir, a Sukamaju, a Sungai Raya elsewhere too."""
    location = found(beside + 'A4="Pinggir"')
    assert (location.code, location.confidence) == ("14.03.13.2007", 0.7)


@pytest.mark.parametrize(
    ("postcode", "code"), [("28783", MANDAU), ("28784", PINGGIR), ("28790", "14.03.09.1006")]
)
def test_a_postcode_alone_is_believed_less(postcode: str, code: str) -> None:
    location = found(OURS + f'PC="{postcode}"')
    assert (location.code, location.confidence) == (code, 0.7)


@pytest.mark.parametrize(
    "text",
    [
        OURS + 'RD="Jalan Sudirman"',
        OURS + 'A3="Entah",A4="Air Jamban"',
        OURS + 'PC="99999"',
        OURS + 'PC="٢٨٧٨٣"',
        OURS + 'ADDCODE="14.03"',
        OURS + 'ADDCODE="rahasia"',
        OURS + 'ADDCODE="14.03.77"',
    ],
)
def test_an_address_that_names_none_of_ours_is_kept_as_text(text: str) -> None:
    location = found(text)
    assert (location.code, location.confidence, location.kind) == (None, 0.0, "")
    assert location.raw == text


def test_the_text_is_what_a_person_would_want_to_read() -> None:
    location = found(OURS + 'A3="Mandau",RD="Jalan Sudirman",HNO="12",LMK="seberang SPBU"')
    assert location.text == "seberang SPBU, Jalan Sudirman, 12, Mandau, Kabupaten Bengkalis"


@pytest.mark.parametrize(
    ("text", "neighbour"),
    [
        ('country="ID",A1="Riau",A2="Kabupaten Rokan Hilir",A3="Bangko"', "rokan-hilir"),
        ('A2="Kab. Rokan Hilir",A3="Mandau"', "rokan-hilir"),
        ('A2="Kota Medan",A3="Mandau"', None),
        ('ADDCODE="14.07.01"', "rokan-hilir"),
        ('A1="Sumatera Utara",A3="Mandau"', None),
        ('country="MY",A3="Mandau"', None),
    ],
)
def test_an_address_elsewhere_is_outside(text: str, neighbour: str | None) -> None:
    location = found(text)
    assert (location.code, location.kind, location.confidence) == (None, "outside", 0.0)
    assert location.neighbour == neighbour


@pytest.mark.parametrize("text", ['pos="1.2 101.2"', 'x="y"', 'A3=""', 'lang="id"'])
def test_what_is_no_address_is_no_location(text: str) -> None:
    assert asyncio.run(Pidf().find(asked({PIDF: text}))) == ()


def test_a_stranger_cannot_write_control_characters_into_a_record() -> None:
    location = found(OURS + 'A3="Mandau",LMK="merah\u2028 \x9b31m"')
    assert location.text.startswith("merah? ?31m")
    assert location.raw.isprintable()
