"""The dialogue can be tried in a terminal."""

from __future__ import annotations

import io

from small_deployment import shipped

from ivr.flow.events import CallerHungUp, HumanJoined, RouteDecided
from ivr.platforms.terminal import hold

DIALPLAN, DIRECTORY = shipped()


def test_keys_lead_to_the_fire_post_of_mandau() -> None:
    screen = io.StringIO()
    events = hold(DIALPLAN, DIRECTORY, keys=io.StringIO("1\n1\n1\n"), screen=screen)
    assert any(isinstance(event, RouteDecided) for event in events)
    assert events[-1] == HumanJoined("damkar-mandau")
    assert "because: " in screen.getvalue()


def test_empty_lines_are_silence_and_lead_to_the_operator() -> None:
    events = hold(DIALPLAN, DIRECTORY, keys=io.StringIO("\n\n"), screen=io.StringIO())
    assert events[-1] == HumanJoined("operator")


def test_the_end_of_the_input_and_q_hang_up() -> None:
    for typed in ("", "1\nq\n"):
        events = hold(DIALPLAN, DIRECTORY, keys=io.StringIO(typed), screen=io.StringIO())
        assert events[-1] == CallerHungUp()
