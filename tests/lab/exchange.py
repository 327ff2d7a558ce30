"""A second real Asterisk, as the telephone exchange of callers, agencies and operators in numbers.

Where one SIPp with one RTP stream is not enough: hundreds of legs that each press, talk and record.
Everything it does is written in its own extensions; what it heard of each leg is on disk.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import struct
import subprocess
import wave
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from laboratory import eventually

from ivr.platforms.asterisk import pbx
from ivr.platforms.asterisk.programs import MODULES, Asterisk, find_asterisk
from ivr.softphone.rtp import decode, tone
from ivr.softphone.sipp import free_port

ADDRESS = "127.0.0.6"
CALLER, AGENCY, OPERATOR = 500.0, 900.0, 1300.0
"""The tones (hertz) by which a leg is told by who hears it."""

ROUND_S = 8
"""Callers of one race begin at the start of such a round; both sides press in the middle of it."""

FILES = {
    "logger.conf": "[general]\ndateformat = %s.%3q\n[logfiles]\nlegs.log = verbose(1)\n",
    "pjsip.conf": """
[udp]
type = transport
protocol = udp
bind = {address}:{port}
[anonymous]
type = endpoint
context = kaki
disallow = all
allow = alaw
dtmf_mode = rfc4733
direct_media = no
[siaga](!)
type = endpoint
[pemanggil]
type = endpoint
context = kaki
disallow = all
allow = alaw
dtmf_mode = rfc4733
direct_media = no
aors = pemanggil
[pemanggil]
type = aor
contact = sip:112@127.0.0.1:{siaga_port}
[global]
type = global
endpoint_identifier_order = anonymous
""",
    "extensions.conf": """
[general]
autofallthrough = no
[globals]
PATIENCE = {patience_s}
WAYS = {ways}
[kaki]
; A responder of a race: answers, presses 1 in the middle of the round, then plays a tone.
exten => petugas,1,Set(TONE={tones}/operator)
 same => n,Goto(balap,1)
exten => damkar,1,Set(TONE={tones}/agency)
 same => n,Goto(balap,1)
exten => balap,1,Set(WHO=${{CUT(TONE,/,{tone_field})}})
 same => n,Answer()
 same => n,Set(LEG=${{WHO}}-${{FILTER(0-9,${{CALLERID(num)}})}})
 same => n,MixMonitor({heard}/${{LEG}}.sln,r({heard}/rx-${{LEG}}.sln))
 same => n,Set(NOW=${{STRFTIME(,,%s%3q)}})
 same => n,Set(LEFT=$[({round_ms} + {middle_ms} - (${{NOW}} % {round_ms})) % {round_ms}])
 same => n,Wait($[${{LEFT}} / 1000])
 same => n,Verbose(1,pressed ${{WHO}} ${{FILTER(0-9,${{CALLERID(num)}})}})
 same => n,SendDTMF(1,,80)
 same => n(talk),Playback(${{TONE}})
 same => n,Goto(talk)
; Agencies as they are met: each answers, or does not, in its own way.
exten => terima,1,Set(TONE={tones}/agency)
 same => n,Gosub(angkat,1(agency))
 same => n,Goto(setuju,1)
exten => sibuk,1,Hangup(17)
exten => macet,1,Hangup(34)
exten => bisu,1,Wait(60)
exten => pesan,1,Ringing()
 same => n,Wait(1)
 same => n,Answer()
 same => n,Playback({tones}/agency)
 same => n,Wait(60)
exten => pengumuman,1,Progress()
 same => n,Playback({tones}/agency,noanswer)
 same => n,Hangup(18)
exten => putus,1,Set(TONE={tones}/agency)
 same => n,Gosub(angkat,1(agency))
 same => n,SendDTMF(1,,80)
 same => n,Wait(1.2)
 same => n,Hangup()
exten => lambat,1,Ringing()
 same => n,Wait(7)
 same => n,Set(TONE={tones}/agency)
 same => n,Gosub(angkat,1(agency))
 same => n,Wait(7)
 same => n,Goto(setuju,1)
exten => tolak,1,Set(TONE={tones}/agency)
 same => n,Gosub(angkat,1(agency))
 same => n,SendDTMF(2,,80)
 same => n,Wait(60)
exten => diam,1,Set(TONE={tones}/agency)
 same => n,Gosub(angkat,1(agency))
 same => n,Wait(60)
exten => kabur,1,Answer()
 same => n,Wait(1)
 same => n,Hangup()
; By the last digits of the caller's number: one of the above.
exten => acak,1,Goto(${{CUT(WAYS,-,$[${{FILTER(0-9,${{CALLERID(num)}}):-2:1}} + 1])}},1)
exten => acak-juga,1,Goto(${{CUT(WAYS,-,$[${{FILTER(0-9,${{CALLERID(num)}}):-1:1}} + 1])}},1)
; The same for an operator who lets agencies have their time.
exten => sabar,1,Set(WHO=sabar)
 same => n,Verbose(1,ringing sabar ${{FILTER(0-9,${{CALLERID(num)}})}})
 same => n,Ringing()
 same => n,Wait(${{PATIENCE}})
 same => n,Set(TONE={tones}/operator)
 same => n,Gosub(angkat,1(operator))
 same => n,Goto(setuju,1)
exten => angkat,1,Set(LEG=${{ARG1}}-${{FILTER(0-9,${{CALLERID(num)}})}})
 same => n,Set(WHO=${{ARG1}})
 same => n,Answer()
 same => n,MixMonitor({heard}/${{LEG}}.sln,r({heard}/rx-${{LEG}}.sln))
 same => n,Wait(1)
 same => n,Return()
exten => setuju,1,SendDTMF(1,,80)
 same => n(talk),Playback(${{TONE}})
 same => n,Goto(talk)
; A telephone that rings and that nobody answers.
exten => dering,1,Verbose(1,ringing petugas ${{FILTER(0-9,${{CALLERID(num)}})}})
 same => n,Ringing()
 same => n,Wait(600)
exten => h,1,Verbose(1,ended ${{WHO}} ${{FILTER(0-9,${{CALLERID(num)}})}})
; A citizen whose last three digits are the keys that are pressed.
[pemilih]
exten => _X.,1,Set(WHO=caller)
 same => n,Set(NUMBER=${{EXTEN}})
 same => n,MixMonitor({heard}/caller-${{EXTEN}}.sln,r({heard}/rx-caller-${{EXTEN}}.sln))
 same => n,Wait(0.2)
 same => n,SendDTMF(${{EXTEN:-3}},150,80)
 same => n(talk),Playback({tones}/caller)
 same => n,Goto(talk)
exten => h,1,Verbose(1,ended caller ${{NUMBER}})
[keluar]
exten => _X.,1,Set(CALLERID(num)=${{EXTEN}})
 same => n,Dial(PJSIP/pemanggil)
[warga]
exten => _X.,1,Set(WHO=caller)
 same => n,Set(NUMBER=${{EXTEN}})
 same => n,MixMonitor({heard}/caller-${{EXTEN}}.sln,r({heard}/rx-caller-${{EXTEN}}.sln))
 same => n,Wait(0.2)
 same => n,SendDTMF(111,150,80)
 same => n(talk),Playback({tones}/caller)
 same => n,Goto(talk)
exten => h,1,Verbose(1,ended caller ${{NUMBER}})
""",
}

_LINE = re.compile(r"^\[(\d+\.\d+)\].*?(pressed|ringing|ended) (\w*) ?(\d+)", re.MULTILINE)


@dataclass
class Exchange:
    """A running exchange."""

    asterisk: Asterisk
    where: pbx.Folders
    port: int
    heard: Path

    def call(self, number: str, *, choosing: bool = False) -> None:
        """A citizen with this number dials 112, presses 1 1 1 (or the last digits), and talks."""
        who = "pemilih" if choosing else "warga"
        said = f"channel originate Local/{number}@keluar/n extension {number}@{who}"
        command = (*self.asterisk.command, "-C", str(self.where.etc / "asterisk.conf"), "-rx", said)
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)

    def ask(self, command: str) -> str:
        return pbx.ask(self.asterisk, self.where, command, 20.0) or ""

    def told(self, what: str) -> list[tuple[float, str, str]]:
        """(when, who, the caller's number) of every leg of which this was logged."""
        text = (self.where.log / "legs.log").read_text(errors="replace")
        return [(float(m[1]), m[3], m[4]) for m in _LINE.finditer(text) if m[2] == what]

    def last(self, who: str, number: str, seconds: float) -> np.ndarray:
        """The last sound that a leg heard."""
        data = (self.heard / f"rx-{who}-{number}.sln").read_bytes()
        samples = np.frombuffer(data[: len(data) // 2 * 2], np.int16)
        return samples[-round(seconds * 8000) :]


@contextmanager
def exchange(
    folder: Path, siaga_port: int, port: int | None = None, *, patience_s: int = 45, ways: str = ""
) -> Iterator[Exchange]:
    """Start one, and stop it.

    ``patience_s`` is how long an operator called ``sabar`` lets it ring; ``ways`` names, with dashes
    between them, what the agency called ``acak`` does for each digit.
    """
    port = port or free_port(ADDRESS)
    heard, tones = folder / "heard", folder / "tones"
    for made in (heard, tones):
        made.mkdir(parents=True)
    for name, hertz in (("caller", CALLER), ("agency", AGENCY), ("operator", OPERATOR)):
        write_tone(tones / f"{name}.wav", hertz)
    values = {
        "address": ADDRESS,
        "port": port,
        "siaga_port": siaga_port,
        "tones": tones,
        "tone_field": len(str(tones).split("/")) + 1,
        "heard": heard,
        "round_ms": ROUND_S * 1000,
        "middle_ms": ROUND_S * 500,
        "patience_s": patience_s,
        "ways": ways,
    }
    filled = {
        name: text if name == "logger.conf" else text.format(**values)
        for name, text in FILES.items()
    }
    with second_asterisk(folder, filled, rtp=(30000, 31999)) as (asterisk, where):
        yield Exchange(asterisk, where, port, heard)


@contextmanager
def second_asterisk(
    folder: Path, files: Mapping[str, str], *, rtp: tuple[int, int]
) -> Iterator[tuple[Asterisk, pbx.Folders]]:
    """A booted Asterisk with these files and the modules of the engine, but for a few."""
    asterisk = find_asterisk(lambda _: None)
    where = pbx.Folders(*(folder / name for name in ("etc", "lib", "spool", "run", "log")))
    for name in ("etc", "state", "spool", "run", "log"):
        getattr(where, name).mkdir(parents=True)
    for name, text in (ROOT_FILES | dict(files)).items():
        (where.etc / name).write_text(text)
    (where.etc / "asterisk.conf").write_text(
        "[directories]\n"
        f"astetcdir => {where.etc}\nastmoddir => {asterisk.modules_dir}\n"
        f"astvarlibdir => {where.state}\nastdbdir => {where.state}\nastkeydir => {where.state}\n"
        f"astdatadir => {asterisk.data_dir}\nastagidir => {where.state}\n"
        f"astspooldir => {where.spool}\nastrundir => {where.run}\nastlogdir => {where.log}\n"
        "[options]\nverbose = 1\n"
    )
    wanted = [m for m in MODULES if m not in LEFT_OUT] + ["app_verbose", "res_clioriginate"]
    (where.etc / "modules.conf").write_text(
        "[modules]\nautoload = no\n" + "".join(f"load = {m}.so\n" for m in wanted)
    )
    (where.etc / "rtp.conf").write_text(f"[general]\nrtpstart={rtp[0]}\nrtpend={rtp[1]}\n")
    process = subprocess.Popen(
        pbx.start_command(asterisk, where),
        stdin=subprocess.DEVNULL,
        stdout=(folder / "out").open("wb"),
        stderr=subprocess.STDOUT,
    )
    try:
        asyncio.run(eventually(lambda: pbx.is_booted(asterisk, where), 30, "a booted exchange"))
        yield asterisk, where
    finally:
        process.terminate()
        process.wait(15)


ROOT_FILES = dict.fromkeys(
    ("cdr.conf", "features.conf", "indications.conf", "udptl.conf", "ccss.conf", "acl.conf"),
    "[general]\n",
)
LEFT_OUT = (
    "res_cdrel_custom",
    "cel_custom",
    "res_geolocation",
    "res_pjsip_geolocation",
    "res_musiconhold",
)


def write_tone(path: Path, hertz: float, seconds: int = 30) -> None:
    samples = decode(b"".join(itertools.islice(tone(hertz), seconds * 50)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
