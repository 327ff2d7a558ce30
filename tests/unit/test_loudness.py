"""All prompts are equally loud, by the measure that broadcasters use, and none of them breaks up."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ivr.config import PROJECT
from ivr.prompts import audio
from ivr.prompts.loudness import PEAK_DBFS, TARGET_LUFS, TOLERANCE_LU, levelled, lufs
from ivr.prompts.sounds import HOLD_LOOP

RATE = 8000
SHIPPED = sorted((PROJECT / "prompts/audio/id").glob("*.wav"))


def sine(seconds: float, dbfs: float, hertz: float = 997.0) -> NDArray[Any]:
    times = np.arange(round(seconds * RATE)) / RATE
    return 10 ** (dbfs / 20) * np.sin(2 * np.pi * hertz * times)


def bursts(seconds: float) -> NDArray[Any]:
    """Like speech in its levels: noise in syllables, its peaks some 15 dB over its loudness."""
    noise = np.random.default_rng(112).standard_normal(round(seconds * RATE))
    times = np.arange(len(noise)) / RATE
    return 0.05 * noise * np.abs(np.sin(2 * np.pi * 2 * times)) ** 3


@pytest.mark.parametrize("dbfs", [-40.0, -23.0, 0.0])
def test_the_measure_agrees_with_the_standard(dbfs: float) -> None:
    """BS.1770: a sine of 997 Hz at full scale in one channel reads -3.01; the filters, made for
    8 kHz, are 0.2 dB off there."""
    assert lufs(sine(3, dbfs), RATE) == pytest.approx(dbfs - 3.01, abs=0.2)


def test_what_people_hear_badly_counts_less() -> None:
    """A hum of the mains is as strong as the voice, and hardly heard."""
    assert lufs(sine(3, -20, 30), RATE) < lufs(sine(3, -20), RATE) - 6


def test_pauses_do_not_make_a_sentence_soft() -> None:
    sentence = bursts(2)
    paused = np.concatenate([sentence, np.zeros(5 * RATE), sentence])
    assert lufs(paused, RATE) == pytest.approx(lufs(sentence, RATE), abs=0.5)


@pytest.mark.parametrize("seconds", [0.05, 0.2, 0.39, 0.4, 0.41, 0.75])
def test_a_word_shorter_than_a_gating_block_has_a_loudness_too(seconds: float) -> None:
    assert lufs(sine(seconds, -20), RATE) == pytest.approx(-23.01, abs=0.5)


def test_silence_has_none_and_stays_silence() -> None:
    for samples in (np.zeros(0), np.zeros(1), np.zeros(RATE)):
        assert lufs(samples, RATE) == -math.inf
        assert not levelled(samples, RATE).any()


@pytest.mark.parametrize("gain", [0.01, 0.3, 1.0, 6.0])
def test_a_voice_of_any_level_comes_out_at_the_target_with_its_peaks_below_the_limit(
    gain: float,
) -> None:
    found = levelled(gain * bursts(3), RATE)
    assert lufs(found, RATE) == pytest.approx(TARGET_LUFS, abs=0.1)
    assert np.abs(found).max() <= 10 ** (PEAK_DBFS / 20) + 1e-9


def test_where_no_peak_is_too_high_levelling_is_one_gain() -> None:
    samples = sine(1, -30, 300)
    found = levelled(samples, RATE)
    ratio = found[np.abs(samples) > 0.01] / samples[np.abs(samples) > 0.01]
    assert np.ptp(ratio) < 1e-9


def test_a_peak_is_pressed_down_without_a_jump_in_level() -> None:
    """A jump would be heard as a click."""
    samples = sine(1, -20, 300)
    samples[4000] = 1.0
    found = levelled(samples, RATE)
    heard = np.abs(samples) > 0.02
    ratio = found[heard] / samples[heard]
    assert ratio.min() < 0.95 * ratio.max()
    assert np.abs(np.diff(ratio)).max() < 0.05 * ratio.max()


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_every_shipped_prompt_is_as_loud_as_promised_and_not_clipped(file: Path) -> None:
    segment = audio.read(file)
    assert segment.max_dBFS <= PEAK_DBFS + 0.1
    if file.stem != HOLD_LOOP:  # its words are those of a prompt; its tones are softer
        found = lufs(audio.to_samples(segment), segment.frame_rate)
        assert found == pytest.approx(TARGET_LUFS, abs=TOLERANCE_LU)
