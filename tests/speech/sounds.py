"""Sounds of a line on which nobody speaks, made from nothing: ten minutes of them.

None is a recording. They stand for what reaches an emergency line all day: open lines, tones, music on
hold, animals, engines, weather.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

RATE = 8000
Sound = NDArray[np.float64]
Maker = Callable[[np.random.Generator, float], Sound]


def not_speech() -> dict[str, tuple[Maker, float]]:
    """Each sound by its name, with the seconds of it that the test set has."""
    return {
        "silence": (silence, 40),
        "comfort-noise": (comfort_noise, 40),
        "dtmf": (dtmf, 30),
        "ring": (ring, 40),
        "congestion": (congestion, 30),
        "hiss": (hiss, 40),
        "pink": (pink, 40),
        "hum": (hum, 30),
        "chords": (chords, 50),
        "melody": (melody, 50),
        "drums": (drums, 30),
        "dog": (dog, 40),
        "rooster": (rooster, 30),
        "birds": (birds, 30),
        "motorcycle": (motorcycle, 30),
        "wind": (wind, 40),
        "rain": (rain, 30),
        "siren": (siren, 30),
        "knocking": (knocking, 20),
        "breathing": (breathing, 30),
    }


def silence(random: np.random.Generator, seconds: float) -> Sound:
    return np.zeros(_count(seconds))


def comfort_noise(random: np.random.Generator, seconds: float) -> Sound:
    return random.normal(0, 0.001, _count(seconds))


def hiss(random: np.random.Generator, seconds: float) -> Sound:
    return random.normal(0, 0.06, _count(seconds))


def pink(random: np.random.Generator, seconds: float) -> Sound:
    return 0.1 * _coloured(random, _count(seconds), 0.5)


def hum(random: np.random.Generator, seconds: float) -> Sound:
    times = _times(seconds)
    tones = [np.sin(2 * np.pi * 50 * k * times) / k for k in (1, 2, 3, 5, 7)]
    return 0.1 * sum(tones) + random.normal(0, 0.004, times.size)


def dtmf(random: np.random.Generator, seconds: float) -> Sound:
    rows, columns = (697, 770, 852, 941), (1209, 1336, 1477)
    out = np.zeros(_count(seconds))
    for start in np.arange(0.3, seconds - 0.3, 0.4):
        pair = (random.choice(rows), random.choice(columns))
        _place(out, start, 0.2 * sum(_tone(hertz, 0.12) for hertz in pair))
    return out


def ring(random: np.random.Generator, seconds: float) -> Sound:
    """The ringing tone: 425 Hz, one second in five."""
    out = np.zeros(_count(seconds))
    for start in np.arange(0.2, seconds, 5):
        _place(out, start, 0.25 * _tone(425, 1.0))
    return out


def congestion(random: np.random.Generator, seconds: float) -> Sound:
    out = np.zeros(_count(seconds))
    for start in np.arange(0.1, seconds, 0.5):
        _place(out, start, 0.25 * _tone(425, 0.25))
    return out


def chords(random: np.random.Generator, seconds: float) -> Sound:
    """Music on hold: four chords over and over, plucked."""
    out = np.zeros(_count(seconds))
    roots = (0, 9, 5, 7)
    for bar, start in enumerate(np.arange(0, seconds, 1.8)):
        third = 3 if roots[bar % 4] == 9 else 4
        for beat in range(4):
            for step in (0, third, 7, 12):
                _place(out, start + 0.45 * beat, 0.07 * _note(48 + roots[bar % 4] + step, 0.9))
    return out


def melody(random: np.random.Generator, seconds: float) -> Sound:
    """A whistled tune that wanders over a pentatonic scale, with vibrato."""
    out, at, step = np.zeros(_count(seconds)), 0.0, 4
    scale = (0, 2, 4, 7, 9, 12, 14, 16, 19)
    while at < seconds:
        length = float(random.choice((0.25, 0.25, 0.5, 0.75)))
        step = int(np.clip(step + random.integers(-2, 3), 0, len(scale) - 1))
        times = _times(length)
        hertz = 440 * 2 ** ((scale[step] - 2) / 12) * (1 + 0.01 * np.sin(2 * np.pi * 5.5 * times))
        _place(out, at, 0.2 * _shaped(np.sin(2 * np.pi * np.cumsum(hertz) / RATE), 0.03))
        at += length
    return out


def drums(random: np.random.Generator, seconds: float) -> Sound:
    out = np.zeros(_count(seconds))
    for beat, start in enumerate(np.arange(0, seconds, 0.25)):
        times = _times(0.2)
        low = np.sin(2 * np.pi * (60 + 90 * np.exp(-30 * times)) * times) * np.exp(-18 * times)
        snap = random.normal(0, 1, times.size) * np.exp(-35 * times)
        _place(out, start, (0.5 * low if beat % 4 == 0 else 0.0) + 0.15 * snap * (beat % 2))
    return out


def dog(random: np.random.Generator, seconds: float) -> Sound:
    """Barks: a rough voice that falls within a fifth of a second, in twos and threes."""
    out, at = np.zeros(_count(seconds)), 0.3
    while at < seconds:
        for _ in range(int(random.integers(1, 4))):
            times = _times(float(random.uniform(0.14, 0.22)))
            hertz = random.uniform(380, 520) * np.exp(-2.5 * times)
            throat = sum(
                np.sin(2 * np.pi * k * np.cumsum(hertz) / RATE) / k**0.7 for k in range(1, 7)
            )
            rough = 1 + 0.6 * random.normal(0, 1, times.size)
            _place(out, at, 0.15 * _shaped(throat * rough * np.exp(-6 * times), 0.01))
            at += float(random.uniform(0.28, 0.45))
        at += float(random.uniform(0.6, 2.0))
    return out


def rooster(random: np.random.Generator, seconds: float) -> Sound:
    """Four syllables, the last one long and falling."""
    out = np.zeros(_count(seconds))
    for start in np.arange(0.4, seconds, 4.5):
        at = start
        for length, low, high in (
            (0.18, 500, 650),
            (0.12, 700, 800),
            (0.3, 750, 900),
            (0.9, 900, 520),
        ):
            times = _times(length)
            hertz = np.linspace(low, high, times.size) * (1 + 0.02 * np.sin(2 * np.pi * 25 * times))
            voice = sum(np.sin(2 * np.pi * k * np.cumsum(hertz) / RATE) / k for k in range(1, 5))
            _place(out, at, 0.18 * _shaped(voice, 0.03))
            at += length + 0.06
    return out


def birds(random: np.random.Generator, seconds: float) -> Sound:
    out, at = 0.003 * random.normal(0, 1, _count(seconds)), 0.2
    while at < seconds:
        base = float(random.uniform(2000, 3000))
        for _ in range(int(random.integers(2, 6))):
            times = _times(0.08)
            hertz = np.linspace(base, base + random.uniform(-700, 700), times.size)
            _place(out, at, 0.15 * _shaped(np.sin(2 * np.pi * np.cumsum(hertz) / RATE), 0.02))
            at += 0.12
        at += float(random.uniform(0.3, 1.5))
    return out


def motorcycle(random: np.random.Generator, seconds: float) -> Sound:
    """An engine that revs: bursts of an exhaust, more and fewer of them a second."""
    times = _times(seconds)
    rate = 38 + 22 * np.sin(2 * np.pi * 0.21 * times) ** 2
    stroke = np.exp(-5 * (np.cumsum(rate) / RATE % 1))
    return 0.2 * stroke * (0.4 + 0.6 * _coloured(random, times.size, 0.5))


def wind(random: np.random.Generator, seconds: float) -> Sound:
    """Gusts in a microphone: low rumble that swells."""
    times = _times(seconds)
    swell = 0.3 + 0.7 * np.abs(np.sin(2 * np.pi * 0.11 * times) * np.sin(2 * np.pi * 0.37 * times))
    return 0.25 * swell * _coloured(random, times.size, 1.0)


def rain(random: np.random.Generator, seconds: float) -> Sound:
    count = _count(seconds)
    drops = (random.random(count) < 0.004) * random.uniform(0.1, 0.6, count)
    return random.normal(0, 0.03, count) + np.convolve(drops, np.exp(-np.arange(60) / 12), "same")


def siren(random: np.random.Generator, seconds: float) -> Sound:
    times = _times(seconds)
    hertz = 850 + 350 * np.sin(2 * np.pi * 0.3 * times)
    return 0.2 * np.tanh(2 * np.sin(2 * np.pi * np.cumsum(hertz) / RATE))


def knocking(random: np.random.Generator, seconds: float) -> Sound:
    out = np.zeros(_count(seconds))
    for start in np.arange(0.5, seconds, 0.7):
        times = _times(0.08)
        wood = np.sin(2 * np.pi * 210 * times) + 0.5 * random.normal(0, 1, times.size)
        _place(out, start, 0.5 * wood * np.exp(-60 * times))
    return out


def breathing(random: np.random.Generator, seconds: float) -> Sound:
    times = _times(seconds)
    swell = np.maximum(0, np.sin(2 * np.pi * 0.4 * times)) ** 2
    return 0.05 * swell * _coloured(random, times.size, 0.2)


def _count(seconds: float) -> int:
    return round(seconds * RATE)


def _times(seconds: float) -> Sound:
    return np.arange(_count(seconds)) / RATE


def _tone(hertz: float, seconds: float) -> Sound:
    return _shaped(np.sin(2 * np.pi * hertz * _times(seconds)), 0.005)


def _note(midi: int, seconds: float) -> Sound:
    times, hertz = _times(seconds), 440 * 2 ** ((midi - 57) / 12)
    return sum(
        np.sin(2 * np.pi * hertz * k * times) * np.exp(-3 * k * times) / k for k in (1, 2, 3)
    )


def _shaped(samples: Sound, edge_s: float) -> Sound:
    """With a soft beginning and end, so that nothing clicks."""
    edge = min(_count(edge_s), samples.size // 2)
    ramp = np.ones(samples.size)
    ramp[:edge] = np.linspace(0, 1, edge)
    ramp[samples.size - edge :] = np.linspace(1, 0, edge)
    return samples * ramp


def _place(out: Sound, at_s: float, sound: Sound) -> None:
    start = _count(at_s)
    out[start : start + sound.size] += sound[: max(0, out.size - start)]


def _coloured(random: np.random.Generator, count: int, tilt: float) -> Sound:
    """Noise whose amplitude falls with frequency to the power of ``tilt``; an RMS of 1."""
    spectrum = np.fft.rfft(random.normal(0, 1, count))
    hertz = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20)
    noise = np.fft.irfft(spectrum / hertz**tilt, count)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)))
