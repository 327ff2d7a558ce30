"""The store of versions: whole or not there, whoever dies and whoever writes at the same time."""

from __future__ import annotations

import functools
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ivr import versions
from ivr.changes import NOTHING, between
from ivr.versions import Frozen, FrozenSound, Source, VersionGone

OLD = {"dialplan.yaml": "human_by: 0s\n", "prompts/id.yaml": "a: lama\n"}
NEW = {"dialplan.yaml": "human_by: 2s\n", "prompts/id.yaml": "a: baru\n"}
TOUCHED = frozenset(
    {"open", "os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "os.chmod"}
)
"""What Python tells an audit hook before it is done; whoever writes to a disk needs one of them."""

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT

DAY_S = 86_400.0


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "published"


@pytest.fixture
def sounds(tmp_path: Path) -> dict[str, Source]:
    file = tmp_path / "halo.wav"
    file.write_bytes(b"RIFF as it was recorded")
    return {"halo-1": Source(file, 1.5, "human")}


def use(store: Path, files: dict[str, str], sounds: dict[str, Source]) -> str:
    """Freeze and activate, as publishing does."""
    with versions.alone(store):
        version = versions.freeze(store, files, sounds)
        versions.activate(store, version, kind="publish", who="saya", why="uji", folder="/d")
        versions.prune(store, time.time())
    return version


def in_a_child(work: Callable[[], object]) -> int:
    """The pid of a process that does this and nothing else; it ends with 0 if that went well."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return pid


def whole(store: Path) -> Frozen:
    """The current version, read and compared with its name, with every sound it mentions."""
    current = versions.current(store)
    assert current is not None
    frozen = versions.read(store, current.version)
    for sound in frozen.sounds.values():
        assert versions.audio_file(store, sound.audio).read_bytes().startswith(b"RIFF")
    return frozen


def test_a_version_is_read_as_it_was_frozen(store: Path, sounds: dict[str, Source]) -> None:
    version = use(store, OLD, sounds)
    frozen = versions.read(store, version)
    assert frozen.files == OLD
    assert (frozen.sounds["halo-1"].seconds, frozen.sounds["halo-1"].voice) == (1.5, "human")
    assert versions.known(store) == {version}


def test_the_same_content_is_the_same_version_and_any_other_is_another(
    store: Path, sounds: dict[str, Source]
) -> None:
    first = use(store, OLD, sounds)
    assert use(store, dict(reversed(OLD.items())), sounds) == first
    assert use(store, NEW, sounds) != first
    assert use(store, OLD, {}) != first


def test_a_prompt_recorded_anew_changes_no_version_that_was_published(
    store: Path, sounds: dict[str, Source]
) -> None:
    first = use(store, OLD, sounds)
    sounds["halo-1"].file.write_bytes(b"RIFF recorded anew")
    second = use(store, OLD, sounds)
    assert second != first
    old, new = versions.read(store, first), versions.read(store, second)
    heard = [versions.audio_file(store, f.sounds["halo-1"].audio).read_bytes() for f in (old, new)]
    assert heard == [b"RIFF as it was recorded", b"RIFF recorded anew"]
    assert between(old, new).summary == ("suara direkam ulang: halo-1.",)


def test_a_crash_before_any_step_leaves_the_old_or_the_new(
    store: Path, sounds: dict[str, Source]
) -> None:
    """The process dies before its first step that touches the disk, then before its second, and so on."""
    old = use(store, OLD, {})
    number, seen = 0, set()
    while True:
        number += 1
        pid = in_a_child(functools.partial(_dying_at, number, lambda: use(store, NEW, sounds)))
        _, status = os.waitpid(pid, 0)
        frozen = whole(store)
        assert frozen.files in (OLD, NEW)
        seen.add("old" if frozen.version == old else "new")
        if os.waitstatus_to_exitcode(status) == 0:
            break
        with versions.alone(store):  # nobody is locked out by the dead
            versions.activate(store, old, kind="rollback", who="", why="", folder="/d")
    assert number > 15, "so many steps, at least, were died before"
    assert seen == {"old", "new"}
    assert whole(store).files == NEW


def _dying_at(number: int, work: Callable[[], object]) -> None:
    left = number

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in TOUCHED and (event != "open" or int(str(arguments[2])) & WRITING):
            left -= 1
            if left == 0:
                os._exit(9)

    sys.addaudithook(hook)
    work()


def test_a_publisher_killed_at_any_moment_leaves_the_old_or_the_new(
    store: Path, sounds: dict[str, Source]
) -> None:
    use(store, OLD, sounds)

    def again_and_again() -> None:
        while True:
            use(store, NEW, {})
            use(store, OLD, sounds)

    chance = random.Random(112)
    for _ in range(25):
        pid = in_a_child(again_and_again)
        time.sleep(chance.uniform(0.0, 0.05))  # the moment of death, not a wait for anything
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        assert whole(store).files in (OLD, NEW)
    use(store, NEW, {})
    assert whole(store).files == NEW


def test_publishers_at_the_same_time_each_get_a_number_of_their_own(
    store: Path, sounds: dict[str, Source]
) -> None:
    version = versions.freeze(store, OLD, sounds)

    def ten_times() -> None:
        for _ in range(10):
            versions.activate(store, version, kind="publish", who="", why="", folder="/d")

    children = [in_a_child(ten_times) for _ in range(4)]
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0] * 4
    assert [a.number for a in versions.history(store)] == list(range(40, 0, -1))


def test_what_somebody_changed_by_hand_is_no_version_any_more(
    store: Path, sounds: dict[str, Source]
) -> None:
    version = use(store, OLD, sounds)
    (store / "versions" / version / "files" / "dialplan.yaml").write_text("human_by: 9s\n")
    with pytest.raises(VersionGone, match="rusak"):
        versions.read(store, version)
    with pytest.raises(VersionGone, match="tidak ada"):
        versions.read(store, "0123456789ab")


def test_a_damaged_activation_leaves_the_one_before_it(
    store: Path, sounds: dict[str, Source]
) -> None:
    first = use(store, OLD, sounds)
    use(store, NEW, sounds)
    (store / "activations" / "00000002.json").write_text("{")
    current = versions.current(store)
    assert current is not None
    assert (current.number, current.version) == (1, first)
    assert use(store, NEW, sounds)
    assert versions.newest(store) == 3, "its number is never used again"


def test_old_versions_go_but_not_the_newest_the_young_and_the_current(
    store: Path, sounds: dict[str, Source]
) -> None:
    made = []
    for number in range(versions.KEPT + 5):
        sounds["halo-1"].file.write_bytes(f"RIFF {number}".encode())
        made.append(use(store, {"dialplan.yaml": f"{number}"}, sounds))
    assert versions.known(store) == set(made), "a call may still run on each of them"
    use(store, {"dialplan.yaml": "0"}, {"halo-1": _again(sounds, b"RIFF 0")})
    versions.prune(store, time.time() + 2 * DAY_S)
    assert versions.known(store) == {made[0], *made[-versions.KEPT + 1 :]}
    assert len(list((store / "audio").iterdir())) == versions.KEPT
    assert whole(store).version == made[0]
    assert len(versions.history(store)) == len(made) + 1, "the history stays"


def test_a_version_in_use_until_a_moment_ago_stays_however_long_ago_it_was_published(
    store: Path, sounds: dict[str, Source]
) -> None:
    old = use(store, OLD, sounds)
    first = store / "activations" / "00000001.json"
    row = json.loads(first.read_text())
    first.write_text(json.dumps({**row, "at": time.time() - 2 * DAY_S}))
    for number in range(versions.KEPT + 1):
        use(store, {"dialplan.yaml": f"{number}"}, sounds)
    assert old in versions.known(store), "calls that began a moment ago run on it"


@pytest.mark.parametrize("text", [None, "{", "[]", '{"halo-1": {}}'])
def test_a_damaged_version_is_no_reason_not_to_publish_and_takes_no_sound_with_it(
    store: Path, sounds: dict[str, Source], text: str | None
) -> None:
    old = use(store, OLD, sounds)
    damaged = store / "versions" / old / "sounds.json"
    damaged.unlink()
    if text is not None:
        damaged.write_text(text)
    long_ago = time.time() - 2 * DAY_S
    (sound,) = (store / "audio").iterdir()
    os.utime(sound, (long_ago, long_ago))
    new = use(store, NEW, {})
    assert whole(store).version == new
    assert sound.exists()


@pytest.mark.parametrize("name", ["sounds.json", "files/dialplan.yaml"])
def test_what_is_published_again_mends_a_damaged_version(
    store: Path, sounds: dict[str, Source], name: str
) -> None:
    version = use(store, OLD, sounds)
    (store / "versions" / version / name).unlink()
    assert use(store, OLD, sounds) == version
    assert whole(store).files == OLD
    assert versions.known(store) == {version}


def _again(sounds: dict[str, Source], data: bytes) -> Source:
    sounds["halo-1"].file.write_bytes(data)
    return sounds["halo-1"]


def test_a_difference_names_every_file_and_shows_the_lines() -> None:
    def sound(digest: str) -> FrozenSound:
        return FrozenSound(digest, 1.0, "human")

    old = Frozen("a", {**OLD, "trunks.yaml": "x: 1"}, {"lama": sound("1"), "tetap": sound("2")})
    new = Frozen("b", {**NEW, "places.yaml": "y: 1"}, {"baru": sound("3"), "tetap": sound("2")})
    changes = between(old, new)
    assert changes.summary == (
        "dialplan.yaml: 1 baris ditambah, 1 baris dihapus.",
        "places.yaml: berkas baru.",
        "prompts/id.yaml: 1 baris ditambah, 1 baris dihapus.",
        "trunks.yaml: berkas dihapus.",
        "suara baru: baru.",
        "suara tidak dipakai lagi: lama.",
    )
    assert "-human_by: 0s" in changes.lines
    assert "+human_by: 2s" in changes.lines
    assert between(old, old).summary == between(old, old).lines == ()
    assert between(NOTHING, new).summary[-1].startswith("prompts/id.yaml"), (
        "not every sound is listed"
    )
