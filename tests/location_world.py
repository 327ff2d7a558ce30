"""A small world for tests of locations: two kecamatan, side by side, and what is told of a call there."""

from __future__ import annotations

from collections.abc import Mapping

from ivr.location.source import Asked
from routing.geography import Area, Geography, geography
from routing.model import Carrier, Desa, Directory, KnownNumber, Neighbour, Place

AT = 1_795_421_730.0  # 23 November 2026, 08:15:30 UTC

MANDAU = "14.03.09"
PINGGIR = "14.03.13"
IN_MANDAU = (1.25, 101.25)
IN_PINGGIR = (1.05, 101.25)
JAKARTA = (-6.2, 106.8)


def square(code: str, name: str, south_west: tuple[float, float]) -> Area:
    """An area 0.2 degrees high and half a degree wide."""
    south, west = south_west
    north, east = south + 0.2, west + 0.5
    return Area(code, name, ((((south, west), (south, east), (north, east), (north, west)),),))


AREAS = (square(MANDAU, "Mandau", (1.15, 101.0)), square(PINGGIR, "Pinggir", (0.95, 101.0)))


def world(*, approximate: bool = False) -> Geography:
    return geography(AREAS, {"rokan-hilir": ((1.6, 100.6),)}, approximate=approximate)


DIRECTORY = Directory(
    agencies=(),
    operators=(),
    trunks={},
    carriers=(
        Carrier("telkom"),
        Carrier("telkom-pinggir", place=PINGGIR),
    ),
    places={
        MANDAU: Place(
            MANDAU,
            "Mandau",
            "daratan",
            postcode="28783",
            desa={
                "14.03.09.1001": Desa("14.03.09.1001", "Air Jamban"),
                "14.03.09.1006": Desa("14.03.09.1006", "Duri Barat", "28790"),
            },
        ),
        PINGGIR: Place(
            PINGGIR,
            "Pinggir",
            "daratan",
            postcode="28784",
            desa={"14.03.13.2007": Desa("14.03.13.2007", "Pinggir")},
        ),
    },
    neighbours={"rokan-hilir": Neighbour("rokan-hilir", "Kabupaten Rokan Hilir")},
    area_codes={"0765": (MANDAU,), "0766": (MANDAU, PINGGIR), "07660": (PINGGIR,)},
    numbers={
        "+62765123456": KnownNumber("+62765123456", "SMPN 4 Mandau", MANDAU, *IN_MANDAU),
        "+62765999999": KnownNumber("+62765999999", "Kantor Camat Pinggir", PINGGIR),
        "+62765888888": KnownNumber("+62765888888", "Pos Jaga", None, *IN_PINGGIR),
    },
)


def asked(
    signalling: Mapping[str, str] | None = None,
    *,
    caller: str | None = None,
    trunk: str = "telkom",
    approximate: bool = False,
) -> Asked:
    return Asked(
        call_id="panggilan-1",
        caller=caller,
        trunk=trunk,
        at=AT,
        directory=DIRECTORY,
        geography=world(approximate=approximate),
        signalling=dict(signalling or {}),
    )
