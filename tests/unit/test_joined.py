"""Several sounds as one file, for the one that Asterisk plays while it listens."""

from __future__ import annotations

import asyncio
import threading
import wave
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from ivr.prompts import joined
from ivr.prompts.joined import RATE, SILENCE_S, Joined
from ivr.prompts.sounds import Sound


def sound(folder: Path, name: str, value: int, seconds: float, rate: int = RATE) -> str:
    with wave.open(str(folder / f"{name}.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.full(round(seconds * rate), value, "<i2").tobytes())
    return str(folder / name)


def samples(path: str) -> list[int]:
    with wave.open(f"{path}.wav", "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        return [int(one) for one in np.frombuffer(file.readframes(file.getnframes()), "<i2")]


def test_the_sounds_follow_each_other_in_their_order(tmp_path: Path) -> None:
    first, second = sound(tmp_path, "a", 1, 0.01), sound(tmp_path, "b", 2, 0.02)
    sounds = Joined(tmp_path / "joined")
    assert sounds.find((second, first)) is None, "nothing is made while a caller waits"
    asyncio.run(sounds.make((second, first)))
    made = sounds.find((second, first))
    assert made is not None
    assert samples(made.path) == [2] * 160 + [1] * 80
    assert made.seconds == pytest.approx(0.03)


def test_of_nothing_it_makes_a_moment_of_silence(tmp_path: Path) -> None:
    sounds = Joined(tmp_path / "joined")
    asyncio.run(sounds.make(()))
    made = sounds.find(())
    assert made is not None
    assert set(samples(made.path)) == {0}
    assert made.seconds == SILENCE_S


def test_a_file_that_is_missing_or_of_another_rate_is_told_and_joined_to_nothing(
    tmp_path: Path,
) -> None:
    wide = sound(tmp_path, "wide", 1, 0.01, rate=16_000)
    sounds = Joined(tmp_path / "joined")
    with capture_logs() as logged:
        asyncio.run(sounds.make((str(tmp_path / "missing"), wide)))
        asyncio.run(sounds.make((wide, wide)))
    assert sounds.find((wide, wide)) is None
    assert [line["event"] for line in logged] == ["sounds_not_joined"] * 2


def test_only_the_newest_files_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined, "MOST_FILES", 2)
    folder = tmp_path / "joined"
    sounds = Joined(folder)
    for number in range(10):
        asyncio.run(sounds.make((sound(tmp_path, str(number), number, 0.01),)))
    assert len(list(folder.glob("*.wav"))) <= 5


def test_while_one_join_hangs_no_other_is_begun_or_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, begun = threading.Event(), []
    make = joined._joined

    def hanging(folder: Path, paths: tuple[str, ...]) -> Sound:
        begun.append(paths)
        disk.wait()
        return make(folder, paths)

    monkeypatch.setattr(joined, "_joined", hanging)
    sounds = Joined(tmp_path / "joined")
    first, second = (sound(tmp_path, "a", 1, 0.01),), (sound(tmp_path, "b", 2, 0.01),)

    async def make_both() -> None:
        await sounds.make(first)
        assert (begun, sounds.find(first)) == ([first], None)
        await asyncio.wait_for(sounds.make(second), joined.MAKE_S / 2)
        assert begun == [first]
        disk.set()
        while sounds.find(second) is None:
            await sounds.make(second)

    with capture_logs():
        asyncio.run(asyncio.wait_for(make_both(), 5.0))
