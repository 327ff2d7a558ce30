"""Layers as surveyors send them become areas, and what could not be mended is told."""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from small_deployment import FILE_TEXTS

from ivr import cli
from ivr.commands import geo
from ivr.deployment import read
from ivr.flow.loader import load
from routing.geography import Geography, locate
from routing.survey import survey

Points = list[list[float]]
Feature = dict[str, object]

SQUARE: Points = [[101.1, 1.2], [101.4, 1.2], [101.4, 1.4], [101.1, 1.4], [101.1, 1.2]]
NEXT: Points = [[101.4, 1.2], [101.6, 1.2], [101.6, 1.4], [101.4, 1.4], [101.4, 1.2]]


def feature(code: object, coordinates: object, kind: str = "Polygon", **more: object) -> Feature:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "properties": {"kode": code, **more}, "geometry": geometry}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "daerah"
    folder.mkdir()
    for name, text in FILE_TEXTS.items():
        if "/" not in name:
            (folder / name).write_text(text)
    with (folder / "places.yaml").open("a") as places:
        places.write("neighbours:\n  dumai: {name: Kota Dumai, points: [[1.667, 101.447]]}\n")
    return folder


Captured = pytest.CaptureFixture[str]
Run = Callable[..., tuple[Geography, list[str]]]


@pytest.fixture
def run(folder: Path, tmp_path: Path) -> Run:
    """Import these features, and read the deployment as publishing would."""

    def imported(
        *features: Feature,
        official: bool = True,
        code: str | None = None,
        name: str | None = None,
        partial: bool = True,
    ) -> tuple[Geography, list[str]]:
        layer = tmp_path / "batas.geojson"
        layer.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        said: list[str] = []
        geo.import_layer(
            layer,
            folder,
            code=code,
            name=name,
            official=official,
            partial=partial,
            tell=said.append,
        )
        loaded = load(read(folder).files)
        assert not [fault for fault in loaded.faults if fault.file == "areas.geojson"]
        return loaded.geography, said

    return imported


@pytest.mark.parametrize(
    ("coordinates", "kind", "mended"),
    [
        ([SQUARE], "Polygon", None),
        ([SQUARE], "MultiPolygon", "susunan"),
        ([[SQUARE]], "Polygon", "susunan"),
        ([[SQUARE]], "MultiPolygon", None),
        (SQUARE, "Polygon", "susunan"),
        ([[[lat, lon] for lon, lat in SQUARE]], "Polygon", "tertukar"),
        ([SQUARE[:-1]], "Polygon", "tidak ditutup"),
        ([SQUARE[::-1]], "Polygon", "dibalik"),
        ([[[lon, lat, 12.5] for lon, lat in SQUARE]], "Polygon", None),
        ([[point for point in SQUARE for _ in range(2)]], "Polygon", None),
        ([SQUARE, [[101.2, 1.3], [101.2, 1.3]]], "Polygon", "tanpa luas"),
    ],
)
def test_what_can_be_mended_is_the_same_area_in_the_end(
    run: Run, coordinates: object, kind: str, mended: str | None
) -> None:
    where, said = run(feature("14.03.09", coordinates, kind, nama="Mandau"))
    assert [(area.code, area.name) for area in where.areas] == [("14.03.09", "Mandau")]
    assert not where.approximate
    [(ring,)] = where.areas[0].polygons
    assert sorted(ring) == sorted({(lat, lon) for lon, lat in SQUARE})
    assert locate(where, 1.25, 101.15).kind == "inside"
    assert (mended is None) or any(mended in sentence for sentence in said)


def test_a_code_without_dots_and_in_a_column_of_another_name_is_read(run: Run) -> None:
    where, _ = run(feature("x", [SQUARE], KDKEC=140309, WADMKC="Mandau"), code="kdkec")
    assert [(area.code, area.name) for area in where.areas] == [("14.03.09", "Mandau")]


def test_a_layer_of_desa_that_names_their_kecamatan_too_is_read_as_desa() -> None:
    desa = {"KDPKAB": "14.03", "KDCPUM": "14.03.09", "KDEPUM": "14.03.09.1001"}
    both = feature("", [SQUARE], **desa, WADMKC="Mandau", WADMKD="Air Jamban")
    empty = feature("", [NEXT], KDEPUM=" ", KDCPUM="140313", WADMKD="", WADMKC="Pinggir")
    found = survey([both, empty], None, None, {})
    told = [(area.code, area.name) for area in found.areas]
    assert told == [("14.03.09.1001", "Air Jamban"), ("14.03.13", "Pinggir")]


def test_letters_that_no_file_or_terminal_should_have_are_left_out(run: Run) -> None:
    strange = "Man\x1b[2J\ud800dau"
    where, said = run(
        feature("14.03.09", [SQUARE], nama=strange),
        feature("14.03.13", [NEXT], nama=strange),
        feature("x", [NEXT], **{strange: 1}),
    )
    assert {area.name for area in where.areas} == {"Man [2J dau"}
    assert any("tidak punya kode wilayah" in sentence for sentence in said)
    assert all(sentence.isprintable() for sentence in said), said


def test_several_features_of_one_code_are_one_area_and_unofficial_is_approximate(run: Run) -> None:
    where, said = run(feature("14.03.09", [SQUARE]), feature("14.03.09", [NEXT]), official=False)
    assert len(where.areas) == 1
    assert where.approximate
    assert {locate(where, 1.3, lon).kind for lon in (101.2, 101.5)} == {"inside"}
    assert any("digabung" in sentence for sentence in said)


def test_an_unknown_code_is_left_out_and_told_and_so_is_a_missing_kecamatan(run: Run) -> None:
    _, said = run(feature("14.03.09", [SQUARE]), feature("99.99.99", [NEXT]))
    assert "Kode 99.99.99 tidak ada di places.yaml; dilewati." in said
    assert any("tidak ada di berkas ini" in sentence for sentence in said)


def test_a_line_that_crosses_itself_and_a_polygon_in_a_polygon_are_told_with_their_place() -> None:
    bow = [[101.1, 1.2], [101.4, 1.4], [101.4, 1.2], [101.1, 1.5]]
    inner = [[101.2, 1.25], [101.3, 1.25], [101.3, 1.35], [101.2, 1.35]]
    found = survey(
        [feature("14.03.09", [bow]), feature("14.03.13", [[SQUARE], [inner]], "MultiPolygon")],
        None,
        None,
        {},
    )
    told = " ".join(found.problems)
    assert "memotong dirinya sendiri di dekat 1.2000,101.1000" in told
    assert "di dalam bidang lain di dekat 1.2500,101.2000" in told
    assert [len(area.polygons) for area in found.areas] == [1, 1]


def test_gaps_and_overlaps_are_told_with_their_size_and_place(run: Run) -> None:
    gap = [[lon + (0.003 if lon == 101.4 else 0), lat] for lon, lat in NEXT]
    _, said = run(feature("14.03.09", [SQUARE]), feature("14.03.13", [gap]))
    assert any(re.match(r"Celah sekitar 7\.\d+ km².*,101\.401", s) for s in said), said
    lap = [[lon - (0.003 if lon == 101.4 else 0), lat] for lon, lat in NEXT]
    _, said = run(feature("14.03.09", [SQUARE]), feature("14.03.13", [lap]))
    assert any(re.match(r"Tumpang tindih sekitar 7\.\d+ km² antara Mandau", s) for s in said), said
    _, said = run(feature("14.03.09", [SQUARE]), feature("14.03.13", [NEXT]))
    assert any(s.startswith("0 celah atau tumpang tindih") for s in said), said


def test_the_land_of_neighbours_is_kept(run: Run, folder: Path) -> None:
    ring = [[100.5, 1.0], [100.9, 1.0], [100.9, 1.3]]
    land = {
        "type": "Feature",
        "properties": {"neighbour": "dumai", "name": "Dumai"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    text = json.dumps({"type": "FeatureCollection", "features": [land]})
    (folder / "areas.geojson").write_text(text)
    where, _ = run(feature("14.03.09", [SQUARE]))
    assert locate(where, 1.1, 100.8).neighbour == "dumai"


def test_a_part_of_the_map_replaces_that_part_only_and_the_rest_is_kept(run: Run) -> None:
    third = [[lon + 0.2, lat] for lon, lat in NEXT]
    run(
        feature("14.03.09", [SQUARE], nama="Mandau lama"),
        feature("14.03.13.1001", [NEXT]),
        feature("14.03.16", [third]),
        partial=False,
        official=False,
    )
    where, said = run(feature("14.03.09.1001", [SQUARE], nama="Baru"), official=True)
    kept = {area.code: area.name for area in where.areas}
    assert kept.keys() == {"14.03.09.1001", "14.03.13.1001", "14.03.16"}
    assert where.approximate, "what was kept is approximate still"
    assert any("masih perkiraan" in sentence for sentence in said), said
    where, _ = run(
        *(feature(code, [SQUARE]) for code in ("14.03.09", "14.03.13", "14.03.16")), partial=False
    )
    assert not where.approximate


@pytest.mark.parametrize(
    "old", ['{"features"\n: [', '{"type": "FeatureCollection", "features":\n[3]}']
)
def test_the_land_of_neighbours_in_a_file_that_is_at_fault_is_not_lost_silently(
    run: Run, folder: Path, old: str
) -> None:
    (folder / "areas.geojson").write_text(old)
    with pytest.raises(geo.LayerUnusable, match=r"areas\.geojson baris [12]: "):
        run(feature("14.03.09", [SQUARE]))
    assert (folder / "areas.geojson").read_text() == old


def test_a_file_that_lies_elsewhere_is_written_there(run: Run, folder: Path) -> None:
    elsewhere = folder.parent / "peta"
    elsewhere.mkdir()
    (folder / "areas.geojson").symlink_to(elsewhere / "bengkalis.geojson")
    run(feature("14.03.09", [SQUARE]))
    assert (folder / "areas.geojson").is_symlink()
    assert "Mandau" in (elsewhere / "bengkalis.geojson").read_text()


def test_a_layer_that_is_no_file_is_refused_at_once(folder: Path) -> None:
    pipe = folder.parent / "pipa"
    os.mkfifo(pipe)
    for layer in (pipe, folder):
        with pytest.raises(geo.LayerUnusable, match="bukan berkas"):
            geo.import_layer(
                layer, folder, code=None, name=None, official=True, partial=True, tell=print
            )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "baris 1: bukan JSON yang utuh"),
        ("[" * 100_000, "bukan teks JSON"),
        ('{"type": "Topology"}', "bukan FeatureCollection"),
        ('{"type": "FeatureCollection", "features": []}', "Tidak ada wilayah"),
        (
            json.dumps({"features": [feature("14.03.09", [[[7e5, 1e5], [8e5, 1e5], [8e5, 2e5]]])]}),
            "Tidak ada wilayah",
        ),
        (json.dumps({"features": [None, 3, {"properties": {}}]}), "Tidak ada wilayah"),
        (" " * (geo.LARGEST_LAYER + 1), "lebih dari 20 MB"),
        (
            json.dumps({"features": [feature("14.03.09", [SQUARE]), feature("14.03.16", [NEXT])]}),
            "Pinggir (14.03.13)",
        ),
    ],
)
def test_a_layer_that_cannot_be_used_is_told_in_a_sentence_and_nothing_is_written(
    folder: Path, text: str, sentence: str, monkeypatch: pytest.MonkeyPatch, capfd: Captured
) -> None:
    layer = folder.parent / "batas.geojson"
    layer.write_text(text)
    monkeypatch.setattr("sys.argv", ["siaga", "geo", "import", str(layer), "--into", str(folder)])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 2
    assert sentence in capfd.readouterr().err
    assert not list(folder.glob("*areas*"))


def test_a_layer_of_very_many_points_is_refused_in_bounded_time(
    folder: Path, tmp_path: Path
) -> None:
    count = 110_000
    ring = [
        [102 + math.cos(turn) * reach, 1.5 + math.sin(turn) * reach]
        for number in range(count)
        for turn, reach in [(2 * math.pi * number / count, 0.9 + number % 7 * 1e-4)]
    ]
    layer = tmp_path / "batas.geojson"
    layer.write_text(json.dumps({"features": [feature("14.03.09", [ring])]}))
    began = time.monotonic()
    with pytest.raises(geo.LayerUnusable, match="terlalu rinci"):
        geo.import_layer(
            layer, folder, code=None, name=None, official=False, partial=True, tell=lambda _: None
        )
    assert time.monotonic() - began < 60
    assert not (folder / "areas.geojson").exists()
