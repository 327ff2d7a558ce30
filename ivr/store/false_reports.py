"""How often a number was found to have reported what was not so.

A record that expires: it warns whoever takes the call, and takes nothing from the caller.
"""

from __future__ import annotations

from sqlalchemy import func, select

from ivr.store.tables import CALLS, connect

FALSE = "palsu"
"""The outcome that a responder gives such a call."""

EXPIRES_S = 90 * 86_400.0
MANY = 2
"""One may be a mistake of whoever pressed the key."""


def has_false_reports(url: str, caller: str, now: float) -> bool:
    """Whether this number has a record of false reports; raises what the database raises."""
    counted = (
        select(func.count())
        .select_from(CALLS)
        .where(
            CALLS.c.caller == caller,
            CALLS.c.outcome == FALSE,
            CALLS.c.test.is_(False),
            CALLS.c.offered_at >= now - EXPIRES_S,
        )
    )
    engine = connect(url)
    try:
        with engine.connect() as connection:
            return (connection.execute(counted).scalar() or 0) >= MANY
    finally:
        engine.dispose()
