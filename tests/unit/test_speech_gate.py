"""Whether somebody speaks: short words that begin at once are voices too, and hiss and ringing are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.speech import gate, line
from ivr.speech.recogniser import RATE

RECORDINGS = Path(__file__).parents[1] / "speech" / "small"


def test_a_short_word_without_quiet_before_it_is_a_voice() -> None:
    said = line.coded(line.recording(RECORDINGS / "espeak-id/ya.wav"))[RATE // 5 :]
    found = gate.speech(said)
    assert found is not None
    assert found.seconds >= gate.SPEECH_S
    assert 0 <= found.start < found.end <= len(said)


@pytest.mark.parametrize("name", ["hiss-1", "ring-1"])
def test_what_is_no_voice_is_none_at_the_second_look_either(name: str) -> None:
    found = gate.speech(line.coded(line.recording(RECORDINGS / f"bunyi/{name}.wav")))
    assert found is None or found.seconds < gate.SPEECH_S
