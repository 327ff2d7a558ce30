"""What came of an utterance is counted as the engine would have acted on it."""

from __future__ import annotations

import itertools

import pytest

from ivr import config
from ivr.calls.published import load
from ivr.flow.events import CallOffered
from ivr.flow.model import CallState
from ivr.flow.speech import meant
from ivr.flow.spoken import ENOUGH, SURE, UNSURE, Heard, Nothing, Phrase, Vocabulary
from ivr.flow.vocabulary import YES_NO
from ivr.speech.asked import vocabularies
from ivr.speech.manifest import Labelled
from ivr.speech.verdicts import Rates, percentile, place_verdict, rates, understood, verdict

MENU = Vocabulary("menu", (Phrase("kebakaran", "1"), Phrase("tolong", "0")))
PLACE = Vocabulary("place", (Phrase("duri", "1"),), (Phrase("mandau", "14.03.09"),))
FIRE = Labelled("a.wav", menu="kejadian", option="1", kind="keyword")
FIRE_IN_MANDAU = Labelled("a.wav", menu="kejadian", option="1", place="14.03.09", kind="carrier")
MANDAU = Labelled("a.wav", menu="tempat", place="14.03.09|area:1", kind="kecamatan")
OTHER = Labelled("a.wav", menu="kejadian", kind="oov")
YES = Labelled("a.wav", menu="yes_no", option="1", kind="yes_no")


@pytest.mark.parametrize(
    ("row", "vocabulary", "heard", "expected"),
    [
        (FIRE, MENU, Heard("api", "1", 0.9), "right"),
        (FIRE, MENU, Heard("api", "1", 0.7), "asked_right"),
        (FIRE, MENU, Heard("apa", "1", 0.2), "again"),
        (FIRE, MENU, Heard("sapi", "4", 0.9), "wrong"),
        (FIRE, MENU, Heard("sapi", "4", 0.7), "asked_wrong"),
        (FIRE, MENU, Heard("tolong", "0", 0.6), "person"),
        (FIRE, MENU, Heard("api", "1", 0.9, "14.03.01", 0.9), "wrong"),
        (FIRE, MENU, Heard("api", "1", 0.9, "14.03.01", 0.6), "right"),
        (FIRE, MENU, Heard("api", "1", 0.7, "14.03.01", 0.6), "asked_wrong"),
        (FIRE, MENU, Nothing("noise"), "again"),
        (FIRE_IN_MANDAU, MENU, Heard("api mandau", "1", 0.9, "14.03.09", 0.9), "right"),
        (FIRE_IN_MANDAU, MENU, Heard("api mandau", "1", 0.7, "14.03.09", 0.6), "asked_right"),
        (FIRE_IN_MANDAU, MENU, Heard("mandau", place="14.03.09", place_confidence=0.9), "again"),
        (MANDAU, PLACE, Heard("mandau", place="14.03.09", place_confidence=0.9), "right"),
        (MANDAU, PLACE, Heard("duri", "1", 0.9), "right"),
        (MANDAU, PLACE, Heard("dumai", "2", 0.9), "wrong"),
        (YES, YES_NO, Heard("ya", "1", 0.6), "right"),
        (YES, YES_NO, Heard("tidak", "2", 0.6), "wrong"),
        (OTHER, MENU, Heard("apa kabar"), "again"),
        (OTHER, MENU, Heard("apa kabar", "1", 0.9), "wrong"),
        (OTHER, MENU, Heard("apa kabar", "0", 0.6), "wrong"),
        (OTHER, MENU, Heard("apa kabar", "1", 0.6), "asked_wrong"),
    ],
)
def test_an_answer_is_judged_by_what_the_caller_meets(
    row: Labelled, vocabulary: Vocabulary, heard: Heard | Nothing, expected: str
) -> None:
    assert verdict(row, vocabulary, [heard]) == expected


def test_the_first_utterance_with_something_in_it_counts_and_no_answer_is_none() -> None:
    nothing, right, wrong = Nothing("noise"), Heard("api", "1", 0.9), Heard("sapi", "4", 0.9)

    assert verdict(FIRE, MENU, [nothing, right, wrong]) == "right"
    assert verdict(FIRE, MENU, []) == "again"


def test_where_nothing_is_to_be_understood_the_worst_counts() -> None:
    asked, wrong = Heard("apa", "1", 0.6), Heard("apa", "1", 0.9)

    assert verdict(OTHER, MENU, [asked, wrong]) == "wrong"


def test_the_place_in_a_sentence_is_judged_by_itself() -> None:
    heard = Heard("mandau", "4", 0.9, "14.03.09", 0.9)

    assert place_verdict(FIRE_IN_MANDAU, MENU, heard) == "right"
    assert place_verdict(FIRE_IN_MANDAU, MENU, Nothing("noise")) == "again"


def test_rates_are_shares_of_all() -> None:
    found = rates(
        ["right", "asked_right", "asked_wrong", "again", "person", "wrong", "right", "right"]
    )

    assert found == Rates(
        8, accuracy=0.5, wrong_accepted=0.125, asked=0.25, asked_wrong=0.125, again=0.25
    )
    assert rates([]).accuracy == 0


@pytest.mark.parametrize(("share", "expected"), [(0.5, 2), (0.75, 3), (0.95, 4), (0.01, 1)])
def test_a_percentile_is_a_value_that_was_measured(share: float, expected: int) -> None:
    assert percentile([4, 2, 1, 3], share) == expected


def test_the_rule_of_the_engine_and_that_of_the_verdicts_are_one() -> None:
    """Whatever is heard, however surely, at every question of the shipped dialplan."""
    dialplan = load(config.read({})).dialplan
    offered = CallOffered("x", 0.0, None, "112", "", "", dialplan.version)
    chances = (0.0, 0.24, UNSURE, 0.49, ENOUGH, 0.84, SURE, 1.0)
    compared = 0
    for name, vocabulary in vocabularies(dialplan).items():
        call = CallState(offered, name if name in dialplan.steps else "kejadian")
        options = {"", "0", "1", *(phrase.value for phrase in vocabulary.options[:1])}
        if vocabulary.kind == "digits":
            options -= {"0"}  # a digit there, and a person only where it stands among the options
        offers = {phrase.value for phrase in vocabulary.options}
        options = {one for one in options if not one or one in offers or vocabulary.digits}
        places = {"", *(phrase.value for phrase in vocabulary.places[:3])}
        for option, place in itertools.product(options, places):
            for of_option, of_place in itertools.product(chances, chances):
                heard = Heard(
                    "x",
                    option,
                    of_option if option else 0.0,
                    place,
                    of_place if place else 0.0,
                )
                assert understood(vocabulary, heard) == meant(dialplan, call, vocabulary, heard), (
                    name,
                    heard,
                )
                compared += 1
    assert compared > 1000
