"""Whisper without anything of ours, to measure against: what it writes down, and the words that are in it.

A word counts where it is written exactly; whatever is found is believed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soxr

from ivr.flow.heard import understood
from ivr.flow.spoken import Heard, Nothing, Vocabulary
from ivr.speech.recogniser import RATE, CannotListen, Samples

_WHISPER_RATE = 16000


class PlainWhisper:
    """faster-whisper as its own page shows it, on one core, in Indonesian. Raises CannotListen."""

    def __init__(self, folder: Path) -> None:
        try:
            from faster_whisper import WhisperModel  # noqa: PLC0415  a second to import

            self._model = WhisperModel(
                str(folder), device="cpu", compute_type="int8", cpu_threads=1
            )
        except Exception as error:  # whatever the libraries raise for a broken model
            raise CannotListen(f"Model Whisper di {folder} tidak dapat dibuka: {error}") from error
        self.name = f"plain whisper {folder.name}"

    def start(self, vocabulary: Vocabulary) -> PlainUtterance:
        return PlainUtterance(self, vocabulary)

    def write(self, samples: Samples) -> str:
        wide = soxr.resample(samples.astype(np.float32) / 32768, RATE, _WHISPER_RATE)
        segments, _ = self._model.transcribe(wide, language="id", beam_size=1, temperature=0.0)
        return " ".join(segment.text.strip() for segment in segments)


class PlainUtterance:
    def __init__(self, model: PlainWhisper, vocabulary: Vocabulary) -> None:
        self._model, self._vocabulary = model, vocabulary
        self._samples: list[Samples] = []

    def feed(self, samples: Samples) -> str:
        self._samples.append(samples.copy())
        return ""

    def finish(self) -> Heard | Nothing:
        said = np.concatenate(self._samples) if self._samples else np.zeros(0, dtype=np.int16)
        return understood(self._vocabulary, self._model.write(said))
