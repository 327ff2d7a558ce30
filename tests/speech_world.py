"""Sounds, a recogniser of the tests' own, and the two clients of the speech process, over real sockets.

The recogniser is loaded by worker processes by its name: ``speech_world:load``. What it hears is told by
the number of samples alone; a vocabulary's first option tells it how to behave.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import json
import os
import signal
import time
import wave
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, ParamSpec

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from ivr.config import SpeechSettings
from ivr.flow.spoken import Heard, Nothing, Phrase, Vocabulary
from ivr.speech.lines import Switchboard
from ivr.speech.pool import Pool
from ivr.speech.recogniser import RATE, CannotListen, Samples
from ivr.speech.server import Detector, listen, serve
from ivr.speech.wire import ASTERISK, CONTROLLER, SPOKE, Question, from_text, question_to_json

HERE = Path(__file__).parent
P = ParamSpec("P")
ENGINE = "speech_world:load"
NO_MEMORY = "SPEECH_WORLD_NO_MEMORY"
FRAME_BYTES = 320
MENU = Vocabulary("menu", (Phrase("kebakaran", "1"), Phrase("polisi", "4")))
FALLS = Vocabulary("menu", (Phrase("jatuh", "1"),))
SLOW = Vocabulary("menu", (Phrase("lambat", "1"),))
HEAVY = Vocabulary("menu", (Phrase("berat", "1"),))
HEAVY_S = 1.5
"""So long an answer takes there: in time, but not if it has to wait for another one first."""
RAISES = Vocabulary("menu", (Phrase("galat", "1"),))
NOISE = Vocabulary("menu", (Phrase("derau", "1"),))
WHISPERED = round(1.0 * RATE)
"""Samples of what is too short to be sure of."""


class Listener:
    """Hears how much there was."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._how, self._samples = vocabulary.options[0].text, 0
        self._value = vocabulary.options[0].value

    def feed(self, samples: Samples) -> str:
        self._samples += len(samples)
        return ""

    def finish(self) -> Heard | Nothing:
        if self._how == "jatuh":
            os.abort()
        if self._how == "galat":
            raise RuntimeError("an engine's own fault")
        if self._how == "berat":
            time.sleep(HEAVY_S)
        if self._how == "lambat":
            os.kill(os.getpid(), signal.SIGSTOP)
        if self._how == "derau":
            return Nothing("noise")
        sure = 0.91 if self._samples > WHISPERED else 0.1
        return Heard(str(self._samples), self._value, sure, engine="uji")


class Counting:
    """A recogniser that understands everything as the first option."""

    name = "uji"

    def start(self, vocabulary: Vocabulary) -> Listener:
        return Listener(vocabulary)


def load(settings: SpeechSettings) -> Counting:
    return Counting()


def cannot(settings: SpeechSettings) -> Counting:
    raise CannotListen("Bobot tidak ada di sini.")


def may_have_no_memory(settings: SpeechSettings) -> Counting:
    """As the machine is at that moment."""
    if NO_MEMORY in os.environ:
        raise MemoryError
    return Counting()


def within_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """A test that is a coroutine; what never comes fails it instead of hanging."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 60.0))

    return run


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.int16)


def voice(seconds: float, *, seed: int = 1, level: float = 6000.0) -> Samples:
    """Something with the pitch of a voice, and its unsteadiness."""
    chance = np.random.default_rng(seed)
    at = np.arange(round(seconds * RATE)) / RATE
    pitch = 140 + 12 * np.sin(2 * np.pi * 4 * at) + chance.normal(0, 0.3, len(at)).cumsum() / 20
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    sound = sum(np.sin(phase * n) / n for n in range(1, 12))
    return (level * sound / 2 * (0.7 + 0.3 * np.sin(2 * np.pi * 3 * at))).astype(np.int16)


def spoken() -> Samples:
    """A sentence of a shipped prompt, 8 kHz."""
    folder = HERE.parent / "prompts" / "audio" / "id"
    with wave.open(str(next(folder.glob("bencana-alam-3*.wav")))) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.dtype("<i2"))
        return samples[:: file.getframerate() // RATE].astype(np.int16)


def question(number: str, vocabulary: Vocabulary = MENU, **more: Any) -> Question:
    said: dict[str, Any] = {"prompt_s": 0.0, "wait_s": 5.0, "bargein": True, **more}
    return Question(number, vocabulary, **said)


class Asterisk:
    """One caller's connection, as res_speech_aeap makes and uses it."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._ids = itertools.count(1)
        self._results: deque[dict[str, Any]] = deque()
        self.forgotten = 0

    async def request(self, name: str, **more: Any) -> dict[str, Any]:
        """A request, and the answer to it."""
        number = f"c738fc30-{next(self._ids)}"
        await self.connection.send(json.dumps({"request": name, "id": number, **more}))
        while (answer := await self._said()) is None:
            pass
        assert (answer["response"], answer["id"]) == (name, number)
        return answer

    async def _said(self) -> dict[str, Any] | None:
        """The next answer to a request; None for a result, which is kept, and answered."""
        said = json.loads(await self.connection.recv())
        if "response" in said:
            return dict(said)
        assert said["request"] == "set"
        await self.connection.send(json.dumps({"response": "set", "id": said["id"]}))
        (result,) = said["params"]["results"]
        assert result["text"].isascii()
        assert "\n" not in result["text"]
        self._results.append(result)
        return None

    async def set_up(self, codec: str = "slin", version: str = "0.1.0") -> dict[str, Any]:
        return await self.request("setup", version=version, codecs=[{"name": codec}], params={})

    async def ask(self, number: str) -> None:
        """And begin to listen anew, whereby earlier results are forgotten."""
        assert "error_msg" not in await self.request("set", params={"ask": number})
        self.forgotten += len(self._results)
        self._results.clear()

    async def say(self, *sounds: Samples) -> None:
        """As fast as it goes: the speech process has no clock of its own for audio."""
        sound = np.concatenate(sounds).astype("<i2").tobytes()
        for at in range(0, len(sound), FRAME_BYTES):
            await self.connection.send(sound[at : at + FRAME_BYTES])

    async def spoke(self) -> bool:
        """Whether the next result only says that somebody speaks."""
        return (await self._result())["text"] == SPOKE

    async def result(self) -> tuple[Heard | Nothing, int]:
        """The next result, and its score."""
        result = await self._result()
        return from_text(result["text"]), int(result["score"])

    async def _result(self) -> dict[str, Any]:
        while not self._results:
            assert await self._said() is None
        return self._results.popleft()


class World:
    """A running speech process's inside: its switchboard, its workers, and its port."""

    def __init__(self, switchboard: Switchboard, port: int) -> None:
        self.switchboard, self.port = switchboard, port
        self._seals = itertools.count()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @contextlib.asynccontextmanager
    async def asterisk(self) -> AsyncIterator[Asterisk]:
        async with connect(self.url, subprotocols=[Subprotocol(ASTERISK)]) as connection:
            caller = Asterisk(connection)
            await caller.set_up()
            yield caller

    @contextlib.asynccontextmanager
    async def controller(self) -> AsyncIterator[ClientConnection]:
        async with connect(self.url, subprotocols=[Subprotocol(CONTROLLER)]) as connection:
            yield connection

    async def asked(self, *questions: Question) -> None:
        """Let a controller ask them, and see that they came in."""
        async with self.controller() as controller:
            await self.said(controller, *({"ask": question_to_json(one)} for one in questions))

    async def said(self, controller: ClientConnection, *messages: object) -> None:
        """Have a controller say this, and see that it came in: what it asks for last is there."""
        for message in messages:
            await controller.send(message if isinstance(message, str) else json.dumps(message))
        seal = question(f"seal-{next(self._seals)}")
        await controller.send(json.dumps({"ask": question_to_json(seal)}))
        while self.switchboard.take(seal.id) is None:
            await controller.recv()  # beats


def workers(number: int, *, engine: str = ENGINE) -> Pool:
    """A pool whose processes know this module."""
    os.environ["PYTHONPATH"] = os.pathsep.join((str(HERE.parent), str(HERE)))
    return Pool(workers=number, engine=engine)


@contextlib.asynccontextmanager
async def world(
    number: int = 1,
    *,
    noise: Sequence[int] = (),
    engine: str = ENGINE,
    detector: Detector | None = None,
) -> AsyncIterator[World]:
    """With a real pool, and a detector that takes everything for speech but the looks of ``noise``;
    or with ``detector``, which is a loaded one."""
    pool = workers(number, engine=engine)
    looks = itertools.count()

    async def is_speech(samples: Samples) -> bool:
        await asyncio.sleep(0)
        return next(looks) not in noise

    listening = listen(0)
    port = listening.getsockname()[1]
    try:
        await pool.start()
        switchboard = Switchboard(pool, detector.is_speech if detector else is_speech)
        server = await serve(listening, switchboard)
        try:
            yield World(switchboard, port)
        finally:
            server.close()
            await server.wait_closed()
    finally:
        await pool.close()
