"""A person, always: what a caller gets when a part of the machine is gone, on real lines."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from exchange import AGENCY as AGENCY_TONE
from exchange import CALLER as CALLER_TONE
from exchange import OPERATOR as OPERATOR_TONE
from exchange import ROUND_S, exchange
from laboratory import (
    AGENCY,
    CLEAR,
    MANDAU_ALONE,
    OPERATOR,
    Engine,
    crowd,
    eventually,
    hear_each_other,
    lab_deployment,
    webhook,
)
from test_lab_calls import BY_INFO, eventually_recorded

from ivr import config as configuration
from ivr.platforms.asterisk import pbx
from ivr.platforms.asterisk.dead_lines import DeadLines
from ivr.platforms.asterisk.programs import find_asterisk
from ivr.softphone.phone import Answerer, Phone, answerer, caller
from ivr.softphone.rtp import tone_share
from ivr.softphone.sipp import free_port

HUMAN_BY_S = 0.0
"""As shipped: an operator's phone rings from the first second."""

FIRST = '- {via: damkar-sip, number: "101", accept: answer}\n    '
SECOND = "- {via: jasnita, number: ISI-NOMOR, ring: 15s, accept: press}"
PERSON = "- {via: pusat-sip, number: ISI-NOMOR, accept: press}"


def with_people(home: Path, operator: str, agency: str | None = None) -> Engine:
    """An engine that is not started, whose operator (and Mandau's fire post) are real SIP peers.

    Its greeting and first menu are one word each, so that a key is waited for within seconds.
    """
    changes = {
        "places.yaml": MANDAU_ALONE,
        "operators.yaml": {PERSON: f'- {{number: "sip:petugas@{operator}"}}'},
        "dialplan.yaml": {
            "say: Anda terhubung ke 112 Bengkalis. Jangan tutup telepon. Panggilan direkam.": "say: Mandau",
            "menu: Kebakaran tekan 1, kecelakaan 2, sakit 3, kejahatan 4, lainnya 5. Atau tetap di telepon.": (
                "menu: Kebakaran"
            ),
            "wait: 4s}": "wait: 6s, drop: 2s}",
        },
    }
    if agency:
        contact = f'- {{number: "sip:damkar@{agency}", ring: 12s, lines: 60}}'
        changes["agencies.yaml"] = {FIRST + SECOND: contact}
    return Engine(home, lab_deployment(home / "deployment", changes))


@pytest.fixture
def operator_port() -> int:
    return free_port(OPERATOR)


@pytest.fixture
def agency_port() -> int:
    return free_port(AGENCY)


@pytest.fixture
def engine(tmp_path: Path, operator_port: int, agency_port: int) -> Iterator[Engine]:
    made = with_people(tmp_path / "home", f"{OPERATOR}:{operator_port}", f"{AGENCY}:{agency_port}")
    try:
        yield made
    finally:
        made.down()


def kill(engine: Engine) -> None:
    engine.kill("controller")


def stop(engine: Engine) -> None:
    os.kill(engine.pid("controller"), signal.SIGSTOP)


def lose_ami(engine: Engine) -> None:
    """The manager refuses from here on, and drops who is connected."""
    config = configuration.read(engine.environment, deployment=engine.deployment)
    asterisk, where = find_asterisk(lambda _: None), pbx.folders(config)
    file = where.etc / "manager.conf"
    file.write_text(file.read_text().replace("enabled = yes", "enabled = no"))
    assert pbx.ask(asterisk, where, "manager reload") is not None
    assert "Manager (AMI):             No" in (
        pbx.ask(asterisk, where, "manager show settings") or ""
    )


def lose_store(engine: Engine) -> None:
    """The database is no file any more that could be opened, and the journal's folder is gone."""
    (engine.home / "siaga.db").unlink()
    (engine.home / "siaga.db").mkdir()


async def rung_and_joined(
    phone: Phone, operator: Answerer, offered_at: float, *, also: Callable[[], None] | None = None
) -> None:
    """The operator's INVITE left in time; pressing 1 there joins the two, whatever the machine does."""
    invited = await operator.called(10)
    assert invited.invited_at is not None
    assert invited.invited_at - offered_at < HUMAN_BY_S + 1.0
    await operator.picked_up(10)
    if also is not None:
        also()
    await operator.accept()
    await hear_each_other(phone.rtp, operator.rtp, 12)
    assert not phone.ended_by_peer
    await phone.hang_up()


@pytest.mark.parametrize(
    ("arguments", "before", "during"),
    [
        pytest.param((), None, None, id="well"),
        pytest.param(("--without-controller",), None, None, id="absent"),
        pytest.param((), stop, None, id="stopped-before"),
        pytest.param((), None, stop, id="stopped-in-the-dialogue"),
        pytest.param((), None, kill, id="killed-in-a-prompt"),
        pytest.param((), lose_ami, None, id="without-ami"),
        pytest.param((), lose_store, None, id="without-store"),
    ],
)
def test_an_operator_is_rung_within_a_second_and_takes_the_caller_out_of_whatever_it_is(  # noqa: PLR0917
    engine: Engine,
    sipp: tuple[str, ...],
    operator_port: int,
    arguments: tuple[str, ...],
    before: Callable[[Engine], None] | None,
    during: Callable[[Engine], None] | None,
) -> None:
    engine.started(*arguments)
    if before is not None:
        before(engine)

    async def call() -> None:
        async with (
            answerer(sipp, OPERATOR, operator_port) as operator,
            caller(sipp, "127.0.0.1", engine.sip_port) as phone,
        ):
            answer = await phone.answered(5)
            also = None if during is None else lambda: during(engine)
            await rung_and_joined(phone, operator, answer.at, also=also)

    asyncio.run(call())


def test_a_controller_killed_while_it_waits_for_a_key_goes_on_with_the_same_question(
    engine: Engine, sipp: tuple[str, ...], agency_port: int
) -> None:
    """Killed in the middle of the place question: its successor asks for the place, not from the start."""
    engine.started()
    pid = engine.pid("controller")

    async def call() -> str:
        async with (
            answerer(sipp, AGENCY, agency_port) as post,
            caller(sipp, "127.0.0.1", engine.sip_port) as phone,
        ):
            await phone.answered(5)
            phone.rtp.press("1")  # fire
            await asyncio.wait_for(phone.rtp.audible.wait(), 5)
            phone.rtp.press("1")  # Duri
            await eventually(
                lambda: any("Bathin" in line for line in transcript(engine, phone.call_id)),
                8,
                "the second question for the place",
            )
            engine.kill("controller")
            await eventually(
                lambda: any("goes on" in line for line in transcript(engine, phone.call_id)),
                20,
                "the successor",
            )
            phone.rtp.press("1")  # Mandau
            await post.picked_up(10)
            await post.accept()
            await hear_each_other(phone.rtp, post.rtp)
            await phone.hang_up()
            return phone.call_id

    record = asyncio.run(eventually_recorded(engine, asyncio.run(call())))
    assert engine.pid("controller") != pid
    lines = record["transcript"]
    resumed = next(n for n, line in enumerate(lines) if "goes on" in line)
    assert any("Bathin" in line for line in lines[resumed:])
    assert not any("Duri tekan" in line for line in lines[resumed:]), "nothing is asked again"
    assert record["bridged_to"] == "damkar-mandau"


def test_killing_everything_but_asterisk_changes_nothing_for_two_people_who_talk(
    engine: Engine, sipp: tuple[str, ...], operator_port: int
) -> None:
    engine.started()

    async def call() -> None:
        async with (
            answerer(sipp, OPERATOR, operator_port) as operator,
            caller(sipp, "127.0.0.1", engine.sip_port) as phone,
        ):
            await phone.answered(5)
            await operator.picked_up(5)
            await operator.accept()
            await hear_each_other(phone.rtp, operator.rtp)
            pids = {row["name"]: row["pid"] for row in engine.json("status")["components"]}
            os.kill(pids["supervisor"], signal.SIGKILL)
            os.kill(pids["controller"], signal.SIGKILL)
            for rtp in (phone.rtp, operator.rtp):
                rtp.forget()
            await hear_each_other(phone.rtp, operator.rtp)
            assert not phone.ended_by_peer
            await phone.hang_up()

    asyncio.run(call())


def test_a_report_of_a_caller_who_is_gone_is_still_delivered(
    engine: Engine, sipp: tuple[str, ...], agency_port: int
) -> None:
    engine.started()

    async def call() -> str:
        async with (
            answerer(sipp, AGENCY, agency_port, ring_s=3.0) as post,
            caller(sipp, "127.0.0.1", engine.sip_port) as phone,
        ):
            await phone.answered(5)
            phone.rtp.press("111")
            await post.called(20)
            await phone.hang_up()
            invites = await eventually(
                lambda: [
                    m
                    for m in post.sipp.trace()
                    if not m.sent and m.first_line.startswith("ACK ") and "CSeq: " in m.text
                ][1:],
                15,
                "the post's phone, picked up for the report",
            )
            assert invites
            media = [m.media for m in post.sipp.trace() if m.first_line.startswith("INVITE ")]
            assert media[-1] is not None
            post.rtp.talk_to(*media[-1])
            await post.accept()
            await eventually(
                lambda: any("report taken" in x for x in transcript(engine, phone.call_id)), 10, "1"
            )
            return phone.call_id

    call_id = asyncio.run(call())
    lines = transcript(engine, call_id)
    assert any("report taken by damkar-mandau" in line for line in lines)


def transcript(engine: Engine, call_id: str) -> list[str]:
    record = engine.record_of(call_id)
    return list(record["transcript"]) if record else []


def test_a_graceful_restart_under_load_costs_no_dialogue(engine: Engine) -> None:
    engine.environment["SIAGA_RTP_PORTS"] = "32000-33999"
    engine.started()
    pid = engine.pid("controller")
    done: list[int] = []

    async def load() -> int:
        return await crowd(engine.sip_port, 40, 20, hold_ms=6000, info_keys=BY_INFO, rate=5)

    callers = threading.Thread(target=lambda: done.append(asyncio.run(load())))
    callers.start()
    asyncio.run(eventually(lambda: len(engine.calls()) >= 10, 20, "callers in dialogue"))
    restarted = engine.run("restart")
    callers.join(120)
    assert restarted.returncode == 0, restarted.stderr
    assert engine.pid("controller") != pid
    assert done == [0]
    asyncio.run(eventually(lambda: len(engine.calls()) == 40, 10, "all records"))
    records = engine.calls()
    assert [record["incident"] for record in records] == ["kebakaran"] * 40
    assert len({record["case_number"] for record in records}) == 40
    log = (engine.home / "log/controller.out").read_text()
    assert "call_resumed" not in log


def test_it_is_told_within_ten_seconds_that_nobody_can_be_reached_and_when_somebody_can_again(
    engine: Engine, sipp: tuple[str, ...], operator_port: int
) -> None:
    def reachable() -> bool:
        return bool(engine.json("status")["human_reachable"])

    def metric() -> str:
        file = engine.home / "run/siaga.prom"
        return file.read_text() if file.exists() else ""  # it comes with the first look

    @contextlib.asynccontextmanager
    async def a_phone() -> AsyncIterator[Answerer]:
        async with answerer(sipp, OPERATOR, operator_port) as phone:
            yield phone

    async def watch(told: list[dict[str, Any]]) -> None:
        async with a_phone():
            await eventually(reachable, 15, "a reachable operator")
            await eventually(lambda: "siaga_human_reachable 1" in metric(), 10, "the metric")
            told.clear()
            dead_at = time.monotonic()
        await eventually(lambda: not reachable(), 10, "the news that nobody can be reached")
        assert time.monotonic() - dead_at < 10
        await eventually(lambda: "siaga_human_reachable 0" in metric(), 10, "the metric")
        await eventually(lambda: [t["event"] for t in told][-1:] == ["human_unreachable"], 10)
        told.clear()
        async with a_phone():
            await eventually(reachable, 15, "a reachable operator again")
            await eventually(lambda: told, 10, "the end of the alarm")
        assert [t["event"] for t in told] == ["human_reachable"]

    with webhook() as (url, told):
        engine.environment["SIAGA_NOTIFY_URL"] = url
        engine.started()
        asyncio.run(watch(told))
    assert "no_human_reachable" in (engine.home / "log/supervisor.log").read_text()


def test_a_dead_line_is_cleared_and_a_silent_phone_is_not(
    engine: Engine, sipp: tuple[str, ...]
) -> None:
    """RTP alone proves nothing: only who does not answer when asked is gone."""
    engine.started()
    config = configuration.read(engine.environment, deployment=engine.deployment)
    asterisk, where = find_asterisk(lambda _: None), pbx.folders(config)

    async def calls() -> str:
        lines = DeadLines(
            lambda command: pbx.ask(asterisk, where, command), silent_s=2.0, answer_s=4.0
        )
        async with (
            caller(sipp, "127.0.0.1", engine.sip_port, number="0811") as silent,
            caller(sipp, "127.0.0.1", engine.sip_port, number="0822") as dead,
        ):
            for phone in (silent, dead):
                await phone.answered(5)
                await asyncio.wait_for(phone.rtp.audible.wait(), 5)
                await phone.rtp.close()
            assert dead.sipp.process is not None
            dead.sipp.process.send_signal(signal.SIGSTOP)  # a phone without power: nothing comes

            def cleared() -> bool:
                lines.look(time.monotonic())
                record = engine.record_of(dead.call_id)
                return bool(record and record["ended_at"])

            await eventually(cleared, 30, "the end of the dead line")
            asked = [m for m in silent.sipp.trace() if m.first_line.startswith("INVITE ")]
            assert [m for m in asked if not m.sent], "the silent phone was asked"
            assert not silent.ended_by_peer
            await silent.hang_up()
            dead.sipp.process.send_signal(signal.SIGCONT)
            return dead.call_id

    record = asyncio.run(eventually_recorded(engine, asyncio.run(calls())))
    assert record["ended_by"] == "line_lost"


def test_a_hundred_callers_with_a_dead_controller_all_have_a_persons_phone_ringing(
    tmp_path: Path,
) -> None:
    port = free_port("127.0.0.6")
    engine = with_people(tmp_path / "home", f"127.0.0.6:{port}")
    engine.deployment.joinpath("operators.yaml").write_text(
        engine.deployment.joinpath("operators.yaml")
        .read_text()
        .replace("sip:petugas@", "sip:dering@")
    )
    engine.environment["SIAGA_RTP_PORTS"] = "32000-33999"
    engine.started("--without-controller")
    try:
        with exchange(tmp_path / "exchange", engine.sip_port, port) as others:
            said = asyncio.run(crowd(engine.sip_port, 100, 100, hold_ms=12_000))
            assert said == 0, "every caller was answered, kept, and hung up by himself"
            assert len({number for _, _, number in others.told("ringing")}) == 100
            assert engine.json("status")["components"], "the machine can still be asked"
    finally:
        engine.down()


RACES = 200
AT_ONCE = 30
WITHIN_S = 0.02


def test_whoever_accepts_first_has_the_caller_two_hundred_times(tmp_path: Path) -> None:
    """Operator and agency press 1 at the same moment. One of them talks, the other is told so."""
    port = free_port("127.0.0.6")
    engine = with_people(tmp_path / "home", f"127.0.0.6:{port}", f"127.0.0.6:{port}")
    engine.environment["SIAGA_RTP_PORTS"] = "32000-33999"
    engine.started()
    try:
        with exchange(tmp_path / "exchange", engine.sip_port, port) as others:
            races = 0
            batch = 0
            while races < RACES and batch < 25:
                numbers = [f"08{batch:03}{n:03}" for n in range(AT_ONCE)]
                now = time.time()
                time.sleep(ROUND_S - now % ROUND_S)
                for number in numbers:
                    others.call(number)
                    time.sleep(0.04)
                asyncio.run(
                    eventually(
                        partial(each_has_ended_once, others, numbers),
                        ROUND_S + 20,
                        "the end of one leg of each race, while everybody else stays",
                    )
                )
                time.sleep(0.5)  # of the winner's tone, for the ear
                others.ask("channel request hangup all")
                asyncio.run(
                    eventually(
                        lambda: "0 active channels" in others.ask("core show channels count"), 10
                    )
                )
                races += sum(one_had_the_caller(others, number) for number in numbers)
                batch += 1
            assert races >= RACES
    finally:
        engine.down()


def each_has_ended_once(others: Any, numbers: Sequence[str]) -> bool:
    """Whether of each race somebody's leg has been closed."""
    return {of for _, _, of in others.told("ended")} >= set(numbers)


def one_had_the_caller(others: Any, number: str) -> bool:
    """Check one race; True if it was one: both pressed within 20 ms."""
    pressed = {who: at for at, who, of in others.told("pressed") if of == number}
    assert set(pressed) == {"agency", "operator"}, (number, pressed)
    heard = others.last("caller", number, 0.5)
    tones = {"agency": AGENCY_TONE, "operator": OPERATOR_TONE}
    winners = [who for who, hertz in tones.items() if tone_share(heard, hertz) > CLEAR]
    assert len(winners) == 1, (number, pressed)
    winner = winners[0]
    loser = "agency" if winner == "operator" else "operator"
    assert tone_share(others.last(winner, number, 0.5), CALLER_TONE) > CLEAR
    ended = {who: at for at, who, of in others.told("ended") if of == number}
    # The sentence "sudah diterima" is heard to its end, and only then the line is closed by us.
    heard_s = ended[loser] - pressed[loser]
    assert heard_s > 2.0, (number, loser)
    assert ended[winner] > ended[loser]
    assert abs(others.last(loser, number, heard_s).astype(int)).max() > 1000
    return abs(pressed["agency"] - pressed["operator"]) <= WITHIN_S
