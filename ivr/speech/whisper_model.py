"""Whisper on a telephone: what it writes freely, what with words in mind, and how likely a text is.

The window is as long as what was said, not Whisper's 30 seconds: a fifth of the work, and on telephone
speech nothing is lost by it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import ctranslate2
import numpy as np
import soxr
import tokenizers
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray

from ivr.speech.recogniser import RATE, CannotListen, Samples

_WHISPER_RATE = 16000
_SHORTEST_WINDOW_S = 5
_MOST_PROMPT_TOKENS = 100
_FEWEST_TOKENS, _TOKENS_A_SECOND = 3, 7  # more than quick speech has; what is longer repeats itself
_FILES = ("config.json", "model.bin", "tokenizer.json")


@dataclass(frozen=True, slots=True)
class Sound:
    """What Whisper made of a stretch of audio, to be asked about several times."""

    encoded: ctranslate2.StorageView
    seconds: float


@dataclass(frozen=True, slots=True)
class Written:
    """What a decoding wrote down."""

    text: str


class Model:
    """A Whisper in a folder, on one core. Raises CannotListen where the folder holds none."""

    def __init__(self, folder: Path) -> None:
        missing = [name for name in _FILES if not (folder / name).is_file()]
        if missing:
            raise CannotListen(
                f"Model Whisper di {folder} tidak lengkap: {', '.join(missing)} tidak ada."
            )
        try:
            self._model = ctranslate2.models.Whisper(
                str(folder), device="cpu", compute_type="int8", intra_threads=1, inter_threads=1
            )
            words = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        except (
            Exception
        ) as error:  # the library's errors are RuntimeError, ValueError and bare Exception
            raise CannotListen(f"Model Whisper di {folder} tidak dapat dibuka: {error}") from error
        self._tokens = Tokenizer(words, multilingual=True, task="transcribe", language="id")
        self._mel = FeatureExtractor(feature_size=self._model.n_mels)

    def hear(self, samples: Samples) -> Sound:
        """Encode telephone audio, with silence after it up to the window's end."""
        said = samples.astype(np.float32) / 32768
        wide = np.asarray(soxr.resample(said, RATE, _WHISPER_RATE), dtype=np.float32)
        seconds = max(_SHORTEST_WINDOW_S, math.ceil(len(wide) / _WHISPER_RATE + 1))
        window = np.zeros(seconds * _WHISPER_RATE, dtype=np.float32)
        window[: len(wide)] = wide
        mel: NDArray[np.float32] = self._mel(window)[np.newaxis, :, : seconds * 100]
        encoded = self._model.encode(
            ctranslate2.StorageView.from_array(np.ascontiguousarray(mel, dtype=np.float32)),
            to_cpu=True,
        )
        return Sound(encoded, len(samples) / RATE)

    def write(self, sound: Sound, words: Sequence[str] = ()) -> Written:
        """What was said, greedily; with ``words`` in mind if some are given (the first ones count)."""
        start = [*self._tokens.sot_sequence, self._tokens.no_timestamps]
        if words:
            start = [self._tokens.sot_prev, *self._prompt(words), *start]
        (result,) = self._model.generate(
            sound.encoded,
            [start],
            beam_size=1,
            max_length=len(start) + _FEWEST_TOKENS + int(_TOKENS_A_SECOND * sound.seconds),
        )
        return Written(self._tokens.decode(result.sequences_ids[0]).strip())

    def chances(self, sound: Sound, texts: Sequence[str]) -> list[float]:
        """For each text, how likely a token of it is on average if it was what was said: 0 to 1."""
        one = np.array(sound.encoded)
        every = ctranslate2.StorageView.from_array(np.repeat(one, len(texts), axis=0))
        tokens = [self._tokens.encode(f" {text}") for text in texts]
        aligned = self._model.align(
            every, self._tokens.sot_sequence, tokens, [one.shape[1] * 2] * len(texts)
        )
        return [
            float(np.exp(np.mean(np.log(np.maximum(result.text_token_probs, 1e-6)))))
            for result in aligned
        ]

    def _prompt(self, words: Sequence[str]) -> list[int]:
        tokens: list[int] = []
        for word in words:
            more = self._tokens.encode(f" {word},")
            if len(tokens) + len(more) > _MOST_PROMPT_TOKENS:
                break
            tokens += more
        return tokens
