"""How likely a score is right: fitted, a few constants, and bounded where a line is noisy. Pure."""

from __future__ import annotations

import math

from ivr.flow.spoken import SURE

NOISY_DB = 20
"""Where loud frames stand less over quiet ones than this, nothing is ever sure."""


def chance(kind: str, score: float, margin: float, spread_db: float) -> float:
    """That the value with this score, so much before the next value, is what was said: 0 to 1."""
    found = 1 / (1 + math.exp(-(-13 + 14 * score + 8 * min(margin, 0.4))))
    return round(found if spread_db >= NOISY_DB else min(found, SURE - 0.01), 3)


def vosk(word_chance: float, nearness: float, spread_db: float) -> float:
    """The same of Vosk, whose chances were measured with no Indonesian model: so it is doubted a little."""
    found = word_chance * nearness * 0.95
    return round(found if spread_db >= NOISY_DB else min(found, SURE - 0.01), 3)
