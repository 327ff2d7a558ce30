"""The process of a call's own, driven over its pipes by a small Asterisk that is a script."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from asterisk.agi import AGIHangup
from protocol.fake_asterisk import parse_args
from small_deployment import DIALPLAN, offered, shipped, small

from ivr.config import PROJECT
from ivr.flow.actions import DecideRoute, Dial, Learn
from ivr.flow.engine import advance, begin
from ivr.flow.events import DigitsEntered, NoInput, RouteDecided
from ivr.flow.model import Turn
from ivr.flow.prompt import Prompt
from ivr.flow.steps.menu import MenuStep
from ivr.platforms.asterisk.keys import Keys
from ivr.platforms.asterisk.perform import (
    KNOWN,
    SHOWN,
    dial_variables,
    joined,
    shown,
)
from ivr.platforms.asterisk.playing import Channel
from ivr.platforms.asterisk.rescue import RescueAgi, rescue
from ivr.platforms.asterisk.snapshot import snapshot
from routing.decide import decide
from routing.model import SERVICES

UNIQUEID = "1764000000.7"
NUMBER = "+6281276123456"
ENVIRONMENT = f"agi_uniqueid: {UNIQUEID}\nagi_callerid: {NUMBER}\n\n"
SNAPSHOT: dict[str, Any] = {
    "menu": {"prompt": "/sounds/menu", "seconds": 4.0, "keys": {"1": "kebakaran"}},
    "targets": {
        "kebakaran": {
            "": {"SIAGA_TARGETS": "1", "SIAGA_T1": "PJSIP/1@satu"},
            "14.03.09": {"SIAGA_TARGETS": "1", "SIAGA_T1": 'PJSIP/2"\\(@dua'},
        },
        "lainnya": {"": {"SIAGA_TARGETS": "0"}},
    },
}


@dataclass(frozen=True)
class Sound:
    path: str
    seconds: float = 1.0


class Pbx(io.TextIOBase):
    """Answers each command as Asterisk does; what it was told to set is in ``variables``."""

    def __init__(self, key: str = "", after: str = "WAIT FOR DIGIT", **variables: str) -> None:
        self.variables = dict(variables)
        self.commands: list[list[str]] = []
        self.key = key
        self.after = after
        self.broken: dict[int, str] = {}  # what is answered to the n-th command instead
        self._lines = ENVIRONMENT.splitlines(keepends=True)

    def write(self, text: str) -> int:
        words = parse_args(text.rstrip("\n"))
        self.commands.append(words)
        broken = self.broken.get(len(self.commands))
        self._lines.append(self._answer(words) if broken is None else broken)
        return len(text)

    def _answer(self, words: list[str]) -> str:
        match words:
            case ["GET", "VARIABLE", name]:
                value = self.variables.get(name)
                return f"200 result=1 ({value})\n" if value else "200 result=0\n"
            case ["SET", "VARIABLE", name, value]:
                self.variables[name] = value
                return "200 result=1\n"
            case ["STREAM", "FILE", *_] | ["WAIT", "FOR", "DIGIT", *_]:
                pressed = self.key and " ".join(words).startswith(self.after)
                return f"200 result={ord(self.key) if pressed else 0} endpos=100\n"
        return "510 Invalid or unknown command\n"

    def readline(self, size: int | None = -1) -> str:  # type: ignore[override]
        return self._lines.pop(0) if self._lines else ""


def rescued(pbx: Pbx, known: dict[str, Any] = SNAPSHOT) -> bool:
    return rescue(RescueAgi(pbx, pbx), known)


def test_one_key_leads_to_targets_and_the_token_is_the_last_word() -> None:
    for after in ("STREAM FILE", "WAIT FOR DIGIT"):
        pbx = Pbx("1", after)
        assert rescued(pbx)
        assert pbx.variables["SIAGA_T1"] == "PJSIP/1@satu"
        assert pbx.variables["SIAGA_INCIDENT"] == "kebakaran"
        assert pbx.commands[-1] == ["SET", "VARIABLE", "SIAGA_DONE", UNIQUEID]


def test_what_the_channel_knows_is_not_asked_again() -> None:
    pbx = Pbx(SIAGA_INCIDENT="kebakaran", SIAGA_PLACE="14.03.09")
    assert rescued(pbx)
    assert pbx.variables["SIAGA_T1"] == 'PJSIP/2"\\(@dua', "every character arrives as it is"
    assert not [c for c in pbx.commands if c[0] in ("STREAM", "WAIT")]


def test_a_desa_is_dialled_for_as_its_kecamatan_and_any_other_place_as_an_unknown_one() -> None:
    for place, first in (
        ("14.03.09.1001", 'PJSIP/2"\\(@dua'),
        ("14.03.13.2001", "PJSIP/1@satu"),
        ("14.03.99", "PJSIP/1@satu"),
    ):
        pbx = Pbx(SIAGA_INCIDENT="kebakaran", SIAGA_PLACE=place)
        assert rescued(pbx)
        assert pbx.variables["SIAGA_T1"] == first


def test_a_list_that_the_controller_left_is_taken_as_it_is() -> None:
    pbx = Pbx(SIAGA_TARGETS="2", SIAGA_T1="PJSIP/9@lain")
    assert rescued(pbx)
    assert pbx.variables["SIAGA_T1"] == "PJSIP/9@lain"
    assert len(pbx.commands) == 2


@pytest.mark.parametrize("key", ["", "0", "2", "#"])
def test_no_key_zero_or_a_key_that_means_nothing_here_is_for_a_person(key: str) -> None:
    pbx = Pbx(key)
    assert not rescued(pbx)
    assert "SIAGA_DONE" not in pbx.variables


def test_an_incident_that_nobody_serves_is_for_a_person() -> None:
    for incident in ("lainnya", "medis", "?"):
        pbx = Pbx(SIAGA_INCIDENT=incident)
        assert not rescued(pbx)
        assert "SIAGA_DONE" not in pbx.variables


def test_a_value_may_hold_parentheses_and_the_word_hangup() -> None:
    pbx = Pbx(X='a (hangup) "b" \\ )')
    assert RescueAgi(pbx, pbx).variable("X") == 'a (hangup) "b" \\ )'


def test_a_line_end_never_becomes_a_command() -> None:
    pbx = Pbx()
    agi = RescueAgi(pbx, pbx)
    for bad in ("a\nEXEC System x", "a\rb", "a\0b"):
        with pytest.raises(ValueError, match="line end"):
            agi.set("X", bad)
    assert pbx.commands == []


@pytest.mark.parametrize("said", ["", "HANGUP\n", "511 Command Not Permitted on a dead channel\n"])
@pytest.mark.parametrize("at", range(1, 10))
def test_a_caller_who_goes_ends_it_without_the_token(said: str, at: int) -> None:
    """Asked three times, played, waited, told the incident, two variables and the token."""
    pbx = Pbx("1")
    pbx.broken[at] = said
    with pytest.raises(AGIHangup):
        rescued(pbx)
    assert "SIAGA_DONE" not in pbx.variables
    assert len(pbx.commands) == at


def test_a_channel_that_ends_before_its_environment_does_is_a_caller_who_went() -> None:
    with pytest.raises(AGIHangup):
        RescueAgi(io.StringIO(f"agi_callerid: {NUMBER}\n"), io.StringIO())


def run(
    answers: str, snapshot_file: Path, environment: bytes = ENVIRONMENT.encode()
) -> subprocess.CompletedProcess[str]:
    ran = subprocess.run(
        (sys.executable, "-m", "ivr.platforms.asterisk.rescue", str(snapshot_file)),
        input=environment + answers.encode(),
        capture_output=True,
        timeout=20,
        cwd=PROJECT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"},  # as most locales have it
        check=False,
    )
    return subprocess.CompletedProcess(
        ran.args, ran.returncode, ran.stdout.decode(), ran.stderr.decode()
    )


def test_the_real_process_leaves_targets_and_token(tmp_path: Path) -> None:
    file = tmp_path / "rescue.json"
    file.write_text(json.dumps(SNAPSHOT))
    nothing, done = "200 result=0\n", "200 result=1\n"
    pressed = f"200 result={ord('1')} endpos=8000\n"
    ran = run(nothing * 3 + pressed + done * 4, file)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines()[-1] == f'SET VARIABLE "SIAGA_DONE" "{UNIQUEID}"'


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"menu": null}'])
def test_a_snapshot_that_cannot_be_used_is_one_word_on_stderr_and_no_number(
    tmp_path: Path, broken: str
) -> None:
    file = tmp_path / "rescue.json"
    file.write_text(broken)
    ran = run("200 result=0\n" * 3, file)
    assert ran.returncode == 1
    assert len(ran.stderr.splitlines()) == 1
    assert NUMBER not in ran.stderr + ran.stdout


@pytest.mark.parametrize("said", ["", "HANGUP\n", "511 Command Not Permitted on a dead channel\n"])
@pytest.mark.parametrize("answered", range(8))
def test_a_caller_who_goes_leaves_one_sentence_and_no_traceback(
    tmp_path: Path, said: str, answered: int
) -> None:
    file = tmp_path / "rescue.json"
    file.write_text(json.dumps(SNAPSHOT))
    pressed = f"200 result={ord('1')} endpos=8000\n"
    answers = ["200 result=0\n"] * 3 + [pressed] + ["200 result=1\n"] * 4
    ran = run("".join(answers[:answered]) + said, file)
    token_sent = answered == 7  # the last answer is the token's own
    assert ("SIAGA_DONE" in ran.stdout) == token_sent
    assert (ran.returncode, ran.stderr) == (1, "rescue.agi: AGIHangup\n")
    assert NUMBER not in ran.stdout


@pytest.mark.parametrize("name", [b"Andr\xe9", b"a\r\rb", b"a: b", b"\xff\xfe"])
def test_no_name_that_a_caller_sends_keeps_him_from_his_targets(
    tmp_path: Path, name: bytes
) -> None:
    file = tmp_path / "rescue.json"
    file.write_text(json.dumps(SNAPSHOT))
    environment = b"agi_calleridname: " + name + b"\n" + ENVIRONMENT.encode()
    ran = run("200 result=1 (2)\n200 result=1\n", file, environment)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_its_start_loads_nothing_of_ours_and_nothing_heavy() -> None:
    """Its start is time that a caller waits."""
    told = subprocess.run(
        (
            sys.executable,
            "-c",
            "import sys, ivr.platforms.asterisk.rescue; print(*sys.modules, sep='\\n')",
        ),
        capture_output=True,
        text=True,
        cwd=PROJECT,
        check=True,
    ).stdout.split()
    ours = {name for name in told if name.partition(".")[0] in ("ivr", "routing")}
    assert ours == {
        "ivr",
        "ivr.platforms",
        "ivr.platforms.asterisk",
        "ivr.platforms.asterisk.rescue",
    }
    assert not {"asyncio", "pydantic", "sqlalchemy", "structlog"} & set(told)


def audio(prompt: Prompt) -> Sound | None:
    return None if "tanpa suara" in prompt.text else Sound(prompt.name)


def test_each_incident_has_the_whisper_of_the_connect_step_on_its_own_way() -> None:
    ambulance = """\
  tak-terpakai:
    connect: routes
    whisper: Tidak pernah.
  ambulans:
    connect: routes
    whisper: Ambulans.
"""
    known = snapshot(
        *small(
            dialplan=DIALPLAN.replace("steps:\n", f"steps:\n{ambulance}").replace(
                "      5:", "      2: {incident: medis, then: ambulans}\n      5:"
            )
        ),
        audio,
    )
    whispers = {i: places[""]["SIAGA_WHISPER"] for i, places in known["targets"].items()}
    assert whispers["medis"] == Prompt("Ambulans.").name
    for incident in ("kebakaran", "hewan-liar"):
        assert whispers[incident].endswith(Prompt("Tekan 1 untuk menerima.").name)
    assert Prompt("Tidak pernah.").name not in "".join(whispers.values())
    assert set(known["targets"]) == set(SERVICES)


def test_a_dialplan_without_a_connect_step_or_a_menu_leaves_everybody_to_a_person() -> None:
    steps = "start: petugas\nsteps:\n  petugas: {operator: Mohon tunggu.}\n"
    known = snapshot(*small(dialplan=DIALPLAN.partition("start:")[0] + steps), audio)
    assert (known["menu"], known["targets"]) == (None, {})
    for pbx in (Pbx("1"), Pbx(SIAGA_INCIDENT="kebakaran")):
        assert not rescued(pbx, known)
        assert "SIAGA_DONE" not in pbx.variables


def test_a_menu_without_audio_is_not_played_and_still_takes_a_key() -> None:
    silent = DIALPLAN.replace("menu: Kebakaran", "menu: tanpa suara, kebakaran")
    known = snapshot(*small(dialplan=silent), audio)
    assert known["menu"] == {"prompt": "", "seconds": 4.0, "keys": {"1": "kebakaran"}}
    pbx = Pbx("1", SIAGA_PLACE="14.03.09")
    assert rescued(pbx, known)
    assert pbx.variables["SIAGA_INCIDENT"] == "kebakaran"
    assert not [command for command in pbx.commands if command[0] == "STREAM"]


def test_its_answers_are_those_of_the_engine_for_every_incident_at_every_place() -> None:
    """The one rule that stands in two places: what extensions are left with for a caller."""
    dialplan, directory = shipped()
    known = json.loads(json.dumps(snapshot(dialplan, directory, audio)))
    channel = Channel(UNIQUEID, Keys(), lambda: 0.0, audio, directory, dialplan.phrases)
    menu = next(step for step in dialplan.steps.values() if isinstance(step, MenuStep))
    assert known["menu"]["prompt"] == Prompt(menu.menu).name
    pairs = 0
    for key, incident in known["menu"]["keys"].items():
        ways = [("", "", "")]  # the caller says nothing of the place
        for area, found in dialplan.places.areas.items():
            ways += [(area, pressed, code) for pressed, code in found.kecamatan.items()]
        for area, pressed, code in ways:
            turn = advance(dialplan, begin(dialplan, offered()).state, DigitsEntered(key))
            assert turn.state.incident == incident
            learned = [action for action in turn.actions if isinstance(action, Learn)]
            turn = _place(turn, area, pressed, dialplan)
            learned += [action for action in turn.actions if isinstance(action, Learn)]
            assert isinstance(turn.state.waiting, DecideRoute)
            decision = decide(directory, incident, turn.state.location)
            turn = advance(dialplan, turn.state, RouteDecided(decision.routes, decision.because))
            assert isinstance(turn.state.waiting, Dial)
            expected = dial_variables(turn.state.waiting, channel)
            expected[KNOWN] = joined(learned[-1].told, channel)
            expected[SHOWN] = shown(learned[-1].told)
            assert known["targets"][incident][code] == expected
            before = {"SIAGA_INCIDENT": incident, "SIAGA_PLACE": code}
            pbx = Pbx(**before)
            assert rescued(pbx, known) == (expected["SIAGA_TARGETS"] != "0")
            if expected["SIAGA_TARGETS"] != "0":
                assert pbx.variables == {**before, **expected, "SIAGA_DONE": UNIQUEID}
            pairs += 1
    assert pairs > 40


def test_a_guessed_place_is_told_as_the_engine_tells_it() -> None:
    """Duri was pressed and no kecamatan: its first one is dialled for, and nobody is told it is sure."""
    dialplan, directory = shipped()
    known = json.loads(json.dumps(snapshot(dialplan, directory, audio)))
    channel = Channel(UNIQUEID, Keys(), lambda: 0.0, audio, directory, dialplan.phrases)
    for area in dialplan.places.areas:
        turn = advance(dialplan, begin(dialplan, offered()).state, DigitsEntered("1"))
        turn = advance(dialplan, turn.state, DigitsEntered(area))
        turn = advance(dialplan, turn.state, NoInput())
        (learned,) = [action for action in turn.actions if isinstance(action, Learn)]
        decision = decide(directory, turn.state.incident, turn.state.location)
        turn = advance(dialplan, turn.state, RouteDecided(decision.routes, decision.because))
        assert isinstance(turn.state.waiting, Dial)
        before = {
            "SIAGA_INCIDENT": "kebakaran",
            "SIAGA_PLACE": learned.value,
            KNOWN: joined(learned.told, channel),
            SHOWN: shown(learned.told),
        }
        pbx = Pbx(**before)
        assert rescued(pbx, known)
        expected = dial_variables(turn.state.waiting, channel)
        assert pbx.variables == {**before, **expected, "SIAGA_DONE": UNIQUEID}


def _place(turn: Turn, area: str, key: str, dialplan: Any) -> Turn:
    while not isinstance(turn.state.waiting, DecideRoute):
        event = NoInput() if not area else DigitsEntered(area if turn.state.area is None else key)
        turn = advance(dialplan, turn.state, event)
    return turn
