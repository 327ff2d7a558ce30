"""The rungs between a controller and the floor, on a real Asterisk, with controllers that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from laboratory import OPERATOR, Engine, eventually
from test_lab_nets import with_people

from ivr import config as configuration
from ivr.platforms.asterisk import pbx
from ivr.platforms.asterisk.agi import Command
from ivr.platforms.asterisk.extensions import FIRST_BOUND_S
from ivr.platforms.asterisk.fastagi import AgiSession, serve
from ivr.platforms.asterisk.programs import find_asterisk
from ivr.softphone.phone import Phone, caller
from ivr.softphone.sipp import free_port

DISPATCH, FLOOR = "siaga-sambung", "siaga-lantai"
HUNG = 3600.0

Rung = Callable[[AgiSession], Awaitable[None]]


async def put(session: AgiSession, **variables: str) -> None:
    for name, value in variables.items():
        await session.run(Command("SET VARIABLE", (name, value)), 3.0)


async def serves(session: AgiSession) -> None:
    """As the controller does: a list of targets, the token, and off."""
    await leaves_its_list(session)
    await put(session, SIAGA_DONE=session.environment["agi_uniqueid"])


async def leaves_its_list(session: AgiSession) -> None:
    """Dies between its decision and its token."""
    await put(
        session,
        SIAGA_TARGETS="1",
        SIAGA_T1="Local/peran@siaga-latihan/n",
        SIAGA_T1_ID="damkar-mandau/damkar-sip",
        SIAGA_T1_RING="20",
        SIAGA_T1_ACCEPT="press",
    )


async def knows_the_incident(session: AgiSession) -> None:
    """Dies after the first answer."""
    await put(session, SIAGA_INCIDENT="kebakaran", SIAGA_PLACE="14.03.09")


async def refuses(session: AgiSession) -> None:
    """Is gone at once."""


async def hangs(session: AgiSession) -> None:
    """Takes the call, and says nothing for ever."""
    await asyncio.sleep(HUNG)


CASES: dict[str, tuple[Rung, Rung, str]] = {
    # The number a case calls from; what the first and the second controller do; where the caller is.
    "08001": (serves, refuses, DISPATCH),
    "08002": (refuses, serves, DISPATCH),
    "08003": (knows_the_incident, refuses, DISPATCH),  # by rescue.agi, which asks nothing again
    "08004": (leaves_its_list, refuses, DISPATCH),  # between commit and token
    "08005": (refuses, hangs, FLOOR),  # when the absolute timeout ends
    "08006": (hangs, refuses, FLOOR),
    "08007": (refuses, refuses, FLOOR),  # rescue.agi asks; nobody presses a key
}


@pytest.fixture
def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    made = with_people(tmp_path / "home", f"{OPERATOR}:{free_port(OPERATOR)}")
    made.started("--without-controller")
    try:
        yield made
    finally:
        made.down()


@contextlib.asynccontextmanager
async def controllers(engine: Engine) -> AsyncIterator[None]:
    """Both rungs of every case, told apart by who calls."""

    async def handle(session: AgiSession) -> None:
        first, second, _ = CASES[session.environment["agi_callerid"]]
        again = session.environment["agi_network_script"] != "call"
        await (second if again else first)(session)

    server = await serve("127.0.0.1", int(engine.environment["SIAGA_AGI_PORT"]), handle)
    try:
        yield
    finally:
        await server.close()


def contexts(engine: Engine) -> dict[str, str]:
    """In which context each caller is, by the number; without the name of the rendering."""
    config = configuration.read(engine.environment, deployment=engine.deployment)
    said = pbx.ask(find_asterisk(lambda _: None), pbx.folders(config), "core show channels concise")
    rows = [line.split("!") for line in (said or "").splitlines() if line.startswith("PJSIP/anon")]
    return {row[7]: row[1].rpartition("-")[0] for row in rows}


def test_every_rung_of_the_ladder_carries(engine: Engine, sipp: tuple[str, ...]) -> None:
    async def calls() -> None:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(controllers(engine))
            started = time.monotonic()
            phones: dict[str, Phone] = {}
            for number in CASES:
                phone = caller(sipp, "127.0.0.1", engine.sip_port, number=number)
                phones[number] = await stack.enter_async_context(phone)
            for phone in phones.values():
                await phone.answered(5)
            expected = {number: where for number, (_, _, where) in CASES.items()}
            await eventually(lambda: contexts(engine) == expected, 40, "everybody in his place")
            # The bound of the dialogue is over by now: it must not reach into the floor or a dial.
            passed = time.monotonic() - started
            await asyncio.sleep(max(0.0, FIRST_BOUND_S * 2 + 4 - passed))
            assert contexts(engine) == expected
            for phone in phones.values():
                assert not phone.ended_by_peer
                await phone.hang_up()

    asyncio.run(calls())


def test_without_its_script_the_rescue_is_skipped_and_the_caller_is_on_the_floor(
    engine: Engine, sipp: tuple[str, ...]
) -> None:
    config = configuration.read(engine.environment, deployment=engine.deployment)
    (pbx.folders(config).state / "agi-bin" / "rescue.agi").unlink()

    async def call() -> None:
        async with caller(sipp, "127.0.0.1", engine.sip_port, number="08009") as phone:
            await phone.answered(5)
            await eventually(lambda: contexts(engine) == {"08009": FLOOR}, 15, "the floor")
            assert not phone.ended_by_peer
            await phone.hang_up()

    asyncio.run(call())
