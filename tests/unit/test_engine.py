"""The engine keeps its promises to a caller, one turn at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_deployment import DIALPLAN, offered, small

from ivr.flow.actions import DecideRoute, Dial, Gather, Learn, Say, Wait
from ivr.flow.engine import (
    MAX_TURNS,
    FlowError,
    UnexpectedEvent,
    advance,
    begin,
    replay,
)
from ivr.flow.events import (
    CallerHungUp,
    DeadlinePassed,
    DialEnded,
    DigitsEntered,
    Event,
    HumanJoined,
    LocationLearned,
    NoInput,
    RouteDecided,
)
from ivr.flow.model import OPERATOR_ROUTE, REMEMBERED, CallState, Dialplan, Turn
from ivr.flow.prompt import Prompt
from ivr.flow.steps.menu import MenuStep, Option
from ivr.flow.steps.say import SayStep
from routing.model import Location, Reason, Route

SMALL, _ = small()
FIRST = Route("damkar-mandau", "damkar-sip", "101")
SECOND = Route("damkar-mandau", "jasnita", "ISI-NOMOR")
DECIDED = RouteDecided((FIRST, SECOND, OPERATOR_ROUTE), (Reason("covers", "x"),))


def after(*events: Event, dialplan: Dialplan = SMALL, location: Location | None = None) -> Turn:
    return replay(dialplan, [offered(location), *events])


def pressed(keys: str) -> list[Event]:
    return [DigitsEntered(key) for key in keys]


def asked(turn: Turn) -> list[str]:
    """What the caller hears in this turn."""
    heard: list[str] = []
    for action in turn.actions:
        if isinstance(action, Say | Gather):
            heard += [prompt.text for prompt in action.prompts]
    return heard


def dials_operator(turn: Turn) -> bool:
    wait = turn.state.waiting
    return isinstance(wait, Dial) and wait.routes == (OPERATOR_ROUTE,)


def test_a_call_begins_with_the_greeting_and_the_first_question() -> None:
    turn = begin(SMALL, offered())
    assert asked(turn) == [
        "Anda terhubung ke 112.",
        "Kebakaran tekan 1, lainnya 5. Atau tetap di telepon.",
    ]
    assert isinstance(turn.actions[-1], Gather)
    assert turn.actions[-1].seconds == 4.0
    assert set(turn.actions[-1].keys) == set("015")


FIRE = Prompt("Kalimat incident.kebakaran.")
"""What whoever takes the caller now is told of the incident."""


def test_a_key_is_an_incident_and_is_learned_at_once() -> None:
    turn = after(DigitsEntered("1"))
    assert turn.actions[0] == Learn("incident", "kebakaran", (FIRE,))
    assert turn.state.incident == "kebakaran"
    assert asked(turn) == ["Duri tekan 1, Pinggir 2."]


def test_two_keys_give_the_kecamatan_and_routing_is_asked() -> None:
    turn = after(*pressed("112"))
    assert turn.actions == (
        Learn("place", "14.03.16", (FIRE, Prompt("Bathin Solapan"))),
        DecideRoute("kebakaran", "14.03.16", 0.9),
    )
    assert turn.state.location == Location("ivr_dtmf", code="14.03.16", confidence=0.9)


def test_the_responder_is_told_what_and_where() -> None:
    turn = after(*pressed("111"), DECIDED)
    wait = turn.state.waiting
    assert isinstance(wait, Dial)
    assert wait.routes == DECIDED.routes
    assert [prompt.text for prompt in wait.whisper] == [
        "Kalimat incident.kebakaran.",
        "Mandau",
        "Tekan 1 untuk menerima.",
    ]


def test_silence_and_wrong_keys_are_counted_apart() -> None:
    once = after(NoInput())
    assert asked(once)[0] == "Kalimat no_input."
    assert asked(once)[1].startswith("Kebakaran")
    both = after(NoInput(), DigitsEntered("9"))
    assert asked(both)[0] == "Kalimat no_match."
    assert not dials_operator(both)
    assert dials_operator(after(NoInput(), DigitsEntered("9"), NoInput()))


def test_a_silent_caller_reaches_the_operator_after_two_tries() -> None:
    turn = after(NoInput(), NoInput())
    assert asked(turn) == [], "nothing is said first: a person's phone rings at once"
    assert dials_operator(turn)


def test_an_empty_answer_counts_as_silence() -> None:
    assert asked(after(DigitsEntered("")))[0] == "Kalimat no_input."


@pytest.mark.parametrize("before", ["", "5", "1", "11"])
def test_zero_reaches_the_operator_from_every_question(before: str) -> None:
    assert dials_operator(after(*pressed(before), DigitsEntered("0")))


def test_counting_starts_again_in_the_next_menu() -> None:
    turn = after(NoInput(), DigitsEntered("5"), NoInput())
    assert not dials_operator(turn)
    assert asked(turn) == ["Kalimat no_input.", "Hewan liar tekan 1. Atau tetap di telepon."]


def test_otherwise_may_be_another_step() -> None:
    text = DIALPLAN.replace("      5: {words", "      4: {words").replace(
        "  lainnya:\n    menu", "    otherwise: tempat\n  lainnya:\n    menu", 1
    )
    dialplan, _ = small(dialplan=text)
    turn = after(NoInput(), NoInput(), dialplan=dialplan)
    assert asked(turn) == ["Duri tekan 1, Pinggir 2."]
    assert turn.state.incident is None


def test_an_unknown_place_goes_on() -> None:
    turn = after(DigitsEntered("1"), NoInput(), NoInput())
    assert turn.actions == (DecideRoute("kebakaran", None, 0.0),)
    whisper = advance(SMALL, turn.state, DECIDED).state.waiting
    assert isinstance(whisper, Dial)
    assert Prompt("Kalimat place.unknown.") in whisper.whisper


def test_silence_after_the_area_takes_its_first_kecamatan_as_a_guess() -> None:
    turn = after(*pressed("11"), NoInput())
    assert turn.actions == (
        Learn("place", "14.03.09", (FIRE, Prompt("Duri"))),
        DecideRoute("kebakaran", "14.03.09", 0.4),
    )


def test_a_guessed_place_is_not_told_as_a_fact() -> None:
    wait = after(*pressed("11"), NoInput(), DECIDED).state.waiting
    assert isinstance(wait, Dial)
    assert Prompt("Duri") in wait.whisper
    assert Prompt("Mandau") not in wait.whisper


def test_a_wrong_kecamatan_is_asked_once_more() -> None:
    again = after(*pressed("119"))
    assert asked(again) == ["Kalimat no_match.", "Mandau tekan 1, Bathin Solapan 2."]
    assert after(*pressed("1192")).state.place == "14.03.16"
    assert after(*pressed("1199")).state.confidence == 0.4


def test_a_location_learned_later_is_noted_and_the_wait_goes_on() -> None:
    before = begin(SMALL, offered())
    sip = Location("sip_pidf", code="14.03.13", confidence=0.95)
    turn = advance(SMALL, before.state, LocationLearned(sip))
    assert turn.actions == (before.state.waiting,)
    assert turn.state == replace(before.state, heard=(sip,))
    vague = LocationLearned(Location("trunk", code="14.03.09", confidence=0.1))
    both = advance(SMALL, turn.state, vague).state
    assert both.learned == sip
    assert both.heard == (sip, vague.location)


def test_of_many_locations_the_newest_the_last_of_each_source_and_the_best_are_kept_in_mind() -> (
    None
):
    table = Location("fixed_line", code="14.03.09", confidence=0.3)
    best = Location("aml_https", code="14.03.13", confidence=0.95, observed_at=1e9)
    call = CallState(offered(), "tempat").told(table).told(best)
    for second in range(50):
        late = Location("aml_https", code="14.03.16", confidence=0.6, observed_at=float(second))
        call = call.told(late)
    assert len(call.heard) == REMEMBERED
    assert call.heard[:2] == (table, best)
    assert call.heard[-1] == late
    assert call.learned == best


def test_a_failed_target_is_followed_by_the_next() -> None:
    turn = after(*pressed("111"), DECIDED, DialEnded("damkar-mandau", "damkar-sip", "failed"))
    assert isinstance(turn.state.waiting, Dial)
    assert turn.state.waiting.routes == (SECOND, OPERATOR_ROUTE)
    last = advance(SMALL, turn.state, DialEnded("damkar-mandau", "jasnita", "busy"))
    assert dials_operator(last)


def test_a_talk_cut_off_is_followed_by_the_next_target() -> None:
    cut = DialEnded("damkar-mandau", "damkar-sip", "answered", talk_s=9.9)
    turn = after(*pressed("111"), DECIDED, cut)
    assert asked(turn) == ["Kalimat talk_dropped."]
    assert isinstance(turn.state.waiting, Dial)
    assert turn.state.waiting.routes == (SECOND, OPERATOR_ROUTE)


def test_a_talk_that_an_agency_ends_is_followed_by_the_operator() -> None:
    talk = DialEnded("damkar-mandau", "damkar-sip", "answered", talk_s=10.0)
    turn = after(*pressed("111"), DECIDED, talk)
    assert asked(turn) == ["Kalimat talk_ended."]
    assert dials_operator(turn)
    assert not turn.ended


def test_only_an_operator_who_has_talked_may_close_the_call() -> None:
    waiting = after(NoInput(), NoInput())
    for status in ("busy", "no_answer", "declined", "failed", "cancelled", "nonsense"):
        again = advance(SMALL, waiting.state, DialEnded("operator", "pusat-sip", status))
        assert dials_operator(again)
        assert asked(again) == ["Kalimat busy_operator."]
    cut = advance(SMALL, waiting.state, DialEnded("operator", "", "answered", talk_s=2))
    assert dials_operator(cut)
    closed = advance(SMALL, waiting.state, DialEnded("operator", "", "answered", talk_s=60))
    assert closed.ended
    assert closed.actions == ()


def test_an_operator_is_told_what_is_known() -> None:
    wait = after(*pressed("11"), DigitsEntered("0")).state.waiting
    assert isinstance(wait, Dial)
    assert [prompt.text for prompt in wait.whisper] == [
        "Kalimat incident.kebakaran.",
        "Duri",
        "Kalimat operator_whisper.",
    ]


def test_routes_without_an_operator_get_one() -> None:
    for routes in ((), (FIRST,)):
        wait = after(*pressed("111"), RouteDecided(routes, ())).state.waiting
        assert isinstance(wait, Dial)
        assert wait.routes == (*routes, OPERATOR_ROUTE)


@pytest.mark.parametrize("keys", ["", "5", "1", "11", "111"])
def test_a_deadline_sends_the_caller_to_a_person(keys: str) -> None:
    assert dials_operator(after(*pressed(keys), DeadlinePassed("test")))


@pytest.mark.parametrize("event", [CallerHungUp(), HumanJoined("pusat")])
def test_a_caller_who_is_gone_or_with_a_person_is_asked_nothing_more(event: Event) -> None:
    turn = after(DigitsEntered("1"), event)
    assert turn.ended
    assert turn.actions == ()
    assert advance(SMALL, turn.state, CallerHungUp()).ended
    assert advance(SMALL, turn.state, LocationLearned(Location("x"))).actions == ()
    with pytest.raises(UnexpectedEvent):
        advance(SMALL, turn.state, DigitsEntered("1"))


@pytest.mark.parametrize(
    ("keys", "event"),
    [
        ("", DECIDED),
        ("", DialEnded("operator", "", "busy")),
        ("", offered()),
        ("111", DigitsEntered("1")),
        ("111", NoInput()),
        ("0", DECIDED),
        ("0", DigitsEntered("1")),
        ("0", DialEnded("polres", "jasnita", "busy")),
    ],
)
def test_an_event_that_nothing_waited_for_is_the_platforms_fault(keys: str, event: Event) -> None:
    turn = after(*pressed(keys))
    with pytest.raises(UnexpectedEvent):
        advance(SMALL, turn.state, event)


def test_a_call_cannot_be_replayed_without_its_beginning() -> None:
    with pytest.raises(UnexpectedEvent):
        replay(SMALL, [])
    with pytest.raises(UnexpectedEvent):
        replay(SMALL, [NoInput()])


def test_a_circle_of_sentences_is_the_dialplans_fault() -> None:
    steps = {**SMALL.steps, "sambutan": SayStep(say="Halo.", then="sambutan")}
    with pytest.raises(FlowError):
        begin(replace(SMALL, steps=steps), offered())
    with pytest.raises(FlowError):
        begin(replace(SMALL, start="hilang"), offered())


def test_a_circle_of_menus_ends_at_a_person_all_the_same() -> None:
    again = MenuStep(menu="Lagi tekan 1.", options={"1": Option(then="kejadian")})
    dialplan = replace(SMALL, steps={**SMALL.steps, "kejadian": again})
    turn = begin(dialplan, offered())
    turns = 0
    while not dials_operator(turn):
        turn = advance(dialplan, turn.state, DigitsEntered("1"))
        turns += 1
    assert turns == MAX_TURNS


def test_a_missing_shared_sentence_is_left_out_and_nothing_else() -> None:
    turn = after(NoInput(), dialplan=replace(SMALL, phrases={}))
    assert asked(turn) == ["Kebakaran tekan 1, lainnya 5. Atau tetap di telepon."]


def test_every_turn_has_one_wait_and_it_is_the_last_action() -> None:
    events: list[Event] = [*pressed("111"), DECIDED, DialEnded("operator", "", "busy")]
    turn = begin(SMALL, offered())
    for number, event in enumerate(events):
        assert [isinstance(action, Wait) for action in turn.actions].index(True) == (
            len(turn.actions) - 1
        )
        assert turn.state.turn == number
        turn = advance(SMALL, turn.state, event)


def test_a_state_is_a_value() -> None:
    assert after(*pressed("11")).state == after(*pressed("11")).state
    assert isinstance(after().state, CallState)
