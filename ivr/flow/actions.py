"""What the engine asks for, imperative and frozen. A turn: plain actions, one wait or the end."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.flow.prompt import Prompt
from ivr.flow.spoken import Vocabulary
from routing.model import Route

FINISH = "#"
"""Ends an input of several digits, as on every telephone."""


@dataclass(frozen=True, slots=True)
class Say:
    """Plain: play these prompts, one after the other. A key pressed meanwhile is kept, not lost."""

    prompts: tuple[Prompt, ...]


@dataclass(frozen=True, slots=True)
class Learn:
    """Plain: a fact for the record and for channel variables, so that no net asks again.

    ``told`` is all that is known with it, as a person is told who takes the caller now.
    """

    name: str  # incident | place
    value: str
    told: tuple[Prompt, ...] = ()


@dataclass(frozen=True, slots=True)
class Gather:
    """Wait: play, and listen from the first syllable on. Answered by DigitsEntered or NoInput.

    ``seconds`` counts from the end of the prompts, and anew from each key where several are wanted.
    ``keys`` are the keys that mean something; every other key ends the wait all the same (a wrong key
    is an answer). With ``max_digits`` over 1, ``#`` ends the input and is no part of it.

    ``fresh``: the answer depends on what is said here. A key pressed before it, or during its first
    prompt, was meant for something else and is dropped, unless it is ``0``.

    ``vocabulary`` is what the caller may say instead; None where nobody listens. Keys count all the
    while, and whichever comes first is the answer (SpeechHeard). With ``bargein`` speech stops the
    prompts; without it nobody listens before they have ended.
    """

    prompts: tuple[Prompt, ...]
    seconds: float
    max_digits: int = 1
    keys: str = "0123456789*#"
    fresh: bool = False
    vocabulary: Vocabulary | None = None
    bargein: bool = True


@dataclass(frozen=True, slots=True)
class Record:
    """Wait: play, then record what the caller says, under the name of the step.

    Ends after ``seconds``, after ``silence_s`` without a voice, or with a key. Answered by Recorded,
    by NoInput where nothing was said, or by DigitsEntered for a key that means something everywhere.
    """

    name: str
    prompts: tuple[Prompt, ...]
    seconds: float
    silence_s: float = 3.0


@dataclass(frozen=True, slots=True)
class LookAtQueue:
    """Wait: how busy are the operators? Answered by QueueSeen at once."""


@dataclass(frozen=True, slots=True)
class DecideRoute:
    """Wait: ask routing. Answered by RouteDecided. ``confidence`` is that of the place."""

    incident: str | None
    place: str | None
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Dial:
    """Wait: ring these targets in order, whispering to whoever answers. Answered by DialEnded.

    The last route is the operator; a platform that loses the engine walks the list by itself, for
    ``budget_s`` at most. Routes marked ``together`` ring with the one before them.
    """

    routes: tuple[Route, ...]
    whisper: tuple[Prompt, ...]
    budget_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Notify:
    """Plain: let these agencies know of the call, without ringing anybody."""

    agencies: tuple[str, ...]


Plain = Say | Learn | Notify
Wait = Gather | Record | LookAtQueue | DecideRoute | Dial
Action = Plain | Wait
