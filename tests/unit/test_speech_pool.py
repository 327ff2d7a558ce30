"""The workers: how many, what one takes, and what becomes of those that fall, hang or cannot begin."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from speech_world import FALLS, MENU, NO_MEMORY, SLOW, silence, within_time, workers

from ivr.flow.spoken import Heard, Nothing, Vocabulary
from ivr.speech import pool as pools
from ivr.speech.pool import DEADLINE_S, FIRST_GUESS_S, MOST_OPEN, Listening, NobodyRecognises, Pool
from ivr.speech.recogniser import CannotListen

AT_ONCE = int(DEADLINE_S / FIRST_GUESS_S)
"""So many answers of one worker are in time, as far as it knows at first."""


@asynccontextmanager
async def started(number: int = 1, *, engine: str = "speech_world:load") -> AsyncIterator[Pool]:
    pool = workers(number, engine=engine)
    try:
        await pool.start()
        yield pool
    finally:
        await pool.close()


def listens(pool: Pool, vocabulary: Vocabulary = MENU) -> Listening:
    ear = pool.listen(vocabulary)
    assert isinstance(ear, Listening), ear
    return ear


def children() -> list[int]:
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return [int(pid) for pid in file.read().split()]


@within_time
async def test_a_guess_is_made_again_when_more_was_said() -> None:
    async with started() as pool:
        assert pool.engine == "uji"
        ear = listens(pool)
        ear.feed(silence(0.5))
        first = await ear.finish()
        ear.feed(silence(0.25))
        second = await ear.finish()
        assert isinstance(first, Heard)
        assert isinstance(second, Heard)
        assert (first.text, second.text) == ("4000", "6000")


@within_time
async def test_utterances_of_one_worker_are_kept_apart() -> None:
    async with started() as pool:
        ears = [listens(pool) for _ in range(AT_ONCE)]
        for number, ear in enumerate(ears):
            ear.feed(silence(0.1 * number))
        answers = await asyncio.gather(*(ear.finish() for ear in ears))
        assert [a.text for a in answers if isinstance(a, Heard)] == [
            str(800 * n) for n in range(AT_ONCE)
        ]


@within_time
async def test_whoever_would_wait_too_long_among_all_who_stop_speaking_has_his_keys_at_once() -> (
    None
):
    async with started() as pool:
        loop = asyncio.get_running_loop()
        ears = [listens(pool) for _ in range(MOST_OPEN)]
        begun = loop.time()
        answers = await asyncio.gather(*(ear.finish() for ear in ears))
        assert loop.time() - begun < DEADLINE_S
        assert all(isinstance(answer, Heard) for answer in answers[:AT_ONCE])
        assert answers[AT_ONCE:] == [Nothing("busy")] * (MOST_OPEN - AT_ONCE)


@within_time
async def test_each_worker_takes_so_many_and_what_is_dropped_makes_room() -> None:
    async with started() as pool:
        ears = [listens(pool) for _ in range(MOST_OPEN)]
        assert pool.listen(MENU) == Nothing("busy")
        ears[0].drop()
        ears[0].drop()
        listens(pool)
        assert pool.listen(MENU) == Nothing("busy")


@within_time
async def test_nobody_begins_to_listen_where_the_answer_could_not_be_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pools, "FIRST_GUESS_S", 0.9)
    async with started() as pool:
        slow = listens(pool, SLOW)
        waiting = [asyncio.create_task(ear.finish()) for ear in (slow, listens(pool))]
        await asyncio.sleep(0)  # both are asked now
        assert pool.listen(MENU) == Nothing("busy")
        assert await asyncio.gather(*waiting) == [Nothing("late"), Nothing("late")]


@within_time
async def test_an_idle_worker_that_is_killed_is_replaced() -> None:
    async with started() as pool:
        (old,) = children()
        os.kill(old, signal.SIGKILL)
        fallen = asyncio.create_task(pool.fallen())
        while pool.restarts == 0 or pool.listen(MENU) == Nothing("failed"):
            await asyncio.wait((fallen,), timeout=0.05)
        fallen.cancel()
        ear = listens(pool)
        assert isinstance(await ear.finish(), Heard)
        assert old not in children()
        assert pool.restarts == 1


async def restarted(pool: Pool, times: int) -> None:
    """So many workers were replaced, or could not be."""
    fallen = asyncio.create_task(pool.fallen())
    while pool.restarts < times:
        done, _ = await asyncio.wait((fallen,), timeout=0.05)
        assert not done, fallen.exception()
    fallen.cancel()


async def listens_again(pool: Pool) -> None:
    fallen = asyncio.create_task(pool.fallen())
    while pool.listen(MENU) == Nothing("failed"):
        await asyncio.wait((fallen,), timeout=0.05)
    fallen.cancel()
    assert isinstance(await listens(pool).finish(), Heard)


@within_time
async def test_a_worker_that_could_not_load_again_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pools, "PAUSES_S", (0.05,))
    async with started(engine="speech_world:may_have_no_memory") as pool:
        monkeypatch.setenv(NO_MEMORY, "")
        os.kill(children()[0], signal.SIGKILL)
        await restarted(pool, 3)
        assert pool.listen(MENU) == Nothing("failed")
        monkeypatch.delenv(NO_MEMORY)
        await listens_again(pool)


@within_time
async def test_a_worker_that_the_machine_could_not_begin_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pools, "PAUSES_S", (0.05,))
    async with started() as pool:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        os.kill(children()[0], signal.SIGKILL)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            await restarted(pool, 3)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        await listens_again(pool)


@within_time
async def test_all_utterances_of_a_worker_that_falls_are_failed_at_once() -> None:
    async with started() as pool:
        ears = [listens(pool), listens(pool, FALLS), listens(pool)]
        answers = await asyncio.gather(*(ear.finish() for ear in ears))
        assert isinstance(answers[0], Heard), "it was asked before"
        assert answers[1:] == [Nothing("failed"), Nothing("failed")]
        assert await ears[2].finish() == Nothing("failed"), "and it stays so"


@within_time
async def test_an_engine_that_cannot_listen_says_why() -> None:
    with pytest.raises(CannotListen, match="Bobot tidak ada di sini"):
        async with started(2, engine="speech_world:cannot"):
            pass


@within_time
async def test_an_engine_that_is_broken_or_missing_says_so_too() -> None:
    with pytest.raises(CannotListen, match="nirada"):
        async with started(engine="nirada:load"):
            pass


@within_time
async def test_without_any_worker_for_long_the_process_is_better_started_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pools, "NOBODY_S", 0.1)
    monkeypatch.setattr(pools, "PAUSES_S", (60.0,))
    async with started() as pool:
        os.kill(children()[0], signal.SIGKILL)
        with pytest.raises(NobodyRecognises):
            await pool.fallen()


@within_time
async def test_closing_leaves_no_process_behind() -> None:
    async with started(2):
        assert len(children()) == 2
    assert children() == []
