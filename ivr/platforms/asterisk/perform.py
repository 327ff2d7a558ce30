"""Each action as AGI commands. No socket: a performer yields a request and is sent its reply.

    performer = perform(actions, channel)
    request = next(performer)
    request = performer.send(reply)      # until StopIteration, whose value is the event, or None

The FastAGI session drives these with a connection; tests drive them with a list.

Rules for whoever edits this file. Every turn first arms ``TIMEOUT(absolute)`` a little longer than
the controller's own deadlines: a controller that hangs loses the caller to the floor. ``-1`` is not
a hang-up. A prompt without audio is skipped and reported. The token is the very last command.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from dataclasses import replace

from ivr.flow.actions import FINISH, Action, Dial, Gather, Learn, Record, Say
from ivr.flow.events import DigitsEntered, Event, NoInput, Recorded, SpeechHeard
from ivr.flow.prompt import Prompt
from ivr.platforms.asterisk.agi import Command, Reply
from ivr.platforms.asterisk.listening import Listening, close, hear, listening, longest_s
from ivr.platforms.asterisk.pidf_out import geoloc_variables
from ivr.platforms.asterisk.playing import (
    ANY_KEY,
    COMMAND_S,
    OPERATOR_KEY,
    SAMPLES_PER_S,
    Channel,
    Request,
    asked,
    play,
    told,
)
from ivr.platforms.asterisk.targets import PLAYED, UnsafeTarget, dial_string, is_direct, safe_name
from routing.directory import is_placeholder
from routing.model import NEIGHBOUR, OPERATOR, SETUP_S, Contact, Route

FINISH_S = 3.0
"""So long after the last digit a # still belongs to the input."""

KEPT_SILENCE_S = 1.0
"""Of the silence that ends a recording Asterisk cuts off all but this (res_agi, RECORD FILE)."""

LEAST_SPOKEN_S = 0.7
"""Shorter is a cough, not a description."""

GUARD_S = 5
"""TIMEOUT(absolute) outlives the controller's own deadline by this much."""

KNOWN = "SHARED(SIAGA_TOLD)"
"""What an operator who takes the caller now hears first; extensions read it from other channels."""

SHOWN = "SIAGA_SHOWN"
"""The same as a telephone's display shows it beside the number."""

LONGEST_SHOWN = 40  # characters; a display holds no more, and few telephones as much

TOKEN = "SIAGA_DONE"  # noqa: S105 (the name of a channel variable)


Performer = Generator[Request, Reply, Event | None]


def perform(actions: Sequence[Action], channel: Channel) -> Performer:
    """Perform a turn up to its wait; the event that answers it, or None where others answer."""
    event: Event | None = None
    how = listening(actions, channel)
    yield _set("TIMEOUT(absolute)", str(_bound_s(actions, channel, how)))
    for action in actions:
        match action:
            case Say() if how is not None and how.from_the_start:
                pass  # it is said together with the question, so that the caller is heard over it
            case Say():
                yield from _say(action, channel)
            case Learn():
                yield _set(f"SIAGA_{action.name.upper()}", action.value)
                yield _set(KNOWN, joined(action.told, channel))
                yield _set(SHOWN, shown(action.told))
            case Gather():
                event = yield from _asking(_gather(action, channel, how))
            case Record():
                event = yield from _record(action, channel)
            case Dial():
                yield from _dial(action, channel)
            case _:
                pass  # DecideRoute, LookAtQueue, Notify: the host sees to them
    return event


def _bound_s(actions: Sequence[Action], channel: Channel, how: Listening | None) -> int:
    """Seconds after which this turn cannot be well any more: all it plays, all it waits, a guard."""
    seconds = 0.0
    for action in actions:
        if isinstance(action, Record):
            seconds += action.seconds
        if isinstance(action, Say | Gather | Record):
            seconds += sum(a.seconds for p in action.prompts if (a := channel.audio(p)))
        if isinstance(action, Gather):
            seconds += action.seconds * action.max_digits
            # Its sound may play while somebody listens, and once more for the keys alone.
            seconds += how.sound.seconds + longest_s(action) if how is not None else 0.0
    return int(seconds + COMMAND_S) + 1 + GUARD_S


def _asking(wait: Generator[Request, Reply, Event]) -> Generator[Request, Reply, Event]:
    """The same requests, each of them marked as one that asks."""
    reply: Reply | None = None
    while True:
        try:
            request = next(wait) if reply is None else wait.send(reply)
        except StopIteration as done:
            event: Event = done.value
            return event
        # While the line to whoever listens is made, nothing of the question was heard yet.
        reply = yield replace(
            request, asks=request.command.verb not in ("SPEECH CREATE", "SPEECH SET")
        )


def _say(action: Say, channel: Channel) -> Generator[Request, Reply, None]:
    """Play; a key stops the rest of it and is kept for the question that follows."""
    for prompt in action.prompts:
        pressed = channel.keys.take(channel.now())
        if not pressed:
            pressed = yield from play(prompt, channel)
        if pressed:
            channel.keys.keep(pressed)
            return


def _gather(
    wait: Gather, channel: Channel, how: Listening | None
) -> Generator[Request, Reply, Event]:
    """Play, and listen from the first syllable on: a key pressed early is the first digit."""
    prompts = wait.prompts if how is None else how.deaf
    pressed = yield from asked(prompts, channel, fresh=wait.fresh)
    seconds = wait.seconds
    if how is not None and channel.hearing is not None and not pressed:
        outcome = yield from hear(wait, how, channel, channel.hearing)
        if outcome.heard is not None:
            return SpeechHeard(outcome.heard)
        pressed, seconds = outcome.pressed, outcome.left_s
    digits = ""
    while len(digits) < wait.max_digits:
        pressed = pressed or channel.keys.take(channel.now())
        if not pressed and seconds:
            milliseconds = str(int(seconds * 1000))
            reply = yield Request(Command("WAIT FOR DIGIT", (milliseconds,)), seconds + COMMAND_S)
            pressed = told(reply, channel) or channel.keys.take(channel.now())
            if reply.digit and not pressed:
                continue  # a key that was not meant for this question
        if not pressed or (wait.max_digits > 1 and pressed == FINISH):
            break
        digits, pressed, seconds = digits + pressed, "", wait.seconds
    if len(digits) == wait.max_digits > 1:
        channel.keys.ignore(FINISH, channel.now() + FINISH_S)  # it was asked for, and is not needed
    return DigitsEntered(digits) if digits else NoInput()


def _record(wait: Record, channel: Channel) -> Generator[Request, Reply, Event]:
    """Play, then record. A recording that cannot be made is one in which nothing was said."""
    pressed = yield from asked(wait.prompts, channel)
    if pressed == OPERATOR_KEY:
        return DigitsEntered(pressed)
    path = f"{channel.recordings}/{recording_name(channel.uniqueid, wait.name)}"
    milliseconds, silence = str(int(wait.seconds * 1000)), f"s={wait.silence_s:.0f}"
    command = Command("RECORD FILE", (path, "wav", ANY_KEY, milliseconds, silence))
    reply = yield Request(command, wait.seconds + COMMAND_S)
    by_key = reply.data == "dtmf"  # anything else may leave a number behind that looks like a key
    if by_key and told(reply, channel) == OPERATOR_KEY:
        return DigitsEntered(OPERATOR_KEY)
    seconds = (reply.endpos or 0) / SAMPLES_PER_S
    if not by_key and seconds < wait.seconds - KEPT_SILENCE_S / 2:
        seconds -= KEPT_SILENCE_S
    return Recorded(wait.name, round(seconds, 1)) if seconds >= LEAST_SPOKEN_S else NoInput()


def recording_name(uniqueid: str, step: str) -> str:
    """The stem of the file that holds what a caller said at a step."""
    return f"{uniqueid}-{step}"


def _dial(wait: Dial, channel: Channel) -> Generator[Request, Reply, None]:
    """Leave the place and the targets, then the token: from here on extensions act."""
    yield from close(channel.hearing)
    for name, value in geoloc_variables(channel.location, channel.directory):
        yield _set(name, value)
    for name, value in dial_variables(wait, channel).items():
        yield _set(name, value)
    yield _set(TOKEN, channel.uniqueid)


def dial_variables(wait: Dial, channel: Channel) -> dict[str, str]:
    """The channel variables that tell extensions whom to ring, in which order.

    A target that must not stand in a dial string is left out; the operator needs none.
    """
    targets: list[dict[str, str]] = []
    led = False  # whether the first of those that ring together is in the list
    for route in wait.routes:
        led = led and route.together
        target = _target(route, channel)
        if target is not None:
            targets.append({**target, "_WITH": "1" if led else ""})
            led = True
    variables = {
        "SIAGA_WHISPER": "&".join(_paths(wait.whisper, channel)),
        "SIAGA_BUDGET": str(int(wait.budget_s)),
        "SIAGA_TARGETS": str(len(targets)),
    }
    for number, target in enumerate(targets, 1):
        for name, value in target.items():
            variables[f"SIAGA_T{number}{name}"] = value
    return variables


def _target(route: Route, channel: Channel) -> dict[str, str] | None:
    if route.agency == OPERATOR:
        return None
    contact = Contact(route.trunk, route.target, route.ring_s, route.accept)
    role = ""
    if is_placeholder(contact, channel.directory.trunks):
        string = PLAYED
        role = "&".join(_paths(_role(route.agency, channel), channel))
    else:
        try:
            string = dial_string(route.trunk, route.target)
        except UnsafeTarget:
            return None
    if not (safe_name(route.agency) and safe_name(route.trunk)):
        return None
    trunk = channel.directory.trunks.get(route.trunk) if string != PLAYED else None
    return {
        "": string,
        "_ID": f"{route.agency}/{route.trunk}",
        "_RING": str(int(route.ring_s)),
        "_ACCEPT": route.accept,
        "_ROLE": role,
        # A telephone may be a contact of several agencies; a played one is a telephone of its own.
        "_PHONE": re.sub("[^0-9a-z]+", "-", string.lower()) if string != PLAYED else "",
        "_LINES": str(route.lines),
        "_TRUNK": trunk.name if trunk else "",
        "_CHANNELS": str(trunk.channels) if trunk else "",
        "_SETUP": f"{trunk.setup_s if trunk else SETUP_S:.0f}",
        "_PILOT": (trunk.pilot or "") if trunk else "",
        # Whether its display may show a coordinate, as its INVITE may carry one.
        "_WHERE": "1" if is_direct(string) or (trunk is not None and trunk.location) else "",
    }


def _role(agency_id: str, channel: Channel) -> tuple[Prompt, ...]:
    """What a played agency says of itself."""
    directory = channel.directory
    neighbour = directory.neighbours.get(agency_id.removeprefix(NEIGHBOUR))
    names = [agency.name for agency in directory.agencies if agency.id == agency_id]
    if not names and neighbour is not None:
        names = [neighbour.name]
    texts = (channel.phrases.get("role_agency", ""), *names)
    return tuple(Prompt(text) for text in texts if text)


def shown(prompts: Sequence[Prompt]) -> str:
    """What is known, in letters that every telephone's display and every SIP header can hold."""
    text = re.sub(r"[^A-Za-z0-9.-]+", " ", " ".join(prompt.text for prompt in prompts))
    return text[:LONGEST_SHOWN].strip()


def joined(prompts: Sequence[Prompt], channel: Channel) -> str:
    """Sounds that something is to follow: paths, each with the ``&`` behind it."""
    return "".join(f"{path}&" for path in _paths(prompts, channel))


def _paths(prompts: Sequence[Prompt], channel: Channel) -> list[str]:
    paths = []
    for prompt in prompts:
        audio = channel.audio(prompt)
        if prompt.recording:
            name = recording_name(channel.uniqueid, prompt.recording)
            paths.append(f"{channel.recordings}/{name}")
        elif audio is None:
            channel.silent.append(prompt)
        else:
            paths.append(audio.path)
    return paths


def _set(name: str, value: str) -> Request:
    return Request(Command("SET VARIABLE", (name, value)))
