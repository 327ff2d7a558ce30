"""How surely something was understood: brevity speaks for an answer, and a question is cheaper than an act."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ivr.flow.spoken import ENOUGH, SURE, UNSURE
from ivr.speech import certainty
from ivr.speech.whisper import Candidate, haste

QUIET, NOISY = 50.0, 15.0


def yes(seconds: float, score: float = 0.62, words: str = "ya betul") -> float:
    return certainty.answered("yes_no", score, 0.12, QUIET, seconds=seconds, words=words)


def test_a_yes_as_short_as_its_words_counts_and_the_same_in_a_long_sentence_does_not() -> None:
    assert yes(0.8) >= ENOUGH > yes(1.6)


def test_more_time_never_makes_an_answer_surer() -> None:
    chances = [yes(tenths / 10) for tenths in range(30)]
    assert chances == sorted(chances, reverse=True)


def test_longer_words_may_take_longer() -> None:
    assert yes(1.1, words="ya betul") > yes(1.1, words="ya")


@pytest.mark.parametrize("kind", ["menu", "place"])
def test_a_short_word_is_worth_a_question_but_is_never_acted_on_for_that(
    kind: certainty.Kind,
) -> None:
    for hundredths in range(101):
        score, margin = hundredths / 100, max(0.0, hundredths / 100 - 0.5)
        plain = certainty.chance(kind, score, margin, QUIET)
        short = certainty.answered(kind, score, margin, QUIET, seconds=0.4, words="kebakaran")
        assert short >= plain
        assert (short >= SURE) is (plain >= SURE)
    dim = certainty.chance("menu", 0.6, 0.1, QUIET)
    asked = certainty.answered("menu", 0.6, 0.1, QUIET, seconds=0.6, words="banjir")
    assert dim < UNSURE <= asked


def test_nothing_is_sure_on_a_noisy_line() -> None:
    assert certainty.answered("yes_no", 1.0, 0.5, NOISY, seconds=0.4, words="ya") < SURE
    assert certainty.answered("menu", 1.0, 0.5, NOISY, seconds=0.4, words="api") < SURE
    assert certainty.chance("digits", 1.0, 0.5, NOISY) < SURE


def test_digits_that_would_need_more_time_than_there_was_stand_behind_those_that_do_not() -> None:
    once = Candidate("12", "dua belas", False, "dua belas", 0.9, 0.9, 0.5)
    looped = Candidate("122", "dua belas dua", False, "dua belas dua", 0.9, 0.9, 0.5)
    assert haste(once, 0.65) == 0.0 < haste(looped, 0.65)
    assert replace(looped, haste=haste(looped, 0.65)).score < once.score
    assert haste(looped, 1.2) == 0.0
    assert haste(replace(once, words="sebelas"), 0.1) == 0.0, "one word is as short as it is"
