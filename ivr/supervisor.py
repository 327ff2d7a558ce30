"""Starts Asterisk, the controller, the web and the speech process, restarts what died or hangs, stops all.

A controller whose event loop stops beating is killed: only the end of its process closes the sockets
of its calls, and a closed socket is what gives a caller back to extensions. One that falls again and
again is tried ever more rarely, and said to be failing. Asterisk is never given up. No call needs the
web or the speech process: nothing waits for them.

It holds no call. If it dies itself, calls go on; ``./siaga down`` still finds its children by the
status file it keeps in ``$SIAGA_HOME/run``.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

import structlog

from ivr import log as logging
from ivr import status
from ivr.alarm import Alarm
from ivr.calls.published import Published
from ivr.config import Config
from ivr.deployment import Texts
from ivr.in_use import InUse, Saves
from ivr.platforms.asterisk import pbx
from ivr.platforms.asterisk.dead_lines import DeadLines
from ivr.platforms.asterisk.programs import Asterisk
from ivr.platforms.asterisk.reload import Running
from ivr.speech import standing
from ivr.speech.standing import Standing
from ivr.speech.told import Told
from ivr.store.recordings import Recordings
from ivr.tickets import Delivery

READY_SECONDS = 40.0
STOP_SECONDS = 10.0
LONGEST_PAUSE = 5.0
LOOK_SECONDS = 0.2
SILENCE_SECONDS = 3.0
"""A controller beats twice a second; after so long without a beat its callers hear nothing."""

SETTLED_SECONDS = 60.0
FALLS_OF_A_LOOP = 5
"""So many falls, none of them after a settled life, are no accident any more."""

LOOP_PAUSE = 30.0
DRAIN_SECONDS = 120.0
WATCH_SECONDS = 2.0
NOT_STARTED_S = 1.0
"""What could not be started is tried again after this."""

PUBLISHED_SECONDS = 0.05
SAVES_SECONDS = 1.0
TICKETS_SECONDS = 1.0
RECORDINGS_SECONDS = 3.0
NOT_URGENT = 10
"""How nice the conversion of recordings is; nicer, it might hold up this whole process by its lock."""

OFF_SECONDS = 60.0
"""A speech process that cannot listen here is tried again after this: its model may have been put there."""

WEB, SPEECH = "web", "speech"
NOT_NEEDED = (WEB, SPEECH)
"""The components that no call needs: whether they run is told, and decides nothing."""

log = structlog.get_logger(__name__)


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
    beat_at: float = 0.0  # monotonic; of the last sign of life through the pipe
    pipe: int | None = field(default=None, repr=False)


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
    published: Published,
    *,
    unpublished: tuple[str, ...] | None,
    done: Texts | str,
    publish: Callable[[Texts], None],
    without_controller: bool,
    tell_ready: Callable[[], None],
    tell_speech: Callable[[str], None],
) -> None:
    """Start all, call ``tell_ready`` once calls are taken, and stay until SIGTERM or SIGINT.

    ``tell_speech`` is called once, when it is known whether speech works: with why not, or with nothing.

    ``unpublished`` is what stands against the deployment as it is now, if it is not what was published;
    ``done`` is how it stood when that was found, ``publish`` puts a later save of it to use.
    """
    config.log_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    components = _components(config, asterisk, where, without_controller)
    stopping = False

    def stop(signum: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    since = time.time()
    line = logging.start((config.log_dir / "supervisor.log").open("a"))
    running = Running.begun(
        config, where, published, lambda command: pbx.ask(asterisk, where, command)
    )
    in_use = InUse(config, published, running, lambda: _pid(components[0]), unpublished)
    watch = Watch(config, asterisk, where, in_use)
    saves = Saves(config, in_use, publish, done)
    beside = _beside(config, in_use, saves, watch, components[0])
    swap = Swap(components)
    told = Told(config, lambda: in_use.published.dialplan.name, tell_speech)
    signal.signal(signal.SIGHUP, swap.wanted)
    signal.signal(signal.SIGUSR1, lambda signum, frame: _begin_again(components))

    writing = threading.Lock()

    def write() -> None:
        with writing:
            _write_status(config, components, since, in_use)

    in_use.changed = write
    try:
        for component in components:
            _start(component)
        write()
        _await_ready(components, asterisk, where, lambda: stopping)
        write()
        if not stopping:
            for work in beside:
                work.start()
            tell_ready()
        while not stopping:
            changed = [_look(component, asterisk, where) for component in components]
            changed.append(swap.look(asterisk, where))
            if any(changed):
                write()
            told.look(_speech_standing(config, components))
            time.sleep(LOOK_SECONDS)
    finally:
        for work in beside:
            work.stop()
        watch.close()
        told.close()
        for component in (*swap.others(), *reversed(components)):
            _stop(component)
        clean(config)
        line.close()


def _components(
    config: Config, asterisk: Asterisk, where: pbx.Folders, without_controller: bool
) -> list[Component]:
    environment = {**os.environ, "SIAGA_HOME": str(config.home)}
    logs = config.log_dir
    components = [
        Component(
            "asterisk", pbx.start_command(asterisk, where), logs / "asterisk.out", environment
        )
    ]
    if without_controller:
        return components
    controller = (sys.executable, "-m", "ivr.app")
    components.append(Component("controller", controller, logs / "controller.out", environment))
    components.append(_web(config))
    if config.speech.on:
        components.append(_speech(config))
    return components


def _web(config: Config) -> Component:
    """It is spoken to from outside, so it is told nothing that it could give away."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("SIAGA_")}
    environment |= {"SIAGA_HOME": str(config.home), "SIAGA_WEB_PORT": str(config.web_port)}
    command = (sys.executable, "-m", "ivr.web.app")
    return Component(WEB, command, config.log_dir / "web.out", environment)


def _speech(config: Config) -> Component:
    """Like the web process, it is told nothing that it could give away."""
    wanted = ("SIAGA_SPEECH", "SIAGA_WHISPER_MODEL", "SIAGA_VOSK_MODEL")
    environment = {
        name: text
        for name, text in os.environ.items()
        if name in wanted or not name.startswith("SIAGA_")
    }
    environment |= {"SIAGA_HOME": str(config.home), "SIAGA_AEAP_PORT": str(config.aeap_port)}
    command = (sys.executable, "-m", "ivr.speech.server")
    return Component(SPEECH, command, standing.output(config), environment)


def _await_ready(
    components: list[Component],
    asterisk: Asterisk,
    where: pbx.Folders,
    stopping: Callable[[], bool],
) -> None:
    deadline = time.monotonic() + READY_SECONDS
    needed = [component for component in components if component.name not in NOT_NEEDED]
    while not stopping() and any(c.state != "running" for c in needed):
        for component in components:
            _look(component, asterisk, where)
        if time.monotonic() > deadline:
            late = next(c for c in needed if c.state != "running")
            raise NotReady(f"{late.name} tidak siap; lihat {late.output}.")
        time.sleep(0.02)


class Regularly:
    """One piece of work every few seconds, in a thread of its own that outlives its failures.

    ``nice`` is how far it stands back for whoever else wants the processor.
    """

    def __init__(
        self, name: str, seconds: float, work: Callable[[], None], *, nice: int = 0
    ) -> None:
        self._name, self._seconds, self._work, self._nice = name, seconds, work, nice
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """No more of it; what is under way may end after this."""
        self._stopping.set()

    def _run(self) -> None:
        if self._nice:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self._nice)
        while not self._stopping.wait(self._seconds):
            try:
                self._work()
            except Exception:  # a thread that dies would be a quiet that nobody notices
                log.exception("work_failed", name=self._name)


def _pid(component: Component) -> int | None:
    process = component.process
    return process.pid if process else None


def _beside(
    config: Config, in_use: InUse, saves: Saves, watch: Watch, asterisk: Component
) -> list[Regularly]:
    """What is done while calls go on and is no part of any."""
    recordings = Recordings(config.recordings_dir, lambda: _pid(asterisk))
    work = [
        Regularly("published", PUBLISHED_SECONDS, in_use.look),
        Regularly("saves", SAVES_SECONDS, saves.look, nice=NOT_URGENT),
        Regularly("watch", WATCH_SECONDS, watch.look),
        Regularly("recordings", RECORDINGS_SECONDS, recordings.look, nice=NOT_URGENT),
    ]
    if config.ticket_url:
        delivery = Delivery(
            config.database_url,
            config.ticket_url,
            secret=pbx.secret(config, "notify"),
            daerah=lambda: in_use.published.dialplan.name,
        )
        work.append(Regularly("tickets", TICKETS_SECONDS, delivery.look))
    return work


class Watch:
    """Looks whether a person can be reached, and which lines are dead."""

    def __init__(
        self, config: Config, asterisk: Asterisk, where: pbx.Folders, in_use: InUse
    ) -> None:
        self._alarm = Alarm(
            config.home / "run" / "siaga.prom",
            lambda: in_use.published.dialplan.name,
            url=config.notify_url,
            secret=pbx.secret(config, "notify"),
        )
        self._asterisk, self._where, self._in_use = asterisk, where, in_use
        self._dead_lines = DeadLines(lambda command: pbx.ask(asterisk, where, command))

    def look(self) -> None:
        directory = self._in_use.published.directory
        self._alarm.tell(pbx.standings(self._asterisk, self._where, directory))
        self._dead_lines.look(time.monotonic())

    def close(self) -> None:
        self._alarm.close()


def _speech_standing(config: Config, components: Sequence[Component]) -> Standing:
    state = next((c.state for c in components if c.name == SPEECH), "off")
    return standing.standing(config, state)


class Swap:
    """A new controller in the place of the running one, without a call that notices.

    The new one is started beside the old one; both listen on the same port for a moment. Once it
    takes calls, the old one is told to drain: it takes no more, ends its dialogues, and goes.
    """

    def __init__(self, components: list[Component]) -> None:
        self._components = components
        self._fresh: Component | None = None
        self._draining: list[tuple[Component, float]] = []
        self._wanted = False

    def wanted(self, signum: int, frame: FrameType | None) -> None:
        """The handler of SIGHUP."""
        self._wanted = True

    def others(self) -> list[Component]:
        """Those that run beside the components of the status."""
        return [c for c, _ in self._draining] + ([self._fresh] if self._fresh else [])

    def look(self, asterisk: Asterisk, where: pbx.Folders) -> bool:
        """Go on with whatever is under way. True if the controller was replaced."""
        self._drain()
        old = next((c for c in self._components if c.name == "controller"), None)
        if self._wanted and self._fresh is None and old is not None:
            self._wanted = False
            self._fresh = Component(old.name, old.command, old.output, old.environment)
            _start(self._fresh)
        if self._fresh is None or old is None or not _look(self._fresh, asterisk, where):
            return False
        fresh, self._fresh = self._fresh, None
        if fresh.state != "running":
            log.error("controller_not_replaced", output=str(fresh.output))
            return False
        self._components[self._components.index(old)] = fresh
        if old.process is not None:
            old.process.send_signal(signal.SIGUSR1)
            self._draining.append((old, time.monotonic() + DRAIN_SECONDS))
        return True

    def _drain(self) -> None:
        for component, until in list(self._draining):
            process = component.process
            if process is None or process.poll() is not None:
                self._draining.remove((component, until))
            elif time.monotonic() > until:
                process.terminate()


def _start(component: Component) -> None:
    """Start it; raises OSError where the machine has no room for it, and then nothing is left behind."""
    reader, writer = os.pipe()
    try:
        with component.output.open("ab") as output:
            component.process = subprocess.Popen(
                component.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**component.environment, "SIAGA_BEAT_FD": str(writer)},
                pass_fds=(writer,),
                start_new_session=True,
            )
    except OSError:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    os.set_blocking(reader, False)
    if component.pipe is not None:
        os.close(component.pipe)
    component.pipe = reader
    component.state = "starting"
    component.since = time.time()
    component.beat_at = time.monotonic()


def _look(component: Component, asterisk: Asterisk, where: pbx.Folders) -> bool:
    """Notice what happened to one component, and restart it if it fell. True if anything changed."""
    process = component.process
    if process is None:
        if time.monotonic() < component.start_again_at:
            return False
        try:
            _start(component)
        except (
            OSError
        ) as error:  # no memory, no files left: the others go on, and it is tried again
            log.error("not_started", component=component.name, error=str(error))
            component.start_again_at = time.monotonic() + NOT_STARTED_S
        return True
    if process.poll() is not None:
        _fell(component, process.returncode)
        return True
    beaten = _beats(component)
    if component.state == "starting" and (
        pbx.is_booted(asterisk, where) if component.name == "asterisk" else beaten
    ):
        component.state = "running"
        return True
    if component.name != "asterisk" and _is_silent(component):
        log.error("component_silent_and_killed", name=component.name, pid=process.pid)
        process.kill()
    return False


def _begin_again(components: Sequence[Component]) -> None:
    """What was missing may be there now."""
    for component in components:
        if component.state == "off":
            component.start_again_at = 0.0


def _fell(component: Component, code: int) -> None:
    """Note the end of a process, and when to start it again."""
    component.process = None
    if component.name == SPEECH and code == standing.OFF:
        component.state, component.falls = "off", 0
        component.start_again_at = time.monotonic() + OFF_SECONDS
        return
    settled = time.time() - component.since > SETTLED_SECONDS
    component.falls = 1 if settled else component.falls + 1
    looping = component.falls >= FALLS_OF_A_LOOP and component.name != "asterisk"
    component.state = "failing" if looping else "restarting"
    pause = LOOP_PAUSE if looping else min(LONGEST_PAUSE, 0.1 * 2 ** (component.falls - 1) - 0.1)
    component.start_again_at = time.monotonic() + pause
    log.error(
        "component_fell", name=component.name, code=code, falls=component.falls, again_in_s=pause
    )


def _beats(component: Component) -> bool:
    """Take in the signs of life that came. True if there was one: the first says "ready"."""
    try:
        came = os.read(component.pipe, 4096) if component.pipe is not None else b""
    except BlockingIOError:
        return False
    if came:
        component.beat_at = time.monotonic()
    return bool(came)


def _is_silent(component: Component) -> bool:
    bound = SILENCE_SECONDS if component.state == "running" else READY_SECONDS
    return time.monotonic() - component.beat_at > bound


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


def _write_status(config: Config, components: list[Component], since: float, in_use: InUse) -> None:
    rows: list[dict[str, object]] = [
        {"name": "supervisor", "pid": os.getpid(), "state": "running", "since": since}
    ]
    for component in components:
        pid = component.process.pid if component.process else None
        rows.append(
            {"name": component.name, "pid": pid, "state": component.state, "since": component.since}
        )
    if not any(component.name == SPEECH for component in components):
        rows.append({"name": SPEECH, "pid": None, "state": "off", "since": since})
    said = {
        "dial": config.dial,
        "deployment": str(config.deployment),
        "version": in_use.published.version,
        "unpublished": in_use.unpublished,
        "components": rows,
        "speech": _speech_standing(config, components)._asdict(),
    }
    target = status.file_of(config)
    fresh = target.with_suffix(".new")
    fresh.write_text(json.dumps(said))
    fresh.replace(target)


def clean(config: Config) -> None:
    """Remove what only a running engine needs."""
    status.file_of(config).unlink(missing_ok=True)
    for measured in (config.home / "run").glob("*.prom"):
        measured.unlink(missing_ok=True)
    standing.file_of(config).unlink(missing_ok=True)
    run_dir = pbx.folders(config).run
    if run_dir.is_dir():
        for left in run_dir.iterdir():
            left.unlink(missing_ok=True)
        run_dir.rmdir()


def restart_controller(config: Config) -> bool:
    """Replace the running controller; True once the new one takes calls."""
    before = _pids(config)
    if not is_alive(before.get("supervisor", 0)) or "controller" not in before:
        return False
    os.kill(before["supervisor"], signal.SIGHUP)
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if _pids(config).get("controller") not in (None, before["controller"]):
            return True
        time.sleep(LOOK_SECONDS)
    return False


def look_again(config: Config) -> None:
    """Let a running machine start at once what could not be started for want of something."""
    supervisor = _pids(config).get("supervisor", 0)
    if is_alive(supervisor):
        os.kill(supervisor, signal.SIGUSR1)


def _pids(config: Config) -> dict[str, int]:
    """The processes of the status file, by name."""
    rows = (status.read(config) or {}).get("components")
    return {
        str(row["name"]): int(row["pid"])
        for row in (rows if isinstance(rows, list) else [])
        if row.get("pid")
    }


def stop_all(config: Config) -> bool:
    """Stop whatever the status file names. True if anything was running."""
    if status.read(config) is None:
        return False
    pids = _pids(config)
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
