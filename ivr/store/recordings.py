"""The sound of a call on disk: headerless while Asterisk writes it, a WAV of its own once it is closed.

A conversion never loses sound. Until the WAV is whole and on disk under its name, the file that
Asterisk wrote stays; whatever a crash leaves half done is done again. An hour of sound passes
through in small blocks.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import time
import warnings
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import structlog

with warnings.catch_warnings():
    # pydub warns that ffmpeg is missing. It is needed for MP3 only.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment

RATE = 8000
WIDTH = 2
BLOCK_BYTES = 64 * 1024
FRAME_BYTES = RATE * WIDTH // 10
SILENT_DBFS = -45.0
"""Breath and the noise of a line stay below; a person who whispers into a telephone does not."""

SPARE_BYTES = 50 * 1024 * 1024
"""Room that a conversion leaves alone: calls are being recorded on the same disk."""

REMIND_S = 60.0

log = structlog.get_logger(__name__)


class Recordings:
    """Converts what Asterisk, the process ``asterisk_pid`` tells, has closed."""

    def __init__(
        self,
        folder: Path,
        asterisk_pid: Callable[[], int | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._asterisk_pid = asterisk_pid
        self._clock = clock
        self._said_at: float | None = None

    def look(self) -> None:
        """Convert every closed file, the oldest first; what fails stays as it is until the next look."""
        for source in self._closed():
            try:
                _convert(source)
            except OSError as error:
                self._say(source, error)

    def _closed(self) -> list[Path]:
        # Listed first, looked at second: a file is open from the moment it has its name.
        files = [(entry.stat(), Path(entry)) for entry in _sound_files(self._folder)]
        held = _held_by(self._asterisk_pid())
        if held is None:
            return []
        closed = [
            (at.st_mtime_ns, path) for at, path in files if (at.st_dev, at.st_ino) not in held
        ]
        return [path for _, path in sorted(closed)]

    def _say(self, source: Path, error: OSError) -> None:
        now = self._clock()
        if self._said_at is None or now - self._said_at >= REMIND_S:
            self._said_at = now
            log.error("recording_not_converted", file=source.name, error=error.strerror)


def _sound_files(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [
                entry
                for entry in entries
                if entry.name.endswith(".sln") and entry.is_file(follow_symlinks=False)
            ]
    except FileNotFoundError:
        return []


def _held_by(pid: int | None) -> set[tuple[int, int]] | None:
    """Device and inode of every file this process has open; None where nobody can tell."""
    if pid is None:
        return None
    held = set()
    try:
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                found = os.stat(f"/proc/{pid}/fd/{descriptor}")
                held.add((found.st_dev, found.st_ino))
    except OSError:
        return None
    return held


def _convert(source: Path) -> None:
    """A WAV in the place of a headerless file; raises OSError, and then that file is still there."""
    fresh, finished = source.with_suffix(".new"), source.with_suffix(".wav")
    fresh.unlink(missing_ok=True)
    try:
        with source.open("rb") as sound:
            size = os.fstat(sound.fileno()).st_size // WIDTH * WIDTH
            if shutil.disk_usage(source.parent).free < size + SPARE_BYTES:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as target:
                _write_wav(sound, size, target)
                target.flush()
                os.fsync(target.fileno())
        fresh.replace(finished)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    _sync(source.parent)
    source.unlink()


def _write_wav(sound: BinaryIO, size: int, target: BinaryIO) -> None:
    with wave.open(target, "wb") as wav:
        wav.setparams((1, WIDTH, RATE, size // WIDTH, "NONE", ""))
        while size > 0:
            block = sound.read(min(size, BLOCK_BYTES))
            if not block:
                raise OSError(errno.EIO, "shorter than it was")
            wav.writeframesraw(block)
            size -= len(block)


def _sync(folder: Path) -> None:
    """The new name is on disk before the old file goes."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def of_call(folder: Path, call_id: str) -> dict[str, Any] | None:
    """Where the sound of a call is, how long it is, and which share of it is silence.

    None if it is nowhere; a file that cannot be read is told without its length.
    """
    for suffix in (".wav", ".sln", ".wav"):  # it may be converted between two looks
        path = folder / f"{call_id}{suffix}"
        try:
            return {"path": str(path), **_measured(_frames(path))}
        except FileNotFoundError:
            continue
        except (OSError, EOFError, wave.Error):
            return {"path": str(path), "seconds": None, "silent_share": None}
    return None


def _frames(path: Path) -> Iterator[bytes]:
    """The sound in steps of a tenth of a second."""
    if path.suffix == ".wav":
        with wave.open(str(path), "rb") as wav:
            while block := wav.readframes(FRAME_BYTES // WIDTH):
                yield block
    else:
        with path.open("rb") as sound:
            while block := sound.read(FRAME_BYTES):
                yield block[: len(block) // WIDTH * WIDTH]


def _measured(frames: Iterator[bytes]) -> dict[str, float | None]:
    size = silent = 0
    for frame in frames:
        size += len(frame)
        sound = AudioSegment(frame, sample_width=WIDTH, frame_rate=RATE, channels=1)
        silent += len(frame) * (sound.dBFS < SILENT_DBFS)
    return {
        "seconds": round(size / WIDTH / RATE, 2),
        "silent_share": round(silent / size, 2) if size else None,
    }


def describe(recording: dict[str, Any] | None) -> str:
    """The same for a person, in one line."""
    if recording is None:
        return "rekaman tidak ada"
    path, seconds, silent = (recording[name] for name in ("path", "seconds", "silent_share"))
    if seconds is None:
        return f"rekaman {path}, tidak dapat dibaca"
    if silent is None:
        return f"rekaman {path}, kosong"
    return f"rekaman {path}, {seconds:.1f} detik, {silent:.0%} hening"
