"""The published versions of a home, frozen, and the order in which they were put to use.

Nothing that stands here is ever changed:

    audio/<digest>.wav            each sound once, by its content: a new recording changes no version
    versions/<version>/files/…    the texts, as they were written
    versions/<version>/sounds.json  which sound each sentence has
    activations/<number>.json     who put which version to use, when and why

A version appears by one rename and an activation by one link, both after their content is on disk. The
activation with the highest number *is* the current version: that link is the only moment at which
anything changes, so whoever is killed, at whatever instant, leaves the old or the new.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["publish", "rollback", "saved"]

KEPT = 50
"""So many versions are kept whatever their age ..."""

YOUNG_S = 86_400.0
"""... and every one that was in use within this time: a call may still run on it."""

_NUMBERED = re.compile(r"([0-9]{8})\.json")
_PART = ".part-"


class VersionGone(Exception):
    """A version that is not here, or is not any more what its name says."""


@dataclass(frozen=True, slots=True)
class FrozenSound:
    """One sound: its digest, how long it is, whose voice it is."""

    audio: str
    seconds: float
    voice: str


@dataclass(frozen=True, slots=True)
class Frozen:
    """One version as it was published: texts by file name, sounds by the name of the prompt."""

    version: str
    files: Mapping[str, str]
    sounds: Mapping[str, FrozenSound]


@dataclass(frozen=True, slots=True)
class Source:
    """A sound that is to be frozen."""

    file: Path
    seconds: float
    voice: str


@dataclass(frozen=True, slots=True)
class Activation:
    """One line of the history. ``at`` is seconds since the epoch, ``folder`` the deployment's own;
    ``changes`` says in a line each what was different from the version before."""

    number: int
    version: str
    kind: Kind
    who: str
    at: float
    why: str
    folder: str
    changes: tuple[str, ...]


@contextlib.contextmanager
def alone(store: Path) -> Iterator[None]:
    """While one writes here, another waits; whoever dies lets go."""
    store.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (store / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def freeze(store: Path, files: Mapping[str, str], sounds: Mapping[str, Source]) -> str:
    """Keep these texts and sounds; the version that names exactly them. Not for two at a time."""
    (store / "audio").mkdir(parents=True, exist_ok=True)
    frozen = {
        name: FrozenSound(_keep_sound(store, source.file), source.seconds, source.voice)
        for name, source in sounds.items()
    }
    version = _name_of(files, frozen)
    target = store / "versions" / version
    if target.is_dir():
        try:
            read(store, version)
        except VersionGone:  # damaged by other hands; here is all that it was made from
            target.rename(Path(tempfile.mkdtemp(dir=target.parent, prefix=_PART)) / "damaged")
        else:
            return version
    target.parent.mkdir(exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=target.parent, prefix=_PART))
    try:
        for name, text in files.items():
            path = part / "files" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, text.encode())
        rows = {name: asdict(sound) for name, sound in sorted(frozen.items())}
        _write(part / "sounds.json", json.dumps(rows, indent=1).encode())
        for folder in {path.parent for path in part.rglob("*")} | {store / "audio"}:
            _sync(folder)
        part.rename(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    _sync(target.parent)
    return version


def read(store: Path, version: str) -> Frozen:
    """A version, read and compared with its name; raises VersionGone."""
    folder = store / "versions" / version
    try:
        files = {
            path.relative_to(folder / "files").as_posix(): path.read_bytes().decode()
            for path in (folder / "files").rglob("*")
            if path.is_file()
        }
        sounds = _sounds(store, version)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise VersionGone(f"Versi {version} tidak ada.") from error
    if _name_of(files, sounds) != version:
        raise VersionGone(f"Versi {version} rusak: isinya bukan lagi yang diterbitkan.")
    return Frozen(version, files, sounds)


def audio_file(store: Path, digest: str) -> Path:
    """Where the sound with this digest lies."""
    return store / "audio" / f"{digest}.wav"


def known(store: Path) -> set[str]:
    """The versions that can be used."""
    folder = store / "versions"
    if not folder.is_dir():
        return set()
    return {path.name for path in folder.iterdir() if not path.name.startswith(_PART)}


def activate(
    store: Path,
    version: str,
    *,
    kind: Kind,
    who: str,
    why: str,
    folder: str,
    changes: tuple[str, ...] = (),
) -> Activation:
    """Make a version the current one, from one instant to the next; others may do so at the same time."""
    activations = store / "activations"
    activations.mkdir(parents=True, exist_ok=True)
    while True:
        numbers = _numbers(store)
        made = Activation(
            number=max(numbers, default=0) + 1,
            version=version,
            kind=kind,
            who=who,
            at=time.time(),
            why=why,
            folder=folder,
            changes=changes,
        )
        part = activations / f"{_PART}{os.getpid()}-{made.number}"
        part.unlink(missing_ok=True)
        _write(part, json.dumps(asdict(made), ensure_ascii=False).encode())
        try:
            os.link(part, activations / f"{made.number:08}.json")
        except FileExistsError:
            continue  # somebody else was faster; ours comes after
        finally:
            part.unlink(missing_ok=True)
        _sync(activations)
        return made


def current(store: Path) -> Activation | None:
    """What is in use now, or None where nothing was ever published."""
    return next(_newest_first(store), None)


def newest(store: Path) -> int:
    """The number of the last activation, 0 for none. Costs one look into a folder."""
    return max(_numbers(store), default=0)


def history(store: Path) -> list[Activation]:
    """Every activation, the newest first."""
    return list(_newest_first(store))


def prune(store: Path, now: float) -> None:
    """Drop old versions, what was left half written, and the sounds that no version has.

    While a version cannot be read no sound goes: it might be one of its own.
    """
    used: dict[str, float] = {}  # until when, by version
    until = now
    for activation in _newest_first(store):
        used.setdefault(activation.version, until)
        until = activation.at
    old = [
        v
        for number, (v, until) in enumerate(used.items())
        if number >= KEPT and now - until > YOUNG_S
    ]
    for path in (store / "versions").glob("*"):
        left = path.name.startswith(_PART) or path.name not in used
        if path.name in old or (left and now - path.stat().st_mtime > YOUNG_S):
            gone = path.with_name(f"{_PART}{path.name.removeprefix(_PART)}-gone")
            path.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)
    try:
        heard = {
            sound.audio for version in known(store) for sound in _sounds(store, version).values()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return
    for path in (store / "audio").glob("*"):
        if path.stem not in heard and now - path.stat().st_mtime > YOUNG_S:
            path.unlink()


def _numbers(store: Path) -> list[int]:
    try:
        names = os.listdir(store / "activations")
    except FileNotFoundError:
        return []
    return [int(found[1]) for name in names if (found := _NUMBERED.fullmatch(name))]


def _newest_first(store: Path) -> Iterator[Activation]:
    for number in sorted(_numbers(store), reverse=True):
        try:
            row = json.loads((store / "activations" / f"{number:08}.json").read_bytes())
            yield Activation(**{**row, "changes": tuple(row["changes"])})
        except (OSError, ValueError, TypeError, KeyError):
            continue  # damaged by other hands; the one before it is the last that is whole


def _sounds(store: Path, version: str) -> dict[str, FrozenSound]:
    """The sounds of a version by the name of the prompt; raises what reading and parsing raise."""
    rows = json.loads((store / "versions" / version / "sounds.json").read_bytes())
    return {name: FrozenSound(**row) for name, row in rows.items()}


def _name_of(files: Mapping[str, str], sounds: Mapping[str, FrozenSound]) -> str:
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{files[name]}\0".encode())
    for name in sorted(sounds):
        digest.update(f"{name}\0{sounds[name].audio}\0".encode())
    return digest.hexdigest()[:12]


def _keep_sound(store: Path, source: Path) -> str:
    """Copy a sound, unless it is there; its digest. A link would change with its source."""
    data = source.read_bytes()
    digest = hashlib.sha256(data).hexdigest()[:16]
    target = audio_file(store, digest)
    if not target.exists():
        part = target.with_name(f"{_PART}{os.getpid()}-{digest}")
        part.unlink(missing_ok=True)
        _write(part, data)
        part.replace(target)
    return digest


def _write(path: Path, data: bytes) -> None:
    """A new file whose content is on disk when this returns."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Bring the names in a folder to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
