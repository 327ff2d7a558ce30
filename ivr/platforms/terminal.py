"""The dialogue in a terminal: `./siaga try`. No Asterisk, no audio, no telephone.

A line that is typed is what the caller presses; an empty line is silence; `q`, or the end of the
input, is a caller who hangs up. Every dial is pretended to be answered.
"""

from __future__ import annotations

import sys
import time
from typing import TextIO

from ivr.flow.actions import DecideRoute, Dial, Gather, LookAtQueue, Record
from ivr.flow.engine import advance, begin
from ivr.flow.events import (
    CallerHungUp,
    CallOffered,
    DigitsEntered,
    Event,
    HumanJoined,
    NoInput,
    QueueSeen,
    Recorded,
    RouteDecided,
)
from ivr.flow.model import Dialplan, Turn
from ivr.flow.transcript import happened, said
from routing.decide import decide
from routing.model import Directory

SPOKEN_S = 5.0
"""How long a caller is pretended to have spoken who types something where he is recorded."""

HELP = "Ketik tombol lalu Enter. Enter saja = diam. q = menutup telepon."


def run(dialplan: Dialplan, directory: Directory) -> int:
    """Hold one call in this terminal; the exit code."""
    try:
        hold(dialplan, directory, keys=sys.stdin, screen=sys.stdout)
    except KeyboardInterrupt:
        _print(sys.stdout, happened(CallerHungUp()))
    return 0


def hold(dialplan: Dialplan, directory: Directory, *, keys: TextIO, screen: TextIO) -> list[Event]:
    """Hold one call; its events."""
    offered = CallOffered(
        call_id="terminal",
        at=time.time(),
        caller=None,
        dialled="112",
        trunk="terminal",
        case_number="terminal",
        dialplan_version=dialplan.version,
        test=True,
    )
    events: list[Event] = [offered]
    turn = begin(dialplan, offered)
    _print(screen, [HELP, ""])
    while True:
        _print(screen, said(turn))
        if turn.ended:
            return events
        event = _next(turn, directory, keys, screen)
        events.append(event)
        turn = advance(dialplan, turn.state, event)


def _next(turn: Turn, directory: Directory, keys: TextIO, screen: TextIO) -> Event:
    match turn.state.waiting:
        case Gather():
            return _pressed(keys, screen)
        case Record(name=name):
            event = _pressed(keys, screen)
            spoken = isinstance(event, DigitsEntered) and event.digits != "0"
            return Recorded(name, SPOKEN_S) if spoken else event
        case LookAtQueue():
            _print(screen, happened(QueueSeen("free")))
            return QueueSeen("free")
        case DecideRoute(incident=incident):
            decision = decide(directory, incident, turn.state.location)
            decided = RouteDecided(decision.routes, decision.because, decision.notify)
            _print(screen, happened(decided))
            return decided
        case Dial(routes=(first, *_)):
            _print(screen, ["! answered"])
            return HumanJoined(first.agency)
    return CallerHungUp()


def _pressed(keys: TextIO, screen: TextIO) -> Event:
    screen.write("> ")
    screen.flush()
    line = keys.readline()
    pressed = line.strip()
    if not keys.isatty():  # no terminal has shown what was typed
        _print(screen, [pressed])
    if not line or pressed == "q":
        return CallerHungUp()
    return DigitsEntered(pressed) if pressed else NoInput()


def _print(screen: TextIO, lines: list[str]) -> None:
    for line in lines:
        screen.write(f"{line}\n")
    screen.flush()
