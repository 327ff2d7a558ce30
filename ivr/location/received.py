"""Text of a stranger, made fit to keep and to compute with. Nothing here raises for what it is given."""

from __future__ import annotations

import math
import re

MOST_KEPT = 2048  # bytes of UTF-8
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{0,20})?(?:[eE][+-]?[0-9]{1,3})?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def kept(text: str, most: int = MOST_KEPT) -> str:
    """What is kept of it: at most ``most`` bytes of UTF-8, and a "?" for what no record can hold
    or no screen should obey (control characters, halves of characters)."""
    fit = _CONTROL.sub("?", text[:most])
    return fit.encode()[:most].decode(errors="ignore")


def number(text: str | None, least: float = -math.inf, most: float = math.inf) -> float | None:
    """A finite number from ``least`` to ``most``, both included; None for anything else."""
    if text is None or len(text) > 64 or not _NUMBER.fullmatch(text.strip()):
        return None
    value = float(text)
    return value if math.isfinite(value) and least <= value <= most else None


def point(lat: str | None, lon: str | None) -> tuple[float, float] | None:
    """A (lat, lon) on Earth. Exactly 0, 0 is what devices say that know nothing."""
    told = number(lat, -90, 90), number(lon, -180, 180)
    if told[0] is None or told[1] is None or told == (0.0, 0.0):
        return None
    return told[0], told[1]
