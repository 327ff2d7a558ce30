"""How likely a score is right: fitted, three constants a kind, and bounded where a line is noisy. Pure.

How they were fitted: 548 answers of Whisper-base to 428 synthetic utterances of words, sentences, places,
digits, yes and no, and of 50 sentences that ask for nothing, by four neural voices that speak no prompt,
8 kHz mu-law, clean and with babble and pink noise 20, 10 and 5 dB under them; logistic regression of
"this value was said" on the score and on the margin. Then each first constant was lowered (by 0.4 to 0.8)
until none that was wrong in clean speech reached SURE, because people are heard in other ways than voices
of a machine, and a wrong agency costs more than a question.
"""

from __future__ import annotations

import math
from typing import Literal

from ivr.flow.spoken import SURE

Kind = Literal["menu", "place", "yes_no", "digits"]

NOISY_DB = 20
"""Where loud frames stand less over quiet ones than this, nothing is ever sure."""

_FITTED: dict[Kind, tuple[float, float, float]] = {
    "menu": (-8.15, 9.05, 12.1),
    "place": (-8.15, 9.05, 12.1),
    "yes_no": (-3.4, 4.0, 5.6),  # two answers only: the margin says less
    "digits": (-4.0, 6.2, 5.0),
}
_MOST_MARGIN = 0.4

_OPENING_S, _LETTER_S = 0.55, 0.09
_A_SECOND_OF_TIME, _LEAST_GAIN, _MOST_GAIN, _MOST_LOSS = 4.0, 0.6, 1.0, 2.0
"""Whoever answers yes or no says little else. Of 76 such answers by neural voices none lasted longer than
its words need by this; of 125 other sentences 88 were too long even for "ya betul". So brevity speaks for
an answer, and length against it."""


def chance(kind: Kind, score: float, margin: float, spread_db: float) -> float:
    """That the value with this score, so much before the next value, is what was said: 0 to 1."""
    return _bounded(_likely(_odds(kind, score, margin)), spread_db)


def answered(
    kind: Kind, score: float, margin: float, spread_db: float, *, seconds: float, words: str
) -> float:
    """The same of an answer in these words, after so many seconds of voice.

    A yes and a no are believed by it and doubted. At other questions many answers are sentences, so it
    counts for a word alone; and what the constants were lowered by is given back as far as asking goes:
    what is asked about is not acted on.
    """
    odds = _odds(kind, score, margin)
    spare = _OPENING_S + _LETTER_S * len(words.replace(" ", "")) - seconds
    brevity = max(-_MOST_LOSS, min(_A_SECOND_OF_TIME * spare, _MOST_GAIN))
    if kind == "yes_no":
        return _bounded(_likely(odds + brevity), spread_db)
    worth_asking = min(_likely(odds + max(brevity, _LEAST_GAIN)), SURE - 0.01)
    return _bounded(max(_likely(odds), worth_asking), spread_db)


def _odds(kind: Kind, score: float, margin: float) -> float:
    first, of_score, of_margin = _FITTED[kind]
    return first + of_score * score + of_margin * min(margin, _MOST_MARGIN)


def _likely(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def vosk(word_chance: float, nearness: float, spread_db: float) -> float:
    """The same of Vosk, whose chances were measured with no Indonesian model: so it is doubted a little."""
    return _bounded(word_chance * nearness * 0.95, spread_db)


def _bounded(chance: float, spread_db: float) -> float:
    return round(chance if spread_db >= NOISY_DB else min(chance, SURE - 0.01), 3)
