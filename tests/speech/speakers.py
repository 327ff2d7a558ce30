"""The voices of the synthetic callers: neural ones that never speak a prompt, and robots.

The neural ones are Kokoro's Japanese women (the prompts are spoken by its man), each with a speed, a
pitch and an accent of its own, fed with espeak-ng's phonemes. The robots are espeak-ng itself.
"""

from __future__ import annotations

import importlib.resources
import importlib.util
import io
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import soxr
from numpy.typing import NDArray

from ivr.prompts.spoken import for_espeak, spoken
from ivr.prompts.voices import KOKORO_PACKAGES

RATE = 8000
_KOKORO_RATE = 24000
# An Indonesian r is a trill; the r of a Japanese voice would sound like an l.
_LETTERS = {"tʃ": "ʧ", "dʒ": "ʤ", "g": "ɡ", "ˌ": ""}


@dataclass(frozen=True, slots=True)
class Speaker:
    """``model`` is a voice of Kokoro or of espeak-ng; ``semitones`` shifts its pitch."""

    name: str
    model: str
    speed: float = 1.0
    semitones: float = 0.0
    accent: str = ""

    @property
    def neural(self) -> bool:
        return self.model.startswith("jf_")


NEURAL = (
    Speaker("gongitsune", "jf_gongitsune"),
    Speaker("alpha-pelan", "jf_alpha", speed=0.9),
    Speaker("nezumi-rendah", "jf_nezumi", semitones=-2.5),
    Speaker("tebukuro-melayu", "jf_tebukuro", speed=0.95, accent="melayu"),
    Speaker("gongitsune-cepat", "jf_gongitsune", speed=1.2, semitones=-1.5),
    Speaker("nezumi-batak", "jf_nezumi", speed=0.95, semitones=1.5, accent="batak"),
)
ROBOTS = (
    Speaker("espeak-id", "", speed=0.9),
    Speaker("espeak-id-pria", "+m3", speed=1.1),
    Speaker("espeak-id-wanita", "+f2"),
    Speaker("espeak-ms", "ms+m1"),
)


def say(speaker: Speaker, text: str, language: str, espeak: Sequence[str]) -> NDArray[np.float64]:
    """The sentence at 8 kHz, between -1 and 1. The same arguments make the same samples."""
    samples, rate = (
        _kokoro(speaker, text, language, espeak)
        if speaker.neural
        else _robot(speaker, text, language, espeak)
    )
    # Played faster or slower the pitch moves; Kokoro was asked for the opposite speed before.
    pitch = 2 ** (speaker.semitones / 12)
    low = soxr.resample(samples, rate * pitch, RATE, quality="HQ")
    return np.asarray(low * (0.5 / max(np.abs(low).max(), 1e-6)), dtype=np.float64)


def _kokoro(
    speaker: Speaker, text: str, language: str, espeak: Sequence[str]
) -> tuple[NDArray[np.float64], int]:
    model, tokens_of, styles = _loaded()
    phonemes = _accented(_phonemes(f"{text}.", language, espeak), speaker.accent)
    for theirs, ours in _LETTERS.items():
        phonemes = phonemes.replace(theirs, ours)
    tokens = [tokens_of[phoneme] for phoneme in phonemes if phoneme in tokens_of]
    style = styles[speaker.model][len(tokens) - 1]
    (samples, *_) = model.run(
        None,
        {
            "tokens": np.array([[0, *tokens, 0]], dtype=np.int64),
            "style": np.asarray(style, dtype=np.float32).reshape(1, -1),
            "speed": np.array([speaker.speed / 2 ** (speaker.semitones / 12)], dtype=np.float32),
        },
    )
    return np.ravel(samples).astype(np.float64), _KOKORO_RATE


@cache
def _loaded():  # type: ignore[no-untyped-def]
    import onnxruntime

    model = b"".join(
        (importlib.resources.files(package) / "part.bin").read_bytes()
        for package in KOKORO_PACKAGES[1:]
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    [package] = importlib.util.find_spec(KOKORO_PACKAGES[0]).submodule_search_locations
    with (
        open(f"{package}/data/vocab.json", encoding="utf-8") as vocabulary,
        np.load(f"{package}/data/voices_ja.npz") as styles,
    ):
        return session, json.load(vocabulary)["vocab"], dict(styles)


def _phonemes(text: str, language: str, espeak: Sequence[str]) -> str:
    """espeak-ng drops punctuation, so it is asked clause by clause."""
    clauses = [clause for clause in text.rstrip(".").split(",") if clause.strip()]
    return (
        ", ".join(
            _run(espeak, _written(clause, language), "-v", language, "-q", "--ipa").decode().strip()
            for clause in clauses
        )
        + "."
    )


def _accented(phonemes: str, accent: str) -> str:
    """A hint of an accent: Malay closes the open final a, Batak says every schwa as e."""
    if accent == "batak":
        return phonemes.replace("ə", "e")
    if accent == "melayu":
        words = phonemes.split(" ")
        ends = {"a": "ə", "a,": "ə,", "a.": "ə."}
        for number, word in enumerate(words):
            for end, closed in ends.items():
                if word.endswith(end) and len(word) > 2:
                    words[number] = word[: -len(end)] + closed
        return " ".join(words)
    return phonemes


def _robot(
    speaker: Speaker, text: str, language: str, espeak: Sequence[str]
) -> tuple[NDArray[np.float64], int]:
    malay = speaker.model.startswith("ms") and language == "id"
    voice = speaker.model if malay else language + speaker.model.removeprefix("ms")
    said = spoken(text) if malay else _written(text, language)
    words_a_minute = str(round(160 * speaker.speed))
    wav = _run(espeak, said, "-v", voice, "-s", words_a_minute, "--stdout")
    # What goes to a pipe has no length in its header; everything after it is samples.
    samples = np.frombuffer(io.BytesIO(wav).getbuffer()[44:], dtype="<i2")
    return samples.astype(np.float64) / 32768, int.from_bytes(wav[24:28], "little")


def _written(text: str, language: str) -> str:
    return for_espeak(text) if language == "id" else text


def _run(espeak: Sequence[str], text: str, *options: str) -> bytes:
    done = subprocess.run(
        [*espeak, "--stdin", *options], input=text.encode(), capture_output=True, check=True
    )
    return done.stdout
