"""What was said can be listened to after the call, and whoever is to know of the call was told."""

from __future__ import annotations

import asyncio
from pathlib import Path

from laboratory import Engine, eventually, webhook

CALL = ("call", "--choose", "kebakaran,14.03.09")


def test_the_sound_of_a_call_is_a_wav_that_lasts_as_long_as_the_call(shipped: Engine) -> None:
    call_id = shipped.json(*CALL)["call_id"]
    assert call_id is not None
    folder = shipped.home / "recordings"

    def converted() -> bool:
        return (folder / f"{call_id}.wav").exists() and not (folder / f"{call_id}.sln").exists()

    asyncio.run(eventually(converted, 15, "the WAV in the place of what was written"))
    call = shipped.json("calls", "show", call_id)
    recording = call["recording"]
    assert Path(recording["path"]) == folder / f"{call_id}.wav"
    assert abs(recording["seconds"] - (call["ended_at"] - call["offered_at"])) < 0.5
    assert recording["silent_share"] < 0.5, "most of the time somebody speaks"
    text = shipped.run("calls", "show", call_id).stdout
    assert text.splitlines()[-1].startswith(f"rekaman {recording['path']}, ")


def test_a_call_in_progress_goes_on_being_recorded(shipped: Engine) -> None:
    """Its file is open, and the engine looks at it every few seconds."""
    folder = shipped.home / "recordings"
    before = set(folder.glob("*"))

    async def call() -> str:
        calling = asyncio.create_task(
            asyncio.to_thread(shipped.json, *CALL, "--hang-up-after", "12")
        )
        (path,) = await eventually(lambda: set(folder.glob("*.sln")) - before, 10, "a recording")
        await eventually(lambda: path.stat().st_size > 10 * 16_000, 15, "ten seconds of sound")
        assert not path.with_suffix(".wav").exists()
        call_id = (await calling)["call_id"]
        await eventually(path.with_suffix(".wav").exists, 15, "the WAV")
        return str(call_id)

    recording = shipped.json("calls", "show", asyncio.run(call()))["recording"]
    assert recording["seconds"] > 11.0, "nothing was cut off by a look in between"


def test_a_system_elsewhere_is_told_of_a_call_while_it_goes_on_and_when_it_ended(
    own_home: Engine,
) -> None:
    with webhook() as (url, told):
        own_home.environment["SIAGA_TICKET_URL"] = url
        own_home.started()
        case_number = own_home.json(*CALL)["case_number"]
        asyncio.run(eventually(lambda: len(told) >= 3, 15, "three tickets"))
        own_home.down()
    assert [ticket["event"] for ticket in told] == ["open", "forwarded", "closed"]
    assert {ticket["case_number"] for ticket in told} == {case_number}
    assert (told[1]["incident"], told[1]["place"]) == ("kebakaran", "14.03.09")
    assert (told[1]["to"], told[2]["to"]) == ("damkar-mandau", "damkar-mandau")
    assert told[2]["ended_by"] == "caller"
    assert "81276123456" not in str(told)
