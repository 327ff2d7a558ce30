"""What a citizen meets when 112 is dialled, on a real Asterisk with real SIP and RTP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from laboratory import AGENCY, OPERATOR, Engine, crowd, eventually, hear_each_other

from ivr.softphone.phone import answerer, caller
from ivr.store.recordings import of_call

CONTRACT = {
    "call_id",
    "case_number",
    "incident",
    "location",
    "route",
    "because",
    "bridged",
    "bridged_to",
    "answered_ms",
    "first_audio_ms",
    "human_ms",
    "bridged_ms",
    "ended_by",
    "transcript",
}
DROP_S = 2.2
"""A little longer than what the laboratory's deployment takes for a talk that was cut off."""

BY_INFO = ((1500, "1"), (900, "1"), (900, "1"))
"""Fire, Duri, Mandau: the keys of one caller, with milliseconds before each."""


def test_fire_in_mandau_reaches_the_fire_post_of_mandau(shipped: Engine) -> None:
    said = shipped.json("call", "--choose", "kebakaran,14.03.09")
    assert set(said) >= CONTRACT
    assert said["incident"] == "kebakaran"
    assert said["location"]["code"] == "14.03.09"
    assert said["location"]["source"] == "ivr_dtmf"
    assert said["route"][0] == {"agency": "damkar-mandau", "trunk": "damkar-sip"}
    assert said["route"][-1]["agency"] == "operator"
    assert any("kebakaran" in reason for reason in said["because"])
    assert said["bridged"]
    assert said["bridged_to"] == "damkar-mandau"
    assert said["ended_by"] == "caller"
    assert said["answered_ms"] <= said["first_audio_ms"] < 2000
    assert said["human_ms"] < 1000, "an operator's phone rings while the menu talks"
    assert said["human_ms"] <= said["bridged_ms"]
    assert any("Anda terhubung ke 112 Bengkalis" in line for line in said["transcript"])


def test_a_silent_caller_ends_with_a_person(shipped: Engine) -> None:
    said = shipped.json("call", "--silent")
    assert said["bridged"]
    assert said["bridged_to"] == "operator"


def test_a_caller_who_hangs_up_after_a_second_is_on_record(shipped: Engine) -> None:
    said = shipped.json("call", "--silent", "--hang-up-after", "1")
    assert said["case_number"]
    assert said["ended_by"] == "caller"
    assert not said["bridged"]


def test_zero_during_the_greeting_reaches_the_operator(shipped: Engine) -> None:
    said = shipped.json("call", "--press", "0")
    assert said["bridged_to"] == "operator"
    assert said["human_ms"] < 5000


def test_a_position_in_the_invite_is_kept_and_used_when_no_key_says_where(shipped: Engine) -> None:
    said = shipped.json("call", "--press", "199", "--at", "1.2856,101.197,50")
    assert said["location"]["source"] == "sip_pidf"
    assert said["location"]["code"] == "14.03.09"
    assert said["location"]["radius_m"] == 50
    assert said["bridged_to"] == "damkar-mandau"


@pytest.mark.parametrize("uri", ["tel:112", "sip:+62112@127.0.0.1:{port}"])
def test_other_ways_to_write_the_number_arrive_too(
    shipped: Engine, sipp: tuple[str, ...], uri: str
) -> None:
    async def call() -> None:
        dialled = uri.format(port=shipped.sip_port)
        async with caller(sipp, "127.0.0.1", shipped.sip_port, uri=dialled) as phone:
            await phone.answered(5)
            await asyncio.wait_for(phone.rtp.audible.wait(), 5)
            await phone.hang_up()

    asyncio.run(call())


def test_keys_by_sip_info_choose_as_well(shipped: Engine, sipp: tuple[str, ...]) -> None:
    async def call() -> None:
        async with caller(sipp, "127.0.0.1", shipped.sip_port, info_keys=BY_INFO) as phone:
            await phone.answered(5)
            await eventually(lambda: phone.talking_to == "damkar-mandau", 25, "the fire post")
            await phone.hang_up()

    asyncio.run(call())


def test_both_sides_hear_each_other_and_the_agency_was_told_before(
    peered: Engine, sipp: tuple[str, ...], agency_ports: dict[str, int]
) -> None:
    async def call() -> str:
        async with (
            answerer(sipp, AGENCY, agency_ports["first"]) as post,
            caller(sipp, "127.0.0.1", peered.sip_port) as phone,
        ):
            await phone.answered(5)
            phone.rtp.press("111")
            await post.picked_up(25)
            await asyncio.wait_for(post.rtp.audible.wait(), 5)  # the whisper
            assert phone.talking_to is None, "nobody has the caller before 1 is pressed"
            await post.accept()
            await eventually(lambda: phone.talking_to == "damkar-mandau", 5, "the bridge")
            await hear_each_other(phone.rtp, post.rtp)
            await phone.hang_up()
            return phone.call_id

    call_id = asyncio.run(call())
    record = asyncio.run(eventually_recorded(peered, call_id))
    assert record["bridged_to"] == "damkar-mandau"
    recording = of_call(peered.home / "recordings", record["call_id"])
    assert recording is not None
    talked_s = record["ended_at"] - record["offered_at"]
    assert recording["seconds"] > talked_s - 0.5, "recorded from the first second on"


def test_a_busy_post_is_followed_by_its_second_telephone(
    peered: Engine, sipp: tuple[str, ...], agency_ports: dict[str, int]
) -> None:
    async def call() -> str:
        async with (
            answerer(sipp, AGENCY, agency_ports["first"], refuse="486 Busy Here"),
            answerer(sipp, AGENCY, agency_ports["second"]) as second,
            caller(sipp, "127.0.0.1", peered.sip_port) as phone,
        ):
            await phone.answered(5)
            phone.rtp.press("111")
            await second.picked_up(25)
            await second.accept()
            await eventually(lambda: phone.talking_to == "damkar-mandau", 10, "the bridge")
            await hear_each_other(phone.rtp, second.rtp)
            await phone.hang_up()
            return phone.call_id

    record = asyncio.run(eventually_recorded(peered, asyncio.run(call())))
    assert any("busy" in line for line in record["transcript"])


def test_an_agency_that_declines_gives_the_caller_to_the_next_and_then_to_the_operator(
    peered: Engine, sipp: tuple[str, ...], agency_ports: dict[str, int]
) -> None:
    async def call() -> str:
        async with (
            answerer(sipp, AGENCY, agency_ports["first"]) as first,
            answerer(
                sipp, AGENCY, agency_ports["second"], refuse="503 Service Unavailable"
            ) as last,
            caller(sipp, "127.0.0.1", peered.sip_port) as phone,
        ):
            await phone.answered(5)
            phone.rtp.press("111")
            await first.picked_up(25)
            await first.accept("2")
            await last.called(10)
            async with answerer(sipp, OPERATOR, agency_ports["operator"]) as operator:
                await operator.picked_up(25)
                await operator.accept()
                await eventually(lambda: phone.talking_to == "operator", 10, "the operator")
                await hear_each_other(phone.rtp, operator.rtp)
                await phone.hang_up()
            return phone.call_id

    record = asyncio.run(eventually_recorded(peered, asyncio.run(call())))
    assert any("declined" in line for line in record["transcript"])
    assert any("failed" in line for line in record["transcript"])
    assert record["bridged_to"] == "operator"


def test_zero_while_an_agency_rings_reaches_the_operator(
    peered: Engine, sipp: tuple[str, ...], agency_ports: dict[str, int]
) -> None:
    async def call() -> None:
        async with (
            answerer(sipp, AGENCY, agency_ports["first"], ring_s=9) as post,
            answerer(sipp, OPERATOR, agency_ports["operator"]) as operator,
            caller(sipp, "127.0.0.1", peered.sip_port) as phone,
        ):
            await phone.answered(5)
            phone.rtp.press("111")
            await post.called(25)
            phone.rtp.press("0")
            await operator.picked_up(5)
            await operator.accept()
            await hear_each_other(phone.rtp, operator.rtp)
            await phone.hang_up()

    asyncio.run(call())


def test_operators_who_are_busy_are_rung_again_and_the_caller_stays(
    peered: Engine, sipp: tuple[str, ...], agency_ports: dict[str, int]
) -> None:
    async def call() -> None:
        async with caller(sipp, "127.0.0.1", peered.sip_port) as phone:
            async with answerer(
                sipp, OPERATOR, agency_ports["operator"], refuse="486 Busy Here"
            ) as busy:
                await phone.answered(5)
                phone.rtp.press("0")
                await busy.called(10)
            async with answerer(sipp, OPERATOR, agency_ports["operator"]) as operator:
                await operator.picked_up(20)
                await operator.accept()
                await hear_each_other(phone.rtp, operator.rtp)
                assert not phone.ended_by_peer
                await phone.hang_up()

    asyncio.run(call())


def test_an_agency_that_hangs_up_does_not_end_the_call(
    peered: Engine, sipp: tuple[str, ...], agency_ports: dict[str, int]
) -> None:
    """A talk cut off too soon goes on with the next telephone of the list."""

    async def call() -> None:
        async with (
            answerer(sipp, AGENCY, agency_ports["first"]) as first,
            answerer(sipp, AGENCY, agency_ports["second"]) as second,
            caller(sipp, "127.0.0.1", peered.sip_port) as phone,
        ):
            await phone.answered(5)
            phone.rtp.press("111")
            leg = await first.picked_up(25)
            await first.accept()
            await eventually(lambda: phone.talking_to == "damkar-mandau", 10, "the bridge")
            await leg.hang_up()
            await second.picked_up(25)
            await second.accept()
            await hear_each_other(phone.rtp, second.rtp, 15)
            assert not phone.ended_by_peer
            await phone.hang_up()

    asyncio.run(call())


def test_an_agency_that_ends_a_talk_leaves_the_caller_with_the_operator_who_may_end_the_call(
    peered: Engine, sipp: tuple[str, ...], agency_ports: dict[str, int]
) -> None:
    async def call() -> str:
        async with (
            answerer(sipp, AGENCY, agency_ports["first"]) as post,
            caller(sipp, "127.0.0.1", peered.sip_port) as phone,
        ):
            await phone.answered(5)
            phone.rtp.press("111")
            leg = await post.picked_up(25)
            await post.accept()
            await hear_each_other(phone.rtp, post.rtp)
            async with answerer(sipp, OPERATOR, agency_ports["operator"]) as operator:
                await asyncio.sleep(DROP_S)
                await leg.hang_up()
                leg = await operator.picked_up(15)
                await operator.accept()
                phone.rtp.forget()
                await hear_each_other(phone.rtp, operator.rtp)
                assert not phone.ended_by_peer
                await asyncio.sleep(DROP_S)
                await leg.hang_up()
                await eventually(lambda: phone.ended_by_peer, 5, "the end of the call")
            return phone.call_id

    record = asyncio.run(eventually_recorded(peered, asyncio.run(call())))
    assert record["ended_by"] == "human"
    assert any("answered" in line for line in record["transcript"])


def test_an_operator_who_is_cut_off_too_soon_is_rung_again(
    peered: Engine, sipp: tuple[str, ...], agency_ports: dict[str, int]
) -> None:
    async def call() -> None:
        async with (
            answerer(sipp, OPERATOR, agency_ports["operator"]) as operator,
            caller(sipp, "127.0.0.1", peered.sip_port) as phone,
        ):
            await phone.answered(5)
            phone.rtp.press("0")
            leg = await operator.picked_up(10)
            await operator.accept()
            await eventually(lambda: phone.talking_to == "operator", 5, "the bridge")
            leg.sipp.hang_up(leg.call_id)
            await eventually(lambda: operator.calls == 2, 10, "the second ring")
            await operator.picked_up(10)
            await operator.accept()
            phone.rtp.forget()
            await hear_each_other(phone.rtp, operator.rtp)
            assert not phone.ended_by_peer
            await phone.hang_up()

    asyncio.run(call())


def test_twenty_calls_at_once_are_all_on_record_and_all_bridged(shipped: Engine) -> None:
    before = len(shipped.calls())
    assert asyncio.run(crowd(shipped.sip_port, 20, 20, hold_ms=12_000, info_keys=BY_INFO)) == 0
    asyncio.run(eventually(lambda: len(shipped.calls()) == before + 20, 10, "twenty records"))
    newest = shipped.calls()[:20]
    asyncio.run(eventually(lambda: all(c["ended_at"] for c in shipped.calls()[:20]), 10, "ends"))
    assert [c["incident"] for c in newest] == ["kebakaran"] * 20
    assert [c["bridged_to"] for c in newest] == ["damkar-mandau"] * 20
    assert len({c["case_number"] for c in newest}) == 20


def test_a_hundred_calls_in_a_row_are_all_on_record(shipped: Engine) -> None:
    before = len(shipped.calls())
    assert asyncio.run(crowd(shipped.sip_port, 100, 1, hold_ms=150)) == 0
    asyncio.run(eventually(lambda: len(shipped.calls()) == before + 100, 10, "a hundred records"))


def test_killing_the_controller_changes_nothing_for_two_people_who_talk(
    peered: Engine, sipp: tuple[str, ...], agency_ports: dict[str, int]
) -> None:
    async def call() -> None:
        async with (
            answerer(sipp, AGENCY, agency_ports["first"]) as post,
            caller(sipp, "127.0.0.1", peered.sip_port) as phone,
        ):
            await phone.answered(5)
            phone.rtp.press("111")
            await post.picked_up(25)
            await post.accept()
            await hear_each_other(phone.rtp, post.rtp, 15)
            peered.kill("controller")
            phone.rtp.forget()
            post.rtp.forget()
            await hear_each_other(phone.rtp, post.rtp)
            await phone.hang_up()

    asyncio.run(call())
    asyncio.run(eventually(lambda: peered.json("status")["ready"], 15, "a new controller"))


async def eventually_recorded(engine: Engine, sip_call_id: str) -> dict[str, Any]:
    """The record of a call once it knows that the call is over."""

    def ended() -> dict[str, Any] | None:
        record = engine.record_of(sip_call_id)
        return record if record and record["ended_at"] else None

    found: dict[str, Any] = await eventually(ended, 10, "the end of the record")
    return found
