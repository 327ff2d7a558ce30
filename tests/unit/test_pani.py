"""The cell in P-Access-Network-Info is read when the network itself wrote it, and only then."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.location.cells import Cell, Radio
from ivr.location.pani import MOST_CELLS, cells

LTE = "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=51010A22B29B2F05;network-provided"
LTE_CELL = Cell("LTE", 510, 10, 0xA22B, 0x29B2F05)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        (
            "3GPP-GERAN;cgi-3gpp=5101004B11267;network-provided",
            Cell("GSM", 510, 10, 0x04B1, 0x1267),
        ),
        (
            "3GPP-GERAN;cgi-3gpp=50215204B11267;network-provided",
            Cell("GSM", 502, 152, 0x04B1, 0x1267),
        ),
        (
            "3GPP-UTRAN-FDD;utran-cell-id-3gpp=5100104B10012345;network-provided",
            Cell("UMTS", 510, 1, 0x04B1, 0x0012345),
        ),
        (
            "3GPP-UTRAN-TDD;utran-cell-id-3gpp=31041004B10012345;network-provided",
            Cell("UMTS", 310, 410, 0x04B1, 0x0012345),
        ),
        (LTE, LTE_CELL),
        (
            "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=208152402668CC53;network-provided",
            Cell("LTE", 208, 15, 0x2402, 0x668CC53),
        ),
        (
            "3GPP-NR-FDD;utran-cell-id-3gpp=510100004B1012345678;network-provided",
            Cell("NR", 510, 10, 0x0004B1, 0x012345678),
        ),
        (
            "3GPP-NR;utran-cell-id-3gpp=3104100004B1012345678;network-provided",
            Cell("NR", 310, 410, 0x0004B1, 0x012345678),
        ),
    ],
)
def test_each_generation_has_its_layout(text: str, cell: Cell) -> None:
    assert cells(text) == (cell,)


@pytest.mark.parametrize(
    "text",
    [
        LTE.lower(),
        LTE.upper(),
        LTE.replace("=51010A22B29B2F05", '="51010A22B29B2F05"'),
        LTE.replace(";", " ; ").replace("=", " = "),
        f"{LTE}, 3GPP-GERAN;cgi-3gpp=5101004B11267",
        f"IEEE-802.11;i-wlan-node-id=ffeeddccbbaa,{LTE}",
        f'IEEE-802.11;location="jalan, gang; rumah",{LTE}',
        f"{LTE},{LTE}",
        LTE + ";",
        LTE.replace("FDD", "NB-IoT"),
    ],
)
def test_spelling_quotes_and_lists_change_nothing(text: str) -> None:
    assert cells(text) == (LTE_CELL,)


def test_a_list_tells_several_cells() -> None:
    gsm = "3GPP-GERAN;cgi-3gpp=5101004B11267;network-provided"
    assert [cell.radio for cell in cells(f"{LTE}, {gsm}")] == ["LTE", "GSM"]
    many = ",".join(LTE.replace("2F05", f"{at:04X}") for at in range(1, 50))
    assert len(cells(many)) == MOST_CELLS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3GPP-E-UTRAN-FDD",
        LTE.replace(";network-provided", ""),
        LTE.replace("network-provided", 'np="network-provided"'),
        LTE.replace("51010A22B29B2F05", ""),
        LTE.replace("51010A22B29B2F05", "5101000000000000"),
        LTE.replace("51010A22B29B2F05", "510101234567890"),  # an IMSI
        LTE.replace("51010A22B29B2F05", "51010A22B29B2F0"),
        LTE.replace("51010A22B29B2F05", "51010A22B29B2F0G"),
        LTE.replace("51010A22B29B2F05", "00010A22B29B2F05"),
        LTE.replace("51010A22B29B2F05", "5A010A22B29B2F05"),
        LTE.replace("51010A22B29B2F05", "٥1010A22B29B2F05"),
        LTE.replace("utran-cell-id-3gpp", "cgi-3gpp"),
        LTE.replace("3GPP-E-UTRAN-FDD", "IEEE-802.11"),
        '"' + LTE,
        '3GPP-GERAN;cgi-3gpp="5101004B11267;network-provided',
        "x" * 1_000_000,
        ";,=" * 100_000,
        '"\\' * 2000,
    ],
)
def test_what_names_no_cell_is_no_cell(text: str) -> None:
    assert cells(text) == ()


@given(st.text(max_size=300) | st.text('3GPP-E-UTRAN;,="\\network-provided 510', max_size=300))
def test_any_text_is_read_without_raising(text: str) -> None:
    for cell in cells(text):
        assert cell.cell > 0


LAYOUTS: list[tuple[str, Radio, str, int, int]] = [
    ("3GPP-GERAN", "GSM", "cgi-3gpp", 4, 4),
    ("3GPP-UTRAN-FDD", "UMTS", "utran-cell-id-3gpp", 4, 7),
    ("3GPP-E-UTRAN-TDD", "LTE", "utran-cell-id-3gpp", 4, 7),
    ("3GPP-NR-FDD", "NR", "utran-cell-id-3gpp", 6, 9),
]


@given(st.sampled_from(LAYOUTS), st.integers(200, 799), st.integers(0, 999), st.data())
def test_what_a_network_writes_is_what_is_read(
    layout: tuple[str, Radio, str, int, int], mcc: int, mnc: int, data: st.DataObject
) -> None:
    access, radio, name, area_digits, cell_digits = layout
    area = data.draw(st.integers(1, 16**area_digits - 1))
    cell = data.draw(st.integers(1, 16**cell_digits - 1))
    network = f"{mnc:02}" if mnc < 100 and data.draw(st.booleans()) else f"{mnc:03}"
    value = f"{mcc}{network}{area:0{area_digits}x}{cell:0{cell_digits}X}"
    read = cells(f"{access};{name}={value};network-provided")
    assert read == (Cell(radio, mcc, mnc, area, cell),)
