"""``cells import``: make the table that tells where mobile cells are heard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ivr.calls.published import load
from ivr.config import Config
from ivr.location.cells import FILE
from ivr.location.opencellid import Imported, NoCells, import_cells, surroundings

__all__ = ["Imported", "NoCells", "describe", "read_in"]


def read_in(config: Config, source: Path, tell: Callable[[str], None]) -> Imported:
    """Import the file for this deployment, telling how far it is.

    Raises NoCells with a sentence, OSError, and what loading the deployment raises.
    """
    areas = load(config).geography.areas
    rings = [ring for area in areas for polygon in area.polygons for ring in polygon]
    box = surroundings(corner for ring in rings for corner in ring)
    if box is None:
        raise NoCells(
            "Daerah ini belum punya batas dan places.yaml belum memberi satu titik pun (points), jadi "
            "tidak diketahui sel mana yang dekat. Tambahkan points, lalu ulangi."
        )
    return import_cells(
        source,
        config.home / FILE,
        box,
        lambda done: tell(
            f"{_count(done.lines)} baris dibaca, {_count(done.kept)} sel dekat daerah ini …"
        ),
    )


def describe(done: Imported) -> str:
    """What became of the lines, for a person."""
    said = [
        f"{_count(done.kept)} sel tersimpan dan langsung dipakai; "
        f"{_count(done.outside)} sel lain terlalu jauh dari daerah ini."
    ]
    if done.bad:
        lines = ", ".join(map(str, done.first_bad))
        more = ", …" if done.bad > len(done.first_bad) else ""
        said.append(f"{_count(done.bad)} baris tidak terbaca dan dilewati: baris {lines}{more}")
    return "\n".join(said)


def _count(number: int) -> str:
    """12.689, as it is written in Indonesian."""
    return f"{number:,}".replace(",", ".")
