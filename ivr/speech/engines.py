"""Which engines there are, and which of them listens here. A new one is a file and a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from ivr.config import SpeechSettings
from ivr.speech import weights
from ivr.speech.recogniser import CannotListen, Recogniser

Attempt = Callable[[], Recogniser]


def load(speech: SpeechSettings) -> Recogniser:
    """The first engine that can be used. Nothing is fetched here. Raises CannotListen with every reason."""
    reasons = []
    for attempt in _attempts(speech):
        try:
            return attempt()
        except CannotListen as reason:
            reasons.append(str(reason))
    raise CannotListen(" ".join(reasons))


def load_every(speech: SpeechSettings) -> list[Recogniser | CannotListen]:
    """Every engine of this machine, in the order in which they are tried, or why it is not there."""
    every: list[Recogniser | CannotListen] = []
    for attempt in _attempts(speech):
        try:
            every.append(attempt())
        except CannotListen as reason:
            every.append(reason)
    return every


def _attempts(speech: SpeechSettings) -> Iterator[Attempt]:
    """In this order. What an engine needs is imported when it is tried: one that is broken stops no other."""
    if speech.vosk_model is not None:
        yield partial(_vosk, speech.vosk_model)
    yield partial(_whisper, speech.whisper_model or weights.fetched(speech.cache))


def _vosk(folder: Path) -> Recogniser:
    try:
        from ivr.speech.vosk import Vosk  # noqa: PLC0415
    except (ImportError, OSError) as error:
        raise CannotListen(f"Pustaka Vosk tidak dapat dipakai: {error}.") from error
    return Vosk(folder)


def _whisper(folder: Path | None) -> Recogniser:
    if folder is None:
        raise CannotListen(
            "Model suara Whisper belum ada. Jalankan `./siaga up` dengan jaringan, atau sebut foldernya "
            "dengan SIAGA_WHISPER_MODEL."
        )
    try:
        from ivr.speech.whisper import Whisper  # noqa: PLC0415
    except (ImportError, OSError) as error:
        raise CannotListen(f"Pustaka Whisper tidak dapat dipakai: {error}.") from error
    return Whisper(folder)
