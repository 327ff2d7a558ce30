"""The values that routing speaks in: places, locations, agencies, routes and their reasons.

Everything here is a frozen value. Codes of places are those of Kepmendagri 300.2.2-2430/2025
("14.03.09" is Mandau). Service names are URNs of RFC 5031; what has no URN there falls under
``urn:service:sos``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

SERVICES: Mapping[str, str] = {
    "kebakaran": "urn:service:sos.fire",
    "kecelakaan": "urn:service:sos.ambulance",
    "bencana": "urn:service:sos",
    "kriminal": "urn:service:sos.police",
    "medis": "urn:service:sos.ambulance",
    "hewan-liar": "urn:service:sos.animal-control",
    "orang-hilang": "urn:service:sos",
    "lainnya": "urn:service:sos",
}
"""The local incident names an administrator writes, each with the service it asks for."""

OPERATOR = "operator"
"""The agency name of the last route of every decision: the default answering points."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where something is, as one source told it. Kept as received; never overwritten.

    ``code`` is a kecamatan (or None when unknown), ``lat``/``lon`` degrees WGS 84, ``radius_m``
    metres, ``confidence`` 0 to 1.
    """

    source: str  # ivr_dtmf | sip_pidf | ...
    code: str | None = None
    lat: float | None = None
    lon: float | None = None
    radius_m: float | None = None
    confidence: float = 0.0
    method: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """One kecamatan. ``points`` are (lat, lon) of known settlements: an approximation of its area."""

    code: str
    name: str
    block: str  # the land block: failover never crosses water silently
    points: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Trunk:
    """A shared way out.

    ``host`` is host[:port] of the peer, or a placeholder ``ISI-…``; empty where the peer registers
    with us. ``pilot`` is the number we call from where the peer does not allow the caller's own.
    ``setup_s`` is how long it may be silent, neither ringing nor answered, before it is left.
    """

    name: str
    host: str
    channels: int = 2
    register: Literal["no", "out", "in"] = (
        "no"  # out: we register with the peer; in: it does with us
    )
    login: str = ""  # the name that goes with the password, which is no part of a deployment
    pilot: str | None = None
    setup_s: float = 4.0
    location: bool = False  # whether the peer is told where the caller is (PIDF-LO)


@dataclass(frozen=True, slots=True)
class Contact:
    """A number reached over a trunk, or a ``sip:user@host:port`` URI dialled directly."""

    via: str
    number: str
    ring_s: float = 20.0
    accept: Literal["press", "answer"] = "press"


@dataclass(frozen=True, slots=True)
class Agency:
    """Who can help: which incidents, in which kecamatan, by which contacts, tried in order."""

    id: str
    name: str
    handles: frozenset[str]
    covers: frozenset[str]  # kecamatan codes; all of them for a kabupaten-wide agency
    contacts: tuple[Contact, ...]


@dataclass(frozen=True, slots=True)
class Operator:
    """A default answering point: the human who is always there."""

    id: str
    name: str
    contacts: tuple[Contact, ...]


@dataclass(frozen=True, slots=True)
class Carrier:
    """A way in. Told apart from other peers by source address, or by a header it always sends."""

    name: str
    addresses: tuple[str, ...] = ()
    header: str | None = None  # "Name: value"


@dataclass(frozen=True, slots=True)
class Directory:
    """Everything a decision needs to know about the deployment, read once and never changed."""

    agencies: tuple[Agency, ...]
    operators: tuple[Operator, ...]
    trunks: Mapping[str, Trunk]
    carriers: tuple[Carrier, ...]
    places: Mapping[str, Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """One target to dial. The operator's route carries no target: extensions know the way."""

    agency: str
    trunk: str
    target: str
    ring_s: float = 20.0
    accept: Literal["press", "answer"] = "press"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a route stands where it stands, written where the choice is made."""

    rule_id: str
    text: str


@dataclass(frozen=True, slots=True)
class RouteDecision:
    """Routes in the order they are dialled; the operator is always the last."""

    routes: tuple[Route, ...]
    because: tuple[Reason, ...]
    notify: tuple[str, ...] = ()
