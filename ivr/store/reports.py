"""Reading the store: a call as the ``call`` object of the contract, and as text for a person.

Times are absolute here (seconds since the epoch); whoever placed a call counts milliseconds from
its own first INVITE.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, or_, select

from ivr.flow.spoken import UNSURE
from ivr.store.tables import CALLS, DECISIONS, EVENTS, LOCATIONS, connect, reading
from routing.best import best, disagree, of_incident
from routing.model import BY_THE_CALLER, Candidate, Location


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
    with engine.connect() as connection:
        return _events(connection, call_id)


def _events(connection: Connection, call_id: str) -> list[tuple[int, float, str, dict[str, Any]]]:
    wanted = (
        select(EVENTS.c.seq, EVENTS.c.at, EVENTS.c.kind, EVENTS.c.body)
        .where(EVENTS.c.call_id == call_id)
        .order_by(EVENTS.c.seq)
    )
    return [(row.seq, row.at, row.kind, row.body) for row in connection.execute(wanted)]


def _one(url: str, which: Any) -> dict[str, Any] | None:
    engine = connect(url)
    try:
        with reading(engine) as connection:
            call = connection.execute(select(CALLS).where(which)).first()
            if call is None:
                return None
            here = LOCATIONS.c.call_id == call.call_id
            locations = connection.execute(
                select(LOCATIONS).where(here).order_by(LOCATIONS.c.seq)
            ).all()
            decided = DECISIONS.c.call_id == call.call_id
            decision = connection.execute(
                select(DECISIONS).where(decided).order_by(DECISIONS.c.seq.desc())
            ).first()
            events = _events(connection, call.call_id)
        return _report(call, locations, decision, events)
    finally:
        engine.dispose()


def _report(
    call: Row[Any],
    rows: Sequence[Row[Any]],
    decision: Row[Any] | None,
    events: Sequence[tuple[int, float, str, Mapping[str, Any]]],
) -> dict[str, Any]:
    """``location`` is where help is needed, ``phone`` where the telephone is; ``disagreement`` tells
    that these are known to differ. ``locations`` are all that was told, as it was told."""
    locations = [_location(row) for row in rows]
    said = next((one for one in reversed(locations) if one.source in BY_THE_CALLER), None)
    phone = best(one for one in locations if one.source not in BY_THE_CALLER)
    return {
        **call._mapping,
        "location": _shown(of_incident(said, phone)),
        "phone": _shown(phone),
        "disagreement": disagree(said, phone),
        "locations": [
            {name: value for name, value in row._mapping.items() if name not in ("call_id", "id")}
            for row in rows
        ],
        "route": [
            {"agency": route["agency"], "trunk": route["trunk"]}
            for route in (decision.routes if decision else ())
        ],
        "because": [reason["text"] for reason in (decision.because if decision else ())],
        "bridged": call.bridged_at is not None,
        "transcript": transcript(events, call.offered_at or 0.0),
    }


def _location(row: Row[Any]) -> Location:
    candidates = tuple(Candidate(one["code"], one["share"]) for one in row.candidates or ())
    return Location(
        source=row.source,
        code=row.code,
        lat=row.lat,
        lon=row.lon,
        radius_m=row.radius_m,
        confidence=row.confidence or 0.0,
        method=row.method,
        shape=row.shape or "",
        kind=row.kind or "",
        candidates=candidates,
        neighbour=row.neighbour,
        text=row.text or "",
        observed_at=row.observed_at,
        received_at=row.received_at,
        raw=row.raw or "",
    )


_SHOWN = ("code", "source", "lat", "lon", "radius_m", "confidence", "kind", "neighbour", "text")


def _shown(location: Location | None) -> dict[str, Any] | None:
    return None if location is None else {name: getattr(location, name) for name in _SHOWN}


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
        case "speech_heard":
            return [f'> "{body["heard"]["text"]}" ({_taken_for(body["heard"])})']
        case "speech" if body.get("reason", "silence") != "silence":
            return [f"! ucapan tidak dipahami ({body['reason']})"]
        case "no_input":
            return ["> (diam)"]
        case "recorded":
            return [f"> (bicara {body['seconds']:g} detik)"]
        case "queue_seen":
            return [f"! antrean {body['state']}"]
        case "notified":
            return [f"* notify {body['agency']}"]
        case "call_offered" if body.get("location"):
            return [_told(body["location"])]
        case "location_learned":
            return [_told(body["location"])]
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


def _taken_for(heard: Mapping[str, Any]) -> str:
    """What the words were taken for, and how surely. What followed from it stands in the next lines."""
    found = [
        (name, heard[value], float(heard.get(confidence, 0.0)))
        for name, value, confidence in (
            ("pilihan", "option", "confidence"),
            ("tempat", "place", "place_confidence"),
        )
        if heard.get(value)
    ]
    shown = [f"{name} {value} {f'{sure:.2f}'.replace('.', ',')}" for name, value, sure in found]
    understood = any(sure >= UNSURE for _, _, sure in found)
    return "; ".join([*([] if understood else ["tidak dipahami"]), *shown])


def _told(said: Mapping[str, Any]) -> str:
    """One word of one source, without what it said raw."""
    where = said["code"] or said.get("neighbour") or said.get("kind") or "?"
    point = ""
    if said.get("lat") is not None and said.get("lon") is not None:
        radius = f" +-{said['radius_m']:.0f} m" if said.get("radius_m") else ""
        point = f" {said['lat']:.4f},{said['lon']:.4f}{radius}"
    return f"@ {said['source']}: {where}{point} ({said['confidence']:.0%})"


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
    place = _named(call["location"])
    lines = [
        f"{call['case_number'] or '-'}  ({call['call_id']})  {_when(call['offered_at'])}",
        f"kejadian {call['incident'] or 'tidak diketahui'}, tempat {place}, "
        f"tersambung ke {call['bridged_to'] or '-'}, diakhiri {call['ended_by'] or '-'}",
        *(
            [f"PERHATIKAN: ponselnya berada di tempat lain: {_named(call['phone'])}"]
            if call["disagreement"]
            else []
        ),
        "",
        *call["transcript"],
    ]
    return "\n".join(lines)


def _named(location: Mapping[str, Any] | None) -> str:
    known = location or {}
    outside = known.get("neighbour") or "luar daerah" if known.get("kind") == "outside" else ""
    return known.get("code") or outside or "tidak diketahui"


def _when(at: float | None) -> str:
    return f"{datetime.fromtimestamp(at):%d-%m-%Y %H:%M:%S}" if at else "-"
