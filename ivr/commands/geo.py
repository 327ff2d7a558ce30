"""``geo import``: a surveyor's layer becomes the areas.geojson of a deployment."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ivr.deployment import read
from ivr.flow.areas_file import AREAS_FILE, LARGEST, read_areas
from ivr.flow.loader import load
from routing.boundaries import Ring
from routing.geography import Area
from routing.survey import seams, survey

LARGEST_LAYER = 20_000_000
"""So many bytes may a layer have; it is read whole."""

MOST_SEAMS = 20


class LayerUnusable(Exception):
    """The layer cannot become areas; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What was written where."""

    path: Path
    areas: tuple[Area, ...]


def import_layer(
    layer: Path,
    folder: Path,
    *,
    code: str | None,
    name: str | None,
    official: bool,
    tell: Callable[[str], None],
) -> Imported:
    """Read, mend and write; raises LayerUnusable, or DeploymentMissing where there is no such folder.

    The land of neighbours that the folder's areas.geojson has already is kept.
    """
    features = _features(layer)
    before = read(folder).files
    directory = load({file: text for file, text in before.items() if file != AREAS_FILE}).directory
    known = {place.code: place.name for place in directory.places.values()} if directory else {}
    if not known:
        tell("places.yaml tidak terbaca, jadi kode wilayah tidak diperiksa.")
    try:
        surveyed = survey(features, code, name, known)
    except ValueError as error:
        raise LayerUnusable(str(error)) from None
    for sentence in (*surveyed.mended, *surveyed.problems):
        tell(sentence)
    if not surveyed.areas:
        raise LayerUnusable(
            f"Tidak ada wilayah yang dapat dipakai di {layer}. Sebut nama kolomnya dengan --code dan --name."
        )
    neighbours = [
        area for area in read_areas(before.get(AREAS_FILE, "{}"), ())[0] if area.neighbour
    ]
    text = written((*surveyed.areas, *neighbours), approximate=not official, source=layer.name)
    if len(text) > LARGEST:
        raise LayerUnusable(
            f"Hasilnya {len(text) / 1e6:.1f} MB, terlalu rinci (paling besar {LARGEST // 1_000_000} MB). "
            "Sederhanakan dulu garisnya, misalnya ke 20 meter di QGIS."
        )
    found, apart = seams(surveyed.areas)
    for sentence in found[:MOST_SEAMS]:
        tell(sentence)
    tell(
        f"{len(found)} celah atau tumpang tindih; diperiksa sepanjang garis tiap {apart:.0f} meter."
    )
    path = folder / AREAS_FILE
    _replace(path, text)
    return Imported(path, surveyed.areas)


def written(areas: tuple[Area, ...], *, approximate: bool, source: str) -> str:
    """The file, one area a line, so that a change of one is one line's change."""
    head = json.dumps({"approximate": approximate, "source": source}, ensure_ascii=False)
    lines = ",\n".join(_line(area) for area in areas)
    return f'{{"type": "FeatureCollection", {head[1:-1]}, "features": [\n{lines}\n]}}\n'


def _line(area: Area) -> str:
    coordinates = [[_closed(ring) for ring in polygon] for polygon in area.polygons]
    single = len(coordinates) == 1
    feature = {
        "type": "Feature",
        "properties": {"neighbour" if area.neighbour else "code": area.code, "name": area.name},
        "geometry": {
            "type": "Polygon" if single else "MultiPolygon",
            "coordinates": coordinates[0] if single else coordinates,
        },
    }
    return json.dumps(feature, ensure_ascii=False, separators=(",", ":"))


def _closed(ring: Ring) -> list[list[float]]:
    return [[round(lon, 5), round(lat, 5)] for lat, lon in (*ring, ring[0])]


def _features(layer: Path) -> list[object]:
    try:
        size = layer.stat().st_size
        if size > LARGEST_LAYER:
            raise LayerUnusable(
                f"{layer} besarnya {size / 1e6:.0f} MB, lebih dari {LARGEST_LAYER // 1_000_000} MB. "
                "Potong ke kabupaten ini dan sederhanakan garisnya dulu, misalnya di QGIS."
            )
        tree = json.loads(layer.read_bytes())
    except FileNotFoundError:
        raise LayerUnusable(f"Berkas {layer} tidak ada.") from None
    except OSError as error:
        raise LayerUnusable(f"Berkas {layer} tidak terbaca: {error.strerror}.") from None
    except json.JSONDecodeError as error:
        raise LayerUnusable(f"{layer} baris {error.lineno}: bukan JSON yang utuh.") from None
    except (ValueError, RecursionError):
        raise LayerUnusable(f"{layer} bukan teks JSON yang dapat dibaca.") from None
    features = tree.get("features") if isinstance(tree, dict) else None
    if not isinstance(features, list):
        raise LayerUnusable(
            f"{layer} bukan FeatureCollection GeoJSON. Di QGIS: simpan lapisan sebagai GeoJSON."
        )
    return features


def _replace(path: Path, text: str) -> None:
    """Whoever reads meanwhile sees the old file or the new one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
