"""A place that is learned late, shown to the people who already have the caller or are being rung.

A telephone that was picked up is told by a SIP UPDATE (a re-INVITE where it knows no UPDATE) that the far
side has another display name. One that still rings is told when it is picked up, by extensions: an UPDATE
before that ends the call on telephones that do not know it. Legs that are rung from now on show it from
the first moment, and their INVITE carries it as PIDF-LO.

Coordinates are for those who may have them: telephones that are dialled directly, and trunks with
``location: yes``. The others show the place by its name.

To find the telephones Asterisk tells of every channel it has, which with hundreds of calls takes a moment
of the controller's time. So one such look serves all places that wait for it, and the next comes a second
later at the earliest.

Nothing here is needed for the call to go on: what fails is a line in the log.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from ivr.platforms.asterisk.ami import NotDone, UnsafeAction
from ivr.platforms.asterisk.perform import LONGEST_SHOWN, SHOWN
from ivr.platforms.asterisk.pidf_out import geoloc_variables
from routing.model import DIRECT, Directory, Location

ACTION_S = 2.0
BETWEEN_S = 1.0
"""From one look at all channels to the next, at least."""

WHO = {"Action": "Status", "Variables": "SIAGA_CALL"}

LATE = "SIAGA_LATE"
"""What displays show from now on that may show a coordinate; the others show ``SIAGA_SHOWN``."""

UP = "6"  # AST_STATE_UP
TELEPHONE = re.compile(r"PJSIP/([A-Za-z0-9_.-]{1,100})-[0-9a-f]{8,16}")

FEWEST_LETTERS = 3
"""Of a word that has to give way to a coordinate."""

log = structlog.get_logger(__name__)


class Platform(Protocol):
    """What is needed of an ``ami.Listener``."""

    async def act(
        self, action: Mapping[str, str], seconds: float
    ) -> Sequence[Mapping[str, str]]: ...


@dataclass(frozen=True, slots=True)
class Late:
    """What a call's telephones shall show, and whom it is told to that this was done."""

    text: str
    location: Location
    directory: Directory
    told: asyncio.Future[int]


class Displays:
    """The telephones of all calls. For one event loop."""

    def __init__(self, platform: Platform, between_s: float = BETWEEN_S) -> None:
        self._platform = platform
        self._between_s = between_s
        self._waiting: dict[str, Late] = {}  # by call id, the latest of each
        self._next_at = 0.0  # the loop's time of the next look at all channels
        self._showing: asyncio.Task[None] | None = None

    async def show(self, call_id: str, text: str, location: Location, directory: Directory) -> int:
        """Show a place on every telephone of a call but the caller's; how many were told now.

        ``text`` is what is known in words: incident and place, without a coordinate. Where another place
        for the same call comes before this one was shown, that one is shown for both. Never raises.
        """
        before = self._waiting.get(call_id)
        told = before.told if before else asyncio.get_running_loop().create_future()
        self._waiting[call_id] = Late(text, location, directory, told)
        if self._showing is None or self._showing.done():
            self._showing = asyncio.create_task(self._show_all())
        return await asyncio.shield(told)

    async def _show_all(self) -> None:
        """Until nobody waits any more."""
        now = asyncio.get_running_loop().time
        while self._waiting:
            await asyncio.sleep(max(0.0, self._next_at - now()))
            batch, self._waiting = self._waiting, {}
            told: Mapping[str, int] = {}
            try:
                told = await self._shown(batch)
            except Exception:  # the next place has the same right to be shown
                log.exception("place_not_shown")
            self._next_at = now() + self._between_s
            for call_id, late in batch.items():
                late.told.set_result(told.get(call_id, 0))

    async def _shown(self, batch: Mapping[str, Late]) -> Mapping[str, int]:
        there = await asyncio.gather(
            *(self._leave(call_id, late) for call_id, late in batch.items())
        )
        calls = [call_id for call_id, is_there in zip(batch, there, strict=True) if is_there]
        if not calls:
            return {}
        try:
            # Looked only now: who picks up from here on is told by extensions.
            found = telephones_of(calls, await self._platform.act(WHO, ACTION_S))
        except (NotDone, UnsafeAction) as error:
            log.warning("place_not_shown", why=str(error))
            return {}
        many = await asyncio.gather(
            *(self._tell(found[call_id], batch[call_id]) for call_id in calls)
        )
        return dict(zip(calls, many, strict=True))

    async def _leave(self, call_id: str, late: Late) -> bool:
        """Leave it on the caller's channel for legs to come; false where there is no such channel."""
        # Asterisk takes a channel's unique id, which is the call's, for its name.
        if not await self._set(call_id, SHOWN, safe(late.text)):
            return False
        for name, value in (
            (LATE, line(late.text, late.location)),
            *geoloc_variables(late.location, late.directory),
        ):
            await self._set(call_id, name, value)
        return True

    async def _tell(self, telephones: Sequence[str], late: Late) -> int:
        with_it, without = line(late.text, late.location), safe(late.text)
        told = [
            await self._set(
                channel,
                "CONNECTEDLINE(name)",
                with_it if may_know(channel, late.directory) else without,
            )
            for channel in telephones
        ]
        log.info("place_shown", telephones=sum(told))
        return sum(told)

    async def _set(self, channel: str, name: str, value: str) -> bool:
        action = {"Action": "Setvar", "Channel": channel, "Variable": name, "Value": value}
        try:
            await self._platform.act(action, ACTION_S)
        except (NotDone, UnsafeAction) as error:  # a leg may end at any moment
            log.warning("place_not_shown", channel=channel, variable=name, why=str(error))
            return False
        return True


def telephones_of(
    calls: Iterable[str], events: Iterable[Mapping[str, str]]
) -> Mapping[str, Sequence[str]]:
    """The channels of each call's telephones that are up, the caller's own left out."""
    found: dict[str, list[str]] = {call_id: [] for call_id in calls}
    for event in events:
        channel = event.get("Channel", "")
        if event.get("Event") != "Status" or event.get("ChannelState") != UP:
            continue
        call_id = _call_of(event)
        if call_id in found and event.get("Uniqueid") != call_id and TELEPHONE.fullmatch(channel):
            found[call_id].append(channel)
    return found


def may_know(channel: str, directory: Directory) -> bool:
    """Whether coordinates may go to this channel's endpoint, which bears its trunk's name."""
    telephone = TELEPHONE.fullmatch(channel)
    if telephone is None:
        return False
    trunk = directory.trunks.get(telephone[1])
    return telephone[1] == DIRECT or (trunk is not None and trunk.location)


def _call_of(event: Mapping[str, str]) -> str:
    said: object = event.get("Variable", "")
    for one in said if isinstance(said, list) else [said]:
        name, _, value = str(one).partition("=")
        if name == "SIAGA_CALL":
            return value
    return ""


def line(known: str, location: Location) -> str:
    """What is known, and the coordinate behind it, as long as a display is: ``Mandau 1.2856 101.1970 r50``.

    Where that is too long, the radius goes first; then words lose their ends, the longest first, so that
    incident and place both stay.
    """
    words = _letters(known)
    if location.lat is None or location.lon is None:
        return words[:LONGEST_SHOWN].strip()
    where = f"{location.lat:.4f} {location.lon:.4f}"
    radius = location.radius_m
    if radius is not None and radius > 0:
        whole = f"{words} {where} r{radius:.0f}".strip()
        if len(whole) <= LONGEST_SHOWN:
            return whole
    return f"{_fitted(words, LONGEST_SHOWN - len(where) - 1)} {where}".strip()


def _fitted(words: str, most: int) -> str:
    """So many letters at most."""
    left = words.split()
    while len(" ".join(left)) > most and max(map(len, left)) > FEWEST_LETTERS:
        at = max(range(len(left)), key=lambda each: len(left[each]))
        left[at] = left[at][:-1]
    return " ".join(left)[:most].strip()


def safe(text: str) -> str:
    """Letters that every display and every SIP header can hold, as many as a display does."""
    return _letters(text)[:LONGEST_SHOWN].strip()


def _letters(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", " ", text).strip()
