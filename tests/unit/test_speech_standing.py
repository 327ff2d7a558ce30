"""How speech recognition stands is told to whoever starts the machine, to ``status``, and to the alarm."""

from __future__ import annotations

import json
import socket
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ivr import config as configuration
from ivr import supervisor
from ivr.alarm import REMIND_S
from ivr.commands import up
from ivr.config import Config
from ivr.platforms.asterisk import pbx
from ivr.platforms.asterisk.programs import Asterisk
from ivr.speech import server, standing, weights
from ivr.speech.alarm import SpeechAlarm
from ivr.speech.counts import Counts
from ivr.speech.recogniser import CannotListen
from ivr.speech.standing import Standing
from ivr.speech.told import Told
from ivr.supervisor import Component


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "run").mkdir()
    return configuration.read({"SIAGA_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "c")})


def off(config: Config) -> Config:
    return replace(config, speech=replace(config.speech, on=False))


def test_the_engine_is_named_while_it_listens_and_the_reason_while_it_does_not(
    config: Config,
) -> None:
    standing.note(config, engine="whisper base")
    assert standing.standing(config, "running") == Standing("running", "whisper base")
    standing.note(config, why="Model tidak ada.")
    assert standing.standing(config, "off") == Standing("off", "", "Model tidak ada.")
    assert "jatuh" in standing.standing(config, "failing").why
    assert standing.standing(off(config), "off").why == standing.SWITCHED_OFF


@pytest.mark.parametrize("noted", ["", "[]", '{"engine": ', "\x00"])
def test_what_is_noted_and_cannot_be_read_is_as_if_it_were_not_there(
    config: Config, noted: str
) -> None:
    standing.note(config, engine="x")
    standing.file_of(config).write_text(noted)
    assert standing.standing(config, "running") == Standing("running")
    assert str(standing.output(config)) in standing.standing(config, "off").why


def test_the_machine_is_told_of_once_and_the_alarm_again_and_again(config: Config) -> None:
    told: list[str] = []
    it = Told(config, lambda: "Bengkalis", told.append)
    with capture_logs() as logs:
        it.look(Standing("starting", "", "mulai"))
        assert told == []
        it.look(Standing("running", "whisper base"))
        it.look(Standing("restarting", "", "jatuh"))
        it.look(Standing("starting", "", "mulai"))
        it.look(Standing("running", "whisper base"))
    it.close()
    assert told == [""]
    assert [line["event"] for line in logs] == ["speech_down", "speech_up_again"]
    measured = (config.home / "run" / "speech-up.prom").read_text()
    assert "\nsiaga_speech_up 1\n" in measured


def test_a_process_that_runs_and_answers_nobody_in_time_is_told_of_as_one_that_is_gone(
    config: Config,
) -> None:
    it = Told(config, lambda: "Bengkalis", lambda why: None)
    with capture_logs() as logs:
        for why in ("", "Terlalu lambat.", ""):
            standing.note(config, engine="whisper base", why=why)
            now = standing.standing(config, "running")
            assert now == Standing("running", "whisper base", why)
            it.look(now)
    it.close()
    assert [line["event"] for line in logs] == ["speech_down", "speech_up_again"]
    assert logs[0]["why"] == "Terlalu lambat."


def test_speech_that_is_switched_off_is_told_and_is_no_alarm(config: Config) -> None:
    told: list[str] = []
    it = Told(off(config), lambda: "Bengkalis", told.append)
    with capture_logs() as logs:
        it.look(Standing("off", "", standing.SWITCHED_OFF))
    it.close()
    assert (told, logs) == ([standing.SWITCHED_OFF], [])


def test_an_alarm_that_lasts_is_repeated_every_minute(tmp_path: Path) -> None:
    now = [1_764_000_000.0]
    alarm = SpeechAlarm(tmp_path / "m.prom", lambda: "x", clock=lambda: now[0])
    with capture_logs() as logs:
        for _ in range(5):
            alarm.tell(up=False, why="Model tidak ada.")
            now[0] += REMIND_S / 2
    assert [line["event"] for line in logs] == ["speech_down"] * 3
    assert "\nsiaga_speech_up 0\n" in (tmp_path / "m.prom").read_text()


def test_a_folder_that_cannot_be_written_stops_no_alarm(tmp_path: Path) -> None:
    alarm = SpeechAlarm(tmp_path / "no" / "m.prom", lambda: "x")
    with capture_logs() as logs:
        alarm.tell(up=False, why="x")
    assert [line["event"] for line in logs] == ["speech_down", "metrics_not_written"]


def look(component: Component) -> None:
    nowhere = pbx.Folders(Path(), Path(), Path(), Path(), Path())
    supervisor._look(component, Asterisk((), Path(), Path(), "", ""), nowhere)


def test_a_speech_process_that_cannot_listen_is_off_and_tried_again_later(tmp_path: Path) -> None:
    program = f"raise SystemExit({standing.OFF})"
    speech = Component("speech", (sys.executable, "-c", program), tmp_path / "out", {})
    with capture_logs() as logs:
        supervisor._start(speech)
        assert speech.process is not None
        speech.process.wait()
        look(speech)
        assert speech.state == "off"
        assert speech.start_again_at - time.monotonic() > supervisor.OFF_SECONDS - 5
        speech.start_again_at = 0.0
        look(speech)
    assert speech.state == "starting"
    assert logs == [], "it is no fall"
    assert speech.process is not None
    speech.process.wait()


def test_a_speech_process_that_falls_is_started_again_like_any_other(tmp_path: Path) -> None:
    speech = Component("speech", (), tmp_path / "out", {}, since=time.time())
    with capture_logs():
        supervisor._fell(speech, -9)
    assert speech.state == "restarting"


def test_no_call_needs_the_speech_process(config: Config) -> None:
    assert supervisor.SPEECH in supervisor.NOT_NEEDED
    rows = [
        {"name": "asterisk", "pid": 1, "state": "running", "since": 0},
        {"name": "speech", "pid": None, "state": "off", "since": 0},
    ]
    status = config.home / "run" / "status.json"
    said = {
        "version": "1",
        "unpublished": None,
        "components": rows,
        "speech": Standing("off", "", "Model tidak ada.")._asdict(),
    }
    status.write_text(json.dumps(said))
    now = up.status(config)
    assert now["ready"]
    assert now["speech"] == {"state": "off", "engine": "", "why": "Model tidak ada."}
    assert "Suara: Model tidak ada." in up.describe(now)


def test_status_says_that_a_speech_process_is_gone(config: Config) -> None:
    rows = [{"name": "speech", "pid": None, "state": "running", "since": 0}]
    status = config.home / "run" / "status.json"
    said = {"version": "1", "unpublished": None, "components": rows}
    status.write_text(json.dumps({**said, "speech": Standing("running", "uji")._asdict()}))
    assert up.status(config)["speech"]["state"] == "gone"


def test_weights_that_cannot_be_had_stop_no_start(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(cache: Path, tell: object) -> Path:
        raise CannotListen("Jaringan tidak ada.")

    monkeypatch.setattr(weights, "fetch", fetch)
    told: list[str] = []
    up.fetch_weights(config, told.append)
    assert told == ["PERINGATAN: Jaringan tidak ada. Panggilan tetap diterima, dengan tombol saja."]


def test_a_model_is_wanted_only_where_speech_is_on_and_none_is_named_or_here(
    config: Config, tmp_path: Path
) -> None:
    empty = replace(
        config, speech=replace(config.speech, whisper_model=None, cache=tmp_path / "cache")
    )
    assert up.weights_wanted(empty, print)
    assert not up.weights_wanted(off(empty), print)
    named = replace(empty, speech=replace(empty.speech, whisper_model=Path("/m")))
    assert not up.weights_wanted(named, print)


def test_a_model_that_has_rotted_is_thrown_away_before_anybody_listens_with_it(
    config: Config, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    wanted = replace(config, speech=replace(config.speech, whisper_model=None, cache=cache))
    cache.mkdir()
    folder = cache / weights._folder_name(weights.WHISPER_BASE)
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"not what it was")
    told: list[str] = []
    assert up.weights_wanted(wanted, told.append)
    assert weights.fetched(cache) is None
    assert "rusak" in " ".join(told)


def test_a_port_that_is_taken_is_said_and_ends_the_process_as_off(
    config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("SIAGA_HOME", str(tmp_path))
        monkeypatch.setenv("SIAGA_AEAP_PORT", str(port))
        assert server.main() == standing.OFF
    said = standing.standing(config, "off").why
    assert str(port) in said
    assert "SIAGA_AEAP_PORT" in said


def test_a_speech_process_without_a_model_says_what_is_missing(
    config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SIAGA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("SIAGA_AEAP_PORT", "0")
    monkeypatch.setenv("SIAGA_WHISPER_MODEL", str(tmp_path / "nirada"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("SIAGA_AEAP_PORT", str(free.getsockname()[1]))
    assert server.main() == standing.OFF
    assert "nirada" in standing.standing(config, "off").why


def test_what_was_heard_is_counted_by_reason(tmp_path: Path) -> None:
    from ivr.flow.spoken import Heard, Nothing

    counts = Counts(asked=3)
    counts.answered(Heard("x"))
    counts.answered(Nothing("busy"))
    counts.write(tmp_path / "m.prom", restarts=2)
    said = (tmp_path / "m.prom").read_text().splitlines()
    for line in (
        "siaga_speech_asked_total 3",
        "siaga_speech_heard_total 1",
        'siaga_speech_nothing_total{reason="busy"} 1',
        'siaga_speech_nothing_total{reason="late"} 0',
        "siaga_speech_worker_restarts_total 2",
    ):
        assert line in said
