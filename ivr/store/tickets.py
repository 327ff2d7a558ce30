"""The outbox: what a system elsewhere is to be told of a call, kept until it was taken.

A ticket is made up in the transaction that stores the record it tells of, from what is known at that
moment, and never changed: sent twice, it says the same twice. It says as little as serves: no
caller's number, no position finer than the kecamatan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select, tuple_, update

from ivr.store.tables import CALLS, DECISIONS, TICKETS

WAITING, TAKEN, GIVEN_UP = "waiting", "taken", "given_up"
GIVEN_UP_AT_ONCE = 500
"""Rows of one transaction: whoever stores records waits for it."""

_NEWS = ("event", "to", "outcome", "place")


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket that waits, as it is sent but for the name of the daerah."""

    call_id: str
    seq: int
    body: Mapping[str, Any]


def make_up(
    connection: Connection, call_id: str, seq: int, at: float, event: str, *, to: str = ""
) -> None:
    """Put a ticket of this call into the outbox; ``to`` is who it is about, else who has the call.

    Two controllers beside each other both see the same thing happen: what the newest ticket of the
    call says already is not said again.
    """
    call = connection.execute(select(CALLS).where(CALLS.c.call_id == call_id)).one()
    notify = connection.execute(
        select(DECISIONS.c.notify)
        .where(DECISIONS.c.call_id == call_id)
        .order_by(DECISIONS.c.seq.desc())
    ).first()
    body = {
        "event": event,
        "id": f"{call_id}-{seq}",
        "at": datetime.fromtimestamp(at, UTC).isoformat(),
        "case_number": call.case_number,
        "incident": call.incident,
        "place": call.place,
        "to": to or call.bridged_to,
        "notify": notify.notify if notify else None,
        "outcome": call.outcome,
        "ended_by": call.ended_by,
        "test": call.test,
    }
    newest = connection.execute(
        select(TICKETS.c.body).where(TICKETS.c.call_id == call_id).order_by(TICKETS.c.seq.desc())
    ).first()
    if newest is None or any(newest.body[name] != body[name] for name in _NEWS):
        row = {"call_id": call_id, "seq": seq, "at": at, "state": WAITING, "body": body}
        connection.execute(insert(TICKETS).values(row))


def was_notified(connection: Connection, call_id: str, to: str) -> bool:
    """True if there is a ticket already that lets this agency know of the call."""
    told = connection.scalars(select(TICKETS.c.body).where(TICKETS.c.call_id == call_id))
    return any((body["event"], body["to"]) == ("notify", to) for body in told)


def waiting(engine: Engine) -> list[Ticket]:
    """The oldest waiting ticket of every call, oldest first."""
    first = (
        select(TICKETS.c.call_id, func.min(TICKETS.c.seq).label("seq"))
        .where(TICKETS.c.state == WAITING)
        .group_by(TICKETS.c.call_id)
        .subquery()
    )
    oldest = (
        select(TICKETS.c.call_id, TICKETS.c.seq, TICKETS.c.body)
        .join(first, (TICKETS.c.call_id == first.c.call_id) & (TICKETS.c.seq == first.c.seq))
        .order_by(TICKETS.c.seq)
    )
    with engine.connect() as connection:
        return [Ticket(*row) for row in connection.execute(oldest)]


def take(engine: Engine, ticket: Ticket) -> None:
    """Note that this ticket was taken."""
    this = (TICKETS.c.call_id == ticket.call_id) & (TICKETS.c.seq == ticket.seq)
    with engine.begin() as connection:
        connection.execute(update(TICKETS).where(this).values(state=TAKEN))


def give_up(engine: Engine, before: float) -> int:
    """Wait no longer for those that are older; returns how many they were."""
    key = tuple_(TICKETS.c.call_id, TICKETS.c.seq)
    old = (
        select(TICKETS.c.call_id, TICKETS.c.seq)
        .where(TICKETS.c.state == WAITING, TICKETS.c.at < before)
        .limit(GIVEN_UP_AT_ONCE)
    )
    total = 0
    while True:
        with engine.connect() as connection:  # reading first: it holds nobody up
            rows = [tuple(row) for row in connection.execute(old)]
        if not rows:
            return total
        with engine.begin() as connection:
            connection.execute(update(TICKETS).where(key.in_(rows)).values(state=GIVEN_UP))
        total += len(rows)
