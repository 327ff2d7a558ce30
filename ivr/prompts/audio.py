"""Prompt audio: trim, level, join, bring to telephone rate, and say what is wrong with a file.

Everything a caller hears is a WAV file of 8 kHz, mono, 16 bit: what Asterisk plays without
converting. pydub cuts and joins. It never resamples: its `set_frame_rate` has no anti-alias filter,
so a 6 kHz tone would come back as a 2 kHz one; soxr does that. `ivr.prompts.loudness` levels.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from ivr import unreadable
from ivr.prompts import loudness

with warnings.catch_warnings():
    # pydub warns that ffmpeg is missing. It is needed for MP3 only; prompts are WAV.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment
    from pydub.silence import detect_leading_silence

RATE = 8000
LEAD_MS = 60
TAIL_MS = 80
LONGEST_S = 10.0  # a caller must be able to answer before he forgets the question
LONGEST_LEAD_MS = 150
LONGEST_TAIL_MS = 300  # silence behind a question is time the caller believes is not his yet

_SILENCE_DB = 40.0  # below the loudest sample: breath and hiss, not speech
_CLIPPED_DBFS = -0.1
_INAUDIBLE_LUFS = -60.0


class NotAudio(Exception):
    """A file in which no sound can be found, or not all of it."""


class UnusableRecording(Exception):
    """A recording that somebody named cannot be used; the text is a sentence for him."""


def read(path: Path) -> Any:
    """A sound file of any rate, width and number of channels, as an AudioSegment.

    pydub's `from_wav` would hand what it cannot read to ffmpeg; its constructor does not. What is no
    plain WAV (a studio's 32-bit float, FLAC, MP3, M4A, OGG) is decoded by PyAV, to mono.
    """
    try:
        segment = AudioSegment(path.read_bytes())
    except OSError:
        raise
    except Exception:  # pydub raises whatever the file made it trip over
        segment = _decoded(path)
    whole = len(segment.raw_data) % segment.frame_width == 0 and segment.frame_rate > 0
    if not whole:
        raise NotAudio(f"{path.name}: cut off in the middle of a sample")
    return segment


def recording(path: Path) -> Any:
    """What somebody says in a sound file, as a telephone carries it. Raises UnusableRecording."""
    try:
        segment = telephone(read(path))
    except OSError as error:
        raise UnusableRecording(unreadable.why(path, "berkas WAV", error)) from error
    except NotAudio as error:
        raise UnusableRecording(
            f"{path} bukan rekaman WAV, atau rusak. Simpan ulang sebagai WAV, laju sampel berapa pun."
        ) from error
    if not len(segment.raw_data):
        raise UnusableRecording(f"Rekaman {path} kosong: 0 detik. Rekam ulang.")
    return segment


def _decoded(path: Path) -> Any:
    import av  # noqa: PLC0415  only a recording in another form needs it

    try:
        with av.open(str(path)) as container:
            stream = container.streams.audio[0]
            mono = av.AudioResampler(format="s16", layout="mono", rate=stream.rate)
            frames = [part for frame in container.decode(stream) for part in mono.resample(frame)]
            samples = [frame.to_ndarray().ravel() for frame in (*frames, *mono.resample(None))]
            data = np.concatenate(samples).astype("<i2").tobytes()
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise NotAudio(f"{path.name}: {error}") from error
    return AudioSegment(data, frame_rate=stream.rate, sample_width=2, channels=1)


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
    """As loud as every other prompt, and never clipped."""
    return from_samples(loudness.levelled(to_samples(segment), segment.frame_rate), RATE)


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


def faults(path: Path, words_s: float | None = None) -> list[str]:
    """What is wrong with a file that a caller would hear; empty when it is fit.

    ``words_s`` is for a waiting loop: so many seconds of it are words, as loud as any prompt, and
    what comes behind them may be softer and end in silence.
    """
    try:
        segment = read(path)
    except (NotAudio, OSError):
        return ["tidak dapat dibaca sebagai suara"]
    form = (segment.frame_rate, segment.channels, segment.sample_width * 8)
    if form != (RATE, 1, 16):
        return ["harus 8000 Hz, 1 kanal, 16 bit; ini {} Hz, {} kanal, {} bit".format(*form)]
    samples = to_samples(segment)
    words = samples if words_s is None else samples[: round(words_s * RATE)]
    loud = loudness.lufs(words, RATE)
    if len(segment) < 200 or loud < _INAUDIBLE_LUFS:
        return ["kosong: tidak ada suara di dalamnya"]
    found = []
    if len(segment) > LONGEST_S * 1000:
        found.append(f"terlalu panjang: {len(segment) / 1000:.1f} detik (paling lama 10 detik)")
    threshold = segment.max_dBFS - _SILENCE_DB
    lead = detect_leading_silence(segment, threshold, chunk_size=5)
    if lead > LONGEST_LEAD_MS:
        found.append(f"hening {lead} milidetik di awal (paling lama {LONGEST_LEAD_MS})")
    tail = detect_leading_silence(segment.reverse(), threshold, chunk_size=5)
    if words_s is None and tail > LONGEST_TAIL_MS:
        found.append(f"hening {tail} milidetik di akhir (paling lama {LONGEST_TAIL_MS})")
    if segment.max_dBFS > _CLIPPED_DBFS:
        found.append("terpotong: puncaknya mencapai batas, suara akan pecah")
    if abs(loud - loudness.TARGET_LUFS) > loudness.TOLERANCE_LU:
        amiss = "pelan" if loud < loudness.TARGET_LUFS else "keras"
        found.append(
            f"terlalu {amiss}: {loud:.1f} LUFS "
            f"(sasaran {loudness.TARGET_LUFS:.0f}, boleh meleset {loudness.TOLERANCE_LU:.0f})"
        )
    return found
