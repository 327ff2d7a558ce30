"""What an engine of speech recognition is, to everything else. One file an engine.

An engine works in a process of its own and may take its time: nothing here is awaited in a call.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ivr.flow.spoken import Heard, Nothing, Vocabulary

RATE = 8000
"""Samples a second, as a telephone has them."""

Samples = NDArray[np.int16]
"""Mono, signed 16 bit, ``RATE`` a second."""


class Utterance(Protocol):
    """One stretch of speech, from its first sound on."""

    def feed(self, samples: Samples) -> str:
        """More of it. The words understood so far, as far as this engine tells them before the end;
        empty where it does not."""

    def finish(self) -> Heard | Nothing:
        """It has ended; what was said. May be called again after more was fed."""


class Recogniser(Protocol):
    """A loaded engine. Raises ``CannotListen`` where it is built, never later."""

    name: str  # the engine and its model, for the record: "whisper base", "vosk model-id"

    def start(self, vocabulary: Vocabulary) -> Utterance:
        """Somebody begins to speak, where these words are expected."""


class CannotListen(Exception):
    """An engine cannot be used here; the text is a sentence for an administrator (Indonesian)."""
