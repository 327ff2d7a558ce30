"""One answer to one question, from the audio that follows it: exactly one, and in time.

Who says nothing is answered for when the question's time is over; who speaks by then is heard out, for
``ANSWER_S`` at most. Nobody waits for longer than ``PROMISED_S`` once he has paused, whatever his answer waits
for: the detector, a guess that is still being made, or the worker.

The endpoint says where somebody may be speaking, the voice detector whether it is a voice, a worker what
was said. What is no voice, or makes no sense as one, is as if it had not been: the prompt goes on, and so
does the listening. So is whatever else is said at a question where only a cry for help counts. A guess
is made as soon as the caller pauses, and thrown away if he goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import structlog

from ivr.flow.spoken import ANSWER_S, ENOUGH, Heard, Nothing, Vocabulary
from ivr.flow.vocabulary import HELP_ONLY
from ivr.speech.endpoint import FRAME, Endpoint, Step
from ivr.speech.pool import Listening, Pool
from ivr.speech.recogniser import RATE, Samples
from ivr.speech.wire import Question

IN_HAND_S = 0.15
"""The last answer is on its way so long before nobody waits for one any more."""

PROMISED_S = 2.2
"""A quarter of a second of silence makes a pause: so nobody waits longer than 2.5 s after his last word."""

LAST_LOOK_S = 0.8
"""So long before that, whoever still speaks is taken to have said what matters."""

FIRST_LOOK = round(0.5 * RATE)
"""Samples of an utterance, with what was kept before it, that are enough to know a voice by."""

log = structlog.get_logger(__name__)

Deliver = Callable[[Heard | Nothing], None]
Spoke = Callable[[], None]
IsSpeech = Callable[[Samples], Awaitable[bool]]


class Answering:
    """From ``SPEECH SET ask`` on. ``deliver`` is called once, unless it is closed before.

    ``spoke`` is called before it, once at most, where somebody really speaks over the prompt. An answer
    is delivered with the first audio at the earliest: what comes before Asterisk listens, it forgets.
    """

    def __init__(
        self,
        question: Question | None,
        pool: Pool,
        is_speech: IsSpeech,
        deliver: Deliver,
        spoke: Spoke,
    ) -> None:
        """``question`` is None where nobody said what is asked: the answer is ``failed``."""
        self._loop = asyncio.get_running_loop()
        self._pool, self._is_speech = pool, is_speech
        self._deliver, self._tell_spoke = deliver, spoke
        self._question = question
        self._rest = np.zeros(0, np.int16)
        self._listens = False
        self._over = False
        self._held: Heard | Nothing | None = None
        self._noise = False
        self._spoke = False
        self._time_over = False
        self._steps: asyncio.Queue[Samples | Step] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: list[asyncio.TimerHandle] = []
        self._promised: asyncio.TimerHandle | None = None  # runs from the pause on
        self._endpoint = Endpoint(
            prompt_s=question.prompt_s if question else 0.0,
            bargein=question is not None and question.bargein,
        )
        if question is None:
            self._answer(Nothing("failed"))
            return
        seconds = question.prompt_s + question.wait_s
        for at, work in (
            (seconds, self._time_is_over),
            (seconds + ANSWER_S - LAST_LOOK_S, self._last_look),
            (seconds + ANSWER_S - IN_HAND_S, self._give_up),
        ):
            self._timers.append(self._loop.call_later(at, work))

    def hear(self, samples: Samples) -> None:
        """The next audio of the line, of any length."""
        if self._over:
            return
        self._listens = True
        if self._held is not None:
            self._answer(self._held)
            return
        self._rest = np.concatenate((self._rest, samples))
        while len(self._rest) >= FRAME and not self._over:
            frame, self._rest = self._rest[:FRAME], self._rest[FRAME:]
            self._hear(frame)

    def refuse(self) -> None:
        """There are too many to listen to one more."""
        self._answer(Nothing("busy"))

    def close(self) -> None:
        """Nobody waits for an answer any more."""
        self._over = True
        for timer in self._timers:
            timer.cancel()
        self._promise_nothing()
        answering = asyncio.current_task()
        for task in self._tasks:
            if task is not answering:
                task.cancel()

    def _hear(self, frame: Samples) -> None:
        spoke = self._endpoint.speaking
        step = self._endpoint.feed(frame)
        if step == "resumed":
            self._promise_nothing()
        elif step in ("paused", "ended") and self._promised is None:
            self._promised = self._loop.call_later(PROMISED_S, self._give_up)
        if step == "began":
            self._begin(self._endpoint.audio)
        elif spoke and self._steps is not None:
            self._steps.put_nowait(frame)
            if step is not None:
                self._steps.put_nowait(step)

    def _begin(self, audio: Samples) -> None:
        self._steps = asyncio.Queue()
        self._steps.put_nowait(audio)
        task = asyncio.create_task(self._follow(self._steps))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self, steps: asyncio.Queue[Samples | Step]) -> None:
        """One utterance, from its beginning to its answer, or until it turns out to be none."""
        heard: list[Samples] = []
        listening: Listening | None = None
        answer: Heard | Nothing | None = None
        looked = False
        try:
            while True:
                step = await steps.get()
                if not isinstance(step, str):
                    heard.append(step)
                    if listening is not None:
                        listening.feed(step)
                        continue
                    if looked or sum(map(len, heard)) < FIRST_LOOK:
                        continue
                if listening is None:
                    looked = True
                    begun = await self._listen(np.concatenate(heard))
                    if isinstance(begun, Nothing):
                        self._answer(begun)
                        return
                    listening = begun
                if not isinstance(step, str):
                    continue
                if step == "resumed":
                    answer = None
                else:
                    if listening is not None and answer is None:
                        answer = await listening.finish()
                    if step == "ended" or listening is None:
                        self._conclude(answer, steps)
                        return
        except Exception:  # a fault of ours costs this caller the shortcut, and nothing else
            log.exception("not_followed")
            self._answer(Nothing("failed"))
        finally:
            if listening is not None:
                listening.drop()

    async def _listen(self, audio: Samples) -> Listening | Nothing | None:
        """A worker's ear for it; None where nobody speaks in it."""
        assert self._question is not None  # noqa: S101 (without a question nothing is heard)
        if not await self._is_speech(audio):
            return None
        stops = self._question.vocabulary != HELP_ONLY
        if self._endpoint.over_prompt and stops and not self._spoke and not self._over:
            self._spoke = True
            self._endpoint.stop_prompt()
            self._tell_spoke()
        listening = self._pool.listen(self._question.vocabulary)
        if isinstance(listening, Listening):
            listening.feed(audio)
        return listening

    def _conclude(
        self, answer: Heard | Nothing | None, steps: asyncio.Queue[Samples | Step]
    ) -> None:
        assert self._question is not None  # noqa: S101 (without a question nothing is heard)
        if answer is not None and not _is_noise(answer, self._question.vocabulary):
            self._answer(answer)
            return
        self._noise = True
        if self._spoke or self._time_over:
            self._answer(Nothing("noise"))
        elif self._steps is steps:
            self._steps = None
            self._promise_nothing()
            self._endpoint.ignore()

    def _time_is_over(self) -> None:
        self._time_over = True
        if not self._tasks:
            self._listens = True  # there is no later
            self._answer(self._held or Nothing("noise" if self._noise else "silence"))

    def _last_look(self) -> None:
        if self._endpoint.speaking and self._steps is not None:
            self._steps.put_nowait("ended")
            self._steps = None

    def _promise_nothing(self) -> None:
        """He speaks on, or nobody spoke."""
        if self._promised is not None:
            self._promised.cancel()
            self._promised = None

    def _give_up(self) -> None:
        self._answer(Nothing("late"))

    def _answer(self, answer: Heard | Nothing) -> None:
        if self._over:
            return
        if not self._listens:
            self._held = answer
            return
        self.close()
        self._deliver(answer)


def _is_noise(answer: Heard | Nothing, vocabulary: Vocabulary) -> bool:
    if isinstance(answer, Nothing):
        return answer.reason in ("noise", "silence")
    return vocabulary == HELP_ONLY and answer.confidence < ENOUGH
