"""The area code of a fixed line: 0766 is Bengkalis and its surroundings. A hint, and no more."""

from __future__ import annotations

from collections.abc import Sequence

from ivr.location.numbers import COUNTRY, e164
from ivr.location.placed import Told
from ivr.location.received import kept
from ivr.location.source import Asked
from routing.model import Candidate, Location

ONE = 0.5
SEVERAL = 0.3


class FixedLine:
    """The kecamatan that the caller's area code may be in, by the deployment's own table."""

    name = "fixed_line"
    deadline_s = 1.0

    async def find(self, asked: Asked) -> Sequence[Location]:
        """At most one location, which names a kecamatan only where the area code has but one."""
        number = e164(asked.caller)
        if number is None or not number.startswith(f"+{COUNTRY}"):
            return ()
        national = f"0{number[1 + len(COUNTRY) :]}"
        if national.startswith("08"):  # a mobile telephone
            return ()
        known = [code for code in asked.directory.area_codes if code and national.startswith(code)]
        codes = asked.directory.area_codes[max(known, key=len)] if known else ()
        if not codes:
            return ()
        told = Told(
            source=self.name,
            text=f"kode wilayah {max(known, key=len)}",
            raw=kept(asked.caller or ""),
        )
        share = round(1 / len(codes), 3)
        return (
            told.unplaced(
                codes[0] if len(codes) == 1 else None,
                ONE if len(codes) == 1 else SEVERAL,
                shape="admin",
                candidates=tuple(Candidate(code, share) for code in codes),
            ),
        )
