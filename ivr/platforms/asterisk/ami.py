"""The second ear: an AMI connection that listens and never commands.

panoramisk's Manager keeps the connection and parses; what it gets wrong is mended here, each repair
with a test: CR, LF and NUL are refused in whatever is sent; an action that was never answered is not
sent again after a reconnect; a callback that raises costs neither the connection nor the rest of
the events; a character split between two segments stays whole; a peer that stops answering pings is
left; reconnecting backs off.

Losing AMI costs live facts. No call waits for it.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import random
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager

from ivr.calls.board import Fact

PING_S = 5.0
PONG_S = 10.0
LONGEST_PAUSE_S = 15.0
_FORBIDDEN = ("\r", "\n", "\0")

log = structlog.get_logger(__name__)


class UnsafeAction(ValueError):
    """A key or value that would become a header of its own."""


class HardProtocol(AMIProtocol):  # type: ignore[misc]
    """panoramisk's protocol with its injection, decoding and callback faults mended."""

    def __init__(self) -> None:
        super().__init__()
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def send(self, data: Any, as_list: bool = False) -> Any:
        """Refuse line ends before anything is written."""
        for key, value in dict(data).items():
            for text in (key, *(value if isinstance(value, list | tuple) else (value,))):
                if any(bad in str(text) for bad in _FORBIDDEN):
                    raise UnsafeAction(f"a line end or NUL in {key!r}")
        return super().send(data, as_list=as_list)

    def data_received(self, data: bytes) -> None:
        """Hand on whole characters only."""
        super().data_received(self._decode(data).encode())

    def handle_message(self, message: Any) -> None:
        """One bad message must not take the connection down."""
        try:
            super().handle_message(message)
        except Exception:  # somebody else's parser on somebody else's bytes
            log.exception("ami_message_failed")


class HardManager(Manager):  # type: ignore[misc]
    """panoramisk's manager that forgets, on a lost connection, what it had asked."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Never send an old action again: nobody knows whether it was carried out."""
        for action in list(self.awaiting_actions or ()):
            with contextlib.suppress(Exception):
                action[1].cancel()
        if self.awaiting_actions is not None:
            self.awaiting_actions.clear()
        super().connection_lost(exc)


Listen = Callable[[Fact], None]
