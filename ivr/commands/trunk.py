"""``trunk test``: ask the running engine how a trunk stands, and say what is in the way."""

from __future__ import annotations

import difflib
import ipaddress
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ivr import supervisor
from ivr.calls.published import load
from ivr.config import Config
from ivr.platforms.asterisk import pbx
from ivr.platforms.asterisk.programs import Asterisk, find_asterisk
from ivr.platforms.asterisk.trunk_health import (
    Health,
    Seen,
    contact,
    describe,
    is_known,
    judge,
    not_running,
    registration,
)
from ivr.platforms.asterisk.trunk_passwords import without_password
from ivr.status import read as read_status
from routing.model import Trunk

__all__ = ["describe", "examine", "to_json"]

ANSWER_S = 2.5
"""A peer has two seconds to answer OPTIONS; Asterisk needs a moment to note it."""

LOOK_S = 0.1
REFUSAL_S = 0.5
SIP_PORT = 5060
LOG_BYTES = 256 * 1024


def examine(config: Config, name: str) -> Health:
    """How the trunk stands now; raises ValueError with a sentence where there is no such trunk."""
    said = read_status(config)
    row = _asterisk_row(said)
    if said is None or row is None:
        return not_running(name)
    running = replace(config, deployment=Path(str(said["deployment"])))
    trunks = load(running).directory.trunks
    if name not in trunks:
        close = difflib.get_close_matches(name, list(trunks), n=1)
        meant = f" Maksud Anda `{close[0]}`?" if close else ""
        known = ", ".join(trunks) or "belum ada satu pun"
        raise ValueError(f"Trunk {name!r} tidak ada di trunks.yaml.{meant} Yang ada: {known}.")
    return judge(trunks[name], _look(running, trunks[name], float(row["since"])))


def _asterisk_row(said: Mapping[str, object] | None) -> dict[str, Any] | None:
    rows = said.get("components") if said else None
    for row in rows if isinstance(rows, list) else []:
        if row["name"] == "asterisk" and row["pid"] and supervisor.is_alive(row["pid"]):
            return dict(row)
    return None


def _look(config: Config, trunk: Trunk, since: float) -> Seen:
    """Ask Asterisk for a sign of life of the peer, wait for it, and note everything."""
    asterisk, where = find_asterisk(lambda _: None), pbx.folders(config)
    endpoint = pbx.ask(asterisk, where, f"pjsip show endpoint {trunk.name}")
    contacts, registrations = _asked_anew(asterisk, where, trunk, known=is_known(endpoint, trunk))
    address = _address(trunk.host)
    port = _port(trunk.host)
    found = contact(contacts, trunk)
    answers = found is not None and found[1] == "Avail"
    return Seen(
        contacts=contacts,
        registrations=registrations,
        endpoint=endpoint,
        variables=pbx.ask(asterisk, where, "dialplan show globals"),
        log=_log_end(where.log / "messages.log"),
        password_trouble=without_password(config, {trunk.name: trunk}).get(trunk.name),
        resolves=address is not None or trunk.register == "in",
        refused=address is not None and not answers and _is_refused(address, port),
        away=_is_loopback(pbx.BIND_ADDRESS) and address is not None and not _is_loopback(address),
        since=since,
        now=time.time(),
    )


def _asked_anew(
    asterisk: Asterisk, where: pbx.Folders, trunk: Trunk, *, known: bool
) -> tuple[str | None, str | None]:
    """Contacts and registrations after the peer was asked now; at most a little over two seconds."""

    def read() -> tuple[str | None, str | None]:
        return (
            pbx.ask(asterisk, where, "pjsip show contacts"),
            pbx.ask(asterisk, where, "pjsip show registrations"),
        )

    contacts, registrations = read()
    if not known:
        return contacts, registrations
    before = contact(contacts, trunk)
    pbx.ask(asterisk, where, f"pjsip qualify {trunk.name}")
    if registration(registrations, trunk.name) in ("Rejected", "Unregistered", "Stopped"):
        pbx.ask(asterisk, where, f"pjsip send register {trunk.name}")
    until = time.monotonic() + ANSWER_S
    while time.monotonic() < until:
        contacts, registrations = read()
        now = contact(contacts, trunk)
        answered = now is not None and now[1] == "Avail" and now != before
        if answered and registration(registrations, trunk.name) in (None, "Registered"):
            break
        time.sleep(LOOK_S)
    return contacts, registrations


def _address(host: str) -> str | None:
    """The IPv4 address behind host[:port]."""
    try:
        found = socket.getaddrinfo(
            host.partition(":")[0] or None, SIP_PORT, socket.AF_INET, socket.SOCK_DGRAM
        )
    except OSError:
        return None
    return str(found[0][4][0]) if host else None


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


def _port(host: str) -> int:
    return int(host.partition(":")[2] or SIP_PORT)


def _is_refused(address: str, port: int) -> bool:
    """Whether the machine there says that nobody listens. The empty lines are SIP's keep-alive."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(REFUSAL_S)
        try:
            probe.connect((address, port))
            probe.send(b"\r\n\r\n")
            probe.recv(512)
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


def _log_end(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LOG_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def to_json(health: Health) -> dict[str, Any]:
    """The same for programs."""
    return {"well": health.well, **asdict(health)}
