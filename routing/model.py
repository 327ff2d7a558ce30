"""The values that routing speaks in: places, locations, agencies, routes and their reasons.

Everything here is a frozen value. Codes of places are those of Kepmendagri 300.2.2-2430/2025
("14.03.09" is Mandau). Service names are URNs of RFC 5031; what has no URN there falls under
``urn:service:sos``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from routing.hours import Hours

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

SETUP_S = 4.0
"""So long (seconds) a way out may be silent, neither ringing nor answered, before it is left."""

OPERATOR = "operator"
"""The agency name of the last route of every decision: the default answering points."""


NEIGHBOUR = "tetangga-"
"""How the agency name of a route begins that leads to the centre of a neighbour."""

DIRECT = "langsung"
"""The ``via`` of a ``sip:`` contact: it needs no trunk."""

PRESSED = "ivr_dtmf"
SPOKEN = "ivr_speech"
BY_THE_CALLER = (PRESSED, SPOKEN)
"""The sources that tell where the incident is, as the caller says with his keys or in words; all others
tell of his phone."""

KECAMATAN = 8
"""So many letters of a code name the kecamatan: 14.03.09 of desa 14.03.09.1001."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One area that a location may lie in, with its share (0 to 1) of the shape that was told."""

    code: str
    share: float


@dataclass(frozen=True, slots=True)
class Location:
    """Where something is, as one source told it. Kept as received; never overwritten.

    ``code`` is a kecamatan or a desa (or None when unknown), ``lat``/``lon`` degrees WGS 84 of the
    point or of the middle of the shape, ``radius_m`` metres, ``confidence`` 0 to 1 that ``code`` is
    right. ``kind`` tells how the coordinate lies to the areas that are known; empty where none was
    told. ``observed_at`` and ``received_at`` are epoch seconds; ``raw`` is what the source said, as it
    said it, cut to a length that can be kept.
    """

    source: str  # sip_pidf pani aml_https aml_sms fixed_line known_number trunk ivr_dtmf ivr_speech operator
    code: str | None = None
    lat: float | None = None
    lon: float | None = None
    radius_m: float | None = None
    confidence: float = 0.0
    method: str | None = None
    shape: Literal["", "point", "circle", "ellipse", "polygon", "civic", "admin"] = ""
    kind: Literal["", "inside", "snapped", "sea", "outside"] = ""
    candidates: tuple[Candidate, ...] = ()
    neighbour: str | None = None  # the neighbour it lies nearest to, where it is outside
    text: str = ""  # what a person would want to read of it: a street, a landmark
    observed_at: float | None = None
    received_at: float | None = None
    raw: str = ""

    @property
    def kecamatan(self) -> str | None:
        return self.code[:KECAMATAN] if self.code is not None else None


@dataclass(frozen=True, slots=True)
class Desa:
    """One desa or kelurahan. ``code`` is the whole one, 14.03.09.1001. ``aliases`` are what people call
    it, beside its name."""

    code: str
    name: str
    postcode: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """One kecamatan, with its desa by code. ``points`` are (lat, lon) of known settlements, ``aliases``
    what people call it, beside its name."""

    code: str
    name: str
    block: str  # the land block: failover never crosses water silently
    points: tuple[tuple[float, float], ...] = ()
    postcode: str = ""  # of the desa that have none of their own
    desa: Mapping[str, Desa] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trunk:
    """A shared way out.

    ``host`` is host[:port] of the peer, or a placeholder ``ISI-…``; empty where the peer registers
    with us. ``pilot`` is the number we call from where the peer does not allow the caller's own.
    ``setup_s`` is how long it may be silent: a gateway to mobile phones needs its time.
    """

    name: str
    host: str
    channels: int = 2
    register: Literal["no", "out", "in"] = (
        "no"  # out: we register with the peer; in: it does with us
    )
    login: str = ""  # the name that goes with the password, which is no part of a deployment
    pilot: str | None = None
    setup_s: float = SETUP_S
    location: bool = False  # whether the peer is told where the caller is (PIDF-LO)


@dataclass(frozen=True, slots=True)
class Contact:
    """A number reached over a trunk, or a ``sip:user@host:port`` URI dialled directly.

    ``lines`` is how many of our calls it may have at once; one more goes on to the next target.
    """

    via: str
    number: str
    ring_s: float = 20.0
    accept: Literal["press", "answer"] = "press"
    lines: int = 1


@dataclass(frozen=True, slots=True)
class Agency:
    """Who can help: which incidents, in which kecamatan or desa, by which contacts.

    ``ring`` says whether the contacts are tried in order or ring all at once. ``notify`` are agencies
    that get the ticket, and no call, when this one is the first choice. ``hours`` are when somebody is
    there, always where there are none. Among equals a smaller ``priority`` comes first. ``crossing``:
    it may be dialled for a place across the water. ``capacity`` is how many callers it can talk to at
    once, as many as its lines where it is None.
    """

    id: str
    name: str
    handles: frozenset[str]
    covers: frozenset[str]  # kecamatan or desa codes; every kecamatan for a kabupaten-wide agency
    contacts: tuple[Contact, ...]
    ring: Literal["in-order", "all"] = "in-order"
    notify: tuple[str, ...] = ()
    hours: tuple[Hours, ...] = ()
    priority: int = 0
    crossing: bool = False
    capacity: int | None = None


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
    place: str | None = (
        None  # the kecamatan or desa whose calls come this way, where it is only one
    )


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A kabupaten or kota next to ours. ``points`` (lat, lon) tell it from other neighbours;
    ``contacts`` reach its own centre, empty where it is not known to have one."""

    id: str
    name: str
    points: tuple[tuple[float, float], ...] = ()
    contacts: tuple[Contact, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownNumber:
    """A telephone that stands at a known place: a school, a plant, a village office."""

    number: str  # E.164, +62766…
    name: str
    code: str | None = None
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True)
class Directory:
    """Everything a decision needs to know about the deployment, read once and never changed.

    ``area_codes`` are the kecamatan that a fixed-line area code (0766) may be in, ``numbers`` the known
    telephones by E.164.
    """

    agencies: tuple[Agency, ...]
    operators: tuple[Operator, ...]
    trunks: Mapping[str, Trunk]
    carriers: tuple[Carrier, ...]
    places: Mapping[str, Place] = field(default_factory=dict)
    neighbours: Mapping[str, Neighbour] = field(default_factory=dict)
    area_codes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: Mapping[str, KnownNumber] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else is known at the moment of a decision. It changes the order only: nobody is left out.

    ``at`` is the local time of the deployment; None where hours are not to be judged. On a
    ``holiday`` whoever has hours is closed. ``down`` are trunks that are known to fail,
    ``full_agencies`` those who talk to as many as they can, ``full_trunks`` those without a free
    channel. ``approximate``: the areas that coordinates were looked up in are nobody's official ones,
    which only the reasons tell.
    """

    at: datetime | None = None
    holiday: bool = False
    down: frozenset[str] = frozenset()
    full_agencies: frozenset[str] = frozenset()
    full_trunks: frozenset[str] = frozenset()
    caller_class: Literal["normal", "false_reports"] = "normal"
    approximate: bool = True


@dataclass(frozen=True, slots=True)
class Route:
    """One target to dial. The operator's route carries no target: extensions know the way.

    ``together``: it rings at the same time as the route before it. ``reserve``: not responsible for the
    place, rung when nobody who is has come.
    """

    agency: str
    trunk: str
    target: str
    ring_s: float = 20.0
    accept: Literal["press", "answer"] = "press"
    lines: int = 1
    together: bool = False
    reserve: bool = False


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
