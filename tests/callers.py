"""Callers who are simulated against the engine alone, with a clock that counts what they hear.

The clock knows nothing of ``check``: it adds the sentences of every turn and the time that a question
stays open, as a platform lets it pass. Times are seconds after the call was answered, up to the moment
at which the dialogue rings somebody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from small_deployment import offered

from ivr.flow.actions import DecideRoute, Dial, Gather, Say
from ivr.flow.engine import advance, begin
from ivr.flow.events import (
    DigitsEntered,
    Event,
    LocationLearned,
    NoInput,
    RouteDecided,
    SpeechHeard,
)
from ivr.flow.heard import understood
from ivr.flow.model import OPERATOR_ROUTE, Dialplan, Turn
from ivr.flow.prompt import Prompt
from ivr.flow.spoken import LISTENED_S
from ivr.flow.transcript import NOT_SURELY
from routing.model import Location

Length = Callable[[Prompt], float]
"""How long a sentence takes to hear, in seconds."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller does at a question. ``keys`` are empty for silence; ``moment`` is when, as a share
    of all the time there is (1: at the last moment, which for silence is the only one). Where ``phone``
    names a kecamatan, his phone is found there instead, at the last moment. With ``said`` he speaks
    instead; where nobody listens that is silence. ``sure`` is whether he is heard surely."""

    keys: str = ""
    moment: float = 1.0
    phone: str = ""
    said: str = ""
    sure: bool = True


def heard(turn: Turn, length: Length) -> float:
    """The seconds of a turn's plain sentences."""
    return sum(length(p) for a in turn.actions if isinstance(a, Say) for p in a.prompts)


def open_for(wait: Gather, answer: Answer, length: Length) -> float:
    """The seconds that a question takes which is answered so.

    Every digit has the whole wait again; who gives fewer than he may lets one more wait pass. Where
    somebody listens, what is said, or a noise that sounds like it, takes as long as it can beside that.
    """
    asked = sum(length(prompt) for prompt in wait.prompts)
    asked += LISTENED_S if wait.vocabulary is not None else 0.0
    waits = min(len(answer.keys) + 1, wait.max_digits) if answer.keys else 1
    spoken = answer.said and wait.vocabulary is not None
    moment = answer.moment if answer.keys or spoken else 1.0
    return moment * (asked + waits * wait.seconds)


def on_to_a_question(dialplan: Dialplan, turn: Turn, length: Length) -> tuple[Turn, float]:
    """The turn that asks the caller something or rings somebody, and the seconds until it does so.

    Routing answers at once, with the operator: whom it names changes nothing in what was heard before.
    """
    seconds = heard(turn, length)
    while isinstance(turn.state.waiting, DecideRoute):
        turn = advance(dialplan, turn.state, RouteDecided((OPERATOR_ROUTE,), ()))
        seconds += heard(turn, length)
    return turn, seconds


def start(dialplan: Dialplan, length: Length) -> tuple[Turn, float]:
    """The first question of a call, and the seconds until it is asked."""
    return on_to_a_question(dialplan, begin(dialplan, offered()), length)


def follow(dialplan: Dialplan, turn: Turn, answer: Answer, length: Length) -> tuple[Turn, float]:
    """The next question after an answer, and the seconds from the one to the other."""
    if answer.phone and (found := located(dialplan, turn, answer.phone, length)) is not None:
        return found
    wait = turn.state.waiting
    assert isinstance(wait, Gather)
    event: Event = DigitsEntered(answer.keys) if answer.keys else NoInput()
    if answer.said and wait.vocabulary is not None:
        confidence = 1.0 if answer.sure else NOT_SURELY
        event = SpeechHeard(understood(wait.vocabulary, answer.said, confidence))
    following, seconds = on_to_a_question(dialplan, advance(dialplan, turn.state, event), length)
    return following, open_for(wait, answer, length) + seconds


def located(
    dialplan: Dialplan, turn: Turn, kecamatan: str, length: Length
) -> tuple[Turn, float] | None:
    """The next question where the phone is found in a kecamatan at the last moment of one, not for
    sure; None where the question stays as it is."""
    wait = turn.state.waiting
    assert isinstance(wait, Gather)
    code = next((code for code, name in dialplan.places.names.items() if name == kecamatan), None)
    learned = LocationLearned(Location("phone", code=code, confidence=0.6))
    following = advance(dialplan, turn.state, learned)
    if following.state.waiting == wait:
        return None
    following, seconds = on_to_a_question(dialplan, following, length)
    return following, open_for(wait, Answer(), length) + seconds


def call(dialplan: Dialplan, answers: Iterator[Answer], length: Length) -> float:
    """A whole dialogue: the seconds until somebody is rung."""
    turn, seconds = start(dialplan, length)
    while not isinstance(turn.state.waiting, Dial):
        turn, more = follow(dialplan, turn, next(answers), length)
        seconds += more
    return seconds


UNKNOWN = "xyz"
"""What no dialplan has a word for."""

WRONG = "wrong"
"""The keys of an answer with a key that means nothing at its question."""


def of_the_path(path: Sequence[str]) -> list[tuple[Answer | None, float]]:
    """The lines of a worst path: what the caller does (None where he listens), and the seconds."""
    lines: list[tuple[Answer | None, float]] = []
    for line in path:
        number = re.search(r"([0-9]+(?:,[0-9]+)?) detik$", line)
        seconds = float(number[1].replace(",", ".")) if number else 0.0
        if key := re.search(r": tombol ([0-9*#]+) setelah ", line):
            lines.append((Answer(key[1]), seconds))
        elif said := re.search(r": ucapan(| ragu) “(.*)” setelah ", line):
            lines.append((Answer(said=said[2], sure=not said[1]), seconds))
        elif ": ucapan tak dimengerti setelah " in line:
            lines.append((Answer(said=UNKNOWN), seconds))
        elif ": tombol salah setelah " in line:
            lines.append((Answer(WRONG), seconds))
        elif phone := re.search(r": ponsel di (.+) setelah ", line):
            lines.append((Answer(phone=phone[1]), seconds))
        elif ": diam setelah " in line:
            lines.append((Answer(), seconds))
        else:
            lines.append((None, seconds))
    return lines


def wrong_key(wait: Gather) -> str:
    """A key that means nothing at this question."""
    return next(key for key in "987654321*#" if key not in wait.keys)
