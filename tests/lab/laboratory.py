"""One engine on ports and in a home of its own, and the SIP peers that call it and answer it.

Everything is real: Asterisk, the controller, the database, SIPp and RTP, each in its own process, on
loopback. Peers have addresses of their own (127.0.0.3 an agency, 127.0.0.4 an operator).
"""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ivr.config import PROJECT
from ivr.platforms.asterisk.programs import tool
from ivr.softphone.rtp import Rtp, tone, tone_share
from ivr.softphone.sipp import Sipp, free_port, render

AGENCY = "127.0.0.3"
OPERATOR = "127.0.0.4"
CALLER_HERTZ = 700.0
PEER_HERTZ = 1100.0
CLEAR = 0.5
"""A tone that holds half of all energy is that tone; speech and noise stay far below a tenth."""


_PORTS = itertools.cycle(range(10_000 + os.getpid() % 97 * 100, 19_999))
"""Below the ports that the system gives to whoever connects (from 32768 on, on Linux): one of those
may be taken between being found free and being used."""


def free_port_of_an_engine() -> int:
    """A port for an engine, free for TCP and for UDP; not the same one twice in this process."""
    for port in _PORTS:
        with (
            socket.socket() as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
            contextlib.suppress(OSError),
        ):
            for probe in (tcp, udp):
                probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("unreachable: the ports never end")


@dataclass
class Engine:
    """A home, its ports, and the command line that a person would use."""

    home: Path
    deployment: Path
    environment: dict[str, str] = field(default_factory=dict)
    speech: bool = False  # a model of speech takes half a gigabyte, and seconds to load

    def __post_init__(self) -> None:
        self.sip_port = free_port_of_an_engine()
        first = 21000 + os.getpid() % 100 * 200
        self.environment = {
            **os.environ,
            "SIAGA_HOME": str(self.home),
            "SIAGA_SIP_PORT": str(self.sip_port),
            "SIAGA_AGI_PORT": str(free_port_of_an_engine()),
            "SIAGA_AMI_PORT": str(free_port_of_an_engine()),
            "SIAGA_WEB_PORT": str(free_port_of_an_engine()),
            "SIAGA_AEAP_PORT": str(free_port_of_an_engine()),
            "SIAGA_EAR_PORT": str(free_port_of_an_engine()),
            "SIAGA_SPEECH": "on" if self.speech else "off",
            "SIAGA_RTP_PORTS": f"{first}-{first + 199}",
        }

    def run(self, *arguments: str, seconds: float = 150) -> subprocess.CompletedProcess[str]:
        """One command of ``./siaga``, to its end."""
        return subprocess.run(
            (sys.executable, "-m", "ivr.cli", *arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("up", "--detach", "--deployment", str(self.deployment), *arguments)

    def started(self, *arguments: str) -> Engine:
        done = self.up(*arguments)
        assert done.returncode == 0, done.stderr
        return self

    def down(self) -> None:
        self.run("down")

    def json(self, *arguments: str) -> dict[str, Any]:
        done = self.run(*arguments, "--json")
        assert done.stdout, done.stderr
        said: dict[str, Any] = json.loads(done.stdout)
        return said

    def pid(self, name: str) -> int:
        rows = {row["name"]: row["pid"] for row in self.json("status")["components"]}
        return int(rows[name])

    def kill(self, name: str) -> None:
        os.kill(self.pid(name), signal.SIGKILL)

    def record_of(self, sip_call_id: str) -> dict[str, Any] | None:
        from ivr.store import reports

        return reports.call_by_sip_id(f"sqlite:///{self.home / 'siaga.db'}", sip_call_id)

    def calls(self) -> list[dict[str, Any]]:
        from ivr.store import reports

        return reports.list_calls(f"sqlite:///{self.home / 'siaga.db'}", limit=10_000)


async def eventually(
    found: Callable[[], Any], seconds: float = 10.0, what: str = "what was awaited"
) -> Any:
    """The first true answer; fails the test when time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = found()
        if answer:
            return answer
        await asyncio.sleep(0.05)
    raise AssertionError(f"{what} did not come within {seconds:g} s")


async def hear_each_other(caller: Rtp, peer: Rtp, seconds: float = 8.0) -> None:
    """Each plays a tone of its own until it is measured at the other."""
    caller.play(tone(CALLER_HERTZ))
    peer.play(tone(PEER_HERTZ))

    def both() -> bool:
        at_peer, at_caller = peer.heard(0.4), caller.heard(0.4)
        return bool(
            len(at_peer) > 1600
            and len(at_caller) > 1600
            and tone_share(at_peer, CALLER_HERTZ) > CLEAR
            and tone_share(at_caller, PEER_HERTZ) > CLEAR
        )

    await eventually(both, seconds, "a tone from each side at the other")


async def crowd(
    port: int,
    calls: int,
    at_once: int,
    *,
    hold_ms: int,
    info_keys: Sequence[tuple[int, str]] = (),
    rate: int = 50,
    seconds: float = 120,
) -> int:
    """Many callers from one SIPp; its exit code, 0 when every call went as its scenario says."""
    address = "127.0.0.1"
    program = Sipp(tool("sipp"), address, free_port(address))
    scenario = render(
        "caller",
        uri=f"sip:112@{address}:{port}",
        caller=f"<sip:+628127600[call_number]@{address}>",
        address=address,
        rtp_port=free_port(address),
        headers=(),
        pidf=None,
        info_keys=info_keys,
        hold_ms=hold_ms,
    )
    try:
        load = ("-m", str(calls), "-l", str(at_once), "-r", str(rate))
        await program.start(scenario, f"{address}:{port}", *load)
        assert await program.ended(seconds), "the callers did not come to an end"
        assert program.process is not None
        assert program.process.returncode is not None
        if program.process.returncode:
            print(program.trouble())
        return program.process.returncode
    finally:
        await program.stop()


class _Hook(http.server.BaseHTTPRequestHandler):
    told: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.told.append(json.loads(body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@contextlib.contextmanager
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An address that takes every message, and what it has taken."""
    told: list[dict[str, Any]] = []
    handler = type("Hook", (_Hook,), {"told": told})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/alarm", told
    finally:
        server.shutdown()
        server.server_close()


MANDAU_ALONE = {"name: Mandau\n    block: daratan": "name: Mandau\n    block: mandau"}
"""For places.yaml: Mandau as an island, so that no machine that plays another post takes its calls."""


def lab_deployment(folder: Path, changes: Mapping[str, Mapping[str, str]]) -> Path:
    """A copy of the shipped deployment with some lines of its files replaced."""
    folder.mkdir(parents=True)
    for source in (PROJECT / "dialplans/bengkalis").glob("[!.]*.*"):
        text = source.read_text()
        for old, new in changes.get(source.name, {}).items():
            assert old in text, f"{old!r} is not in {source.name}"
            text = text.replace(old, new)
        (folder / source.name).write_text(text)
    return folder
