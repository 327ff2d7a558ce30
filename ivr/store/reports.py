"""Reading the store: a call as the ``call`` object of the contract, and as text for a person.

Times are absolute here (seconds since the epoch); whoever placed a call counts milliseconds from
its own first INVITE.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row, or_, select

from ivr.store.tables import CALLS, DECISIONS, EVENTS, LOCATIONS, connect

_SURE_FIRST = (LOCATIONS.c.confidence.desc(), LOCATIONS.c.seq.desc())


def list_calls(url: str, limit: int) -> list[dict[str, Any]]:
    """The newest calls, newest first, without their transcripts."""
    engine = connect(url)
    try:
        with engine.connect() as connection:
            newest = select(CALLS).order_by(CALLS.c.offered_at.desc()).limit(limit)
            return [dict(row._mapping) for row in connection.execute(newest)]
    finally:
        engine.dispose()


def show_call(url: str, call: str) -> dict[str, Any] | None:
    """One call by its id or case number, or None."""
    return _one(url, or_(CALLS.c.call_id == call, CALLS.c.case_number == call))


def call_by_sip_id(url: str, sip_call_id: str) -> dict[str, Any] | None:
    """One call by the Call-ID of the caller's INVITE, or None."""
    return _one(url, CALLS.c.sip_call_id == sip_call_id)


def events_of(engine: Engine, call_id: str) -> list[tuple[int, float, str, dict[str, Any]]]:
    """Everything recorded of a call: (seq, at, kind, body), in order."""
    wanted = (
        select(EVENTS.c.seq, EVENTS.c.at, EVENTS.c.kind, EVENTS.c.body)
        .where(EVENTS.c.call_id == call_id)
        .order_by(EVENTS.c.seq)
    )
    with engine.connect() as connection:
        return [(row.seq, row.at, row.kind, row.body) for row in connection.execute(wanted)]


def _one(url: str, which: Any) -> dict[str, Any] | None:
    engine = connect(url)
    try:
        with engine.connect() as connection:
            call = connection.execute(select(CALLS).where(which)).first()
            if call is None:
                return None
            here = LOCATIONS.c.call_id == call.call_id
            location = connection.execute(
                select(LOCATIONS).where(here).order_by(*_SURE_FIRST)
            ).first()
            decided = DECISIONS.c.call_id == call.call_id
            decision = connection.execute(
                select(DECISIONS).where(decided).order_by(DECISIONS.c.seq.desc())
            ).first()
        return _report(call, location, decision, events_of(engine, call.call_id))
    finally:
        engine.dispose()


def _report(
    call: Row[Any],
    location: Row[Any] | None,
    decision: Row[Any] | None,
    events: Sequence[tuple[int, float, str, Mapping[str, Any]]],
) -> dict[str, Any]:
    names = ("code", "source", "lat", "lon", "radius_m", "confidence")
    return {
        **call._mapping,
        "location": {name: location._mapping[name] for name in names} if location else None,
        "route": [
            {"agency": route["agency"], "trunk": route["trunk"]}
            for route in (decision.routes if decision else ())
        ],
        "because": [reason["text"] for reason in (decision.because if decision else ())],
        "bridged": call.bridged_at is not None,
        "transcript": transcript(events, call.offered_at or 0.0),
    }


def transcript(
    events: Sequence[tuple[int, float, str, Mapping[str, Any]]], start: float
) -> list[str]:
    """What both sides did, one line each, with seconds since the call was offered."""
    return [
        f"{at - start:7.2f}  {line}"
        for _, at, kind, body in events
        for line in _readable(kind, body)
    ]


def _readable(kind: str, body: Mapping[str, Any]) -> list[str]:
    try:
        return _lines(kind, body)
    except (KeyError, TypeError):  # one record that cannot be read must not hide the call
        return [f"? {kind}"]


def _lines(kind: str, body: Mapping[str, Any]) -> list[str]:
    match kind:
        case "said":
            return [f"< {text}" for text in body.get("texts", ())]
        case "digits_entered":
            return [f"> {body['digits']}"]
        case "no_input":
            return ["> (diam)"]
        case "recorded":
            return [f"> (bicara {body['seconds']:g} detik)"]
        case "queue_seen":
            return [f"! antrean {body['state']}"]
        case "notified":
            return [f"* notify {body['agency']}"]
        case "route_decided":
            routes = ", ".join(f"{r['agency']} via {r['trunk']}" for r in body["routes"])
            return [f"= {routes}", *(f"  because: {r['text']}" for r in body["because"])]
        case "human_joined":
            return [f"! {str(body['who']).replace('/', ' via ')} took the caller"]
        case "resumed":
            return ["* the dialogue goes on"]
        case "dial_ended":
            return [f"! {body['agency']} {body['status']} ({body['cause']})"]
        case "leg.dialling":
            return [f"* dial {str(body.get('who', '')).replace('/', ' via ')}"]
        case "leg.ringing":
            return ["* ringing"]
        case "leg.accepted":
            return [f"* accepted by {str(body.get('who', '')).replace('/', ' via ')}"]
        case "leg.result":
            cause = f" ({body['cause']})" if body.get("cause") else ""
            return [f"* {str(body['who']).replace('/', ' via ')} {body['result']}{cause}"]
        case "leg.bridged":
            return ["* bridged"]
        case "leg.calling_in":
            return [f"* operator called in by {str(body['who']).partition('/')[0]}"]
        case "leg.called_in":
            return ["* operator joined the talk"]
        case "leg.reporting":
            return ["* report of a caller who is gone is being delivered"]
        case "leg.reported":
            return [f"* report taken by {str(body.get('who', '')).replace('/', ' via ')}"]
        case "leg.outcome":
            return [f"* outcome {body['outcome']} by {str(body['who']).partition('/')[0]}"]
        case "leg.ended":
            return [f"* ended by {body.get('by') or 'caller'}"]
        case _:
            return []


def describe_list(rows: Sequence[Mapping[str, Any]]) -> str:
    """The newest calls as a table."""
    if not rows:
        return "Belum ada panggilan."
    head = f"{'kasus':<18}{'waktu':<21}{'kejadian':<14}{'tempat':<10}{'tersambung ke':<24}diakhiri"
    lines = [
        f"{row['case_number'] or '-':<18}{_when(row['offered_at']):<21}{row['incident'] or '-':<14}"
        f"{row['place'] or '-':<10}{row['bridged_to'] or '-':<24}{row['ended_by'] or '-'}"
        for row in rows
    ]
    return "\n".join([head, *lines])


def describe(call: Mapping[str, Any]) -> str:
    """One call for a person."""
    place = (call["location"] or {}).get("code") or "tidak diketahui"
    lines = [
        f"{call['case_number'] or '-'}  ({call['call_id']})  {_when(call['offered_at'])}",
        f"kejadian {call['incident'] or 'tidak diketahui'}, tempat {place}, "
        f"tersambung ke {call['bridged_to'] or '-'}, diakhiri {call['ended_by'] or '-'}",
        "",
        *call["transcript"],
    ]
    return "\n".join(lines)


def _when(at: float | None) -> str:
    return f"{datetime.fromtimestamp(at):%d-%m-%Y %H:%M:%S}" if at else "-"
