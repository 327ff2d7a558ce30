"""A newly published version into an Asterisk that has calls.

Most changes need one variable, set on the console. Only another rendering of the extensions is loaded,
beside those that calls are in; only other peers, or another waiting loop, make their modules read again.
New calls begin with the new version at one instant, when everything it needs is there; running calls
keep text, deadlines and sounds. Whoever dies in between leaves files with which Asterisk starts as it was.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from ivr.calls.published import Published
from ivr.config import Config
from ivr.platforms.asterisk import extensions, pbx
from ivr.platforms.asterisk.pbx import Folders

KEPT_S = 3600.0
"""A rendering that no channel is in stays for this long: a leg may come back to it."""

MOST_KEPT = 20
MUSIC = "res_musiconhold"
PEERS = ("res_pjsip", "res_pjsip_endpoint_identifier_ip", "res_pjsip_outbound_registration")

_NAMED = re.compile(r"-([0-9a-f]{8})$")

log = structlog.get_logger(__name__)


class NotApplied(Exception):
    """Asterisk did not take it; the text says at which step. It goes on with what it had."""


@dataclass(slots=True)
class Running:
    """What one Asterisk has loaded.

    ``ask`` runs one console command. ``texts`` are the renderings with the moment (monotonic) of their
    last use by new calls, the newest first; ``now`` is what new calls begin with.
    """

    config: Config
    where: Folders
    ask: Callable[[str], str | None]
    now: str
    texts: dict[str, float] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def begun(
        cls,
        config: Config,
        where: Folders,
        published: Published,
        ask: Callable[[str], str | None],
    ) -> Running:
        """An Asterisk that was started with what ``pbx.render`` wrote for this version."""
        name, _ = extensions.call_text(config, published, pbx.hold(where, published))
        now = extensions.begun_with(published, name)
        running = cls(config, where, ask, now)
        running.texts[name] = running.clock()
        return running

    def apply(self, published: Published) -> None:
        """Let new calls begin with this version; raises NotApplied."""
        pbx.write_rescue(self.where, published)
        hold_class = pbx.hold(self.where, published)
        name, text = extensions.call_text(self.config, published, hold_class)
        now = extensions.begun_with(published, name)
        self._load_peers(published)
        self._load_music()
        if name not in self.texts:
            pbx.write(self.where.etc / f"call-{name}.conf", text)
            self._load_text(name)
        said = self.ask(f"dialplan set global SIAGA_PUBLISHED {now}")
        if said is None or now not in said:
            raise NotApplied("dialplan set global")
        pbx.forget_rescues(self.where, self.now.partition("/")[0], published.version)
        self.texts[self.now.rpartition("/")[2]] = self.clock()
        self.texts = {name: self.clock(), **{t: at for t, at in self.texts.items() if t != name}}
        self.now = now
        self._write_way_in(list(self.texts))

    def _load_peers(self, published: Published) -> None:
        file = self.where.etc / "pjsip.conf"
        text = extensions.peers(self.config, published, pbx.BIND_ADDRESS)
        before = file.read_text()
        if not pbx.write(file, text):
            return
        log.info("peers_loaded")
        for module in PEERS:
            self._reload(module, file, before)

    def _load_music(self) -> None:
        file = self.where.etc / "musiconhold.conf"
        before = file.read_text()
        if not pbx.write(file, extensions.hold_music(pbx.hold_classes(self.where))):
            return
        self._reload(MUSIC, file, before)

    def _reload(self, module: str, file: Path, before: str) -> None:
        """Make a module read its file again; where it does not, the file is what it was before."""
        said = self.ask(f"module reload {module}.so")
        if said is None or "reloaded successfully" not in said:
            pbx.write(file, before)  # so that the next attempt sees a difference again
            raise NotApplied(f"module reload {module}.so")

    def _load_text(self, name: str) -> None:
        kept = self._still_needed()
        self._write_way_in([*kept, name])
        said = self.ask("dialplan reload")
        if said is None or not self._has(name):
            raise NotApplied("dialplan reload")
        self.texts = {name: self.clock(), **{t: at for t, at in self.texts.items() if t in kept}}
        log.info("extensions_loaded", text=name, beside=len(kept))
        for file in self.where.etc.glob("call-*.conf"):
            if file.stem.removeprefix("call-") not in self.texts:
                file.unlink()

    def _has(self, name: str) -> bool:
        said = self.ask(f"dialplan show s@siaga-panggilan-{name}")
        return said is not None and f"Context 'siaga-panggilan-{name}'" in said

    def _still_needed(self) -> list[str]:
        """Renderings that stay: the one of new calls, those of channels, and the last few."""
        said = self.ask("core show channels concise")
        if said is None:
            return list(self.texts)
        contexts = [row.split("!")[1] for row in said.splitlines() if row.count("!") > 1]
        used = {found[1] for context in contexts if (found := _NAMED.search(context))}
        used.add(self.now.rpartition("/")[2])
        recent = [t for t, at in self.texts.items() if self.clock() - at < KEPT_S][:MOST_KEPT]
        return [text for text in self.texts if text in used or text in recent]

    def _write_way_in(self, texts: list[str]) -> None:
        text = extensions.way_in(texts, self.now)
        pbx.write(self.where.etc / "extensions.conf", text)
