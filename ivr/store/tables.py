"""The tables, and how a database gets them.

``events`` is append-only and is the truth; ``calls``, ``locations`` and ``decisions`` are what those
events add up to, written in the same transaction so that a report needs no replay; so are ``tickets``,
what others are still to be told or were told. Times are seconds since the epoch, UTC.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    Engine,
    Float,
    Index,
    String,
    Table,
    Text,
    create_engine,
    event,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_MS = 2000


class Base(DeclarativeBase):
    """All tables of the store."""

    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012


class Call(Base):
    """One call: a row from its first moment, filled in as it goes."""

    __tablename__ = "calls"

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    case_number: Mapped[str | None] = mapped_column(String(32), index=True)
    sip_call_id: Mapped[str | None] = mapped_column(String(256), index=True)
    caller: Mapped[str | None] = mapped_column(String(64))
    dialled: Mapped[str | None] = mapped_column(String(64))
    trunk: Mapped[str | None] = mapped_column(String(64))
    dialplan_version: Mapped[str | None] = mapped_column(String(64))
    test: Mapped[bool] = mapped_column(default=False)
    incident: Mapped[str | None] = mapped_column(String(32))
    place: Mapped[str | None] = mapped_column(String(16))
    offered_at: Mapped[float | None] = mapped_column(Float, index=True)
    human_at: Mapped[float | None] = mapped_column(Float)  # a person's phone first rang
    bridged_at: Mapped[float | None] = mapped_column(Float)
    bridged_to: Mapped[str | None] = mapped_column(String(64))
    ended_at: Mapped[float | None] = mapped_column(Float)
    ended_by: Mapped[str | None] = mapped_column(String(16))  # caller | human | line_lost
    outcome: Mapped[str | None] = mapped_column(String(16))  # what the agency said came of it


class EventRow(Base):
    """One thing that happened, as it was recorded. Never changed, never deleted by the engine."""

    __tablename__ = "events"

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[float] = mapped_column(Float)
    kind: Mapped[str] = mapped_column(String(32))
    body: Mapped[dict[str, Any]] = mapped_column(JSON)


class LocationRow(Base):
    """One location as one source told it, whole and raw. Only ``superseded_by`` is ever filled in: the
    ``seq`` of the newer word of the same source."""

    __tablename__ = "locations"

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    received_at: Mapped[float] = mapped_column(Float)
    source: Mapped[str] = mapped_column(String(32))
    code: Mapped[str | None] = mapped_column(String(16))
    lat: Mapped[float | None] = mapped_column(Float)
    lon: Mapped[float | None] = mapped_column(Float)
    radius_m: Mapped[float | None] = mapped_column(Float)
    confidence: Mapped[float] = mapped_column(Float)
    method: Mapped[str | None] = mapped_column(String(32))
    shape: Mapped[str | None] = mapped_column(String(16))
    kind: Mapped[str | None] = mapped_column(String(16))  # inside | snapped | sea | outside
    candidates: Mapped[list[Any] | None] = mapped_column(JSON)  # [{code, share}]
    neighbour: Mapped[str | None] = mapped_column(String(64))
    text: Mapped[str | None] = mapped_column(Text)
    observed_at: Mapped[float | None] = mapped_column(Float)
    raw: Mapped[str | None] = mapped_column(Text)
    superseded_by: Mapped[int | None] = mapped_column(BigInteger)


class DecisionRow(Base):
    """One routing decision with its reasons."""

    __tablename__ = "decisions"

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[float] = mapped_column(Float)
    routes: Mapped[list[Any]] = mapped_column(JSON)
    because: Mapped[list[Any]] = mapped_column(JSON)
    notify: Mapped[list[Any]] = mapped_column(JSON)


class TicketRow(Base):
    """One message about a call for a system elsewhere, made up when the record of it was stored."""

    __tablename__ = "tickets"

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[float] = mapped_column(Float)
    state: Mapped[str] = mapped_column(String(16))  # waiting | taken | given_up
    body: Mapped[dict[str, Any]] = mapped_column(JSON)


Index("calls_open", Call.ended_at, Call.offered_at)
Index("tickets_by_state", TicketRow.state, TicketRow.at)

CALLS: Table = Call.__table__  # type: ignore[assignment]
EVENTS: Table = EventRow.__table__  # type: ignore[assignment]
LOCATIONS: Table = LocationRow.__table__  # type: ignore[assignment]
DECISIONS: Table = DecisionRow.__table__  # type: ignore[assignment]
TICKETS: Table = TicketRow.__table__  # type: ignore[assignment]


def connect(url: str) -> Engine:
    """An engine for this URL; SQLite in WAL mode, a commit on disk when it returns.

    Its errors do not show what was written: they end in log files, and callers' numbers must not.
    """
    engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"), hide_parameters=True)
    if url.startswith("sqlite"):

        @event.listens_for(engine, "connect")
        def set_pragmas(connection: Any, record: Any) -> None:
            cursor = connection.cursor()
            for pragma in (
                "journal_mode=WAL",
                "synchronous=FULL",
                f"busy_timeout={BUSY_MS}",
                "foreign_keys=ON",
            ):
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection whose reads all see the store as it was at the first of them."""
    # Without it the driver of SQLite begins a transaction at the first write only, and PostgreSQL
    # looks anew at every statement.
    snapshot = "AUTOCOMMIT" if engine.dialect.name == "sqlite" else "REPEATABLE READ"
    with engine.connect().execution_options(isolation_level=snapshot) as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        try:
            yield connection
        finally:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("ROLLBACK")


_ONE_AT_A_TIME = threading.Lock()
"""Alembic keeps what it is doing in globals: two threads at once would undo each other."""


def migrate(url: str) -> None:
    """Bring a database to today's tables. Safe to run at every start."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["url"] = url
    with _ONE_AT_A_TIME:
        command.upgrade(config, "head")
