"""A place that is learned while telephones ring or talk, as real telephones are shown it: whole where they
may be told positions, by its name where they may not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from laboratory import AGENCY, OPERATOR, Engine, eventually
from test_lab_location import REACHED_S, asserted, is_for, pressed
from test_lab_nets import with_people

from ivr import config as configuration
from ivr.platforms.asterisk import pbx
from ivr.platforms.asterisk.ami import Listener
from ivr.platforms.asterisk.show import Displays
from ivr.softphone.phone import answerer, caller
from ivr.softphone.sipp import SipMessage, free_port
from routing.model import Directory, Location

NO_DIRECTORY = Directory((), (), {}, ())
FIRST_RINGS_S = 6
"""So long rings the first of two ways to a post, before the second does."""


@pytest.fixture(scope="module")
def agency_port() -> int:
    return free_port(AGENCY)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, agency_port: int) -> Iterator[Engine]:
    home = tmp_path_factory.mktemp("shown")
    made = with_people(home / "home", f"{OPERATOR}:{free_port(OPERATOR)}")
    made.environment["SIAGA_RTP_PORTS"] = "25600-25999"
    (made.deployment / "agencies.yaml").write_text(agencies(agency_port))
    trunks = made.deployment / "trunks.yaml"
    out = f'keluar:\n  umum: {{host: "{AGENCY}:{agency_port}", channels: 30}}\n'
    trunks.write_text(trunks.read_text().replace("keluar:\n", out))
    try:
        yield made.started()
    finally:
        made.down()


def agencies(port: int) -> str:
    """Mandau's posts: for fires reached directly, for accidents over a trunk that is told no position, for
    illness directly and then over that trunk, for crimes the other way round."""
    over = '{via: umum, number: "110", ring: RING, accept: answer, lines: 60}'
    direct = f'{{number: "sip:langsung@{AGENCY}:{port}", ring: RING, accept: answer, lines: 60}}'
    lines = []
    for incident, ways in (
        ("kebakaran", (direct,)),
        ("kecelakaan", (over,)),
        ("medis", (direct, over)),
        ("kriminal", (over, direct)),
    ):
        lines += [f"pos-{incident}:", f"  name: Pos {incident}", f"  handles: [{incident}]"]
        lines += ['  covers: ["14.03.09"]', "  contacts:"]
        rings = (f"{FIRST_RINGS_S}s", "15s") if len(ways) > 1 else ("15s",)
        lines += [f"    - {way.replace('RING', s)}" for way, s in zip(ways, rings, strict=True)]
    return "\n".join(lines) + "\n"


@asynccontextmanager
async def displays(engine: Engine) -> AsyncIterator[Displays]:
    settings = configuration.read(engine.environment)
    secret = pbx.ami_secret(settings)
    listener = Listener("127.0.0.1", settings.ami_port, "siaga", secret, lambda fact: None)
    listener.start()
    try:
        yield Displays(listener)
    finally:
        listener.close()


LATE = Location("aml_https", "14.03.09", 1.2856, 101.197, 49.0, confidence=0.9)
COORDINATE = "1.2856 101.1970"


@pytest.mark.parametrize(
    ("key", "number", "behind"),
    [("1", "+6281276777003", f" {COORDINATE} r49"), ("2", "+6281276777013", "")],
    ids=["directly", "over a trunk that is told no position"],
)
def test_a_place_that_is_learned_late_is_shown_on_the_telephones_that_ring_and_that_talk(
    engine: Engine, agency_port: int, sipp: tuple[str, ...], *, key: str, number: str, behind: str
) -> None:
    async def call() -> tuple[int, int, str, str, SipMessage]:
        async with (
            displays(engine) as shows,
            answerer(sipp, AGENCY, agency_port, ring_s=4) as post,
            caller(sipp, "127.0.0.1", engine.sip_port, number=number) as phone,
        ):
            await phone.answered(5)
            pressing = asyncio.create_task(pressed(phone.rtp.press, f"{key}11"))
            record = await eventually(lambda: engine.record_of(phone.call_id))
            # Not the report of an earlier caller, who hung up before anybody spoke with him.
            await eventually(lambda: any(is_for(m, number) for m in post.sipp.trace()), 20)
            call_id = record["call_id"]
            ringing = await shows.show(call_id, "Api Rupat", LATE, NO_DIRECTORY)
            await eventually(lambda: phone.talking_to, REACHED_S, "somebody who has the caller")
            pressing.cancel()
            at_once = await eventually(lambda: "Rupat" in asserted(post) and asserted(post), 5)
            talking = await shows.show(call_id, "Api Mandau", LATE, NO_DIRECTORY)
            later = await eventually(lambda: "Api M" in asserted(post) and asserted(post), 5)
            await phone.hang_up()
            first = next(m for m in post.sipp.trace() if is_for(m, number))
            return ringing, talking, at_once, later, first

    ringing, talking, at_once, later, invite = asyncio.run(call())
    assert (ringing, talking) == (0, 1), "a message to a telephone that rings may end its call"
    assert "1.2856" not in invite.header("P-Asserted-Identity")
    assert at_once.startswith(f'"Api Rupat{behind}" <sip:{number}@')
    assert later.startswith(f'"Api Mandau{behind}" <sip:{number}@')


@pytest.mark.parametrize(
    ("key", "number", "second", "name"),
    [
        ("3", "+6281276777023", "110", "Api Mandau"),
        ("4", "+6281276777024", "langsung", f"Api Mandau {COORDINATE} r49"),
    ],
    ids=["over a trunk that is told no position", "directly"],
)
def test_the_next_telephone_that_is_rung_shows_the_place_from_the_first_moment(
    engine: Engine,
    agency_port: int,
    sipp: tuple[str, ...],
    *,
    key: str,
    number: str,
    second: str,
    name: str,
) -> None:
    async def call() -> SipMessage:
        async with (
            displays(engine) as shows,
            answerer(sipp, AGENCY, agency_port, ring_s=FIRST_RINGS_S + 1) as post,
            caller(sipp, "127.0.0.1", engine.sip_port, number=number) as phone,
        ):
            await phone.answered(5)
            pressing = asyncio.create_task(pressed(phone.rtp.press, f"{key}11"))
            record = await eventually(lambda: engine.record_of(phone.call_id))
            # Not the report of an earlier caller, who hung up before anybody spoke with him.
            await eventually(lambda: any(is_for(m, number) for m in post.sipp.trace()), 20)
            await shows.show(record["call_id"], "Api Mandau", LATE, NO_DIRECTORY)
            pressing.cancel()

            def rung() -> SipMessage | None:
                to = f"INVITE sip:{second}@"
                invites = (m for m in post.sipp.trace() if is_for(m, number))
                return next((m for m in invites if m.first_line.startswith(to)), None)

            invite = await eventually(rung, 3 * FIRST_RINGS_S, "the second telephone")
            await phone.hang_up()
            return invite

    invite = asyncio.run(call())
    assert invite.header("P-Asserted-Identity").startswith(f'"{name}" <sip:{number}@')
    assert bool(invite.header("Geolocation")) == (second == "langsung")
