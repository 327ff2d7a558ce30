"""One RTP stream of G.711 mu-law at 8 kHz: send silence, a tone or keys; hear, and measure tones.

RFC 3550 packets of 20 ms, RFC 4733 telephone-events of payload type 101, ITU-T G.711 mu-law.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

RATE = 8000
FRAME = 160  # samples of 20 ms
FRAME_S = 0.02
PCMU = 0
TELEPHONE_EVENT = 101
KEYS = "0123456789*#"
KEY_S = 0.12
PAUSE_S = 0.08
END_PACKETS = 3  # RFC 4733, 2.5.1.4: the last packet of an event is sent three times
KEPT_S = 30
AUDIBLE = 200  # of 32767: quieter than this is line noise

Samples = NDArray[np.int16]


def decode(encoded: bytes) -> Samples:
    """Mu-law bytes as linear samples."""
    decoded: Samples = _TABLE[np.frombuffer(encoded, np.uint8)]
    return decoded


def encode(samples: Samples) -> bytes:
    """Linear samples as mu-law bytes (G.711, bias 132, clipped at 32635)."""
    wide = samples.astype(np.int32)
    sign = np.where(wide < 0, 0x80, 0)
    magnitude = np.minimum(np.abs(wide), 32635) + 132
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    code: NDArray[np.uint8] = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return code.tobytes()


def _decode_table() -> Samples:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    exponent, mantissa = (code >> 4) & 7, code & 0x0F
    magnitude = (((mantissa << 3) + 132) << exponent) - 132
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


_TABLE = _decode_table()
SILENCE = encode(np.zeros(FRAME, np.int16))


def tone(hertz: float, amplitude: int = 8000) -> Iterator[bytes]:
    """Endless frames of a sine, without a click between them."""
    for start in itertools.count(step=FRAME):
        times = np.arange(start, start + FRAME) / RATE
        yield encode((amplitude * np.sin(2 * np.pi * hertz * times)).astype(np.int16))


def tone_share(samples: Samples, hertz: float) -> float:
    """How much of the energy lies at this frequency, 0 to 1 (Goertzel's sum, by one correlation)."""
    signal = samples.astype(np.float64)
    energy = float(np.dot(signal, signal))
    if not energy:
        return 0.0
    wave = np.exp(-2j * np.pi * hertz * np.arange(len(signal)) / RATE)
    return float(2 * abs(np.dot(signal, wave)) ** 2 / (len(signal) * energy))


def packet(
    payload_type: int,
    sequence: int,
    timestamp: int,
    source: int,
    payload: bytes,
    *,
    marker: bool = False,
) -> bytes:
    """One RTP packet: version 2, no padding, no extension."""
    second = payload_type | (0x80 if marker else 0)
    head = struct.pack(
        "!BBHII", 0x80, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, source & 0xFFFFFFFF
    )
    return head + payload


def key_payload(key: str, duration: int, *, end: bool) -> bytes:
    """A telephone-event: event, end bit and volume, duration in samples."""
    return struct.pack("!BBH", KEYS.index(key), (0x80 if end else 0) | 10, duration)


@dataclass(slots=True)
class _Press:
    """A key being sent: its timestamp stays, its duration grows."""

    key: str
    timestamp: int
    sent: int = 0


class Rtp(asyncio.DatagramProtocol):
    """One side of one stream. Sends only once ``talk_to`` has told where."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.first_audio_at: float | None = None
        self.audible = asyncio.Event()
        self.last_sound_at = 0.0  # by the monotonic clock
        self.keys_heard = ""
        self._clock = clock
        self._transport: asyncio.DatagramTransport | None = None
        self._remote: tuple[str, int] | None = None
        self._frames: Iterator[bytes] = itertools.repeat(SILENCE)
        self._heard: list[bytes] = []
        self._presses: asyncio.Queue[str] = asyncio.Queue()
        self._source = random.getrandbits(32)
        self._sequence = 0
        self._timestamp = 0
        self._task: asyncio.Task[None] | None = None
        self._last_event = -1

    @classmethod
    async def open(cls, address: str) -> Rtp:
        """Listen on a free even port of this address."""
        loop = asyncio.get_running_loop()
        for _ in range(50):
            transport, rtp = await loop.create_datagram_endpoint(cls, (address, 0))
            if rtp.port % 2 == 0:
                rtp._task = loop.create_task(rtp._send())
                return rtp
            transport.close()
        raise OSError("no even UDP port is free")

    @property
    def port(self) -> int:
        if self._transport is None:
            raise OSError("not open")
        return int(self._transport.get_extra_info("sockname")[1])

    def talk_to(self, address: str, port: int) -> None:
        """Where the far side listens, from its SDP."""
        self._remote = (address, port)

    def play(self, frames: Iterator[bytes]) -> None:
        """Send these frames from now on, one each 20 ms. An empty one is a packet lost on the way."""
        self._frames = frames

    def press(self, keys: str) -> None:
        """Press these keys, one after the other."""
        for key in keys:
            self._presses.put_nowait(key)

    def heard(self, seconds: float) -> Samples:
        """The last ``seconds`` that arrived, as linear samples."""
        return decode(b"".join(self._heard[-round(seconds / FRAME_S) :]))

    def forget(self) -> None:
        """Measure from here on; ``audible`` waits for the next sound."""
        self._heard.clear()
        self.audible.clear()

    async def quiet(self, seconds: float) -> None:
        """Wait until nothing was heard for so long."""
        while (left := self.last_sound_at + seconds - time.monotonic()) > 0:  # noqa: ASYNC110 (a clock)
            await asyncio.sleep(left)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) < 12 or data[0] >> 6 != 2:
            return
        kind, payload = data[1] & 0x7F, data[12 + 4 * (data[0] & 0x0F) :]
        if kind == TELEPHONE_EVENT and len(payload) >= 4:
            timestamp = struct.unpack_from("!I", data, 4)[0]
            if payload[1] & 0x80 and timestamp != self._last_event and payload[0] < len(KEYS):
                self._last_event = timestamp
                self.keys_heard += KEYS[payload[0]]
        elif kind == PCMU and payload:
            self._heard.append(payload)
            del self._heard[: -round(KEPT_S / FRAME_S)]
            if np.abs(decode(payload)).max() > AUDIBLE:
                self.first_audio_at = self.first_audio_at or self._clock()
                self.last_sound_at = time.monotonic()
                self.audible.set()

    async def _send(self) -> None:
        """A packet each 20 ms; a key replaces the sound while it is held."""
        due = time.monotonic()
        press: _Press | None = None
        quiet_until = 0.0
        while True:
            due += FRAME_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._timestamp += FRAME
            if press is None and not self._presses.empty() and time.monotonic() >= quiet_until:
                press = _Press(self._presses.get_nowait(), self._timestamp)
            if press is None:
                self._write(PCMU, self._timestamp, next(self._frames))
                continue
            press.sent += FRAME
            ended = press.sent >= KEY_S * RATE
            payload = key_payload(press.key, press.sent, end=ended)
            for _ in range(END_PACKETS if ended else 1):
                marker = press.sent == FRAME
                self._write(TELEPHONE_EVENT, press.timestamp, payload, marker=marker)
            if ended:
                press = None
                quiet_until = time.monotonic() + PAUSE_S

    def _write(self, kind: int, timestamp: int, payload: bytes, *, marker: bool = False) -> None:
        if self._remote is None or self._transport is None:
            return
        self._sequence += 1
        if not payload:
            return
        self._transport.sendto(
            packet(kind, self._sequence, timestamp, self._source, payload, marker=marker),
            self._remote,
        )
