"""Several versions in one controller's memory: each read once, none waited for in vain."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_deployment import small
from structlog.testing import capture_logs

from ivr.calls import published
from ivr.calls.published import Held, Published
from ivr.deployment import Texts
from ivr.versions import VersionGone


def made(version: str) -> Published:
    dialplan, directory = small()
    return Published(replace(dialplan, version=version), directory, Texts(Path(), {}, version))


def within_time(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), 10.0))


def test_a_version_is_read_once_though_many_calls_ask_for_it_at_the_same_time() -> None:
    read: Counter[str] = Counter()

    def load(version: str) -> Published:
        read[version] += 1
        return made(version)

    async def work() -> None:
        held = Held(made("a"), load)
        found = await asyncio.gather(*(held.get(v) for v in "abbabb"))
        assert [p.version for p in found] == list("abbabb")
        assert read == {"b": 1}

    within_time(work)


def test_a_version_that_is_gone_is_told_and_may_come_back() -> None:
    there: list[str] = []

    def load(version: str) -> Published:
        if version not in there:
            raise VersionGone(version)
        return made(version)

    async def work() -> None:
        held = Held(made("a"), load)
        with pytest.raises(VersionGone):
            await held.get("b")
        there.append("b")
        assert (await held.get("b")).version == "b"

    within_time(work)


def test_a_disk_that_hangs_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "LOAD_S", 0.05)
    free = threading.Event()

    def load(version: str) -> Published:
        free.wait(10)
        return made(version)

    async def work() -> None:
        held = Held(made("a"), load)
        with pytest.raises(TimeoutError):
            await held.get("b")
        assert (await held.get("a")).version == "a"
        free.set()

    within_time(work)


def test_the_newest_version_is_in_memory_before_its_first_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(published, "LOOK_S", 0.005)
    monkeypatch.setattr(published, "LOAD_S", 0.05)
    activated, tried = ["a"], []

    def load(version: str) -> Published:
        tried.append(version)
        if version == "bad":
            raise VersionGone(version)
        return made(version)

    async def until(true: Callable[[], bool]) -> None:
        while not true():  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0.005)

    async def work() -> None:
        held = Held(made("a"), load)
        newest, current = lambda: len(activated), lambda: activated[-1]
        following = asyncio.create_task(held.follow(newest, current))
        activated.append("b")
        await until(lambda: held.current.version == "b")
        activated.append("bad")
        await until(lambda: tried.count("bad") > 1)
        assert held.current.version == "b"
        activated.append("c")
        await until(lambda: held.current.version == "c")
        following.cancel()

    with capture_logs():
        within_time(work)


def test_memory_does_not_grow_with_every_publication_and_the_current_one_stays() -> None:
    async def work() -> None:
        held = Held(made("now"), made)
        for number in range(3 * published.HELD):
            await held.get(str(number))
        assert len(held._held) == published.HELD
        assert "now" in held._held

    within_time(work)
