"""``bench speech``: how well recordings with a list of what is said in them are understood."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from pathlib import Path

from ivr.commands.listen import usable
from ivr.config import Config
from ivr.flow.spoken import Vocabulary
from ivr.prompts.audio import UnusableRecording
from ivr.speech import manifest, measure, weights
from ivr.speech.measure import CONDITIONS, Measured, Recordings
from ivr.speech.plain import PlainWhisper
from ivr.speech.recogniser import Recogniser

TELL_EVERY = 10


def speech(
    config: Config,
    path: Path,
    vocabularies: Mapping[str, Vocabulary],
    *,
    limit: int | None,
    tell: Callable[[str], None],
) -> tuple[str, Recogniser, list[Measured], list[Measured]]:
    """The machine, the engine that callers meet here, what came of it, and of plain Whisper on clean lines.

    Raises ManifestFaulty and NothingListens.
    """
    rows = manifest.read(path)
    unknown = [
        f"{path}: menu {menu!r} tidak ada di alur ini, atau hanya dijawab dengan tombol. "
        f"Pilih: {', '.join(vocabularies)}."
        for menu in dict.fromkeys(row.menu for row in rows)
        if menu not in vocabularies
    ]
    if unknown:
        raise manifest.ManifestFaulty(unknown)
    recordings = Recordings(path.parent, measure.chosen(rows, limit))
    if unusable := _unusable(recordings):
        raise manifest.ManifestFaulty(unusable)
    engine = usable(config)[0]
    ours = _measured(engine, recordings, vocabularies, CONDITIONS, tell)
    peer: list[Measured] = []
    folder = config.speech.whisper_model or weights.fetched(config.speech.cache)
    if folder is not None:
        peer = _measured(PlainWhisper(folder), recordings, vocabularies, CONDITIONS[:1], tell)
    return machine(), engine, ours, peer


def machine() -> str:
    """Its kind: cores, processor, system."""
    return f"{os.cpu_count()} inti {platform.machine()}, {platform.system()}"


def _unusable(recordings: Recordings) -> list[str]:
    """What is wrong with any of them, before all the work."""
    faults = []
    for row in recordings.rows:
        try:
            recordings.sound(row)
        except UnusableRecording as error:
            faults.append(str(error))
    return list(dict.fromkeys(faults))


def _measured(
    engine: Recogniser,
    recordings: Recordings,
    vocabularies: Mapping[str, Vocabulary],
    conditions: tuple[measure.Condition, ...],
    tell: Callable[[str], None],
) -> list[Measured]:
    found = []
    for one in measure.measure(engine, recordings, vocabularies, conditions):
        found.append(one)
        if len(found) % TELL_EVERY == 0:
            total = measure.how_many(recordings, conditions)
            tell(f"{engine.name}: {len(found)} dari {total}, {one.condition}")
    return found
