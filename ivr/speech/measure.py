"""Measure a recogniser by a list of recordings: clean, in noise, and with packets lost.

The same list, seed and engine give the same answers; times and work are this machine's.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ivr.flow.spoken import Vocabulary
from ivr.speech import line
from ivr.speech.manifest import Labelled
from ivr.speech.recogniser import RATE, Recogniser, Samples
from ivr.speech.stream import Answer, answers
from ivr.speech.verdicts import Verdict, place_verdict, verdict

LEAD_S, TAIL_S = 0.4, 1.2
"""A line is open before somebody speaks, and after."""

SEED = 112

_LINE_NOISE = 0.0007  # an open line's, of a full scale of 1: about -63 dB


@dataclass(frozen=True, slots=True)
class Condition:
    """What is done to a recording; ``loss`` is a share of packets."""

    name: str
    snr_db: float | None = None
    loss: float = 0.0


CLEAN = Condition("clean")
CONDITIONS = (
    CLEAN,
    Condition("20 dB", snr_db=20),
    Condition("10 dB", snr_db=10),
    Condition("5 dB", snr_db=5),
    Condition("5 % lost", loss=0.05),
    Condition("10 % lost", loss=0.10),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of one recording under one condition.

    ``after_s`` is the time from the end of speech to the answer, None without an answer; ``work_s`` the
    processor's seconds for all of it, listening included, ``audio_s`` long.
    """

    row: Labelled
    condition: str
    answers: tuple[Answer, ...]
    verdict: Verdict
    place_verdict: Verdict | None
    after_s: float | None
    work_s: float
    audio_s: float


@dataclass(frozen=True, slots=True)
class Recordings:
    """The recordings of a list, each read once."""

    folder: Path
    rows: Sequence[Labelled]
    seed: int = SEED
    _read: dict[str, line.Sound] = field(default_factory=dict)

    def sound(self, row: Labelled) -> line.Sound:
        if row.file not in self._read:
            self._read[row.file] = line.recording(self.folder / row.file)
        return self._read[row.file]

    def heard_from_afar(self, row: Labelled, condition: Condition) -> tuple[Samples, float]:
        """What the far end gets, and the seconds in it after which nobody speaks any more."""
        random = np.random.default_rng(
            [self.seed, zlib.crc32(f"{row.file} {condition.name}".encode())]
        )
        sound = self.sound(row)
        lead, tail = np.zeros(round(LEAD_S * RATE)), np.zeros(round(TAIL_S * RATE))
        spoken_to = lead.size + line.speech_end(sound)
        sound = np.concatenate([lead, sound, tail])
        sound = sound + random.normal(0, _LINE_NOISE, sound.size)
        if condition.snr_db is not None:
            sound = line.in_noise(sound, condition.snr_db, self._others(row), random)
        samples = line.coded(sound)
        if condition.loss:
            arrived = line.arrived(samples.size, condition.loss, random)
            return samples[arrived], int(arrived[:spoken_to].sum()) / RATE
        return samples, spoken_to / RATE

    def _others(self, row: Labelled) -> list[line.Sound]:
        """Some people who talk near this caller: other voices, where the list has several."""
        speech = [other for other in self.rows if other.kind != "non_speech" and other != row]
        others = [other for other in speech if other.voice != row.voice] or speech
        step = max(1, len(others) // 24)
        return [self.sound(other) for other in others[::step]]


def measure(
    recogniser: Recogniser,
    recordings: Recordings,
    vocabularies: Mapping[str, Vocabulary],
    conditions: Sequence[Condition],
) -> Iterator[Measured]:
    """Every recording under every condition; sounds that are no speech in the clean one only."""
    for condition, row in _wanted(recordings, conditions):
        samples, spoken_to_s = recordings.heard_from_afar(row, condition)
        vocabulary = vocabularies[row.menu]
        work = time.process_time()
        found = tuple(answers(recogniser, vocabulary, samples))
        work = time.process_time() - work
        heard = [answer.heard for answer in found]
        answered = [
            answer.answered_s - spoken_to_s for answer in found if answer.ended_s > spoken_to_s
        ]
        yield Measured(
            row,
            condition.name,
            found,
            verdict(row, vocabulary, heard),
            place_verdict(row, vocabulary, heard[0])
            if heard and row.option and row.place
            else None,
            answered[0] if answered and row.kind != "non_speech" else None,
            work,
            samples.size / RATE,
        )


def how_many(recordings: Recordings, conditions: Sequence[Condition]) -> int:
    """What ``measure`` yields."""
    return len(_wanted(recordings, conditions))


def chosen(rows: Sequence[Labelled], limit: int | None, seed: int = SEED) -> list[Labelled]:
    """At most so many recordings of speech, drawn evenly from each voice and kind; in the list's order.

    Sounds that are no speech stay all: they cost little, and one that is understood is one too many.
    """
    speech = [row for row in rows if row.kind != "non_speech"]
    if limit is None or limit >= len(speech):
        return list(rows)

    def lot(row: Labelled) -> int:
        return zlib.crc32(f"{seed} {row.file}".encode())

    groups: dict[tuple[str, str], list[Labelled]] = {}
    for row in sorted(speech, key=lot):
        groups.setdefault((row.voice, row.kind), []).append(row)
    # The first of every group, then the second of every one that has a second, and so on.
    ranked = sorted(
        (rank, lot(row), row.file) for g in groups.values() for rank, row in enumerate(g)
    )
    kept = {file for _, _, file in ranked[:limit]}
    return [row for row in rows if row.kind == "non_speech" or row.file in kept]


def _wanted(
    recordings: Recordings, conditions: Sequence[Condition]
) -> list[tuple[Condition, Labelled]]:
    return [
        (condition, row)
        for condition in conditions
        for row in recordings.rows
        if condition == CLEAN or row.kind != "non_speech"
    ]
