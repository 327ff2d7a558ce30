"""areas.geojson is read with a deployment, frozen with its version, and its faults are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_deployment import FILE_TEXTS, PLACES

from ivr.deployment import read
from ivr.flow.areas_file import LARGEST
from ivr.flow.loader import load
from routing.geography import locate

PLACES_WITH_SIAK = PLACES + "neighbours:\n  siak: {name: Siak, points: [[0.795, 102.05]]}\n"
RING = [[101.1, 1.2], [101.4, 1.2], [101.4, 1.4], [101.1, 1.4], [101.1, 1.2]]


def one(code: object = "14.03.09", coordinates: object = None, kind: str = "Polygon") -> object:
    geometry = {"type": kind, "coordinates": [RING] if coordinates is None else coordinates}
    return {"type": "Feature", "properties": {"code": code, "name": "X"}, "geometry": geometry}


def land(neighbour: str) -> object:
    geometry = {"type": "Polygon", "coordinates": [RING]}
    return {"type": "Feature", "properties": {"neighbour": neighbour}, "geometry": geometry}


def collection(*features: object, **more: object) -> str:
    return json.dumps({"type": "FeatureCollection", **more, "features": features}, indent=1)


def test_official_areas_are_official_and_others_are_approximate() -> None:
    for said, approximate in (
        ({"approximate": False}, False),
        ({}, True),
        ({"approximate": 0}, True),
    ):
        loaded = load({**FILE_TEXTS, "areas.geojson": collection(one(), **said)})
        assert not loaded.faults
        assert loaded.geography.approximate is approximate
        assert locate(loaded.geography, 1.3, 101.3).code == "14.03.09"


def test_without_the_file_the_settlements_stand_in() -> None:
    where = load(FILE_TEXTS).geography
    assert where.approximate
    assert locate(where, 1.253, 101.303).code == "14.03.09"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("{\n\n ]", 3, "Bukan JSON"),
        ("[" * 100_000, 1, "bersusun terlalu dalam"),
        ('{"features": [NaN]}', 1, "bukan angka"),
        ("[]", 1, "FeatureCollection"),
        (" " * (LARGEST + 1), 1, "lebih dari 2 MB"),
        (collection(3), 1, "`properties`"),
        (collection(one(code=3)), 1, "tidak punya kode"),
        (collection(one("14.03.13"), one("99.99.99")), 41, "`99.99.99`"),
        (collection(one(), one()), 7, "sudah ada di atasnya"),
        (collection(one(kind="Point")), 7, "tidak punya bidang"),
        (collection(one(coordinates=3)), 7, "[bujur, lintang]"),
        (collection(one(coordinates=3, kind="MultiPolygon")), 7, "`coordinates`"),
        (
            collection(one(coordinates=[[[1.2, 101.1], [1.3, 101.1], [1.3, 101.2]]])),
            7,
            "[bujur, lintang]",
        ),
        (collection(one(coordinates=[RING[:2]])), 7, "[bujur, lintang]"),
        (collection(one(coordinates=[[["a", 1], [None, 2], [True, 3]]])), 7, "[bujur, lintang]"),
        (collection(one(coordinates=[[{"x": 101, "y": 1}] * 3])), 7, "[bujur, lintang]"),
        (collection(one(code="14.03.09\ud800")), 1, "tidak punya kode"),
        (collection(one(), land("siak"), land("siakk")), 74, "`siakk`"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, words: str) -> None:
    loaded = load({**FILE_TEXTS, "places.yaml": PLACES_WITH_SIAK, "areas.geojson": text})
    [fault] = loaded.faults
    assert (fault.file, words in fault.message) == ("areas.geojson", True), fault
    assert fault.line == line
    assert loaded.dialplan is None


def test_a_name_is_kept_without_what_no_terminal_should_be_sent() -> None:
    feature = one()
    assert isinstance(feature, dict)
    feature["properties"]["name"] = "Man\x1b[2J\ud800dau\n"
    [area] = load({**FILE_TEXTS, "areas.geojson": collection(feature)}).geography.areas
    assert area.name == "Man [2J dau"


def test_versions_with_the_same_areas_share_them_in_memory() -> None:
    first, second = (load({**FILE_TEXTS, "areas.geojson": collection(one())}) for _ in range(2))
    assert first.geography is second.geography


def test_the_areas_are_part_of_the_version(tmp_path: Path) -> None:
    for name, text in FILE_TEXTS.items():
        if "/" not in name:
            (tmp_path / name).write_text(text)
    before = read(tmp_path).version
    (tmp_path / "areas.geojson").write_text(collection(one()))
    after = read(tmp_path)
    assert after.version != before
    assert "areas.geojson" in after.files
