"""What the events of a call add up to: the rows that reports read, and the tickets to be sent.

Each record changes the projection once, in the transaction that stores it; a record that is already
there changes nothing. So a journal can be put in again after a crash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

from ivr.store import tickets
from ivr.store.tables import CALLS, DECISIONS, EVENTS, LOCATIONS
from routing.best import GUESS as SURE_ENOUGH
from routing.model import BY_THE_CALLER, KECAMATAN, PRESSED

_LOCATION = (
    "source",
    "code",
    "lat",
    "lon",
    "radius_m",
    "confidence",
    "method",
    "shape",
    "kind",
    "candidates",
    "neighbour",
    "text",
    "observed_at",
    "raw",
)
"""What of a location has a column of its own name."""


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that happened to one call. ``seq`` grows within a call, also across restarts."""

    call_id: str
    seq: int
    at: float
    kind: str
    body: Mapping[str, Any]


def put(connection: Connection, record: Record, *, apply: bool = True) -> None:
    """Store one record and apply it; both or neither. ``apply=False`` only stores it."""
    call_id, seq, at = record.call_id, record.seq, record.at
    kind, body = record.kind, record.body
    row = {"call_id": call_id, "seq": seq, "at": at, "kind": kind, "body": dict(body)}
    if connection.execute(_once(connection, EVENTS).values(row)).rowcount != 1:
        return
    connection.execute(_once(connection, CALLS).values(call_id=call_id, test=False))
    if not apply:
        return
    if kind == "call_offered":
        _offered(connection, call_id, seq, at, body)
        tickets.make_up(connection, call_id, seq, at, "open")
    elif kind == "learned":
        _learned(connection, call_id, seq, at, body)
    elif kind == "route_decided":
        connection.execute(
            insert(DECISIONS).values(
                call_id=call_id,
                seq=seq,
                at=at,
                routes=body["routes"],
                because=body["because"],
                notify=body["notify"],
            )
        )
    elif kind == "notified":
        to = str(body["agency"])
        if not tickets.was_notified(
            connection, call_id, to
        ):  # a dialogue that goes on tells it again
            tickets.make_up(connection, call_id, seq, at, "notify", to=to)
    elif kind == "location_learned":
        _location(connection, call_id, seq, at, body["location"])
        if _settles(connection, call_id, body["location"]):
            tickets.make_up(connection, call_id, seq, at, "located")
    elif kind == "leg.ringing":
        _first(connection, call_id, human_at=at)
    elif kind == "leg.dialling":
        # The dialogue ended because its socket closed, not because the caller was gone.
        _change(connection, call_id, ended_at=None, ended_by=None)
    elif kind == "leg.accepted":
        # Who accepts takes the caller out of the dialogue: that the dialogue's line closed is no end.
        _change(connection, call_id, bridged_to=_agency(body), ended_at=None, ended_by=None)
        tickets.make_up(connection, call_id, seq, at, "forwarded")
    elif kind == "leg.reported":  # of a caller who is gone: it has reached somebody all the same
        tickets.make_up(connection, call_id, seq, at, "forwarded", to=_agency(body))
    elif kind == "leg.bridged":
        _first(connection, call_id, bridged_at=at)
    elif kind == "leg.ended":
        _change(connection, call_id, ended_at=at, ended_by=body.get("by") or "line_lost")
        tickets.make_up(connection, call_id, seq, at, "closed")
    elif kind == "leg.outcome":
        _outcome(connection, call_id, seq, at, body)
    elif kind == "caller_hung_up":
        _first(connection, call_id, ended_at=at, ended_by="caller")


def _offered(
    connection: Connection, call_id: str, seq: int, at: float, body: Mapping[str, Any]
) -> None:
    names = ("case_number", "sip_call_id", "caller", "dialled", "trunk", "dialplan_version")
    _change(
        connection,
        call_id,
        offered_at=body.get("at", at),
        test=bool(body.get("test")),
        **{name: body.get(name) for name in names},
    )
    if body.get("location"):
        _location(connection, call_id, seq, at, body["location"])


def _learned(
    connection: Connection, call_id: str, seq: int, at: float, body: Mapping[str, Any]
) -> None:
    known = {name: body[name] for name in ("incident", "place") if name in body}
    if body.get("source") == "operator":
        known.pop(
            "place", None
        )  # what an operator corrected stays, whatever is keyed in afterwards
    if known:
        _change(connection, call_id, **known)
    # A place that was taken from where the phone is has its own row, of its own source, already.
    source = body.get("source", PRESSED)
    if "place" in body and source in BY_THE_CALLER:
        said = {
            "source": source,
            "shape": "admin",
            "code": body["place"],
            "confidence": body.get("confidence", 0.0),
        }
        _location(connection, call_id, seq, at, said)


def _outcome(
    connection: Connection, call_id: str, seq: int, at: float, body: Mapping[str, Any]
) -> None:
    """The last one counts. A call that is still open is not told as closed; its end tells it."""
    _change(connection, call_id, outcome=body["outcome"])
    ended = select(CALLS.c.ended_at).where(CALLS.c.call_id == call_id)
    if connection.execute(ended).scalar() is not None:
        tickets.make_up(connection, call_id, seq, at, "closed", to=_agency(body))


def _agency(body: Mapping[str, Any]) -> str:
    """Of ``agency/trunk`` or ``operator/trunk``, the first."""
    return str(body.get("who", "")).partition("/")[0]


def _location(
    connection: Connection, call_id: str, seq: int, at: float, said: Mapping[str, Any]
) -> None:
    """A row for every word of every source; the same source's earlier ones are marked as superseded. The
    caller is one source, whether he presses keys or speaks."""
    row = {name: said.get(name) for name in _LOCATION}
    received = said.get("received_at") or at
    before = (
        (LOCATIONS.c.call_id == call_id)
        & LOCATIONS.c.source.in_(
            BY_THE_CALLER if row["source"] in BY_THE_CALLER else (row["source"],)
        )
        & LOCATIONS.c.superseded_by.is_(None)
    )
    connection.execute(update(LOCATIONS).where(before).values(superseded_by=seq))
    connection.execute(
        insert(LOCATIONS).values(call_id=call_id, seq=seq, received_at=received, **row)
    )


def _settles(connection: Connection, call_id: str, said: Mapping[str, Any]) -> bool:
    """Note a place for a call that had none, from a source that is sure enough or an operator."""
    place = select(CALLS.c.place).where(CALLS.c.call_id == call_id)
    known = connection.execute(place).scalar()
    code, sure = said.get("code"), (said.get("confidence") or 0.0) >= SURE_ENOUGH
    if not code or not sure or (known is not None and said.get("source") != "operator"):
        return False
    kecamatan = code[:KECAMATAN]
    if kecamatan == known:
        return False
    _change(connection, call_id, place=kecamatan)
    return True


def _change(connection: Connection, call_id: str, **values: Any) -> None:
    connection.execute(update(CALLS).where(CALLS.c.call_id == call_id).values(**values))


def _first(connection: Connection, call_id: str, **values: Any) -> None:
    """Set what is not known yet: the first ring, the first bridge, the end."""
    kept = {name: func.coalesce(CALLS.c[name], value) for name, value in values.items()}
    _change(connection, call_id, **kept)


def _once(connection: Connection, table: Table) -> Insert:
    """An INSERT that leaves a row alone that is already there."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()
