"""What ``rescue.agi`` needs to know, written when a version is published: a menu, and who is dialled for
what and where. Pure; the engine and the routing themselves are asked, so that no rule stands twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ivr.flow import engine
from ivr.flow.actions import Dial
from ivr.flow.events import CallOffered, RouteDecided
from ivr.flow.model import PRESSED_CONFIDENCE, CallState, Dialplan, Step
from ivr.flow.steps.connect import ConnectStep
from ivr.flow.steps.menu import MenuStep
from ivr.platforms.asterisk.keys import Keys
from ivr.platforms.asterisk.perform import (
    KNOWN,
    SHOWN,
    dial_variables,
    joined,
    shown,
)
from ivr.platforms.asterisk.playing import Channel, FindAudio
from routing.decide import decide
from routing.model import SERVICES, Directory


def snapshot(dialplan: Dialplan, directory: Directory, audio: FindAudio) -> dict[str, Any]:
    """Plain values for JSON.

    ``menu`` is the first one a caller meets: ``prompt`` (a path), ``seconds``, and ``keys`` that mean
    an incident; None where there is none. ``targets`` holds channel variables by incident and by
    kecamatan code, with ``""`` for a place that is not known. ``doubt`` are the sounds at the end of
    what is told of a place that was only guessed.
    """
    channel = Channel("", Keys(), lambda: 0.0, audio, directory, dialplan.phrases)
    connects = _connects(dialplan)
    targets: dict[str, dict[str, Mapping[str, str]]] = {}
    for incident in SERVICES if connects else ():
        # What no menu offers may still be known to a channel; then any connect step will do.
        connect = connects.get(incident) or next(iter(connects.values()))
        targets[incident] = {
            place: _variables(dialplan, channel, connect, incident, place)
            for place in ("", *directory.places)
        }
    doubt = joined(dialplan.phrase("because.low-confidence"), channel)
    return {"menu": _menu(dialplan, audio), "targets": targets, "doubt": doubt}


def _menu(dialplan: Dialplan, audio: FindAudio) -> dict[str, Any] | None:
    name, seen = dialplan.start, set[str]()
    while not isinstance(step := dialplan.steps[name], MenuStep):
        seen.add(name)
        name = next(iter(step.exits().values()), name)  # how a step goes on by itself stands first
        if name in seen:
            return None
    prompts = next(iter(step.prompts().values()))
    found = audio(prompts[0])
    return {
        "prompt": found.path if found else "",
        "seconds": dialplan.defaults.wait_s if step.wait is None else step.wait,
        "keys": {key: o.incident for key, o in step.options.items() if o.incident is not None},
    }


def _connects(dialplan: Dialplan) -> dict[str | None, str]:
    """The nearest connect step on the way of each incident; None is a caller who chose none."""
    found: dict[str | None, str] = {}
    start: tuple[str, str | None] = (dialplan.start, None)
    ahead, seen = deque([start]), {start}
    while ahead:
        name, incident = ahead.popleft()
        step = dialplan.step(name)
        if isinstance(step, ConnectStep):
            found.setdefault(incident, name)
        new = [way for way in _following(step, incident) if way not in seen]
        seen.update(new)
        ahead.extend(new)
    return found


def _following(step: Step, incident: str | None) -> list[tuple[str, str | None]]:
    """The steps that may come next, each with the incident that is known there."""
    if isinstance(step, MenuStep):
        chosen = [(option.then, option.incident or incident) for option in step.options.values()]
        return [*chosen, (step.otherwise, incident)]
    return [(then, incident) for then in step.exits().values()]


def _variables(
    dialplan: Dialplan,
    channel: Channel,
    connect: str,
    incident: str,
    place: str,
) -> Mapping[str, str]:
    """What the controller would leave for a caller who pressed keys for this and came to connect."""
    offered = CallOffered("rescue", 0.0, None, "112", "", "", dialplan.version)
    call = CallState(offered, connect, incident=incident)
    if place:
        call = replace(call, place=place, confidence=PRESSED_CONFIDENCE)
    decision = decide(channel.directory, incident, call.location)
    asked = dialplan.step(connect).enter(dialplan, call)
    waiting = replace(call, waiting=asked.actions[-1])  # type: ignore[arg-type]
    turn = engine.advance(dialplan, waiting, RouteDecided(decision.routes, decision.because))
    dial = turn.state.waiting
    if not isinstance(dial, Dial):
        return {"SIAGA_TARGETS": "0"}
    known = dialplan.known(call)
    told = {KNOWN: joined(known, channel), SHOWN: shown(known)}
    return {**told, **dial_variables(dial, channel)}
