"""``history`` and ``rollback``: what was put to use, and back to it.

Going back is for the worst moment: nothing is checked that was checked before, and nothing slow is imported.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ivr import status, versions
from ivr.calls.published import load_version
from ivr.changes import NOTHING, Changes, between
from ivr.config import Config
from ivr.flow.fault import Fault
from ivr.versions import Activation, Frozen, VersionGone

APPLIED_S = 20.0
"""A running engine has taken a version by then: a reload of everything takes a second or two."""

LOOK_S = 0.02
MOST_SHOWN = 60
"""Lines of a difference that publishing shows; ``history`` shows all."""


class Refused(Exception):
    """The request was wrong; the text says what there is instead."""


@dataclass(frozen=True, slots=True)
class Done:
    """What publishing or going back did. ``applied`` is None where no engine runs."""

    activation: Activation
    changes: Changes
    warnings: tuple[Fault, ...] = ()
    applied: bool | None = None
    new: bool = True


def rollback(config: Config, written: str | None, *, who: str, why: str) -> Done:
    """Make an earlier version the current one: the one that begins with ``written``, or the one that was
    current before this; again and again, that goes ever further back. Raises Refused; DeploymentFaulty
    where this program takes it no more."""
    store = config.published_dir
    with versions.alone(store):
        past = versions.history(store)
        if not past:
            raise Refused("Belum ada versi yang diterbitkan. Mulai dengan ./siaga publish.")
        version = _found(config, past, written)
        try:
            load_version(config, version)
        except VersionGone as error:
            raise Refused(str(error)) from error
        if version == past[0].version:
            return Done(past[0], Changes((), ()), new=False)
        changes = between(frozen(config, past[0]), versions.read(store, version))
        made = versions.activate(
            store,
            version,
            kind="rollback",
            who=who,
            why=why,
            folder=next(a.folder for a in past if a.version == version),
            changes=changes.summary,
        )
    return Done(made, changes)


def applied(config: Config, made: Activation) -> bool | None:
    """Wait until the running engine begins its calls with this version, or with one that was put to use
    after it. None: no engine runs."""
    deadline = time.monotonic() + APPLIED_S
    while time.monotonic() < deadline:
        said = status.read(config)
        if said is None:
            return None
        later = (
            a.version for a in versions.history(config.published_dir) if a.number > made.number
        )
        if said["version"] in (made.version, *later):
            return True
        time.sleep(LOOK_S)
    return False


def difference(config: Config, written: str) -> Changes:
    """What a version changed when it was last put to use; raises Refused."""
    past = versions.history(config.published_dir)
    version = _found(config, past, written)
    place = next(n for n, activation in enumerate(past) if activation.version == version)
    before = next((a for a in past[place:] if a.version != version), None)
    return between(frozen(config, before), frozen(config, past[place]))


def _found(config: Config, past: list[Activation], written: str | None) -> str:
    """The version that is meant, among those that can be used."""
    usable = versions.known(config.published_dir)
    here = list(dict.fromkeys(a.version for a in past if a.version in usable))
    listed = ", ".join(here) or "tidak ada"
    if written is None:
        earlier = (a.version for a in past[_restored(past) :] if a.version in usable)
        version = next((v for v in earlier if v != past[0].version), None)
        if version is None:
            raise Refused(
                f"Belum ada versi lain sebelum {past[0].version}. Versi yang lebih baru harus disebut; "
                "lihat ./siaga history."
            )
        return version
    matching = [version for version in here if version.startswith(written)]
    if not written or not matching:
        raise Refused(f"Versi {written!r} tidak ada. Yang ada: {listed}.")
    if len(matching) > 1:
        raise Refused(f"Awalan {written!r} cocok dengan beberapa versi: {', '.join(matching)}.")
    return matching[0]


def _restored(past: list[Activation]) -> int:
    """The place of what is in use: where somebody went back, that is where he went back to."""
    place = 0
    while past[place].kind == "rollback":
        later = range(place + 1, len(past))
        found = next((n for n in later if past[n].version == past[0].version), None)
        if found is None:
            break
        place = found
    return place


def frozen(config: Config, activation: Activation | None) -> Frozen:
    if activation is None:
        return NOTHING
    try:
        return versions.read(config.published_dir, activation.version)
    except VersionGone:
        return NOTHING


def to_json(done: Done) -> dict[str, Any]:
    """One object for programs."""
    return {
        **asdict(done.activation),
        "new": done.new,
        "applied": done.applied,
        "difference": list(done.changes.lines),
        "warnings": [asdict(fault) for fault in done.warnings],
    }


def describe(done: Done, config: Config) -> str:
    """The same for a person."""
    version = done.activation.version
    lines = [
        f"{f.file}:{f.line}:{f.column}: perhatikan: {f.message} [{f.code}]" for f in done.warnings
    ]
    if not done.new:
        return "\n".join([*lines, f"Versi {version} sudah dipakai; tidak ada yang berubah."])
    lines += done.changes.summary
    lines += done.changes.lines[:MOST_SHOWN]
    if len(done.changes.lines) > MOST_SHOWN:
        lines.append(f"… selengkapnya: ./siaga history {version}")
    match done.applied:
        case None:
            how = "Mesin tidak berjalan; versi ini dipakai saat ./siaga up."
        case True:
            how = "Panggilan baru memakai versi ini; yang sedang berjalan tetap pada versinya."
        case False:
            how = (
                "Mesin BELUM memakainya; panggilan baru masih pada versi lama. "
                f"Lihat {config.log_dir / 'supervisor.log'}."
            )
    what = "kembali dipakai" if done.activation.kind == "rollback" else "diterbitkan"
    return "\n".join([*lines, f"Versi {version} {what}. {how}"])


def describe_history(past: list[Activation], usable: set[str]) -> str:
    """The history for a person, the newest first."""
    if not past:
        return "Belum ada versi yang diterbitkan. Mulai dengan ./siaga publish."
    names = {"publish": "terbit", "rollback": "kembali", "saved": "simpan"}
    lines = []
    for place, activation in enumerate(past):
        at = f"{datetime.fromtimestamp(activation.at):%d-%m-%Y %H:%M:%S}"
        mark = "*" if place == 0 else " " if activation.version in usable else "-"
        why = f"  {activation.why}" if activation.why else ""
        lines.append(
            f"{mark} {activation.version}  {at}  {names[activation.kind]:<8}{activation.who}{why}"
        )
        lines += [f"      {change}" for change in activation.changes]
    return "\n".join([*lines, "* sedang dipakai"])


def deployment_of(config: Config, folder: Path | None) -> Path | None:
    """Which folder is meant: the one that was named, else that of the running engine."""
    if folder is not None:
        return folder
    said = status.read(config)
    return Path(str(said["deployment"])) if said else None
