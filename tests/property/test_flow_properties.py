"""Whatever happens, in whatever order: no caller is lost, and a call is the sum of its events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st
from small_deployment import offered, shipped

from ivr.flow.actions import DecideRoute, Dial, Gather, Wait
from ivr.flow.engine import UnexpectedEvent, advance, begin, replay
from ivr.flow.events import (
    CallerHungUp,
    CallOffered,
    DeadlinePassed,
    DialEnded,
    DigitsEntered,
    Event,
    HumanJoined,
    LocationLearned,
    NoInput,
    RouteDecided,
    SpeechHeard,
)
from ivr.flow.journal import from_json, to_json
from ivr.flow.model import OPERATOR_ROUTE, OPERATOR_STEP, Dialplan, Step, Turn
from ivr.flow.spoken import ENOUGH, SURE, UNSURE, Heard, Possible
from ivr.flow.steps.ask import AskStep
from ivr.flow.steps.ask_place import AskPlaceStep
from ivr.flow.steps.confirm import ConfirmStep
from ivr.flow.steps.connect import ConnectStep
from ivr.flow.steps.menu import MenuStep, Option
from ivr.flow.steps.operator import OperatorStep
from ivr.flow.steps.say import SayStep
from ivr.flow.transcript import tell
from ivr.flow.vocabulary import HELP_ONLY
from routing.decide import decide
from routing.model import OPERATOR, SERVICES, Location, Reason, Route

SHIPPED, DIRECTORY = shipped()
AGENCIES = [agency.id for agency in DIRECTORY.agencies]
TRUNKS = list(DIRECTORY.trunks)

PlaceQuestion = Literal["wilayah", "kecamatan", "desa", "kodepos"]

short = st.text(max_size=12)
seconds = st.floats(0, 1e5, allow_nan=False)
shares = st.floats(0, 1, allow_nan=False)
locations = st.builds(
    Location,
    source=st.sampled_from(["ivr_dtmf", "sip_pidf", "aml"]),
    code=st.none() | st.sampled_from([*DIRECTORY.places, "99.99.99"]),
    lat=st.none() | st.floats(-90, 90),
    lon=st.none() | st.floats(-180, 180),
    radius_m=st.none() | seconds,
    confidence=shares,
    method=st.none() | short,
    kind=st.sampled_from(["", "inside", "snapped", "sea", "outside"]),
)
routes = st.builds(
    Route,
    agency=st.sampled_from([*AGENCIES, OPERATOR]),
    trunk=st.sampled_from([*TRUNKS, ""]),
    target=short,
    ring_s=seconds,
    accept=st.sampled_from(["press", "answer"]),
)
reasons = st.builds(Reason, rule_id=short, text=short)
offers = st.builds(
    CallOffered,
    call_id=short,
    at=seconds,
    caller=st.none() | short,
    dialled=short,
    trunk=short,
    case_number=short,
    dialplan_version=short,
    sip_call_id=st.none() | short,
    location=st.none() | locations,
    test=st.booleans(),
)
digits = st.builds(
    DigitsEntered, st.sampled_from([*"0123456789*#", "", "12", "1001", "28784", "99999"])
)
PLACE_QUESTIONS: list[tuple[PlaceQuestion, ...]] = [
    ("wilayah", "kecamatan"),
    ("wilayah", "kecamatan", "desa"),
    ("wilayah", "kecamatan", "kodepos"),
    ("wilayah", "kecamatan", "kodepos", "desa"),
]
CODES = replace(
    SHIPPED.places,
    postcodes={"28784": "14.03.13"},
    desa={code: {"1001": f"{code}.1001"} for code in DIRECTORY.places},
)
decisions = st.builds(
    RouteDecided,
    routes=st.lists(routes, max_size=4).map(tuple),
    because=st.lists(reasons, max_size=2).map(tuple),
    notify=st.lists(short, max_size=2).map(tuple),
)
dials = st.builds(
    DialEnded,
    agency=st.sampled_from([*AGENCIES, OPERATOR]),
    trunk=st.sampled_from([*TRUNKS, ""]),
    status=st.sampled_from(
        ["answered", "busy", "no_answer", "declined", "failed", "cancelled", "?"]
    ),
    cause=short,
    talk_s=seconds,
)
sureness = st.sampled_from([0.0, UNSURE, ENOUGH, 0.7, SURE, 1.0]) | st.floats(allow_nan=False)
values = st.sampled_from([*"0123456789*#", "", "12", "51", "54", "99", "1001", "²", "-1"])
spoken_places = st.sampled_from(
    ["", "area:1", "area:5", "area:9", "area:", "14.03.09", "14.03.02.2005", "99.99.99", *"12"]
)
speech = st.builds(
    SpeechHeard,
    st.builds(
        Heard,
        text=short,
        option=values | short,
        confidence=sureness,
        place=spoken_places | short,
        place_confidence=sureness,
        alternatives=st.lists(st.builds(Possible, short, sureness), max_size=3).map(tuple),
        engine=short,
    ),
)
"""What a recogniser may say, one gone mad included."""

anything = st.one_of(
    offers,
    digits,
    speech,
    st.just(NoInput()),
    decisions,
    dials,
    st.builds(LocationLearned, locations),
    st.builds(HumanJoined, short),
    st.builds(DeadlinePassed, short),
    st.just(CallerHungUp()),
)


@st.composite
def dialplans(draw: st.DrawFn) -> Dialplan:
    """Any dialplan whose steps exist, circles included: the engine must live with all of them.

    Only circles of sentences are left out, which nobody can be asked out of (`check` refuses them).
    """
    names = [f"s{index}" for index in range(draw(st.integers(1, 6)))]
    targets = st.sampled_from([*names, OPERATOR_STEP])
    steps: dict[str, Step] = {OPERATOR_STEP: OperatorStep()}
    for index, name in enumerate(names):
        later = st.sampled_from([*names[index + 1 :], OPERATOR_STEP])
        kind = draw(
            st.sampled_from(
                ["say", "menu", "menu", "place", "ask", "confirm", "connect", "operator"]
            )
        )
        if kind == "say":
            steps[name] = SayStep(say=name, then=draw(later))
        elif kind == "menu":
            options = draw(
                st.dictionaries(
                    st.sampled_from("123456789*#"),
                    st.builds(
                        Option,
                        incident=st.none() | st.sampled_from(sorted(SERVICES)),
                        words=st.lists(st.sampled_from(["api", "banjir", "lain"]), max_size=2),
                        then=targets,
                    ),
                    min_size=1,
                    max_size=4,
                )
            )
            tries = draw(st.none() | st.integers(1, 3))
            steps[name] = MenuStep(
                menu=name,
                options=options,
                tries=tries,
                otherwise=draw(targets),
                listen=draw(st.sampled_from(["yes", "yes", "no"])),
            )
        elif kind == "ask":
            steps[name] = AskStep(
                ask=name,
                digits="1-3",
                read_back=draw(st.sampled_from(["yes", "no"])),
                then=draw(targets),
            )
        elif kind == "confirm":
            steps[name] = ConfirmStep(confirm=name, then=draw(targets), otherwise=draw(targets))
        elif kind == "place":
            steps[name] = AskPlaceStep(
                ask_place=draw(st.sampled_from(PLACE_QUESTIONS)), then=draw(targets)
            )
        elif kind == "connect":
            steps[name] = ConnectStep(connect="routes", whisper="{incident}, {place}. Tekan 1.")
        else:
            steps[name] = OperatorStep(operator=draw(st.sampled_from(["", "Tunggu."])))
    return replace(SHIPPED, start=names[0], steps=steps, places=CODES)


def may_end(turn: Turn, event: Event) -> bool:
    """The only reasons for which a dialogue ends."""
    match event:
        case CallerHungUp() | HumanJoined():
            return True
        case DialEnded(agency=agency, status=status, talk_s=talk_s):
            return agency == OPERATOR and status == "answered" and talk_s >= SHIPPED.defaults.drop_s
    return False


def is_sound(turn: Turn) -> bool:
    """Plain actions, then one wait; a dial ends at the operator; no wait where it ended."""
    waits = [action for action in turn.actions if isinstance(action, Wait)]
    if turn.ended:
        return not waits and turn.state.waiting is None
    ends_at_a_person = all(
        wait.routes[-1].agency == OPERATOR for wait in waits if isinstance(wait, Dial)
    )
    return waits == [turn.actions[-1]] == [turn.state.waiting] and ends_at_a_person


def stepping(dialplan: Dialplan, offer: CallOffered, events: Sequence[Event]) -> list[Event]:
    """Send events to the engine; those that it took. Holds every promise on the way."""
    turn = begin(dialplan, offer)
    assert is_sound(turn)
    taken: list[Event] = [offer]
    for event in events:
        try:
            following = advance(dialplan, turn.state, event)
        except UnexpectedEvent:
            continue
        taken.append(event)
        assert is_sound(following)
        assert not following.ended or turn.ended or may_end(turn, event)
        turn = following
    assert replay(dialplan, taken).state == turn.state
    return taken


@given(offers, st.lists(anything, max_size=40))
def test_no_sequence_of_events_breaks_the_shipped_dialplan(
    offer: CallOffered, events: list[Event]
) -> None:
    stepping(SHIPPED, offer, events)


@given(dialplans(), offers, st.lists(anything, max_size=30))
@settings(max_examples=150)
def test_no_sequence_of_events_breaks_any_dialplan(
    dialplan: Dialplan, offer: CallOffered, events: list[Event]
) -> None:
    stepping(dialplan, offer, events)


@given(offers, st.lists(anything, max_size=40))
def test_a_call_is_the_sum_of_its_events_even_through_the_journal(
    offer: CallOffered, events: list[Event]
) -> None:
    taken = stepping(SHIPPED, offer, events)
    read_back = [from_json(json.loads(json.dumps(to_json(event)))) for event in taken]
    assert read_back == taken
    assert replay(SHIPPED, read_back) == replay(SHIPPED, taken)
    assert tell(SHIPPED, read_back) == tell(SHIPPED, taken)


@given(st.one_of(anything))
def test_every_event_survives_the_journal(event: Event) -> None:
    assert from_json(json.loads(json.dumps(to_json(event)))) == event


def until_rung(dialplan: Dialplan, answers: Sequence[Event]) -> Turn:
    """The caller gives these answers, his phone is found in between, then there is silence; routing
    answers as it does."""
    turn = begin(dialplan, offered())
    left = list(answers)
    for _ in range(200):
        match turn.state.waiting:
            case Dial():
                return turn
            case DecideRoute(incident=incident):
                decision = decide(DIRECTORY, incident, turn.state.location)
                event: Event = RouteDecided(decision.routes, decision.because)
            case Gather():
                event = left.pop(0) if left else NoInput()
        turn = advance(dialplan, turn.state, event)
    raise AssertionError("nobody was ever rung")


@given(st.lists(digits | st.just(NoInput()), max_size=60))
def test_whatever_a_caller_presses_somebody_is_rung(answers: list[Event]) -> None:
    until_rung(SHIPPED, answers)


@given(dialplans(), st.lists(digits | st.just(NoInput()), max_size=60))
@settings(max_examples=150)
def test_whatever_a_caller_presses_somebody_is_rung_in_any_dialplan(
    dialplan: Dialplan, answers: list[Event]
) -> None:
    until_rung(dialplan, answers)


found = st.builds(LocationLearned, locations)


@st.composite
def callers(draw: st.DrawFn, dialplan: Dialplan) -> tuple[Turn, list[Event]]:
    """A whole dialogue of a caller who speaks, presses and is silent as he likes; the last turn, and what
    he did."""
    turn = begin(dialplan, offered())
    events: list[Event] = []
    for number in range(200):
        wait = turn.state.waiting
        if isinstance(wait, Dial):
            return turn, events
        event: Event
        if isinstance(wait, DecideRoute):
            decision = decide(DIRECTORY, wait.incident, turn.state.location)
            event = RouteDecided(decision.routes, decision.because)
        elif number > 60:
            event = NoInput()
        else:
            assert isinstance(wait, Gather)
            event = draw(st.one_of(digits, st.just(NoInput()), found))
            if wait.vocabulary is not None and draw(st.booleans()):
                options = [phrase.value for phrase in wait.vocabulary.options]
                places = [phrase.value for phrase in wait.vocabulary.places]
                event = draw(speech) if draw(st.booleans()) else SpeechHeard(
                    Heard(
                        "",
                        draw(st.sampled_from([*options, ""])),
                        draw(sureness),
                        draw(st.sampled_from([*places, ""])),
                        draw(sureness),
                    )
                )  # fmt: skip
        turn = advance(dialplan, turn.state, event)
        assert is_sound(turn)
        assert not turn.ended
        events.append(event)
    raise AssertionError("nobody was ever rung")


@given(st.data())
@settings(max_examples=200)
def test_whatever_is_heard_of_a_caller_somebody_is_rung(data: st.DataObject) -> None:
    dialplan = data.draw(dialplans() | st.just(SHIPPED))
    turn, events = data.draw(callers(dialplan))
    assert replay(dialplan, [offered(), *events]).state == turn.state


@given(st.data())
@settings(max_examples=100)
def test_nobody_is_asked_twice_in_a_row_or_three_times_whether_he_was_heard_rightly(
    data: st.DataObject,
) -> None:
    dialplan = data.draw(dialplans() | st.just(SHIPPED))
    _, events = data.draw(callers(dialplan))
    turn = begin(dialplan, offered())
    asked = 0
    for event in events:
        before = turn
        turn = advance(dialplan, turn.state, event)
        if before.state.proposal is not None and not isinstance(event, LocationLearned):
            asks_again = isinstance(dialplan.step(turn.state.step), ConfirmStep)
            assert not asks_again
            assert turn.state.asking != "confirm"
            assert turn.state.proposal is None
        if turn.state.proposal is not None and before.state.proposal is None:
            asked += 1
        elif turn.state.proposal is not None:
            assert isinstance(event, LocationLearned), "it waits on, and is not asked again"
        wait = turn.state.waiting
        if turn.state.deaf and isinstance(wait, Gather):
            assert wait.vocabulary == HELP_ONLY
    assert asked <= 2


@given(st.data())
@settings(max_examples=100)
def test_a_cry_for_help_reaches_the_operator_at_every_question(data: st.DataObject) -> None:
    dialplan = data.draw(dialplans() | st.just(SHIPPED))
    _, events = data.draw(callers(dialplan))
    turn = begin(dialplan, offered())
    for event in events:
        if isinstance(turn.state.waiting, Gather):
            cry = SpeechHeard(Heard("tolong", "0", ENOUGH))
            wait = advance(dialplan, turn.state, cry).state.waiting
            assert isinstance(wait, Dial)
            assert wait.routes == (OPERATOR_ROUTE,)
        turn = advance(dialplan, turn.state, event)


@given(dialplans(), st.lists(digits | st.just(NoInput()) | found, max_size=60))
@settings(max_examples=200)
def test_wherever_the_phone_is_found_meanwhile_somebody_is_rung(
    dialplan: Dialplan, events: list[Event]
) -> None:
    until_rung(dialplan, events)


@given(st.lists(st.sampled_from(list(DIRECTORY.places)), min_size=3, max_size=30))
def test_nobody_is_asked_more_than_twice_whether_his_phone_is_right(codes: list[str]) -> None:
    turn = advance(SHIPPED, begin(SHIPPED, offered()).state, DigitsEntered("1"))
    asked = 0
    for code in codes:
        learned = LocationLearned(Location("sip_pidf", code=code, confidence=0.7))
        following = advance(SHIPPED, turn.state, learned)
        asked += following.state.waiting != turn.state.waiting
        turn = following
        if turn.state.asking == "confirm":
            turn = advance(SHIPPED, turn.state, DigitsEntered("2"))
    assert isinstance(turn.state.waiting, Gather)
    assert asked == min(len(set(codes)), 2)


@given(st.lists(st.sampled_from([NoInput(), DigitsEntered("9"), DigitsEntered("#")]), max_size=9))
def test_silence_and_wrong_keys_alone_reach_the_operator(answers: list[Event]) -> None:
    turn = until_rung(SHIPPED, answers)
    assert isinstance(turn.state.waiting, Dial)
    assert turn.state.waiting.routes == (OPERATOR_ROUTE,)
    assert turn.state.turn <= 2 * SHIPPED.defaults.tries - 1


@given(st.lists(digits | st.just(NoInput()), max_size=8))
def test_zero_reaches_the_operator_wherever_it_is_pressed(answers: list[Event]) -> None:
    turn = begin(SHIPPED, offered())
    for event in answers:
        if not isinstance(turn.state.waiting, Gather):
            return
        zero = advance(SHIPPED, turn.state, DigitsEntered("0")).state.waiting
        assert isinstance(zero, Dial)
        assert zero.routes == (OPERATOR_ROUTE,)
        turn = advance(SHIPPED, turn.state, event)


@given(st.lists(dials, max_size=12))
def test_after_any_dials_an_alive_caller_is_still_being_connected(ends: list[DialEnded]) -> None:
    turn = until_rung(SHIPPED, [DigitsEntered("1")] * 3)
    for end in ends:
        wait = turn.state.waiting
        assert isinstance(wait, Dial)
        fits = replace(end, agency=wait.routes[0].agency, trunk=wait.routes[0].trunk)
        turn = advance(SHIPPED, turn.state, fits)
        if may_end(turn, fits):
            assert turn.ended
            return
        assert isinstance(turn.state.waiting, Dial)
