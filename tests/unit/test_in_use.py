"""The supervisor follows what is activated, and in practice mode what is saved."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from small_deployment import SHIPPED
from structlog.testing import capture_logs

from ivr import config as configuration
from ivr import versions
from ivr.calls.published import Published, load_current
from ivr.commands.history import rollback
from ivr.commands.publish import publish, publish_texts
from ivr.config import Config
from ivr.deployment import Texts
from ivr.in_use import InUse, Saves, standing
from ivr.platforms.asterisk import pbx
from ivr.platforms.asterisk.programs import Asterisk
from ivr.platforms.asterisk.reload import Running

NO_ASTERISK = Asterisk((), Path(), Path(), "", "")


@dataclass
class House:
    """A home with one published version, and an Asterisk that takes every command, or none."""

    config: Config
    answers: bool = True
    pid: int = 7
    commands: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)  # the version at each change

    def __post_init__(self) -> None:
        published = self.publish()
        where = pbx.render(self.config, NO_ASTERISK, published)
        running = Running.begun(self.config, where, published, self._ask)
        self.in_use = InUse(self.config, published, running, lambda: self.pid)
        self.in_use.changed = lambda: self.told.append(self.in_use.published.version)
        self.in_use.look()
        self.saves = Saves(self.config, self.in_use, self._save, standing(self.config))
        self.commands.clear()
        self.told.clear()

    def _ask(self, command: str) -> str | None:
        self.commands.append(command)
        return command if self.answers else None

    def _save(self, texts: Texts) -> None:
        publish_texts(self.config, texts, who="", why="", kind="saved", tell=lambda _: None)

    def publish(self) -> Published:
        publish(self.config, who="", why="", tell=lambda _: None)
        return load_current(self.config)

    def edit(self, old: str, new: str) -> None:
        path = self.config.deployment / "dialplan.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def save(self) -> None:
        """Two looks, as at a file that nobody is writing any more."""
        self.saves.look()
        self.saves.look()


@pytest.fixture
def house(tmp_path: Path) -> House:
    shutil.copytree(SHIPPED, tmp_path / "daerah")
    environment = {"SIAGA_HOME": str(tmp_path / "home")}
    return House(configuration.read(environment, deployment=tmp_path / "daerah"))


def test_what_is_activated_comes_into_use_at_the_next_look(house: House) -> None:
    first = house.in_use.published.version
    house.edit("human_by: 0s", "human_by: 2s")
    second = house.publish().version
    with capture_logs():
        house.in_use.look()
    assert house.told == [second]
    assert house.in_use.published.dialplan.human_by_s == 2.0
    assert len(house.commands) == 1
    rollback(house.config, None, who="", why="")
    with capture_logs():
        house.in_use.look()
    assert house.told == [second, first]
    house.commands.clear()
    house.in_use.look()
    assert house.commands == [], "what is in use is not set again"


def test_an_asterisk_that_was_started_again_is_told_once_more(house: House) -> None:
    house.pid = 8
    house.in_use.look()
    assert len(house.commands) == 1


def test_what_asterisk_does_not_take_is_not_in_use_and_is_tried_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ivr.in_use.AGAIN_S", 0.0)
    first = house.in_use.published.version
    house.edit("human_by: 0s", "human_by: 2s")
    second = house.publish().version
    house.answers = False
    with capture_logs() as logs:
        house.in_use.look()
    assert house.in_use.published.version == first
    assert [line["event"] for line in logs] == ["version_not_applied"]
    house.answers = True
    with capture_logs():
        house.in_use.look()
    assert house.in_use.published.version == second


def test_what_fails_again_and_again_is_tried_ever_more_rarely_and_anything_newer_at_once(
    house: House,
) -> None:
    house.edit("human_by: 0s", "human_by: 2s")
    house.publish()
    house.answers = False
    with capture_logs() as logs:
        for _ in range(20):
            house.in_use.look()
    assert len(logs) == 1
    house.answers = True
    house.edit("human_by: 2s", "human_by: 3s")
    newest = house.publish().version
    with capture_logs():
        house.in_use.look()
    assert house.in_use.published.version == newest


def test_a_version_that_was_damaged_on_disk_changes_nothing(house: House) -> None:
    first = house.in_use.published.version
    house.edit("human_by: 0s", "human_by: 2s")
    second = house.publish().version
    (house.config.published_dir / "versions" / second / "sounds.json").write_text("{}")
    with capture_logs() as logs:
        house.in_use.look()
    assert house.in_use.published.version == first
    assert logs[0]["event"] == "version_not_applied"
    assert house.commands == []


def test_a_good_save_is_published_once_it_stands_still(house: House) -> None:
    first = house.in_use.published.version
    house.edit("human_by: 0s", "human_by: 2s")
    house.saves.look()
    assert len(versions.history(house.config.published_dir)) == 1, (
        "perhaps it is still being written"
    )
    house.saves.look()
    newest = versions.history(house.config.published_dir)[0]
    assert newest.kind == "saved"
    assert newest.version != first
    house.save()
    assert len(versions.history(house.config.published_dir)) == 2


def test_a_bad_save_is_told_and_the_last_good_one_stays(house: House) -> None:
    first = house.in_use.published.version
    house.edit("then: kejadian\n", "then: kejadain\n")
    with capture_logs() as logs:
        house.save()
        house.save()
    assert house.in_use.unpublished is not None
    assert house.in_use.unpublished[0].startswith("dialplan.yaml:")
    assert house.told == [first], "the status is written once"
    assert [line["event"] for line in logs] == ["save_not_published"]
    house.edit("then: kejadain\n", "then: kejadian\n")
    house.save()
    assert house.in_use.unpublished is None
    assert versions.newest(house.config.published_dir) == 1


def test_a_file_that_is_gone_is_a_bad_save(house: House) -> None:
    file = house.config.deployment / "places.yaml"
    text = file.read_text()
    file.unlink()
    with capture_logs():
        house.save()
    (said,) = house.in_use.unpublished or ()
    assert said.startswith("places.yaml:1:1: Berkas places.yaml tidak ada.")
    file.write_text(text)
    house.save()
    assert house.in_use.unpublished is None


def test_a_save_never_goes_into_production_by_itself(house: House) -> None:
    house.edit("mode: latihan", "mode: operasional")
    with capture_logs():
        house.save()
    assert house.in_use.unpublished is not None
    assert "./siaga publish" in house.in_use.unpublished[0]
    assert versions.newest(house.config.published_dir) == 1


def test_going_back_is_not_undone_by_a_folder_that_nobody_touched(house: House) -> None:
    house.edit("human_by: 0s", "human_by: 2s")
    house.save()
    rollback(house.config, None, who="", why="")
    with capture_logs():
        house.in_use.look()
    house.save()
    assert versions.history(house.config.published_dir)[0].kind == "rollback"


def test_a_damaged_newest_activation_is_looked_at_once(house: House) -> None:
    house.edit("human_by: 0s", "human_by: 2s")
    house.publish()
    activation = house.config.published_dir / "activations" / "00000002.json"
    activation.write_text("{")
    house.in_use.look()
    house.commands.clear()
    house.in_use.look()
    assert house.commands == []


def test_a_damaged_newest_activation_before_which_nothing_can_be_applied_is_tried_ever_more_rarely(
    house: House,
) -> None:
    house.edit("human_by: 0s", "human_by: 2s")
    house.publish()
    (house.config.published_dir / "activations" / "00000002.json").write_text("{")
    house.answers = False
    with capture_logs() as logs:
        house.in_use.look()
        house.in_use.look()
    assert len(logs) == 1


def test_a_publish_takes_away_what_stood_against_a_save_and_going_back_does_not(
    house: House,
) -> None:
    house.edit("human_by: 0s", "human_by: 2s")
    house.save()
    house.edit("then: kejadian\n", "then: kejadain\n")
    with capture_logs():
        house.save()
        rollback(house.config, None, who="", why="")
        house.in_use.look()
        assert house.in_use.unpublished is not None
        house.edit("then: kejadain\n", "then: kejadian\n")
        house.edit("human_by: 2s", "human_by: 3s")
        house.publish()
        house.in_use.look()
    assert house.in_use.unpublished is None


def test_what_stood_against_the_folder_at_the_start_stands_until_something_is_published(
    house: House,
) -> None:
    running = Running.begun(
        house.config, pbx.folders(house.config), house.in_use.published, house._ask
    )
    in_use = InUse(house.config, house.in_use.published, running, lambda: house.pid, ("salah",))
    in_use.look()
    house.pid = 8
    in_use.look()
    assert in_use.unpublished == ("salah",)
    house.edit("human_by: 0s", "human_by: 2s")
    house.publish()
    with capture_logs():
        in_use.look()
    assert in_use.unpublished is None


def test_what_was_saved_while_the_engine_started_is_published(house: House) -> None:
    before = standing(house.config)
    house.edit("human_by: 0s", "human_by: 2s")
    house.saves = Saves(house.config, house.in_use, house._save, before)
    house.save()
    house.save()
    assert versions.history(house.config.published_dir)[0].kind == "saved"


def test_what_was_published_by_hand_and_taken_back_does_not_come_back_as_a_save(
    house: House,
) -> None:
    first = house.in_use.published.version
    house.edit("human_by: 0s", "human_by: 2s")
    with capture_logs():
        house.publish()
        rollback(house.config, None, who="", why="")
        house.save()
        house.in_use.look()
    assert house.in_use.published.version == first
    assert [one.kind for one in versions.history(house.config.published_dir)][:1] == ["rollback"]
    house.edit("human_by: 2s", "human_by: 3s")
    with capture_logs():
        house.save()
        house.in_use.look()
    assert house.in_use.published.dialplan.human_by_s == 3.0
