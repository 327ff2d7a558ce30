"""`check` looks at the map: a caller whose coordinate is known must be found where he is."""

from __future__ import annotations

import json

import pytest
from small_deployment import DIALPLAN, PLACES, SHIPPED, shipped, shipped_files, small, with_files

from ivr.deployment import read
from ivr.flow.check import PromptAudio, Report, check
from ivr.flow.fault import Fault
from ivr.flow.loader import load

AROUND = {"14.03.09": (1.253, 101.303), "14.03.13": (1.127, 101.186), "14.03.16": (1.325, 101.075)}
ABOUT_THE_MAP = {"not-on-map", "point-elsewhere", "area-empty"}
PLACES_WITH_SIAK = (
    PLACES + "neighbours:\n  siak: {name: Kabupaten Siak, points: [[0.795, 102.05]]}\n"
)


def area(lat: float, lon: float, half: float = 0.03, **properties: str) -> object:
    corners = [(-half, -half), (half, -half), (half, half), (-half, half), (-half, -half)]
    ring = [[lon + x, lat + y] for x, y in corners]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def report(*features: object, mode: str = "latihan") -> Report:
    text = json.dumps({"type": "FeatureCollection", "features": features})
    dialplan = DIALPLAN.replace("mode: latihan", f"mode: {mode}")
    files = with_files(places=PLACES_WITH_SIAK, dialplan=dialplan)
    loaded = load({**files, "areas.geojson": text})
    assert loaded.dialplan is not None and loaded.directory is not None, loaded.faults
    audio = PromptAudio("satu", 2.0)
    return check(loaded.dialplan, loaded.directory, lambda prompt: audio, loaded.geography)


def of_the_map(faults: tuple[Fault, ...]) -> list[tuple[str, str, int, str]]:
    told = ((fault.code, fault.file, fault.line, fault.message) for fault in faults)
    return [one for one in told if one[0] in ABOUT_THE_MAP]


def test_a_map_with_every_settlement_in_its_kecamatan_is_fit() -> None:
    found = report(*(area(*at, code=code) for code, at in AROUND.items()))
    assert not of_the_map(found.warnings)
    assert not of_the_map(found.faults)


def test_a_map_of_the_desa_is_fit_as_well() -> None:
    found = report(*(area(*at, code=f"{code}.1001") for code, at in AROUND.items()))
    assert not of_the_map(found.warnings)


def test_the_shipped_map_is_fit() -> None:
    dialplan, directory = shipped()
    text = read(SHIPPED).files["areas.geojson"]
    where = load({**shipped_files(), "areas.geojson": text}).geography
    found = check(dialplan, directory, lambda prompt: None, where)
    assert not of_the_map(found.warnings)


def test_without_a_map_nothing_is_said_of_it() -> None:
    found = check(*small(), lambda prompt: None)
    assert not of_the_map(found.warnings)


SIAK_IN_DURI = area(1.253, 101.303, neighbour="siak")
BATHIN, PINGGIR, MANDAU = ("14.03.16", "14.03.13", "14.03.09")


@pytest.mark.parametrize(
    ("features", "code", "file", "line", "words"),
    [
        (
            [(PINGGIR, PINGGIR), (BATHIN, BATHIN)],
            "not-on-map",
            "places.yaml",
            13,
            "Mandau tidak ada",
        ),
        (
            [(MANDAU, PINGGIR), (PINGGIR, MANDAU), (BATHIN, BATHIN)],
            "point-elsewhere",
            "places.yaml",
            13,
            "Mandau ini di 14.03.13",
        ),
    ],
)
def test_in_production_what_a_coordinate_cannot_find_is_a_fault_and_else_a_warning(
    features: list[tuple[str, str]], code: str, file: str, line: int, words: str
) -> None:
    areas = [area(*AROUND[at], code=written) for at, written in features]
    practice, production = report(*areas), report(*areas, mode="operasional")
    told = of_the_map(practice.warnings)[0]
    assert told[:3] == (code, file, line)
    assert words in told[3]
    assert not of_the_map(practice.faults)
    assert of_the_map(production.faults) == of_the_map(practice.warnings)
    assert not of_the_map(production.warnings)


@pytest.mark.parametrize(
    ("others", "words"),
    [([SIAK_IN_DURI], "di Kabupaten Siak"), ([], "di laut")],
)
def test_a_settlement_on_no_land_of_ours_is_told_with_where_it_lies(
    others: list[object], words: str
) -> None:
    moved = area(1.3, 101.2, code=MANDAU)
    rest = [area(*AROUND[code], code=code) for code in (PINGGIR, BATHIN)]
    [told] = of_the_map(report(moved, *rest, *others).warnings)
    assert told[0] == "point-elsewhere"
    assert f"Mandau ini {words}" in told[3]


def test_a_settlement_far_from_all_land_is_outside() -> None:
    [*told] = of_the_map(report(*(area(3.5, 98.7, code=code) for code in AROUND)).warnings)
    assert len(told) == 3
    assert all("di luar wilayah" in one[3] for one in told)


def test_an_area_without_surface_is_told() -> None:
    whole = [area(*at, code=code) for code, at in AROUND.items()]
    for half in (0.0, 1e-6):
        [told] = of_the_map(report(*whole, area(1.2, 101.3, half, code="14.03.09.1001")).warnings)
        assert told[:2] == ("area-empty", "areas.geojson")
        assert "14.03.09.1001" in told[3]
