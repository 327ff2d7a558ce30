"""Starts Asterisk and the controller, restarts what died, and stops both.

It holds no call. If it dies itself, calls go on; ``./siaga down`` still finds its children by the
status file it keeps in ``$SIAGA_HOME/run``.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from ivr.config import Config
from ivr.platforms.asterisk import pbx
from ivr.platforms.asterisk.programs import Asterisk

READY_SECONDS = 40.0
STOP_SECONDS = 10.0
LONGEST_PAUSE = 5.0
LOOK_SECONDS = 0.2


class NotReady(Exception):
    """A component did not come up; the text says which, and where its log is."""


@dataclass(slots=True)
class Component:
    """One child process, how to start it, and how often it fell."""

    name: str
    command: tuple[str, ...]
    output: Path
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    state: str = "starting"
    since: float = 0.0
    falls: int = 0
    start_again_at: float = 0.0
    ready_pipe: int | None = field(default=None, repr=False)


def status_file(config: Config) -> Path:
    return config.home / "run" / "status.json"


def read_status(config: Config) -> dict[str, object] | None:
    """What the supervisor last wrote, or None where nothing was ever started here."""
    try:
        said = json.loads(status_file(config).read_text())
    except (OSError, ValueError):
        return None
    return said if isinstance(said, dict) else None


def is_alive(pid: int) -> bool:
    """True for a process that runs; a zombie does not."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


@contextlib.contextmanager
def only_one(config: Config) -> Iterator[IO[str]]:
    """Hold the lock of this home; raises BlockingIOError while another supervisor holds it."""
    run = config.home / "run"
    run.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (run / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield lock


def run(
    config: Config,
    asterisk: Asterisk,
    where: pbx.Folders,
    *,
    version: str,
    without_controller: bool,
    tell_ready: Callable[[], None],
) -> None:
    """Start all, call ``tell_ready`` once calls are taken, and stay until SIGTERM or SIGINT."""
    environment = {**os.environ, "SIAGA_HOME": str(config.home)}
    config.log_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    components = [
        Component(
            "asterisk",
            pbx.start_command(asterisk, where),
            config.log_dir / "asterisk.out",
            environment,
        )
    ]
    if not without_controller:
        controller = (sys.executable, "-m", "ivr.app", str(config.deployment))
        components.append(
            Component("controller", controller, config.log_dir / "controller.out", environment)
        )
    stopping = False

    def stop(signum: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    since = time.time()

    def write() -> None:
        _write_status(config, components, since, version)

    try:
        for component in components:
            _start(component)
        write()
        deadline = time.monotonic() + READY_SECONDS
        while not stopping and any(c.state != "running" for c in components):
            for component in components:
                _look(component, asterisk, where)
            if time.monotonic() > deadline:
                late = next(c for c in components if c.state != "running")
                raise NotReady(f"{late.name} tidak siap; lihat {late.output}.")
            time.sleep(0.02)
        write()
        if not stopping:
            tell_ready()
        while not stopping:
            changed = [_look(component, asterisk, where) for component in components]
            if any(changed):
                write()
            time.sleep(LOOK_SECONDS)
    finally:
        for component in reversed(components):
            _stop(component)
        clean(config)


def _start(component: Component) -> None:
    reader, writer = os.pipe()
    with component.output.open("ab") as output:
        component.process = subprocess.Popen(
            component.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**component.environment, "SIAGA_READY_FD": str(writer)},
            pass_fds=(writer,),
            start_new_session=True,
        )
    os.close(writer)
    if component.ready_pipe is not None:
        os.close(component.ready_pipe)
    component.ready_pipe = reader
    component.state = "starting"
    component.since = time.time()


def _look(component: Component, asterisk: Asterisk, where: pbx.Folders) -> bool:
    """Notice what happened to one component, and restart it if it fell. True if anything changed."""
    process = component.process
    if process is None:
        if time.monotonic() < component.start_again_at:
            return False
        _start(component)
        return True
    if process.poll() is not None:
        component.process = None
        component.state = "restarting"
        lived = time.time() - component.since
        component.falls = 0 if lived > 60 else component.falls + 1
        component.start_again_at = time.monotonic() + min(
            LONGEST_PAUSE, 0.1 * 2**component.falls - 0.1
        )
        return True
    if component.state == "starting" and _is_ready(component, asterisk, where):
        component.state = "running"
        return True
    return False


def _is_ready(component: Component, asterisk: Asterisk, where: pbx.Folders) -> bool:
    if component.name == "asterisk":
        return pbx.is_booted(asterisk, where)
    pipe = component.ready_pipe
    readable = pipe is not None and bool(select.select([pipe], [], [], 0)[0])
    return readable and pipe is not None and os.read(pipe, 1) == b"1"


def _stop(component: Component) -> None:
    process = component.process
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _write_status(config: Config, components: list[Component], since: float, version: str) -> None:
    rows: list[dict[str, object]] = [
        {"name": "supervisor", "pid": os.getpid(), "state": "running", "since": since}
    ]
    for component in components:
        pid = component.process.pid if component.process else None
        rows.append(
            {"name": component.name, "pid": pid, "state": component.state, "since": component.since}
        )
    said = {
        "dial": config.dial,
        "deployment": str(config.deployment),
        "version": version,
        "components": rows,
    }
    target = status_file(config)
    fresh = target.with_suffix(".new")
    fresh.write_text(json.dumps(said))
    fresh.replace(target)


def clean(config: Config) -> None:
    """Remove what only a running engine needs."""
    status_file(config).unlink(missing_ok=True)
    run_dir = pbx.folders(config).run
    if run_dir.is_dir():
        for left in run_dir.iterdir():
            left.unlink(missing_ok=True)
        run_dir.rmdir()


def stop_all(config: Config) -> bool:
    """Stop whatever the status file names. True if anything was running."""
    status = read_status(config)
    if status is None:
        return False
    rows = status.get("components")
    pids = {
        str(row["name"]): int(row["pid"])
        for row in (rows if isinstance(rows, list) else [])
        if row.get("pid")
    }
    alive = {name: pid for name, pid in pids.items() if is_alive(pid)}
    if "supervisor" in alive:
        os.kill(alive["supervisor"], signal.SIGTERM)
        if _gone(alive["supervisor"], 2 * STOP_SECONDS + 5):
            clean(config)
            return True
    for pid in (p for p in alive.values() if is_alive(p)):
        os.kill(pid, signal.SIGKILL)
        _gone(pid, STOP_SECONDS)
    clean(config)
    return bool(alive)


def _gone(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
