"""The sound of a call becomes a WAV once nobody writes it, and at no moment is any of it lost."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from ivr.store import recordings
from ivr.store.recordings import RATE, REMIND_S, Recordings, of_call

KILLED_AT = 99
STEPS = ("os.scandir", "os.listdir", "open", "os.rename", "os.remove")
"""What Python tells its audit hooks of a process that works on files."""


def tone(seconds: float, level: float = 0.3) -> bytes:
    """A tone as Asterisk writes it."""
    times = np.arange(round(seconds * RATE)) / RATE
    samples: bytes = (level * 32767 * np.sin(2 * np.pi * 440 * times)).astype("<i2").tobytes()
    return samples


def written(folder: Path, call_id: str, sound: bytes) -> Path:
    path = folder / f"{call_id}.sln"
    path.write_bytes(sound)
    return path


def sound_of(path: Path) -> bytes:
    with wave.open(str(path), "rb") as wav:
        assert (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) == (1, 2, RATE)
        return wav.readframes(wav.getnframes())


@contextlib.contextmanager
def holding(*paths: Path) -> Iterator[int]:
    """A process that has these files open, as Asterisk has those of its calls; gives its pid."""
    program = "import sys; held = [open(p, 'ab') for p in sys.argv[1:]]; print(flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, paths)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
    finally:
        process.communicate()


def look(folder: Path, pid: int | None = None) -> None:
    """One look, where Asterisk is a process that has none of these files open."""
    Recordings(folder, lambda: pid or os.getpid()).look()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_closed_recording_becomes_a_wav_with_the_same_sound(tmp_path: Path) -> None:
    sound = tone(20.0)
    written(tmp_path, "siaga-1750000000.1", sound)
    look(tmp_path)
    assert names(tmp_path) == {"siaga-1750000000.1.wav"}
    assert sound_of(tmp_path / "siaga-1750000000.1.wav") == sound


def test_a_recording_is_for_nobody_else_to_read(tmp_path: Path) -> None:
    written(tmp_path, "1", tone(0.1)).chmod(0o644)
    (tmp_path / "1.new").touch(0o666)
    look(tmp_path)
    assert (tmp_path / "1.wav").stat().st_mode & 0o777 == 0o600


def test_an_open_recording_is_left_alone_until_it_is_closed(tmp_path: Path) -> None:
    opened = written(tmp_path, "open", tone(0.5))
    written(tmp_path, "closed", tone(0.5))
    with holding(opened) as pid:
        look(tmp_path, pid)
        assert names(tmp_path) == {"open.sln", "closed.wav"}
        with opened.open("ab") as file:
            file.write(tone(0.5))
    look(tmp_path)
    assert names(tmp_path) == {"open.wav", "closed.wav"}
    assert len(sound_of(tmp_path / "open.wav")) == 2 * RATE


@pytest.mark.parametrize("pid", [None, 2**22 + 1])
def test_where_nobody_can_tell_what_is_open_everything_is(tmp_path: Path, pid: int | None) -> None:
    written(tmp_path, "1", tone(0.1))
    Recordings(tmp_path, lambda: pid).look()
    assert names(tmp_path) == {"1.sln"}


@pytest.mark.parametrize(("given", "kept"), [(b"\1\2\3", b"\1\2"), (b"\1", b""), (b"", b"")])
def test_half_a_sample_is_dropped_and_nothing_is_a_wav_too(
    tmp_path: Path, given: bytes, kept: bytes
) -> None:
    written(tmp_path, "1", given)
    before = of_call(tmp_path, "1")
    look(tmp_path)
    assert sound_of(tmp_path / "1.wav") == kept
    after = of_call(tmp_path, "1")
    assert before is not None
    assert after is not None
    assert before["seconds"] == after["seconds"] == 0.0


def test_the_oldest_is_converted_first(tmp_path: Path) -> None:
    for number, at in ((1, 300), (2, 100), (3, 200)):
        os.utime(written(tmp_path, str(number), tone(0.1)), (at, at))
    assert forked(dying_at(1, partial(look, tmp_path), ("os.rename",))) == KILLED_AT
    assert names(tmp_path) == {"2.wav", "3.sln", "3.new", "1.sln"}


def test_what_an_earlier_run_left_is_finished(tmp_path: Path) -> None:
    """It died before the WAV had its name, or before the old file was gone."""
    first, second = tone(1.0), tone(2.0)
    written(tmp_path, "1", first)
    (tmp_path / "1.new").write_bytes(b"RIFF half of it")
    written(tmp_path, "2", second)
    (tmp_path / "2.wav").write_bytes(b"RIFF of the last run")
    look(tmp_path)
    assert names(tmp_path) == {"1.wav", "2.wav"}
    assert sound_of(tmp_path / "1.wav") == first
    assert sound_of(tmp_path / "2.wav") == second


def forked(work: Callable[[], object]) -> int:
    """Do it in a process of its own; its exit code, negative for a signal."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def dying_at(
    step: int, work: Callable[[], None], steps_are: Sequence[str] = STEPS
) -> Callable[[], None]:
    """The same work by a process that is gone just before it takes one step more."""

    def run() -> None:
        steps = 0

        def count(event: str, said: Any) -> None:
            nonlocal steps
            if event in steps_are:
                steps += 1
                if steps > step:
                    os._exit(KILLED_AT)

        sys.addaudithook(count)
        work()

    return run


def test_a_crash_at_any_step_leaves_one_of_the_two_whole(tmp_path: Path) -> None:
    sound = tone(10.0)
    step = 0
    while True:
        folder = tmp_path / str(step)
        folder.mkdir()
        source = written(folder, "1", sound)
        code = forked(dying_at(step, partial(look, folder)))
        whole = source.exists() and source.read_bytes() == sound
        assert whole or sound_of(folder / "1.wav") == sound
        if code == 0:
            break
        assert code == KILLED_AT
        look(folder)
        assert names(folder) == {"1.wav"}
        assert sound_of(folder / "1.wav") == sound
        step += 1
    assert step > 5, "every step was one to die at"


def test_a_crash_in_the_middle_of_a_write_is_done_again(tmp_path: Path) -> None:
    sound = tone(60.0)
    written(tmp_path, "1", sound)

    def half() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(sound) // 2, resource.RLIM_INFINITY))
        look(tmp_path)

    assert forked(half) == -signal.SIGXFSZ
    assert names(tmp_path) == {"1.sln", "1.new"}
    look(tmp_path)
    assert names(tmp_path) == {"1.wav"}
    assert sound_of(tmp_path / "1.wav") == sound


@contextlib.contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_disk_that_takes_no_more_leaves_the_recording_and_is_told_once_a_minute(
    tmp_path: Path,
) -> None:
    now = 0.0
    written(tmp_path, "1", tone(60.0))
    written(tmp_path, "2", tone(1.0))
    recordings = Recordings(tmp_path, os.getpid, clock=lambda: now)
    with capture_logs() as logs:
        with no_file_longer_than(100_000):
            for _ in range(10):
                recordings.look()
                assert names(tmp_path) == {"1.sln", "2.wav"}, "and no room is taken by a half"
                now += REMIND_S / 10
            recordings.look()
        assert [(line["event"], line["file"]) for line in logs] == [
            ("recording_not_converted", "1.sln")
        ] * 2
        recordings.look()
    assert names(tmp_path) == {"1.wav", "2.wav"}


def test_the_last_room_on_the_disk_is_left_to_the_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "1", tone(1.0))
    monkeypatch.setattr(recordings, "SPARE_BYTES", 2**60)
    with capture_logs() as logs:
        look(tmp_path)
    assert [line["event"] for line in logs] == ["recording_not_converted"]
    assert names(tmp_path) == {"1.sln"}


def test_a_recording_is_told_with_its_length_and_its_silence_open_or_closed(tmp_path: Path) -> None:
    hiss = tone(3.0, level=0.001)
    written(tmp_path, "1", hiss + tone(1.0))
    opened = of_call(tmp_path, "1")
    look(tmp_path)
    closed = of_call(tmp_path, "1")
    measured = {"seconds": 4.0, "silent_share": 0.75}
    assert opened == {"path": str(tmp_path / "1.sln"), **measured}
    assert closed == {"path": str(tmp_path / "1.wav"), **measured}
    assert recordings.describe(closed) == f"rekaman {tmp_path / '1.wav'}, 4.0 detik, 75% hening"
    assert of_call(tmp_path, "2") is None
    assert recordings.describe(None) == "rekaman tidak ada"


def test_a_recording_that_cannot_be_read_hides_no_call(tmp_path: Path) -> None:
    (tmp_path / "1.wav").write_bytes(b"no sound")
    found = of_call(tmp_path, "1")
    assert found == {"path": str(tmp_path / "1.wav"), "seconds": None, "silent_share": None}
    assert recordings.describe(found).endswith("tidak dapat dibaca")


def test_an_hour_of_sound_is_never_in_memory_at_once(tmp_path: Path) -> None:
    hour = tmp_path / "1.sln"
    with hour.open("wb") as file:
        file.truncate(3600 * RATE * 2)

    def work() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (memory() + 20 * 1024 * 1024,) * 2)
        look(tmp_path)
        assert of_call(tmp_path, "1") == {
            "path": str(tmp_path / "1.wav"),
            "seconds": 3600.0,
            "silent_share": 1.0,
        }

    assert forked(work) == 0


def memory() -> int:
    """The address space of this process."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
