"""The steps of the language over a real Asterisk: another number, digits, the caller's own words."""

from __future__ import annotations

import asyncio
import itertools
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from laboratory import (
    AGENCY,
    CALLER_HERTZ,
    CLEAR,
    OPERATOR,
    Engine,
    eventually,
    hear_each_other,
)
from test_lab_calls import eventually_recorded

from ivr.config import PROJECT
from ivr.softphone.phone import answerer, caller
from ivr.softphone.rtp import SILENCE, tone, tone_share
from ivr.softphone.sipp import free_port

ALL_STEPS = PROJECT / "tests" / "deployments" / "lengkap"
QUESTION_S = 5.0
"""The question has been heard by then."""

SPOKEN_S = 2.0

POST = '- {via: damkar-sip, number: "101", accept: answer}'


def deployment(home: Path, post_port: int, operator_port: int) -> Path:
    """All steps, with a fire post and an operator that are telephones here."""
    folder = shutil.copytree(ALL_STEPS, home / "deployment")
    agencies = (folder / "agencies.yaml").read_text()
    assert POST in agencies
    contact = f'- {{number: "sip:pos@{AGENCY}:{post_port}", ring: 12s}}'
    (folder / "agencies.yaml").write_text(agencies.replace(POST, contact, 1))
    (folder / "operators.yaml").write_text(
        "pusat:\n  name: Pusat\n  contacts:\n"
        f'    - {{number: "sip:petugas@{OPERATOR}:{operator_port}"}}\n'
    )
    return folder


def asked_for_words(engine: Engine, sip_call_id: str) -> Callable[[], bool]:
    def is_asked() -> bool:
        record = engine.record_of(sip_call_id)
        return record is not None and any("Ceritakan" in line for line in record["transcript"])

    return is_asked


async def seconds(many: float) -> None:
    """Let time pass: what is tried here is how long somebody speaks."""
    since = asyncio.get_running_loop().time()
    await eventually(
        lambda: asyncio.get_running_loop().time() - since > many, many + 2, "time to pass"
    )


def test_a_test_call_through_every_step_brings_the_caller_s_own_words_to_the_post(
    tmp_path: Path, sipp: tuple[str, ...]
) -> None:
    port = free_port(AGENCY)
    home = tmp_path / "home"
    engine = Engine(home, deployment(home, port, free_port(OPERATOR))).started()

    async def call() -> str:
        uri = f"sip:1129@127.0.0.1:{engine.sip_port}"
        async with (
            answerer(sipp, AGENCY, port) as post,
            caller(sipp, "127.0.0.1", engine.sip_port, uri=uri) as phone,
        ):
            await phone.answered(5)
            # No other language, fire, Duri, Mandau, "right"; kilometer 42, "right".
            phone.rtp.press("31111" + "42#" + "1")
            await eventually(
                asked_for_words(engine, phone.call_id), 40, "the caller is asked to speak"
            )
            await seconds(QUESTION_S)
            phone.rtp.play(tone(CALLER_HERTZ))
            await seconds(SPOKEN_S)
            phone.rtp.play(itertools.repeat(SILENCE))
            await post.picked_up(60)
            await eventually(
                lambda: tone_share(post.rtp.heard(0.8), CALLER_HERTZ) > CLEAR,
                40,
                "the post hears the caller's words before it has accepted",
            )
            assert phone.talking_to != "damkar-mandau"
            phone.rtp.play(tone(CALLER_HERTZ))
            await post.accept()
            await hear_each_other(phone.rtp, post.rtp)
            await phone.hang_up()
            return phone.call_id

    try:
        record: Any = asyncio.run(eventually_recorded(engine, asyncio.run(call())))
        lines = "\n".join(record["transcript"])
        assert record["bridged_to"] == "damkar-mandau"
        assert record["test"] is True
        assert "> 42" in lines
        spoken = re.search(r"> \(bicara ([0-9.]+) detik\)", lines)
        assert spoken is not None, "a few words are not thrown away"
        assert SPOKEN_S - 0.7 < float(spoken[1]) < SPOKEN_S + 2.5
        assert "* notify bpbd-bengkalis" in lines
        assert (engine.home / "recordings" / f"{record['call_id']}-keterangan.wav").exists()
        with sqlite3.connect(engine.home / "siaga.db") as database:
            rows = database.execute(
                "select body from tickets where body like '%notify%'"
            ).fetchall()
        told = "".join(body for (body,) in rows)
        assert '"bpbd-bengkalis"' in told
        assert '"polsek-mandau"' in told
    finally:
        engine.down()
