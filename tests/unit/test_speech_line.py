"""What a telephone line does to a voice, in figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ivr.prompts import audio
from ivr.speech import line, measure
from ivr.speech.manifest import Labelled, write
from ivr.speech.recogniser import RATE


def tone(hertz: float, seconds: float, rate: int = RATE) -> line.Sound:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def rms(sound: line.Sound) -> float:
    return float(np.sqrt(np.mean(sound**2)))


def test_mu_law_has_256_values_and_keeps_loud_and_soft_alike() -> None:
    every = line.coded(np.arange(-32768, 32768) / 32767)

    assert np.unique(every).size == 255  # zero is there twice
    for level in (1.0, 0.1, 0.01):
        loud = level * tone(440, 1)
        error = rms(line.coded(loud) / 32767 - loud)
        assert rms(loud) / error > 20, level


@pytest.mark.parametrize("snr_db", [20, 10, 5])
def test_noise_is_as_loud_as_asked_for(snr_db: float) -> None:
    voice = np.concatenate([np.zeros(RATE), tone(200, 1), np.zeros(RATE)])
    others = [tone(300, 0.7), tone(500, 0.4)]

    noisy = line.in_noise(voice, snr_db, others, np.random.default_rng(1))

    noise = noisy - voice
    assert 20 * np.log10(rms(tone(200, 1)) / rms(noise)) == pytest.approx(snr_db, abs=0.5)


def test_lost_packets_shorten_what_arrives() -> None:
    arrived = line.arrived(60 * RATE, 0.1, np.random.default_rng(1))

    packets = arrived.reshape(-1, line.FRAME)
    assert (packets.all(axis=1) | ~packets.any(axis=1)).all()
    assert packets.all(axis=1).mean() == pytest.approx(0.9, abs=0.02)


def test_the_end_of_speech_is_where_the_sound_falls() -> None:
    sound = np.concatenate([np.zeros(400), tone(200, 0.5), 0.001 * tone(200, 0.5)])

    assert line.speech_end(sound) == pytest.approx(400 + 0.5 * RATE, abs=line.FRAME)
    assert line.speech_end(np.zeros(RATE)) == 0


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_a_recording_of_any_rate_is_read_at_the_rate_of_a_telephone(
    tmp_path: Path, rate: int
) -> None:
    audio.write(audio.from_samples(tone(440, 1, rate), rate), tmp_path / "a.wav")

    sound = line.recording(tmp_path / "a.wav")

    assert sound.size == pytest.approx(RATE, abs=2)
    spectrum = np.abs(np.fft.rfft(sound))
    assert np.argmax(spectrum) * RATE / sound.size == pytest.approx(440, abs=2)


def test_a_recording_on_a_bad_line_is_the_same_every_time(tmp_path: Path) -> None:
    rows = [
        Labelled(f"{name}.wav", menu="kejadian", option="1", voice=name) for name in ("ani", "budi")
    ]
    for number, row in enumerate(rows):
        audio.write(audio.from_samples(tone(200 + number, 1), RATE), tmp_path / row.file)
    write(tmp_path / "list.tsv", rows)

    for condition in measure.CONDITIONS:
        once, twice = (
            measure.Recordings(tmp_path, rows).heard_from_afar(rows[0], condition) for _ in range(2)
        )
        assert np.array_equal(once[0], twice[0])
        assert once[1] == twice[1]


def test_a_limit_takes_from_every_voice_and_the_same_every_time() -> None:
    rows = [
        Labelled(f"{voice}{number}", menu="kejadian", option="1", voice=voice)
        for voice in ("ani", "budi", "citra")
        for number in range(20)
    ]

    once = measure.chosen(rows, 9)

    assert once == measure.chosen(rows, 9)
    assert sorted(row.voice for row in once) == ["ani"] * 3 + ["budi"] * 3 + ["citra"] * 3
    assert measure.chosen(rows, 100) == rows
