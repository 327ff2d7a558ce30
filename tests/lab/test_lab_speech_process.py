"""Whether speech works is known to whoever starts the machine and asks it; calls are taken either way."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from laboratory import Engine


def row_of_speech(said: dict[str, Any]) -> dict[str, Any]:
    return next(row for row in said["components"] if row["name"] == "speech")


def test_a_machine_without_a_model_takes_calls_with_keys_and_says_what_is_missing(
    own_home: Engine, tmp_path: Path
) -> None:
    own_home.environment["SIAGA_SPEECH"] = "on"
    own_home.environment["SIAGA_WHISPER_MODEL"] = str(tmp_path / "nirada")
    done = own_home.up()
    assert done.returncode == 0, done.stderr
    assert "ready" in done.stdout
    assert "PERINGATAN: " in done.stderr + done.stdout
    assert "nirada" in done.stderr + done.stdout
    said = own_home.json("status")
    assert said["ready"]
    assert row_of_speech(said)["state"] == "off"
    assert said["speech"]["state"] == "off"
    assert "nirada" in said["speech"]["why"]


def test_a_machine_whose_speech_is_switched_off_runs_no_process_for_it(own_home: Engine) -> None:
    own_home.environment["SIAGA_SPEECH"] = "off"
    said = own_home.started().json("status")
    assert said["ready"]
    assert row_of_speech(said) == {**row_of_speech(said), "state": "off", "pid": None}
    assert "SIAGA_SPEECH=off" in said["speech"]["why"]


def test_calls_are_taken_before_a_model_is_fetched_and_without_one_that_cannot_be(
    own_home: Engine, tmp_path: Path
) -> None:
    """A machine with Asterisk, an empty cache of models, and no way to fetch one."""
    cached = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "siaga112"
    cache = tmp_path / "cache" / "siaga112"
    cache.mkdir(parents=True)
    for program in cached.glob("pbx-*"):
        (cache / program.name).symlink_to(program)
    own_home.environment |= {"XDG_CACHE_HOME": str(cache.parent), "PIP_NO_INDEX": "1"}
    own_home.environment |= {"SIAGA_SPEECH": "on", "SIAGA_WHISPER_MODEL": ""}
    done = own_home.up()
    assert done.returncode == 0, done.stderr
    assert "ready" in done.stdout
    assert "PERINGATAN: " in done.stderr + done.stdout
    said = own_home.json("status")
    assert said["ready"]
    assert said["speech"]["state"] == "off"
    assert said["speech"]["why"]
