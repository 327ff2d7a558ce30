"""The supervisor's side of publishing: what was activated comes into use while calls go on.

``look`` notices a new activation, and a new Asterisk, and makes new calls begin with the current
version. Where that fails the engine goes on with what it had, says so in the log, and tries again.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from ivr import versions
from ivr.calls.published import DeploymentFaulty, Published, load_version, of_texts
from ivr.config import Config
from ivr.deployment import DeploymentMissing, Texts, read
from ivr.platforms.asterisk.reload import NotApplied, Running
from ivr.versions import VersionGone

AGAIN_S = 1.0
LONGEST_PAUSE_S = 60.0
LEAVING = "mode: operasional tidak terbit hanya dengan menyimpan. Jalankan ./siaga publish."

log = structlog.get_logger(__name__)


class InUse:
    """``published`` is the version that new calls begin with; ``unpublished`` what stands against the
    last save of the deployment, or None. ``changed`` is called after either changed."""

    def __init__(
        self,
        config: Config,
        published: Published,
        running: Running,
        asterisk_pid: Callable[[], int | None],
        unpublished: tuple[str, ...] | None = None,
    ) -> None:
        self.published = published
        self.unpublished = unpublished
        self.changed: Callable[[], None] = lambda: None
        self._config, self._running, self._asterisk_pid = config, running, asterisk_pid
        # The newest number when an activation was applied (it may be damaged, and then it is the one
        # before it that was), and to which Asterisk.
        self._applied = (0, asterisk_pid())
        self._failed = (0, 0)  # the same where it was not applied, and how often in a row
        self._begun = versions.newest(config.published_dir)  # ``unpublished`` is younger than this
        self._again_at = 0.0

    def look(self) -> None:
        """Apply the newest activation, unless that is done."""
        pid = self._asterisk_pid()
        number = versions.newest(self._config.published_dir)
        waiting = number == self._failed[0] and time.monotonic() < self._again_at
        if (number, pid) == self._applied or pid is None or waiting:
            return
        activation = versions.current(self._config.published_dir)
        if activation is None:
            return
        try:
            published = load_version(self._config, activation.version)
            self._running.apply(published)
        except Exception as error:  # calls go on with what is in use
            self._pause(number)
            known = isinstance(error, NotApplied | VersionGone | DeploymentFaulty | OSError)
            tell = log.error if known else log.exception
            tell("version_not_applied", version=activation.version, error=str(error))
            return
        self._applied = (number, pid)
        ours = activation.folder == str(self._config.deployment)
        if number > self._begun and activation.kind == "publish" and ours:
            self.unpublished = None  # what stood against a save was mended
        self._begun = number
        if published.version != self.published.version:
            log.info("version_applied", version=published.version)
        self.published = published
        self.changed()

    def _pause(self, number: int) -> None:
        """Ever longer for what fails again and again; anything newer is tried at once."""
        times = self._failed[1] + 1 if number == self._failed[0] else 1
        self._failed = (number, times)
        self._again_at = time.monotonic() + min(LONGEST_PAUSE_S, AGAIN_S * 2.0 ** (times - 1))


class Saves:
    """In practice mode a save is published: a good one at once, a bad one is told and changes nothing.

    Looks at the deployment again and again; what stood there unchanged for two looks is a save.
    ``publish`` freezes and activates texts, or raises DeploymentFaulty. ``done`` is what stood in the
    folder when it was dealt with at the start, by ``standing``.
    """

    def __init__(
        self, config: Config, in_use: InUse, publish: Callable[[Texts], None], done: Texts | str
    ) -> None:
        self._config, self._in_use, self._publish = config, in_use, publish
        self._seen = self._done = done

    def look(self) -> None:
        """Publish a save, if there is one and practice is what goes on."""
        content = standing(self._config)
        steady, self._seen = content == self._seen, content
        if not steady or content == self._done or self._in_use.published.dialplan.mode != "latihan":
            return
        self._done = content
        self._tell(self._trouble(content))

    def _trouble(self, content: Texts | str) -> tuple[str, ...] | None:
        if isinstance(content, str):
            return (content,)
        if self._was_published(content):
            return None
        try:
            if of_texts(content).dialplan.mode != "latihan":
                return (LEAVING,)
            self._publish(content)
        except DeploymentFaulty as error:
            return error.places
        except Exception as error:  # the disk, or a voice
            log.exception("save_not_published")
            said = str(error) or type(error).__name__
            return (
                f"Tidak dapat diterbitkan ({said}). Simpan lagi, atau jalankan ./siaga publish.",
            )
        return None

    def _was_published(self, content: Texts) -> bool:
        """The very same was put to use last, by hand. It may have been taken back since: then it is not
        for a folder that nobody has touched to bring it again."""
        store = self._config.published_dir
        put_to_use = (one for one in versions.history(store) if one.kind != "rollback")
        try:
            last = next(put_to_use, None)
            return last is not None and versions.read(store, last.version).files == content.files
        except versions.VersionGone:
            return False

    def _tell(self, trouble: tuple[str, ...] | None) -> None:
        if trouble != self._in_use.unpublished:
            if trouble:
                log.error("save_not_published", why=trouble, version=self._in_use.published.version)
            self._in_use.unpublished = trouble
            self._in_use.changed()


def standing(config: Config) -> Texts | str:
    """The texts of the deployment as they are now, or why they cannot be read."""
    try:
        return read(config.deployment)
    except DeploymentMissing as error:
        return str(error)
