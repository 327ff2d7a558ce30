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
from routing.wording import printable

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
    approximate: bool


def import_layer(
    layer: Path,
    folder: Path,
    *,
    code: str | None,
    name: str | None,
    official: bool,
    partial: bool,
    tell: Callable[[str], None],
) -> Imported:
    """Read, mend and write; raises LayerUnusable, or DeploymentMissing where there is no such folder.

    The land of neighbours that the folder's areas.geojson has already is kept. A layer without one of
    our kecamatan is refused, unless it is ``partial``: then those that it lacks are kept as well.
    """
    features = _features(layer)
    path = folder / AREAS_FILE
    before = read(folder).files
    old, old_approximate = _old(path, before.get(AREAS_FILE))
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
    covered = {area.code[:8] for area in surveyed.areas}
    wanted = known or {area.code[:8]: area.name for area in old if not area.neighbour}
    missing = [f"{label} ({one})" for one, label in sorted(wanted.items()) if one not in covered]
    if missing and not partial:
        raise LayerUnusable(
            f"Di {layer} tidak ada wilayah untuk {', '.join(missing)}. Lengkapi lapisannya, atau "
            "tambahkan --partial bila peta lama boleh tetap dipakai untuk kecamatan itu."
        )
    lacking = wanted.keys() - covered
    kept = [area for area in old if not area.neighbour and area.code[:8] in lacking]
    if kept:
        tell(f"{len(kept)} wilayah dari peta lama tetap dipakai.")
    approximate = not official or (bool(kept) and old_approximate)
    if official and approximate:
        tell("Karena yang lama itu perkiraan, peta ini masih perkiraan.")
    ours = (*surveyed.areas, *kept)
    neighbours = [area for area in old if area.neighbour]
    text = written((*ours, *neighbours), approximate=approximate, source=printable(layer.name))
    if len(text) > LARGEST:
        raise LayerUnusable(
            f"Hasilnya {len(text) / 1e6:.1f} MB, terlalu rinci (paling besar {LARGEST // 1_000_000} MB). "
            "Sederhanakan dulu garisnya, misalnya ke 20 meter di QGIS."
        )
    found, apart = seams(ours)
    for sentence in found[:MOST_SEAMS]:
        tell(sentence)
    tell(
        f"{len(found)} celah atau tumpang tindih; diperiksa sepanjang garis tiap {apart:.0f} meter."
    )
    _replace(path.resolve(), text)
    return Imported(path, surveyed.areas, approximate)


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


def _old(path: Path, text: str | None) -> tuple[tuple[Area, ...], bool]:
    """The areas that are there already, and whether they are approximate."""
    if text is None:
        return (), True
    areas, approximate, faults = read_areas(text, ())
    if faults:
        raise LayerUnusable(
            f"{path} baris {faults[0].line}: {faults[0].message} Peta lama itu memuat tanah tetangga, yang "
            "dipertahankan. Perbaiki dulu, atau pindahkan berkas itu bila tidak diperlukan lagi."
        )
    return areas, approximate


def _features(layer: Path) -> list[object]:
    try:
        size = layer.stat().st_size
        if not layer.is_file():
            raise LayerUnusable(f"{layer} bukan berkas.")
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
