"""Two telephones: one that calls, one that answers. Each is SIPp for SIP and one RTP stream.

async with caller(sipp, "127.0.0.1", 5060, number="+6281276123456") as phone:
    await phone.answered(seconds=5)
    phone.rtp.press("111")
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from ivr.softphone.pidf import circle, document
from ivr.softphone.rtp import Rtp
from ivr.softphone.sipp import LOOK_S, SipMessage, Sipp, SippFailed, clean, free_port, render

BYE_S = 5.0
PIDF_FILE = "place.xml"
SETTLED_S = 0.25
"""A call that was given up is closed sooner than this after it was answered."""

REACTION_S = 0.3
"""No finger is faster; and a stream that has just begun is still being learned by the far side."""


@dataclass(slots=True)
class Phone:
    """One telephone in one call."""

    sipp: Sipp
    rtp: Rtp
    call_id: str

    async def until(self, found: Callable[[SipMessage], bool], seconds: float) -> SipMessage | None:
        """The first message of the trace for which this holds, or None when time is up."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    for message in self.sipp.trace():
                        if found(message):
                            return message
                    if not self.sipp.running:
                        return None
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            return None

    async def answered(self, seconds: float) -> SipMessage:
        """Wait until our INVITE is answered, and start talking; raises SippFailed."""
        message = await self.until(_is_answer, seconds)
        if message is None or message.media is None:
            raise SippFailed(
                "Panggilan tidak dijawab. Apakah mesin berjalan? Lihat ./siaga status."
            )
        self.rtp.talk_to(*message.media)
        return message

    @property
    def invited_at(self) -> float | None:
        """When the first INVITE left or came (epoch seconds)."""
        return next((m.at for m in self.sipp.trace() if m.first_line.startswith("INVITE ")), None)

    @property
    def talking_to(self) -> str | None:
        """Who the far side said it is, last."""
        names = [m.asserted for m in self.sipp.trace() if not m.sent and m.asserted]
        return names[-1] if names else None

    @property
    def ended_by_peer(self) -> bool:
        return any(not m.sent and m.first_line.startswith("BYE ") for m in self.sipp.trace())

    async def hang_up(self) -> None:
        """Send BYE and wait for its answer."""
        if self.sipp.running:
            self.sipp.hang_up(self.call_id)
            await self.sipp.ended(BYE_S)


@contextlib.asynccontextmanager
async def caller(
    sipp: Sequence[str],
    host: str,
    port: int,
    *,
    number: str = "+6281276123456",
    uri: str | None = None,
    headers: Sequence[str] = (),
    at: tuple[float, float, float] | None = None,
    pidf: str | None = None,
    address: str = "127.0.0.1",
    info_keys: Sequence[tuple[int, str]] = (),
) -> AsyncIterator[Phone]:
    """A citizen's telephone that has just dialled 112.

    ``at`` is (latitude, longitude, radius in metres), sent by value in the INVITE; ``pidf`` is what
    stands there instead, a document or not. ``info_keys`` are (milliseconds to wait, key) to be pressed
    by SIP INFO instead of RTP.
    """
    rtp = await Rtp.open(address)
    program = Sipp(tuple(sipp), address, free_port(address))
    call_id = f"{secrets.token_hex(8)}@{address}"
    if at and pidf is None:
        pidf = document(circle(*at))
    # From a file: SIPp would act on brackets that stand in a scenario.
    (program.folder / PIDF_FILE).write_text(pidf or "")
    scenario = render(
        "caller",
        uri=clean(uri or f"sip:112@{host}:{port}"),
        caller=f"<sip:{clean(number)}@{address}>",
        address=address,
        rtp_port=rtp.port,
        headers=[clean(header) for header in headers],
        pidf=PIDF_FILE if pidf is not None else None,
        info_keys=info_keys,
        hold_ms=None,
    )
    try:
        await program.start(scenario, f"{host}:{port}", "-m", "1", "-cid_str", call_id)
        yield Phone(program, rtp, call_id)
    finally:
        await program.stop()
        await rtp.close()


@contextlib.asynccontextmanager
async def answerer(
    sipp: Sequence[str],
    address: str,
    port: int,
    *,
    ring_s: float = 0.5,
    refuse: str | None = None,
) -> AsyncIterator[Answerer]:
    """A telephone that rings and answers, or refuses with a status line such as ``486 Busy Here``."""
    rtp = await Rtp.open(address)
    program = Sipp(tuple(sipp), address, port)
    scenario = render(
        "answerer",
        address=address,
        rtp_port=rtp.port,
        ring_ms=int(ring_s * 1000),
        refuse=clean(refuse) if refuse else None,
    )
    try:
        await program.start(scenario)
        yield Answerer(program, rtp)
    finally:
        await program.stop()
        await rtp.close()


@dataclass(slots=True)
class Answerer:
    """A telephone that waits for calls. Its RTP belongs to the newest one."""

    sipp: Sipp
    rtp: Rtp

    async def called(self, seconds: float) -> Phone:
        """Wait for an INVITE, the newest if there were several; raises SippFailed when none comes."""
        seen = Phone(self.sipp, self.rtp, "")
        if await seen.until(lambda m: m.first_line.startswith("INVITE "), seconds) is None:
            raise SippFailed(self.sipp.trouble() or "tidak ada panggilan masuk")
        message = [m for m in self.sipp.trace() if m.first_line.startswith("INVITE ")][-1]
        self.rtp.forget()
        if message.media is not None:
            self.rtp.talk_to(*message.media)
        return Phone(self.sipp, self.rtp, message.header("Call-ID"))

    @property
    def calls(self) -> int:
        """How many calls have come."""
        invites = (m for m in self.sipp.trace() if m.first_line.startswith("INVITE "))
        return len({m.header("Call-ID") for m in invites})

    async def accept(self, key: str = "1", seconds: float = 5.0) -> None:
        """Press a key as a person does: a moment after something is heard."""
        await asyncio.wait_for(self.rtp.audible.wait(), seconds)
        await asyncio.sleep(REACTION_S)
        self._up()
        self.rtp.press(key)

    async def picked_up(self, seconds: float) -> Phone:
        """Wait until we have answered and the far side knows."""
        await self.called(seconds)
        try:
            async with asyncio.timeout(seconds):
                while True:
                    phone = self._up()
                    if phone is not None:
                        return phone
                    await asyncio.sleep(LOOK_S)
        except TimeoutError as error:
            trouble = self.sipp.trouble() or "panggilan tidak jadi dijawab"
            raise SippFailed(trouble) from error

    def _up(self) -> Phone | None:
        """The newest call that was answered and has not ended; the sound goes there.

        A telephone that comes back may be rung by a call that was given up while it was away: its
        INVITE is still being sent again, and a CANCEL or BYE follows the answer at once.
        """
        trace = self.sipp.trace()
        since = {m.header("Call-ID"): m.at for m in trace if m.first_line.startswith("ACK ")}
        over = {m.header("Call-ID") for m in trace if m.first_line.startswith(("BYE ", "CANCEL "))}
        for message in reversed(trace):
            call_id = message.header("Call-ID")
            up_s = time.time() - since.get(call_id, math.inf)
            is_up = call_id not in over and up_s >= SETTLED_S
            if message.first_line.startswith("INVITE ") and not message.sent and is_up:
                if message.media is not None:
                    self.rtp.talk_to(*message.media)
                return Phone(self.sipp, self.rtp, call_id)
        return None


def _is_answer(message: SipMessage) -> bool:
    return (
        not message.sent
        and message.first_line.startswith("SIP/2.0 200")
        and message.header("CSeq").endswith("INVITE")
    )
