"""A recording heard as a call is (``ivr.speech.answering``): packet by packet, until somebody has spoken.

Audio time runs as fast as it can be computed; what a recogniser takes is measured and added to it, so
the moment of an answer is the one that a caller would meet who has a core to himself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ivr.flow.spoken import Heard, Nothing, Vocabulary
from ivr.speech import gate
from ivr.speech.answering import FIRST_LOOK
from ivr.speech.endpoint import FRAME, Endpoint
from ivr.speech.recogniser import RATE, Recogniser, Samples, Utterance


@dataclass(frozen=True, slots=True)
class Answer:
    """What was made of one utterance.

    It began, ended and was answered so many seconds after the recording's first sample; the last time
    that it was decoded took ``decode_s``.
    """

    heard: Heard | Nothing
    began_s: float
    ended_s: float
    answered_s: float
    decode_s: float


def answers(recogniser: Recogniser, vocabulary: Vocabulary, samples: Samples) -> Iterator[Answer]:
    """Each utterance that is found in it. The one that lasts to the very end of it ends there."""
    endpoint = Endpoint(prompt_s=0.0, bargein=True)
    utterance: Utterance | None = None
    began_s, guess = 0.0, None
    looked = False
    whole = np.zeros(-(-samples.size // FRAME) * FRAME, dtype=np.int16)
    whole[: samples.size] = samples
    for at in range(0, whole.size, FRAME):
        frame, now_s = whole[at : at + FRAME], (at + FRAME) / RATE
        step = endpoint.feed(frame)
        if step is None and endpoint.speaking and at + FRAME == whole.size:
            step = "ended"
        if step == "began":
            began_s, guess, utterance, looked = endpoint.begins_at / RATE, None, None, False
        elif utterance is not None:
            utterance.feed(frame)
        enough = not looked and endpoint.audio.size >= FIRST_LOOK
        if (
            utterance is None
            and (endpoint.speaking or step)
            and (enough or step not in (None, "began"))
        ):
            looked = True
            if _is_speech(endpoint.audio):
                utterance = recogniser.start(vocabulary)
                utterance.feed(endpoint.audio)
        if step == "paused" and utterance is not None:
            guess = _decoded(utterance, now_s)
        elif step == "resumed":
            guess = None
        elif step == "ended":
            if utterance is not None:
                heard, ready_s, took_s = guess or _decoded(utterance, now_s)
                yield Answer(heard, began_s, now_s, max(now_s, ready_s), took_s)
            utterance = None
            endpoint.ignore()


def _is_speech(samples: Samples) -> bool:
    found = gate.speech(samples)
    return found is not None and found.seconds >= gate.SPEECH_S


def _decoded(utterance: Utterance, now_s: float) -> tuple[Heard | Nothing, float, float]:
    """What was heard, when it is known, and how long it took."""
    start = time.process_time()
    heard = utterance.finish()
    took_s = time.process_time() - start
    return heard, now_s + took_s, took_s
