"""What a caller of the softphone says, and how it goes over a line."""

from __future__ import annotations

import asyncio
import itertools
import wave
from pathlib import Path

import numpy as np
import pytest

from ivr.platforms.asterisk.programs import tool
from ivr.softphone import rtp
from ivr.softphone.voice import NotSayable, frames, sayings


def test_a_recording_of_any_rate_is_said_at_the_rate_of_a_telephone(tmp_path: Path) -> None:
    file = tmp_path / "orang.wav"
    times = np.arange(32_000) / 16_000
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes((8000 * np.sin(2 * np.pi * 440 * times)).astype("<i2").tobytes())
    (said,) = sayings([str(file)], ())
    assert len(said) == pytest.approx(2 * rtp.RATE, abs=2)
    assert rtp.tone_share(said, 440) > 0.95


def test_a_text_is_read_aloud_by_a_voice(tmp_path: Path) -> None:
    (said,) = sayings(["di pinggir jalan"], tool("espeak-ng"))
    assert 0.4 < len(said) / rtp.RATE < 2.5
    assert np.abs(said).max() > 8000


def test_a_sentence_that_was_read_in_advance_needs_no_voice() -> None:
    (said,) = sayings(["Tolong, ada kebakaran di Duri!"], ())
    assert 1.5 < len(said) / rtp.RATE < 4.0
    assert np.abs(said).max() > 4000


@pytest.mark.parametrize("text", ["tidak-ada.wav", "bukan-suara.WAV"])
def test_a_recording_that_cannot_be_read_is_told_with_its_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / text
    if "bukan" in text:
        file.write_text("teks")
    with pytest.raises(NotSayable, match=text):
        sayings([str(file)], ())


def test_after_the_last_word_comes_silence_without_end() -> None:
    sent = list(itertools.islice(frames(np.full(200, 5000, np.int16)), 4))
    assert [len(frame) for frame in sent] == [160] * 4
    assert set(rtp.decode(sent[1])[:40]) != {0}
    assert sent[2:] == [rtp.SILENCE] * 2


def test_a_packet_that_is_lost_on_the_way_leaves_a_gap_and_nothing_else() -> None:
    async def line() -> list[int]:
        here, there = await rtp.Rtp.open("127.0.0.1"), await rtp.Rtp.open("127.0.0.1")
        sounds = [rtp.encode(np.full(160, value, np.int16)) for value in (1000, 2000, 3000)]
        here.play(itertools.chain([sounds[0], b"", sounds[2]], itertools.repeat(rtp.SILENCE)))
        here.talk_to("127.0.0.1", there.port)
        await asyncio.wait_for(there.audible.wait(), 2)
        await asyncio.wait_for(there.quiet(0.1), 2)
        heard = there.heard(2.0)
        await here.close()
        await there.close()
        return [int(value) for value in heard[np.abs(heard) > 500]]

    heard = asyncio.run(line())
    assert len(heard) == 320
    assert abs(heard[0] - 1000) < 50
    assert abs(heard[-1] - 3000) < 100
