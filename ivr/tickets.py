"""Delivers tickets: each to the webhook until it was taken, those of one call in their order.

The rule. What was not taken is tried again after 1, 2, 4 … 60 s, and its call waits meanwhile; other
calls go on with the next look, those that were never refused first, so there is at most one refused
try a look. A receiver that is away (no answer, a redirect, 408, 429, 5xx) is left in peace for the
same lengthening pauses, whatever there is to send. After a day a ticket is given up.

A ticket that was sent when this process died is sent once more: receivers tell it by its ``id``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from ivr.store import tickets
from ivr.store.tables import connect
from ivr.store.tickets import Ticket
from ivr.webhook import Answer, post

GIVEN_UP_AFTER_S = 24 * 3600.0
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
TRY_LATER = (408, 429)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Refused:
    """How often in a row, and the moment before which there is no next try."""

    times: int
    until: float


NEVER = _Refused(0, 0.0)


class Delivery:
    """Looks, when it is told to, for what is to be sent. Holds no lock while it sends."""

    def __init__(
        self,
        database_url: str,
        url: str,
        *,
        secret: str,
        daerah: Callable[[], str],
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        self._database_url = database_url
        self._url = url
        self._secret = secret
        self._daerah = daerah
        self._clock = clock
        self._monotonic = monotonic
        self._pauses_s = pauses_s
        self._engine: Engine | None = None
        self._not_noted: Ticket | None = None  # taken, but the database was away just then
        self._calls: dict[str, _Refused] = {}
        self._away = NEVER

    def look(self) -> None:
        """Send what is due. A receiver or a database that is away is for a later look."""
        if self._monotonic() < self._away.until:
            return
        try:
            self._send_due()
        except (SQLAlchemyError, ImportError) as error:
            log.error("tickets_database_away", error=type(error).__name__)
            self.close()
            self._away = self._again(self._away)

    def close(self) -> None:
        """Let go of the database."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _send_due(self) -> None:
        engine = self._engine = self._engine or connect(self._database_url)
        self._note(engine)
        late = tickets.give_up(engine, self._clock() - GIVEN_UP_AFTER_S)
        if late:
            log.error("tickets_given_up", count=late, after_s=GIVEN_UP_AFTER_S)
        found = {ticket.call_id: ticket for ticket in tickets.waiting(engine)}
        self._calls = {call: refused for call, refused in self._calls.items() if call in found}
        for ticket in sorted(found.values(), key=self._turn):
            if self._turn(ticket)[0] > self._monotonic():
                return
            answer = self._send(ticket)
            if not answer.taken:
                self._refused(ticket, answer)
                return
            self._away = NEVER
            self._not_noted = ticket
            self._note(engine)

    def _refused(self, ticket: Ticket, answer: Answer) -> None:
        """One that refuses a ticket may take another; one that is away takes none."""
        status = answer.status
        log.warning(
            "ticket_not_delivered", ticket=ticket.body["id"], error=answer.error, status=status
        )
        self._calls[ticket.call_id] = self._again(self._calls.get(ticket.call_id, NEVER))
        is_there = status is not None and 400 <= status < 500 and status not in TRY_LATER
        self._away = NEVER if is_there else self._again(self._away)

    def _turn(self, ticket: Ticket) -> tuple[float, int]:
        return (self._calls.get(ticket.call_id, NEVER).until, ticket.seq)

    def _send(self, ticket: Ticket) -> Answer:
        said = {**ticket.body, "daerah": self._daerah()}
        return post(self._url, self._secret, json.dumps(said).encode())

    def _note(self, engine: Engine) -> None:
        if self._not_noted is not None:
            tickets.take(engine, self._not_noted)
            self._calls.pop(self._not_noted.call_id, None)
            self._not_noted = None

    def _again(self, before: _Refused) -> _Refused:
        pause = self._pauses_s[min(before.times, len(self._pauses_s) - 1)]
        return _Refused(before.times + 1, self._monotonic() + pause)
