"""A speech process that runs and helps nobody is told of, and no longer than it is so."""

from __future__ import annotations

import pytest

from ivr.flow.spoken import Heard, Nothing
from ivr.speech.trouble import FAILED, LATE, MANY, WITHIN_S, Trouble


def after(*answers: Heard | Nothing, apart_s: float = 10.0) -> str:
    trouble = Trouble()
    for number, answer in enumerate(answers):
        trouble.answered(answer, number * apart_s)
    return trouble.why


LATE_ONES = (Nothing("late"),) * MANY


def test_answers_that_are_always_late_are_a_machine_too_slow() -> None:
    assert after(*LATE_ONES[1:]) == ""
    assert after(*LATE_ONES) == LATE


def test_answers_that_fail_are_an_engine_that_falls() -> None:
    assert after(*LATE_ONES[1:], Nothing("failed")) == FAILED
    assert after(*[Nothing("failed")] * MANY, *LATE_ONES) == LATE, "the last ones count"


def test_the_next_good_answer_ends_it() -> None:
    assert after(*LATE_ONES, Heard("api", "1", 0.9)) == ""
    assert after(*LATE_ONES, Heard("api"), *LATE_ONES[1:]) == ""


@pytest.mark.parametrize("reason", ["silence", "noise", "busy"])
def test_what_says_nothing_of_the_engine_neither_begins_nor_ends_it(reason: str) -> None:
    nothing = Nothing(reason)  # type: ignore[arg-type]
    assert after(*[nothing] * (2 * MANY)) == ""
    assert after(nothing, *LATE_ONES[1:], nothing, LATE_ONES[0], nothing) == LATE


def test_a_few_in_a_long_time_are_no_trouble() -> None:
    assert after(*LATE_ONES, apart_s=WITHIN_S / (MANY - 1)) == LATE
    assert after(*LATE_ONES, apart_s=WITHIN_S / (MANY - 1) + 1) == ""
