"""A number is looked up beside its call, and trouble with that is nobody's but the record's."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from ivr.calls.suspects import Suspects


def looked_up(suspects: Suspects, caller: str | None) -> bool:
    async def run() -> bool:
        suspects.recognise("1", caller)
        await asyncio.gather(*suspects._looking)
        return "1" in suspects

    return asyncio.run(run())


def test_a_number_with_a_record_makes_its_call_suspect_and_no_other_does() -> None:
    assert looked_up(Suspects(lambda caller: caller == "+6281", 60.0), "+6281")
    assert not looked_up(Suspects(lambda caller: caller == "+6281", 60.0), "+6282")
    assert not looked_up(Suspects(lambda caller: True, 60.0), None)


def test_a_record_that_cannot_be_read_is_logged_and_nothing_more() -> None:
    def broken(caller: str) -> bool:
        raise OSError("disk")

    with capture_logs() as logs:
        assert not looked_up(Suspects(broken, 60.0), "+6281")
    assert [entry["event"] for entry in logs] == ["number_not_looked_up"]


def test_it_is_forgotten_after_a_while() -> None:
    async def run() -> None:
        suspects = Suspects(lambda caller: True, 0.01)
        suspects.recognise("1", "+6281")
        await asyncio.gather(*suspects._looking)
        assert "1" in suspects
        later = asyncio.Event()
        asyncio.get_running_loop().call_later(0.02, later.set)
        await later.wait()
        assert "1" not in suspects

    asyncio.run(run())
