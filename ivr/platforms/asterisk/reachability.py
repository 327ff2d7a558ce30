"""Which answering points can a person be reached at now, by what Asterisk says. Pure.

A contact can be reached when its peer answers Asterisk's OPTIONS; an operator, when one of the
contacts can be, unless the last dial to it failed a moment ago. Text that says nothing of a contact
means that it cannot be reached: no alarm is worth less than a false calm.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from routing.directory import is_placeholder
from routing.model import Directory, Operator

OUTCOME_S = 60.0
"""For so long a failed dial outweighs a peer that answers OPTIONS."""

FAILED = ("CHANUNAVAIL", "CONGESTION")

_CONTACT = re.compile(r"^\s*Contact:\s+([^/\s]+)/\S+.*\sAvail\s", re.MULTILINE)
_OUTCOME = re.compile(r"^\s*SIAGA_HASIL_([a-z0-9_-]+)=([A-Z]+) (\d{1,12})\s*$", re.MULTILINE)


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
    if contacts is None:
        return tuple(Standing(o.id, False, "Asterisk tidak menjawab") for o in operators)
    available = set(_CONTACT.findall(contacts))
    outcomes = {name: (said, int(at)) for name, said, at in _OUTCOME.findall(variables or "")}
    return tuple(_standing(o, directory, available, outcomes, now) for o in operators)


def aor_of(operator: Operator, number: str, via: str) -> str:
    """The name under which Asterisk watches a contact."""
    return f"petugas-{operator.id}" if number.startswith("sip:") else via


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
    if not any(aor_of(operator, c.number, c.via) in available for c in real):
        return Standing(operator.id, False, "tidak menjawab OPTIONS")
    said, at = outcomes.get(operator.id, ("", 0))
    if said in FAILED and now - at < OUTCOME_S:
        return Standing(operator.id, False, f"panggilan terakhir gagal ({said})")
    return Standing(operator.id, True, "menjawab")
