"""One citizen's call from INVITE to BYE, and the ``call`` object of the contract."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from ivr.softphone.phone import Phone, caller
from ivr.softphone.rtp import RATE, Samples
from ivr.softphone.voice import frames

ANSWER_S = 10.0
THINK_S = 1.2  # a person listens this long before the first key
BETWEEN_S = 1.5
TALK_S = 2.0
LOOK_S = 0.2
QUIET_S = 0.4
LONGEST_S = 120.0
SETTLE_S = 3.0  # a record may take this long to learn of the end

RecordOf = Callable[[str], dict[str, Any] | None]


async def place_call(
    *,
    sipp: Sequence[str],
    host: str,
    port: int,
    keys: Sequence[str],
    sayings: Sequence[Samples] = (),
    number: str,
    at: tuple[float, float, float] | None,
    hang_up_after: float | None,
    record_of: RecordOf,
) -> dict[str, Any]:
    """Call, press the keys or say what is to be said, talk for two seconds once joined to somebody, hang
    up.

    Times are milliseconds from the first INVITE. Without a record (no controller ran) the SIP trace
    alone says who answered.
    """
    async with caller(sipp, host, port, number=number, at=at) as phone:
        answer = await phone.answered(ANSWER_S)
        if hang_up_after is None:
            acting = _say(phone, sayings) if sayings else _press(phone, keys)
            pressing = asyncio.create_task(acting)
            try:
                await _until_joined(phone, record_of)
            finally:
                pressing.cancel()
        else:
            acting = _say(phone, sayings) if sayings else _press(phone, keys)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(acting, hang_up_after)
        await phone.hang_up()
        ended_by = "human" if phone.ended_by_peer else "caller"
        joined_at = _joined_at(phone)
        record = await _settled(phone.call_id, record_of)
        start = phone.invited_at or answer.at
        return _result(
            record or {},
            {
                "sip_call_id": phone.call_id,
                "start": start,
                "answered_at": answer.at,
                "first_audio_at": phone.rtp.first_audio_at,
                "joined_at": joined_at,
                "talking_to": phone.talking_to,
                "ended_by": ended_by,
            },
        )


async def _press(phone: Phone, keys: Sequence[str]) -> None:
    """Press one key after the other, as a person would, once something is heard; then wait."""
    await phone.rtp.audible.wait()
    for number, key in enumerate(keys):
        await asyncio.sleep(BETWEEN_S if number else THINK_S)
        phone.rtp.press(key)
    await asyncio.sleep(LONGEST_S)


async def _say(phone: Phone, sayings: Sequence[Samples]) -> None:
    """Say one thing after the other, each over the beginning of what is asked; then wait.

    People in need do not hear a prompt out. What is asked next begins after a moment of quiet.
    """
    for samples in sayings:
        await phone.rtp.audible.wait()
        await asyncio.sleep(THINK_S)
        phone.rtp.play(frames(samples))
        await asyncio.sleep(len(samples) / RATE)
        await phone.rtp.quiet(QUIET_S)
        phone.rtp.forget()
    await asyncio.sleep(LONGEST_S)


async def _until_joined(phone: Phone, record_of: RecordOf) -> None:
    """Until somebody has been talked to for a while, the far side hung up, or time is up."""
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline and phone.sipp.running:
        record = await asyncio.to_thread(record_of, phone.call_id)
        if (record and record["bridged"]) or phone.talking_to:
            await asyncio.sleep(TALK_S)
            return
        await asyncio.sleep(LOOK_S)


async def _settled(call_id: str, record_of: RecordOf) -> dict[str, Any] | None:
    """The record once it knows that the call is over."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        record = await asyncio.to_thread(record_of, call_id)
        if (record and record["ended_at"]) or time.monotonic() > deadline:
            return record
        await asyncio.sleep(LOOK_S)


def _joined_at(phone: Phone) -> float | None:
    """When the far side first said who it is."""
    return next((m.at for m in phone.sipp.trace() if not m.sent and m.asserted), None)


def _result(record: dict[str, Any], seen: dict[str, Any]) -> dict[str, Any]:
    start: float = seen["start"]

    def since(at: float | None) -> int | None:
        return None if at is None else max(0, round((at - start) * 1000))

    bridged_at = record.get("bridged_at") or seen["joined_at"]
    return {
        "call_id": record.get("call_id"),
        "case_number": record.get("case_number"),
        "sip_call_id": seen["sip_call_id"],
        "incident": record.get("incident"),
        "location": record.get("location"),
        "route": record.get("route", []),
        "because": record.get("because", []),
        "bridged": bridged_at is not None,
        "bridged_to": record.get("bridged_to") or seen["talking_to"],
        "answered_ms": since(seen["answered_at"]),
        "first_audio_ms": since(seen["first_audio_at"]),
        "human_ms": since(record.get("human_at")),
        "bridged_ms": since(bridged_at),
        "ended_by": record.get("ended_by") or seen["ended_by"],
        "transcript": record.get("transcript", []),
    }
