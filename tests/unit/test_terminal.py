"""The dialogue can be tried in a terminal, in a world that one can choose, and kept as a test."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from small_deployment import SHIPPED, offered, shipped

from ivr.calls.published import Published
from ivr.commands.try_out import moment, transcript_text, wish
from ivr.deployment import read
from ivr.flow.events import (
    CallerHungUp,
    DialEnded,
    Event,
    HumanJoined,
    LocationLearned,
    NoInput,
    RouteDecided,
    SpeechHeard,
)
from ivr.flow.transcript import differences, parse, run
from ivr.platforms.terminal import NOTHING_PRETENDED, Held, Pretended, hold
from routing.decide import decide

DIALPLAN, DIRECTORY = shipped()
PUBLISHED = Published(DIALPLAN, DIRECTORY, read(SHIPPED))


def held(
    typed: str, *, pretended: Pretended = NOTHING_PRETENDED, verbose: bool = False
) -> tuple[Held, str]:
    screen = io.StringIO()
    call = hold(
        DIALPLAN,
        DIRECTORY,
        replace(offered(), trunk="terminal"),
        keys=io.StringIO(typed),
        screen=screen,
        pretended=pretended,
        verbose=verbose,
    )
    return call, screen.getvalue()


def events(typed: str, pretended: Pretended = NOTHING_PRETENDED) -> list[Event]:
    return list(held(typed, pretended=pretended)[0].events[1:])


def test_keys_lead_to_the_fire_post_of_mandau() -> None:
    call, screen = held("1\n1\n1\n")
    assert any(isinstance(event, RouteDecided) for event in call.events)
    assert call.events[-1] == HumanJoined("damkar-mandau")
    assert "because: " in screen


def test_keys_that_are_pressed_at_once_answer_the_questions_that_follow() -> None:
    assert events("111\n") == events("1\n1\n1\n")


def test_empty_lines_are_silence_and_lead_to_the_operator() -> None:
    assert events("\n\n") == [NoInput(), NoInput(), HumanJoined("operator")]


def test_the_end_of_the_input_and_q_hang_up() -> None:
    for typed in ("", "1\nq\n", "111\nq\n"):
        assert events(typed)[-1] == CallerHungUp()


@pytest.mark.parametrize(
    ("typed", "option", "shown"),
    [
        ("ada API di dapur", "1", "“ada API di dapur” -> Kebakaran: tombol 1"),
        ("lainnya saja", "5", "“lainnya saja” -> lainnya: tombol 5"),
        ("ada harimau", "52", "“ada harimau” -> Hewan liar: tombol 52"),
        ("tolong!", "0", "“tolong!” -> petugas: tombol 0"),
        ("operator", "0", "-> petugas: tombol 0"),
        ("tolong, ada api", "1", "-> Kebakaran: tombol 1"),
        ("api di Duri", "1", "-> Kebakaran: tombol 1, tempat: duri"),
        ("sapi saya", "", "“sapi saya” -> tidak dikenal"),
        ("api dan maling", "", "dapat berarti kejahatan atau kebakaran"),
    ],
)
def test_what_words_stand_for_is_shown(typed: str, option: str, shown: str) -> None:
    call, screen = held(f"{typed}\n")
    spoken = call.events[1]
    assert isinstance(spoken, SpeechHeard)
    assert spoken.heard.option == option
    assert shown in screen


def test_words_that_are_not_heard_surely_are_asked_about() -> None:
    screen = held("?ada api\nya\n")[1]
    assert "< Kebakaran\n< Betul? Katakan ya, atau tekan 1." in screen
    assert "“ya” -> ya: tombol 1\n" in screen
    assert "< Di mana kejadiannya?" in screen


def test_where_only_keys_count_a_cry_for_help_is_heard_and_other_words_are_silence() -> None:
    call, screen = held("?ada api\ntidak\nada api\ntolong\n")
    assert "“ada api”: di sini hanya tombol dan minta tolong yang dihitung" in screen
    assert "< Kami belum menerima tombol Anda." in screen
    assert "“tolong” -> petugas: tombol 0" in screen
    assert call.events[5:] == (HumanJoined("operator"),)


def test_a_place_may_be_said_by_its_name() -> None:
    by_keys, spoken = events("112\n"), events("kebakaran\ndi Duri\nbathin  solapan\n")
    assert spoken[3:] == by_keys[3:]


def test_a_trunk_that_is_down_fails_and_a_busy_agency_is_busy() -> None:
    posts = ("damkar-mandau", "damkar-pinggir", "damkar-bukit-batu")
    down = Pretended(frozenset({"damkar-sip"}), frozenset({*posts, "operator"}))
    dials = [event for event in events("111\n", down) if isinstance(event, DialEnded)]
    assert dials[:2] == [
        DialEnded("damkar-mandau", "damkar-sip", "failed"),
        DialEnded("damkar-mandau", "jasnita", "busy"),
    ]
    assert [dial.agency for dial in dials[2:]] == [
        posts[1],
        posts[1],
        posts[2],
        posts[2],
        "operator",
    ]
    assert events("111\n", down)[-1] == HumanJoined("operator")


def test_the_end_of_a_dial_may_be_typed() -> None:
    typed = "111\nsibuk\n! answered 95s\nwhat\n\n"
    dials = [e for e in events(typed) if isinstance(e, DialEnded | HumanJoined)]
    assert dials == [
        DialEnded("damkar-mandau", "damkar-sip", "busy"),
        DialEnded("damkar-mandau", "jasnita", "answered", talk_s=95.0),
        HumanJoined("operator"),
    ]
    assert "'! what' tidak dapat terjadi di sini" in held(typed)[1]


def test_what_happens_to_a_call_may_be_typed_as_a_transcript_writes_it() -> None:
    call, screen = held("! located 14.03.11 0.8\n! joined pusat\n")
    assert isinstance(call.events[1], LocationLearned)
    assert call.events[-1] == HumanJoined("pusat")
    assert screen.count("< Kebakaran tekan 1") == 1


def test_the_step_and_the_variables_are_shown_if_asked_for() -> None:
    assert "[" not in held("111\n")[1]
    screen = held("111\n", verbose=True)[1]
    assert "[langkah kejadian]" in screen
    assert "langkah instansi · incident kebakaran · area 1 · place 14.03.09 (Mandau)" in screen


@pytest.mark.parametrize(
    "typed",
    [
        "111\n",
        "5\n2\n\nsibuk\n",
        "tolong\n",
        "api di duri\n?mandau\nya\n",
        "x\n9\n1\nq\n",
        "! located 14.03.11 0.8\n1\n\n\n",
    ],
)
def test_a_call_that_was_tried_and_kept_happens_again_as_it_did(typed: str) -> None:
    down = Pretended(frozenset({"damkar-sip"}), frozenset({"operator"}))
    call, _ = held(typed, pretended=down)
    text = transcript_text(call, "A  promise.", SHIPPED.name)
    transcript = parse(text)
    assert transcript.promise == "A promise."
    assert differences(transcript, run(transcript, DIALPLAN, partial(decide, DIRECTORY))) == []


def test_what_came_with_the_call_is_kept_too() -> None:
    wanted = wished(
        caller="+62811",
        dialled="119",
        trunk="telkomsel",
        at_time="2027-03-20 02:00",
        place="14.03.10",
    )
    call = hold(
        DIALPLAN, DIRECTORY, wanted.offered, keys=io.StringIO("1\n\n\n"), screen=io.StringIO()
    )
    text = transcript_text(call, "Kept.", SHIPPED.name)
    assert text.startswith(
        "# Kept.\ndialplan: bengkalis\ncaller: +62811\ndialled: 119\ntrunk: telkomsel\n"
        "at: 2027-03-20T02:00+07:00\nlocation: 14.03.10 0.8\n\n< "
    )
    transcript = parse(text)
    assert differences(transcript, run(transcript, DIALPLAN, partial(decide, DIRECTORY))) == []
    assert "= damkar-rupat via damkar-sip" in text


def test_a_pretended_clock_is_that_of_riau() -> None:
    assert moment("2027-03-20 02:00").timestamp() == 1_805_482_800.0
    assert moment(None).second == 0
    with pytest.raises(ValueError, match="2027-03-20 02:00"):
        moment("besok")


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"down": ["jasnitta"]}, "Maksud Anda `jasnita`"),
        ({"busy": ["damkar-mandao"]}, "Maksud Anda `damkar-mandau`"),
        ({"place": "14.03.99"}, "Kode kecamatan"),
        ({"at_time": "02:00"}, "WIB"),
    ],
)
def test_a_world_that_cannot_be_is_refused_with_a_sentence(
    given: dict[str, object], word: str
) -> None:
    with pytest.raises(ValueError, match=word):
        wished(**given)


def test_a_call_is_not_kept_without_a_promise_where_nobody_can_be_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(ValueError, match="--promise"):
        wished(save=tmp_path / "x.call")


def wished(**given: object) -> object:
    plain = {
        "caller": None,
        "dialled": "112",
        "trunk": "terminal",
        "at_time": None,
        "place": None,
        "down": (),
        "busy": (),
        "save": None,
        "promise": None,
    }
    return wish(PUBLISHED, **{**plain, **given})
