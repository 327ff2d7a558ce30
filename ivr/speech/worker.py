"""A process that recognises: it loads an engine once, and takes utterances over its standard input.

Started by the pool as ``python -m ivr.speech.worker``. It has no network, no clock and no say: whoever
started it kills it when it does not answer. ``--engine module:function`` names what loads the engine.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
import structlog

from ivr import config as configuration
from ivr import log as logging
from ivr.config import SpeechSettings
from ivr.flow.spoken import Heard, Nothing
from ivr.speech import pipe
from ivr.speech.recogniser import CannotListen, Recogniser, Utterance
from ivr.speech.wire import to_text, vocabulary_from_json

ENGINES = "ivr.speech.engines:load"
NICE = 5
"""Whoever recognises waits for the calls."""

BROKEN = (
    "Mesin pengenal suara tidak dapat dimuat ({}). Pasang ulang paketnya; lihat log/speech.out."
)

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG

log = structlog.get_logger(__name__)


def serve(engine: Recogniser, said: BinaryIO, answers: BinaryIO) -> None:
    """Answer until ``said`` ends."""
    utterances: dict[int, Utterance | None] = {}  # None: one that the engine fell over

    def answer(number: int, result: Heard | Nothing) -> None:
        answers.write(pipe.packed(pipe.ANSWER, number, to_text(result).encode()))
        answers.flush()

    while (frame := pipe.read(said)) is not None:
        number, heard = frame.number, utterances.get(frame.number)
        try:
            if frame.kind == pipe.START:
                utterances[number] = None
                utterances[number] = engine.start(vocabulary_from_json(json.loads(frame.body)))
            elif frame.kind == pipe.DROP:
                utterances.pop(number, None)
            elif frame.kind == pipe.FEED and heard is not None:
                heard.feed(np.frombuffer(frame.body, np.dtype("<i2")))
            elif frame.kind == pipe.FINISH:
                answer(number, Nothing("failed") if heard is None else heard.finish())
        except Exception:  # whatever an engine does, the next caller has another utterance
            log.exception("engine_fell", engine=engine.name)
            utterances[number] = None
            if frame.kind == pipe.FINISH:
                answer(number, Nothing("failed"))


def main(arguments: list[str] | None = None) -> int:
    """Run a worker; 1 where there is no engine to run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", default=ENGINES)
    module, _, function = parser.parse_args(arguments).engine.partition(":")
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    os.nice(NICE)
    said, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    line = logging.start(sys.stderr)
    try:
        load: Callable[[SpeechSettings], Recogniser] = getattr(
            importlib.import_module(module), function
        )
        engine = load(configuration.read().speech)
    except Exception as error:  # a package that is broken is one that is not there
        if not isinstance(error, CannotListen):
            log.exception("engine_not_loaded")
        why = str(error) if isinstance(error, CannotListen) else BROKEN.format(error)
        answers.write(pipe.packed(pipe.CANNOT, 0, why.encode()))
        answers.flush()
        return 1
    else:
        answers.write(pipe.packed(pipe.READY, 0, engine.name.encode()))
        answers.flush()
        serve(engine, said, answers)
        return 0
    finally:
        line.close()


if __name__ == "__main__":
    sys.exit(main())
