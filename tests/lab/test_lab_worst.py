"""The longest dialogue that `check` names is what a caller on the wire can make of it, and no more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from callers import WRONG, of_the_path
from laboratory import AGENCY, Engine, lab_deployment

from ivr.location.aml import Report
from ivr.location.spool import Spool, arrival
from ivr.softphone.phone import answerer, caller
from ivr.softphone.sipp import free_port

LAST_MOMENT_S = 0.5
"""So long before a question closes this caller presses: what a laptop can be late by, and more."""

ALLOWANCE_S = 1.5
"""What the figure leaves out: the commands between the turns, and the way of the INVITE."""

TAKEN_IN_S = 1.0
"""So long before a question closes what a phone tells has to be there: the engine looks for it now and then."""

HERE = Report(
    "aml_https", "+6281276123456", lat=1.2856, lon=101.197, radius_m=30.0, method="gps", raw="gps"
)

DIALPLAN = """\
name: 112 Kecil
mode: latihan
human_by: 0s
defaults: {tries: 1, wait: 2s}
start: sambutan
steps:
  sambutan:
    say: Anda terhubung ke 112.
    then: kejadian
  kejadian:
    menu: Kebakaran tekan 1. Atau tetap di telepon.
    options:
      1: {incident: kebakaran, then: tempat}
    tries: 2
  tempat:
    ask_place: [wilayah, kecamatan]
    then: instansi
  instansi:
    connect: routes
    whisper: "{incident}, {place}. Tekan 1 untuk menerima."
"""

PLACES = """\
wilayah:
  prompt: Duri tekan 1.
  areas:
    1:
      name: Duri
      prompt: Mandau tekan 1.
      kecamatan: {1: "14.03.09"}
kecamatan:
  "14.03.09": {name: Mandau, block: daratan, points: [[1.2856, 101.197]]}
"""


@pytest.fixture
def post_port() -> int:
    return free_port(AGENCY)


@pytest.fixture
def engine(tmp_path: Path, post_port: int) -> Iterator[Engine]:
    home = tmp_path / "home"
    deployment = lab_deployment(home / "deployment", {})
    (deployment / "dialplan.yaml").write_text(DIALPLAN)
    (deployment / "places.yaml").write_text(PLACES)
    for other in ("numbers.yaml", "areas.geojson"):  # of places that are not here
        (deployment / other).unlink()
    (deployment / "agencies.yaml").write_text(
        "pos:\n"
        "  name: Pos Damkar Mandau\n"
        "  handles: [kebakaran]\n"
        "  covers: semua\n"
        f'  contacts: [{{number: "sip:damkar@{AGENCY}:{post_port}"}}]\n'
    )
    made = Engine(home, deployment)
    try:
        yield made.started()
    finally:
        made.down()


def test_a_caller_who_answers_at_the_last_moment_rings_somebody_within_the_figure(
    engine: Engine, sipp: tuple[str, ...], post_port: int
) -> None:
    said = engine.json("check", str(engine.deployment))
    assert said["faults"] == []
    figure, lines = said["longest_dialogue_s"], of_the_path(said["worst_path"])
    assert {answer.keys for answer, _ in lines if answer} == {"", WRONG, "1", "2"}
    spool = Spool(engine.home / "spool" / "locations")

    async def call() -> float:
        async with (
            answerer(sipp, AGENCY, post_port) as post,
            caller(sipp, "127.0.0.1", engine.sip_port) as phone,
        ):
            answered_at = (await phone.answered(5)).at
            asked_at = answered_at  # or said: what began last
            for answer, seconds in lines:
                if answer is not None and answer.phone:
                    told_at = asked_at + seconds - TAKEN_IN_S
                    await asyncio.sleep(max(0.0, told_at - time.time()))
                    spool.put(arrival(HERE, time.time()))
                if answer is None or not answer.keys:
                    asked_at += seconds
                    continue
                pressed_at = asked_at + seconds - LAST_MOMENT_S
                await asyncio.sleep(max(0.0, pressed_at - time.time()))
                phone.rtp.press("9" if answer.keys == WRONG else answer.keys)
                asked_at = time.time()
            rung = await post.called(10)
            await phone.hang_up()
            invited_at = rung.invited_at
            assert invited_at is not None
            return invited_at - answered_at

    seconds = asyncio.run(call())
    print(f"worst on the wire {seconds:.1f} s, by check {figure:.1f} s, along {said['worst_path']}")
    assert seconds <= figure + ALLOWANCE_S
    assert seconds >= 0.8 * figure
