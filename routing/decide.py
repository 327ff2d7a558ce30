"""Choose the routes for a call: a pure function of what is known at that moment.

First who serves this incident at this place, the most specific first; then who serves other places the
caller may be at; then those of the whole kabupaten. Behind all who are responsible stands the reserve:
posts nearby on the same land, then those who may cross the water to it. Who is closed stands behind all
who are open, and whoever cannot be reached just now behind the others of his kind. Nobody is left out
for being unlikely, and the operator is always the last route. Every reason is written on the line where
the choice is made.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from routing.geography import distance_m
from routing.hours import open_at
from routing.model import (
    DIRECT,
    KECAMATAN,
    NEIGHBOUR,
    OPERATOR,
    SERVICES,
    Agency,
    Circumstances,
    Contact,
    Directory,
    Location,
    Place,
    Reason,
    Route,
    RouteDecision,
)

SURE = 0.5
"""Below this confidence the place is a guess, and the reasons say so."""

CERTAIN = 0.9
"""From here on nothing is said of an approximate map."""

SMALLEST_SHARE = 0.1
"""A place that holds less of where the caller may be is not asked for help."""

MOST_ROUTES = 24
"""So many are dialled before the operator at most: more than any caller waits for. Only more agencies
who are responsible than that make it more."""

RESERVE = frozenset({"same-block", "crossing"})
"""The rules by which somebody is dialled who is not responsible, because nobody else came."""

RESPONSIBLE = frozenset({"serves", "serves-a-part", "kabupaten"})
"""The rules by which somebody is dialled who is responsible for the place itself."""

_UNJUDGED = Circumstances()


@dataclass(frozen=True, slots=True)
class _Choice:
    """One who may take the call. A smaller ``tier`` comes first; ``rule_id`` and ``text`` say why."""

    tier: int
    agency: Agency
    rule_id: str
    text: str


def decide(
    directory: Directory,
    incident: str | None,
    location: Location | None,
    circumstances: Circumstances = _UNJUDGED,
) -> RouteDecision:
    """Who is dialled for this incident at this place, in order. Never raises, never empty."""
    because: list[Reason] = []
    choices = _choices(
        directory, incident, location, because, approximate=circumstances.approximate
    )
    choices, left = _at_most(choices)
    for choice in choices:
        because.append(Reason(choice.rule_id, choice.text))
    if left:
        text = f"{left} nomor cadangan atau nomor kedua tidak dihubungi: lebih dari {MOST_ROUTES}"
        because.append(Reason("most-routes", text))
    routes = _routes(_in_order(choices, circumstances, because), circumstances, because)
    notify = _notified(choices, routes)
    for told in notify:
        text = f"{told} diberi tahu bila {routes[0].agency} yang pertama dihubungi"
        because.append(Reason("notify", text))
    if circumstances.caller_class == "false_reports":
        text = (
            "dari nomor ini pernah ada laporan palsu: petugas waspada, panggilan tetap diteruskan"
        )
        because.append(Reason("false-reports", text))
    last = next((c.via for o in directory.operators for c in o.contacts), "")
    because.append(Reason("operator-last", "petugas 112 selalu menjadi tujuan terakhir"))
    return RouteDecision((*routes, Route(OPERATOR, last, "")), tuple(because), notify)


def _choices(
    directory: Directory,
    incident: str | None,
    location: Location | None,
    because: list[Reason],
    *,
    approximate: bool,
) -> list[_Choice]:
    """Everybody who may be asked, the best first."""
    if incident is None or incident not in SERVICES:
        because.append(
            Reason("unknown-incident", "kejadian belum diketahui: langsung ke petugas 112")
        )
        return []
    able = sorted(
        (agency for agency in directory.agencies if incident in agency.handles),
        key=lambda agency: (len(agency.covers), agency.priority),
    )
    everywhere = set(directory.places)
    wide = [agency for agency in able if agency.covers >= everywhere]
    near = [agency for agency in able if not agency.covers >= everywhere]
    outside = location is not None and location.kind == "outside"
    codes = _codes(directory, location)
    neighbours = _neighbour(directory, location, because, alone=not codes)
    if not codes:
        if outside:
            return neighbours
        text = "tempat belum diketahui: hanya instansi sekabupaten"
        because.append(Reason("unknown-place", text))
        return list(_kabupaten(wide, incident))
    _doubts(directory, location, codes, because, approximate=approximate)
    serving = list(_serving(directory, near, incident, codes, outside=outside))
    if not serving and not wide:
        text = f"tidak ada instansi untuk {incident} di {_called(directory, codes[0][0])}"
        because.append(Reason("nobody", text))
    named = {choice.agency.id for choice in serving}
    others = [agency for agency in near if agency.id not in named]
    place = directory.places[codes[0][0][:KECAMATAN]]
    return [
        *neighbours,
        *serving,
        *_kabupaten(wide, incident),
        *_on_the_same_land(directory, others, place),
        *_across_the_water(directory, others, place),
    ]


def _codes(directory: Directory, location: Location | None) -> list[tuple[str, float]]:
    """The places the caller may be at, the best first, each with its share of what was told.

    Nobody calls from the sea in a circle: what of it is land is the whole. Outside, the rest is the
    land of others. A wide circle is a little of many desa: where each is too small to count, their
    kecamatan may.
    """
    if location is None:
        return []
    held = [(c.code, c.share) for c in location.candidates if c.share > 0]
    whole = 1.0 if location.kind == "outside" else sum(share for _, share in held)
    held = [(code, round(share / whole, 6)) for code, share in held]
    shares = {code: share for code, share in held if share >= SMALLEST_SHARE}
    named = {code[:KECAMATAN] for code in (*shares, location.code or "")}
    small: dict[str, float] = {}
    for code, share in held:
        kecamatan = code[:KECAMATAN]
        if kecamatan not in named:
            small[kecamatan] = small.get(kecamatan, 0.0) + share
    shares |= {code: share for code, share in small.items() if share >= SMALLEST_SHARE}
    others = sorted(shares, key=lambda code: -shares[code])
    codes = dict.fromkeys([*([location.code] if location.code else []), *others])
    return [(c, shares.get(c, 1.0)) for c in codes if c[:KECAMATAN] in directory.places]


def _called(directory: Directory, code: str) -> str:
    place = directory.places[code[:KECAMATAN]]
    desa = place.desa.get(code)
    return f"{desa.name}, {place.name} ({code})" if desa else f"{place.name} ({place.code})"


def _doubts(
    directory: Directory,
    location: Location | None,
    codes: Sequence[tuple[str, float]],
    because: list[Reason],
    *,
    approximate: bool,
) -> None:
    """What makes the place less than sure."""
    if location is None:
        return
    called = _called(directory, codes[0][0])
    if location.kind == "snapped":
        because.append(Reason("snapped", f"di luar batas wilayah; yang terdekat {called}"))
    if location.kind == "sea":
        text = f"di luar semua wilayah (laut atau tepi); yang terdekat {called}"
        because.append(Reason("sea", text))
    if approximate and location.lat is not None and not location.confidence >= CERTAIN:
        text = f"{called} menurut peta perkiraan"
        if location.kind == "outside":
            text = f"menurut peta perkiraan; mungkin juga di {called}"
        because.append(Reason("approximate-map", text))
    if not location.confidence >= SURE:
        because.append(Reason("low-confidence", f"{called} hanya perkiraan tempat kejadian"))


def _neighbour(
    directory: Directory, location: Location | None, because: list[Reason], *, alone: bool
) -> list[_Choice]:
    """The centre of the neighbour in whose land the caller is, or to which he is nearest, where it has
    one. ``alone``: nobody of ours is asked."""
    if location is None or location.kind != "outside":
        return []
    passed_on = ": petugas 112 yang meneruskan" if alone else ""
    found = directory.neighbours.get(location.neighbour or "")
    if found is None:
        because.append(Reason("outside", f"posisi di luar wilayah{passed_on}"))
        return []
    # A coordinate may lie off the neighbour's land; an address names it.
    near = "di" if location.lat is None else "di luar wilayah, terdekat"
    where = f"posisi {near} {found.name}"
    if not found.contacts:
        text = f"{where}, yang belum diketahui punya pusat 112{passed_on}"
        because.append(Reason("outside", text))
        return []
    centre = Agency(
        NEIGHBOUR + found.id, found.name, frozenset(), frozenset(), found.contacts, crossing=True
    )
    text = f"{where}: disambungkan ke pusat 112 di sana"
    return [_Choice(0, centre, "neighbour", text)]


def _serving(
    directory: Directory,
    able: Sequence[Agency],
    incident: str,
    codes: Sequence[tuple[str, float]],
    *,
    outside: bool,
) -> Iterator[_Choice]:
    """Those who cover a place the caller may be at: of the best place first, a desa before its
    kecamatan, then who covers the fewest places. Behind them those of a part of its kecamatan only.
    To one who is ``outside`` they are only near."""
    named: set[str] = set()
    for number, (code, share) in enumerate(codes):
        called = _called(directory, code)
        kecamatan = code[:KECAMATAN]
        exact = [agency for agency in able if code in agency.covers]
        whole = [agency for agency in able if kecamatan in agency.covers]
        for agency in (*exact, *whole):
            if agency.id in named:
                continue
            named.add(agency.id)
            text = f"{agency.id} menangani {incident} di {called}"
            if outside:
                yield _Choice(
                    1 + number, agency, "may-serve", f"{text}, yang dekat dari posisi itu"
                )
            elif number == 0:
                yield _Choice(1, agency, "serves", text)
            else:
                text += f" ({share:.0%} kemungkinan tempatnya)"
                yield _Choice(1 + number, agency, "may-serve", text)
    code = codes[0][0]
    if len(code) == KECAMATAN:
        for agency in able:
            if agency.id not in named and any(c.startswith(f"{code}.") for c in agency.covers):
                text = f"{agency.id} menangani {incident} di sebagian {_called(directory, code)}"
                yield _Choice(1 + len(codes), agency, "serves-a-part", text)


def _blocks(directory: Directory, agency: Agency) -> set[str]:
    """The lands an agency serves on."""
    kecamatan = {code[:KECAMATAN] for code in agency.covers}
    return {directory.places[code].block for code in kecamatan if code in directory.places}


_WIDE, _SAME_LAND, _ACROSS = 1001, 1002, 1003
"""Tiers behind all who serve a place; there are never so many places."""


def _on_the_same_land(
    directory: Directory, others: Iterable[Agency], place: Place
) -> list[_Choice]:
    """Posts that serve other kecamatan, reached without crossing water; the nearest first."""
    here = [agency for agency in others if place.block in _blocks(directory, agency)]
    here.sort(key=lambda agency: (agency.priority, _away_m(directory, agency, place)))
    return [
        _Choice(
            _SAME_LAND,
            agency,
            "same-block",
            f"{agency.id} melayani tempat lain di daratan yang sama dengan {place.name}",
        )
        for agency in here
    ]


def _away_m(directory: Directory, agency: Agency, place: Place) -> float:
    """Metres between the settlements of a place and the nearest one that an agency serves."""
    kecamatan = {code[:KECAMATAN] for code in agency.covers} & directory.places.keys()
    return min(
        (
            distance_m(one, other)
            for code in kecamatan
            for one in directory.places[code].points
            for other in place.points
        ),
        default=math.inf,
    )


def _kabupaten(wide: Iterable[Agency], incident: str) -> Iterator[_Choice]:
    """Those of the whole kabupaten: they were told to be responsible on every land."""
    for agency in sorted(wide, key=lambda agency: agency.priority):
        text = f"{agency.id} menangani {incident} di seluruh kabupaten"
        yield _Choice(_WIDE, agency, "kabupaten", text)


def _across_the_water(
    directory: Directory, others: Iterable[Agency], place: Place
) -> Iterator[_Choice]:
    """Those on other land who are allowed to come over the water, and nobody else from there."""
    for agency in sorted(others, key=lambda agency: agency.priority):
        if agency.crossing and place.block not in _blocks(directory, agency):
            text = f"{agency.id} boleh menyeberang ke {place.name} (`crossing: yes`)"
            yield _Choice(_ACROSS, agency, "crossing", text)


def _at_most(choices: Sequence[_Choice]) -> tuple[list[_Choice], int]:
    """The choices with ``MOST_ROUTES`` contacts, and how many contacts were left out.

    First the reserve is left out, then the last numbers of those who have several. It is the same in
    all circumstances: who is closed or full is put behind others, and stays.
    """
    contacts = [
        (choice.rule_id in RESERVE, number, place)
        for place, choice in enumerate(choices)
        for number in range(len(choice.agency.contacts))
    ]
    always = sum(not reserve and number == 0 for reserve, number, _ in contacts)
    most = max(MOST_ROUTES, always)
    if len(contacts) <= most:
        return list(choices), 0
    kept = Counter(place for _, _, place in sorted(contacts)[:most])
    few = (
        replace(
            choice, agency=replace(choice.agency, contacts=choice.agency.contacts[: kept[place]])
        )
        for place, choice in enumerate(choices)
    )
    return [choice for choice in few if choice.agency.contacts], len(contacts) - most


def _in_order(
    choices: Sequence[_Choice], circumstances: Circumstances, because: list[Reason]
) -> list[tuple[bool, _Choice]]:
    """Each with whether it is closed: the open ones first, then by tier."""
    judged = []
    for choice in choices:
        closed = _is_closed(choice.agency, circumstances)
        if closed:
            why = "tutup pada hari libur" if circumstances.holiday else "sedang tutup"
            text = f"{choice.agency.id} {why}: dihubungi setelah semua yang buka"
            because.append(Reason("closed", text))
        judged.append((closed, choice))
    return sorted(judged, key=lambda one: (one[0], one[1].tier))


def _is_closed(agency: Agency, circumstances: Circumstances) -> bool:
    """Who has no hours is there always; who has some is not there on a holiday."""
    at = circumstances.at
    if at is None or not agency.hours:
        return False
    minute = at.hour * 60 + at.minute
    return circumstances.holiday or not open_at(agency.hours, at.weekday(), minute)


def _routes(
    choices: Iterable[tuple[bool, _Choice]],
    circumstances: Circumstances,
    because: list[Reason],
) -> list[Route]:
    """The contacts of each, those that cannot be reached just now behind the others of their tier."""
    good: dict[tuple[bool, int], list[Route]] = {}
    poor: dict[tuple[bool, int], list[Route]] = {}
    for closed, choice in choices:
        agency, tier = choice.agency, (closed, choice.tier)
        good.setdefault(tier, [])
        poor.setdefault(tier, [])
        taken = agency.id in circumstances.full_agencies
        if taken:
            text = f"{agency.id} sedang melayani sebanyak yang sanggup: ditaruh di belakang"
            because.append(Reason("agency-full", text))
        reachable: list[Contact] = []
        others: list[Contact] = []
        for contact in agency.contacts:
            unreachable = _unreachable(agency, contact, circumstances, because)
            (others if taken or unreachable else reachable).append(contact)
        reserve = choice.rule_id in RESERVE
        good[tier] += _dialled(agency, reachable, reserve)
        poor[tier] += _dialled(agency, others, reserve)
    return [route for tier in good for route in (*good[tier], *poor[tier])]


def _unreachable(
    agency: Agency, contact: Contact, circumstances: Circumstances, because: list[Reason]
) -> bool:
    """A way that is known to fail, or has no line free. Who is dialled directly is no way of others."""
    if contact.via == DIRECT:
        return False
    if contact.via in circumstances.down:
        text = f"{agency.id} lewat {contact.via} ditaruh di belakang: jalur itu baru saja gagal"
        because.append(Reason("trunk-down", text))
        return True
    if contact.via in circumstances.full_trunks:
        text = f"{agency.id} lewat {contact.via} ditaruh di belakang: jalur itu penuh"
        because.append(Reason("trunk-full", text))
        return True
    return False


def _dialled(agency: Agency, contacts: Iterable[Contact], reserve: bool) -> list[Route]:
    return [
        Route(
            agency.id,
            contact.via,
            contact.number,
            contact.ring_s,
            contact.accept,
            contact.lines,
            together=agency.ring == "all" and number > 0,
            reserve=reserve,
        )
        for number, contact in enumerate(contacts)
    ]


def _notified(choices: Iterable[_Choice], routes: Sequence[Route]) -> tuple[str, ...]:
    """Who is told when the first route is dialled."""
    if not routes:
        return ()
    return next(c.agency.notify for c in choices if c.agency.id == routes[0].agency)
