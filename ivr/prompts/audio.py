"""Prompt audio: trim, level, join, bring to telephone rate, and say what is wrong with a file.

Everything a caller hears is a WAV file of 8 kHz, mono, 16 bit: what Asterisk plays without
converting. pydub cuts, levels and joins. It never resamples: its `set_frame_rate` has no
anti-alias filter, so a 6 kHz tone would come back as a 2 kHz one; soxr does that.
"""

from __future__ import annotations

import math
import os
import tempfile
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

with warnings.catch_warnings():
    # pydub warns that ffmpeg is missing. It is needed for MP3 only; prompts are WAV.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment
    from pydub.silence import detect_leading_silence

RATE = 8000
LEAD_MS = 60
TAIL_MS = 80
SPEECH_DBFS = -19.0
PEAK_DBFS = -1.5
LONGEST_S = 10.0  # a caller must be able to answer before he forgets the question
LONGEST_LEAD_MS = 150

_SILENCE_DB = 40.0  # below the loudest sample: breath and hiss, not speech
_PAUSE_DB = 20.0  # below the loudest frame: a pause inside the sentence, not counted in its level
_FRAME_MS = 20


class NotAudio(Exception):
    """A file that is no WAV, or not all of one."""


def read(path: Path) -> Any:
    """A WAV file of any rate, width and number of channels, as an AudioSegment.

    pydub's `from_wav` would hand what it cannot read to ffmpeg; its constructor does not.
    """
    data = path.read_bytes()
    try:
        segment = AudioSegment(data)
        whole = len(segment.raw_data) % segment.frame_width == 0 and segment.frame_rate > 0
    except Exception as error:  # pydub raises whatever the broken file made it trip over
        raise NotAudio(f"{path.name}: {error}") from error
    if not whole:
        raise NotAudio(f"{path.name}: cut off in the middle of a sample")
    return segment


def write(segment: Any, path: Path) -> None:
    """Write a WAV file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            segment.export(file, format="wav")
        os.chmod(name, 0o644)
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def from_samples(samples: NDArray[Any], rate: int) -> Any:
    """Samples between -1 and 1 as a mono AudioSegment of 16 bit."""
    whole = np.clip(np.round(np.asarray(samples) * 32767), -32768, 32767).astype("<i2")
    return AudioSegment(whole.tobytes(), frame_rate=rate, sample_width=2, channels=1)


def to_samples(segment: Any) -> NDArray[np.float64]:
    """The samples of a mono AudioSegment, between -1 and 1."""
    full_scale = float(1 << (8 * segment.sample_width - 1))
    return np.asarray(segment.get_array_of_samples(), dtype=np.float64) / full_scale


def telephone(segment: Any) -> Any:
    """Any segment as 8 kHz mono 16 bit, without the alias pydub's own resampling leaves behind."""
    mono = segment.set_channels(1)
    samples = to_samples(mono)
    if mono.frame_rate != RATE:
        samples = soxr.resample(samples, mono.frame_rate, RATE, quality="VHQ")
    return from_samples(samples, RATE)


def trimmed(segment: Any) -> Any:
    """The sentence with exactly LEAD_MS of quiet before it and TAIL_MS behind it."""
    if segment.max == 0:
        return segment[:0]
    threshold = segment.max_dBFS - _SILENCE_DB
    start = detect_leading_silence(segment, threshold, chunk_size=5)
    end = len(segment) - detect_leading_silence(segment.reverse(), threshold, chunk_size=5)
    lead, tail = min(LEAD_MS, start), min(TAIL_MS, len(segment) - end)
    return (
        AudioSegment.silent(LEAD_MS - lead, RATE)
        + segment[start - lead : end + tail].fade_in(5).fade_out(5)
        + AudioSegment.silent(TAIL_MS - tail, RATE)
    )


def levelled(segment: Any) -> Any:
    """As loud as every other prompt. The peak limit wins over the level."""
    loudness = speech_dbfs(segment)
    if loudness == -math.inf:
        return segment
    return segment.apply_gain(min(SPEECH_DBFS - loudness, PEAK_DBFS - segment.max_dBFS))


def speech_dbfs(segment: Any) -> float:
    """RMS level of the speech in it: frames far below the loudest one are pauses."""
    frames = [segment[at : at + _FRAME_MS] for at in range(0, len(segment), _FRAME_MS)]
    powers = np.array([(frame.rms / segment.max_possible_amplitude) ** 2 for frame in frames])
    if not powers.size or not powers.max():
        return -math.inf
    speech = powers[powers > powers.max() * 10 ** (-_PAUSE_DB / 10)]
    return float(10 * np.log10(speech.mean()))


def finished(segment: Any) -> Any:
    """What comes out of a voice or a microphone, made ready for a telephone."""
    return levelled(trimmed(telephone(segment)))


def joined(segments: Iterable[Any], pause_ms: int = 0) -> Any:
    """One after the other, with a pause between them."""
    pause = AudioSegment.silent(pause_ms, RATE)
    whole = AudioSegment.empty()
    for number, segment in enumerate(segments):
        whole += pause + segment if number else segment
    return whole


def waiting_loop(phrase: Any, length_ms: int = 8500) -> Any:
    """The phrase, then soft tones: what a waiting caller hears, words again every `length_ms`.

    The tones (C, E, G, each fading) sound neither like ringing (425 Hz in Indonesia) nor like keys.
    """
    times = np.arange(int(RATE * 0.9)) / RATE
    shape = np.minimum(times / 0.02, 1) * np.exp(-4 * times)
    notes = [
        from_samples(10 ** (-22 / 20) * shape * np.sin(2 * np.pi * hertz * times), RATE)
        for hertz in (523.25, 659.25, 783.99)
    ]
    chime = AudioSegment.silent(1600, RATE)
    for number, note in enumerate(notes):
        chime = chime.overlay(note, position=350 * number)
    chimes = [chime] * ((length_ms - len(phrase) - 400) // len(chime))
    loop = joined([phrase, joined(chimes)], pause_ms=400)
    return loop + AudioSegment.silent(max(0, length_ms - len(loop)), RATE)


def faults(path: Path) -> list[str]:
    """What is wrong with a file that a caller would hear; empty when it is fit."""
    try:
        segment = read(path)
    except (NotAudio, OSError):
        return ["tidak dapat dibaca sebagai WAV"]
    form = (segment.frame_rate, segment.channels, segment.sample_width * 8)
    if form != (RATE, 1, 16):
        return ["harus 8000 Hz, 1 kanal, 16 bit; ini {} Hz, {} kanal, {} bit".format(*form)]
    loudness = speech_dbfs(segment)
    if len(segment) < 200 or loudness < -60:
        return ["kosong: tidak ada suara di dalamnya"]
    found = []
    if len(segment) > LONGEST_S * 1000:
        found.append(f"terlalu panjang: {len(segment) / 1000:.1f} detik (paling lama 10 detik)")
    lead = detect_leading_silence(segment, segment.max_dBFS - _SILENCE_DB, chunk_size=5)
    if lead > LONGEST_LEAD_MS:
        found.append(f"hening {lead} milidetik di awal (paling lama {LONGEST_LEAD_MS})")
    if segment.max_dBFS > -0.1:
        found.append("terpotong: puncaknya mencapai batas, suara akan pecah")
    if not SPEECH_DBFS - 6 <= loudness <= SPEECH_DBFS + 4:
        amiss = "pelan" if loudness < SPEECH_DBFS else "keras"
        found.append(f"terlalu {amiss}: {loudness:.0f} dBFS (sasaran {SPEECH_DBFS:.0f})")
    return found
