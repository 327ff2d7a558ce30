"""``try``: hold one call in the terminal, with a pretended world, and keep it as a transcript test."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from ivr.calls.published import Published
from ivr.flow.events import CallOffered
from ivr.flow.transcript import Transcript, parse, to_text
from ivr.platforms.terminal import Held, Pretended, hold
from routing.model import OPERATOR, Location
from routing.wording import suggestion

WIB = timezone(timedelta(hours=7))
"""The clock of Riau."""

TOLD_CONFIDENCE = 0.8
"""How sure a pretended location is."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The call to hold, the world around it, and where it is kept."""

    offered: CallOffered
    pretended: Pretended
    save: Path | None
    promise: str | None


def wish(
    published: Published,
    *,
    caller: str | None,
    dialled: str,
    trunk: str,
    at_time: str | None,
    place: str | None,
    down: Sequence[str],
    busy: Sequence[str],
    save: Path | None,
    promise: str | None,
) -> Wish:
    """Read the options; raises ValueError with a sentence."""
    directory = published.directory
    for name in down:
        if name not in directory.trunks:
            raise ValueError(f"Trunk {name!r} tidak ada.{suggestion(name, directory.trunks)}")
    known = [*(agency.id for agency in directory.agencies), OPERATOR]
    for name in busy:
        if name not in known:
            raise ValueError(f"Instansi {name!r} tidak ada.{suggestion(name, known)}")
    if place is not None and place not in directory.places:
        raise ValueError(
            f"Kode kecamatan {place!r} tidak ada.{suggestion(place, directory.places)}"
        )
    if save is not None and promise is None and not sys.stdin.isatty():
        raise ValueError("Untuk menyimpan, tulis janjinya: --promise KALIMAT.")
    location = Location("terminal", code=place, confidence=TOLD_CONFIDENCE) if place else None
    offered = CallOffered(
        call_id="terminal",
        at=moment(at_time).timestamp(),
        caller=caller,
        dialled=dialled,
        trunk=trunk,
        case_number="terminal",
        dialplan_version=published.dialplan.version,
        location=location,
    )
    return Wish(offered, Pretended(frozenset(down), frozenset(busy)), save, promise)


def moment(text: str | None) -> datetime:
    """A time of day in WIB, to the minute; now where none is given. Raises ValueError."""
    if text is None:
        return datetime.now(UTC).astimezone(WIB).replace(second=0, microsecond=0)
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=WIB)
    except ValueError:
        message = f"Waktu {text!r} tidak dapat dibaca. Tulis misalnya “2027-03-20 02:00” (WIB)."
        raise ValueError(message) from None


def try_out(published: Published, wanted: Wish, *, verbose: bool) -> None:
    """Hold the call; keep it if asked to."""
    held = hold(
        published.dialplan,
        published.directory,
        wanted.offered,
        keys=sys.stdin,
        screen=sys.stdout,
        pretended=wanted.pretended,
        verbose=verbose,
    )
    if wanted.save is None:
        return
    promise = wanted.promise or input("Apa janji panggilan ini? Satu kalimat: ")
    text = transcript_text(held, promise, published.texts.folder.name)
    wanted.save.write_text(text, encoding="utf-8")
    print(f"Disimpan di {wanted.save}.", file=sys.stderr)


def transcript_text(held: Held, promise: str, deployment: str) -> str:
    """The call as a transcript test; what is as always is not written."""
    offered = next(event for event in held.events if isinstance(event, CallOffered))
    at = datetime.fromtimestamp(offered.at, WIB)
    given = Transcript(
        promise=" ".join(promise.split()) or "Panggilan percobaan.",
        dialplan=deployment,
        caller=offered.caller,
        location=offered.location,
        lines=(),
        dialled=offered.dialled if offered.dialled != "112" else None,
        trunk=offered.trunk if offered.trunk != "terminal" else None,
        at=f"{at:%Y-%m-%dT%H:%M}+07:00",
    )
    text = to_text(given) + "\n".join([*held.lines, ""])
    parse(text)
    return text
