"""From the decision to the end of a talk: what responders are told, who is called in, what is kept."""

from __future__ import annotations

import asyncio
import random
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exchange import ADDRESS, Exchange, exchange
from exchange import AGENCY as AGENCY_TONE
from laboratory import (
    AGENCY,
    CALLER_HERTZ,
    CLEAR,
    OPERATOR,
    PEER_HERTZ,
    Engine,
    eventually,
    hear_each_other,
)
from test_lab_agencies import events_of, hears
from test_lab_calls import eventually_recorded
from test_lab_nets import with_people

from ivr.config import PROJECT
from ivr.flow.prompt import Prompt
from ivr.softphone.phone import Answerer, Phone, answerer, caller
from ivr.softphone.rtp import Rtp, tone, tone_share
from ivr.softphone.sipp import SipMessage, free_port
from ivr.store.recordings import of_call

SECOND_HERTZ = 1500.0
OPERATOR_HERTZ = 1900.0

AGENCIES = """\
pos-satu:
  name: Pos Satu
  handles: [kebakaran]
  covers: [Mandau]
  contacts:
    - {{number: "sip:satu@{agency}:{first}", ring: 12s}}
pos-dua:
  name: Pos Dua
  handles: [kebakaran]
  covers: [Mandau]
  contacts:
    - {{number: "sip:dua@{agency}:{second}", ring: 12s}}
"""


@pytest.fixture
def ports() -> dict[str, int]:
    return {
        "first": free_port(AGENCY),
        "second": free_port(AGENCY),
        "operator": free_port(OPERATOR),
    }


@pytest.fixture
def engine(tmp_path: Path, ports: dict[str, int]) -> Iterator[Engine]:
    made = with_people(tmp_path / "home", f"{OPERATOR}:{ports['operator']}")
    (made.deployment / "agencies.yaml").write_text(AGENCIES.format(agency=AGENCY, **ports))
    dialplan = made.deployment / "dialplan.yaml"
    dialplan.write_text(dialplan.read_text().replace("drop: 2s", "drop: 3s"))
    try:
        yield made.started()
    finally:
        made.down()


def invite(phone: Answerer) -> SipMessage:
    return next(m for m in phone.sipp.trace() if m.first_line.startswith("INVITE "))


def test_a_responders_telephone_shows_what_and_where_and_is_told_the_calls_name_and_position(
    engine: Engine, sipp: tuple[str, ...], ports: dict[str, int]
) -> None:
    async def call() -> tuple[SipMessage, str]:
        async with (
            answerer(sipp, AGENCY, ports["first"]) as post,
            caller(
                sipp,
                "127.0.0.1",
                engine.sip_port,
                number="+6281276123456",
                at=(1.2856, 101.197, 50.0),
            ) as phone,
        ):
            await phone.answered(5)
            phone.rtp.press("111")
            await post.picked_up(20)
            await post.accept()
            await hear_each_other(phone.rtp, post.rtp)
            await phone.hang_up()
            return invite(post), phone.call_id

    message, sip_call_id = asyncio.run(call())
    record = asyncio.run(eventually_recorded(engine, sip_call_id))
    digits = "".join(letter for letter in record["call_id"] if letter.isdigit())
    assert message.header("Call-Info") == (
        f"<urn:emergency:uid:callid:{digits}:siaga112.invalid>;purpose=emergency-CallId"
    )
    assert message.header("From").startswith('"Kebakaran Mandau" <sip:+6281276123456@')
    assert "<sip:+6281276123456@" in message.header("P-Asserted-Identity")
    assert message.header("Geolocation").startswith("<cid:")
    assert "<gml:pos>1.285600 101.197000</gml:pos>" in message.text
    assert "50" in message.text.partition("radius")[2][:40]


def test_an_emergency_call_keeps_the_name_it_came_with_and_a_false_one_is_not_passed_on(
    engine: Engine, sipp: tuple[str, ...], ports: dict[str, int]
) -> None:
    async def shown(name: str) -> str:
        async with (
            answerer(sipp, OPERATOR, ports["operator"]) as operator,
            caller(
                sipp,
                "127.0.0.1",
                engine.sip_port,
                headers=[f"Call-Info: <{name}>;purpose=emergency-CallId"],
            ) as phone,
        ):
            await phone.answered(5)
            await operator.called(5)
            await phone.hang_up()
            return invite(operator).header("Call-Info")

    good = "urn:emergency:uid:callid:a56e556d871:bcf.contoh.go.id"
    assert asyncio.run(shown(good)) == f"<{good}>;purpose=emergency-CallId"
    for bad in (
        "urn:emergency:uid:callid:a,b:${SHELL(id)}",
        "_^SIAGA_TO=PJSIP/x^__SIAGA_UID=y):99",
    ):
        passed_on = asyncio.run(shown(bad))
        assert passed_on.endswith(":siaga112.invalid>;purpose=emergency-CallId")
        assert "SIAGA" not in passed_on


def test_the_briefing_is_played_again_when_the_responder_asks_for_it(
    engine: Engine, sipp: tuple[str, ...], ports: dict[str, int]
) -> None:
    async def call() -> None:
        async with (
            answerer(sipp, AGENCY, ports["first"]) as post,
            caller(sipp, "127.0.0.1", engine.sip_port) as phone,
        ):
            await phone.answered(5)
            phone.rtp.press("111")
            await post.picked_up(20)
            await post.accept("3")
            for _ in range(2):
                await eventually(lambda: speaks(post.rtp, "Kebakaran"), 6, "what, again")
                post.rtp.forget()
                post.rtp.press("3")
            await eventually(lambda: speaks(post.rtp, "Mandau"), 6, "where, again")
            assert phone.talking_to is None
            post.rtp.press("1")
            await hear_each_other(phone.rtp, post.rtp)
            await phone.hang_up()

    asyncio.run(call())


def speaks(rtp: Rtp, sentence: str) -> bool:
    return is_in(prompt(sentence), rtp.heard(30.0).astype(float))


def prompt(sentence: str) -> np.ndarray:
    """The middle of a built sentence, as samples."""
    file = PROJECT / "prompts/audio/id" / f"{Prompt(sentence).name}.wav"
    with wave.open(str(file)) as audio:
        samples = np.frombuffer(audio.readframes(audio.getnframes()), np.int16).astype(float)
    return samples[len(samples) // 5 : -len(samples) // 5]


def is_in(sample: np.ndarray, heard: np.ndarray) -> bool:
    """True if the sample was heard: its normalised correlation with what came is near one."""
    if len(heard) < len(sample) or not sample.any():
        return False
    size = 1 << (len(heard) + len(sample)).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(sample, size))
    found = np.fft.irfft(spectrum, size)[: len(heard) - len(sample) + 1]
    energy = np.convolve(heard**2, np.ones(len(sample)), "valid")
    return bool((found / np.sqrt(np.maximum(energy, 1.0) * (sample**2).sum())).max() > 0.8)


def test_an_operator_who_picks_up_and_hangs_up_takes_nobody_out_of_the_dialogue(
    engine: Engine, sipp: tuple[str, ...], ports: dict[str, int]
) -> None:
    async def call() -> None:
        async with (
            answerer(sipp, AGENCY, ports["first"]) as post,
            caller(sipp, "127.0.0.1", engine.sip_port) as phone,
        ):
            async with answerer(sipp, OPERATOR, ports["operator"]) as operator:
                await phone.answered(5)
                leg = await operator.picked_up(5)
                await asyncio.wait_for(operator.rtp.audible.wait(), 5)
                await leg.hang_up()
            phone.rtp.press("111")
            await post.picked_up(10)
            await post.accept()
            await hear_each_other(phone.rtp, post.rtp)
            assert phone.talking_to == "pos-satu"
            await phone.hang_up()

    asyncio.run(call())


@pytest.mark.parametrize("presses", ["caller", "responder"])
def test_an_operator_is_called_into_a_talk_and_stays_when_the_agency_leaves(
    engine: Engine, sipp: tuple[str, ...], ports: dict[str, int], presses: str
) -> None:
    async def call() -> str:
        async with (
            answerer(sipp, AGENCY, ports["first"]) as post,
            caller(sipp, "127.0.0.1", engine.sip_port) as phone,
        ):
            await phone.answered(5)
            phone.rtp.press("111")
            leg = await post.picked_up(20)
            await post.accept()
            await hear_each_other(phone.rtp, post.rtp)
            async with answerer(sipp, OPERATOR, ports["operator"]) as operator:
                (phone.rtp if presses == "caller" else post.rtp).press("*0")
                await operator.picked_up(10)
                await operator.accept()
                operator.rtp.play(tone(OPERATOR_HERTZ))
                await eventually(
                    lambda: (
                        hears_all(phone.rtp, PEER_HERTZ, OPERATOR_HERTZ)
                        and hears_all(post.rtp, CALLER_HERTZ, OPERATOR_HERTZ)
                        and hears_all(operator.rtp, CALLER_HERTZ, PEER_HERTZ)
                    ),
                    8,
                    "all three hear each other",
                )
                await leg.hang_up()
                await hear_each_other(phone.rtp, operator.rtp)
                assert not phone.ended_by_peer
                await phone.hang_up()
            return phone.call_id

    record = asyncio.run(eventually_recorded(engine, asyncio.run(call())))
    lines = "\n".join(record["transcript"])
    assert f"* operator called in by {'caller' if presses == 'caller' else 'pos-satu'}" in lines
    assert "* operator joined the talk" in lines
    assert record["bridged_to"] == "pos-satu"


def hears_all(rtp: Rtp, *hertz: float) -> bool:
    heard = rtp.heard(0.4)
    return len(heard) > 1600 and all(tone_share(heard, h) > CLEAR / 3 for h in hertz)


def test_a_responder_says_by_key_how_it_ended_once_the_caller_is_gone(
    engine: Engine, sipp: tuple[str, ...], ports: dict[str, int]
) -> None:
    async def call() -> str:
        async with (
            answerer(sipp, AGENCY, ports["first"]) as post,
            caller(sipp, "127.0.0.1", engine.sip_port) as phone,
        ):
            await phone.answered(5)
            phone.rtp.press("111")
            leg = await post.picked_up(20)
            await post.accept()
            await hear_each_other(phone.rtp, post.rtp)
            await phone.hang_up()
            post.rtp.forget()
            await post.accept("2")
            await eventually(lambda: leg.ended_by_peer, 10, "the end, after the thanks")
            return phone.call_id

    sip_call_id = asyncio.run(call())

    def told() -> Any:
        record = engine.record_of(sip_call_id)
        return record if record and record["outcome"] else None

    record = asyncio.run(eventually(told, 5, "the outcome on record"))
    assert record["outcome"] == "dikirim"
    assert any("outcome dikirim by pos-satu" in line for line in record["transcript"])


def test_the_recording_holds_every_party_of_a_call_with_two_transfers(
    engine: Engine, sipp: tuple[str, ...], ports: dict[str, int]
) -> None:
    """The first post drops the talk, the second closes it, the operator ends it: all are on it."""

    async def talk(phone: Phone, peer: Answerer, hertz: float) -> Phone:
        leg = await peer.picked_up(20)
        await peer.accept()
        peer.rtp.play(tone(hertz))
        await eventually(
            lambda: (
                tone_share(phone.rtp.heard(0.8), hertz) > CLEAR
                and tone_share(peer.rtp.heard(0.8), CALLER_HERTZ) > CLEAR
            ),
            8,
            "both hear each other",
        )
        # Hearing each other may have begun a moment ago: talk on, so that there is speech to find.
        since = asyncio.get_running_loop().time()
        await eventually(
            lambda: asyncio.get_running_loop().time() - since > 1.5,
            4,
            "a second and a half of talk",
        )
        return leg

    async def call() -> str:
        async with (
            answerer(sipp, AGENCY, ports["first"]) as first,
            answerer(sipp, AGENCY, ports["second"]) as second,
            caller(sipp, "127.0.0.1", engine.sip_port) as phone,
        ):
            await phone.answered(5)
            phone.rtp.press("111")
            phone.rtp.play(tone(CALLER_HERTZ))
            await (await talk(phone, first, PEER_HERTZ)).hang_up()
            leg = await talk(phone, second, SECOND_HERTZ)
            since = asyncio.get_running_loop().time()
            await eventually(
                lambda: asyncio.get_running_loop().time() - since > 3.5, 6, "longer than a drop"
            )
            await leg.hang_up()
            async with answerer(sipp, OPERATOR, ports["operator"]) as operator:
                await talk(phone, operator, OPERATOR_HERTZ)
                await phone.hang_up()
            return phone.call_id

    record = asyncio.run(eventually_recorded(engine, asyncio.run(call())))
    folder = engine.home / "recordings"
    wav = folder / f"{record['call_id']}.wav"
    asyncio.run(eventually(wav.exists, 15, "the WAV"))
    found = of_call(folder, record["call_id"])
    assert found is not None
    assert found["seconds"] > record["ended_at"] - record["offered_at"] - 0.5
    with wave.open(str(wav)) as audio:
        samples = np.frombuffer(audio.readframes(audio.getnframes()), np.int16)
    windows = [samples[n : n + 1600] for n in range(0, len(samples) - 1600, 800)]
    heard = {
        hertz: [n for n, part in enumerate(windows) if tone_share(part, hertz) > 0.15]
        for hertz in (CALLER_HERTZ, PEER_HERTZ, SECOND_HERTZ, OPERATOR_HERTZ)
    }
    assert min(map(len, heard.values())) > 3
    assert max(heard[PEER_HERTZ]) < min(heard[SECOND_HERTZ])
    assert max(heard[SECOND_HERTZ]) < min(heard[OPERATOR_HERTZ])
    for hertz in (PEER_HERTZ, SECOND_HERTZ, OPERATOR_HERTZ):
        # The two sides are on it together, but for the moments in which one has just come or gone.
        both = set(heard[hertz]) & set(heard[CALLER_HERTZ])
        assert len(both) > 0.7 * len(heard[hertz])


TRUNK = """\
pos-satu:
  name: Pos Satu
  handles: [kebakaran]
  covers: [Mandau]
  contacts:
    - {{via: penyedia, number: "08127600112", ring: 12s, lines: 5}}
    - {{number: "sip:dua@{agency}:{second}", ring: 12s}}
"""


def test_a_trunk_carries_no_more_than_its_channels_and_shows_the_pilot_number(
    tmp_path: Path, sipp: tuple[str, ...], ports: dict[str, int]
) -> None:
    engine = with_people(tmp_path / "home", f"{OPERATOR}:{ports['operator']}")
    (engine.deployment / "agencies.yaml").write_text(TRUNK.format(agency=AGENCY, **ports))
    file = engine.deployment / "trunks.yaml"
    way = f"{{host: '{AGENCY}:{ports['first']}', channels: 1, pilot: '0766112'}}"
    file.write_text(file.read_text().replace("keluar:\n", f"keluar:\n  penyedia: {way}\n"))
    engine.started()

    async def calls() -> tuple[str, str]:
        async with (
            answerer(sipp, AGENCY, ports["first"]) as provider,
            answerer(sipp, AGENCY, ports["second"]) as other,
            caller(sipp, "127.0.0.1", engine.sip_port, number="0811") as first,
            caller(sipp, "127.0.0.1", engine.sip_port, number="0822") as second,
            caller(sipp, "127.0.0.1", engine.sip_port, number="0833") as third,
        ):
            await first.answered(5)
            first.rtp.press("111")
            await provider.picked_up(20)
            came = next(m for m in provider.sipp.trace() if m.first_line.startswith("INVITE "))
            assert came.first_line.startswith(f"INVITE sip:08127600112@{AGENCY}:")
            assert "<sip:0766112@" in came.header("From")
            assert "<sip:0766112@" in came.header("P-Asserted-Identity")
            # Nobody talks over it yet, so that only the way itself can tell that it is full.
            await second.answered(5)
            second.rtp.press("111")
            await other.picked_up(20)
            await provider.accept()
            await hear_each_other(first.rtp, provider.rtp)
            await other.accept()
            await hear_each_other(second.rtp, other.rtp)
            # Now it is known before anybody is rung, and the way stands behind the others.
            await third.answered(5)
            third.rtp.press("111")
            await eventually(lambda: decided(engine, third.call_id), 20, "a decision")
            assert provider.calls == 1
            for phone in (first, second, third):
                await phone.hang_up()
            return second.call_id, third.call_id

    def decided(engine: Engine, call_id: str) -> list[str]:
        record = engine.record_of(call_id)
        return record["because"] if record else []

    try:
        second, third = asyncio.run(calls())
        record = asyncio.run(eventually_recorded(engine, second))
        assert any("pos-satu via penyedia failed (full)" in line for line in record["transcript"])
        assert any("penyedia" in reason and "penuh" in reason for reason in decided(engine, third))
    finally:
        engine.down()


CROWD = """\
pos-satu:
  name: Pos Satu
  handles: [kebakaran]
  covers: [Mandau]
  contacts:
    - {{number: "sip:{first}@{where}", ring: 8s, lines: {lines}}}
pos-dua:
  name: Pos Dua
  handles: [kebakaran]
  covers: [Mandau]
  contacts:
    - {{number: "sip:{second}@{where}", ring: 8s, lines: {lines}}}
"""


def crowded(tmp_path: Path, port: int, first: str, second: str, lines: int) -> Engine:
    """Two posts of the exchange, and an operator there who lets it ring."""
    made = with_people(tmp_path / "home", f"{ADDRESS}:{port}")
    where = f"{ADDRESS}:{port}"
    (made.deployment / "agencies.yaml").write_text(
        CROWD.format(first=first, second=second, where=where, lines=lines)
    )
    file = made.deployment / "operators.yaml"
    file.write_text(
        file.read_text().replace(f'"sip:petugas@{where}"', f'"sip:sabar@{where}", ring: 120s')
    )
    made.environment["SIAGA_RTP_PORTS"] = "34000-35999"
    return made


def test_a_mobile_that_has_two_of_our_calls_hears_so_and_the_third_goes_on(tmp_path: Path) -> None:
    port = free_port(ADDRESS)
    engine = crowded(tmp_path, port, "terima", "lambat", lines=2).started()
    try:
        with exchange(tmp_path / "exchange", engine.sip_port, port, patience_s=100) as others:
            callers = ["0812000001", "0812000002", "0812000003"]
            for number in callers:
                others.call(number)
                asyncio.run(
                    eventually(lambda n=number: hears(others, n, AGENCY_TONE), 30, "an agency")
                )
            briefed = {
                number: others.last("agency", number, 60).astype(float) for number in callers
            }
            again = prompt("Laporan kedua.")
            assert not is_in(again, briefed[callers[0]])
            assert is_in(again, briefed[callers[1]])
            results = [b for _, kind, b in events_of(engine, callers[2]) if kind == "dial_ended"]
            assert [(b["agency"], b["status"], b["cause"]) for b in results] == [
                ("pos-satu", "busy", "occupied")
            ]
    finally:
        engine.down()


WAYS = "sibuk-macet-pesan-kabur-tolak-terima-putus-diam-bisu-terima"
SEED = 112
CALLERS = 50


def test_fifty_callers_whose_agencies_fail_at_random_are_all_with_a_person_or_ringing_one(
    tmp_path: Path,
) -> None:
    port = free_port(ADDRESS)
    engine = crowded(tmp_path, port, "acak", "acak-juga", lines=100).started()
    dice = random.Random(SEED)
    callers = [f"0812{n:04}{dice.randrange(100):02}" for n in range(CALLERS)]
    try:
        with exchange(
            tmp_path / "exchange", engine.sip_port, port, patience_s=300, ways=WAYS
        ) as others:
            for number in callers:
                others.call(number)
            expected = {number for number in callers if has_an_agency(number)}

            def settled() -> bool:
                """Whoever talks to an agency, and whose operator's phone rings: nobody is left over."""
                bridged = {number for number in callers if hears(others, number, AGENCY_TONE)}
                rung = ringing(others)
                return bridged == expected and rung - bridged == set(callers) - expected

            asyncio.run(eventually(settled, 120, "everybody at a person or ringing one"))
            assert len({row["case_number"] for row in engine.calls()}) == CALLERS
    finally:
        engine.down()


def has_an_agency(number: str) -> bool:
    """One of the two posts accepts this caller and stays."""
    ways = WAYS.split("-")
    return "terima" in (ways[int(number[-2])], ways[int(number[-1])])


def ringing(others: Exchange) -> set[str]:
    """Whose operator's phone rings now."""
    since = {number: at for at, who, number in others.told("ringing") if who == "sabar"}
    until = {number: at for at, who, number in others.told("ended") if who == "sabar"}
    return {number for number, at in since.items() if until.get(number, 0.0) < at}
