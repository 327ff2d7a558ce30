"""A caller who speaks while a question plays: what Asterisk is told, and what its answers mean.

The answers are lines as Asterisk 22 writes them, read by the real protocol.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest
from protocol.fake_asterisk import environment
from small_deployment import small

from ivr.flow.actions import Action, Dial, Gather, Learn, Say
from ivr.flow.events import DigitsEntered, Event, NoInput, SpeechHeard
from ivr.flow.model import OPERATOR_ROUTE
from ivr.flow.prompt import Prompt
from ivr.flow.spoken import ANSWER_S, SPEAKING_S, Heard, Nothing, Phrase, Vocabulary
from ivr.platforms.asterisk.agi import AgiConnection, Reply
from ivr.platforms.asterisk.keys import Keys
from ivr.platforms.asterisk.listening import MOST_TIMES, Hearing, to_join
from ivr.platforms.asterisk.perform import GUARD_S, perform
from ivr.platforms.asterisk.playing import Channel, Request
from ivr.speech.wire import SPOKE, to_text

_, DIRECTORY = small()
VOCABULARY = Vocabulary("menu", (Phrase("kebakaran", "1"),))
GREETING, MENU, LAST = (
    Prompt("Anda terhubung."),
    Prompt("Kebakaran tekan 1."),
    Prompt("Atau tetap."),
)
SOUND_S = 2.0
WAIT_S = 4.0
LAST_S = math.ceil(WAIT_S + ANSWER_S) + 1  # Asterisk's own time-out, after everybody's
FIRE = Heard("tolong kebakaran", "1", 0.95, engine="test")
ASKED = Gather((MENU,), WAIT_S, vocabulary=VOCABULARY)
DONE = "200 result=1"
PLAYED = "200 result=0 endpos=16000"


def spoken(text: str) -> str:
    return f'200 result=1 (speech) endpos=0 results=1 score0=100 text0="{text}" grammar0=(null)'


def key(digit: str) -> str:
    return f"200 result=1 (digit) digit={digit} endpos=0"


@dataclass(frozen=True)
class Sound:
    path: str
    seconds: float


def sound(prompt: Prompt) -> Sound | None:
    return None if "tanpa suara" in prompt.text else Sound(prompt.text, SOUND_S)


@dataclass
class Listener:
    """The controller's ear, and all it was asked."""

    there: bool = True
    asked: list[tuple[float, float, bool]] = field(default_factory=list)
    open: set[str] = field(default_factory=set)

    def listens(self) -> bool:
        return self.there

    def ask(self, vocabulary: Vocabulary, prompt_s: float, wait_s: float, *, bargein: bool) -> str:
        assert vocabulary == VOCABULARY
        self.asked.append((round(prompt_s, 2), round(wait_s, 2), bargein))
        self.open.add(f"q{len(self.asked)}")
        return f"q{len(self.asked)}"

    def drop(self, question_id: str) -> None:
        self.open.remove(question_id)


Answer = tuple[float, str]
"""After so many seconds Asterisk says this."""


@dataclass
class Call:
    """One caller: what Asterisk answers to each SPEECH RECOGNIZE and each wait, in order."""

    recognised: list[Answer] = field(default_factory=list)
    waited: list[Answer] = field(default_factory=list)
    played: list[Answer] = field(default_factory=list)
    created: str = DONE
    ear: Listener = field(default_factory=Listener)
    together: bool = True  # sounds can be joined
    meanwhile: Callable[[Request], None] = lambda request: None
    now: float = 50.0
    keys: Keys = field(default_factory=Keys)
    requests: list[Request] = field(default_factory=list)
    hearing: Hearing = field(init=False)

    def __post_init__(self) -> None:
        self.hearing = Hearing(self.ear, self._joined)

    def _joined(self, paths: Sequence[str]) -> Sound | None:
        if paths and not self.together:
            return None
        return Sound("+".join(paths) or "silence", SOUND_S * len(paths) or 0.1)

    @property
    def channel(self) -> Channel:
        return Channel(
            "17.1", self.keys, lambda: self.now, sound, DIRECTORY, {}, hearing=self.hearing
        )

    def perform(self, *actions: Action) -> Event | None:
        performer = perform(actions, self.channel)
        try:
            request = next(performer)
            while True:
                request = performer.send(self._reply(request))
        except StopIteration as done:
            assert not self.ear.open, "whoever was asked is told when nobody waits any more"
            event: Event | None = done.value
            return event

    def _reply(self, request: Request) -> Reply:
        self.requests.append(request)
        self.meanwhile(request)
        match request.command.verb:
            case "SPEECH RECOGNIZE":
                seconds, line = self.recognised.pop(0)
            case "WAIT FOR DIGIT":
                default = (int(request.command.arguments[0]) / 1000, "200 result=0")
                seconds, line = self.waited.pop(0) if self.waited else default
            case "STREAM FILE":
                default = (request.seconds - 3.0, PLAYED)
                seconds, line = self.played.pop(0) if self.played else default
            case "SPEECH CREATE":
                seconds, line = 0.0, self.created
            case _:
                seconds, line = 0.0, DONE
        assert seconds <= request.seconds, "within its deadline"
        self.now += seconds
        connection = AgiConnection()
        connection.receive(environment())
        connection.send(request.command)
        (message,) = connection.receive(f"{line}\n".encode())
        assert isinstance(message, Reply)
        return message

    @property
    def said(self) -> list[str]:
        """The commands, without what arms the net."""
        lines = [" ".join((r.command.verb, *r.command.arguments)) for r in self.requests]
        return [line for line in lines if not line.startswith("SET VARIABLE")]

    @property
    def answers(self) -> list[Heard | Nothing]:
        return [answered.answer for answered in self.hearing.answers]


# A shortcut


def test_speech_over_the_prompt_answers_the_question() -> None:
    call = Call([(1.2, spoken(to_text(FIRE)))])
    assert call.perform(ASKED) == SpeechHeard(FIRE)
    assert call.said == [
        "SPEECH CREATE siaga",
        "SPEECH SET ask q1",
        f"SPEECH RECOGNIZE {MENU.text} {LAST_S} 0",
    ]
    assert call.ear.asked == [(SOUND_S, WAIT_S, True)]
    assert call.answers == [FIRE]


def test_a_caller_is_heard_over_what_is_said_before_the_question_too() -> None:
    call = Call([(1.2, spoken(to_text(FIRE)))])
    turn = (Say((GREETING,)), Learn("incident", "medis"), replace(ASKED, prompts=(MENU, LAST)))
    assert to_join(turn, call.channel) == [(), (GREETING.text, MENU.text, LAST.text)]
    assert call.perform(*turn) == SpeechHeard(FIRE)
    (recognition,) = [line for line in call.said if "RECOGNIZE" in line]
    assert f"{GREETING.text}+{MENU.text}+{LAST.text}" in recognition
    assert not any("STREAM FILE" in line for line in call.said)


def test_sounds_that_were_not_joined_play_one_by_one_and_the_last_is_listened_over() -> None:
    call = Call([(1.2, spoken(to_text(FIRE)))], together=False)
    assert call.perform(Say((GREETING,)), replace(ASKED, prompts=(MENU, LAST))) == SpeechHeard(FIRE)
    assert call.said == [
        f"STREAM FILE {GREETING.text} 0123456789*#",
        f"STREAM FILE {MENU.text} 0123456789*#",
        "SPEECH CREATE siaga",
        "SPEECH SET ask q1",
        f"SPEECH RECOGNIZE {LAST.text} {LAST_S} 0",
    ]


def test_without_bargein_nobody_listens_before_the_prompts_have_ended() -> None:
    call = Call([(1.2, spoken(to_text(FIRE)))])
    assert call.perform(Say((GREETING,)), replace(ASKED, bargein=False)) == SpeechHeard(FIRE)
    assert call.said[:2] == [f"STREAM FILE {p.text} 0123456789*#" for p in (GREETING, MENU)]
    assert call.said[-1].startswith("SPEECH RECOGNIZE silence ")
    assert call.ear.asked == [(0.1, WAIT_S, False)]


def test_a_fresh_question_is_not_answered_by_what_was_said_before_it_was_heard() -> None:
    call = Call([(1.2, spoken(to_text(FIRE)))])
    asked = replace(ASKED, prompts=(MENU, LAST), fresh=True)
    assert call.perform(Say((GREETING,)), asked) == SpeechHeard(FIRE)
    assert call.said[:2] == [f"STREAM FILE {p.text} 0123456789*#" for p in (GREETING, MENU)]
    assert f"SPEECH RECOGNIZE {LAST.text} {LAST_S} 0" in call.said


def test_the_prompt_stops_as_soon_as_somebody_speaks_and_he_is_heard_out() -> None:
    call = Call([(0.8, spoken(SPOKE)), (1.5, spoken(to_text(FIRE)))])
    assert call.perform(ASKED) == SpeechHeard(FIRE)
    longest = math.ceil(SOUND_S - 0.8 + WAIT_S + SPEAKING_S + ANSWER_S - 0.1) + 1
    assert call.said[-1] == f"SPEECH RECOGNIZE silence {longest} 0"
    assert len(call.ear.asked) == 1, "it is still the same question"


def test_one_line_serves_the_whole_session_and_is_closed_before_extensions_take_over() -> None:
    call = Call([(1.0, spoken(to_text(FIRE))), (1.0, spoken(to_text(FIRE)))])
    call.perform(ASKED)
    call.perform(ASKED)
    call.perform(Dial((OPERATOR_ROUTE,), ()))
    assert [line for line in call.said if "CREATE" in line or "DESTROY" in line] == [
        "SPEECH CREATE siaga",
        "SPEECH DESTROY",
    ]
    assert call.requests[-1].command.arguments[0] == "SIAGA_DONE"


def test_what_was_said_but_is_no_word_of_the_question_is_an_answer_too() -> None:
    call = Call([(1.0, spoken(to_text(Heard("selamat pagi"))))])
    assert call.perform(ASKED) == SpeechHeard(Heard("selamat pagi"))


# Keys


def test_a_key_beats_speech() -> None:
    call = Call([(1.2, key("3"))])
    assert call.perform(ASKED) == DigitsEntered("3")


def test_a_key_that_only_the_second_ear_heard_was_first() -> None:
    call = Call([(1.2, spoken(to_text(FIRE)))])
    call.meanwhile = lambda request: (
        call.keys.heard("5", call.now) if request.command.verb == "SPEECH SET" else None
    )
    assert call.perform(ASKED) == DigitsEntered("5")


@pytest.mark.parametrize("verb", ["SPEECH CREATE", "SPEECH SET"])
def test_a_key_that_falls_before_anybody_listens_is_the_answer_at_once(verb: str) -> None:
    call = Call()
    call.meanwhile = lambda request: (
        call.keys.heard("5", call.now) if request.command.verb == verb else None
    )
    assert call.perform(replace(ASKED, fresh=True, prompts=(MENU, LAST))) == DigitsEntered("5")
    assert call.said[-1] == "SPEECH SET ask q1", "nothing more is played"


def test_a_key_that_falls_where_no_line_could_be_made_is_the_answer_at_once() -> None:
    call = Call(created="200 result=0")
    call.meanwhile = lambda request: (
        call.keys.heard("5", call.now) if request.command.verb == "SPEECH CREATE" else None
    )
    assert call.perform(ASKED) == DigitsEntered("5")
    assert call.said == ["SPEECH CREATE siaga"]


def test_a_key_that_falls_as_the_sound_stops_for_speech_is_the_answer_at_once() -> None:
    call = Call([(0.8, spoken(SPOKE))])
    call.meanwhile = lambda request: (
        call.keys.heard("5", call.now) if request.command.verb == "SPEECH RECOGNIZE" else None
    )
    assert call.perform(ASKED) == DigitsEntered("5")


def test_a_key_pressed_before_the_question_is_its_answer_and_nobody_is_asked_to_listen() -> None:
    call = Call()
    call.keys.keep("2")
    assert call.perform(ASKED) == DigitsEntered("2")
    assert call.said == []


def test_after_the_first_of_several_digits_speech_is_over() -> None:
    call = Call([(1.0, key("2"))], waited=[(0.5, "200 result=56"), (0.5, "200 result=35")])
    assert call.perform(replace(ASKED, max_digits=5)) == DigitsEntered("28")
    assert sum("RECOGNIZE" in line for line in call.said) == 1


# Nothing came of it


def test_silence_until_the_end_is_no_input() -> None:
    call = Call([(SOUND_S + WAIT_S, spoken(to_text(Nothing("silence"))))])
    assert call.perform(ASKED) == NoInput()
    assert call.said[-1].startswith("SPEECH RECOGNIZE"), "nothing is waited for twice"
    assert call.answers == [Nothing("silence")]


def test_a_recogniser_that_fails_costs_the_shortcut_and_nothing_else() -> None:
    call = Call([(0.5, spoken(to_text(Nothing("failed"))))], waited=[(3.9, "200 result=49")])
    assert call.perform(ASKED) == DigitsEntered("1")
    assert call.said[-2:] == [
        f"STREAM FILE {MENU.text} 0123456789*# 4000",
        f"WAIT FOR DIGIT {WAIT_S * 1000:.0f}",
    ]


def test_one_that_fails_after_the_prompt_leaves_the_keys_their_whole_time() -> None:
    call = Call([(SOUND_S + 3.5, spoken(to_text(Nothing("failed"))))])
    assert call.perform(ASKED) == NoInput()
    assert call.said[-1] == f"WAIT FOR DIGIT {WAIT_S * 1000:.0f}"


def test_after_noise_the_prompt_goes_on_and_so_does_the_listening() -> None:
    call = Call([(0.5, spoken(to_text(Nothing("noise")))), (1.0, spoken(to_text(FIRE)))])
    assert call.perform(ASKED) == SpeechHeard(FIRE)
    assert re.fullmatch(rf"SPEECH RECOGNIZE {MENU.text} \d+ 4000", call.said[-1])
    assert call.ear.asked == [(SOUND_S, WAIT_S, True), (1.5, WAIT_S, True)]


def test_a_prompt_that_noise_has_stopped_goes_on_where_it_stopped() -> None:
    call = Call(
        [
            (0.5, spoken(SPOKE)),
            (2.0, spoken(to_text(Nothing("noise")))),
            (SOUND_S + WAIT_S, spoken(to_text(Nothing("silence")))),
        ]
    )
    assert call.perform(ASKED) == NoInput()
    assert re.fullmatch(rf"SPEECH RECOGNIZE {MENU.text} \d+ 4000", call.said[-1])


def test_noise_without_end_leaves_the_keys() -> None:
    call = Call([(0.1, spoken(to_text(Nothing("noise"))))] * MOST_TIMES)
    assert call.perform(ASKED) == NoInput()
    assert [line.split()[0] for line in call.said[-2:]] == ["STREAM", "WAIT"]


def test_noise_after_the_prompt_takes_its_time_from_the_wait() -> None:
    call = Call(
        [
            (SOUND_S + 1.5, spoken(to_text(Nothing("noise")))),
            (2.5, spoken(to_text(Nothing("silence")))),
        ]
    )
    began = call.now
    assert call.perform(ASKED) == NoInput()
    assert call.ear.asked[1] == (0.0, 2.5, True)
    assert call.now - began == SOUND_S + WAIT_S


def test_an_answer_that_never_comes_is_not_waited_for() -> None:
    call = Call([(SOUND_S + WAIT_S + ANSWER_S, "200 result=1 (timeout) endpos=0")])
    assert call.perform(ASKED) == NoInput()
    assert call.answers == [Nothing("late")]


def test_an_answer_that_is_none_is_no_answer() -> None:
    call = Call([(1.0, spoken("kebakaran"))])
    assert call.perform(ASKED) == NoInput()
    assert call.answers == [Nothing("failed")]


# Nobody listens


def test_without_anybody_who_listens_there_are_the_keys_as_ever() -> None:
    call = Call(ear=Listener(there=False))
    assert to_join((ASKED,), call.channel) == []
    assert call.perform(Say((GREETING,)), ASKED) == NoInput()
    assert call.said == [
        f"STREAM FILE {GREETING.text} 0123456789*#",
        f"STREAM FILE {MENU.text} 0123456789*#",
        "WAIT FOR DIGIT 4000",
    ]


def test_a_line_that_cannot_be_made_leaves_the_keys() -> None:
    call = Call(created="200 result=0", waited=[(1.0, "200 result=49")])
    assert call.perform(Say((GREETING,)), ASKED) == DigitsEntered("1")
    assert call.hearing.refused == 1
    assert call.said == [
        "SPEECH CREATE siaga",
        f"STREAM FILE {GREETING.text}+{MENU.text} 0123456789*# 0",
        "WAIT FOR DIGIT 4000",
    ]


def test_a_line_that_broke_is_made_anew_at_the_next_question() -> None:
    call = Call([(1.0, "200 result=0"), (1.0, spoken(to_text(FIRE)))])
    assert call.perform(ASKED) == NoInput()
    assert call.perform(ASKED) == SpeechHeard(FIRE)
    assert [line for line in call.said if "CREATE" in line or "DESTROY" in line] == [
        "SPEECH CREATE siaga",
        "SPEECH DESTROY",
        "SPEECH CREATE siaga",
    ]


def test_a_prompt_without_audio_is_reported_and_the_rest_is_listened_over() -> None:
    call = Call([(1.0, spoken(to_text(FIRE)))])
    channel = call.channel
    mute = Prompt("tanpa suara")
    performer = perform((replace(ASKED, prompts=(mute, MENU)),), channel)
    request = next(performer)
    while not request.command.verb.endswith("RECOGNIZE"):
        request = performer.send(Reply(200, "1"))
    assert request.command.arguments[0] == MENU.text
    assert channel.silent == [mute]


def test_the_net_is_armed_for_longer_than_all_of_it_can_take() -> None:
    call = Call(
        [
            (1.0, spoken(to_text(Nothing("noise")))),
            (1.0, spoken(to_text(Nothing("noise")))),
            (WAIT_S + ANSWER_S, spoken(to_text(Nothing("failed")))),
        ]
    )
    began = call.now
    assert call.perform(Say((GREETING,)), ASKED) == NoInput()
    armed = next(r for r in call.requests if "TIMEOUT" in r.command.arguments[0])
    assert call.now - began < int(armed.command.arguments[1])


def test_the_net_outlives_a_failure_at_the_last_moment_and_the_whole_sound_once_more() -> None:
    listened_s = 2 * SOUND_S + WAIT_S + SPEAKING_S + ANSWER_S
    call = Call([(0.0, spoken(SPOKE)), (listened_s, spoken(to_text(Nothing("failed"))))])
    began = call.now
    assert call.perform(Say((GREETING,)), ASKED) == NoInput()
    armed = next(r for r in call.requests if "TIMEOUT" in r.command.arguments[0])
    bound_s = int(armed.command.arguments[1])
    assert call.now - began == listened_s + 2 * SOUND_S + WAIT_S
    assert call.now - began + GUARD_S < bound_s < call.now - began + 2 * GUARD_S + 2


def test_what_comes_before_the_sound_does_not_count_as_asking() -> None:
    call = Call([(1.0, spoken(to_text(FIRE)))])
    call.perform(Say((GREETING,)), ASKED)
    asking = [request.command.verb for request in call.requests if request.asks]
    assert asking == ["SPEECH RECOGNIZE"], (
        "else a place that is learned late would cost the greeting"
    )
