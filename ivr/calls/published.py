"""The deployment that calls run on: read, checked for faults, and held in memory by its version.

A call keeps the version it began with, so a controller holds several: the current one, and those that
calls of earlier versions still ask for. Each is read from the store once, never inside the event loop.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from ivr import versions
from ivr.config import Config
from ivr.deployment import Texts, read
from ivr.flow.fault import Fault
from ivr.flow.loader import load as load_texts
from ivr.flow.model import Dialplan
from ivr.flow.prompt import Prompt
from ivr.prompts.sounds import HOLD_LOOP, Sound
from routing.geography import Geography
from routing.model import Directory

LOAD_S = 1.0
"""A version is read within this, or the caller is not kept waiting for it."""

LOOK_S = 0.2
HELD = 20
"""So many versions stay in memory; each is a megabyte or less."""

log = structlog.get_logger(__name__)


class DeploymentFaulty(Exception):
    """The deployment cannot be used; every fault names its file and line."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} kesalahan")
        self.faults = tuple(faults)

    @property
    def places(self) -> tuple[str, ...]:
        """Each fault in a line, as an editor finds it."""
        return tuple(f"{f.file}:{f.line}:{f.column}: {f.message}" for f in self.faults)


class NothingPublished(Exception):
    """This home has no published version yet."""


@dataclass(frozen=True, slots=True)
class Published:
    """A dialplan, its directory, its areas and its sounds, which belong together.

    A deployment that was read from its folder, and is not published yet, has no sounds.
    """

    dialplan: Dialplan
    directory: Directory
    texts: Texts
    sounds: Mapping[str, Sound] = field(default_factory=dict)
    geography: Geography = field(default_factory=Geography)

    @property
    def version(self) -> str:
        return self.dialplan.version

    def audio(self, prompt: Prompt, /) -> Sound | None:
        """The sound of a sentence, as it was when this version was published."""
        return self.sounds.get(prompt.name)

    def phrase_path(self, key: str) -> str:
        """The path of a shared phrase, for Asterisk's own text.

        A phrase without a sound gets a path where nothing lies: Asterisk skips it, and the caller is
        rung all the same.
        """
        name = HOLD_LOOP if key == "hold" else Prompt(self.dialplan.phrases.get(key, key)).name
        sound = self.sounds.get(name)
        return sound.path if sound else f"/nonexistent/{name}"


def load(config: Config) -> Published:
    """Read the configured deployment; raises DeploymentMissing or DeploymentFaulty."""
    return of_texts(read(config.deployment))


def of_texts(texts: Texts) -> Published:
    """The deployment that these texts describe; raises DeploymentFaulty."""
    loaded = load_texts(texts.files)
    if loaded.dialplan is None or loaded.directory is None or loaded.faults:
        raise DeploymentFaulty(loaded.faults)
    dialplan = replace(loaded.dialplan, version=texts.version)
    return Published(dialplan, loaded.directory, texts, geography=loaded.geography)


def load_version(config: Config, version: str) -> Published:
    """Read a published version; raises VersionGone, or DeploymentFaulty where this program has
    become stricter than the one that published it."""
    frozen = versions.read(config.published_dir, version)
    folder = config.published_dir / "versions" / version / "files"
    try:
        found = of_texts(Texts(folder, dict(frozen.files), version))
    except DeploymentFaulty:
        raise
    except Exception as error:  # a file of today's program is not among those of that time
        said = f"{type(error).__name__}: {error}"
        raise versions.VersionGone(
            f"Versi {version} tidak terbaca oleh program ini ({said})."
        ) from error
    sounds = {
        name: Sound(
            str(versions.audio_file(config.published_dir, sound.audio).with_suffix("")),
            sound.seconds,
            sound.voice,
        )
        for name, sound in frozen.sounds.items()
    }
    return replace(found, sounds=sounds)


def load_current(config: Config) -> Published:
    """The version in use; raises NothingPublished, VersionGone or DeploymentFaulty."""
    activation = versions.current(config.published_dir)
    if activation is None:
        raise NothingPublished("Belum ada versi yang diterbitkan. Jalankan ./siaga publish.")
    return load_version(config, activation.version)


class Held:
    """The versions that this process has in memory."""

    def __init__(self, current: Published, load_one: Callable[[str], Published]) -> None:
        self.current = current
        self._load = load_one
        self._held = OrderedDict({current.version: current})
        self._coming: dict[str, asyncio.Task[Published]] = {}

    async def get(self, version: str) -> Published:
        """That version; raises what reading it raised, or TimeoutError."""
        held = self._held.get(version)
        if held is not None:
            self._held.move_to_end(version)
            return held
        coming = self._coming.get(version)
        if coming is None:
            coming = asyncio.create_task(self._fetch(version))
            self._coming[version] = coming
            coming.add_done_callback(lambda task: self._arrived(version, task))
        async with asyncio.timeout(LOAD_S):
            return await asyncio.shield(coming)

    async def follow(self, newest: Callable[[], int], current: Callable[[], str]) -> None:
        """Read each version that becomes the current one, so that no caller waits for it.

        ``newest`` is cheap and tells that something was activated; ``current`` tells which version.
        """
        seen = 0
        while True:
            try:
                number = newest()
                if number != seen:
                    self.current = await self.get(await asyncio.to_thread(current))
                    seen = number
                    log.info("version_read", version=self.current.version)
            except Exception as error:  # calls go on with what is held, and it is tried again
                log.error("version_unread", error=type(error).__name__)
                await asyncio.sleep(LOAD_S)
            await asyncio.sleep(LOOK_S)

    async def _fetch(self, version: str) -> Published:
        return await asyncio.to_thread(self._load, version)

    def _arrived(self, version: str, task: asyncio.Task[Published]) -> None:
        del self._coming[version]
        if task.cancelled() or task.exception() is not None:
            return
        self._held[version] = task.result()
        while len(self._held) > HELD:
            oldest = next(v for v in self._held if v != self.current.version)
            del self._held[oldest]
