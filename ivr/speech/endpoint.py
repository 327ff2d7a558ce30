"""Where in a line's audio somebody begins and ends to speak. Pure: samples in, steps out, no clock.

Sound is taken for a voice where it stands out of the noise floor, has a pitch, and is no tone. That is
cheap and lets some noise through; whoever acts on a ``began`` asks a voice detector first, and says
``ignore`` where that found nobody.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ivr.speech.recogniser import RATE, Samples

FRAME = RATE // 50
"""Samples of one look, 20 ms."""

DROPPED = 10  # frames; what comes so early is the end of what was said before
NEW = 50  # frames; how loud it is around the caller is learned faster in them
PRE_ROLL = 10
PAUSE = 13
"""Frames of silence after which it is worth to guess what was said."""

END = 28
"""Frames of silence after which it was said."""

LONGEST = 400  # frames
RECENT = 10
BEGINS = 6
"""So many of the RECENT frames with a voice are a beginning, where nothing is played."""

RECENT_OVER_PROMPT = 24
BEGINS_OVER_PROMPT = 15
"""300 ms of voice, and loud: on many lines the prompt itself comes back."""

ABOVE_FLOOR_DB = 9.0
ABOVE_FLOOR_OVER_PROMPT_DB = 15.0
ABOVE_ECHO_DB = 6.0
LEAST_DB = 33.0
LEAST_OVER_PROMPT_DB = 50.0
SILENT_OVER_FLOOR_DB = 6.0
BELOW_SPEECH_DB = 25.0
"""What is so much softer than the loud parts of an utterance is none of it."""

PITCHED = 0.085
"""Least likeness of a voiced sound to itself one period later; noise of any colour has 0.04."""

SHORTEST_PITCH, LONGEST_PITCH = RATE // 400, RATE // 70
PURE = 0.85
"""With so much of their energy in two frequencies, the frames that began are a tone."""

NARROW = 4  # bins to either side
HIGHEST_VOICE = 400.0  # Hz; the network's tones begin here
OVERTONES = 0.012
"""A voice whose sound is nearly pure, as an "u" is, still has so much of its energy above its pitch."""

KEY_LOW = np.array([697.0, 770.0, 852.0, 941.0])
KEY_HIGH = np.array([1209.0, 1336.0, 1477.0, 1633.0])
OF_A_KEY = 0.85
NEAR_A_KEY = 0.025

Step = Literal["began", "paused", "resumed", "ended"]


class Endpoint:
    """One question's audio. Give it every frame in order.

    For the first ``prompt_s`` seconds a prompt is played: nothing is heard then without ``bargein``.
    """

    def __init__(self, *, prompt_s: float, bargein: bool) -> None:
        self.speaking = False
        self.begins_at = 0  # samples from the first one; where the utterance's audio begins
        self._prompt = round(prompt_s * RATE / FRAME)
        self._bargein = bargein
        self._count = 0
        self._floor: float | None = None
        self._before = np.zeros(FRAME, np.int16)
        self._kept: deque[Samples] = deque(maxlen=RECENT_OVER_PROMPT + PRE_ROLL)
        self._voiced: deque[bool] = deque(maxlen=RECENT_OVER_PROMPT)
        self._echo: list[float] = []
        self._utterance: list[Samples] = []
        self._levels: list[float] = []
        self._quiet = 0
        self._loud = 0
        self._paused = False

    @property
    def audio(self) -> Samples:
        """The utterance so far, from a little before its first sound on."""
        return np.concatenate(self._utterance) if self._utterance else np.zeros(0, np.int16)

    @property
    def over_prompt(self) -> bool:
        """Whether a prompt is played now."""
        return self._count < self._prompt

    def feed(self, frame: Samples) -> Step | None:
        """The next ``FRAME`` samples."""
        level = _level(frame)
        number, self._count = self._count, self._count + 1
        before, self._before = self._before, frame
        if self.speaking:
            return self._go_on(frame, level)
        if number < DROPPED or (number < self._prompt and not self._bargein):
            self._learn(level, False)
            return None
        over_prompt = number < self._prompt
        voiced = (
            self._stands_out(level, over_prompt)
            and not _is_key(frame)
            and _pitch(np.concatenate((before, frame)).astype(np.float64)) > PITCHED
        )
        self._kept.append(frame)
        self._voiced.append(voiced)
        if over_prompt:
            self._echo.append(level)
        self._learn(level, voiced)
        recent = RECENT_OVER_PROMPT if over_prompt else RECENT
        least = BEGINS_OVER_PROMPT if over_prompt else BEGINS
        if not voiced or sum(list(self._voiced)[-recent:]) < least:
            return None
        if _is_tone(np.concatenate(list(self._kept)[-recent:])):
            self._voiced.clear()
            return None
        self._begin(list(self._voiced)[-recent:].index(True) - recent)
        return "began"

    def stop_prompt(self) -> None:
        """It is quiet from now on."""
        self._prompt = 0

    def ignore(self) -> None:
        """What began was nobody's voice."""
        self.speaking = False
        self._voiced.clear()
        self._kept.clear()
        self._utterance.clear()
        self._levels.clear()

    def _begin(self, first: int) -> None:
        """From ``first`` on, counted from the end of what is kept, and a little before it."""
        kept = list(self._kept)
        self._utterance = kept[max(0, len(kept) + first - PRE_ROLL) :]
        self._levels = [_level(frame) for frame in self._utterance]
        self.begins_at = (self._count - len(self._utterance)) * FRAME
        self.speaking = True
        self._quiet = self._loud = 0
        self._paused = False

    def _go_on(self, frame: Samples, level: float) -> Step | None:
        self._utterance.append(frame)
        self._levels.append(level)
        loudest = float(np.percentile(self._levels[-200:], 90))
        floor = LEAST_DB if self._floor is None else self._floor
        if level < max(floor + SILENT_OVER_FLOOR_DB, loudest - BELOW_SPEECH_DB):
            self._quiet += 1
            self._loud = 0
            self._learn(level, False)
        else:
            self._loud += 1
            if self._loud > 1:  # one loud frame is a click
                self._quiet = 0
            else:
                self._quiet += 1
        if self._quiet >= END or len(self._utterance) >= LONGEST:
            self.speaking = False
            self._voiced.clear()
            self._kept.clear()
            return "ended"
        if self._quiet >= PAUSE and not self._paused:
            self._paused = True
            return "paused"
        if self._quiet == 0 and self._paused:
            self._paused = False
            return "resumed"
        return None

    def _learn(self, level: float, voiced: bool) -> None:
        """Follow the noise: down fast, up slowly, and not up with a voice."""
        if self._floor is None:
            self._floor = min(level, LEAST_DB)
        elif level < self._floor:
            self._floor += 0.3 * (level - self._floor)
        elif not voiced:
            self._floor += (0.1 if self._count < NEW else 0.03) * (level - self._floor)

    def _stands_out(self, level: float, over_prompt: bool) -> bool:
        floor = LEAST_DB if self._floor is None else self._floor
        if not over_prompt:
            return level > max(LEAST_DB, floor + ABOVE_FLOOR_DB)
        if level <= max(LEAST_OVER_PROMPT_DB, floor + ABOVE_FLOOR_OVER_PROMPT_DB):
            return False
        past = self._echo[: -RECENT_OVER_PROMPT - 1]
        return not past or level > float(np.percentile(past, 90)) + ABOVE_ECHO_DB


def _level(frame: Samples) -> float:
    """Its energy in dB over one step of the scale; full scale is 90."""
    return float(10 * np.log10(np.mean(np.square(frame, dtype=np.float64)) + 1.0))


def _pitch(samples: NDArray[np.float64]) -> float:
    """How much it is like itself one period later, for the periods of voices.

    Of the cube root of its spectrum: so a rumble, which is slow and therefore like itself, has no pitch.
    """
    spectrum = np.fft.rfft(samples - samples.mean(), 2 * len(samples))
    likeness = np.fft.irfft(np.abs(spectrum) ** (2 / 3))
    return float(np.max(likeness[SHORTEST_PITCH : LONGEST_PITCH + 1]) / (likeness[0] + 1e-9))


def _is_tone(samples: Samples) -> bool:
    """One or two steady frequencies: ringing, busy, a fax, a whistle; not a voice with its overtones."""
    power = _power(samples)
    total = float(power.sum()) + 1.0
    left = power.copy()
    (first, much), (second, more) = _peak(left, NARROW), _peak(left, NARROW)
    if (much + more) / total <= PURE:
        return False
    lowest = min(first, second) if more > OVERTONES * total else first
    return lowest >= HIGHEST_VOICE or _above(power, lowest) <= OVERTONES * total


def _is_key(frame: Samples) -> bool:
    """A telephone's key, as it sounds."""
    power = _power(frame)
    total = float(power.sum()) + 1.0
    (first, much), (second, more) = _peak(power, 2), _peak(power, 2)
    low, high = sorted((first, second))
    return (
        much + more > OF_A_KEY * total
        and more > 0.05 * total
        and bool(np.any(np.abs(KEY_LOW / max(low, 1.0) - 1) < NEAR_A_KEY))
        and bool(np.any(np.abs(KEY_HIGH / max(high, 1.0) - 1) < NEAR_A_KEY))
    )


def _power(samples: Samples) -> NDArray[np.float64]:
    spectrum = np.fft.rfft(samples * np.hanning(len(samples)))
    return np.asarray(np.abs(spectrum) ** 2)


def _above(power: NDArray[np.float64], pitch: float) -> float:
    """The energy of the first four overtones of a frequency in Hz."""
    hertz_of_a_bin = RATE / (2 * len(power) - 2)
    middles = (round(times * pitch / hertz_of_a_bin) for times in range(2, 6))
    return float(sum(power[max(0, at - NARROW) : at + NARROW + 1].sum() for at in middles))


def _peak(power: NDArray[np.float64], around: int) -> tuple[float, float]:
    """The strongest frequency in Hz and its energy, which is taken out of ``power``."""
    at = int(np.argmax(power))
    near = slice(max(0, at - around), at + around + 1)
    part = power[near].copy()
    energy = float(part.sum())
    power[near] = 0.0
    middle = float((np.arange(near.start, near.start + len(part)) * part).sum()) / (energy + 1e-9)
    return middle * RATE / (2 * len(power) - 2), energy
