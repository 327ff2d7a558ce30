"""What a surveyor's GeoJSON becomes: areas that can be looked up, and sentences of what was mended.

Layers come with their axes swapped, rings left open, polygons nested too deep or not deep enough, an
outer ring inside another. What can be mended without guessing is mended; what cannot is told with its
place. Nothing here reads or writes a file, and sentences are for administrators.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from routing.boundaries import DEGREE_M, Ring, outline, sides, turn
from routing.geography import Area
from routing.wording import printable

CODES = (
    "kdepum",
    "kode_desa",
    "kode_kel",
    "code",
    "kode",
    "kode_kemendagri",
    "kdcpum",
    "kode_kec",
    "id",
)
"""The properties in which a code is looked for, in any case of letters: a desa's before its kecamatan's,
as a layer of desa has both. What is no code, or empty, is passed over."""

DESA_NAMES = ("name", "nama", "namobj", "nama_desa", "nama_kel", "wadmkd", "desa", "kelurahan")
NAMES = ("name", "nama", "namobj", "nama_kec", "wadmkc", "kecamatan")
"""Likewise for the name of a desa, and of a kecamatan."""

DECIMALS = 5
"""A metre; more is not known of a boundary."""

PAIRS = 1_000_000
"""So many pairs of sides are looked at for a ring that crosses itself, and no more."""

POLYGONS = 2_000
"""More than so many are no layer of one kabupaten, and would take minutes to compare."""

_DIGITS = re.compile(r"(\d{2})\.?(\d{2})\.?(\d{2})(?:\.?(\d{4}))?")
_DEEPEST = 6

Polygon = tuple[Ring, ...]


@dataclass(frozen=True, slots=True)
class Surveyed:
    """The areas that came of a layer, what was mended, and what nobody could mend."""

    areas: tuple[Area, ...]
    mended: tuple[str, ...]
    problems: tuple[str, ...]


class _Notes:
    def __init__(self) -> None:
        self.mended: Counter[str] = Counter()
        self.problems: list[str] = []


def survey(
    features: list[object], code: str | None, name: str | None, known: Mapping[str, str]
) -> Surveyed:
    """The areas of a FeatureCollection's features. ``code`` and ``name`` are the properties to read, or
    None to look for them; ``known`` the kecamatan of the deployment, names by code, or nothing.
    Raises ValueError with a sentence where there are more than ``POLYGONS``."""
    notes = _Notes()
    names: dict[str, str] = {}
    polygons: dict[str, list[Polygon]] = {}
    for number, feature in enumerate(features, 1):
        properties = feature.get("properties") if isinstance(feature, dict) else None
        if not isinstance(feature, dict) or not isinstance(properties, dict):
            notes.problems.append(f"Wilayah ke-{number} tidak punya `properties`; dilewati.")
            continue
        found = next(filter(None, map(_code, _written(properties, code, CODES))), None)
        if found is None:
            told = f"`{code}`" if code else "kode wilayah"
            keys = ", ".join(printable(str(key))[:20] for key in list(properties)[:8]) or "kosong"
            message = f"Wilayah ke-{number} tidak punya {told}; dilewati. Isinya: {keys}."
            notes.problems.append(message)
            continue
        if known and found[:8] not in known:
            notes.problems.append(f"Kode {found} tidak ada di places.yaml; dilewati.")
            continue
        usual = DESA_NAMES if len(found) > 8 else NAMES
        labels = (printable(str(one))[:60] for one in _written(properties, name, usual) if one)
        names.setdefault(found, next(filter(None, labels), known.get(found, found)))
        if found in polygons:
            notes.mended["digabung karena kodenya sama"] += 1
        polygons.setdefault(found, []).extend(_polygons(feature, found, notes))
    count = sum(map(len, polygons.values()))
    if count > POLYGONS:
        raise ValueError(
            f"Ada {count} bidang, paling banyak {POLYGONS}. Gabungkan pulau-pulau kecil dulu."
        )
    areas: list[Area] = []
    for one, several in sorted(polygons.items()):
        kept = _without_nested(several, one, notes)
        if kept:
            areas.append(Area(one, names[one], tuple(kept)))
        else:
            notes.problems.append(f"{one} {names[one]} tidak punya bidang yang dapat dipakai.")
    covered = {area.code[:8] for area in areas}
    for missing in sorted(known.keys() - covered):
        notes.problems.append(f"{missing} {known[missing]} tidak ada di berkas ini.")
    mended = (f"{count} kali: {what}." for what, count in notes.mended.items())
    return Surveyed(tuple(areas), tuple(mended), tuple(notes.problems))


def _written(
    properties: Mapping[object, object], asked: str | None, usual: tuple[str, ...]
) -> list[object]:
    """What stands in the property that is asked for, or in the usual ones, in their order."""
    lower = {str(key).lower(): value for key, value in properties.items()}
    return [lower[key] for key in ((asked.lower(),) if asked else usual) if key in lower]


def _code(value: object) -> str | None:
    """14.03.09 or 14.03.09.1001, with or without its dots."""
    text = str(value).strip() if isinstance(value, str | int) else ""
    match = _DIGITS.fullmatch(text)
    return ".".join(part for part in match.groups() if part) if match else None


def _polygons(feature: Mapping[str, object], code: str, notes: _Notes) -> list[Polygon]:
    geometry = feature.get("geometry")
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    coordinates = geometry.get("coordinates") if isinstance(geometry, dict) else None
    found = list(_nested(coordinates, 0))
    if any(depth != (2 if kind == "MultiPolygon" else 1) for depth, _ in found):
        notes.mended["susunan titik tidak cocok dengan jenis bidangnya"] += 1
    plain = [[_numbers(ring) for ring in rings] for _, rings in found]
    points = [point for rings in plain for ring in rings for point in ring]
    swapped = sum(_in_indonesia(y, x) for x, y in points)
    right = sum(_in_indonesia(x, y) for x, y in points)
    if points and max(swapped, right) < len(points) / 2:
        message = (
            f"{code}: titiknya bukan bujur dan lintang di Indonesia, misalnya {points[0]}; dilewati. "
            "Ubah dulu ke WGS 84 (EPSG:4326)."
        )
        notes.problems.append(message)
        return []
    if swapped > right:
        notes.mended["lintang dan bujur tertukar"] += 1
        plain = [[[(y, x) for x, y in ring] for ring in rings] for rings in plain]
    polygons: list[Polygon] = []
    for rings in plain:
        kept = [_ring(ring, code, notes) for ring in rings]
        if kept and kept[0]:
            holes = [_turned(ring, False, notes) for ring in kept[1:] if ring]
            polygons.append((_turned(kept[0], True, notes), *holes))
    return polygons


def _nested(tree: object, depth: int) -> Iterator[tuple[int, list[list[object]]]]:
    """The polygons, lists of rings, at whatever depth they lie, with that depth."""
    if not isinstance(tree, list) or not tree or depth > _DEEPEST:
        return
    if _is_ring(tree):
        yield depth, [tree]
    elif _is_ring(tree[0]):
        yield depth + 1, [ring for ring in tree if _is_ring(ring)]
    else:
        for part in tree:
            yield from _nested(part, depth + 1)


def _is_ring(tree: object) -> bool:
    return isinstance(tree, list) and bool(tree) and _is_point(tree[0])


def _is_point(tree: object) -> bool:
    return (
        isinstance(tree, list)
        and len(tree) >= 2
        and all(isinstance(value, int | float) and abs(value) < 1e9 for value in tree[:2])
    )


def _numbers(ring: list[object]) -> list[tuple[float, float]]:
    """The points of a ring as they are written, without heights and what is no point."""
    return [
        (float(point[0]), float(point[1]))
        for point in ring
        if isinstance(point, list) and _is_point(point)
    ]


def _in_indonesia(lon: float, lat: float) -> bool:
    return 95 <= lon <= 141 and -11 <= lat <= 6


def _ring(points: list[tuple[float, float]], code: str, notes: _Notes) -> Ring:
    """The ring as (lat, lon) without repetitions; empty where it has no surface."""
    if points[:1] != points[-1:]:
        notes.mended["garis batas tidak ditutup"] += 1
    ring: list[tuple[float, float]] = []
    for lon, lat in points:
        point = round(lat, DECIMALS), round(lon, DECIMALS)
        if not ring or point != ring[-1]:
            ring.append(point)
    while len(ring) > 1 and ring[0] == ring[-1]:
        ring.pop()
    whole = tuple(ring)
    if len(whole) < 3 or turn(whole) == 0:
        notes.mended["garis tanpa luas dibuang"] += 1
        return ()
    at = crossing(whole)
    if at is not None:
        message = (
            f"{code}: garis batasnya memotong dirinya sendiri di dekat {at[0]:.4f},{at[1]:.4f}. "
            "Dipakai apa adanya; perbaiki di sumbernya."
        )
        notes.problems.append(message)
    return whole


def _turned(ring: Ring, outer: bool, notes: _Notes) -> Ring:
    """RFC 7946 has outer rings run against the clock, and holes with it."""
    if (turn(ring) > 0) == outer:
        return ring
    notes.mended["arah garis batas dibalik"] += 1
    return ring[::-1]


def _without_nested(polygons: list[Polygon], code: str, notes: _Notes) -> list[Polygon]:
    """Without those whose outer ring lies wholly in another polygon: they add nothing to it."""
    outlines = [outline(polygon) for polygon in polygons]
    kept: list[Polygon] = []
    for number, polygon in enumerate(polygons):
        around = outlines[number]
        within = (
            other.south <= around.south
            and other.west <= around.west
            and around.north <= other.north
            and around.east <= other.east
            and all(other.holds(lat, lon) for lat, lon in polygon[0])
            for place, other in enumerate(outlines)
            if place != number
        )
        if polygon in polygons[:number] or any(within):
            lat, lon = polygon[0][0]
            where = f"di dekat {lat:.4f},{lon:.4f}"
            message = f"{code}: satu bidang terletak di dalam bidang lain {where}; dibuang."
            notes.problems.append(message)
        else:
            kept.append(polygon)
    return kept


def crossing(ring: Ring) -> tuple[float, float] | None:
    """Where a ring crosses itself, if it does and ``PAIRS`` pairs of sides are enough to tell."""
    ends = list(sides(ring))
    order = sorted(range(len(ends)), key=lambda number: min(ends[number][0][0], ends[number][1][0]))
    looked = 0
    for position, number in enumerate(order):
        one = ends[number]
        top = max(one[0][0], one[1][0])
        for other_number in order[position + 1 :]:
            other = ends[other_number]
            if min(other[0][0], other[1][0]) > top:
                break
            looked += 1
            if looked > PAIRS:
                return None
            if _cross(*one, *other):
                return one[0]
    return None


def _cross(
    a: tuple[float, float], b: tuple[float, float], c: tuple[float, float], d: tuple[float, float]
) -> bool:
    """Whether two sides cut through each other; touching is no crossing."""
    if max(a[1], b[1]) < min(c[1], d[1]) or max(c[1], d[1]) < min(a[1], b[1]):
        return False
    return (_side(a, b, c) * _side(a, b, d) < 0) and (_side(c, d, a) * _side(c, d, b) < 0)


def _side(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    """Left of the line above 0, right of it below; as near as a hand's breadth is on it."""
    turn = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return 0.0 if abs(turn) < 1e-12 else turn


def seams(
    areas: tuple[Area, ...], lines: int = 800, widest_m: float = 1000.0
) -> tuple[list[str], float]:
    """Where two areas overlap or leave a gap of at most ``widest_m`` between them, in sentences, the
    largest first, and how far apart (metres) the lines lie that were looked along."""
    found: dict[tuple[str, str, str], list[float]] = {}
    apart = 0.0
    for turned in (False, True):
        sheets = [
            (area, outline([_flipped(ring) if turned else ring for ring in polygon]))
            for area in areas
            for polygon in area.polygons
        ]
        if not sheets:
            return [], 0.0
        south, north = min(s.south for _, s in sheets), max(s.north for _, s in sheets)
        step = (north - south) / lines
        apart = max(apart, step * DEGREE_M)
        here: dict[tuple[str, str, str], list[float]] = {}
        for line in range(lines):
            at = south + (line + 0.5) * step
            stretches: list[tuple[float, float, Area]] = []
            for area, sheet in sheets:
                spans = sheet.spans(at)
                stretches += [(s, e, area) for s, e in zip(spans[::2], spans[1::2], strict=True)]
            stretches.sort(key=lambda one: one[:2])
            for (_, end, one), (begin, end2, other) in itertools.pairwise(stretches):
                if one.code == other.code:
                    continue
                kind = "Celah" if begin > end else "Tumpang tindih"
                wide = begin - end if begin > end else min(end, end2) - begin
                if wide <= 0 or (begin > end and wide * DEGREE_M > widest_m):
                    continue
                first, second = sorted((one.code, other.code))
                entry = here.setdefault((kind, first, second), [0.0, 0.0, 0.0, 0.0])
                entry[0] += wide * step * (DEGREE_M / 1000) ** 2
                if wide > entry[1]:
                    middle = begin - wide / 2 if begin > end else begin + wide / 2
                    entry[1:] = [wide, *((middle, at) if turned else (at, middle))]
        for key, entry in here.items():
            if entry[0] > found.get(key, [0.0])[0]:
                found[key] = entry
    named = {area.code: area.name for area in areas}
    ordered = sorted(found.items(), key=lambda one: -one[1][0])
    sentences = [
        f"{kind} sekitar {entry[0]:.2f} km² antara {named[one]} ({one}) dan {named[other]} ({other}), "
        f"paling lebar di dekat {entry[2]:.4f},{entry[3]:.4f}."
        for (kind, one, other), entry in ordered
        if entry[0] >= 0.01
    ]
    return sentences, apart


def _flipped(ring: Ring) -> Ring:
    return tuple((lon, lat) for lat, lon in ring)
