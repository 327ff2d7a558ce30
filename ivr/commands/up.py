"""``up`` and ``status``: make ready what is missing, start all, and say how it stands."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from ivr import supervisor, versions
from ivr.calls.published import (
    DeploymentFaulty,
    Published,
    load_current,
    load_version,
)
from ivr.commands.publish import publish, publish_texts
from ivr.config import Config, who
from ivr.deployment import Texts
from ivr.in_use import standing
from ivr.platforms.asterisk import pbx
from ivr.platforms.asterisk.programs import Asterisk, ProgramMissing, find_asterisk
from ivr.platforms.asterisk.reachability import Standing as OperatorStanding
from ivr.platforms.asterisk.trunk_passwords import without_password
from ivr.speech import weights
from ivr.speech.recogniser import CannotListen
from ivr.speech.standing import Standing
from ivr.status import read as read_status
from ivr.store.tables import migrate
from ivr.versions import VersionGone

SPEECH_KNOWN_S = 10.0
"""Whoever starts the machine waits no longer to hear whether it understands speech."""

LEAST_FREE_BYTES = 100 * 1024 * 1024


class CannotStart(Exception):
    """Something on this machine is in the way; the text says what, and what to do."""


def up(
    config: Config, *, detach: bool, without_controller: bool, tell: Callable[[str], None]
) -> None:
    """Prepare, start, and (unless detached) stay until interrupted."""
    _make_home(config)
    _refuse_a_second(config)
    check_ports(config)
    if taken := web_port_taken(config):
        tell(
            f"PERINGATAN: {taken} Panggilan tetap diterima; lokasi yang dikirim dari luar panggilan "
            "tidak, sampai porta itu bebas."
        )
    if taken := speech_port_taken(config):
        tell(f"PERINGATAN: {taken} Panggilan tetap diterima, dengan tombol saja.")
    wanted = weights_wanted(config, tell)
    asterisk = find_asterisk(tell)
    done = standing(config)  # whatever is saved from here on is a save for the supervisor
    published, unpublished = to_start_with(config, tell)
    _prepare_store(config, tell)
    for sentence in without_password(config, published.directory.trunks).values():
        tell(f"PERINGATAN: {sentence} Sampai itu beres dan mesin dinyalakan ulang, trunk ini diam.")
    where = pbx.render(config, asterisk, published)

    def publish_save(texts: Texts) -> None:
        publish_texts(config, texts, who=who(), why="disimpan", kind="saved", tell=_silent)

    def start(tell_ready: Callable[[], None], tell_speech: Callable[[str], None]) -> None:
        with supervisor.only_one(config):
            supervisor.run(
                config,
                asterisk,
                where,
                published,
                unpublished=unpublished,
                done=done,
                publish=publish_save,
                without_controller=without_controller,
                tell_ready=tell_ready,
                tell_speech=tell_speech,
            )

    ready = (
        f"ready\n{config.dial} (daerah {published.dialplan.name}, mode {published.dialplan.mode})"
    )

    def say_ready() -> None:
        print(ready, flush=True)

    def say_speech(why: str) -> None:
        if why and config.speech.on and not wanted:
            tell(f"PERINGATAN: {why} Panggilan tetap diterima, dengan tombol saja.")

    if detach:
        _detached(config, start, say_ready, say_speech)
        if wanted:
            fetch_weights(config, tell)
        return

    def ready_and_fetching() -> None:
        say_ready()
        if wanted:
            threading.Thread(target=fetch_weights, args=(config, tell), daemon=True).start()

    start(ready_and_fetching, say_speech)


def weights_wanted(config: Config, tell: Callable[[str], None]) -> bool:
    """Whether the shipped recogniser's model is to be fetched: calls are taken first."""
    if not config.speech.on or config.speech.whisper_model is not None:
        return False
    try:
        return not weights.is_here(config.speech.cache, tell)
    except CannotListen as error:
        tell(f"PERINGATAN: {error} Panggilan tetap diterima, dengan tombol saja.")
        return False


def fetch_weights(config: Config, tell: Callable[[str], None]) -> None:
    """Have what the shipped recogniser needs, while calls are taken already, and let it begin with that."""
    try:
        weights.fetch(config.speech.cache, tell)
    except CannotListen as error:
        tell(f"PERINGATAN: {error} Panggilan tetap diterima, dengan tombol saja.")
    else:
        supervisor.look_again(config)


def last_folder(config: Config, tell: Callable[[str], None]) -> Path | None:
    """The folder that was put to use last, for a start that names none; None for the usual one."""
    last = versions.current(config.published_dir)
    if last is None or last.folder == str(config.deployment):
        return None
    folder = Path(last.folder)
    if not folder.is_dir():
        tell(
            f"PERINGATAN: folder yang terakhir diterbitkan, {folder}, tidak ada lagi. Mesin mulai dengan "
            f"{config.deployment}."
        )
        return None
    tell(f"Mesin mulai dengan folder yang terakhir diterbitkan, {folder}. Yang lain: --deployment.")
    return folder


def to_start_with(
    config: Config, tell: Callable[[str], None]
) -> tuple[Published, tuple[str, ...] | None]:
    """The version to start with, and what stands against the folder if that is not what it holds.

    In practice mode the folder as it is now is published, if it can be; else, whatever the reason, the
    last good version of it starts, loudly. In production the last good version starts. A folder of which
    nothing good was published last is published first; raises what publishing it raises.
    """
    good = _last_good(config, tell)
    if good is not None and good.dialplan.mode == "operasional":
        _use_again(config, good)
        return good, None
    try:
        publish(config, who=who(), why="./siaga up", kind="saved", tell=tell)
    except Exception as error:  # a fault, a voice, the disk: a caller needs an engine all the same
        if good is None:
            raise
        _use_again(config, good)
        said = str(error) or type(error).__name__
        faults = error.places if isinstance(error, DeploymentFaulty) else (said,)
        for fault in faults:
            tell(fault)
        tell(
            f"PERINGATAN: {config.deployment} tidak dapat dipakai seperti sekarang. Mesin mulai dengan "
            f"versi baik yang terakhir, {good.version}. Perbaiki, lalu simpan."
        )
        return good, faults
    return load_current(config), None


def _last_good(config: Config, tell: Callable[[str], None]) -> Published | None:
    """The newest version that can still be used, if this folder was published last."""
    past = versions.history(config.published_dir)
    if not past or past[0].folder != str(config.deployment):
        return None
    usable = {past[0].version, *versions.known(config.published_dir)}
    for version in dict.fromkeys(a.version for a in past if a.folder == past[0].folder):
        if version not in usable:
            continue  # long gone, as it should be
        try:
            return load_version(config, version)
        except (VersionGone, DeploymentFaulty) as error:
            why = error if isinstance(error, VersionGone) else "program ini tidak menerimanya lagi"
            tell(f"PERINGATAN: versi {version} tidak dapat dipakai: {why}.")
    return None


def _use_again(config: Config, good: Published) -> None:
    """Make a version the current one, unless it is: that is what the controller will read."""
    last = versions.current(config.published_dir)
    if last is not None and last.version != good.version:
        versions.activate(
            config.published_dir,
            good.version,
            kind="rollback",
            who=who(),
            why=f"./siaga up: versi {last.version} tidak dapat dipakai",
            folder=str(config.deployment),
        )


def _silent(sentence: str) -> None:
    """Nobody listens to a supervisor; what matters is in its log."""


def _make_home(config: Config) -> None:
    try:
        config.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise CannotStart(f"Folder {config.home} tidak dapat dibuat: {error.strerror}.") from error
    free = shutil.disk_usage(config.home).free
    if free < LEAST_FREE_BYTES:
        raise CannotStart(
            f"Cakram tempat {config.home} penuh: sisa {free // 1024 // 1024} MB, perlu sedikitnya "
            f"{LEAST_FREE_BYTES // 1024 // 1024} MB untuk catatan dan rekaman. Kosongkan dulu."
        )


def _prepare_store(config: Config, tell: Callable[[str], None]) -> None:
    """Make the tables. A database that is away is no reason to leave 112 unanswered."""
    try:
        migrate(config.database_url)
    except (SQLAlchemyError, ImportError) as error:
        said = str(getattr(error, "orig", None) or error).splitlines()[0]
        tell(
            f"PERINGATAN: basis data tidak dapat dipakai ({said}). Panggilan tetap diterima dan "
            f"dicatat di {config.journal_dir}; periksa SIAGA_DATABASE_URL."
        )


def _refuse_a_second(config: Config) -> None:
    try:
        with supervisor.only_one(config):
            supervisor.stop_all(config)  # what a killed supervisor left behind
    except BlockingIOError:
        raise CannotStart(
            f"Mesin di {config.home} sudah berjalan. Lihat ./siaga status, atau ./siaga down dulu."
        ) from None


def check_ports(config: Config) -> None:
    """Raises CannotStart where a port that calls need is taken."""
    wanted = (
        (socket.SOCK_DGRAM, config.sip_port, "SIAGA_SIP_PORT"),
        (socket.SOCK_STREAM, config.sip_port, "SIAGA_SIP_PORT"),
        (socket.SOCK_STREAM, config.agi_port, "SIAGA_AGI_PORT"),
        (socket.SOCK_STREAM, config.ami_port, "SIAGA_AMI_PORT"),
    )
    for kind, port, name in wanted:
        if taken := _taken(kind, port, name):
            raise CannotStart(taken)


def web_port_taken(config: Config) -> str | None:
    """The sentence where the web process cannot have its port. No call needs it."""
    return _taken(socket.SOCK_STREAM, config.web_port, "SIAGA_WEB_PORT")


def speech_port_taken(config: Config) -> str | None:
    """The sentence where callers cannot be listened to for want of a port. No call needs it."""
    ports = ((config.aeap_port, "SIAGA_AEAP_PORT"), (config.ear_port, "SIAGA_EAR_PORT"))
    if not config.speech.on:
        return None
    found = (_taken(socket.SOCK_STREAM, port, name) for port, name in ports)
    return next((sentence for sentence in found if sentence), None)


def _taken(kind: socket.SocketKind, port: int, name: str) -> str | None:
    """The sentence, with the setting that helps, where a port cannot be had."""
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            word = "UDP" if kind is socket.SOCK_DGRAM else "TCP"
            return (
                f"Porta {port}/{word} tidak dapat dipakai ({error.strerror}). Hentikan program yang "
                f"memakainya, atau pilih porta lain dengan {name}=…"
            )
    return None


def _detached(
    config: Config,
    start: Callable[[Callable[[], None], Callable[[str], None]], None],
    say_ready: Callable[[], None],
    say_speech: Callable[[str], None],
) -> None:
    """Run the supervisor in a process of its own; come back when it is ready or has failed.

    Ready is said at once; whether speech works is waited for a little longer.
    """
    config.log_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        os.setsid()
        status = 1
        try:
            _redirect(config.log_dir / "supervisor.out")
            start(lambda: _answer(writer, "ready"), lambda why: _answer(writer, why))
            status = 0
        except Exception as error:
            _answer(writer, str(error) or type(error).__name__)
            raise
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb", buffering=0) as said:
        answer = said.readline().decode().strip()
        if answer != "ready":
            raise CannotStart(
                answer or f"Pengawas berhenti; lihat {config.log_dir / 'supervisor.out'}."
            )
        say_ready()
        if select.select((said,), (), (), SPEECH_KNOWN_S)[0]:
            say_speech(said.readline().decode().strip())


def _answer(writer: int, text: str) -> None:
    """One line for whoever started the machine, if he still waits for it."""
    with contextlib.suppress(BrokenPipeError):
        os.write(writer, f"{' '.join(text.split())}\n".encode())


def _redirect(path: Path) -> None:
    silence = os.open(os.devnull, os.O_RDONLY)
    output = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    sys.stdout.flush()
    sys.stderr.flush()
    for source, target in ((silence, 0), (output, 1), (output, 2)):
        os.dup2(source, target)


def status(config: Config) -> dict[str, Any]:
    """The contract's ``status`` object."""
    said = read_status(config)
    rows = _living(said.get("components") if said else None)
    needed = [row for row in rows if row["name"] not in supervisor.NOT_NEEDED]
    ready = bool(needed) and all(row["state"] == "running" for row in needed)
    standings: tuple[OperatorStanding, ...] = ()
    if said is not None and any(r["name"] == "asterisk" and r["state"] == "running" for r in rows):
        standings = _standings(config, str(said["version"]))
    return {
        "ready": ready,
        "human_reachable": any(standing.reachable for standing in standings),
        "operators": [asdict(standing) for standing in standings],
        "dial": config.dial,
        "version": said["version"] if said else None,
        "unpublished": said["unpublished"] if said else None,
        "components": rows,
        "speech": _speech(said, rows)._asdict(),
    }


def _living(rows: object) -> list[dict[str, Any]]:
    """The rows of the status file, those whose process is gone marked so."""
    found = []
    for row in rows if isinstance(rows, list) else []:
        gone = row["pid"] is None or not supervisor.is_alive(row["pid"])
        found.append(
            {**row, "state": "gone" if gone and row["state"] == "running" else row["state"]}
        )
    return found


def _speech(said: Mapping[str, object] | None, rows: Sequence[Mapping[str, Any]]) -> Standing:
    """As the supervisor last said, unless its process is gone by now."""
    noted = said.get("speech") if said else None
    if not isinstance(noted, dict):
        return Standing("off", "", "Mesin tidak berjalan.")
    now = Standing(**noted)
    if any(row["name"] == supervisor.SPEECH and row["state"] == "gone" for row in rows):
        return now._replace(state="gone", why="Proses suara tidak ada lagi.")
    return now


def _standings(config: Config, version: str) -> tuple[OperatorStanding, ...]:
    """None, and so nobody who can be reached, where that cannot be known."""
    try:
        published = load_version(config, version)
        asterisk: Asterisk = find_asterisk(lambda _: None)
    except (ProgramMissing, VersionGone, DeploymentFaulty):
        return ()
    return pbx.standings(asterisk, pbx.folders(config), published.directory)


def describe(said: Mapping[str, Any]) -> str:
    """The same for a person."""
    if not said["components"]:
        return "Tidak ada yang berjalan. Mulai dengan ./siaga up --detach"
    lines = [
        f"{row['name']:<12}{row['state']:<12}pid {row['pid'] or '-':<8}sejak "
        f"{datetime.fromtimestamp(row['since']):%d-%m-%Y %H:%M:%S}"
        for row in said["components"]
    ]
    human = (
        "Petugas dapat dihubungi sekarang:"
        if said["human_reachable"]
        else "TIDAK ADA petugas yang dapat dihubungi sekarang:"
    )
    people = [f"  {row['operator']}: {row['why']}" for row in said["operators"]]
    version = f"Versi: {said['version']}"
    if said["unpublished"]:
        version += " (versi baik yang terakhir; yang disimpan sesudahnya tidak terbit:)"
    bad = [f"  {fault}" for fault in said["unpublished"] or ()]
    speech = said["speech"]
    lines.append(f"Suara: {speech['why'] or speech['engine']}")
    return "\n".join([*lines, human, *people, f"Telepon: {said['dial']}", version, *bad])
