"""Which of several locations is to be believed. A ranking, never a merging: all of them are kept.

The newest word of each source stands for that source. Of those, an operator who has spoken with the
caller comes first; then whoever is surest of the area; then the smaller circle; then the newer word.
A measured point outside the area, with no code to be sure of, is better than a guess that names one:
whoever stands in another kabupaten is not helped by the default place of the line.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from routing.model import Location

GUESS = 0.5
"""Under this confidence a code is a guess: the default of a line, an area code."""

SAID = 0.8
"""From here on the caller has said it himself, in words or with keys, which are surer; under this an area
stands for its first kecamatan."""

OUTSIDE_WORTH = 0.55
"""How sure a measured point outside the area is taken to be: more than a guess, less than a place."""

_WIDEST_M = 5_000.0
"""A circle wider than this tells nothing of being outside."""

_AHEAD_S = 60.0
"""A clock that is further ahead of ours than this tells nothing of when something was observed."""

_TRUST = {
    "operator": 6,
    "aml_https": 5,
    "aml_sms": 5,
    "sip_pidf": 4,
    "known_number": 3,
    "pani": 2,
    "fixed_line": 1,
}
"""Whom to believe of those who are equally sure: people, the handset, the network, a table."""


def best(locations: Iterable[Location]) -> Location | None:
    """The one to act on, of locations in the order they were received; None where there is none."""
    newest: dict[str, Location] = {}
    for location in locations:
        before = newest.get(location.source)
        if before is None or not _is_older(location, before):
            newest[location.source] = location
    order = list(newest.values())
    if len(order) < 2:
        return order[0] if order else None
    return max(order, key=lambda location: (_rank(location), order.index(location)), default=None)


def of_incident(said: Location | None, phone: Location | None) -> Location | None:
    """Where help is needed: what the caller said of it, or else where the phone is.

    He may call about another place than the one he stands in. A kecamatan that only stands in for the
    area he chose yields to a source that is surer, and everything to an operator's correction.
    """
    if said is None or phone is None:
        return said or phone
    if phone.source == "operator" and is_useful(phone):
        return phone
    if said.confidence >= SAID:
        return said
    return phone if _worth(phone) > said.confidence else said


def disagree(said: Location | None, phone: Location | None) -> bool:
    """True where the caller names one kecamatan and his phone is known to be in another."""
    if said is None or phone is None or said.confidence < SAID or phone.source == "operator":
        return False
    if phone.kind == "outside":
        return _worth(phone) >= GUESS
    return (
        phone.kecamatan is not None
        and phone.confidence >= GUESS
        and phone.kecamatan != said.kecamatan
    )


def is_useful(location: Location) -> bool:
    """Whether anything can be decided with it: a place, or the certainty of being outside."""
    return location.code is not None or location.kind == "outside"


def _is_older(one: Location, other: Location) -> bool:
    """Messages overtake each other; what was observed earlier does not replace what came later. Nor
    does a word without a place replace one with."""
    if is_useful(other) and not is_useful(one):
        return True
    observed, before = _observed_at(one), _observed_at(other)
    if observed is None or before is None:
        return False
    return observed < before


def _observed_at(location: Location) -> float | None:
    """When it was observed (epoch seconds); None where nobody said so, or said what cannot be."""
    at, received = location.observed_at, location.received_at
    if at is not None and received is not None and at > received + _AHEAD_S:
        return None
    return at


def _rank(location: Location) -> tuple[bool, float, int, float, float]:
    radius = location.radius_m if location.radius_m is not None else math.inf
    observed = _observed_at(location) or 0.0
    return (
        location.source == "operator" and is_useful(location),
        _worth(location),
        _TRUST.get(location.source, 0),
        -radius,
        observed,
    )


def _worth(location: Location) -> float:
    if location.code is not None:
        return location.confidence
    measured = location.lat is not None and (location.radius_m or 0.0) <= _WIDEST_M
    if location.kind == "outside" and (measured or location.neighbour is not None):
        return OUTSIDE_WORTH
    return -1.0
