"""The board takes facts in any order, and tells once what a record must hold once."""

from __future__ import annotations

import pytest

from ivr.calls.board import Board, Fact


def news(board: Board, *facts: tuple[str, str]) -> list[str]:
    """The names of the facts that were news."""
    return [
        name for name, who in facts if board.feed(Fact("1700000000.1", name, 1_750_000_000.0, who))
    ]


def test_a_call_rings_once_and_ends_once() -> None:
    board = Board()
    assert news(board, ("ringing", ""), ("ringing", ""), ("ringing", "")) == ["ringing"]
    assert news(board, ("accepted", "damkar-mandau/damkar-sip"), ("bridged", "")) == [
        "accepted",
        "bridged",
    ]
    live = board.calls["1700000000.1"]
    assert (live.talking_to, live.bridged) == ("damkar-mandau/damkar-sip", True)
    assert news(board, ("ended", "human"), ("ended", ""), ("ended", "caller")) == ["ended"]
    assert not board.calls


def test_every_target_that_is_dialled_rings_for_itself() -> None:
    facts = [("dialling", "a/t"), ("ringing", ""), ("ringing", ""), ("dialling", "b/t")]
    assert news(Board(), *facts, ("ringing", "")) == ["dialling", "ringing", "dialling", "ringing"]


def test_who_leaves_a_talk_can_be_talked_to_again() -> None:
    board = Board()
    news(board, ("ringing", ""), ("accepted", "a/t"), ("bridged", ""), ("left", ""))
    live = board.calls["1700000000.1"]
    assert (live.talking_to, live.bridged) == (None, False)
    assert news(board, ("ringing", "")) == ["ringing"]


@pytest.mark.parametrize("late", ["dialling", "ringing", "accepted", "bridged", "left"])
def test_what_comes_after_the_end_opens_no_call_again(late: str) -> None:
    board = Board()
    assert news(board, ("ringing", ""), ("ended", "human")) == ["ringing", "ended"]
    assert news(board, (late, ""), ("ended", "")) == []
    assert not board.calls


def test_the_end_of_a_call_that_nobody_saw_is_no_news() -> None:
    assert news(Board(), ("ended", "")) == []


def test_calls_do_not_disturb_each_other() -> None:
    board = Board()
    for number in range(300):
        assert board.feed(Fact(str(number), "ringing", 0.0))
    for number in range(0, 300, 2):
        assert board.feed(Fact(str(number), "ended", 0.0))
    assert set(board.calls) == {str(number) for number in range(1, 300, 2)}


def test_a_voice_on_a_leg_is_counted_for_that_leg_until_now() -> None:
    board = Board()
    assert news(board, ("dialling", "a/t")) == ["dialling"]

    def feed(name: str, at: float, who: str = "a/t") -> None:
        assert not board.feed(Fact("1700000000.1", name, at, who)), "no news for the record"

    feed("voice", 10.0)
    assert board.heard_s("1700000000.1", "a/t", 12.5) == 2.5
    feed("quiet", 13.0)
    feed("quiet", 14.0)
    feed("voice", 20.0)
    assert board.heard_s("1700000000.1", "a/t", 21.0) == 4.0
    assert board.heard_s("1700000000.1", "b/t", 21.0) == 0.0
    assert board.heard_s("another", "a/t", 21.0) == 0.0


def test_the_board_knows_how_many_talk_to_operators() -> None:
    board = Board()
    for call, who in (("1.1", "operator/a"), ("1.2", "operator/b"), ("1.3", "damkar-mandau/a")):
        board.feed(Fact(call, "accepted", 1_750_000_000.0, who))
    assert board.talking_to("operator") == 2
    board.feed(Fact("1.1", "ended", 1_750_000_001.0, "human"))
    assert board.talking_to("operator") == 1
