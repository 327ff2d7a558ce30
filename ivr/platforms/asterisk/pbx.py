"""Asterisk's configuration from our templates, and one running Asterisk.

Everything Asterisk reads is written anew at each start under ``$SIAGA_HOME/asterisk``; nothing is
edited there by hand. What depends on the deployment is written again when a version is published, see
``reload.py``. Rendering is strict: a name that a template asks for and nobody gives is an error at
start, not an empty string in a dial plan.
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
from dataclasses import dataclass
from pathlib import Path

from ivr.calls.published import Published
from ivr.config import PROJECT, Config
from ivr.platforms.asterisk import extensions
from ivr.platforms.asterisk.programs import MODULES, Asterisk
from ivr.platforms.asterisk.reachability import Standing, judge
from ivr.platforms.asterisk.snapshot import snapshot
from routing.model import Directory

BIND_ADDRESS = "127.0.0.1"
OF_THE_DEPLOYMENT = frozenset(
    {extensions.CALL_TEMPLATE, "extensions.conf.j2", "musiconhold.conf.j2", "pjsip.conf.j2"}
)
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
RESCUES_KEPT_S = 86_400.0
LONGEST_SOCKET_PATH = 100  # sun_path holds 108 bytes, and Asterisk adds its file name


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
    published: Published,
    *,
    log_levels: str = "notice,warning,error",
) -> Folders:
    """Write Asterisk's whole configuration, for an Asterisk that is not running yet."""
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
    for old in (*where.etc.glob("call-*.conf"), *where.state.glob("rescue-*.json")):
        old.unlink()
    shutil.rmtree(where.state / "hold", ignore_errors=True)
    values: dict[str, object] = {
        "etc_dir": where.etc,
        "state_dir": where.state,
        "spool_dir": where.spool,
        "run_dir": where.run,
        "log_dir": where.log,
        "modules_dir": asterisk.modules_dir,
        "data_dir": asterisk.data_dir,
        "modules": MODULES,
        "log_levels": log_levels,
        "rtp_start": config.rtp_start,
        "rtp_end": config.rtp_end,
        "bind_address": BIND_ADDRESS,
        "ami_port": config.ami_port,
        "ami_secret": ami_secret(config),
        "ami_events": AMI_EVENTS,
        "ear_port": config.ear_port,
    }
    for template in sorted(extensions.TEMPLATES.glob("*.j2")):
        if template.name not in OF_THE_DEPLOYMENT:
            write(where.etc / template.stem, extensions.rendered(template.name, values))
    _write_rescue_script(where)
    write_rescue(where, published)
    hold_class = hold(where, published)
    write(where.etc / "musiconhold.conf", extensions.hold_music(hold_classes(where)))
    write(where.etc / "pjsip.conf", extensions.peers(config, published, BIND_ADDRESS))
    name, text = extensions.call_text(config, published, hold_class)
    write(where.etc / f"call-{name}.conf", text)
    now = extensions.begun_with(published, name)
    write(where.etc / "extensions.conf", extensions.way_in([name], now))
    return where


def write(file: Path, text: str) -> bool:
    """Put a text in its place, whole or not at all. False where it stood there already."""
    if file.exists() and file.read_text() == text:
        return False
    part = file.with_name(f".{file.name}.part")
    part.touch(mode=0o600)
    part.write_text(text)
    part.replace(file)
    return True


def write_rescue(where: Folders, published: Published) -> None:
    """All that ``rescue.agi`` knows about a call of this version."""
    file = _rescue_file(where, published.version)
    if not file.exists():
        known = snapshot(published.dialplan, published.directory, published.audio)
        write(file, json.dumps(known))


def forget_rescues(where: Folders, begun_until_now: str, begin_now: str) -> None:
    """Drop what no call can be in any more: calls began with the one version until now, with the
    other from now on. How old a file is tells how long ago calls last began with its version."""
    for version in (begun_until_now, begin_now):
        _rescue_file(where, version).touch()
    for file in where.state.glob("rescue-*.json"):
        if time.time() - file.stat().st_mtime > RESCUES_KEPT_S:
            file.unlink()


def _rescue_file(where: Folders, version: str) -> Path:
    return where.state / f"rescue-{version}.json"


def _write_rescue_script(where: Folders) -> None:
    """The script that Asterisk starts, with a version, for a call whose controller is gone."""
    script = where.state / "agi-bin" / "rescue.agi"
    script.parent.mkdir(exist_ok=True, mode=0o700)
    command = (sys.executable, "-m", "ivr.platforms.asterisk.rescue")
    script.write_text(
        f"#!/bin/sh\nPYTHONPATH={shlex.quote(str(PROJECT))} exec {shlex.join(command)} "
        f'{shlex.quote(str(where.state))}/rescue-"$1".json\n'
    )
    script.chmod(0o700)


def hold(where: Folders, published: Published) -> str:
    """The class of music on hold that plays this version's loop; its folder is made if need be."""
    source = Path(f"{published.phrase_path('hold')}.wav")
    data = source.read_bytes() if source.exists() else b""
    name = f"siaga-{hashlib.sha256(data).hexdigest()[:8]}"
    folder = where.state / "hold" / name
    if not folder.is_dir():
        part = folder.with_name(f".{name}")
        part.mkdir(parents=True, exist_ok=True)
        if data:
            (part / "hold.wav").write_bytes(data)
        part.rename(folder)
    return name


def hold_classes(where: Folders) -> dict[str, Path]:
    """Every class of music on hold, by its name."""
    return {folder.name: folder for folder in sorted((where.state / "hold").glob("siaga-*"))}


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
    return judge(contacts, variables, extensions.rung_operators(directory), directory, time.time())
