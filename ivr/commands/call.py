"""``call``: a citizen's call from a program of its own, over real SIP and RTP, to the running engine.

What the caller did and heard comes from the phone; what the engine decided comes from its records.
Where there is no record (no controller ran) the phone's own SIP trace tells who answered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from ivr.calls.published import NothingPublished, Published, load, load_current
from ivr.commands.explain import position
from ivr.config import Config
from ivr.flow.keys import keys_to
from ivr.platforms.asterisk.programs import tool
from ivr.softphone.call import place_call
from ivr.softphone.rtp import Samples
from ivr.softphone.voice import sayings
from ivr.store import reports


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller is to do."""

    keys: str
    said: Sequence[Samples]
    caller: str
    at: tuple[float, float, float] | None
    hang_up_after: float | None


def wish(
    config: Config,
    *,
    choose: str | None,
    press: str | None,
    say: Sequence[str],
    silent: bool,
    caller: str,
    at: str | None,
    hang_up_after: float | None,
    tell: Callable[[str], None],
) -> Wish:
    """Read the options; raises ValueError with a sentence where they contradict each other."""
    if sum((choose is not None, press is not None, bool(say), silent)) != 1:
        raise ValueError(
            "Pilih salah satu: --choose KEJADIAN,KODE, --press TOMBOL, --say UCAPAN, atau --silent."
        )
    if not all(text.strip() for text in say):
        raise ValueError("--say tanpa ucapan. Tulis kalimatnya, atau nama berkas .wav.")
    keys = press or ""
    if not set(keys) <= set("0123456789*#"):
        raise ValueError(f"Tombol {keys!r} tidak ada di telepon. Pakai 0-9, * dan #.")
    if choose is not None:
        incident, comma, place = choose.partition(",")
        if not comma:
            raise ValueError("Tulis --choose KEJADIAN,KODE, misalnya kebakaran,14.03.09.")
        found = keys_to(_answering(config).dialplan, incident, place, at=time.time(), caller=caller)
        if found is None:
            raise ValueError(f"Tidak ada tombol yang menuju {incident} di {place}.")
        keys = found
    where = position(at) if at is not None else None
    said = sayings(say, tool("espeak-ng", tell)) if say else ()
    return Wish(keys, said, caller, where, hang_up_after)


def _answering(config: Config) -> Published:
    """The version that will answer; where nothing was published, what the folder holds."""
    try:
        return load_current(config)
    except NothingPublished:
        return load(config)


def call(config: Config, wanted: Wish, tell: Callable[[str], None]) -> dict[str, Any]:
    """Make the call and wait for its end; the contract's ``call`` object."""
    return asyncio.run(
        place_call(
            sipp=tool("sipp", tell),
            host="127.0.0.1",
            port=config.sip_port,
            keys=tuple(wanted.keys),
            sayings=wanted.said,
            number=wanted.caller,
            at=wanted.at,
            hang_up_after=wanted.hang_up_after,
            record_of=lambda sip_call_id: _record(config, sip_call_id),
        )
    )


def _record(config: Config, sip_call_id: str) -> dict[str, Any] | None:
    """The engine's record of the call; None while there is none, or no database to ask."""
    try:
        return reports.call_by_sip_id(config.database_url, sip_call_id)
    except SQLAlchemyError:
        return None


def describe(result: Mapping[str, Any]) -> str:
    """The same for a person."""
    ends = {"caller": "penelepon", "human": "petugas", "line_lost": "saluran putus"}
    rows = [
        ("nomor kasus", result["case_number"]),
        ("kejadian", result["incident"]),
        ("tempat", (result["location"] or {}).get("code")),
        ("tersambung ke", result["bridged_to"]),
        ("dijawab", _seconds(result["answered_ms"])),
        ("suara pertama", _seconds(result["first_audio_ms"])),
        ("telepon petugas berdering", _seconds(result["human_ms"])),
        ("tersambung", _seconds(result["bridged_ms"])),
        ("diakhiri oleh", ends.get(str(result["ended_by"]), result["ended_by"])),
    ]
    lines = [*result["transcript"], ""]
    lines += [f"{name:<27}{value}" for name, value in rows if value is not None]
    return "\n".join(lines)


def _seconds(milliseconds: float | None) -> str | None:
    return None if milliseconds is None else f"{milliseconds / 1000:.2f} detik"
