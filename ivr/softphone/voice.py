"""What a caller says: a recording, or a text read aloud by a voice that does not speak the prompts.

A text is read by the first of: a reading that lies in ``sayings`` (a neural voice's, of a few sentences
to try speech with), the neural voice where it is installed, and a robot, which a recogniser made for
people understands less than half of the time.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ivr.prompts import audio
from ivr.prompts.spoken import for_espeak
from ivr.prompts.voices import Espeak, Kokoro, VoiceUnavailable, kokoro_installed
from ivr.softphone.rtp import FRAME, SILENCE, Samples, encode

ESPEAK_VOICE, ESPEAK_WORDS_A_MINUTE = "id+m3", 130
"""Of the robot's voices the one that a recogniser made for people understands best, unhurried."""
KOKORO_VOICE = "jf_alpha"
SAYINGS = Path(__file__).parent / "sayings"
PEAK = 0.5
"""Of full scale; a recording is sent as loud as it is."""


class NotSayable(ValueError):
    """A recording that cannot be used; the text is a sentence for whoever gave it."""


def sayings(said: Sequence[str], espeak: Sequence[str]) -> list[Samples]:
    """Each text, or WAV file where it ends in ``.wav``, at the rate of a telephone.

    Raises NotSayable.
    """
    try:
        return _sayings(said, espeak)
    except (VoiceUnavailable, audio.UnusableRecording) as error:
        raise NotSayable(str(error)) from error


def _sayings(said: Sequence[str], espeak: Sequence[str]) -> list[Samples]:
    robot = Espeak(espeak)
    texts = any(not _is_file(one) for one in said)
    neural = Kokoro(robot, style=KOKORO_VOICE) if texts and kokoro_installed() else None

    def read(text: str) -> Samples:
        if _is_file(text):
            return _recording(Path(text))
        if (ready := SAYINGS / f"{_name(text)}.wav").is_file():
            return _recording(ready)
        if neural is not None:
            spoken = neural.speak(f"{text.rstrip('.!?')}.")
        else:
            spoken = robot.speak(for_espeak(text), ESPEAK_VOICE, ESPEAK_WORDS_A_MINUTE)
        samples = audio.to_samples(audio.telephone(spoken))
        loudest = float(np.abs(samples).max(initial=0.0)) or 1.0
        return (samples * (PEAK / loudest) * 32767).astype(np.int16)

    return [read(one) for one in said]


def frames(samples: Samples) -> Iterator[bytes]:
    """What is sent: these samples, then silence without end."""
    padded = np.concatenate((samples, np.zeros(-len(samples) % FRAME, np.int16)))
    spoken = (encode(padded[at : at + FRAME]) for at in range(0, len(padded), FRAME))
    return itertools.chain(spoken, itertools.repeat(SILENCE))


def _name(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _is_file(text: str) -> bool:
    return text.lower().endswith(".wav")


def _recording(file: Path) -> Samples:
    return (audio.to_samples(audio.recording(file)) * 32767).astype(np.int16)
