"""A person's recording wins over every voice, in whatever form a studio or a telephone delivers it."""

from __future__ import annotations

import struct
import wave
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from test_prompts import WELCOME, Hum, lufs_of, sounds, tone

from ivr import config
from ivr.commands import prompts as sounding
from ivr.flow.prompt import Prompt
from ivr.prompts import audio
from ivr.prompts.build import build, check
from ivr.prompts.loudness import TARGET_LUFS
from ivr.prompts.sounds import HUMAN, Sounds

__all__ = ["sounds"]  # the fixture

SECONDS = 1.2


def speech(rate: int, dbfs: float = -26.0) -> NDArray[Any]:
    return audio.to_samples(tone(440, SECONDS, dbfs, rate))


def pcm(file: Path, rate: int, channels: int, width: int) -> None:
    whole = np.repeat(np.round(speech(rate) * (2 ** (8 * width - 1) - 1)).astype(int), channels)
    with wave.open(str(file), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate)
        out.writeframes(b"".join(int(one).to_bytes(width, "little", signed=True) for one in whole))


def floating(file: Path) -> None:
    """32-bit float WAV: what many recording programs write unless told otherwise."""
    data = speech(48000).astype("<f4").tobytes()
    form = struct.pack("<HHIIHH", 3, 1, 48000, 48000 * 4, 4, 32)
    body = (
        b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(data)) + data
    )
    file.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)


def coded(file: Path, codec: str, rate: int) -> None:
    with av.open(str(file), "w") as out:
        stream = out.add_stream(codec, rate=rate, layout="stereo")
        whole = np.round(speech(rate) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.repeat(whole, 2)[None], format="s16", layout="stereo")
        frame.rate = rate
        fitting = av.AudioResampler(stream.format, "stereo", rate, stream.frame_size or None)
        for part in (*fitting.resample(frame), *fitting.resample(None)):
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))


DELIVERED = {
    "44.1 kHz stereo WAV": (".wav", lambda file: pcm(file, 44100, 2, 2)),
    "48 kHz 24 bit stereo WAV": (".WAV", lambda file: pcm(file, 48000, 2, 3)),
    "16 kHz mono WAV": (".wav", lambda file: pcm(file, 16000, 1, 2)),
    "32 bit float WAV": (".wav", floating),
    "FLAC": (".flac", lambda file: coded(file, "flac", 48000)),
    "MP3": (".mp3", lambda file: coded(file, "libmp3lame", 44100)),
    "M4A of a telephone": (".m4a", lambda file: coded(file, "aac", 44100)),
    "voice message": (".ogg", lambda file: coded(file, "libopus", 48000)),
}


@pytest.mark.parametrize("form", DELIVERED)
def test_a_recording_in_any_usual_form_is_what_the_caller_hears(sounds: Sounds, form: str) -> None:
    suffix, write = DELIVERED[form]
    sounds.recordings.mkdir()
    write(sounds.recordings / f"{WELCOME.name}{suffix}")
    assert [finding.code for finding in check([WELCOME], sounds)] == ["recording", "missing"]
    report = build([WELCOME], sounds, Hum)
    found = sounds.find(WELCOME)
    assert found and found.voice == HUMAN and report.spoken == ()
    assert check([WELCOME], sounds) == []
    heard = audio.read(found.file)
    assert lufs_of(heard) == pytest.approx(TARGET_LUFS, abs=0.3)
    assert found.seconds == pytest.approx(SECONDS + 0.14, abs=0.1)
    strength = np.abs(np.fft.rfft(audio.to_samples(heard)))
    assert np.argmax(strength) / found.seconds == pytest.approx(440, abs=2)


def test_of_two_forms_the_one_that_lost_least_is_taken(sounds: Sounds) -> None:
    sounds.recordings.mkdir()
    for suffix in (".mp3", ".flac", ".wav"):
        (sounds.recordings / f"{WELCOME.name}{suffix}").write_bytes(b"")
    recording = sounds.recording(WELCOME)
    assert recording and recording.suffix == ".wav"


@pytest.mark.parametrize(
    "name", ["sambutan.wav", f"{WELCOME.name} (1).wav", f"{WELCOME.name}.docx"]
)
def test_a_recording_that_no_sentence_finds_is_told(sounds: Sounds, name: str) -> None:
    build([WELCOME], sounds, Hum)
    sounds.recordings.mkdir()
    (sounds.recordings / name).write_bytes(b"")
    (finding,) = check([WELCOME], sounds)
    assert (finding.code, finding.name) == ("nameless", name)
    assert "./siaga prompts script" in finding.message


def test_the_script_says_how_it_is_said_and_where_it_is_used() -> None:
    """Names of files, the sentence, the way it is said where that differs, and the place."""
    rows = [line.split("\t") for line in sounding.script(config.read({})).splitlines()]
    by_text = {row[1]: row for row in rows}
    assert by_text["RSUD Bengkalis"][2] == "er es u de Bengkalis"
    assert by_text["Kebakaran"][2:] == ["", "prompts/id.yaml incident.kebakaran"]
    assert {row[0] for row in rows} == {f"{Prompt(text).name}.wav" for text in by_text}
