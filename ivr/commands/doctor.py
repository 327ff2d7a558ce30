"""``doctor``: is this machine ready, and how big has the project become."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import sqlite3
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ivr.calls.published import DeploymentFaulty, load
from ivr.commands import prompts
from ivr.commands.up import (
    LEAST_FREE_BYTES,
    CannotStart,
    check_ports,
    speech_port_taken,
    web_port_taken,
)
from ivr.config import PROJECT, Config
from ivr.deployment import DeploymentMissing
from ivr.platforms.asterisk.programs import ProgramMissing, find_asterisk
from ivr.status import read as read_status

EARLIEST_CLOCK = 1_760_918_400  # 20 October 2025, the day the number went live: no clock is earlier


class Row(NamedTuple):
    """One thing looked at."""

    name: str
    good: bool
    said: str


def examine(config: Config) -> list[Row]:
    """Look at everything a first start needs; nothing is started or changed."""
    rows = [Row("python", sys.version_info >= (3, 11), platform.python_version())]
    try:
        asterisk = find_asterisk(lambda _: None)
        rows.append(Row("asterisk", True, f"{asterisk.version} ({asterisk.origin})"))
    except ProgramMissing as error:
        rows.append(Row("asterisk", False, str(error)))
    rows.append(_ports(config))
    rows.append(_deployment(config))
    free = shutil.disk_usage(_existing(config.home)).free
    rows.append(Row("cakram", free > LEAST_FREE_BYTES, f"{free // 1024**2} MB kosong"))
    rows.append(Row("sqlite", sqlite3.sqlite_version_info >= (3, 35), sqlite3.sqlite_version))
    rows.append(Row("jam", time.time() > EARLIEST_CLOCK, time.strftime("%d-%m-%Y %H:%M:%S %Z")))
    return rows


def _ports(config: Config) -> Row:
    if read_status(config) is not None:
        return Row("porta", True, "mesin sedang berjalan")
    try:
        check_ports(config)
    except CannotStart as error:
        return Row("porta", False, str(error))
    if taken := web_port_taken(config) or speech_port_taken(config):
        return Row("porta", False, taken)
    ports = (config.sip_port, config.agi_port, config.ami_port, config.web_port)
    return Row("porta", True, f"{', '.join(map(str, ports))} bebas")


def _deployment(config: Config) -> Row:
    try:
        published = load(config)
    except (DeploymentMissing, DeploymentFaulty) as error:
        return Row("daerah", False, f"{error}; lihat ./siaga check")
    missing = prompts.unspoken(config, published)
    said = published.dialplan.name
    if missing:
        return Row("daerah", False, f"{said}: {len(missing)} kalimat belum bersuara")
    return Row("daerah", True, f"{said}, semua kalimat bersuara")


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


def budget() -> list[Row]:
    """Runtime dependencies, installed megabytes, commands, lines of code that are not tests."""
    from ivr import cli  # noqa: PLC0415 (cli imports this file)

    wanted = [
        line.split(";")[0]
        for line in importlib.metadata.requires("siaga112") or []
        if "extra ==" not in line
    ]
    site = Path(sys.prefix) / "lib"
    size = sum(f.stat().st_size for f in site.rglob("*") if f.is_file()) // 1024**2
    sources = [f for top in ("ivr", "routing") for f in (PROJECT / top).rglob("*.py")]
    lines = sum(len(f.read_text().splitlines()) for f in sources)
    commands = len(cli.app.registered_commands) + len(cli.app.registered_groups)
    return [
        Row("runtime dependencies", True, str(len(wanted))),
        Row("installed megabytes", True, str(size)),
        Row("commands", True, str(commands)),
        Row("non-test lines", True, str(lines)),
    ]


def describe(rows: Sequence[Row]) -> str:
    """The same for a person."""
    return "\n".join(
        f"{'baik ' if row.good else 'BURUK'}  {row.name:<22}{row.said}" for row in rows
    )
