"""Where somebody begins and ends to speak: never in what is no voice, and to the sample in what is one."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speech_world import silence, voice

from ivr.speech.endpoint import END, FRAME, KEY_HIGH, KEY_LOW, LONGEST, PAUSE, PRE_ROLL, Endpoint
from ivr.speech.recogniser import RATE, Samples

PROMPTS = sorted((Path(__file__).parent.parent.parent / "prompts" / "audio" / "id").glob("*.wav"))
LEVELS = st.sampled_from((100.0, 1000.0, 8000.0, 20000.0))


def steps(
    sound: Samples, *, prompt_s: float = 0.0, bargein: bool = True
) -> tuple[list[tuple[str, int]], Endpoint]:
    """What the endpoint said, each with the number of samples it had then."""
    endpoint = Endpoint(prompt_s=prompt_s, bargein=bargein)
    said = []
    for at in range(0, len(sound) - FRAME + 1, FRAME):
        step = endpoint.feed(sound[at : at + FRAME])
        if step is not None:
            said.append((step, at + FRAME))
    return said, endpoint


def names(sound: Samples, *, prompt_s: float = 0.0, bargein: bool = True) -> list[str]:
    return [step for step, _ in steps(sound, prompt_s=prompt_s, bargein=bargein)[0]]


def line(*sounds: Samples, noise: float = 3.0, seed: int = 5) -> Samples:
    """One after the other, on a line that is never quite silent."""
    sound = np.concatenate(sounds).astype(np.float64)
    sound += np.random.default_rng(seed).normal(0, noise, len(sound))
    return np.clip(sound, -32768, 32767).astype(np.int16)


def tone(seconds: float, *hertz: float, level: float) -> Samples:
    at = np.arange(round(seconds * RATE)) / RATE
    mixed = sum((np.sin(2 * np.pi * one * at) for one in hertz), np.zeros(len(at)))
    return (level * mixed / len(hertz)).astype(np.int16)


def coloured(seconds: float, slope: float, level: float, seed: int) -> Samples:
    """Noise: white with slope 0, pink with 1, a rumble with 2."""
    chance = np.random.default_rng(seed).normal(0, 1, round(seconds * RATE))
    spectrum = np.fft.rfft(chance)
    hertz = np.fft.rfftfreq(len(chance), 1 / RATE)
    shaped = np.fft.irfft(spectrum / np.maximum(hertz, 50.0) ** (slope / 2), len(chance))
    return np.clip(shaped / shaped.std() * level / 3, -32768, 32767).astype(np.int16)


@settings(max_examples=40)
@given(st.floats(200, 3400), LEVELS, st.floats(0.05, 2.0), st.floats(0.05, 1.0), st.integers(0, 99))
def test_no_tone_that_comes_and_goes_is_a_beginning(
    hertz: float, level: float, on: float, off: float, seed: int
) -> None:
    once = np.concatenate((tone(on, hertz, level=level), silence(off)))
    assert names(line(silence(0.5), *[once] * 5, seed=seed)) == []


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from(KEY_LOW), st.sampled_from(KEY_HIGH)), min_size=1, max_size=9
    ),
    LEVELS,
    st.floats(0.04, 0.4),
    st.floats(0.04, 0.3),
)
def test_no_key_that_is_pressed_is_a_beginning(
    keys: list[tuple[float, float]], level: float, on: float, off: float
) -> None:
    pressed = [x for key in keys for x in (tone(on, *key, level=level), silence(off))]
    assert names(line(silence(0.5), *pressed, silence(0.5))) == []


@settings(max_examples=40)
@given(st.sampled_from((0.0, 1.0, 2.0)), LEVELS, st.floats(0.0, 1.0), st.integers(0, 10_000))
def test_no_noise_is_a_beginning_even_where_it_comes_all_at_once(
    slope: float, level: float, before: float, seed: int
) -> None:
    assert names(line(silence(before), coloured(4.0, slope, level, seed), silence(0.5))) == []


@pytest.mark.parametrize(
    "hertz", [(425.0,), (400.0, 450.0), (440.0, 480.0), (480.0, 620.0)], ids=str
)
def test_ringing_and_busy_tones_are_no_beginning(hertz: tuple[float, ...]) -> None:
    for on, off in ((1.0, 4.0), (0.4, 0.2), (0.5, 0.5), (0.25, 0.25)):
        assert names(line(*[tone(on, *hertz, level=8000), silence(off)] * 3)) == []


@settings(max_examples=40)
@given(st.floats(150, 390), st.floats(0.02, 0.5), st.floats(1500, 30_000), st.integers(0, 99))
def test_a_voice_that_says_nearly_nothing_but_u_is_a_beginning(
    pitch: float, overtone: float, level: float, seed: int
) -> None:
    """As in "tujuh" or "betul": almost all of it is in the pitch itself and its first overtone."""
    at = np.arange(round(0.4 * RATE)) / RATE
    phase = 2 * np.pi * pitch * at * (1 + 0.03 * at)
    sound = (level * (np.sin(phase) + np.sqrt(overtone) * np.sin(2 * phase)) / 2).astype(np.int16)
    assert names(line(silence(0.5), sound, silence(0.8), seed=seed))[:1] == ["began"]


def test_nothing_at_all_and_single_clicks_are_no_beginning() -> None:
    assert names(silence(20.0)) == []
    clicks = np.zeros(20 * RATE, np.int16)
    clicks[:: RATE // 3] = 30000
    assert names(clicks) == []


@given(st.integers(25, 150), st.integers(40, 200), st.integers(0, 1000))
@settings(max_examples=40)
def test_an_utterance_is_cut_out_of_the_line_to_the_sample(
    before: int, long: int, seed: int
) -> None:
    """It begins a little before the first sound, and nothing of it is lost, doubled or moved."""
    spoken = voice(long * FRAME / RATE, seed=seed)
    sound = line(silence(before * FRAME / RATE), spoken, silence(1.0), seed=seed)
    endpoint = Endpoint(prompt_s=0.0, bargein=True)
    for at in range(0, len(sound), FRAME):
        step = endpoint.feed(sound[at : at + FRAME])
        if endpoint.speaking or step == "ended":
            audio = endpoint.audio
            begin = endpoint.begins_at
            assert np.array_equal(audio, sound[begin : at + FRAME])
        if step == "ended":
            break
    else:
        pytest.fail("it never ended")
    first = before * FRAME
    assert first - (PRE_ROLL + 2) * FRAME <= begin <= first - (PRE_ROLL - 2) * FRAME
    assert at + FRAME == pytest.approx((before + long + END) * FRAME, abs=6 * FRAME)


def test_a_guess_is_due_a_quarter_of_a_second_after_the_last_sound_and_the_end_after_half_a_one() -> (
    None
):
    said, _ = steps(line(silence(1.0), voice(1.0), silence(1.0)))
    (_, began), (second, paused), (third, ended) = said
    assert (second, third) == ("paused", "ended")
    assert began < 1.3 * RATE
    assert ended - paused == (END - PAUSE) * FRAME
    assert 0.22 <= paused / RATE - 2.0 <= 0.30
    assert 0.50 <= ended / RATE - 2.0 <= 0.60


def test_whoever_goes_on_after_a_short_breath_is_not_cut_off() -> None:
    said = names(line(silence(1.0), voice(0.8), silence(0.38), voice(0.8), silence(1.0)))
    assert said == ["began", "paused", "resumed", "paused", "ended"]


def test_nobody_is_listened_to_for_more_than_eight_seconds() -> None:
    said, endpoint = steps(line(silence(1.0), *[voice(1.0, seed=n) for n in range(10)]))
    assert said[-1][0] in ("ended", "began")
    assert ("ended", said[0][1] - said[0][1]) not in said
    ends = [at for step, at in said if step == "ended"]
    assert ends[0] == endpoint_begin(said) + LONGEST * FRAME
    assert endpoint is not None


def endpoint_begin(said: list[tuple[str, int]]) -> int:
    """Where the first utterance's audio began: so many samples are kept at its beginning."""
    return said[0][1] - (PRE_ROLL + 6) * FRAME


def test_without_bargein_nothing_counts_before_the_prompt_has_ended() -> None:
    sound = line(silence(0.5), voice(1.0), silence(1.0), voice(1.0, seed=2), silence(1.0))
    assert names(sound, prompt_s=2.0, bargein=False) == ["began", "paused", "ended"]
    assert steps(sound, prompt_s=2.0, bargein=False)[0][0][1] > 2.4 * RATE


def test_over_a_prompt_a_short_sound_is_no_beginning_and_a_word_is() -> None:
    """A cough, a key's click, the prompt's own echo: 300 ms of voice are asked for."""
    short = line(silence(1.0), voice(0.24), silence(2.0))
    assert names(short, prompt_s=5.0) == []
    assert names(short) != [], "the same is one where nothing is played"
    assert names(line(silence(1.0), voice(0.6), silence(2.0)), prompt_s=5.0)[0] == "began"


@pytest.mark.parametrize("file", PROMPTS[:20], ids=lambda file: file.stem[:20])
def test_a_prompt_that_comes_back_from_the_callers_line_is_no_beginning(file: Path) -> None:
    echo = (read(file).astype(np.float64) * 10 ** (-30 / 20)).astype(np.int16)
    assert names(line(silence(0.3), echo, silence(0.3)), prompt_s=20.0) == []


def test_over_an_echo_the_callers_own_voice_is_heard() -> None:
    echo = np.tile(voice(2.0, seed=3, level=150.0), 3)
    caller = np.concatenate((silence(3.0), voice(1.5, seed=4), silence(1.5)))
    said, _ = steps(line(echo + caller), prompt_s=6.0)
    assert said[0][0] == "began"
    assert 3.3 * RATE <= said[0][1] <= 3.8 * RATE


def test_the_end_of_what_was_said_before_the_question_is_no_answer_to_it() -> None:
    assert names(line(voice(0.28), silence(2.0))) == []


def test_what_was_no_voice_after_all_does_not_end_the_listening() -> None:
    endpoint = Endpoint(prompt_s=0.0, bargein=True)
    sound = line(silence(1.0), voice(0.5), silence(1.0), voice(0.9, seed=2), silence(1.0))
    said = []
    for at in range(0, len(sound), FRAME):
        step = endpoint.feed(sound[at : at + FRAME])
        if step == "paused" and said == ["began"]:
            endpoint.ignore()
        said += [step] if step else []
    assert said == ["began", "paused", "began", "paused", "ended"]
    assert endpoint.begins_at > 1.5 * RATE


@pytest.mark.parametrize("file", PROMPTS[::4], ids=lambda file: file.stem[:20])
@pytest.mark.parametrize("snr_db", [60, 20])
def test_sentences_begin_and_end_in_quiet_and_in_some_noise(file: Path, snr_db: int) -> None:
    spoken = read(file)
    noise = float(np.sqrt(np.mean(spoken.astype(np.float64) ** 2))) / 10 ** (snr_db / 20)
    sound = line(silence(1.0), spoken, silence(1.5), noise=noise)
    said, _ = steps(sound)
    assert said[0][0] == "began"
    assert said[-1][0] == "ended"


def read(file: Path) -> Samples:
    with wave.open(str(file)) as opened:
        samples = np.frombuffer(opened.readframes(opened.getnframes()), np.dtype("<i2"))
        return samples[:: opened.getframerate() // RATE].astype(np.int16)
