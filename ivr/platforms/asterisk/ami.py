"""The second ear: an AMI connection that listens, and shows people what is learned late.

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
import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager

from ivr.calls.board import Fact

FIRST_PAUSE_S = 0.5
PING_S = 5.0
PONG_S = 10.0
LONGEST_PAUSE_S = 15.0
_FORBIDDEN = ("\r", "\n", "\0")
TOLD = frozenset(
    {
        "dialling",
        "accepted",
        "result",
        "calling_in",
        "called_in",
        "outcome",
        "ended",
        "reporting",
        "reported",
    }
)
"""What extensions tell of a call."""

log = structlog.get_logger(__name__)


class NotDone(Exception):
    """Asterisk refused an action, or did not answer it in time."""


class UnsafeAction(ValueError):
    """A key or value that would become a header of its own."""


class AmiProtocol(AMIProtocol):  # type: ignore[misc]
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


class AmiConnection(Manager):  # type: ignore[misc]
    """panoramisk's connection that forgets what it had asked, notices silence, and backs off."""

    def __init__(self, **config: Any) -> None:
        self.ping_s: float = config.pop("ping_s", PING_S)
        self.pong_s: float = config.pop("pong_s", PONG_S)
        self.first_pause_s: float = config.pop("first_pause_s", FIRST_PAUSE_S)
        super().__init__(**{**config, "protocol_factory": AmiProtocol})
        self.ping_delay = self.ping_s  # of the first ping; the base class knows whole seconds only
        self.pauses = 0
        self.stopped = False
        self._unanswered: asyncio.TimerHandle | None = None

    def connection_made(self, f: Any) -> None:
        """Connected, or not: then try again, later each time."""
        if self.stopped:
            if not f.cancelled() and f.exception() is None:
                f.result()[0].abort()
            return
        self.reconnect_timeout = self._pause()
        super().connection_made(f)

    def login(self, future: Any) -> bool:
        """Say loudly when the password is refused: waiting will not mend it."""
        if future.cancelled():
            return False
        accepted = bool(super().login(future))
        if accepted:
            self.pauses = 0
        else:
            log.error("ami_login_refused")
            self.protocol.transport.abort()
        return accepted

    def ping(self) -> None:
        """Ask for a sign of life; without one the connection is dropped."""
        self.pinger = self.loop.call_later(self.ping_s, self.ping)
        if self._unanswered is None:
            self._unanswered = self.loop.call_later(self.pong_s, self._silent)
        self.protocol.send({"Action": "Ping"}).add_done_callback(self._pong)

    def dispatch(self, event: Any) -> Any:
        """A callback that raises loses its own event and nothing else."""
        try:
            return super().dispatch(event)
        except Exception:  # whatever a listener of ours may do
            log.exception("ami_callback_failed", event_name=str(event.get("event")))
            return []

    def connection_lost(self, exc: Any) -> None:
        """Never send an old action again: nobody knows whether it was carried out."""
        self._forget_actions()
        if self.stopped:
            return
        self.reconnect_timeout = self._pause()
        log.warning("ami_lost", again_in_s=round(self.reconnect_timeout, 1))
        super().connection_lost(exc)

    def close(self) -> None:
        """Stop for good."""
        self.stopped = True
        super().close()
        self._forget_actions()

    def _pause(self) -> float:
        self.pauses += 1
        pause = min(LONGEST_PAUSE_S, self.first_pause_s * 2 ** min(self.pauses - 1, 10))
        return float(pause * random.uniform(0.8, 1.2))  # noqa: S311 (spreads reconnects, guards nothing)

    def _pong(self, future: Any) -> None:
        if not future.cancelled():
            self._forget_ping()

    def _silent(self) -> None:
        self._unanswered = None
        log.error("ami_silent", seconds=self.pong_s)
        self.protocol.transport.abort()

    def _forget_actions(self) -> None:
        for action in self.awaiting_actions:
            action.future.cancel()
        self.awaiting_actions.clear()
        self._forget_ping()

    def _forget_ping(self) -> None:
        if self._unanswered is not None:
            self._unanswered.cancel()
            self._unanswered = None


class Listener:
    """Tells ``on_fact`` what happens to the legs of every call, as long as the connection stands."""

    def __init__(
        self,
        host: str,
        port: int,
        user: str,
        secret: str,
        on_fact: Callable[[Fact], None],
        **timing: float,
    ) -> None:
        self._on_fact = on_fact
        self.manager = AmiConnection(host=host, port=port, username=user, secret=secret, **timing)
        self.manager.register_event("*", self._event)

    def start(self) -> None:
        """Connect now and whenever the connection is lost, until ``close``."""
        self.manager.loop = asyncio.get_running_loop()
        self.manager.connect()

    def close(self) -> None:
        self.manager.close()

    async def act(self, action: Mapping[str, str], seconds: float) -> Sequence[Mapping[str, str]]:
        """Have one action done; its answer, and the events of a list. Raises NotDone, UnsafeAction."""
        name = action["Action"]
        if self.manager.protocol is None or self.manager.protocol.closed:
            raise NotDone(f"{name}: not connected")
        answer = self.manager.send_action(dict(action))
        # Waited for from outside: a connection that is lost cancels the answer, not whoever waits.
        done, _ = await asyncio.wait({answer}, timeout=seconds)
        if not done or answer.cancelled():
            raise NotDone(f"{name}: no answer")
        told = answer.result()
        messages: Sequence[Mapping[str, str]] = told if isinstance(told, list) else [told]
        if not messages or messages[0].get("Response") != "Success":
            raise NotDone(f"{name}: {messages[0].get('Message', '') if messages else 'nothing'}")
        return messages

    def _event(self, manager: Any, event: Mapping[str, str]) -> None:
        fact = fact_of(event, time.time())
        if fact is not None:
            self._on_fact(fact)


def fact_of(event: Mapping[str, str], now: float) -> Fact | None:
    """What an AMI event says about a call, or None.

    All legs of a call carry its id in the channel variable SIAGA_CALL, also an operator's leg, which
    begins as a call of its own; before that variable is set, in their Linkedid.
    """
    fact = _fact(event, now)
    return fact if fact is not None and fact.call_id else None


def _fact(event: Mapping[str, str], now: float) -> Fact | None:
    name = event.get("Event", "")
    at = _epoch(event.get("Timestamp", ""), now)
    own = event.get("Uniqueid", "")
    call = _call_of(event, "")
    match name:
        case "UserEvent" if event.get("UserEvent") == "Siaga":
            said = event.get("What", "")
            if said not in TOLD:
                return None
            return Fact(
                event.get("Call", ""),
                said,
                at,
                who=event.get("Who", ""),
                cause=event.get("Cause", ""),
                result=event.get("Result", event.get("Outcome", "")),
            )
        case "DialState" if event.get("DialStatus") == "RINGING":
            channel = event.get("DestChannel", "")
            return Fact(_call_of(event, "Dest"), "ringing", at, channel=channel)
        case "BridgeEnter" if own == call:
            return Fact(own, "bridged", at, channel=event.get("Channel", ""))
        case "BridgeLeave" if own == call:
            return Fact(own, "left", at, channel=event.get("Channel", ""))
        case "Hangup" if own == call:
            return Fact(own, "ended", at, cause=event.get("Cause", ""))
        case "ChannelTalkingStart" | "ChannelTalkingStop":
            what = "voice" if name.endswith("Start") else "quiet"
            return Fact(call, what, at, who=_variable(event, "", "SIAGA_LEG_ID"))
        case "DTMFEnd" if own == call and event.get("Direction") == "Received":
            return Fact(own, "key", at, key=event.get("Digit", ""))
    return None


def _call_of(event: Mapping[str, str], side: str) -> str:
    return _variable(event, side, "SIAGA_CALL") or event.get(f"{side}Linkedid", "")


def _variable(event: Mapping[str, str], side: str, wanted: str) -> str:
    variables = event.get(f"{side}ChanVariable", "")
    for variable in variables if isinstance(variables, list) else [variables]:
        name, _, value = str(variable).partition("=")
        if name == wanted:
            return value
    return ""


def _epoch(text: str, now: float) -> float:
    """Asterisk's own time of an event (seconds since the epoch, with microseconds)."""
    try:
        at = float(text)
    except ValueError:
        return now
    return at if math.isfinite(at) else now
