"""What the calls themselves tell of the ways out."""

from __future__ import annotations

from ivr.calls.board import Board, Fact
from ivr.calls.ways import ASIDE_S, Ways, full
from routing.model import Trunk


def ended(result: str, at: float = 100.0, who: str = "damkar/jasnita") -> Fact:
    return Fact("1", "result", at, who=who, result=result)


def test_a_way_that_failed_stands_aside_for_a_while_and_then_is_tried_again() -> None:
    ways = Ways()
    ways.feed(ended("failed"))
    assert ways.down(100.0) == ways.down(100.0 + ASIDE_S - 1) == {"jasnita"}
    assert ways.down(100.0 + ASIDE_S) == frozenset()


def test_people_who_do_not_come_say_nothing_against_the_way_to_them() -> None:
    ways = Ways()
    ways.feed(ended("no_answer"))
    ways.feed(ended("busy", who="polsek/jasnita"))
    assert ways.down(100.0) == frozenset()


def test_a_way_that_works_again_is_believed_at_once() -> None:
    ways = Ways()
    ways.feed(ended("failed", 100.0))
    ways.feed(Fact("2", "accepted", 105.0, who="polsek/jasnita"))
    assert ways.down(106.0) == frozenset()


def test_a_leg_that_was_called_off_tells_nothing() -> None:
    ways = Ways()
    ways.feed(ended("failed", 100.0))
    ways.feed(ended("cancelled", 101.0))
    assert ways.down(102.0) == {"jasnita"}


def test_a_clock_that_was_set_back_leaves_no_way_aside_for_ever() -> None:
    ways = Ways()
    ways.feed(ended("failed", 100.0))
    assert ways.down(50.0) == frozenset()


def test_a_trunk_is_full_when_all_its_channels_talk_and_an_agency_when_it_can_take_no_more() -> (
    None
):
    board = Board()
    trunks = {
        "damkar-sip": Trunk("damkar-sip", "10.0.0.1", channels=2),
        "jasnita": Trunk("jasnita", "x"),
    }
    for call in ("1", "2"):
        assert full(board, trunks, {"damkar": 2}) == (frozenset(), frozenset())
        board.feed(Fact(call, "accepted", 1.0, who="damkar/damkar-sip"))
    assert full(board, trunks, {"damkar": 2, "polsek": 1}) == ({"damkar"}, {"damkar-sip"})


def test_an_agency_called_like_a_trunk_is_not_taken_for_it() -> None:
    board = Board()
    board.feed(Fact("1", "accepted", 1.0, who="pos/jasnita"))
    trunks = {name: Trunk(name, "10.0.0.1", channels=1) for name in ("pos", "jasnita")}
    assert full(board, trunks, {"jasnita": 1}) == (frozenset(), {"jasnita"})
