"""What a telephone line does to a voice: eight bits by mu-law, noise around the caller, lost packets.

Everything is the same again for the same random generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ivr.prompts import audio
from ivr.speech.recogniser import RATE, Samples

FRAME = RATE // 50
"""Samples of a packet: 20 ms."""

TALKERS = 4
"""Voices in the babble around a caller."""

_LEVELS = np.array(
    sorted(
        sign * (((2 * step + 33) << segment) - 33) * 4
        for sign in (-1, 1)
        for segment in range(8)
        for step in range(16)
    )
)
"""The values that mu-law can say, at 16 bit: sixteen steps in each of eight segments, and the same below
zero."""

_QUIET_DB = 30.0  # below the loudest packet: not counted as speech, in level and in length alike

Sound = NDArray[np.float64]
"""Mono samples between -1 and 1, ``RATE`` a second."""


def recording(path: Path) -> Sound:
    """A WAV file of any rate and number of channels, at the rate of a telephone.

    Raises ``audio.UnusableRecording``.
    """
    return audio.to_samples(audio.recording(path))


def coded(sound: Sound) -> Samples:
    """Through mu-law (ITU-T G.711) and back, as the far end hears it."""
    whole = np.clip(np.round(sound * 32767), -32768, 32767)
    nearest = np.searchsorted((_LEVELS[1:] + _LEVELS[:-1]) / 2, whole)
    return _LEVELS[nearest].astype(np.int16)


def in_noise(
    sound: Sound, snr_db: float, others: Sequence[Sound], random: np.random.Generator
) -> Sound:
    """The voice among people who talk (``others``, reversed, so that no word is said) and pink noise,
    equally loud; ``snr_db`` compares the level of its speech with theirs together."""
    noise = _levelled(_babble(sound.size, others, random)) + _levelled(_pink(sound.size, random))
    speech = _rms(sound[_speaking(sound)])
    wanted = speech / 10 ** (snr_db / 20)
    return sound + noise * (wanted / max(_rms(noise), 1e-9))


def arrived(count: int, loss: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """Which of so many samples came, where that share of packets was lost. Asterisk puts nothing in
    their place: what it passes on is shorter."""
    came = random.random(-(-count // FRAME)) >= loss
    return np.repeat(came, FRAME)[:count]


def speech_end(sound: Sound) -> int:
    """The sample after which nobody speaks any more, in a recording without noise; 0 without speech."""
    (loud,) = np.nonzero(_speaking(sound))
    return int(loud[-1]) + 1 if loud.size else 0


def _speaking(sound: Sound) -> NDArray[np.bool_]:
    """Which samples lie in packets that are not far quieter than the loudest."""
    packets = -(-sound.size // FRAME)
    padded = np.zeros(packets * FRAME)
    padded[: sound.size] = sound
    levels = np.sqrt(np.mean(padded.reshape(packets, FRAME) ** 2, axis=1))
    threshold = max(levels.max(initial=0.0) / 10 ** (_QUIET_DB / 20), 1e-5)
    return np.repeat(levels > threshold, FRAME)[: sound.size]


def _babble(count: int, others: Sequence[Sound], random: np.random.Generator) -> Sound:
    mixed = np.zeros(count)
    for _ in range(TALKERS if others else 0):
        talk = np.zeros(0)
        while talk.size < count:
            other = others[int(random.integers(len(others)))]
            talk = np.concatenate([talk, _levelled(other[::-1])])
        start = int(random.integers(talk.size - count + 1))
        mixed += talk[start : start + count]
    return mixed


def _pink(count: int, random: np.random.Generator) -> Sound:
    spectrum = np.fft.rfft(random.normal(0, 1, count))
    hertz = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20)
    return np.fft.irfft(spectrum / np.sqrt(hertz), count)


def _levelled(sound: Sound) -> Sound:
    return sound / max(_rms(sound), 1e-9)


def _rms(sound: Sound) -> float:
    return float(np.sqrt(np.mean(sound**2))) if sound.size else 0.0
