"""A place that is learned late, shown to the people who already have the caller or are being rung.

A telephone that was picked up is told by a SIP UPDATE (a re-INVITE where it knows no UPDATE) that the far
side has another display name. One that still rings is told when it is picked up, by extensions: an UPDATE
before that ends the call on telephones that do not know it. Legs that are rung from now on show it from
the first moment, and their INVITE carries it as PIDF-LO.

Nothing here is needed for the call to go on: what fails is a line in the log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import structlog

from ivr.platforms.asterisk.ami import NotDone, UnsafeAction
from ivr.platforms.asterisk.perform import LONGEST_SHOWN, SHOWN
from ivr.platforms.asterisk.pidf_out import geoloc_variables
from routing.model import Directory, Location

ACTION_S = 2.0
WHO = {"Action": "Status", "Variables": "SIAGA_CALL"}
LATE = "SIAGA_LATE"
"""What a telephone shows that is picked up from now on."""

UP = "6"  # AST_STATE_UP
TELEPHONE = re.compile(r"PJSIP/[A-Za-z0-9_.-]{1,100}")

log = structlog.get_logger(__name__)


class Platform(Protocol):
    """What is needed of an ``ami.Listener``."""

    async def act(
        self, action: Mapping[str, str], seconds: float
    ) -> Sequence[Mapping[str, str]]: ...


async def show(
    platform: Platform, call_id: str, text: str, location: Location, directory: Directory
) -> int:
    """Show a place on every telephone of a call but the caller's; how many were told now. Never raises.

    ``text`` is what a display shall say; ``line`` makes one.
    """
    display = safe(text)
    try:
        caller, _ = channels_of(call_id, await platform.act(WHO, ACTION_S))
        if caller:
            for name, value in [
                (LATE, display),
                (SHOWN, display),
                *geoloc_variables(location, directory),
            ]:
                await _set(platform, caller, name, value)
        # Asked only now: who picks up from here on is told by extensions.
        _, telephones = channels_of(call_id, await platform.act(WHO, ACTION_S))
    except (NotDone, UnsafeAction) as error:
        log.warning("place_not_shown", why=str(error))
        return 0
    told = [await _set(platform, it, "CONNECTEDLINE(name)", display) for it in telephones]
    log.info("place_shown", telephones=sum(told))
    return sum(told)


async def _set(platform: Platform, channel: str, name: str, value: str) -> bool:
    action = {"Action": "Setvar", "Channel": channel, "Variable": name, "Value": value}
    try:
        await platform.act(action, ACTION_S)
    except (NotDone, UnsafeAction) as error:  # a leg may end at any moment
        log.warning("place_not_shown", channel=channel, variable=name, why=str(error))
        return False
    return True


def channels_of(call_id: str, events: Iterable[Mapping[str, str]]) -> tuple[str, list[str]]:
    """The caller's channel (empty where there is none) and the telephones of other legs that are up."""
    caller, telephones = "", []
    for event in events:
        channel = event.get("Channel", "")
        if event.get("Event") != "Status" or f"SIAGA_CALL={call_id}" not in _variables(event):
            continue
        if event.get("Uniqueid") == call_id:
            caller = channel
        elif TELEPHONE.fullmatch(channel) and event.get("ChannelState") == UP:
            telephones.append(channel)
    return caller, telephones


def _variables(event: Mapping[str, str]) -> list[str]:
    said: object = event.get("Variable", "")
    return [str(one) for one in said] if isinstance(said, list) else [str(said)]


def line(known: str, location: Location) -> str:
    """What is known, and the coordinate behind it, as long as a display is: ``Mandau 1.2856 101.1970 r50``."""
    where = ""
    if location.lat is not None and location.lon is not None:
        where = f" {location.lat:.4f} {location.lon:.4f}"
        if location.radius_m is not None and location.radius_m > 0:
            where += f" r{location.radius_m:.0f}"
    return safe(safe(known)[: max(0, LONGEST_SHOWN - len(where))].strip() + where)


def safe(text: str) -> str:
    """Letters that every display and every SIP header can hold."""
    return re.sub(r"[^A-Za-z0-9.-]+", " ", text)[:LONGEST_SHOWN].strip()
