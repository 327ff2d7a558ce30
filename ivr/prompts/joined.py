"""Several sounds as one file, for a player that takes one: Asterisk hears a caller over one file only.

Files are named after what is in them and made once. The newest are kept; one that is missing is made
again.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import wave
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import structlog

from ivr.prompts.sounds import Sound

RATE = 8000
SILENCE_S = 0.1
"""What stands for no sound at all: Asterisk wants a file to play."""

MOST_FILES = 500
MAKE_S = 0.1

log = structlog.get_logger(__name__)


class Joined:
    """The joined sounds of one controller, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[tuple[str, ...], Sound] = {}
        self._worker = ThreadPoolExecutor(1, "joined")  # a disk that hangs holds up no other work
        self._stuck: Future[Sound] | None = None

    def find(self, paths: Sequence[str]) -> Sound | None:
        """The sound that was made of these files (without extension), if there is one."""
        return self._made.get(tuple(paths))

    async def make(self, paths: Sequence[str]) -> None:
        """See to it that ``find`` finds it. A disk that is too slow or too full is no reason to wait."""
        key = tuple(paths)
        if key in self._made:
            return
        if self._stuck is not None and not self._stuck.done():
            log.error("sounds_not_joined", error="an earlier one is still being made")
            return
        work = self._worker.submit(_joined, self._folder, key)
        try:
            async with asyncio.timeout(MAKE_S):
                sound = await asyncio.wrap_future(work)
        except (OSError, EOFError, wave.Error, TimeoutError) as error:
            log.error("sounds_not_joined", error=f"{type(error).__name__}: {error}")
            if work.running():
                self._stuck = work
            return
        if len(self._made) >= MOST_FILES:
            self._made.clear()
        self._made[key] = sound


def _joined(folder: Path, paths: tuple[str, ...]) -> Sound:
    name = hashlib.sha256("\n".join(paths).encode()).hexdigest()[:16]
    samples = b"".join(_samples(Path(f"{path}.wav")) for path in paths)
    samples = samples or bytes(2 * round(SILENCE_S * RATE))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for old in sorted(folder.glob("*.wav"), key=lambda file: file.stat().st_mtime)[
        : -2 * MOST_FILES
    ]:
        old.unlink(missing_ok=True)
    part = folder / f".{name}.{os.getpid()}"
    with wave.open(str(part), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples)
    part.replace(folder / f"{name}.wav")
    return Sound(str(folder / name), len(samples) / 2 / RATE, "")


def _samples(file: Path) -> bytes:
    with wave.open(str(file), "rb") as sound:
        if (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) != (1, 2, RATE):
            raise wave.Error(f"{file.name}: not mono, 16 bit, {RATE} Hz")
        return sound.readframes(sound.getnframes())
