"""What a caller's phone has told, he is not asked; of what it is unsure, he is asked with one key."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_deployment import DIALPLAN, offered, small, with_files

from ivr.flow.actions import DecideRoute, Dial, Gather, Learn, Say
from ivr.flow.engine import advance, replay
from ivr.flow.events import (
    DeadlinePassed,
    DigitsEntered,
    Event,
    LocationLearned,
    NoInput,
    RouteDecided,
)
from ivr.flow.heard import understood
from ivr.flow.loader import load
from ivr.flow.model import OPERATOR_ROUTE, Dialplan, Turn
from ivr.flow.prompt import Prompt
from routing.model import Location

SMALL, _ = small()
MANDAU, PINGGIR, SOLAPAN = "14.03.09", "14.03.13", "14.03.16"
FIRE = Prompt("Kalimat incident.kebakaran.")
AREA = "Duri tekan 1, Pinggir 2."
DURI = "Mandau tekan 1, Bathin Solapan 2."
CONFIRM_MANDAU = ["Kalimat place_confirm.", "Mandau", "Kalimat place_confirm_question."]
CONFIRM_PINGGIR = ["Kalimat place_confirm.", "Pinggir", "Kalimat place_confirm_question."]
OUTSIDE = Location("aml_https", lat=1.6, lon=101.4, radius_m=20.0, kind="outside")


def phone(code: str, confidence: float, source: str = "sip_pidf") -> Location:
    return Location(source, code=code, confidence=confidence, kind="inside")


def learned(code: str, confidence: float, source: str = "sip_pidf") -> LocationLearned:
    return LocationLearned(phone(code, confidence, source))


def after(*events: Event, dialplan: Dialplan = SMALL, location: Location | None = None) -> Turn:
    """A call about a fire (key 1), and what follows."""
    return replay(dialplan, [offered(location), DigitsEntered("1"), *events])


def pressed(keys: str) -> list[Event]:
    return [DigitsEntered(key) for key in keys]


def asked(turn: Turn) -> list[str]:
    return [
        prompt.text
        for action in turn.actions
        if isinstance(action, Say | Gather)
        for prompt in action.prompts
    ]


def whispered(turn: Turn) -> list[str]:
    assert isinstance(turn.state.waiting, Dial)
    return [prompt.text for prompt in turn.state.waiting.whisper]


def test_whoever_has_told_his_kecamatan_for_sure_is_not_asked_for_it() -> None:
    turn = after(location=phone(MANDAU, 0.9))
    assert turn.actions[1:] == (
        Learn("place", MANDAU, (FIRE, Prompt("Mandau"))),
        DecideRoute("kebakaran", MANDAU, 0.9),
    )
    assert turn.state.place is None, "the caller has pressed nothing himself"


def test_an_unsure_place_is_confirmed_with_one_key_and_is_the_callers_word_then() -> None:
    question = after(location=phone(MANDAU, 0.7))
    assert asked(question) == CONFIRM_MANDAU
    wait = question.state.waiting
    assert isinstance(wait, Gather)
    assert set(wait.keys) == set("012")
    turn = after(*pressed("1"), location=phone(MANDAU, 0.7))
    assert turn.actions[-1] == DecideRoute("kebakaran", MANDAU, 0.9)
    assert turn.state.location == Location("ivr_dtmf", MANDAU, confidence=0.9)


def test_whoever_says_no_is_asked_and_never_again_about_the_same_kecamatan() -> None:
    turn = after(*pressed("2"), location=phone(MANDAU, 0.7))
    assert asked(turn) == [AREA]
    assert asked(after(*pressed("2"), learned(MANDAU, 0.95), location=phone(MANDAU, 0.7))) == [AREA]
    told = after(*pressed("221"), location=phone(MANDAU, 0.7))
    assert told.actions[-1] == DecideRoute("kebakaran", PINGGIR, 0.9)


def test_nobody_is_sent_where_the_caller_says_that_it_is_not() -> None:
    turn = after(*pressed("2"), NoInput(), NoInput(), location=phone(MANDAU, 0.7))
    assert turn.actions == (DecideRoute("kebakaran", None, 0.0),)


def test_silence_and_a_second_wrong_key_leave_the_place_as_likely_as_it_was() -> None:
    goes_on = (
        Learn("place", MANDAU, (FIRE, Prompt("Mandau"))),
        DecideRoute("kebakaran", MANDAU, 0.7),
    )
    assert after(NoInput(), location=phone(MANDAU, 0.7)).actions == goes_on
    again = after(*pressed("9"), location=phone(MANDAU, 0.7))
    assert asked(again) == ["Kalimat no_match.", *CONFIRM_MANDAU]
    assert after(*pressed("99"), location=phone(MANDAU, 0.7)).actions == goes_on


@pytest.mark.parametrize(
    "location",
    [
        phone(MANDAU, 0.4),
        phone("99.99.99", 0.9),
        replace(phone(MANDAU, 0.9), kind="sea"),
        OUTSIDE,
    ],
)
def test_a_guess_or_a_place_without_a_name_is_no_reason_not_to_ask(location: Location) -> None:
    assert asked(after(location=location)) == [AREA]


def test_whoever_calls_from_outside_and_says_nothing_is_outside() -> None:
    turn = after(NoInput(), NoInput(), location=OUTSIDE)
    assert turn.actions == (DecideRoute("kebakaran", None, 0.0),)
    assert turn.state.location == OUTSIDE
    ringing = advance(SMALL, turn.state, RouteDecided((OPERATOR_ROUTE,), ()))
    assert whispered(ringing)[:2] == ["Kalimat incident.kebakaran.", "Kalimat place.outside."]


def test_a_sure_place_that_arrives_while_the_area_is_asked_answers_it() -> None:
    assert after(learned(MANDAU, 0.9)).actions == (
        Learn("place", MANDAU, (FIRE, Prompt("Mandau"))),
        DecideRoute("kebakaran", MANDAU, 0.9),
    )


def test_an_unsure_place_that_arrives_turns_the_question_into_a_shorter_one() -> None:
    turn = after(NoInput(), learned(MANDAU, 0.7))
    assert asked(turn) == CONFIRM_MANDAU
    same = advance(SMALL, turn.state, learned(MANDAU, 0.75))
    assert same.state.waiting == turn.state.waiting
    sure = advance(SMALL, turn.state, learned(PINGGIR, 0.95))
    assert sure.actions[-1] == DecideRoute("kebakaran", PINGGIR, 0.95)


def test_two_confirmations_are_all_that_a_call_hears() -> None:
    turn = after(learned(MANDAU, 0.7), learned(PINGGIR, 0.75))
    assert asked(turn) == CONFIRM_PINGGIR
    third = advance(SMALL, turn.state, learned(SOLAPAN, 0.8))
    assert third.state.waiting == turn.state.waiting
    both = (*pressed("2"), learned(PINGGIR, 0.7), *pressed("2"), learned(SOLAPAN, 0.8))
    denied = after(*both, location=phone(MANDAU, 0.7))
    assert denied.state.not_there == (MANDAU, PINGGIR)
    assert asked(denied) == [AREA]


def test_the_area_that_the_caller_named_stands_against_all_but_a_sure_place_in_it() -> None:
    assert asked(after(*pressed("1"), location=None)) == [DURI]
    for unfit in (learned(PINGGIR, 0.95), learned(MANDAU, 0.8)):
        turn = after(*pressed("1"), unfit)
        assert turn.actions == (turn.state.waiting,)
        assert asked(turn) == [DURI]
    fits = after(*pressed("1"), learned(SOLAPAN, 0.95))
    assert fits.actions[-1] == DecideRoute("kebakaran", SOLAPAN, 0.95)


def test_the_callers_keys_beat_his_phone_and_the_operator_hears_of_both() -> None:
    turn = after(*pressed("12"), learned(PINGGIR, 0.95))
    assert turn.state.location == Location("ivr_dtmf", SOLAPAN, confidence=0.9)
    assert turn.state.disagrees


def test_an_operator_is_told_of_a_phone_that_is_elsewhere_and_an_agency_is_not() -> None:
    location = phone(MANDAU, 0.7)
    decided = after(*pressed("221"), location=location)
    agency = replace(OPERATOR_ROUTE, agency="damkar-mandau", trunk="damkar-sip")
    ringing = advance(SMALL, decided.state, RouteDecided((agency, OPERATOR_ROUTE), ()))
    assert "Kalimat phone_elsewhere." not in whispered(ringing)
    operator = advance(SMALL, decided.state, DeadlinePassed("test"))
    assert whispered(operator) == [
        "Kalimat incident.kebakaran.",
        "Pinggir",
        "Kalimat phone_elsewhere.",
        "Mandau",
        "Kalimat operator_whisper.",
    ]


def test_of_a_guess_from_the_area_it_is_told_last_that_it_is_one() -> None:
    """What is left on the channel names a code, for whoever takes over from the engine."""
    doubt = "Tempatnya masih perkiraan."
    dialplan = replace(SMALL, phrases={**SMALL.phrases, "because.low-confidence": doubt})
    for keys, told in ((["1", ""], ["Duri", doubt]), (["1", "1"], ["Mandau"])):
        events = [DigitsEntered(key) if key else NoInput() for key in keys]
        (learned_now,) = (
            action
            for action in after(*events, dialplan=dialplan).actions
            if isinstance(action, Learn)
        )
        assert (learned_now.value, [p.text for p in learned_now.told[1:]]) == (MANDAU, told)


def test_a_guess_from_the_area_yields_to_a_phone_that_is_surer() -> None:
    turn = after(*pressed("1"), learned(PINGGIR, 0.7), NoInput())
    assert turn.state.location == phone(PINGGIR, 0.7)


def test_no_key_for_the_area_is_taken_for_a_yes_before_the_place_is_named() -> None:
    """Once he has heard the name, and is asked again, every key is for this question."""
    for turn in (after(location=phone(MANDAU, 0.7)), after(learned(MANDAU, 0.7))):
        first, again = (
            t.state.waiting for t in (turn, advance(SMALL, turn.state, DigitsEntered("9")))
        )
        assert isinstance(first, Gather)
        assert isinstance(again, Gather)
        assert (first.fresh, again.fresh) == (True, False)


def test_zero_is_the_operator_while_a_place_is_confirmed() -> None:
    wait = after(*pressed("0"), location=phone(MANDAU, 0.7)).state.waiting
    assert isinstance(wait, Dial)
    assert wait.routes == (OPERATOR_ROUTE,)


def test_whoever_is_sent_back_to_the_place_is_asked_whatever_his_phone_says() -> None:
    confirm = """\
  benar:
    confirm: "{incident} di {place}. Benar tekan 1, salah tekan 2."
    then: instansi
    otherwise: tempat
  instansi:
"""
    text = DIALPLAN.replace("    then: instansi\n", "    then: benar\n").replace(
        "  instansi:\n", confirm
    )
    dialplan, _ = small(dialplan=text)
    turn = after(*pressed("2"), dialplan=dialplan, location=phone(MANDAU, 0.95))
    assert asked(turn) == [AREA]
    assert asked(advance(dialplan, turn.state, learned(MANDAU, 0.95))) == [AREA]


def test_what_is_learned_of_a_call_that_waits_for_no_key_changes_nothing_in_it() -> None:
    ringing = after(*pressed("11"), RouteDecided((OPERATOR_ROUTE,), ()))
    turn = advance(SMALL, ringing.state, learned(PINGGIR, 0.95))
    assert turn.actions == (ringing.state.waiting,)


def with_codes(*more: str) -> Dialplan:
    """The small deployment with two desa of Mandau and two postcodes, asked for where ``more`` says."""
    questions = ", ".join(("wilayah", "kecamatan", *more))
    text = DIALPLAN.replace("[wilayah, kecamatan]", f"[{questions}]")
    dialplan, _ = small(dialplan=text)
    places = replace(
        dialplan.places,
        postcodes={"28784": PINGGIR, "28884": f"{MANDAU}.1001"},
        desa={MANDAU: {"1001": f"{MANDAU}.1001", "1002": f"{MANDAU}.1002"}},
    )
    return replace(dialplan, places=places)


def keyed(*digits: str) -> list[Event]:
    return [DigitsEntered(each) for each in digits]


@pytest.mark.parametrize(
    ("postcode", "code", "name"),
    [("28784", PINGGIR, "Pinggir"), ("28884", f"{MANDAU}.1001", "Mandau")],
)
def test_five_digits_of_the_postcode_stand_for_both_keys(
    postcode: str, code: str, name: str
) -> None:
    turn = after(*keyed("*", postcode), dialplan=with_codes("kodepos"))
    assert turn.actions == (
        Learn("place", code, (FIRE, Prompt(name))),
        DecideRoute("kebakaran", code, 0.9),
    )


def test_a_postcode_that_nobody_knows_is_asked_for_once_more_and_then_the_area_is() -> None:
    dialplan = with_codes("kodepos")
    first = after(*keyed("*"), dialplan=dialplan)
    assert asked(first) == ["Kalimat place_postcode."]
    again = after(*keyed("*", "99999"), dialplan=dialplan)
    assert asked(again) == ["Kalimat place_postcode_unknown."]
    area = after(*keyed("*", "99999"), NoInput(), dialplan=dialplan)
    assert asked(area) == [AREA]
    assert isinstance(area.state.waiting, Gather)
    assert set(area.state.waiting.keys) == set("012"), "there is no way round in a circle"
    told = after(*keyed("*", "99999", "88888", "1", "2"), dialplan=dialplan)
    assert told.actions[-1] == DecideRoute("kebakaran", SOLAPAN, 0.9)
    silent = after(*keyed("*"), *[NoInput()] * 4, dialplan=dialplan)
    assert silent.actions == (DecideRoute("kebakaran", None, 0.0),)


def test_the_star_is_a_wrong_key_where_no_postcode_is_asked_for() -> None:
    assert asked(after(*keyed("*"))) == ["Kalimat no_match.", AREA]


def test_four_digits_after_the_kecamatan_name_the_desa() -> None:
    dialplan = with_codes("desa")
    question = after(*keyed("1", "1"), dialplan=dialplan)
    assert question.actions[0] == Learn("place", MANDAU, (FIRE, Prompt("Mandau")))
    assert asked(question) == ["Kalimat place_desa."]
    turn = after(*keyed("1", "1", "1002"), dialplan=dialplan)
    assert turn.actions == (
        Learn("place", f"{MANDAU}.1002", (FIRE, Prompt("Mandau"))),
        DecideRoute("kebakaran", f"{MANDAU}.1002", 0.9),
    )


@pytest.mark.parametrize("answer", [NoInput(), DigitsEntered("9999"), DigitsEntered("12")])
def test_without_a_desa_that_is_known_the_kecamatan_is_enough(answer: Event) -> None:
    turn = after(*keyed("1", "1"), answer, dialplan=with_codes("desa"))
    assert turn.actions == (DecideRoute("kebakaran", MANDAU, 0.9),)


def test_no_desa_is_asked_for_where_none_is_written() -> None:
    turn = after(*keyed("1", "2"), dialplan=with_codes("desa", "kodepos"))
    assert turn.actions[-1] == DecideRoute("kebakaran", SOLAPAN, 0.9)


@pytest.mark.parametrize("written", ["[kecamatan]", "[wilayah, desa]", "[wilayah, kecamatan, rt]"])
def test_place_questions_that_nobody_asks_are_told_where_they_stand(written: str) -> None:
    loaded = load(with_files(dialplan=DIALPLAN.replace("[wilayah, kecamatan]", written)))
    (fault,) = loaded.faults
    assert (fault.file, fault.line) == ("dialplan.yaml", 20)


def test_the_name_of_an_area_is_no_answer_to_the_question_whether_the_phone_is_right() -> None:
    assert option(after(), "di Duri") == "1"
    confirming = after(location=phone(MANDAU, 0.7))
    assert option(confirming, "di Duri") == ""
    assert option(confirming, "tolong") == "0"


def option(turn: Turn, said: str) -> str:
    """The option that somebody chooses who says this now."""
    wait = turn.state.waiting
    assert isinstance(wait, Gather)
    assert wait.vocabulary is not None
    return understood(wait.vocabulary, said).option


def test_a_guess_about_a_phone_is_not_told_as_a_fact() -> None:
    turn = after(NoInput(), NoInput(), location=phone(MANDAU, 0.3, "trunk"))
    ringing = advance(SMALL, turn.state, RouteDecided((OPERATOR_ROUTE,), ()))
    assert whispered(ringing)[:2] == ["Kalimat incident.kebakaran.", "Kalimat place.unknown."]
