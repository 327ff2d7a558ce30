"""No key of a caller is lost, none counts twice, and they count in the order of pressing."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.platforms.asterisk.keys import FORGET_S, PATIENCE_S, Keys

LATER = PATIENCE_S + 0.01


def all_of(keys: Keys, now: float) -> str:
    """Every key that counts now."""
    taken = ""
    while key := keys.take(now):
        taken += key
    return taken


def test_without_any_key_there_is_none() -> None:
    assert Keys().take(100.0) == ""


def test_a_key_told_by_agi_counts_once_and_at_once() -> None:
    keys = Keys()
    keys.told("1", 0.0)
    assert all_of(keys, 0.0) == "1"
    assert all_of(keys, 100.0) == ""


def test_a_key_heard_by_ami_alone_counts_once_when_agi_has_had_its_time() -> None:
    keys = Keys()
    keys.heard("1", 0.0)
    assert all_of(keys, PATIENCE_S - 0.01) == ""
    assert all_of(keys, PATIENCE_S) == "1"
    assert all_of(keys, 100.0) == ""


@pytest.mark.parametrize("first", ["told", "heard"])
def test_a_key_reported_by_both_ears_counts_once_in_either_order(first: str) -> None:
    keys = Keys()
    second = "heard" if first == "told" else "told"
    getattr(keys, first)("1", 0.0)
    getattr(keys, second)("1", 0.1)
    assert all_of(keys, LATER) == "1"
    assert all_of(keys, 100.0) == ""


def test_the_same_key_pressed_twice_counts_twice() -> None:
    keys = Keys()
    for now in (0.0, 0.2):
        keys.heard("1", now)
        keys.told("1", now + 0.01)
    assert all_of(keys, 1.0) == "11"


def test_the_same_key_lost_once_and_told_once_counts_twice() -> None:
    keys = Keys()
    keys.heard("1", 0.0)
    keys.heard("1", 0.1)
    keys.told("1", 0.1)
    assert all_of(keys, 1.0) == "11"


def test_a_key_lost_by_agi_comes_before_the_key_it_tells_afterwards() -> None:
    keys = Keys()
    keys.heard("1", 0.0)
    keys.heard("2", 0.1)
    keys.told("2", 0.1)
    assert all_of(keys, 0.1) == "12"
    assert all_of(keys, 100.0) == ""


def test_a_key_lost_by_agi_comes_first_also_where_ami_is_late_with_the_other() -> None:
    keys = Keys()
    keys.heard("1", 0.0)
    keys.told("2", 0.1)
    keys.heard("2", 0.2)
    assert all_of(keys, 1.0) == "12"


def test_a_key_that_nobody_asked_for_is_put_back_in_its_place() -> None:
    keys = Keys()
    keys.told("1", 0.0)
    keys.told("2", 0.1)
    keys.keep(keys.take(0.2))
    assert all_of(keys, 0.2) == "12"


def test_an_ami_report_that_comes_too_late_is_taken_for_another_press() -> None:
    keys = Keys()
    keys.told("1", 0.0)
    assert all_of(keys, 0.0) == "1"
    keys.heard("1", FORGET_S + 0.1)
    assert all_of(keys, 100.0) == "1"


@dataclass(frozen=True)
class Press:
    """One key: when it was pressed, how long each ear takes, whether AGI tells it at all."""

    key: str
    at: float
    ami_s: float
    agi_s: float | None


def presses(draw_key: st.SearchStrategy[str], ami_s: float) -> st.SearchStrategy[list[Press]]:
    drawn = st.lists(
        st.tuples(draw_key, st.floats(0, ami_s), st.none() | st.floats(0.05, 0.1)), max_size=8
    )
    return drawn.map(
        lambda found: [
            Press(key, number * 0.2, ami, agi) for number, (key, ami, agi) in enumerate(found)
        ]
    )


def counted(pressed: list[Press], *, ami: bool = True) -> str:
    """The keys that count, when each is taken as soon as it can be."""
    reports = []
    for number, press in enumerate(pressed):
        if ami:
            reports.append((press.at + press.ami_s, number, "heard", press.key))
        if press.agi_s is not None:
            reports.append((press.at + press.agi_s, number, "told", press.key))
    keys = Keys()
    taken = ""
    for now, _, ear, key in sorted(reports):
        getattr(keys, ear)(key, now)
        taken += all_of(keys, now)
    return taken + all_of(keys, 100.0)


@given(presses(st.sampled_from("0123"), ami_s=0.15))
def test_every_key_counts_exactly_once_whichever_ear_is_slower(pressed: list[Press]) -> None:
    assert sorted(counted(pressed)) == sorted(press.key for press in pressed)


@given(presses(st.sampled_from("0123456789"), ami_s=0.04))
def test_keys_count_in_the_order_of_pressing_where_ami_is_the_faster_ear(
    pressed: list[Press],
) -> None:
    assert counted(pressed) == "".join(press.key for press in pressed)


@given(presses(st.sampled_from("0123"), ami_s=0.15))
def test_without_ami_every_key_that_agi_tells_counts(pressed: list[Press]) -> None:
    told = "".join(press.key for press in pressed if press.agi_s is not None)
    assert counted(pressed, ami=False) == told
