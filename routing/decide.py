"""Choose the routes for a call: a pure function of what is known at that moment.

First who serves this incident at this place, the most specific first; then each one's contacts in
the order they are written. Nothing is thrown away for being unlikely, and the operator is always
the last route. Every reason is written on the line where the choice is made.
"""

from __future__ import annotations

from routing.model import (
    OPERATOR,
    SERVICES,
    Agency,
    Directory,
    Location,
    Reason,
    Route,
    RouteDecision,
)

SURE = 0.5
"""Below this confidence the place is a guess, and the reasons say so."""


def decide(directory: Directory, incident: str | None, location: Location | None) -> RouteDecision:
    """Who is dialled for this incident at this place, in order. Never raises, never empty."""
    because: list[Reason] = []
    agencies = _serving(directory, incident, location, because)
    routes = [
        Route(
            agency.id,
            contact.via,
            contact.number,
            contact.ring_s,
            contact.accept,
            contact.lines,
            together=agency.ring == "all" and number > 0,
        )
        for agency in agencies
        for number, contact in enumerate(agency.contacts)
    ]
    notify = agencies[0].notify if agencies else ()
    for told in notify:
        text = f"{told} diberi tahu bila {agencies[0].id} yang pertama dihubungi"
        because.append(Reason("notify", text))
    last = next((c.via for o in directory.operators for c in o.contacts), "")
    because.append(Reason("operator-last", "petugas 112 selalu menjadi tujuan terakhir"))
    return RouteDecision((*routes, Route(OPERATOR, last, "")), tuple(because), notify)


def _serving(
    directory: Directory, incident: str | None, location: Location | None, because: list[Reason]
) -> list[Agency]:
    """The agencies for this incident here, those that cover the fewest kecamatan first."""
    if incident not in SERVICES:
        because.append(
            Reason("unknown-incident", "kejadian belum diketahui: langsung ke petugas 112")
        )
        return []
    able = [agency for agency in directory.agencies if incident in agency.handles]
    place = directory.places.get(location.code or "") if location is not None else None
    if place is None:
        wide = [agency for agency in able if agency.covers >= set(directory.places)]
        because.append(
            Reason("unknown-place", "tempat belum diketahui: hanya instansi sekabupaten")
        )
        for agency in wide:
            because.append(
                Reason("kabupaten", f"{agency.id} menangani {incident} di seluruh kabupaten")
            )
        return wide
    if location is not None and not location.confidence >= SURE:
        because.append(
            Reason("low-confidence", f"{place.name} ({place.code}) hanya perkiraan tempat kejadian")
        )
    here = sorted(
        (agency for agency in able if place.code in agency.covers),
        key=lambda agency: len(agency.covers),
    )
    for agency in here:
        because.append(
            Reason("serves", f"{agency.id} menangani {incident} di {place.name} ({place.code})")
        )
    if not here:
        because.append(
            Reason("nobody", f"tidak ada instansi untuk {incident} di {place.name} ({place.code})")
        )
    return here
