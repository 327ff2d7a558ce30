"""The figure of `check` holds for every caller: nobody meets more, and somebody meets exactly that.

`check` walks the engine with a memory of where it has been. Here callers are sent through the same
engine without one, with a clock of their own (``callers``): ten thousand at random, and, where a
dialplan is small enough, all of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from itertools import count, product
from unittest.mock import patch

import pytest
from callers import (
    UNKNOWN,
    WRONG,
    Answer,
    Length,
    call,
    follow,
    located,
    of_the_path,
    start,
    wrong_key,
)
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from small_deployment import DIALPLAN, ROOT, shipped, small

from ivr.deployment import read
from ivr.flow.actions import DecideRoute, Dial, Gather, LookAtQueue, Record, Say
from ivr.flow.check import PromptAudio, Report, check
from ivr.flow.engine import advance, begin
from ivr.flow.events import (
    CallOffered,
    DigitsEntered,
    Event,
    NoInput,
    QueueSeen,
    Recorded,
    RouteDecided,
    SpeechHeard,
)
from ivr.flow.loader import load
from ivr.flow.model import OPERATOR_ROUTE, OPERATOR_STEP, CallState, Dialplan, PlaceMenu, Step, Turn
from ivr.flow.prompt import Prompt
from ivr.flow.spoken import LISTENED_S, Heard
from ivr.flow.steps.ask_place import AskPlaceStep
from ivr.flow.steps.confirm import ConfirmStep
from ivr.flow.steps.connect import ConnectStep
from ivr.flow.steps.menu import MenuStep, Option
from ivr.flow.steps.operator import OperatorStep
from ivr.flow.steps.say import SayStep
from ivr.flow.vocabulary import AREA, SpokenPlaces
from routing.model import Directory

KEYS = "0123456789*#"
SMALL, DIRECTORY = small()
WORDS = [
    *(
        "kebakaran",
        "laka",
        "lainnya",
        "harimau",
        "kejadian lain",
        "kalimat incident medis",
        UNKNOWN,
    ),
    *(
        "duri",
        "kota pinggir",
        "pulau rupat",
        "mandau",
        "bandar laksamana",
        "selat baru",
        "rupat utara",
    ),
    *("ya", "tidak", "satu dua", "tolong"),
]
"""What a caller may say, in one dialplan or another."""

KECAMATAN = list(shipped()[0].places.names.values())


def whole_seconds(prompt: Prompt) -> float:
    """One to nine seconds, different from sentence to sentence: no rounding hides a difference."""
    return float(1 + sum(prompt.text.encode()) % 9)


def report(dialplan: Dialplan, directory: Directory, length: Length) -> Report:
    return check(dialplan, directory, lambda prompt: PromptAudio("satu", length(prompt)))


def at_random(chance: random.Random) -> Iterator[Answer]:
    """One caller: what he tends to, then answer after answer, many at the last moment."""
    lateness = chance.choice((0.0, 0.5, 1.0))
    silence = chance.choice((0.0, 0.2, 0.5, 1.0))
    keys = chance.choice((KEYS, "12345", "12", "9*#", "5", "159", "29"))
    found = chance.choice((0.0, 0.3, 0.6))
    spoken = chance.choice((0.0, 0.3, 1.0))
    surely = chance.choice((0.0, 0.5, 1.0))
    while True:
        late = chance.random() < lateness
        moment = 1.0 if late else chance.random()
        phone = chance.choice(KECAMATAN) if chance.random() < found else ""
        if chance.random() < spoken:
            said = " ".join(chance.sample(WORDS, k=chance.randint(1, 2)))
            yield Answer(moment=moment, phone=phone, said=said, sure=chance.random() < surely)
            continue
        yield Answer("" if chance.random() < silence else chance.choice(keys), moment, phone)


def test_ten_thousand_callers_never_exceed_the_figure_of_the_shipped_dialplan() -> None:
    dialplan, directory = shipped()
    figure = report(dialplan, directory, whole_seconds).longest_dialogue_s
    chance = random.Random(112)
    times = [call(dialplan, at_random(chance), whole_seconds) for _ in range(10_000)]
    assert max(times) <= figure
    # A figure that nobody comes near would be true and say nothing.
    assert max(times) > 0.5 * figure


def test_the_worst_caller_of_the_shipped_dialplan_takes_exactly_as_long_as_is_said() -> None:
    found = report(*shipped(), whole_seconds)
    is_walked(shipped()[0], found)


def is_walked(dialplan: Dialplan, found: Report) -> None:
    """The lines of the worst path add up to the figure, and whoever follows them takes that long."""
    lines = of_the_path(found.worst_path)
    assert sum(seconds for _, seconds in lines) == found.longest_dialogue_s
    answers = [answer for answer, _ in lines if answer is not None]
    assert walked(dialplan, answers) == found.longest_dialogue_s


def walked(dialplan: Dialplan, answers: list[Answer]) -> float:
    """The seconds of a caller who does just this."""
    turn, seconds = start(dialplan, whole_seconds)
    for answer in answers:
        wait = turn.state.waiting
        assert isinstance(wait, Gather)
        keys = wrong_key(wait) if answer.keys == WRONG else answer.keys
        turn, more = follow(dialplan, turn, replace(answer, keys=keys), whole_seconds)
        seconds += more
    assert isinstance(turn.state.waiting, Dial)
    return seconds


@st.composite
def dialplans(draw: st.DrawFn, steps: int, circles: bool) -> Dialplan:
    """Any dialplan of a few steps that the loader would take.

    Sentences lead onwards only: a circle of them asks nobody anything, and `check` refuses it.
    """
    names = [f"s{index}" for index in range(draw(st.integers(1, steps)))]
    plan: dict[str, Step] = {OPERATOR_STEP: OperatorStep()}
    for index, name in enumerate(names):
        later = st.sampled_from([*names[index + 1 :], OPERATOR_STEP])
        target = st.sampled_from([*names, OPERATOR_STEP]) if circles else later
        kind = draw(
            st.sampled_from(["say", "menu", "menu", "place", "confirm", "connect", "operator"])
        )
        if kind == "say":
            plan[name] = SayStep(say=draw(st.sampled_from(["a", "b", "c"])), then=draw(later))
        elif kind == "menu":
            option = st.builds(Option, incident=st.none() | st.just("medis"), then=target)
            plan[name] = MenuStep(
                menu=draw(st.sampled_from(["d", "e", "f"])),
                options=draw(st.dictionaries(st.sampled_from("12*"), option, min_size=1)),
                tries=draw(st.none() | st.integers(1, 3)),
                wait=draw(st.none() | st.sampled_from([1.0, 7.0])),
                otherwise=draw(target),
                listen=draw(st.sampled_from(["yes", "no"])),
            )
        elif kind == "place":
            plan[name] = AskPlaceStep(ask_place=("wilayah", "kecamatan"), then=draw(target))
        elif kind == "confirm":
            plan[name] = ConfirmStep(
                confirm="{incident}, {place}. r", then=draw(later), otherwise=draw(target)
            )
        elif kind == "connect":
            plan[name] = ConnectStep(connect="routes", whisper="{incident}, {place}. Tekan 1.")
        else:
            plan[name] = OperatorStep(operator=draw(st.sampled_from(["", "g", "h"])))
    words = st.sampled_from(["i", "j", "k", "l", "m", "n", "o", "p", "q"])
    phrases = {**SMALL.phrases, "no_input": draw(words), "no_match": draw(words)}
    defaults = replace(SMALL.defaults, tries=draw(st.integers(1, 2)))
    return replace(
        SMALL, start=names[0], steps=plan, phrases=phrases, defaults=defaults, places=one_area()
    )


def one_area() -> PlaceMenu:
    """The place questions with one area of two kecamatan: fewer keys, the same turns."""
    areas = dict(list(SMALL.places.areas.items())[:1])
    names = {code: SMALL.places.names[code] for code in areas["1"].kecamatan.values()}
    values = (*names, *(f"{AREA}{key}" for key in areas))
    spoken = SpokenPlaces(tuple(p for p in SMALL.places.spoken.phrases if p.value in values))
    return replace(SMALL.places, areas=areas, names=names, spoken=spoken)


@given(dialplans(steps=6, circles=True), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_no_caller_exceeds_the_figure_of_any_dialplan(
    dialplan: Dialplan, chance: random.Random
) -> None:
    figure = report(dialplan, DIRECTORY, whole_seconds).longest_dialogue_s
    for _ in range(60):
        assert call(dialplan, at_random(chance), whole_seconds) <= figure


MOST_TURNS = 1_500
"""A dialplan whose callers meet more turns than this in all is too large to ask every one of them."""


def longest_of_all(
    dialplan: Dialplan, turn: Turn, left: Iterator[int], known: dict[object, float]
) -> float:
    """Every caller there is, one after the other: all keys, silence, and everything that may be said, at
    the last moment. What follows from a state is the same whoever comes there: it is ``known``.

    A drawn dialplan is given up once ``left`` is used up.
    """
    wait = turn.state.waiting
    if isinstance(wait, Dial):
        return 0.0
    assert isinstance(wait, Gather)
    state = everything_of(turn.state)
    if state in known:
        return known[state]
    if next(left, None) is None:
        reject()
    # Keys that mean nothing differ in nothing but their name: two of them stand for all.
    meaningless = [key for key in KEYS if key not in wait.keys][:2]
    longest = 0.0
    answers = [Answer(keys) for keys in ("", *wait.keys, *meaningless)]
    for answer in (*answers, *everything_said(dialplan, wait)):
        following, seconds = follow(dialplan, turn, answer, whole_seconds)
        longest = max(longest, seconds + longest_of_all(dialplan, following, left, known))
    for name in dialplan.places.names.values():
        found = located(dialplan, turn, name, whole_seconds)
        if found is not None:
            following, seconds = found
            longest = max(longest, seconds + longest_of_all(dialplan, following, left, known))
    known[state] = longest
    return longest


def everything_of(call: CallState) -> object:
    """Every variable of a call, its turn among them."""
    assert isinstance(call.waiting, Gather)
    call = replace(call, waiting=replace(call.waiting, vocabulary=None))  # it follows from the rest
    values = (getattr(call, field.name) for field in fields(call))
    return tuple(tuple(sorted(v.items())) if isinstance(v, Mapping) else v for v in values)


def everything_said(dialplan: Dialplan, wait: Gather) -> Iterator[Answer]:
    """Every option, every place, both and nothing of it, surely heard and not surely."""
    assert wait.vocabulary is not None, "a cry for help at least is heard at every question"
    yield Answer(said=UNKNOWN)
    options = {phrase.value: phrase.text for phrase in wait.vocabulary.options}
    places = {phrase.value: phrase.text for phrase in wait.vocabulary.places}
    for option, place in product(("", *options.values()), ("", *places.values())):
        for sure in (True, False):
            yield Answer(said=f"{option} {place}", sure=sure)


def is_exact(dialplan: Dialplan, left: Iterator[int]) -> None:
    turn, seconds = start(dialplan, whole_seconds)
    found = report(dialplan, DIRECTORY, whole_seconds)
    assert found.longest_dialogue_s == seconds + longest_of_all(dialplan, turn, left, {})
    is_walked(dialplan, found)


@given(dialplans(steps=3, circles=False))
@settings(max_examples=60)
def test_the_figure_of_a_small_dialplan_is_what_its_worst_caller_takes(dialplan: Dialplan) -> None:
    is_exact(dialplan, iter(range(MOST_TURNS)))


@given(dialplans(steps=2, circles=True))
@settings(max_examples=40)
def test_the_figure_is_exact_in_circles_too(dialplan: Dialplan) -> None:
    """With fewer turns than in production, so that all callers can be enumerated."""
    with patch("ivr.flow.engine.MAX_TURNS", 4):
        is_exact(dialplan, iter(range(MOST_TURNS)))


@pytest.mark.parametrize(("no_input", "no_match"), [("i", "q"), ("q", "i")])
def test_the_figure_does_not_mix_up_what_is_said_after_silence_and_after_a_wrong_key(
    no_input: str, no_match: str
) -> None:
    """Both misses lead to the same count of misses, by different sentences."""
    dialplan, _ = small(dialplan=DIALPLAN.replace("wait: 4s", "wait: 1s"))
    phrases = {**dialplan.phrases, "no_input": no_input, "no_match": no_match}
    is_exact(replace(dialplan, phrases=phrases, start="lainnya", places=one_area()), count())


@pytest.mark.parametrize("later", ["benar", "tempat"])
def test_the_figure_knows_which_place_is_left_when_a_caller_says_no_to_his_phone(
    later: str,
) -> None:
    """A guess from the area yields to the place that he has not said no to, and has another name."""
    steps: dict[str, Step] = {
        "tempat": AskPlaceStep(ask_place=("wilayah", "kecamatan"), then="benar"),
        "benar": ConfirmStep(confirm="{place}. r", then=OPERATOR_STEP, otherwise=later, tries=2),
        OPERATOR_STEP: OperatorStep(),
    }
    places = one_area()
    # The longest name is that of a kecamatan for which there is no key.
    names = {**dict(zip(places.names, "Zc", strict=True)), "14.03.13": "k"}
    places = replace(places, names=names)
    defaults = replace(SMALL.defaults, tries=1)
    is_exact(replace(SMALL, start="tempat", steps=steps, defaults=defaults, places=places), count())


def test_no_caller_exceeds_the_figure_of_a_dialplan_with_every_step() -> None:
    """Callers at all hours, of all classes, over all entries; digits are keyed in one by one."""
    dialplan, directory = every_step()
    figure = report(dialplan, directory, whole_seconds).longest_dialogue_s
    chance = random.Random(112)
    times = [whole_call(dialplan, chance) for _ in range(3000)]
    assert max(times) <= figure
    assert max(times) > 0.4 * figure


def every_step() -> tuple[Dialplan, Directory]:
    loaded = load(read(ROOT / "tests" / "deployments" / "lengkap").files)
    assert loaded.dialplan is not None
    assert loaded.directory is not None
    return loaded.dialplan, loaded.directory


def whole_call(dialplan: Dialplan, chance: random.Random) -> float:
    """One caller with a clock of his own, late with every answer; the seconds until somebody is rung."""
    offered = CallOffered(
        "1",
        at=chance.uniform(1.79e9, 1.82e9),
        caller=chance.choice((None, "0811", "0766", "+49")),
        dialled=chance.choice(("112", "1129", "119", "110")),
        trunk=chance.choice(("", "telkomsel")),
        case_number="",
        dialplan_version="",
    )
    turn = begin(dialplan, offered)
    seconds = 0.0
    while True:
        prompts = [
            prompt
            for action in turn.actions
            if isinstance(action, Say | Gather | Record)
            for prompt in action.prompts
        ]
        seconds += sum(map(whole_seconds, prompts))
        seconds += LISTENED_S if isinstance(turn.state.waiting, Gather) else 0.0
        event: Event
        match turn.state.waiting:
            case Dial():
                return seconds
            case DecideRoute():
                event = RouteDecided((OPERATOR_ROUTE,), ())
            case LookAtQueue():
                event = QueueSeen(chance.choice(("free", "busy", "unreachable")))
            case Record(name=name, seconds=longest):
                seconds += longest
                event = chance.choice((NoInput(), Recorded(name, longest)))
            case Gather(seconds=wait, max_digits=most):
                digits = "".join(chance.choices("1239", k=chance.randint(0, most)))
                seconds += wait * max(1, len(digits) + (len(digits) < most and bool(digits)))
                event = DigitsEntered(digits) if digits else NoInput()
                if not digits and chance.random() < 0.7:
                    event = SpeechHeard(Heard(""))
        turn = advance(dialplan, turn.state, event)
