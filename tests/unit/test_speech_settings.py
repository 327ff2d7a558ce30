"""Whether callers may speak, and with which models, is read from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr import config


def test_callers_may_speak_unless_it_is_switched_off() -> None:
    assert config.read({}).speech.on
    assert not config.read({"SIAGA_SPEECH": "off"}).speech.on


def test_a_word_that_is_neither_on_nor_off_is_refused() -> None:
    with pytest.raises(config.ConfigError, match="SIAGA_SPEECH"):
        config.read({"SIAGA_SPEECH": "ya"})


def test_models_are_looked_for_where_they_are_named(tmp_path: Path) -> None:
    speech = config.read(
        {"SIAGA_VOSK_MODEL": str(tmp_path / "v"), "SIAGA_WHISPER_MODEL": str(tmp_path / "w")}
    ).speech
    assert (speech.vosk_model, speech.whisper_model) == (tmp_path / "v", tmp_path / "w")


def test_a_fetched_model_lies_in_the_cache_of_the_login(tmp_path: Path) -> None:
    speech = config.read({"XDG_CACHE_HOME": str(tmp_path)}).speech
    assert speech.cache == tmp_path / "siaga112"
    assert speech.whisper_model is None
