"""What a controller that starts must know of the last while: its calls, and the locations they have."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from ivr.store.tables import CALLS, LOCATIONS, connect


@dataclass(frozen=True, slots=True)
class Recent:
    """Times in epoch seconds. ``calls``: (call id, caller, offered at, ended at), oldest first;
    ``locations``: (call id, source, received at)."""

    calls: tuple[tuple[str, str | None, float, float | None], ...] = ()
    locations: tuple[tuple[str, str, float], ...] = ()


def recent(url: str, since: float) -> Recent:
    """The calls offered and the locations received since then, as far as they are in the database;
    raises what the database raises."""
    calls = (
        select(CALLS.c.call_id, CALLS.c.caller, CALLS.c.offered_at, CALLS.c.ended_at)
        .where(CALLS.c.offered_at >= since)
        .order_by(CALLS.c.offered_at)
    )
    locations = select(LOCATIONS.c.call_id, LOCATIONS.c.source, LOCATIONS.c.received_at).where(
        LOCATIONS.c.received_at >= since
    )
    engine = connect(url)
    try:
        with engine.connect() as connection:
            return Recent(
                tuple(
                    (c.call_id, c.caller, c.offered_at, c.ended_at)
                    for c in connection.execute(calls)
                ),
                tuple((o.call_id, o.source, o.received_at) for o in connection.execute(locations)),
            )
    finally:
        engine.dispose()
