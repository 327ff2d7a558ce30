"""The operators' phones that ring beside the dialogue: when, in which order, and when no more."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from laboratory import AGENCY, OPERATOR, Engine, crowd, eventually, hear_each_other
from test_lab_calls import BY_INFO
from test_lab_nets import with_people

from ivr.softphone.phone import Answerer, Phone, answerer, caller
from ivr.softphone.sipp import SipMessage, free_port

RINGING_FOR_EVER = 100.0


@pytest.fixture
def ports() -> dict[str, int]:
    return {
        "agency": free_port(AGENCY),
        "first": free_port(OPERATOR),
        "second": free_port(OPERATOR),
    }


@pytest.fixture
def engine(tmp_path: Path, ports: dict[str, int]) -> Iterator[Engine]:
    made = with_people(
        tmp_path / "home", f"{OPERATOR}:{ports['first']}", f"{AGENCY}:{ports['agency']}"
    )
    try:
        yield made
    finally:
        made.down()


def write(engine: Engine, name: str, old: str, new: str) -> None:
    file = engine.deployment / name
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def two_operators(engine: Engine, ports: dict[str, int], order: str) -> Engine:
    write(
        engine,
        "operators.yaml",
        "- {via: jasnita, number: ISI-NOMOR, accept: press}",
        f'- {{number: "sip:kedua@{OPERATOR}:{ports["second"]}", ring: 5s}}',
    )
    first = f'- {{number: "sip:petugas@{OPERATOR}:{ports["first"]}"'
    write(engine, "operators.yaml", first, f"{first}, ring: 5s")
    write(engine, "dialplan.yaml", "operators: all", f"operators: {order}")
    return engine.started()


def came(phone: Answerer, word: str) -> list[SipMessage]:
    return [m for m in phone.sipp.trace() if not m.sent and m.first_line.startswith(f"{word} ")]


def test_an_operators_phone_stops_ringing_once_an_agency_has_the_caller(
    engine: Engine, sipp: tuple[str, ...], ports: dict[str, int]
) -> None:
    engine.started()

    async def call() -> None:
        async with (
            answerer(sipp, OPERATOR, ports["first"], ring_s=RINGING_FOR_EVER) as operator,
            answerer(sipp, AGENCY, ports["agency"]) as post,
            caller(sipp, "127.0.0.1", engine.sip_port) as phone,
        ):
            await phone.answered(5)
            await operator.called(5)
            phone.rtp.press("111")
            await post.picked_up(20)
            assert not came(operator, "CANCEL"), "it rings as long as nobody has accepted"
            await post.accept()
            await hear_each_other(phone.rtp, post.rtp)
            await eventually(lambda: came(operator, "CANCEL"), 2, "the end of the ringing")
            await phone.hang_up()

    asyncio.run(call())


def test_an_operator_who_accepts_too_late_is_told_so_and_the_talk_goes_on(
    engine: Engine, sipp: tuple[str, ...], ports: dict[str, int]
) -> None:
    engine.started()

    async def call() -> None:
        async with (
            answerer(sipp, OPERATOR, ports["first"]) as operator,
            answerer(sipp, AGENCY, ports["agency"]) as post,
            caller(sipp, "127.0.0.1", engine.sip_port) as phone,
        ):
            await phone.answered(5)
            phone.rtp.press("111")
            await post.picked_up(20)
            leg = await operator.picked_up(10)
            await post.accept()
            await hear_each_other(phone.rtp, post.rtp)
            operator.rtp.forget()
            await operator.accept()
            await eventually(lambda: leg.ended_by_peer, 8, "the polite end")
            assert abs(operator.rtp.heard(2.0).astype(int)).max() > 1000, "it was said why"
            for rtp in (phone.rtp, post.rtp):
                rtp.forget()
            await hear_each_other(phone.rtp, post.rtp)
            await phone.hang_up()

    asyncio.run(call())


def test_human_by_is_counted_from_the_answer(
    engine: Engine, sipp: tuple[str, ...], ports: dict[str, int]
) -> None:
    write(engine, "dialplan.yaml", "human_by: 0s", "human_by: 4s")
    engine.started()

    async def call() -> None:
        async with (
            answerer(sipp, OPERATOR, ports["first"]) as operator,
            caller(sipp, "127.0.0.1", engine.sip_port) as phone,
        ):
            answer = await phone.answered(5)
            leg = await operator.called(10)
            assert leg.invited_at is not None
            assert 2.9 < leg.invited_at - answer.at < 5.0
            await phone.hang_up()

    asyncio.run(call())


def test_a_caller_who_asks_for_a_person_does_not_wait_for_human_by(
    engine: Engine, sipp: tuple[str, ...], ports: dict[str, int]
) -> None:
    write(engine, "dialplan.yaml", "human_by: 0s", "human_by: 15s")
    engine.started()

    async def call() -> None:
        async with (
            answerer(sipp, OPERATOR, ports["first"]) as operator,
            caller(sipp, "127.0.0.1", engine.sip_port) as phone,
        ):
            answer = await phone.answered(5)
            phone.rtp.press("0")
            leg = await operator.called(10)
            assert leg.invited_at is not None
            assert leg.invited_at - answer.at < 3.0
            await phone.hang_up()

    asyncio.run(call())


def test_all_at_once_in_order_or_the_longest_idle_first(
    engine: Engine, sipp: tuple[str, ...], ports: dict[str, int]
) -> None:
    two_operators(engine, ports, "in-order")

    async def first_rung(accepting: str = "") -> str:
        """Who is rung first by one call; ``accepting`` takes it and hangs up."""
        async with (
            answerer(sipp, OPERATOR, ports["first"], ring_s=_ring(accepting, "first")) as first,
            answerer(sipp, OPERATOR, ports["second"], ring_s=_ring(accepting, "second")) as second,
            caller(sipp, "127.0.0.1", engine.sip_port) as phone,
        ):
            await phone.answered(5)
            await eventually(lambda: came(first, "INVITE") and came(second, "INVITE"), 15, "both")
            at = {"first": came(first, "INVITE")[0].at, "second": came(second, "INVITE")[0].at}
            if accepting:
                person = first if accepting == "first" else second
                leg = await person.picked_up(15)
                await person.accept()
                await joined(person, phone)
                await leg.hang_up()
            await phone.hang_up()
            assert abs(at["first"] - at["second"]) > 4.0 or engine_order == "all"
            return min(at, key=lambda name: at[name])

    engine_order = "in-order"
    assert asyncio.run(first_rung()) == "first"
    engine.down()
    write(engine, "dialplan.yaml", "operators: in-order", "operators: longest-idle")
    engine.started()
    engine_order = "longest-idle"
    assert asyncio.run(first_rung(accepting="second")) in ("first", "second")
    assert asyncio.run(first_rung()) == "first", "the second has just had a talk"
    engine.down()
    write(engine, "dialplan.yaml", "operators: longest-idle", "operators: all")
    engine.started()
    engine_order = "all"

    async def both_at_once() -> None:
        async with (
            answerer(sipp, OPERATOR, ports["first"], ring_s=RINGING_FOR_EVER) as first,
            answerer(sipp, OPERATOR, ports["second"], ring_s=RINGING_FOR_EVER) as second,
            caller(sipp, "127.0.0.1", engine.sip_port) as phone,
        ):
            answer = await phone.answered(5)
            for person in (first, second):
                leg = await person.called(5)
                assert leg.invited_at is not None
                assert leg.invited_at - answer.at < 1.0
            await asyncio.sleep(1.0)  # nobody hangs up within milliseconds of being answered
            await phone.hang_up()
            for person in (first, second):
                await eventually(lambda p=person: came(p, "CANCEL"), 3, "the end of the ringing")

    asyncio.run(both_at_once())


async def joined(person: Answerer, phone: Phone) -> None:
    """Whoever does not get the caller presses again: the briefing is played once more."""
    for _ in range(3):
        with contextlib.suppress(AssertionError):
            await eventually(lambda: phone.talking_to == "operator", 4, "the bridge")
            return
        person.rtp.press("1")
    pytest.fail("the bridge did not come, however often 1 was pressed")


def _ring(accepting: str, name: str) -> float:
    return 0.5 if accepting == name else RINGING_FOR_EVER


def test_two_hundred_calls_at_once_are_load_and_no_silence(engine: Engine) -> None:
    """The supervisor kills a controller that hangs, and never one that merely has much to do."""
    engine.environment["SIAGA_RTP_PORTS"] = "32000-33999"
    engine.started()
    pid = engine.pid("controller")
    keys = tuple((pause + 1500, key) for pause, key in BY_INFO)
    assert asyncio.run(crowd(engine.sip_port, 200, 200, hold_ms=6000, info_keys=keys)) == 0
    assert engine.pid("controller") == pid
    assert "component_silent_and_killed" not in (engine.home / "log/supervisor.log").read_text()
    asyncio.run(eventually(lambda: len(engine.calls()) == 200, 20, "all on record"))
