"""Telephones that stand at a known place, as the deployment lists them: a school, a plant, a post."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ivr.location.numbers import e164
from ivr.location.placed import Told, placed
from ivr.location.received import kept
from ivr.location.source import Asked
from routing.model import Candidate, Location

LISTED = 0.9


class KnownNumber:
    """The place that the caller's number is listed with."""

    name = "known_number"
    deadline_s = 1.0

    async def find(self, asked: Asked) -> Sequence[Location]:
        """At most one location. The code that is listed counts more than the one of the coordinate."""
        number = e164(asked.caller)
        known = asked.directory.numbers.get(number) if number is not None else None
        if known is None:
            return ()
        told = Told(source=self.name, text=known.name, raw=kept(asked.caller or ""))
        listed = (Candidate(known.code, 1.0),) if known.code is not None else ()
        if known.lat is None or known.lon is None:
            sure = LISTED if listed else 0.0
            return (told.unplaced(known.code, sure, shape="admin", candidates=listed),)
        found = placed(told, asked.geography, known.lat, known.lon)
        if known.code is None:
            return (found,)
        return (replace(found, code=known.code, confidence=LISTED, candidates=listed),)
