"""Publishing while people talk: nothing is dropped, nothing is mixed, and going back is quick."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from laboratory import Engine, crowd, eventually, lab_deployment

from ivr import config as configuration
from ivr import status
from ivr.commands.history import applied, rollback
from ivr.commands.publish import publish_texts
from ivr.config import Config
from ivr.deployment import FILES, PHRASES, Texts
from ivr.platforms.asterisk import pbx
from ivr.platforms.asterisk.programs import find_asterisk
from ivr.store import reports

PUBLICATIONS = 100
HALF = 25
"""Callers at once, of each of two crowds."""

KEYS = ((3000, "1"), (2500, "1"), (2500, "1"))
"""Fire, Duri, Mandau, slowly: other versions are published between one question and the next."""

MARKS = ("satu", "dua")
MARKED = {
    "dialplan.yaml": (
        ("Anda terhubung ke 112 Bengkalis.", "Anda terhubung ke 112 {}."),
        ("Kebakaran tekan 1,", "Menu {}. Kebakaran tekan 1,"),
    ),
    "places.yaml": (
        ("Di mana kejadiannya?", "Tempat {}."),
        ("Mandau tekan 1, Bathin", "Kecamatan {}. Mandau tekan 1, Bathin"),
    ),
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    home = tmp_path_factory.mktemp("publish")
    made = Engine(home, lab_deployment(home / "deployment", {}))
    made.environment["SIAGA_RTP_PORTS"] = "39000-39999"
    made.environment["SIAGA_WHO"] = "laboratorium"
    try:
        yield made.started()
    finally:
        made.down()


@pytest.fixture
def config(engine: Engine) -> Config:
    return configuration.read(engine.environment, deployment=engine.deployment)


def marked(config: Config, mark: str, *, ring_s: int = 20) -> Texts:
    """The deployment with this word in what a caller hears; another ``ring_s`` is another rendering."""
    files = {name: (config.deployment / name).read_text() for name in FILES}
    files[PHRASES] = (configuration.PROJECT / PHRASES).read_text()
    for name, changes in MARKED.items():
        for old, new in changes:
            assert old in files[name], old
            files[name] = files[name].replace(old, new.format(mark))
    ring = f"number: ISI-NOMOR, accept: press, ring: {ring_s}s}}"
    assert "number: ISI-NOMOR, accept: press}" in files["operators.yaml"]
    files["operators.yaml"] = files["operators.yaml"].replace(
        "number: ISI-NOMOR, accept: press}", ring
    )
    return Texts(config.deployment, files, mark)


def put_to_use(config: Config, texts: Texts) -> str:
    """Publish, and wait until new calls begin with it."""
    done = publish_texts(config, texts, who="lab", why="", kind="publish", tell=lambda _: None)
    assert applied(config, done.activation)
    return done.activation.version


def told(engine: Engine, event: str) -> int:
    """How often the supervisor logged this."""
    lines = (engine.home / "log/supervisor.log").read_text().splitlines()
    return Counter(json.loads(line)["event"] for line in lines)[event]


def console(config: Config, command: str) -> str:
    said = pbx.ask(find_asterisk(lambda _: None), pbx.folders(config), command)
    assert said is not None
    return said


@pytest.mark.timeout(600)
def test_a_hundred_publications_during_fifty_calls_drop_none_and_mix_none(
    engine: Engine, config: Config
) -> None:
    mark_of = {put_to_use(config, marked(config, mark)): mark for mark in MARKS}
    loaded = told(engine, "extensions_loaded")
    done: list[int] = []

    published = threading.Event()

    def load() -> None:
        """Half of the callers, again and again, until the last publication."""
        while not published.is_set():
            crowded = crowd(engine.sip_port, HALF, HALF, hold_ms=4000, info_keys=KEYS, rate=5)
            done.append(asyncio.run(crowded))

    halves = [threading.Thread(target=load) for _ in range(2)]
    for half in halves:
        half.start()
    ring_s = 20
    running = []
    for number in range(PUBLICATIONS):
        if number % 20 == 10:
            ring_s += 1
            running.append(console(config, "core show channels concise").count("PJSIP/anon"))
        mark = MARKS[number % 2]
        mark_of[put_to_use(config, marked(config, mark, ring_s=ring_s))] = mark
    published.set()
    for half in halves:
        half.join(60)
    assert max(running) > 1.8 * HALF, running
    assert not any(done), "a caller was dropped"
    assert told(engine, "extensions_loaded") == loaded + PUBLICATIONS // 20

    calls = HALF * len(done)

    def all_ended() -> bool:
        rows = engine.calls()
        return len(rows) == calls and all(row["ended_by"] for row in rows)

    asyncio.run(eventually(all_ended, 15, "all records"))
    begun_with: Counter[str] = Counter()
    for row in engine.calls():
        call = reports.show_call(config.database_url, row["call_id"])
        assert call is not None
        mine = mark_of[call["dialplan_version"]]
        begun_with[mine] += 1
        heard = " ".join(line for line in call["transcript"] if "<" in line)
        for other in MARKS:
            for sentence in (f"ke 112 {other}.", f"Menu {other}.", f"Tempat {other}."):
                assert (sentence in heard) == (other == mine), call["transcript"]
        assert call["ended_by"] == "caller"
        assert call["incident"] == "kebakaran"
    assert min(begun_with[mark] for mark in MARKS) > calls // 10, begun_with
    log = (engine.home / "log/controller.out").read_text()
    assert not [word for word in ("version_not_there", "call_resumed", "Traceback") if word in log]
    assert told(engine, "version_not_applied") == 0


def test_going_back_takes_less_than_a_second(engine: Engine, config: Config) -> None:
    """From the decision to the moment from which calls begin with it; a command's own start comes on top."""
    versions = [put_to_use(config, marked(config, mark)) for mark in MARKS]
    seconds = []
    for expected in (*versions, *versions):
        started = time.monotonic()
        done = rollback(config, expected, who="lab", why="")
        assert applied(config, done.activation)
        seconds.append(time.monotonic() - started)
        assert done.activation.version == expected
        assert f"SIAGA_PUBLISHED={expected}/" in console(config, "dialplan show globals")
    assert sorted(seconds)[1] < 1.0, seconds


def test_who_went_back_and_why_is_on_record(engine: Engine, config: Config) -> None:
    for mark in MARKS:
        put_to_use(config, marked(config, mark))
    before = engine.json("history")["activations"][1]["version"]
    said = engine.json("rollback", "--why", "salah")
    assert (said["version"], said["applied"], said["kind"]) == (before, True, "rollback")
    newest = engine.json("history")["activations"][0]
    assert (newest["who"], newest["why"]) == ("laboratorium", "salah")
    assert engine.json("status")["version"] == before
    assert engine.run("rollback", "ffff").returncode == 2


def test_another_deadline_holds_for_the_next_call_and_nothing_is_loaded_for_it(
    engine: Engine, config: Config
) -> None:
    texts = marked(config, MARKS[0])
    put_to_use(config, texts)
    before = [told(engine, event) for event in ("extensions_loaded", "peers_loaded")]
    files = {
        **texts.files,
        "dialplan.yaml": texts.files["dialplan.yaml"].replace("human_by: 0s", "human_by: 3s"),
    }
    version = put_to_use(config, Texts(texts.folder, files, ""))
    assert f"SIAGA_PUBLISHED={version}/3/10/" in console(config, "dialplan show globals")
    assert before == [told(engine, event) for event in ("extensions_loaded", "peers_loaded")]
    said = engine.json("call", "--silent", "--hang-up-after", "5")
    assert 2000 < said["human_ms"] < 4500


def test_a_reload_keeps_what_is_known_of_who_can_be_reached(engine: Engine, config: Config) -> None:
    console(config, "dialplan set global SIAGA_HASIL_lain BUSY")
    loaded = told(engine, "extensions_loaded")
    put_to_use(config, marked(config, MARKS[0], ring_s=44))
    assert told(engine, "extensions_loaded") == loaded + 1
    assert "SIAGA_HASIL_lain=BUSY" in console(config, "dialplan show globals")


def test_another_waiting_loop_is_loaded_beside_the_one_that_callers_hear(
    engine: Engine, config: Config
) -> None:
    texts = marked(config, MARKS[0])
    phrases = texts.files[PHRASES].replace("Petugas sedang dihubungi.", "Petugas segera datang.")
    assert phrases != texts.files[PHRASES]
    put_to_use(config, Texts(texts.folder, {**texts.files, PHRASES: phrases}, ""))
    classes = console(config, "moh show classes")
    assert classes.count("Class: siaga-") == 2, classes
    assert len(console(config, "moh show files").split("/hold\n")) == 3
    assert engine.json("call", "--press", "0")["bridged_to"] == "operator"


def test_in_practice_a_good_save_is_published_and_a_bad_one_is_told(
    engine: Engine, config: Config
) -> None:
    file = engine.deployment / "dialplan.yaml"
    good = file.read_text()

    def now() -> dict[str, Any]:
        said = status.read(config)
        assert said is not None
        return said

    file.write_text(good.replace("human_by: 0s", "human_by: 1s"))
    asyncio.run(
        eventually(lambda: "/1/10/" in console(config, "dialplan show globals"), 10, "the save")
    )
    newest = engine.json("history")["activations"][0]
    assert newest["kind"] == "saved"
    version = engine.json("status")["version"]
    assert newest["version"] == version
    file.write_text(good.replace("then: kejadian\n", "then: kejadain\n"))
    asyncio.run(eventually(lambda: now()["unpublished"], 10, "the fault"))
    said = engine.json("status")
    assert said["version"] == version, "the last good one stays"
    assert said["ready"]
    assert said["unpublished"][0].startswith("dialplan.yaml:")
    assert "kejadain" in said["unpublished"][0]
    assert engine.json("call", "--silent", "--hang-up-after", "1")["case_number"]
    file.write_text(good)
    asyncio.run(eventually(lambda: now()["unpublished"] is None, 10, "the repair"))
    asyncio.run(eventually(lambda: now()["version"] != version, 5, "the good save"))


def test_what_was_published_last_starts_again_when_the_folder_is_at_fault(
    engine: Engine, tmp_path: Path
) -> None:
    file = engine.deployment / "dialplan.yaml"
    good = file.read_text()
    version = engine.json("status")["version"]
    engine.down()
    try:
        file.write_text(good.replace("then: kejadian\n", "then: kejadain\n"))
        done = engine.up()
    finally:
        file.write_text(good)
    assert done.returncode == 0, done.stderr
    assert "PERINGATAN" in done.stderr
    assert "kejadain" in done.stderr
    said = engine.json("status")
    assert said["version"] == version
