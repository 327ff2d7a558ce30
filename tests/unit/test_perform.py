"""Actions become AGI commands in the right order, and answers become what the caller did."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest
from small_deployment import TRUNKS, small

from ivr.flow.actions import Action, DecideRoute, Dial, Gather, Learn, Record, Say
from ivr.flow.events import DigitsEntered, Event, NoInput, Recorded
from ivr.flow.model import OPERATOR_ROUTE
from ivr.flow.prompt import Prompt
from ivr.platforms.asterisk.agi import Command, Reply
from ivr.platforms.asterisk.keys import PATIENCE_S, Keys
from ivr.platforms.asterisk.perform import (
    dial_variables,
    perform,
    shown,
)
from ivr.platforms.asterisk.playing import COMMAND_S, Channel, Request
from ivr.platforms.asterisk.targets import PLAYED
from routing.model import DIRECT, Location, Route, Trunk

_, DIRECTORY = small()
_, REAL = small(trunks=TRUNKS.replace("ISI-ALAMAT", "127.0.0.1:5070"))

GREETING = Prompt("Anda terhubung ke 112.")
ASKED = Prompt("Kebakaran tekan 1.")
MORE = Prompt("Lainnya tekan 5.")
ROLE = Prompt("Instansi ini diperankan mesin.")
WHISPER = (Prompt("Kebakaran."), Prompt("Mandau"))
FIRST = Route("damkar-mandau", "damkar-sip", "101", 20.0, "answer")
SECOND = Route("damkar-mandau", "jasnita", "ISI-NOMOR", 15.0, "press")


@dataclass(frozen=True)
class Sound:
    path: str
    seconds: float = 2.0


def sound(prompt: Prompt) -> Sound | None:
    return None if "tanpa suara" in prompt.text else Sound(f"siaga/{prompt.name}")


@dataclass
class Caller:
    """Answers requests: a command's words to the line after ``200``; keeps what was asked."""

    answers: dict[str, list[str]] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)
    meanwhile: Callable[[Command], None] = lambda command: None
    now: float = 100.0
    keys: Keys = field(default_factory=Keys)

    def channel(self, *, real: bool = False) -> Channel:
        return Channel(
            uniqueid="17.1",
            keys=self.keys,
            now=lambda: self.now,
            audio=sound,
            directory=REAL if real else DIRECTORY,
            phrases={"role_agency": ROLE.text},
            recordings="/recordings",
        )

    def perform(self, channel: Channel, *actions: Action) -> Event | None:
        performer = perform(actions, channel)
        try:
            request = next(performer)
            while True:
                request = performer.send(self._reply(request))
        except StopIteration as done:
            event: Event | None = done.value
            return event

    def _reply(self, request: Request) -> Reply:
        self.asked.append(request)
        command = request.command
        self.meanwhile(command)
        left = self.answers.get(command.verb, [])
        result, _, rest = (left.pop(0) if left else "0").partition(" ")
        data, _, endpos = rest.partition(" endpos=")
        return Reply(200, result, data.strip("()") or None, int(endpos) if endpos else None)

    @property
    def said(self) -> list[str]:
        return [" ".join((r.command.verb, *r.command.arguments)) for r in self.asked]

    @property
    def variables(self) -> dict[str, str]:
        found = {}
        for request in self.asked:
            if request.command.verb == "SET VARIABLE":
                name, value = request.command.arguments
                found[name] = value
        return found


def ask(*prompts: Prompt, seconds: float = 4.0, digits: int = 1) -> Gather:
    return Gather(prompts, seconds, digits)


def played(prompt: Prompt) -> str:
    return f"STREAM FILE siaga/{prompt.name} 0123456789*#"


# Order and deadlines


@pytest.mark.parametrize(
    "actions",
    [
        (Say((GREETING,)), ask(ASKED)),
        (Learn("place", "14.03.09"), DecideRoute("kebakaran", "14.03.09")),
        (Dial((OPERATOR_ROUTE,), ()),),
        (),
    ],
)
def test_the_absolute_timeout_is_armed_before_anything_else(actions: Sequence[Action]) -> None:
    caller = Caller()
    caller.perform(caller.channel(), *actions)
    assert caller.said[0].startswith("SET VARIABLE TIMEOUT(absolute) ")
    assert sum("TIMEOUT" in line for line in caller.said) == 1


def test_the_absolute_timeout_outlives_every_prompt_and_wait_of_the_turn() -> None:
    caller = Caller()
    caller.perform(caller.channel(), Say((GREETING,)), ask(ASKED, MORE, digits=3))
    armed = int(caller.variables["TIMEOUT(absolute)"])
    assert armed > 3 * 2.0 + 3 * 4.0 + COMMAND_S
    assert armed <= 3 * 2.0 + 3 * 4.0 + 15


def test_every_command_has_a_deadline_longer_than_what_it_plays_or_waits() -> None:
    caller = Caller()
    caller.perform(caller.channel(), ask(ASKED))
    by_verb = {request.command.verb: request.seconds for request in caller.asked}
    assert by_verb == {
        "SET VARIABLE": COMMAND_S,
        "STREAM FILE": 2.0 + COMMAND_S,
        "WAIT FOR DIGIT": 4.0 + COMMAND_S,
    }


def test_a_turn_without_a_wait_of_ours_has_no_event() -> None:
    caller = Caller()
    turn = (Learn("place", "14.03.09"), DecideRoute("kebakaran", "14.03.09"))
    assert caller.perform(caller.channel(), *turn) is None
    assert caller.variables["SIAGA_PLACE"] == "14.03.09"


# Keys


def test_a_key_during_the_wait_is_the_answer() -> None:
    caller = Caller({"WAIT FOR DIGIT": ["49"]})
    assert caller.perform(caller.channel(), ask(ASKED)) == DigitsEntered("1")
    assert caller.said[1:] == [played(ASKED), "WAIT FOR DIGIT 4000"]


def test_a_key_from_the_first_syllable_on_is_the_answer_and_stops_the_rest() -> None:
    caller = Caller({"STREAM FILE": ["49"]})
    assert caller.perform(caller.channel(), ask(ASKED, MORE)) == DigitsEntered("1")
    assert caller.said[1:] == [played(ASKED)]


def test_no_key_is_no_input() -> None:
    caller = Caller()
    assert caller.perform(caller.channel(), ask(ASKED)) == NoInput()


def test_a_key_pressed_while_something_is_said_answers_the_next_question() -> None:
    caller = Caller({"STREAM FILE": ["48"]})
    turn = (Say((GREETING, MORE)), ask(ASKED))
    assert caller.perform(caller.channel(), *turn) == DigitsEntered("0")
    assert caller.said[1:] == [played(GREETING)], "nothing more is played to somebody who knows"


def test_a_key_kept_by_one_turn_answers_the_next_turn() -> None:
    caller = Caller({"STREAM FILE": ["53"]})
    channel = caller.channel()
    assert caller.perform(channel, Say((GREETING,)), Learn("place", "x")) is None
    assert caller.perform(channel, ask(ASKED)) == DigitsEntered("5")


def test_several_digits_are_gathered_in_order() -> None:
    caller = Caller({"STREAM FILE": ["49"], "WAIT FOR DIGIT": ["50", "51"]})
    assert caller.perform(caller.channel(), ask(ASKED, digits=3)) == DigitsEntered("123")


def test_a_wait_that_runs_out_ends_with_the_digits_so_far() -> None:
    caller = Caller({"STREAM FILE": ["49"], "WAIT FOR DIGIT": ["0"]})
    assert caller.perform(caller.channel(), ask(ASKED, digits=3)) == DigitsEntered("1")


def test_a_key_pressed_between_two_prompts_becomes_the_answer() -> None:
    """Asterisk threw it away; only AMI heard it."""
    caller = Caller()

    def press(command: Command) -> None:
        if command.arguments[0].endswith(ASKED.name):
            caller.keys.heard("1", caller.now)
        caller.now += PATIENCE_S

    caller.meanwhile = press
    assert caller.perform(caller.channel(), ask(ASKED, MORE)) == DigitsEntered("1")
    assert "WAIT FOR DIGIT 4000" not in caller.said


def test_a_key_heard_just_before_the_wait_becomes_the_answer_after_it() -> None:
    caller = Caller()

    def press(command: Command) -> None:
        if command.verb == "STREAM FILE":
            caller.keys.heard("1", caller.now)
        else:
            caller.now += 4.0

    caller.meanwhile = press
    assert caller.perform(caller.channel(), ask(ASKED)) == DigitsEntered("1")


def test_a_key_reported_by_both_ears_does_not_answer_the_next_question_too() -> None:
    caller = Caller({"STREAM FILE": ["49"]})
    caller.meanwhile = lambda command: (
        caller.keys.heard("1", caller.now) if command.verb == "STREAM FILE" else None
    )
    channel = caller.channel()
    assert caller.perform(channel, ask(ASKED)) == DigitsEntered("1")
    caller.now += 1.0
    caller.meanwhile = lambda command: None
    assert caller.perform(channel, ask(MORE)) == NoInput()


def test_a_key_lost_between_two_commands_answers_before_the_key_told_after_it() -> None:
    caller = Caller({"STREAM FILE": ["0", "50"]})
    channel = caller.channel()
    caller.meanwhile = lambda command: (
        caller.keys.heard("1", caller.now) if command.arguments[0].endswith(ASKED.name) else None
    )
    assert caller.perform(channel, ask(ASKED, MORE)) == DigitsEntered("1")
    assert caller.perform(channel, ask(GREETING)) == DigitsEntered("2")


def test_keys_kept_through_something_said_keep_their_order() -> None:
    caller = Caller()
    channel = caller.channel()
    caller.keys.heard("1", caller.now)
    caller.keys.heard("2", caller.now)
    caller.now += PATIENCE_S
    assert caller.perform(channel, Say((GREETING,)), ask(ASKED)) == DigitsEntered("1")
    assert caller.perform(channel, Say((GREETING,)), ask(ASKED)) == DigitsEntered("2")


# Prompts


FRESH = Gather((ASKED, MORE), 4.0, fresh=True)


def test_a_key_meant_for_an_earlier_question_is_no_answer_to_a_fresh_one() -> None:
    """The caller keys 1 1 for the area and the kecamatan, and is asked whether his phone is right."""
    caller = Caller()
    caller.keys.told("1", caller.now)
    caller.keys.told("1", caller.now)
    caller.keys.heard("2", caller.now)
    assert caller.perform(caller.channel(), FRESH) == NoInput()
    assert caller.said[1:] == [played(ASKED), played(MORE), "WAIT FOR DIGIT 4000"]
    assert not caller.keys.any


def test_a_fresh_question_is_answered_from_its_second_prompt_on() -> None:
    caller = Caller({"STREAM FILE": [str(ord("1")), str(ord("2"))]})
    assert caller.perform(caller.channel(), FRESH) == DigitsEntered("2")
    assert caller.said[1:] == [played(ASKED), played(MORE)]


def test_0_is_the_operator_at_a_fresh_question_whenever_it_was_pressed() -> None:
    early = Caller()
    early.keys.told("1", early.now)
    early.keys.heard("0", early.now)
    assert early.perform(early.channel(), FRESH) == DigitsEntered("0")
    assert early.said[1:] == []
    first = Caller({"STREAM FILE": [str(ord("0"))]})
    assert first.perform(first.channel(), FRESH) == DigitsEntered("0")
    assert first.said[1:] == [played(ASKED)]


def test_a_prompt_without_audio_is_skipped_and_reported_and_the_dialogue_goes_on() -> None:
    silent = Prompt("tanpa suara")
    caller = Caller({"WAIT FOR DIGIT": ["49"]})
    channel = caller.channel()
    turn = (Say((silent, GREETING)), ask(silent, ASKED))
    assert caller.perform(channel, *turn) == DigitsEntered("1")
    assert caller.said[1:3] == [played(GREETING), played(ASKED)]
    assert channel.silent == [silent, silent]


def test_minus_one_for_a_missing_file_is_no_hang_up() -> None:
    caller = Caller({"STREAM FILE": ["-1", "-1", "49"]})
    channel = caller.channel()
    assert caller.perform(channel, Say((GREETING,)), ask(ASKED, MORE)) == DigitsEntered("1")
    assert channel.silent == [GREETING, ASKED]


def test_minus_one_in_the_middle_of_a_prompt_is_no_missing_file() -> None:
    """So it ends when the caller hangs up; that must not raise an alarm about the prompt."""
    caller = Caller()
    channel = caller.channel()
    performer = perform((Say((GREETING,)),), channel)
    next(performer)
    performer.send(Reply(200, "1"))
    with pytest.raises(StopIteration):
        performer.send(Reply(200, "-1", endpos=4000))
    assert channel.silent == []


# Targets and token


def test_the_token_is_the_very_last_command() -> None:
    caller = Caller()
    turn = (Say((GREETING,)), Dial((FIRST, SECOND, OPERATOR_ROUTE), WHISPER))
    assert caller.perform(caller.channel(), *turn) is None
    assert caller.said[-1] == "SET VARIABLE SIAGA_DONE 17.1"
    assert sum("SIAGA_DONE" in line for line in caller.said) == 1
    assert caller.said[1] == played(GREETING)


def test_the_targets_stand_in_their_order_and_the_operator_needs_none() -> None:
    caller = Caller()
    found = dial_variables(
        Dial((FIRST, SECOND, OPERATOR_ROUTE), WHISPER), caller.channel(real=True)
    )
    role = "&".join(f"siaga/{prompt.name}" for prompt in (ROLE, Prompt("Pos Damkar Mandau")))
    assert found == {
        "SIAGA_WHISPER": "&".join(f"siaga/{prompt.name}" for prompt in WHISPER),
        "SIAGA_BUDGET": "60",
        "SIAGA_TARGETS": "2",
        "SIAGA_T1": "PJSIP/101@damkar-sip",
        "SIAGA_T1_ID": "damkar-mandau/damkar-sip",
        "SIAGA_T1_RING": "20",
        "SIAGA_T1_ACCEPT": "answer",
        "SIAGA_T1_ROLE": "",
        "SIAGA_T1_WITH": "",
        "SIAGA_T1_PHONE": "pjsip-101-damkar-sip",
        "SIAGA_T1_LINES": "1",
        "SIAGA_T1_TRUNK": "damkar-sip",
        "SIAGA_T1_CHANNELS": "2",
        "SIAGA_T1_SETUP": "4",
        "SIAGA_T1_PILOT": "",
        "SIAGA_T1_WHERE": "",
        "SIAGA_T2": PLAYED,
        "SIAGA_T2_ID": "damkar-mandau/jasnita",
        "SIAGA_T2_RING": "15",
        "SIAGA_T2_ACCEPT": "press",
        "SIAGA_T2_ROLE": role,
        "SIAGA_T2_WITH": "",
        "SIAGA_T2_PHONE": "",
        "SIAGA_T2_LINES": "1",
        "SIAGA_T2_TRUNK": "",
        "SIAGA_T2_CHANNELS": "",
        "SIAGA_T2_SETUP": "4",
        "SIAGA_T2_PILOT": "",
        "SIAGA_T2_WHERE": "",
    }


def test_what_a_trunk_allows_goes_with_each_of_its_targets() -> None:
    trunk = Trunk("damkar-sip", "10.0.0.5", channels=2, pilot="0766112", setup_s=10.0)
    channel = Caller().channel(real=True)
    directory = replace(channel.directory, trunks={"damkar-sip": trunk})
    both = (FIRST, replace(FIRST, target="102", lines=3, together=True), OPERATOR_ROUTE)
    found = dial_variables(
        Dial(both, WHISPER, budget_s=41.5), replace(channel, directory=directory)
    )
    assert found["SIAGA_BUDGET"] == "41"
    assert found["SIAGA_T1_WITH"] == ""
    assert found["SIAGA_T2_WITH"] == "1"
    assert (found["SIAGA_T2_LINES"], found["SIAGA_T2_CHANNELS"]) == ("3", "2")
    assert (found["SIAGA_T2_SETUP"], found["SIAGA_T2_PILOT"]) == ("10", "0766112")


@pytest.mark.parametrize(
    ("told", "display"),
    [
        ((Prompt("Kebakaran"), Prompt("Mandau")), "Kebakaran Mandau"),
        ((Prompt('Rumah "Sakit"\n;<sip:x>'),), "Rumah Sakit sip x"),
        ((Prompt("Gangguan kesehatan"), Prompt("Kecamatan yang namanya panjang sekali")), None),
        ((), ""),
    ],
)
def test_a_display_is_shown_what_every_telephone_can_show(
    told: tuple[Prompt, ...], display: str | None
) -> None:
    found = shown(told)
    assert display is None or found == display
    assert re.fullmatch(r"[A-Za-z0-9 .-]{0,40}", found)


def test_a_coordinate_may_be_shown_where_a_position_may_be_told_and_nowhere_else() -> None:
    channel = Caller().channel(real=True)
    told = Trunk("damkar-sip", "10.0.0.5", location=True)
    trunks = {"damkar-sip": told, "jasnita": Trunk("jasnita", "10.0.0.6")}
    channel = replace(channel, directory=replace(channel.directory, trunks=trunks))
    direct = replace(FIRST, trunk=DIRECT, target="sip:pos@10.0.0.7")
    routes = (FIRST, replace(FIRST, trunk="jasnita"), direct, replace(FIRST, target="ISI-NOMOR"))
    found = dial_variables(Dial(routes, WHISPER), channel)
    assert [found[f"SIAGA_T{n}_WHERE"] for n in (1, 2, 3, 4)] == ["1", "", "1", ""]


def test_who_was_to_ring_with_a_target_that_is_left_out_rings_with_nobody_before_it() -> None:
    unsafe = replace(FIRST, target="1&2")
    follower = replace(FIRST, target="102", together=True)
    both = (FIRST, unsafe, follower, replace(follower, target="103"), OPERATOR_ROUTE)
    found = dial_variables(Dial(both, WHISPER), Caller().channel(real=True))
    assert found["SIAGA_TARGETS"] == "3"
    assert [found[f"SIAGA_T{n}_WITH"] for n in (1, 2, 3)] == ["", "", "1"]


def test_a_target_without_a_number_or_an_address_is_played_and_says_who_it_is() -> None:
    """In the small deployment no trunk has an address yet."""
    found = dial_variables(Dial((FIRST, SECOND, OPERATOR_ROUTE), ()), Caller().channel())
    assert (found["SIAGA_T1"], found["SIAGA_T2"]) == (PLAYED, PLAYED)
    assert found["SIAGA_T1_ROLE"].endswith(Prompt("Pos Damkar Mandau").name)


def test_the_place_is_left_before_the_targets_and_the_token_last() -> None:
    caller = Caller()
    cell = Location("pani", "14.03.09", 1.2856, 101.197, 850.0)
    caller.perform(replace(caller.channel(real=True), location=cell), Dial((FIRST,), WHISPER))
    names = [request.command.arguments[0] for request in caller.asked]
    assert names[1] == "GEOLOC_PROFILE(format)"
    assert names.index("GEOLOC_PROFILE(inheritable)") < names.index("SIAGA_T1")
    assert names[-1] == "SIAGA_DONE"


def test_the_operator_alone_needs_no_targets() -> None:
    assert dial_variables(Dial((OPERATOR_ROUTE,), ()), Caller().channel()) == {
        "SIAGA_WHISPER": "",
        "SIAGA_BUDGET": "60",
        "SIAGA_TARGETS": "0",
    }


@pytest.mark.parametrize(
    "hostile",
    [
        replace(FIRST, target="101&PJSIP/999@jasnita"),
        replace(FIRST, target="101,60,g"),
        replace(FIRST, target="${SHELL(id)}"),
        replace(FIRST, target="101\nEXEC System id"),
        replace(FIRST, target=""),
        replace(FIRST, target="sip:a@b&Local/x"),
        replace(FIRST, agency="damkar,mandau"),
        replace(FIRST, agency="damkar&mandau"),
        replace(FIRST, agency="damkar\nmandau"),
        replace(FIRST, trunk="jasnita&x", target="ISI-NOMOR"),
        replace(FIRST, trunk="langsung,1", target="sip:a@b"),
    ],
)
def test_a_hostile_target_is_left_out_and_the_others_are_dialled(hostile: Route) -> None:
    caller = Caller()
    channel = caller.channel(real=True)
    caller.perform(channel, Dial((hostile, FIRST, OPERATOR_ROUTE), WHISPER))
    found = caller.variables
    assert found["SIAGA_TARGETS"] == "1"
    assert found["SIAGA_T1"] == "PJSIP/101@damkar-sip"
    assert "SIAGA_T2" not in found
    for name, value in found.items():
        if re.fullmatch(r"SIAGA_T\d+(_ID)?", name):
            assert not set(value) & set("&,$\n ")
    assert caller.said[-1] == "SET VARIABLE SIAGA_DONE 17.1"


def test_a_whisper_without_audio_is_left_out_and_reported() -> None:
    silent = Prompt("tanpa suara")
    channel = Caller().channel()
    found = dial_variables(Dial((OPERATOR_ROUTE,), (silent, *WHISPER)), channel)
    assert found["SIAGA_WHISPER"] == "&".join(f"siaga/{prompt.name}" for prompt in WHISPER)
    assert channel.silent == [silent]


# Longer inputs, and what callers say


def test_hash_ends_a_longer_input_and_is_no_part_of_it() -> None:
    caller = Caller({"STREAM FILE": ["49"], "WAIT FOR DIGIT": ["50", "35"]})
    assert caller.perform(caller.channel(), ask(ASKED, digits=4)) == DigitsEntered("12")


def test_hash_alone_is_no_input_and_as_the_only_digit_it_is_a_key() -> None:
    caller = Caller({"WAIT FOR DIGIT": ["35"]})
    assert caller.perform(caller.channel(), ask(ASKED, digits=4)) == NoInput()
    caller = Caller({"WAIT FOR DIGIT": ["35"]})
    assert caller.perform(caller.channel(), ask(ASKED)) == DigitsEntered("#")


def test_a_hash_after_the_last_digit_belongs_to_the_input_and_to_no_other_question() -> None:
    caller = Caller({"WAIT FOR DIGIT": ["49", "50", "35", "49"]})
    channel = caller.channel()
    assert caller.perform(channel, ask(ASKED, digits=2)) == DigitsEntered("12")
    assert caller.perform(channel, ask(MORE)) == DigitsEntered("1")


def test_a_hash_long_after_the_last_digit_is_a_key_like_any_other() -> None:
    caller = Caller({"WAIT FOR DIGIT": ["49", "50"]})
    channel = caller.channel()
    assert caller.perform(channel, ask(ASKED, digits=2)) == DigitsEntered("12")
    caller.now += 4.0
    caller.answers = {"WAIT FOR DIGIT": ["35"]}
    assert caller.perform(channel, ask(MORE)) == DigitsEntered("#")


SPEAK = Record("keterangan", (ASKED,), 8.0)


@pytest.mark.parametrize(
    ("answer", "event"),
    [
        ("0 (timeout) endpos=64000", Recorded("keterangan", 8.0)),
        # A second of the silence that ended it is kept.
        ("0 (timeout) endpos=20000", Recorded("keterangan", 1.5)),
        # No key was pressed, whatever the number is.
        ("48 (timeout) endpos=20000", Recorded("keterangan", 1.5)),
        ("35 (dtmf) endpos=16000", Recorded("keterangan", 2.0)),
        ("0 (timeout) endpos=8800", NoInput()),
        ("35 (dtmf) endpos=800", NoInput()),
        ("-1 (writefile) endpos=0", NoInput()),
        ("48 (dtmf) endpos=8000", DigitsEntered("0")),
    ],
)
def test_what_a_caller_says_is_recorded_under_the_name_of_the_step(
    answer: str, event: Event
) -> None:
    caller = Caller({"RECORD FILE": [answer]})
    assert caller.perform(caller.channel(), SPEAK) == event
    assert caller.said[-1].startswith("RECORD FILE /recordings/17.1-keterangan wav")
    assert caller.said[-1].endswith("8000 s=3")


def test_0_while_the_question_is_asked_records_nothing() -> None:
    caller = Caller({"STREAM FILE": ["48"]})
    assert caller.perform(caller.channel(), SPEAK) == DigitsEntered("0")
    assert caller.said[1:] == [played(ASKED)]


def test_the_caller_s_own_words_are_played_to_the_responder() -> None:
    caller = Caller()
    whisper = (GREETING, Prompt("(rekaman keterangan)", recording="keterangan"))
    caller.perform(caller.channel(), Dial((OPERATOR_ROUTE,), whisper))
    assert caller.variables["SIAGA_WHISPER"].endswith("&/recordings/17.1-keterangan")
