"""Builds the audio that is missing, says what is wrong with what is there, and prints the script.

Nothing is built twice and nothing is half built: every file is written beside its place and then
renamed, and the manifest is written even when somebody presses Ctrl-C, for what is done by then.
Files of sentences no longer in use are left alone: an older version of the dialplan, to which an
administrator may return, still needs them.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import yaml

from ivr.flow.prompt import Prompt
from ivr.prompts import audio
from ivr.prompts.sounds import HOLD_LOOP, HUMAN, MANIFEST, Built, Sound, Sounds
from ivr.prompts.voices import Voice

Progress = Callable[[int, int, str], None]
"""Called before each piece of work with its number, how many there are, and the sentence."""


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did. ``poor`` holds the faults of files it made, which are kept all the same."""

    built: tuple[Built, ...] = ()
    converted: tuple[str, ...] = ()
    ready: int = 0
    poor: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing an administrator should know about a sentence's audio."""

    level: Literal["fault", "warning"]
    code: str  # missing | voice_differs | audio | recording
    name: str
    text: str
    message: str


@dataclass(slots=True)
class _Work:
    built: list[Built] = field(default_factory=list)
    converted: list[str] = field(default_factory=list)
    poor: list[Finding] = field(default_factory=list)


def build(
    prompts: Iterable[Prompt],
    sounds: Sounds,
    voice: Callable[[], Voice],
    progress: Progress = lambda number, total, text: None,
    hold: Prompt | None = None,
) -> BuildReport:
    """Convert the recordings that need it, speak what nobody has spoken, make the hold loop.

    ``voice`` is called only when there is something to speak: loading one may take seconds.
    """
    wanted = list(dict.fromkeys(prompts if hold is None else (*prompts, hold)))
    unready = [(p, r) for p in wanted if not sounds.human(p) and (r := sounds.recording(p))]
    unspoken = [p for p in wanted if not sounds.human(p) and not sounds.synthetic(p)]
    total = len(unready) + len(unspoken)
    work = _Work()
    try:
        for number, (prompt, recording) in enumerate(unready, 1):
            progress(number, total, prompt.text)
            _convert(prompt, recording, sounds, work)
        unspoken = [p for p in unspoken if not sounds.human(p)]
        speaker = voice() if unspoken else None
        for number, prompt in enumerate(unspoken, len(unready) + 1):
            assert speaker is not None  # noqa: S101
            progress(number, total, prompt.text)
            segment = audio.finished(speaker.speak(prompt.text))
            _keep(prompt.name, prompt.text, segment, speaker.name, sounds, work)
    finally:
        _write_manifest(sounds, work.built)
    if hold is not None and not sounds.hold_loop(hold) and (phrase := sounds.find(hold)):
        loop = audio.waiting_loop(audio.read(phrase.file))
        _keep(HOLD_LOOP, sounds.hold_text(hold), loop, phrase.voice, sounds, work)
        _write_manifest(sounds, work.built)
    ready = len(wanted) - len(unspoken) - len(work.converted)
    return BuildReport(tuple(work.built), tuple(work.converted), ready, tuple(work.poor))
