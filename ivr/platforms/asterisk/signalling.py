"""What a call's own messages say of where the caller is, fetched from the caller's channel.

Extensions put it together once, before they ask the controller (``call.conf.j2``): each value is
URI-encoded and cut, so that no byte of a stranger can break an AGI answer or an expression, and one
variable holds them all. It is read in pieces, each of which fits in an answer. A call that came without
any of it costs no round trip: an argument of the session says so.

Nothing here decides what a value means; that is what ``ivr/location`` is for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import unquote

import structlog

from ivr.location.source import PANI, SIGNALLING
from ivr.platforms.asterisk.agi import Command, Reply
from ivr.platforms.asterisk.fastagi import CallGone

SAID = "SIAGA_SAID"
"""The variable: ``pidf=…&pidf.format=…&P-Access-Network-Info=…``, a header that came twice named twice."""

PIECE = 900
"""So many letters in one answer: Asterisk cuts some at 1,024 bytes."""

MOST_PIECES = 12
COMMAND_S = 1.0

_CUT = re.compile(r"%[0-9A-Fa-f]?$")

log = structlog.get_logger(__name__)


class Session(Protocol):
    """What is needed of an ``AgiSession``."""

    @property
    def environment(self) -> Mapping[str, str]: ...

    async def run(self, command: Command, seconds: float) -> Reply: ...


async def read(session: Session) -> dict[str, str]:
    """All that came, by the names in ``SIGNALLING``; what did not come, or cannot be read, is missing.

    Raises CallGone, and nothing else: a session that has broken says so at its next command.
    """
    if session.environment.get("agi_arg_3", "0") in ("", "0"):
        return {}
    text = ""
    try:
        for piece in range(MOST_PIECES):
            asked = f"${{{SAID}:{piece * PIECE}:{PIECE}}}"
            reply = await session.run(Command("GET FULL VARIABLE", (asked,)), COMMAND_S)
            text += reply.data or ""
            if len(reply.data or "") < PIECE:
                break
        else:
            log.warning("signalling_cut", letters=len(text))
    except CallGone:
        raise
    except Exception as error:  # a call all the same, with what was read until then
        log.warning("signalling_unread", error=type(error).__name__, letters=len(text))
    return decoded(text)


async def disbelieve(session: Session) -> None:
    """Agencies are not told what came: it was no place. Raises CallGone, and nothing else."""
    try:
        command = Command("SET VARIABLE", ("GEOLOC_PROFILE(inheritable)", "false"))
        await session.run(command, COMMAND_S)
    except CallGone:
        raise
    except Exception as error:  # then they are told nonsense, which is no reason to lose a caller
        log.warning("signalling_still_believed", error=type(error).__name__)


def decoded(text: str) -> dict[str, str]:
    """The values of such a variable. A header that came several times is one list, as RFC 3261 has it."""
    found: dict[str, str] = {}
    for part in text.split("&"):
        name, _, coded = part.partition("=")
        value = unquote(_CUT.sub("", coded), errors="replace")
        if name not in SIGNALLING or not value:
            continue
        if name in found:
            value = f"{found[name]}, {value}" if name == PANI else found[name]
        found[name] = value
    return found
