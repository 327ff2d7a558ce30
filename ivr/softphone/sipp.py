"""SIPp in a process of its own: rendered scenarios, the running program, and its SIP trace.

The trace is what SIPp itself wrote of every message, with the time; nothing here is guessed from
what was asked. To hang up, the commander sends SIPp one INFO datagram in the name of the call: the
scenario then sends BYE and waits for its answer.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import socket
import tempfile
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2

SCENARIOS = Path(__file__).parent / "scenarios"
LONGEST_S = 600
LOOK_S = 0.02
STOP_S = 3.0

_HEAD = re.compile(
    r"^-{40,} (\d{4}-\d\d-\d\dT[\d:.]+Z)\n\w+ message (sent|received) .*:\n\n?", re.MULTILINE
)
_AUDIO = re.compile(r"^m=audio (\d+) ", re.MULTILINE)
_CONNECTION = re.compile(r"^c=IN IP4 (\S+)", re.MULTILINE)
_ASSERTED = re.compile(r"^P-Asserted-Identity:.*?<sips?:([^@>]+)@", re.MULTILINE | re.IGNORECASE)


class SippFailed(Exception):
    """SIPp did not start or gave up; the text holds its own words."""


@dataclass(frozen=True, slots=True)
class SipMessage:
    """One message of a trace: when (epoch seconds), whether we sent it, and its text."""

    at: float
    sent: bool
    text: str

    @property
    def first_line(self) -> str:
        return self.text.partition("\n")[0].strip()

    def header(self, name: str) -> str:
        found = re.search(
            rf"^{re.escape(name)}:[ \t]*(.*?)\r?$", self.text, re.MULTILINE | re.IGNORECASE
        )
        return found[1] if found else ""

    @property
    def asserted(self) -> str | None:
        """The user part of P-Asserted-Identity: who the far side says it is now."""
        found = _ASSERTED.search(self.text)
        return found[1] if found else None

    @property
    def media(self) -> tuple[str, int] | None:
        """Address and port of the audio in its SDP."""
        port, address = _AUDIO.search(self.text), _CONNECTION.search(self.text)
        return (address[1], int(port[1])) if port and address else None


def read_trace(text: str) -> list[SipMessage]:
    """The messages of SIPp's message file, in order."""
    heads = list(_HEAD.finditer(text))
    ends = [*(head.start() for head in heads[1:]), len(text)][: len(heads)]
    return [
        SipMessage(
            at=datetime.fromisoformat(head[1]).timestamp(),
            sent=head[2] == "sent",
            text=text[head.end() : end].replace("\r\n", "\n").strip(),
        )
        for head, end in zip(heads, ends, strict=True)
    ]


def render(name: str, **values: Any) -> str:
    """One scenario as XML. Values of callers are checked before they come here."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(SCENARIOS),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 (SIP text inside CDATA; `clean` refuses what would end it)
    )
    return environment.get_template(f"{name}.xml.j2").render(values).strip() + "\n"


def clean(text: str) -> str:
    """A value that may stand in a scenario: no line end, nothing SIPp or XML would act on."""
    if re.search(r"[\r\n\0\[\]]|\]\]>", text):
        raise ValueError(f"{text!r} cannot stand in a SIP message")
    return text


def free_port(address: str) -> int:
    """A UDP port that nobody uses at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class Sipp:
    """One running SIPp with one scenario. Use ``start`` and always ``stop``."""

    command: tuple[str, ...]
    address: str
    port: int
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="siaga-sipp-")))
    process: asyncio.subprocess.Process | None = None

    async def start(self, scenario: str, *arguments: str) -> None:
        """Run the scenario from our address and port."""
        file = self.folder / "scenario.xml"
        file.write_text(scenario)
        fixed = ("-nostdin", "-trace_msg", "-message_file", str(self.folder / "messages.log"))
        errors = ("-trace_err", "-error_file", str(self.folder / "errors.log"))
        where = ("-i", self.address, "-p", str(self.port), "-timeout", f"{LONGEST_S}s")
        self.process = await asyncio.create_subprocess_exec(
            *self.command,
            "-sf",
            str(file),
            *fixed,
            *errors,
            *where,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=(self.folder / "stderr.log").open("wb"),
            cwd=self.folder,
            start_new_session=True,
        )

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    def trace(self) -> list[SipMessage]:
        """What was sent and received so far."""
        try:
            return read_trace((self.folder / "messages.log").read_text(errors="replace"))
        except FileNotFoundError:
            return []

    def trouble(self) -> str:
        """SIPp's own words on what went wrong."""
        for name in ("errors.log", "stderr.log"):
            file = self.folder / name
            if file.exists() and (text := file.read_text(errors="replace").strip()):
                return text[-600:]
        return ""

    def hang_up(self, call_id: str) -> None:
        """Make the scenario send BYE."""
        said = (
            f"INFO sip:siaga@{self.address}:{self.port} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.address}:9;branch=z9hG4bK-close\r\n"
            "From: <sip:siaga@siaga.invalid>;tag=close\r\nTo: <sip:siaga@siaga.invalid>\r\n"
            f"Call-ID: {call_id}\r\nCSeq: 1 INFO\r\nContent-Length: 0\r\n\r\n"
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(said.encode(), (self.address, self.port))

    async def ended(self, seconds: float) -> bool:
        """Wait for SIPp's own end; False if it does not come."""
        if self.process is None:
            return True
        try:
            async with asyncio.timeout(seconds):
                await self.process.wait()
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """End the process and remove its folder."""
        try:
            if self.running and self.process is not None:
                self.process.send_signal(signal.SIGTERM)
                if not await self.ended(STOP_S):
                    self.process.kill()
                    await self.process.wait()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
