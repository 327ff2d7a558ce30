"""What may be said at a question, and what was made of what a caller said there.

A vocabulary is all that a recogniser needs to know of a dialplan; what it heard comes back as values
of that vocabulary. What follows from it is the engine's to say. Confidence is calibrated by whoever
gives it: a chance, not a score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SURE = 0.85
"""From here on what was heard is acted on unasked: of 200 such at most one is wrong."""

ENOUGH = 0.5
"""From here on a yes, a no and a cry for help count, which nobody is asked about again; and a place is
worth a question that was said beside something else."""

UNSURE = 0.25
"""From here on the caller is asked whether it is right: a question costs a few seconds, and a caller who
was not understood costs more. Under it nothing was understood."""


ANSWER_S = 3.0
"""An answer that is not there so long after the last moment of its question is not waited for."""

SPEAKING_S = 8.0
"""So much of a question's time may go by in noise that is taken for speech."""

LISTENED_S = SPEAKING_S + ANSWER_S
"""So much later than where nobody listens may a question be answered, by a word or after one by a key."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Some words, in small letters as one says them, and the value that they stand for."""

    text: str
    value: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What may be said now.

    ``options`` stand for keys: one ("1"), or one after the other through several menus ("52"); "0" is
    the operator. ``places`` stand for a kecamatan or desa ("14.03.09", "14.03.02.2007"), or for the key
    of an area ("area:1"). Up to ``digits`` digits may be said one by one or as numbers; with it, the
    value of what was heard is those digits.
    """

    kind: Literal["menu", "place", "yes_no", "digits"]
    options: tuple[Phrase, ...] = ()
    places: tuple[Phrase, ...] = ()
    digits: int = 0


@dataclass(frozen=True, slots=True)
class Possible:
    """Another value it may have been, of options or places alike."""

    value: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Heard:
    """Somebody spoke, and this was understood.

    ``text`` is what the engine wrote down, for people to read. ``option`` is empty where nothing in it
    was an option, ``place`` where nothing was a place; with both empty it was speech, but no word of
    the vocabulary. Alternatives are in order, the likeliest first.
    """

    text: str
    option: str = ""
    confidence: float = 0.0
    place: str = ""
    place_confidence: float = 0.0
    alternatives: tuple[Possible, ...] = ()
    engine: str = ""


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nobody said anything that counts, or nobody could listen; the keys go on.

    ``reason`` is silence (nobody spoke), noise (no speech, or too loud around it), busy (no room for
    another utterance), late (no answer in time) or failed (an engine fell).
    """

    reason: Literal["silence", "noise", "busy", "late", "failed"]
    text: str = ""
