"""What the engine asks for, imperative and frozen. A turn: plain actions, one wait or the end."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.flow.prompt import Prompt
from routing.model import Route


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

    ``seconds`` counts from the end of the prompts. ``keys`` are the keys that mean something;
    every other key ends the wait all the same (a wrong key is an answer).
    """

    prompts: tuple[Prompt, ...]
    seconds: float
    max_digits: int = 1
    keys: str = "0123456789*#"


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


Plain = Say | Learn
Wait = Gather | DecideRoute | Dial
Action = Plain | Wait
