"""The supervisor's judgement of one child: ready, alive, hanging, falling again and again."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ivr import supervisor
from ivr.platforms.asterisk import pbx
from ivr.platforms.asterisk.programs import Asterisk
from ivr.supervisor import Component, Regularly

NO_ASTERISK = Asterisk((), Path(), Path(), "", "")
NOWHERE = pbx.Folders(Path(), Path(), Path(), Path(), Path())
BEATS = "import os,time\nfd=int(os.environ['SIAGA_BEAT_FD'])\nwhile 1: os.write(fd,b'.'); time.sleep(.05)"
BEATS_ONCE = (
    "import os,time\nos.write(int(os.environ['SIAGA_BEAT_FD']),b'.')\nwhile 1: time.sleep(9)"
)
FALLS = "raise SystemExit(3)"


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Component]:
    component = Component("controller", (), tmp_path / "out", dict(os.environ))
    yield component
    if component.process is not None:
        component.process.kill()
        component.process.wait()


def look_until(component: Component, state: str, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while component.state != state:
        assert time.monotonic() < deadline, f"{component.state}, not {state}"
        supervisor._look(component, NO_ASTERISK, NOWHERE)
        time.sleep(0.01)


def start(component: Component, program: str) -> None:
    component.command = (sys.executable, "-c", program)
    supervisor._start(component)


def test_the_first_beat_is_readiness_and_a_beating_child_is_left_alone(
    child: Component, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "SILENCE_SECONDS", 0.5)
    start(child, BEATS)
    look_until(child, "running")
    assert child.process is not None
    pid = child.process.pid
    until = time.monotonic() + 1.0
    while time.monotonic() < until:
        supervisor._look(child, NO_ASTERISK, NOWHERE)
        time.sleep(0.01)
    assert child.process is not None
    assert child.process.pid == pid


def test_a_child_that_stops_beating_is_killed_and_started_again(
    child: Component, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "SILENCE_SECONDS", 0.3)
    with capture_logs() as logs:
        start(child, BEATS_ONCE)
        look_until(child, "running")
        look_until(child, "restarting")
        child.command = (sys.executable, "-c", BEATS)
        look_until(child, "running")
    assert [line["event"] for line in logs][:2] == ["component_silent_and_killed", "component_fell"]


def test_a_child_that_falls_again_and_again_is_tried_ever_more_rarely(child: Component) -> None:
    pauses = []
    with capture_logs():
        for _ in range(supervisor.FALLS_OF_A_LOOP):
            start(child, FALLS)
            assert child.process is not None
            child.process.wait()
            supervisor._look(child, NO_ASTERISK, NOWHERE)
            pauses.append(child.start_again_at - time.monotonic())
    assert pauses == sorted(pauses)
    assert pauses[0] < 0.1, "the first time at once"
    assert pauses[-1] > supervisor.LOOP_PAUSE - 1
    assert child.state == "failing"


def test_asterisk_is_never_given_up(tmp_path: Path) -> None:
    asterisk = Component("asterisk", (), tmp_path / "out", {})
    with capture_logs():
        for _ in range(20):
            asterisk.since = time.time()
            supervisor._fell(asterisk, 1)
    assert asterisk.state == "restarting"
    assert asterisk.start_again_at - time.monotonic() <= supervisor.LONGEST_PAUSE


def test_a_long_life_forgives_earlier_falls(tmp_path: Path) -> None:
    child = Component("controller", (), tmp_path / "out", {}, falls=9)
    child.since = time.time() - supervisor.SETTLED_SECONDS - 1
    with capture_logs():
        supervisor._fell(child, -9)
    assert (child.falls, child.state) == (1, "restarting")


def test_work_beside_the_calls_goes_on_after_a_failure_and_stands_back_if_told_to() -> None:
    """The thread that failed once is the one that works again."""
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    done: queue.Queue[tuple[int, int]] = queue.Queue()

    def work() -> None:
        thread = threading.get_native_id()
        done.put((thread, os.getpriority(os.PRIO_PROCESS, thread)))
        raise RuntimeError("once more")

    with capture_logs() as logs:
        it = Regularly("x", 0.01, work, nice=usual + 3)
        it.start()
        first, second = done.get(timeout=10), done.get(timeout=10)
        it.stop()
    assert first == second
    assert first[1] == usual + 3
    assert os.getpriority(os.PRIO_PROCESS, 0) == usual
    assert {line["event"] for line in logs} == {"work_failed"}


def test_a_child_that_cannot_be_started_is_tried_again_and_costs_nothing_else(
    child: Component, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "NOT_STARTED_S", 0.05)
    start(child, BEATS_ONCE)
    look_until(child, "running")
    assert child.process is not None
    output, child.output = child.output, child.output / "in a file"
    child.process.kill()
    look_until(child, "restarting")
    files = len(os.listdir("/proc/self/fd"))
    with capture_logs() as logs:
        until = time.monotonic() + 5.0
        while not logs and time.monotonic() < until:
            supervisor._look(child, NO_ASTERISK, NOWHERE)
    assert [entry["event"] for entry in logs][:1] == ["not_started"]
    assert len(os.listdir("/proc/self/fd")) <= files
    child.output = output
    child.command = (sys.executable, "-c", BEATS)
    look_until(child, "running")
