"""What a source of locations is: given what is known of a call, it tells where the caller may be.

A new source is one file with a class like this, one line in ``sources.py``, and the contract suite
(tests/unit/test_location_sources.py), which runs over every line there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from routing.geography import Geography
from routing.model import Directory, Location


@dataclass(frozen=True, slots=True)
class Asked:
    """A call as sources see it, at the moment it is offered.

    ``caller`` is the number as received, None where it is withheld. ``trunk`` is the way in as
    trunks.yaml names it. ``at`` is epoch seconds. ``signalling`` is what the platform could read of the
    call's own messages, by the names in ``SIGNALLING``: bytes of a stranger, and any of them may be
    missing, cut short or nonsense.
    """

    call_id: str
    caller: str | None
    trunk: str
    at: float
    directory: Directory
    geography: Geography
    signalling: Mapping[str, str] = field(default_factory=dict)


PANI = "P-Access-Network-Info"
PIDF = "pidf"  # GEOLOC_PROFILE(effective_location): shape="Circle",crs="2d",pos="1.2 101.2",radius="50"
PIDF_FORMAT = "pidf.format"  # GML | civicAddress | URI
PIDF_METHOD = "pidf.method"
PIDF_CONFIDENCE = "pidf.confidence"

SIGNALLING = (PANI, PIDF, PIDF_FORMAT, PIDF_METHOD, PIDF_CONFIDENCE)
"""The names under which ``Asked.signalling`` may hold something."""


class LocationSource(Protocol):
    """One way to learn where a caller is. Never raises for what a caller or a network sent: that is
    no location, and a line in the log. What it raises for other reasons costs that source alone."""

    @property
    def name(self) -> str:
        """As in ``Location.source``."""

    @property
    def deadline_s(self) -> float:
        """After so many seconds nobody waits for it any more."""

    async def find(self, asked: Asked) -> Sequence[Location]:
        """All that this source knows about the caller, possibly nothing."""
