"""The synthetic recordings: made the same every time, and described as they are."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from ivr.platforms.asterisk.programs import tool
from ivr.prompts import audio
from ivr.speech import manifest

FOLDER = Path(__file__).parent.parent / "speech"
SMALL = FOLDER / "small"

sys.path.insert(0, str(FOLDER))

import generate  # noqa: E402
import sounds  # noqa: E402
import speakers  # noqa: E402


def test_the_generator_makes_the_committed_set_again_without_a_difference(tmp_path: Path) -> None:
    shutil.copytree(SMALL, tmp_path / "small")
    for sound in (tmp_path / "small/bunyi").glob("*.wav"):
        sound.unlink()  # what is spoken needs voices that not every machine has; sounds need none

    generate.make(tmp_path / "small", small=True, espeak=("no-such-program",))

    made = (tmp_path / "small/manifest.tsv").read_text()
    assert made == (SMALL / "manifest.tsv").read_text()
    for row in manifest.read(SMALL / "manifest.tsv"):
        again, committed = (
            audio.to_samples(audio.read(folder / row.file))
            for folder in (tmp_path / "small", SMALL)
        )
        assert np.abs(again - committed).max() < 1e-3, row.file


def test_the_same_voice_says_the_same_text_the_same_way_twice() -> None:
    espeak = tool("espeak-ng", print)
    robot = speakers.ROBOTS[1]

    once, twice = (speakers.say(robot, "minta bantuan", "id", espeak) for _ in range(2))

    assert 0.5 < once.size / speakers.RATE < 3
    assert np.array_equal(once, twice)


def test_no_voice_of_the_set_speaks_a_prompt() -> None:
    assert not [speaker for speaker in speakers.NEURAL if "jm_kumo" in speaker.model]


def test_every_text_is_said_by_several_voices() -> None:
    said: dict[str, set[str]] = {}
    for speaker, sentence in generate._whole():
        if sentence.kind != "oov":
            said.setdefault(sentence.text, set()).add(speaker.name)

    assert all(len(voices) == 3 for voices in said.values())


def test_ten_minutes_of_the_set_hold_no_speech() -> None:
    assert sum(seconds for _, seconds in sounds.not_speech().values()) >= 600


@pytest.mark.parametrize("name", sorted(sounds.not_speech()))
def test_a_sound_has_the_length_asked_for_and_does_not_clip(name: str) -> None:
    sound, _ = sounds.not_speech()[name]

    samples = sound(np.random.default_rng(1), 3.0)

    assert samples.size == 3 * sounds.RATE
    assert np.isfinite(samples).all()
    assert np.mean(np.abs(samples) > 1) < 0.01


def test_the_committed_recordings_are_small_and_of_a_telephone() -> None:
    files = sorted(SMALL.rglob("*.wav"))

    assert sum(file.stat().st_size for file in files) < 1_500_000
    assert {str(file.relative_to(SMALL)) for file in files} == {
        row.file for row in manifest.read(SMALL / "manifest.tsv")
    }
    for file in files:
        segment = audio.read(file)
        assert (segment.frame_rate, segment.channels, segment.sample_width) == (8000, 1, 2), file
