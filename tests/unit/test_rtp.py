"""The telephone's sound: mu-law, keys by RFC 4733, and tones that can be told from noise."""

from __future__ import annotations

import asyncio
import itertools
import struct

import numpy as np
import pytest

from ivr.softphone import rtp

KNOWN = [(0, 0xFF), (8031, 0xA0), (-8031, 0x20), (32635, 0x80), (-32635, 0x00), (100, 0xF2)]
"""Linear samples and their mu-law codes, from the segments of G.711, table 2a."""


@pytest.mark.parametrize(("sample", "code"), KNOWN)
def test_samples_become_the_codes_of_g711(sample: int, code: int) -> None:
    assert rtp.encode(np.array([sample], np.int16)) == bytes([code])


def test_every_code_survives_decoding_and_encoding() -> None:
    codes = bytes(code for code in range(256) if code != 0x7F)  # 0x7F is the second zero
    assert rtp.encode(rtp.decode(codes)) == codes


def test_loudness_is_kept_within_the_step_of_its_segment() -> None:
    samples = np.arange(-32000, 32000, 37, dtype=np.int16)
    error = np.abs(rtp.decode(rtp.encode(samples)).astype(int) - samples)
    assert (error <= np.maximum(8, np.abs(samples.astype(int)) / 16)).all()


def test_a_packet_is_laid_out_as_rfc_3550_says() -> None:
    made = rtp.packet(101, 65537, 160, 0xAABBCCDD, b"xy", marker=True)
    assert made == struct.pack("!BBHII", 0x80, 0x80 | 101, 1, 160, 0xAABBCCDD) + b"xy"


def test_a_key_is_laid_out_as_rfc_4733_says() -> None:
    assert rtp.key_payload("#", 320, end=False) == bytes([11, 10, 1, 64])
    assert rtp.key_payload("0", 960, end=True) == bytes([0, 0x8A, 3, 192])


def test_a_tone_is_told_from_another_and_from_noise() -> None:
    frames = b"".join(itertools.islice(rtp.tone(700.0), 50))
    heard = rtp.decode(frames)
    assert rtp.tone_share(heard, 700.0) > 0.95
    assert rtp.tone_share(heard, 1100.0) < 0.05
    noise = np.random.default_rng(1).normal(0, 3000, 8000).astype(np.int16)
    assert rtp.tone_share(noise, 700.0) < 0.05
    assert rtp.tone_share(np.zeros(800, np.int16), 700.0) == 0


def test_two_ends_hear_tones_and_keys_of_each_other() -> None:
    async def talk() -> None:
        one, other = await rtp.Rtp.open("127.0.0.1"), await rtp.Rtp.open("127.0.0.1")
        try:
            one.talk_to("127.0.0.1", other.port)
            other.talk_to("127.0.0.1", one.port)
            one.play(rtp.tone(700.0))
            await asyncio.wait_for(other.audible.wait(), 5)
            one.press("12#2")
            async with asyncio.timeout(5):
                while other.keys_heard != "12#2":  # noqa: ASYNC110 (packets have no event)
                    await asyncio.sleep(0.02)
            assert one.first_audio_at is None, "silence is not heard as sound"
        finally:
            await one.close()
            await other.close()

    asyncio.run(talk())
