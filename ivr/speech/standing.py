"""How speech recognition stands: what its process says of itself, and what that means for a person.

The process writes a small file once it knows; the supervisor and ``status`` read it. A process that has
nothing to recognise with ends with ``OFF``, and is looked at again only now and then.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from ivr.config import Config

OFF = 78
"""The exit code of a speech process that cannot listen here: EX_CONFIG of sysexits."""

SWITCHED_OFF = "Dimatikan dengan SIAGA_SPEECH=off; penelepon memakai tombol."


class Standing(NamedTuple):
    """``state`` is running, starting, off, or whatever the supervisor says of a process that fell.

    ``why`` is empty where callers are understood; one that runs may still answer nobody in time.
    """

    state: str
    engine: str = ""
    why: str = ""


def file_of(config: Config) -> Path:
    return config.home / "run" / "speech.json"


def note(config: Config, *, engine: str = "", why: str = "") -> None:
    """For the supervisor: the engine that listens, and why nobody is understood. Raises OSError."""
    target = file_of(config)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = target.with_suffix(".new")
    fresh.write_text(json.dumps({"engine": engine, "why": why}))
    fresh.replace(target)


def standing(config: Config, state: str) -> Standing:
    """``state`` is what the supervisor says of the process."""
    if not config.speech.on:
        return Standing("off", "", SWITCHED_OFF)
    noted = _noted(config)
    if state == "running":
        return Standing(state, noted.get("engine", ""), noted.get("why", ""))
    if state == "off":
        return Standing(state, "", noted.get("why", "") or f"Lihat {output(config)}.")
    if state == "starting":
        return Standing(state, "", "Proses suara sedang dimulai; penelepon memakai tombol.")
    return Standing(
        state, "", f"Proses suara jatuh; penelepon memakai tombol. Lihat {output(config)}."
    )


def output(config: Config) -> Path:
    """The log of the process."""
    return config.log_dir / "speech.out"


def _noted(config: Config) -> dict[str, str]:
    try:
        said = json.loads(file_of(config).read_text())
    except (OSError, ValueError):
        return {}
    return {str(name): str(text) for name, text in said.items()} if isinstance(said, dict) else {}
