"""A second real Asterisk, as what stands at the far end of a trunk: provider, PBX, GSM gateway.

One process plays all of them on one address. A customer whose From is the account's name has to register
and to know the password of each INVITE; anybody else from the engine's address is a peer known by that
address. As a gateway it registers with the engine. Every call that comes is noted with the headers it
came with, and goes on to one telephone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from exchange import second_asterisk, write_tone

from ivr.platforms.asterisk import pbx
from ivr.platforms.asterisk.programs import Asterisk
from ivr.softphone.sipp import free_port

ADDRESS = "127.0.0.7"
TELEPHONE = "127.0.0.8"
ACCOUNT = "0766112000"
"""The engine's account with the provider; the gateway's with the engine is the engine's to say."""

SIM_HERTZ = 440.0
"""What the mobile network plays to a caller before anybody answers."""

PASSWORD = 'kunci;"masuk\\1'
"""With everything in it that a configuration file could take for something else."""

FILES = {
    "logger.conf": "[general]\n[logfiles]\ncalls.log = verbose(1)\n",
    "pjsip.conf": """
[global]
type = global
endpoint_identifier_order = username,ip
[udp]
type = transport
protocol = udp
bind = {address}:{port}
[line](!)
type = endpoint
disallow = all
allow = alaw,ulaw
dtmf_mode = rfc4733
direct_media = no
trust_id_inbound = yes
[{account}](line)
context = pelanggan
identify_by = username
auth = {account}
aors = {account}
[{account}]
type = auth
auth_type = userpass
username = {account}
password = {password}
[{account}]
type = aor
max_contacts = 1
remove_existing = yes
[lawan](line)
context = lawan
identify_by = ip
[lawan]
type = identify
endpoint = lawan
match = 127.0.0.1
[telepon](line)
context = lawan
identify_by = ip
""",
    "gateway": """
[gsm]
type = auth
auth_type = userpass
username = {login}
password = {password}
[gsm]
type = registration
server_uri = sip:127.0.0.1:{siaga_port}
client_uri = sip:{login}@127.0.0.1:{siaga_port}
contact_user = {login}
outbound_auth = gsm
max_random_initial_delay = 1
retry_interval = 1
auth_rejection_permanent = no
max_retries = 1000
""",
    "extensions.conf": """
[general]
autofallthrough = no
[catat]
exten => s,1,Set(FROM=${{PJSIP_HEADER(read,From)}})
 same => n,Set(PAI=${{PJSIP_HEADER(read,P-Asserted-Identity)}})
 same => n,Verbose(1,call ${{ARG1}} ${{ARG2}} ${{FROM}} # ${{PAI}} # ${{PJSIP_HEADER(read,Geolocation)}})
 same => n,Return()
[pelanggan]
exten => _X.,1,Gosub(catat,s,1(pelanggan,${{EXTEN}}))
 same => n,Dial(PJSIP/telepon/sip:pos@{telephone},60)
[lawan]
; An extension of a PBX, or a number of the public network.
exten => _X.,1,Gosub(catat,s,1(lawan,${{EXTEN}}))
 same => n,Dial(PJSIP/telepon/sip:pos@{telephone},60)
; A number of a mobile network, through a SIM card: sound comes before anybody answers.
exten => _08X.,1,Gosub(catat,s,1(sim,${{EXTEN}}))
 same => n,Progress()
 same => n,Playback({tones}/sim,noanswer)
 same => n,Dial(PJSIP/telepon/sip:pos@{telephone},60)
""",
}

_CALL = re.compile(
    r"call (\w+) (\d+) .*?<sip:([^@>]*)@[^>]*>[^#]*#(?:.*?<sip:([^@>]*)@[^>]*>)?[^#]*#[ ]?(.*)$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Arrived:
    """A call as it came: over which door, to which number, and by whom it said to be."""

    door: str
    number: str
    from_user: str
    asserted: str
    geolocation: str


@dataclass
class Provider:
    """A running provider."""

    asterisk: Asterisk
    where: pbx.Folders
    port: int

    @property
    def host(self) -> str:
        return f"{ADDRESS}:{self.port}"

    def arrived(self) -> list[Arrived]:
        """Every call so far."""
        text = (self.where.log / "calls.log").read_text(errors="replace")
        return [Arrived(*(part or "" for part in m.groups())) for m in _CALL.finditer(text)]

    def ask(self, command: str) -> str:
        return pbx.ask(self.asterisk, self.where, command, 20.0) or ""


@contextmanager
def provider(
    folder: Path, telephone: str, *, port: int | None = None, gateway: tuple[int, str] | None = None
) -> Iterator[Provider]:
    """Start one, and stop it. ``gateway`` is the engine's SIP port and the login to register there."""
    port = port or free_port(ADDRESS)
    tones = folder / "tones"
    tones.mkdir(parents=True)
    write_tone(tones / "sim.wav", SIM_HERTZ, seconds=3)
    siaga_port, login = gateway or (0, "")
    values = {
        "address": ADDRESS,
        "port": port,
        "telephone": telephone,
        "account": ACCOUNT,
        "password": PASSWORD.replace(";", "\\;"),
        "siaga_port": siaga_port,
        "login": login,
        "tones": tones,
    }
    files = {
        "logger.conf": FILES["logger.conf"],
        "pjsip.conf": (FILES["pjsip.conf"] + (FILES["gateway"] if gateway else "")).format(
            **values
        ),
        "extensions.conf": FILES["extensions.conf"].format(**values),
    }
    with second_asterisk(folder, files, rtp=(38000, 38999)) as (asterisk, where):
        yield Provider(asterisk, where, port)
