"""Which answering points can a person be reached at now, by what Asterisk says. Pure.

A contact can be reached when its peer answers Asterisk's OPTIONS; an operator, when one of the
contacts can be, unless the last dial to it failed a moment ago. Text that says nothing of a contact,
or that cannot be read, means that nobody can be reached: a false alarm costs less than a false calm.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from routing.directory import is_placeholder
from routing.model import Contact, Directory, Operator, Trunk

OUTCOME_S = 60.0
"""For so long a failed dial outweighs a peer that answers OPTIONS."""

FAILED = ("CHANUNAVAIL", "CONGESTION")

UNREADABLE = "?"
"""The outcome of a last dial that is noted in a way nobody can read."""

_CONTACT = re.compile(
    r"^[ \t]*Contact:[ \t]+([^/\s]+)/\S+[ \t]+\S+[ \t]+Avail[ \t]+[0-9]+\.[0-9]+[ \t]*$",
    re.MULTILINE,
)
_VARIABLE = re.compile(r"^[ \t]*SIAGA_HASIL_([a-z0-9-]+)=(.*)$", re.MULTILINE)
_OUTCOME = re.compile(r"([A-Z]+) ([0-9]{1,12})")
_ALL_TOLD = re.compile(r"^[ \t]*-- [0-9]+ variable\(s\)\s*\Z", re.MULTILINE)
"""Asterisk's last line; without it the answer was cut off, or is no answer."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a person can be reached at one answering point, and why."""

    operator: str
    reachable: bool
    why: str


def judge(
    contacts: str | None,
    variables: str | None,
    operators: Sequence[Operator],
    directory: Directory,
    now: float,
) -> tuple[Standing, ...]:
    """``contacts`` is the answer to ``pjsip show contacts``, ``variables`` that to ``dialplan show
    globals`` (None: no answer); ``now`` seconds since the epoch."""
    if contacts is None or variables is None or not _ALL_TOLD.search(variables):
        return tuple(Standing(o.id, False, "Asterisk tidak menjawab") for o in operators)
    available = set(_CONTACT.findall(contacts))
    outcomes = {name: _outcome(value) for name, value in _VARIABLE.findall(variables)}
    return tuple(_standing(o, directory, available, outcomes, now) for o in operators)


def aor_of_trunk(trunk: Trunk) -> str:
    """The name under which Asterisk watches a trunk: a peer that registers with us chose its own."""
    return trunk.login if trunk.register == "in" else trunk.name


def aor_of(operator: Operator, contact: Contact, trunks: Mapping[str, Trunk]) -> str:
    """The name under which Asterisk watches a contact."""
    if contact.number.startswith("sip:"):
        return f"petugas-{operator.id}"
    return aor_of_trunk(trunks[contact.via])


def _outcome(value: str) -> tuple[str, int]:
    found = _OUTCOME.fullmatch(value.strip())
    return (found[1], int(found[2])) if found else (UNREADABLE, 0)


def _standing(
    operator: Operator,
    directory: Directory,
    available: set[str],
    outcomes: dict[str, tuple[str, int]],
    now: float,
) -> Standing:
    real = [c for c in operator.contacts if not is_placeholder(c, directory.trunks)]
    if not real:
        return Standing(operator.id, True, "diperankan mesin")
    if not any(aor_of(operator, contact, directory.trunks) in available for contact in real):
        return Standing(operator.id, False, "tidak menjawab OPTIONS")
    said, at = outcomes.get(operator.id, ("", 0))
    if said == UNREADABLE:
        return Standing(operator.id, False, "hasil panggilan terakhir tidak terbaca")
    if said in FAILED and now - at < OUTCOME_S:
        return Standing(operator.id, False, f"panggilan terakhir gagal ({said})")
    return Standing(operator.id, True, "menjawab")
