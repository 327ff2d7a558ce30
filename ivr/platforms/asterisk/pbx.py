"""Asterisk's configuration from our templates, and one running Asterisk.

Everything Asterisk reads is written anew at each start under ``$SIAGA_HOME/asterisk``; nothing is
edited there by hand. Rendering is strict: a name that a template asks for and nobody gives is an
error at start, not an empty string in a dial plan.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from ivr.config import PROJECT, Config
from ivr.flow.model import Dialplan
from ivr.platforms.asterisk.perform import FindAudio
from ivr.platforms.asterisk.programs import MODULES, Asterisk
from ivr.platforms.asterisk.reachability import Standing, aor_of_trunk, judge
from ivr.platforms.asterisk.snapshot import snapshot
from ivr.platforms.asterisk.targets import PLAYED_OPERATOR, dial_string
from ivr.platforms.asterisk.trunk_passwords import password, without_password
from routing.directory import is_placeholder, is_unset
from routing.model import Contact, Directory, Operator

BIND_ADDRESS = "127.0.0.1"
TEMPLATES = PROJECT / "asterisk"
NUMBERS = ("112", "+62112", "62112")
REPORT_RING_S = 40
BETWEEN_ROUNDS_S = 2
LONGEST_PAUSE_S = 10
FIRST_BOUND_S = 15
"""The controller's first words come within this, or the caller goes to the floor."""

LEG_BOUND_S = 200
"""An agency's leg rings, is briefed and accepts within this."""

RESCUE_BOUND_S = 40
MOST_RESCUES = 8
"""Processes of rescue.agi at once: a bare Python start takes a tenth of a second of a core."""

CALLER_ARGUMENTS = ",".join(
    (
        r"${FILTER(a-zA-Z0-9@._\x2d,${CHANNEL(pjsip,call-id)})}",
        "${CHANNEL(endpoint)}",
        "${IF(${LEN(${PJSIP_HEADER(read,Geolocation)})}?1:0)}",
    )
)
"""What the controller is told of a call: its SIP Call-ID, its trunk, whether a location came."""

AMI_EVENTS = (
    "FullyBooted",
    "DialState",
    "DialBegin",
    "DialEnd",
    "BridgeEnter",
    "BridgeLeave",
    "Hangup",
    "DTMFEnd",
    "UserEvent",
    "ChannelTalkingStart",
    "ChannelTalkingStop",
)
LONGEST_SOCKET_PATH = 100  # sun_path holds 108 bytes, and Asterisk adds its file name
OUTCOMES = {"1": "selesai", "2": "dikirim", "3": "palsu", "4": "salah-sambung"}
"""What a responder presses after a talk, as ``outcome_menu`` says it."""

SOUNDS = (
    "already_taken",
    "busy_operator",
    "caller_gone",
    "more_reports",
    "operator_called",
    "operator_whisper",
    "outcome_menu",
    "please_wait",
    "report_accept",
    "report_taken",
    "role_operator",
    "second_report",
)
"""The shared phrases that extensions play by themselves, without a controller."""


@dataclass(frozen=True, slots=True)
class Folders:
    """Where one Asterisk keeps its things."""

    etc: Path
    state: Path
    spool: Path
    run: Path
    log: Path


def folders(config: Config) -> Folders:
    """The folders of this home. A home too deep for a Unix socket gets its run folder in /tmp."""
    base = config.home / "asterisk"
    run = base / "run"
    if len(str(run)) > LONGEST_SOCKET_PATH - len("/asterisk.ctl"):
        digest = hashlib.sha256(str(base).encode()).hexdigest()[:12]
        run = Path(tempfile.gettempdir()) / f"siaga-{os.getuid()}-{digest}"
    return Folders(base / "etc", base / "lib", base / "spool", run, config.log_dir / "asterisk")


def render(
    config: Config,
    asterisk: Asterisk,
    dialplan: Dialplan,
    directory: Directory,
    *,
    sound: Callable[[str], str],
    audio: FindAudio,
    log_levels: str = "notice,warning,error",
) -> Folders:
    """Write Asterisk's whole configuration. ``sound`` gives a shared phrase's path, without suffix;
    ``audio`` the file of any sentence."""
    where = folders(config)
    for folder in (
        where.etc,
        where.state,
        where.spool,
        where.run,
        where.log,
        config.recordings_dir,
    ):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (where.log / "cel-custom").mkdir(exist_ok=True)
    operators = rung_operators(directory)
    values: dict[str, object] = {
        "etc_dir": where.etc,
        "state_dir": where.state,
        "spool_dir": where.spool,
        "run_dir": where.run,
        "log_dir": where.log,
        "modules_dir": asterisk.modules_dir,
        "data_dir": asterisk.data_dir,
        "recordings_dir": config.recordings_dir,
        "hold_dir": _hold_folder(where, sound("hold")),
        "modules": MODULES,
        "log_levels": log_levels,
        "rtp_start": config.rtp_start,
        "rtp_end": config.rtp_end,
        "bind_address": BIND_ADDRESS,
        "sip_port": config.sip_port,
        "agi_port": config.agi_port,
        "ami_port": config.ami_port,
        "ami_secret": ami_secret(config),
        "ami_events": AMI_EVENTS,
        "numbers": NUMBERS,
        "drop_s": int(dialplan.defaults.drop_s),
        "human_by_s": int(dialplan.human_by_s),
        "domain": dialplan.domain,
        "outcomes": OUTCOMES,
        "leg_bound_s": LEG_BOUND_S,
        "first_bound_s": FIRST_BOUND_S,
        "rescue_bound_s": RESCUE_BOUND_S,
        "most_rescues": MOST_RESCUES,
        "pause_s": BETWEEN_ROUNDS_S,
        "longest_pause_s": LONGEST_PAUSE_S,
        "caller_arguments": CALLER_ARGUMENTS,
        "carriers": directory.carriers,
        "trunks": _usable_trunks(config, directory),
        # A way to a person is watched closely: its loss is told within ten seconds.
        "watched": {c.via for o in operators for c in _real_contacts(o, directory)},
        "operators": [_operator(operator, directory) for operator in operators],
        "legs": _legs(dialplan.operators, operators),
        "report_legs": "&".join(f"Local/petugas-{o.id}@siaga-lapor/n" for o in operators),
        "report_ring_s": REPORT_RING_S,
        "sounds": {key: sound(key) for key in SOUNDS},
    }
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 (configuration text; every value is one of ours, checked)
    )
    for template in sorted(TEMPLATES.glob("*.j2")):
        target = where.etc / template.stem
        target.touch(mode=0o600)
        target.write_text(environment.get_template(template.name).render(values))
    _write_rescue(where, snapshot(dialplan, directory, audio))
    return where


def _usable_trunks(config: Config, directory: Directory) -> list[Mapping[str, object]]:
    """The trunks that Asterisk may know: those with an address, and a password where one is needed."""
    missing = without_password(config, directory.trunks)
    return [
        {
            "name": trunk.name,
            "host": trunk.host,
            "domain": trunk.host.partition(":")[0],
            "register": trunk.register,
            "login": trunk.login,
            "location": trunk.location,
            "aor": aor_of_trunk(trunk),
            "password": _in_configuration(password(config, trunk.name))
            if trunk.register != "no"
            else "",
        }
        for trunk in directory.trunks.values()
        if not is_unset(trunk) and trunk.name not in missing
    ]


def _in_configuration(text: str) -> str:
    """A value as Asterisk's files want it: a semicolon would begin a comment."""
    return text.replace(";", r"\;")


def _write_rescue(where: Folders, known: Mapping[str, object]) -> None:
    """The script that Asterisk starts for a call whose controller is gone, and all it knows."""
    file = where.state / "rescue.json"
    file.write_text(json.dumps(known))
    script = where.state / "agi-bin" / "rescue.agi"
    script.parent.mkdir(exist_ok=True, mode=0o700)
    command = (sys.executable, "-m", "ivr.platforms.asterisk.rescue", str(file))
    script.write_text(
        f"#!/bin/sh\nPYTHONPATH={shlex.quote(str(PROJECT))} exec {shlex.join(command)}\n"
    )
    script.chmod(0o700)


def rung_operators(directory: Directory) -> tuple[Operator, ...]:
    """The answering points to ring: those a person can answer; where there is none, the first is played.

    A played operator beside a real one would always be faster than a hand, and take every call.
    """
    real = tuple(o for o in directory.operators if _real_contacts(o, directory))
    return real or directory.operators[:1]


def _real_contacts(operator: Operator, directory: Directory) -> list[Contact]:
    return [c for c in operator.contacts if not is_placeholder(c, directory.trunks)]


def _legs(strategy: str, operators: Sequence[Operator]) -> list[Mapping[str, object]]:
    """The channels that ring operators beside a dialogue: one each, or one that walks a list.

    ``order`` is what Asterisk evaluates before each round: operator ids with commas between them.
    """
    names = [operator.id for operator in operators]
    if strategy == "all":
        return [{"number": number, "order": name} for number, name in enumerate(names, 1)]
    if strategy == "longest-idle":  # ascending by the moment of the last talk's end
        since = ",".join(f"{name}:0${{GLOBAL(SIAGA_BEBAS_{name})}}" for name in names)
        return [{"number": 1, "order": f"${{SORT({since})}}"}]
    return [{"number": 1, "order": ",".join(names)}]


def _operator(operator: Operator, directory: Directory) -> Mapping[str, object]:
    real = _real_contacts(operator, directory)
    ways = directory.trunks if real else {}
    contacts = [
        {
            "via": contact.via,
            "trunk": contact.via if contact.via in ways else "",
            "pilot": ways[contact.via].pilot if contact.via in ways else None,
            "accept": contact.accept,
            "ring": int(contact.ring_s),
            "dial": dial_string(contact.via, contact.number) if real else PLAYED_OPERATOR,
        }
        for contact in (real or operator.contacts[:1])
    ]
    uri = next((c.number for c in real if c.number.startswith("sip:")), None)
    return {"id": operator.id, "contacts": contacts, "uri": uri}


def _hold_folder(where: Folders, sound: str) -> Path:
    """Music on hold plays a folder; ours holds the one loop."""
    folder = where.state / "hold"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    source = Path(f"{sound}.wav")
    if source.exists():
        shutil.copyfile(source, folder / "hold.wav")
    return folder


def ami_secret(config: Config) -> str:
    """The manager's password."""
    return secret(config, "ami")


def secret(config: Config, name: str) -> str:
    """A password made once for this home, readable by its owner alone."""
    path = config.home / "secrets" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(24))
    return path.read_text().strip()


def start_command(asterisk: Asterisk, where: Folders) -> tuple[str, ...]:
    """Run in the foreground, without colour; the supervisor owns the process."""
    return (*asterisk.command, "-C", str(where.etc / "asterisk.conf"), "-f", "-n")


def ask(asterisk: Asterisk, where: Folders, command: str, seconds: float = 5.0) -> str | None:
    """Asterisk's answer to one console command, or None where it does not answer."""
    try:
        done = subprocess.run(
            (*asterisk.command, "-C", str(where.etc / "asterisk.conf"), "-rx", command),
            capture_output=True,
            text=True,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def is_booted(asterisk: Asterisk, where: Folders) -> bool:
    """True once every module is loaded and calls are taken."""
    said = ask(asterisk, where, "core waitfullybooted", seconds=10.0)
    return said is not None and "fully booted" in said


def standings(asterisk: Asterisk, where: Folders, directory: Directory) -> tuple[Standing, ...]:
    """How every answering point stands now."""
    contacts = ask(asterisk, where, "pjsip show contacts")
    variables = ask(asterisk, where, "dialplan show globals")
    return judge(contacts, variables, rung_operators(directory), directory, time.time())
