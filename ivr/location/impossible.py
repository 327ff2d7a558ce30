"""Whether the location that came in an INVITE cannot be one, so that agencies are better not told it.

What we cannot place may still be a place to others: a street, a location by reference, a point on no map of
ours. Those travel on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ivr.location.pidf import Pairs, pairs
from ivr.location.received import number, point
from ivr.location.source import PIDF, PIDF_FORMAT

_UNFINISHED = re.compile(r'\s*\w{0,32}(?:=(?:"[^"]*)?)?')
"""How a text of pairs may end that was cut."""


def is_impossible(signalling: Mapping[str, str]) -> bool:
    """It tells a position that is nowhere on Earth, or does not read as pairs although nothing was cut."""
    text = signalling.get(PIDF, "").strip()
    by_reference = signalling.get(PIDF_FORMAT, "").strip().lower() == "uri"
    if not text or by_reference or text.startswith("URI="):
        return False
    fields = _read(text)
    return fields is None or not all(_on_earth(position) for position in _positions(fields))


def _read(text: str) -> Pairs | None:
    """The pairs of a text, of one that was cut those before the cut; None where it is anything else."""
    fields = pairs(text)
    if fields is not None:
        return fields
    end = text.rfind('",') + 2 if '",' in text else 0
    return pairs(text[:end]) if _UNFINISHED.fullmatch(text, end) else None


def _positions(fields: Pairs) -> Iterator[list[str]]:
    """The numbers of each position; of a list that does not come out even, the last has too few."""
    each = 3 if fields.get("crs") == ["3d"] else 2
    for position in fields.get("pos", ()):
        yield position.split()
    for name in ("posList", "pos_list"):
        for positions in fields.get(name, ()):
            numbers = positions.split()
            yield from (numbers[at : at + each] for at in range(0, len(numbers), each))


def _on_earth(numbers: list[str]) -> bool:
    if len(numbers) not in (2, 3) or number(numbers[-1]) is None:
        return False
    return point(numbers[0], numbers[1]) is not None
