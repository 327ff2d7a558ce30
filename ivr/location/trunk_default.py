"""The kecamatan whose calls come by a way in of their own: better than nothing, and no more."""

from __future__ import annotations

from collections.abc import Sequence

from ivr.location.placed import Told
from ivr.location.source import Asked
from routing.model import Candidate, Location

GUESS = 0.3


class TrunkDefault:
    """The ``place`` that trunks.yaml gives the way in that the call came by."""

    name = "trunk"
    deadline_s = 1.0

    async def find(self, asked: Asked) -> Sequence[Location]:
        """At most one location, a guess."""
        for carrier in asked.directory.carriers:
            if carrier.name == asked.trunk and carrier.place is not None:
                told = Told(source=self.name, text=f"jalur {carrier.name}", raw=carrier.name)
                listed = (Candidate(carrier.place, 1.0),)
                return (told.unplaced(carrier.place, GUESS, shape="admin", candidates=listed),)
        return ()
