"""areas.geojson: the areas of a deployment as a FeatureCollection, read strictly.

A feature is one kecamatan or desa with the properties ``code`` and ``name``, or the land of a neighbour
with the property ``neighbour`` (its id in places.yaml); its geometry a Polygon or MultiPolygon in [lon,
lat]. ``siaga geo import`` writes such a file from what a surveyor gives, and repairs it.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import NoReturn

from ivr.flow.fault import Fault
from routing.geography import Area, Ring
from routing.wording import printable, suggestion

AREAS_FILE = "areas.geojson"
LARGEST = 2_000_000
"""So many characters may the file have: what comes of it is kept in memory."""

_IMPORT = "Buat ulang dengan `siaga geo import`."
_Polygons = tuple[tuple[Ring, ...], ...]


class _Wrong(Exception):
    """What is wrong with one feature, and what to do about it."""

    def __init__(self, what: str, remedy: str = _IMPORT) -> None:
        super().__init__(f"{what} {remedy}")


def read_areas(
    text: str, known: Collection[str], neighbours: Collection[str] | None = None
) -> tuple[tuple[Area, ...], bool, tuple[Fault, ...]]:
    """The areas, whether they are approximate, and what is wrong with them.

    ``known`` are the codes of the kecamatan that places.yaml has; without any, no code is checked.
    ``neighbours`` are the ids of its neighbours; None where they are not to be checked.
    """
    if len(text) > LARGEST:
        message = f"Berkas ini lebih dari {LARGEST // 1_000_000} MB. {_IMPORT}"
        return (), True, (Fault(AREAS_FILE, 1, 1, "areas-size", message),)
    try:
        tree = json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        message = f"Bukan JSON yang utuh. {_IMPORT}"
        return (), True, (Fault(AREAS_FILE, error.lineno, error.colno, "areas-json", message),)
    except (ValueError, RecursionError):
        message = f"JSON ini memuat yang bukan angka, atau bersusun terlalu dalam. {_IMPORT}"
        return (), True, (Fault(AREAS_FILE, 1, 1, "areas-json", message),)
    features = tree.get("features") if isinstance(tree, dict) else None
    if not isinstance(features, list) or tree.get("type") != "FeatureCollection":
        message = f"Isinya bukan FeatureCollection. {_IMPORT}"
        return (), True, (Fault(AREAS_FILE, 1, 1, "areas-json", message),)
    areas: list[Area] = []
    faults: list[Fault] = []
    seen: set[str] = set()
    for number, feature in enumerate(features, 1):
        written: object = ""
        try:
            properties = feature.get("properties") if isinstance(feature, dict) else None
            if not isinstance(properties, dict):
                raise _Wrong("tidak punya `properties`.")
            neighbour = "neighbour" in properties
            written = properties.get("neighbour" if neighbour else "code")
            if not isinstance(written, str) or not written or not written.isprintable():
                raise _Wrong("tidak punya kode (`code`), atau tetangga (`neighbour`).")
            code = written
            if neighbour and neighbours is not None and written not in neighbours:
                raise _Wrong(
                    f"adalah tanah `{written[:40]}`, dan tetangga itu tidak ada di places.yaml.",
                    f"Tambahkan di `neighbours`, atau hapus.{suggestion(written, neighbours)}",
                )
            if not neighbour and known and ".".join(code.split(".")[:3]) not in known:
                raise _Wrong(f"berkode `{code[:40]}`, dan kecamatan itu tidak ada di places.yaml.")
            if not neighbour and code in seen:
                raise _Wrong(f"berkode `{code[:40]}`, dan kode itu sudah ada di atasnya.")
            seen.add(code)
            name = properties.get("name")
            label = printable(name) if isinstance(name, str) else code
            polygons = _polygons(feature.get("geometry"))
            areas.append(Area(code, label, polygons, neighbour))
        except _Wrong as wrong:
            message = f"Wilayah ke-{number} {wrong}"
            faults.append(Fault(AREAS_FILE, _line(text, written), 1, "areas-feature", message))
    return tuple(areas), tree.get("approximate") is not False, tuple(faults)


def _polygons(geometry: object) -> _Polygons:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    coordinates = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if kind == "Polygon":
        coordinates = [coordinates]
    elif kind != "MultiPolygon":
        raise _Wrong("tidak punya bidang (Polygon atau MultiPolygon).")
    if not isinstance(coordinates, list):
        raise _Wrong("tidak punya `coordinates`.")
    try:
        return tuple(tuple(_ring(ring) for ring in polygon) for polygon in coordinates)
    except (TypeError, ValueError, LookupError):
        raise _Wrong("punya titik yang bukan [bujur, lintang].") from None


def _ring(points: list[list[object]]) -> Ring:
    """The ring without the repetition of its first point; raises TypeError, ValueError or LookupError."""
    ring = tuple((_degrees(point[1], 90), _degrees(point[0], 180)) for point in points)
    if len(ring) > 1 and ring[0] == ring[-1]:
        ring = ring[:-1]
    if len(ring) < 3:
        raise ValueError
    return ring


def _degrees(value: object, most: int) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= most:
        raise ValueError
    return float(value)


def _line(text: str, code: object) -> int:
    """The line that names the code; the first, where none does."""
    at = text.find(f'"{code}"') if isinstance(code, str) and code else -1
    return text.count("\n", 0, max(at, 0)) + 1


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)
