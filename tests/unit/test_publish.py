"""Publishing as a person meets it: what is refused, what is shown, how one goes back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_deployment import ROOT, SHIPPED

from ivr import config as configuration
from ivr import status, versions
from ivr.calls.published import DeploymentFaulty, load_current, load_version
from ivr.commands import history
from ivr.commands.history import Done, Refused, rollback
from ivr.commands.publish import publish
from ivr.commands.up import last_folder, to_start_with
from ivr.config import Config
from ivr.flow.prompt import Prompt
from ivr.versions import VersionGone

GREETING = Prompt("Anda terhubung ke 112 Bengkalis. Jangan tutup telepon. Panggilan direkam.")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """The shipped deployment in a folder of its own; nothing is published, nothing runs."""
    folder = tmp_path / "daerah"
    shutil.copytree(SHIPPED, folder)
    return configuration.read({"SIAGA_HOME": str(tmp_path / "home")}, deployment=folder)


def edit(config: Config, old: str, new: str, file: str = "dialplan.yaml") -> None:
    path = config.deployment / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def now(config: Config, why: str = "", kind: versions.Kind = "publish") -> Done:
    return publish(config, who="ani", why=why, kind=kind, tell=lambda _: None)


def in_use(config: Config) -> str:
    current = versions.current(config.published_dir)
    assert current is not None
    return current.version


def test_what_is_published_is_what_calls_get_with_the_sounds_of_that_moment(config: Config) -> None:
    done = now(config, "pertama")
    published = load_version(config, done.activation.version)
    assert published == load_current(config)
    assert published.dialplan.human_by_s == 0.0
    assert published.version == done.activation.version
    sound = published.audio(GREETING)
    assert sound is not None
    assert sound.file.is_relative_to(config.published_dir)
    assert sound.seconds > 2
    assert Path(f"{published.phrase_path('hold')}.wav").exists()
    assert Path(f"{published.phrase_path('please_wait')}.wav").exists()


def test_who_when_why_and_what_changed_are_on_record(config: Config) -> None:
    now(config)
    edit(config, "human_by: 0s", "human_by: 2s")
    done = now(config, "latihan pagi")
    newest, oldest = versions.history(config.published_dir)
    assert newest == done.activation
    assert (newest.who, newest.why, newest.kind) == ("ani", "latihan pagi", "publish")
    assert newest.changes == ("dialplan.yaml: 1 baris ditambah, 1 baris dihapus.",)
    assert oldest.at <= newest.at
    shown = str(history.difference(config, newest.version))
    assert "-human_by: 0s" in shown
    assert "+human_by: 2s" in shown
    assert "Mesin tidak berjalan" in history.describe(done, config)


def test_a_deployment_at_fault_is_refused_by_line_and_the_version_in_use_stays(
    config: Config,
) -> None:
    version = now(config).activation.version
    edit(config, "then: kejadian\n", "then: kejadain\n")
    with pytest.raises(DeploymentFaulty, match=r"^\d+ kesalahan$") as refused:
        now(config)
    assert refused.value.places[0].startswith("dialplan.yaml:")
    assert in_use(config) == version
    assert versions.known(config.published_dir) == {version}


def test_no_caller_is_led_astray_by_what_only_the_check_sees(config: Config) -> None:
    edit(config, "human_by: 0s", "human_by: 40s")
    with pytest.raises(DeploymentFaulty):
        now(config)
    assert versions.current(config.published_dir) is None


def test_production_is_refused_while_a_placeholder_is_left(config: Config) -> None:
    edit(config, "mode: latihan", "mode: operasional")
    with pytest.raises(DeploymentFaulty) as refused:
        now(config)
    assert "placeholder" in {fault.code for fault in refused.value.faults}


def test_what_is_in_use_already_is_not_activated_again(config: Config) -> None:
    now(config)
    again = now(config)
    assert not again.new
    assert len(versions.history(config.published_dir)) == 1
    assert "tidak ada yang berubah" in history.describe(again, config)


def test_whoever_publishes_what_a_save_put_to_use_can_still_say_why(config: Config) -> None:
    now(config)
    edit(config, "human_by: 0s", "human_by: 2s")
    now(config, kind="saved")
    done = now(config, "nomor baru")
    assert (done.activation.kind, done.activation.why) == ("publish", "nomor baru")
    assert done.activation.changes == ("dialplan.yaml: 1 baris ditambah, 1 baris dihapus.",)


def test_going_back_without_a_name_is_going_to_what_was_there_before(config: Config) -> None:
    first = now(config).activation.version
    edit(config, "human_by: 0s", "human_by: 2s")
    second = now(config).activation.version
    assert rollback(config, None, who="budi", why="salah").activation.version == first
    assert in_use(config) == first
    with pytest.raises(Refused, match="Belum ada versi lain"):
        rollback(config, None, who="budi", why="")
    assert rollback(config, second[:8], who="budi", why="").activation.version == second


def test_going_back_again_goes_further_back_and_not_to_what_was_left(config: Config) -> None:
    made = []
    for seconds in range(4):
        edit(config, f"human_by: {max(0, seconds - 1)}s", f"human_by: {seconds}s")
        made.append(now(config).activation.version)
    back = [rollback(config, None, who="", why="").activation.version for _ in range(3)]
    assert back == [made[2], made[1], made[0]]
    rollback(config, made[3], who="", why="")
    assert rollback(config, None, who="", why="").activation.version == made[2]


def test_a_file_that_is_no_translation_is_not_read_and_changes_no_version(config: Config) -> None:
    version = now(config).activation.version
    folder = config.deployment / "prompts"
    folder.mkdir(exist_ok=True)
    (folder / "._en.yaml").write_bytes(b"\x00\x05\x16\x07\xff\xfe")  # as a Mac leaves it
    (folder / "EN.yaml").write_text("a: b\n")
    (folder / "id.yaml").write_text("a: b\n")
    again = now(config)
    assert again.activation.version == version
    told = {fault.file for fault in again.warnings if fault.code == "file-unused"}
    assert told == {"prompts/EN.yaml", "prompts/id.yaml"}


def test_what_cannot_be_tidied_up_does_not_undo_a_publish(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(store: Path, now: float) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ivr.versions.prune", full)
    said: list[str] = []
    done = publish(config, who="", why="", tell=said.append)
    assert done.activation.version == in_use(config)
    assert "No space left" in said[-1]


def test_a_version_may_be_named_by_its_beginning(config: Config) -> None:
    made = []
    for seconds in range(6):
        edit(config, f"human_by: {max(0, seconds - 1)}s", f"human_by: {seconds}s")
        made.append(now(config).activation.version)
    assert rollback(config, made[2][:6], who="", why="").activation.version == made[2]
    with pytest.raises(Refused, match=made[0]):
        rollback(config, "ffffff", who="", why="")
    with pytest.raises(Refused, match="tidak ada"):
        rollback(config, "", who="", why="")


def test_a_beginning_that_two_versions_share_is_refused_with_both(config: Config) -> None:
    now(config)
    for name in ("abc111", "abc222"):
        folder = config.published_dir / "versions" / name
        folder.mkdir()
        versions.activate(config.published_dir, name, kind="publish", who="", why="", folder="/d")
    with pytest.raises(Refused, match="abc222, abc111"):
        rollback(config, "abc", who="", why="")


def test_without_anything_before_there_is_no_way_back(config: Config) -> None:
    with pytest.raises(Refused, match="Belum ada versi yang diterbitkan"):
        rollback(config, None, who="", why="")
    now(config)
    with pytest.raises(Refused, match="Belum ada versi lain"):
        rollback(config, None, who="", why="")


@pytest.mark.parametrize(("runs", "good"), [(0, False), (1, True), (2, True)])
def test_a_version_that_a_newer_one_overtook_was_put_to_use_too(
    config: Config, monkeypatch: pytest.MonkeyPatch, runs: int, good: bool
) -> None:
    monkeypatch.setattr("ivr.commands.history.APPLIED_S", 0.1)
    made = []
    for seconds in range(3):
        edit(config, f"human_by: {max(0, seconds - 1)}s", f"human_by: {seconds}s")
        made.append(now(config).activation)
    file = status.file_of(config)
    file.parent.mkdir()
    file.write_text(json.dumps({"version": made[runs].version}))
    assert history.applied(config, made[1]) is good


# What ``up`` starts with


def test_the_first_start_publishes_the_folder(config: Config) -> None:
    published, faults = to_start_with(config, lambda _: None)
    assert published.version == in_use(config)
    assert faults is None
    assert [a.kind for a in versions.history(config.published_dir)] == ["saved"]


def test_a_start_that_names_no_folder_takes_the_one_that_was_published_last(
    config: Config,
) -> None:
    usual = configuration.read({"SIAGA_HOME": str(config.home)})
    said: list[str] = []
    assert last_folder(usual, said.append) is None, "nothing was published yet"
    now(config)
    assert last_folder(config, said.append) is None, "it is the usual one"
    assert said == []
    assert last_folder(usual, said.append) == config.deployment
    assert str(config.deployment) in said[-1]
    shutil.rmtree(config.deployment)
    assert last_folder(usual, said.append) is None
    assert "tidak ada lagi" in said[-1]
    assert str(usual.deployment) in said[-1]


def test_in_practice_a_start_publishes_what_was_edited_since(config: Config) -> None:
    first = now(config).activation.version
    edit(config, "human_by: 0s", "human_by: 2s")
    published, _ = to_start_with(config, lambda _: None)
    assert published.version != first
    assert published.dialplan.human_by_s == 2.0


def test_a_folder_at_fault_starts_its_last_good_version_loudly(config: Config) -> None:
    first = now(config).activation.version
    edit(config, "then: kejadian\n", "then: kejadain\n")
    said: list[str] = []
    published, faults = to_start_with(config, said.append)
    assert published.version == first
    assert faults is not None
    assert "kejadain" in faults[0]
    assert "PERINGATAN" in said[-1]
    assert first in said[-1]


@pytest.mark.parametrize("error", [RecursionError(), OSError(28, "No space left on device")])
def test_whatever_keeps_a_folder_from_being_published_the_last_good_version_starts(
    config: Config, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    first = now(config).activation.version
    edit(config, "human_by: 0s", "human_by: 2s")

    def freeze(*_: object) -> str:
        raise error

    monkeypatch.setattr("ivr.versions.freeze", freeze)
    said: list[str] = []
    published, faults = to_start_with(config, said.append)
    assert published.version == first
    assert faults == (str(error) or "RecursionError",)
    assert "PERINGATAN" in said[-1]


def test_a_folder_at_fault_of_which_nothing_was_published_last_does_not_start(
    config: Config, tmp_path: Path
) -> None:
    now(config)
    other = tmp_path / "lain"
    shutil.copytree(config.deployment, other)
    elsewhere = configuration.read({"SIAGA_HOME": str(config.home)}, deployment=other)
    assert to_start_with(elsewhere, lambda _: None)[0].texts.files
    assert versions.history(config.published_dir)[0].folder == str(other)
    edit(config, "then: kejadian\n", "then: kejadain\n")
    with pytest.raises(DeploymentFaulty):
        to_start_with(config, lambda _: None)


def test_a_version_of_another_program_is_no_reason_not_to_start(config: Config) -> None:
    """It lacks a file that today's program asks for."""
    done = now(config)
    files = dict(versions.read(config.published_dir, done.activation.version).files)
    del files["places.yaml"]
    version = versions.freeze(config.published_dir, files, {})
    with pytest.raises((VersionGone, DeploymentFaulty)):
        load_version(config, version)
    versions.activate(
        config.published_dir,
        version,
        kind="publish",
        who="",
        why="",
        folder=str(config.deployment),
    )
    said: list[str] = []
    published, faults = to_start_with(config, said.append)
    assert published.version == done.activation.version, "the folder as it is"
    assert faults is None
    assert version in said[0]


def test_in_production_the_last_published_version_starts_whatever_the_folder_says(
    config: Config,
) -> None:
    """The placeholders of the shipped deployment stand for numbers here; only the mode matters."""
    done = now(config)
    frozen = versions.read(config.published_dir, done.activation.version)
    text = frozen.files["dialplan.yaml"].replace("mode: latihan", "mode: operasional")
    version = versions.freeze(config.published_dir, {**frozen.files, "dialplan.yaml": text}, {})
    versions.activate(
        config.published_dir,
        version,
        kind="publish",
        who="",
        why="",
        folder=str(config.deployment),
    )
    edit(config, "human_by: 0s", "human_by: 2s")
    published, faults = to_start_with(config, lambda _: None)
    assert (published.version, faults) == (version, None)


def test_in_production_a_version_that_cannot_be_read_makes_room_for_the_one_before_it(
    config: Config,
) -> None:
    """And the folder as it is, which nobody has published, stays out."""
    done = now(config)
    frozen = versions.read(config.published_dir, done.activation.version)
    made = []
    for human_by in ("0s", "2s"):
        text = frozen.files["dialplan.yaml"].replace("mode: latihan", "mode: operasional")
        text = text.replace("human_by: 0s", f"human_by: {human_by}")
        files = {**frozen.files, "dialplan.yaml": text}
        made.append(versions.freeze(config.published_dir, files, {}))
        versions.activate(
            config.published_dir,
            made[-1],
            kind="publish",
            who="",
            why="",
            folder=str(config.deployment),
        )
    (config.published_dir / "versions" / made[1] / "files" / "places.yaml").unlink()
    said: list[str] = []
    published, faults = to_start_with(config, said.append)
    assert (published.version, faults) == (made[0], None)
    assert made[1] in said[0]
    assert load_current(config).version == made[0], "the controller starts with it too"


# The commands


def siaga(config: Config, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "ivr.cli", *arguments),
        env={**os.environ, "SIAGA_HOME": str(config.home), "SIAGA_WHO": "citra"},
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=60,
    )


def test_the_commands_speak_indonesian_and_json_and_have_their_exit_codes(config: Config) -> None:
    folder = str(config.deployment)
    done = siaga(config, "publish", folder, "--why", "coba", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["who"], said["why"], said["applied"]) == ("citra", "coba", None)
    edit(config, "human_by: 0s", "human_by: 2s")
    done = siaga(config, "publish", folder)
    assert done.returncode == 0
    assert "+human_by: 2s" in done.stdout
    assert "diterbitkan" in done.stdout
    past = json.loads(siaga(config, "history", "--json").stdout)
    assert past["activations"][-1]["version"] == said["version"]
    assert past["current"] == past["activations"][0]["version"]
    assert "citra" in siaga(config, "history").stdout
    assert "-human_by: 0s" in siaga(config, "history", past["current"][:8]).stdout
    unknown = siaga(config, "rollback", "zzz")
    assert unknown.returncode == 2
    assert said["version"] in unknown.stderr
    back = siaga(config, "rollback")
    assert back.returncode == 0
    assert f"Versi {said['version']} kembali dipakai" in back.stdout
    edit(config, "then: kejadian\n", "then: kejadain\n")
    refused = siaga(config, "publish", folder)
    assert refused.returncode == 1
    assert refused.stderr.startswith("dialplan.yaml:")
    assert in_use(config) == said["version"]
