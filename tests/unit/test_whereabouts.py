"""What arrives for a call reaches its dialogue, or its record and the people who have it, once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ivr.calls import whereabouts as module
from ivr.calls.whereabouts import Whereabouts
from ivr.flow.events import Event, LocationLearned
from ivr.location.arrivals import Arrivals
from ivr.location.source import Asked
from routing.geography import Geography
from routing.model import Directory, Location

HERE = Location("aml_https", "14.03.09", confidence=0.7, kind="inside", received_at=100.0)
ELSEWHERE = replace(HERE, code="14.03.16", received_at=101.0)


def within_time(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), 10.0))

    run.__name__ = test.__name__
    return run


@pytest.fixture(autouse=True)
def _kept_back_shortly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_BACK_S", 0.05)


@dataclass
class House:
    events: defaultdict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    shown: asyncio.Queue[Location] = field(default_factory=asyncio.Queue)
    over: set[str] = field(default_factory=set)
    forgotten: list[str] = field(default_factory=list)

    def whereabouts(self) -> Whereabouts:
        return Whereabouts(
            (),
            Arrivals(),
            record=lambda call, event: self.events[call].append(event),
            on_record=self._on_record,
            is_over=self.over.__contains__,
            forget=self.forgotten.append,
            show=self._show,
            geography=Geography,
        )

    async def _on_record(self, call_id: str) -> Sequence[Event]:
        return tuple(self.events[call_id])

    async def _show(self, call_id: str, location: Location) -> None:
        await self.shown.put(location)


def asked(call_id: str = "1") -> Asked:
    return Asked(call_id, "+6281", "telkomsel", 100.0, Directory((), (), {}, ()), Geography())


@within_time
async def test_a_dialogue_that_is_under_way_takes_it_and_nobody_else_is_told() -> None:
    house = House()
    where = house.whereabouts()
    box = where.inboxes.open("1")
    where.arrived("1", HERE)
    assert list(box) == [HERE]
    assert house.events == {} and house.shown.empty()


@within_time
async def test_between_two_sessions_it_is_recorded_and_shown_at_once() -> None:
    house = House()
    where = house.whereabouts()
    await where.of_call(asked())
    where.arrived("1", HERE)
    assert house.events["1"] == [LocationLearned(HERE)]
    assert await house.shown.get() == HERE


@within_time
async def test_after_the_end_it_is_recorded_shown_to_nobody_and_leaves_no_trace_in_memory() -> None:
    house = House(over={"1"})
    where = house.whereabouts()
    where.arrived("1", HERE)
    await asyncio.sleep(0)
    assert house.events["1"] == [LocationLearned(HERE)]
    assert house.shown.empty() and house.forgotten == ["1"]


@within_time
async def test_what_an_old_dialogue_may_be_taking_is_kept_back_and_told_once() -> None:
    """The old controller writes it down when its dialogue takes it: then this one does not."""
    house = House()
    where = house.whereabouts()
    where.arrived("1", HERE)
    where.arrived("1", ELSEWHERE)
    assert house.events["1"] == []
    house.events["1"].append(LocationLearned(HERE))
    assert await house.shown.get() == ELSEWHERE
    assert house.events["1"] == [LocationLearned(HERE), LocationLearned(ELSEWHERE)]


@within_time
async def test_a_call_that_comes_here_gets_what_was_kept_back_for_it_in_its_dialogue() -> None:
    house = House()
    where = house.whereabouts()
    where.arrived("1", HERE)
    where.arrived("1", ELSEWHERE)
    box = where.inboxes.open("1")
    where.again("1", "+6281", 90.0, [LocationLearned(HERE)])
    assert list(box) == [ELSEWHERE]
    await asyncio.sleep(module.KEPT_BACK_S * 2)
    assert house.events["1"] == [], "the dialogue writes down what it takes"


@within_time
async def test_a_controller_that_was_superseded_writes_nothing_but_what_its_dialogues_take() -> (
    None
):
    house = House()
    where = house.whereabouts()
    await where.of_call(asked())
    where.superseded = True
    where.arrived("1", HERE)
    assert house.events["1"] == []
    box = where.inboxes.open("1")
    where.arrived("1", HERE)
    assert list(box) == [HERE]
