"""A new version into a running Asterisk: what is loaded, in which order, and what stays."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from small_deployment import DIALPLAN, OPERATORS, TRUNKS, small
from structlog.testing import capture_logs

from ivr import config as configuration
from ivr.calls.published import Published
from ivr.config import Config
from ivr.deployment import Texts
from ivr.platforms.asterisk import pbx, reload
from ivr.platforms.asterisk.programs import Asterisk
from ivr.platforms.asterisk.reload import NotApplied, Running
from ivr.prompts.sounds import HOLD_LOOP, Sound

NO_ASTERISK = Asterisk((), Path(), Path(), "", "")
LATER = DIALPLAN.replace("human_by: 0s", "human_by: 3s")


@dataclass
class Console:
    """Asterisk's console: it loads what the files say at the moment it is told to, and keeps variables."""

    etc: Path
    loaded: list[str] = field(default_factory=list)
    begins_with: str = ""
    channels: list[str] = field(default_factory=list)  # the context of each
    deaf_to: str = "?"
    refuses: str = "?"  # the module that says so, as Asterisk does, with exit code 0
    commands: list[str] = field(default_factory=list)

    def ask(self, command: str) -> str | None:
        self.commands.append(command)
        if command.startswith(self.deaf_to):
            return None
        if found := re.fullmatch(r"module reload (\w+\.so)", command):
            if found[1] == self.refuses:
                return f"Module '{found[1]}' could not be reloaded.\n"
            return f"Module '{found[1]}' reloaded successfully.\n"
        if command == "dialplan reload":
            self.boot()
            return "Dialplan reloaded.\n"
        if found := re.fullmatch(r"dialplan set global SIAGA_PUBLISHED (\S+)", command):
            self.begins_with = found[1]
            return f"\n    -- Global variable 'SIAGA_PUBLISHED' set to '{found[1]}'\n"
        if found := re.fullmatch(r"dialplan show s@(siaga-panggilan-(\w+))", command):
            return f"[ Context '{found[1]}' created" if found[2] in self.loaded else "no existence"
        if command == "core show channels concise":
            return "".join(f"PJSIP/a!{context}!s!1!Up\n" for context in self.channels)
        return ""

    def boot(self) -> None:
        text = (self.etc / "extensions.conf").read_text()
        names = re.findall(r'^#tryinclude "call-(\w+).conf"', text, re.MULTILINE)
        self.loaded = [name for name in names if (self.etc / f"call-{name}.conf").exists()]
        found = re.search(r"^SIAGA_PUBLISHED=(\S+)", text, re.MULTILINE)
        assert found is not None
        self.begins_with = found[1]

    @property
    def text(self) -> str:
        """The rendering that new calls begin with."""
        return self.begins_with.rpartition("/")[2]


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return configuration.read({"SIAGA_HOME": str(tmp_path)})


def published(version: str, **files: str) -> Published:
    dialplan, directory = small(**files)
    return Published(replace(dialplan, version=version), directory, Texts(Path(), {}, version))


@pytest.fixture
def house(config: Config) -> tuple[Running, Console, Clock]:
    """An Asterisk that was started with the small deployment as v1."""
    first = published("v1")
    where = pbx.render(config, NO_ASTERISK, first)
    console, clock = Console(where.etc), Clock()
    console.boot()
    running = Running.begun(config, where, first, console.ask)
    running.clock = clock
    running.texts = dict.fromkeys(running.texts, 0.0)
    return running, console, clock


House = tuple[Running, Console, Clock]


def another_text(number: int) -> str:
    return OPERATORS.replace("ISI-NOMOR}]", f"ISI-NOMOR, ring: {number}s}}]")


def test_another_deadline_is_one_variable_and_no_reload(house: House) -> None:
    running, console, _ = house
    text = console.text
    running.apply(published("v2", dialplan=LATER))
    assert console.commands == [f"dialplan set global SIAGA_PUBLISHED v2/3/10/{text}"]
    console.boot()
    assert console.begins_with == f"v2/3/10/{text}", "an Asterisk that starts again starts with it"


def test_another_rendering_is_loaded_beside_the_one_that_calls_are_in(house: House) -> None:
    running, console, _ = house
    before = console.text
    with capture_logs():
        running.apply(published("v2", operators=another_text(31)))
    assert console.commands.index("dialplan reload") < len(console.commands) - 1
    assert console.commands[-1].startswith("dialplan set global")
    assert console.text != before
    assert set(console.loaded) == {console.text, before}
    with capture_logs():
        running.apply(published("v3"))
    assert console.text == before
    assert console.commands.count("dialplan reload") == 1, "it was there still"


def test_other_peers_are_known_before_any_text_that_dials_them(house: House) -> None:
    running, console, _ = house
    trunks = TRUNKS.replace("damkar-sip: {host: ISI-ALAMAT", 'damkar-sip: {host: "127.0.0.9"')
    with capture_logs():
        running.apply(published("v2", trunks=trunks))
    assert console.commands[0] == "module reload res_pjsip.so"
    assert console.commands[-1].startswith("dialplan set global")
    console.commands.clear()
    running.apply(published("v3", trunks=trunks, dialplan=LATER))
    assert len(console.commands) == 1


@pytest.mark.parametrize(
    "deaf_to", ["module reload", "dialplan reload", "dialplan show", "dialplan set"]
)
def test_an_asterisk_that_does_not_answer_goes_on_as_it_was_and_takes_it_later(
    house: House, deaf_to: str
) -> None:
    running, console, _ = house
    before = console.begins_with
    trunks = TRUNKS.replace("damkar-sip: {host: ISI-ALAMAT", 'damkar-sip: {host: "127.0.0.9"')
    fresh = published("v2", trunks=trunks, operators=another_text(31))
    console.deaf_to = deaf_to
    with capture_logs(), pytest.raises(NotApplied):
        running.apply(fresh)
    assert console.begins_with == before
    console.boot()
    assert console.begins_with == before, "also if it starts again now"
    assert console.text in console.loaded
    console.deaf_to = "?"
    with capture_logs():
        running.apply(fresh)
    assert console.begins_with.startswith("v2/")
    assert console.text in console.loaded


@pytest.mark.parametrize("module", [*reload.PEERS, reload.MUSIC])
def test_a_module_that_does_not_read_its_file_again_keeps_the_version_from_being_used(
    house: House, config: Config, tmp_path: Path, module: str
) -> None:
    running, console, _ = house
    before = console.begins_with
    trunks = TRUNKS.replace("damkar-sip: {host: ISI-ALAMAT", 'damkar-sip: {host: "127.0.0.9"')
    loop = tmp_path / "loop.wav"
    loop.write_bytes(b"RIFF another loop")
    sound = Sound(str(loop.with_suffix("")), 1.0, "human")
    fresh = replace(published("v2", trunks=trunks), sounds={HOLD_LOOP: sound})
    console.refuses = f"{module}.so"
    for _ in range(2):
        with capture_logs(), pytest.raises(NotApplied, match=module):
            running.apply(fresh)
    assert console.begins_with == before
    console.refuses = "?"
    with capture_logs():
        running.apply(fresh)
    assert console.begins_with.startswith("v2/")


def test_a_rendering_stays_as_long_as_a_call_is_in_it(house: House) -> None:
    running, console, clock = house
    first = console.text
    console.channels = [f"siaga-lantai-{first}", "siaga-latihan"]
    with capture_logs():
        running.apply(published("v2", operators=another_text(31)))
        second = console.text
        clock.now += reload.KEPT_S + 1
        running.apply(published("v3", operators=another_text(32)))
        clock.now += reload.KEPT_S + 1
        running.apply(published("v4", operators=another_text(33)))
    assert first in console.loaded
    assert second not in console.loaded
    assert not (console.etc / f"call-{second}.conf").exists()
    console.channels = []
    clock.now += reload.KEPT_S + 1
    with capture_logs():
        running.apply(published("v5", operators=another_text(34)))
    assert first not in console.loaded
    assert len(console.loaded) == 2, "the one before stays for a while"


def test_of_many_renderings_in_an_hour_the_newest_stay(house: House) -> None:
    running, console, _ = house
    with capture_logs():
        for number in range(30):
            running.apply(published(f"v{number}", operators=another_text(30 + number)))
    assert len(console.loaded) <= reload.MOST_KEPT + 1
    assert console.text == console.loaded[0] or console.text in console.loaded
    assert len(list(console.etc.glob("call-*.conf"))) == len(console.loaded)


def test_each_version_has_its_own_knowledge_for_the_rescue(house: House, config: Config) -> None:
    running, _, _ = house
    running.apply(published("v2", dialplan=LATER))
    names = {file.name for file in pbx.folders(config).state.glob("rescue-*.json")}
    assert names == {"rescue-v1.json", "rescue-v2.json"}


def rescues(config: Config) -> dict[str, Path]:
    return {file.name: file for file in pbx.folders(config).state.glob("rescue-*.json")}


def grow_old(file: Path) -> None:
    long_ago = time.time() - 2 * pbx.RESCUES_KEPT_S
    os.utime(file, (long_ago, long_ago))


def test_a_version_that_was_long_in_use_keeps_its_rescue_when_the_next_one_comes(
    house: House, config: Config
) -> None:
    running, console, _ = house
    grow_old(rescues(config)["rescue-v1.json"])
    console.deaf_to = "dialplan set"
    with pytest.raises(NotApplied):
        running.apply(published("v2", dialplan=LATER))
    assert "rescue-v1.json" in rescues(config), "new calls still begin with it"
    console.deaf_to = "?"
    running.apply(published("v2", dialplan=LATER))
    assert "rescue-v1.json" in rescues(config), "calls that began a moment ago are in it"
    grow_old(rescues(config)["rescue-v1.json"])
    running.apply(published("v3"))
    assert set(rescues(config)) == {"rescue-v2.json", "rescue-v3.json"}
