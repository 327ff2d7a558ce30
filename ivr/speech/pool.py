"""The workers: a bounded number of processes that recognise, each replaced when it falls or hangs.

Utterances are spread over them as they begin. None of them is waited for longer than ``DEADLINE_S``:
an answer that is not there by then is ``late``, one whose process fell is ``failed``, and where the
answer could not be in time, nobody begins to listen: ``busy``.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

import structlog

from ivr.flow.spoken import Heard, Nothing, Vocabulary
from ivr.speech import pipe
from ivr.speech.recogniser import CannotListen, Samples
from ivr.speech.wire import from_text
from ivr.speech.worker import ENGINES

DEADLINE_S = 2.0
"""Less than ``answering.PROMISED_S``: a worker that hangs is seen to hang while its answer is waited for."""

WORKERS = 2
MOST_OPEN = 8
"""Utterances of one worker at a time; one that only speaks costs next to nothing."""

FIRST_GUESS_S = 0.4
"""What an answer takes before any was measured."""

LOAD_S = 35.0
PAUSES_S = (0.0, 0.1, 0.5, 2.0, 10.0)
"""Before a worker that fell is started again, by how often it fell without being ready in between."""

NOBODY_S = 20.0
"""Without any worker for so long there is no point in going on."""

log = structlog.get_logger(__name__)


class NobodyRecognises(Exception):
    """No worker came back: this process is better started anew."""


@dataclass(slots=True)
class _Asked:
    """A FINISH that is not answered yet."""

    number: int
    at: float
    answer: asyncio.Future[Heard | Nothing]


@dataclass(slots=True, eq=False)
class _Worker:
    """One process, and what it owes."""

    process: asyncio.subprocess.Process
    ready: bool = False
    asked: deque[_Asked] = field(default_factory=deque)
    open: set[int] = field(default_factory=set)
    answered_at: float = 0.0
    late: bool = False  # killed for it

    def send(self, kind: bytes, number: int, body: bytes = b"") -> None:
        """Never waits: the pipe buffers, and a worker that does not read is killed."""
        if self.process.stdin is not None and not self.process.stdin.is_closing():
            self.process.stdin.write(pipe.packed(kind, number, body))


class Listening:
    """One utterance in one worker."""

    def __init__(self, pool: Pool, worker: _Worker, number: int) -> None:
        self._pool, self._worker, self._number = pool, worker, number

    def feed(self, samples: Samples) -> None:
        self._worker.send(pipe.FEED, self._number, samples.astype("<i2").tobytes())

    async def finish(self) -> Heard | Nothing:
        """What was said up to now; within ``DEADLINE_S``. More may be fed after it."""
        return await self._pool.finish(self._worker, self._number)

    def drop(self) -> None:
        """It is over. More than once does no harm."""
        if self._number in self._worker.open:
            self._worker.open.discard(self._number)
            self._worker.send(pipe.DROP, self._number)


class Pool:
    """``start`` it, ``listen``, ``close`` it."""

    def __init__(self, *, workers: int = WORKERS, engine: str = ENGINES) -> None:
        self.engine = ""
        self.restarts = 0
        self._wanted = workers
        self._command = (sys.executable, "-m", "ivr.speech.worker", "--engine", engine)
        self._workers: list[_Worker] = []
        self._processes: set[asyncio.subprocess.Process] = set()
        self._keepers: list[asyncio.Task[None]] = []
        self._numbers: Iterator[int] = itertools.count(1)
        self._takes_s = FIRST_GUESS_S
        self._first: asyncio.Future[str] | None = None
        self._ready_at = 0.0  # when a worker was there last

    async def start(self) -> None:
        """Back once one worker is ready. Raises CannotListen where there is no engine."""
        loop = asyncio.get_running_loop()
        self._first = loop.create_future()
        self._ready_at = loop.time()
        self._keepers = [asyncio.create_task(self._keep()) for _ in range(self._wanted)]
        try:
            async with asyncio.timeout(LOAD_S):
                self.engine = await self._first
        except TimeoutError:
            raise CannotListen(
                f"Mesin pengenal suara belum siap sesudah {LOAD_S:.0f} detik."
            ) from None

    async def fallen(self) -> None:
        """Comes back by an exception only: NobodyRecognises, once no worker was there for long."""
        loop = asyncio.get_running_loop()
        while True:
            done, _ = await asyncio.wait(
                self._keepers, timeout=1.0, return_when=asyncio.FIRST_COMPLETED
            )
            for keeper in done:
                keeper.result()  # it ends by a fault of ours only, and a new process has all of them
            if any(worker.ready for worker in self._workers):
                self._ready_at = loop.time()
            elif loop.time() - self._ready_at > NOBODY_S:
                raise NobodyRecognises

    async def close(self) -> None:
        """Kill them all."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for process in tuple(self._processes):
            await self._end(process)

    def listen(self, vocabulary: Vocabulary) -> Listening | Nothing:
        """Somebody speaks; where no worker has room for it, or none is there: why not."""
        ready = [worker for worker in self._workers if worker.ready]
        if not ready:
            return Nothing("failed")
        worker = min(ready, key=lambda worker: (len(worker.open), len(worker.asked)))
        if len(worker.open) >= MOST_OPEN or self._expected_s(worker) > DEADLINE_S:
            return Nothing("busy")
        number = next(self._numbers)
        worker.open.add(number)
        worker.send(pipe.START, number, json.dumps(asdict(vocabulary)).encode())
        return Listening(self, worker, number)

    async def finish(self, worker: _Worker, number: int) -> Heard | Nothing:
        """The answer of one worker for one of its utterances; at once where it could not be in time."""
        if not worker.ready:
            return Nothing("failed")
        if self._expected_s(worker) > DEADLINE_S:
            return Nothing("busy")
        loop = asyncio.get_running_loop()
        asked = _Asked(number, loop.time(), loop.create_future())
        worker.asked.append(asked)
        worker.send(pipe.FINISH, number)
        done, _ = await asyncio.wait((asked.answer,), timeout=DEADLINE_S)
        if done:
            return asked.answer.result()
        if loop.time() - max(worker.answered_at, asked.at) >= DEADLINE_S:
            log.error("worker_late_and_killed", pid=worker.process.pid)
            worker.late, worker.ready = True, False
            _kill(worker.process)
        return Nothing("late")

    def _expected_s(self, worker: _Worker) -> float:
        """Until one more answer of this worker is there."""
        return (len(worker.asked) + 1) * self._takes_s

    async def _keep(self) -> None:
        """Have one worker, whatever happens to it. Raises CannotListen before the first was ready."""
        falls = 0
        while True:
            was_ready = await self._lived()
            falls = 0 if was_ready else falls + 1
            self.restarts += 1
            await asyncio.sleep(PAUSES_S[min(falls, len(PAUSES_S) - 1)])

    async def _lived(self) -> bool:
        """One worker from its beginning to its end; whether it was ready in between."""
        try:
            worker = await self._begun()
        except OSError as error:  # no memory, no more processes: perhaps in a moment
            log.error("worker_not_begun", error=str(error))
            return False
        self._workers.append(worker)
        try:
            await self._follow(worker)
        except CannotListen as error:
            if not self._was_ready():
                raise
            log.error("worker_cannot", error=str(error))  # another could: so this one may, later
        finally:
            was_ready, worker.ready = worker.ready or worker.late, False
            self._workers.remove(worker)
            self._owe_nothing(worker)
            await self._end(worker.process)
        log.error("worker_fell", pid=worker.process.pid, code=worker.process.returncode)
        return was_ready

    def _was_ready(self) -> bool:
        """Whether any worker ever was."""
        first = self._first
        return (
            first is not None
            and first.done()
            and not first.cancelled()
            and first.exception() is None
        )

    async def _begun(self) -> _Worker:
        environment = {n: text for n, text in os.environ.items() if n != "SIAGA_BEAT_FD"}
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**environment, "OMP_NUM_THREADS": "1"},
        )
        self._processes.add(process)
        return _Worker(process)

    async def _follow(self, worker: _Worker) -> None:
        """Take in what it says, until it ends or says what nobody can read."""
        reader = worker.process.stdout
        assert reader is not None  # noqa: S101 (it was asked for)
        loop = asyncio.get_running_loop()
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readexactly(pipe.LENGTH.size)
                try:
                    frame = pipe.unpacked(await reader.readexactly(pipe.length(head)))
                except ValueError as error:
                    log.error("worker_not_understood", error=str(error))
                    return
                self._take(worker, frame, loop.time())

    def _take(self, worker: _Worker, frame: pipe.Frame, now: float) -> None:
        first = self._first
        text = frame.body.decode(errors="replace")
        if frame.kind == pipe.READY:
            worker.ready = True
            worker.answered_at = now
            if first is not None and not first.done():
                first.set_result(text)
        elif frame.kind == pipe.CANNOT:
            if first is not None and not first.done():
                first.set_exception(CannotListen(text))
            raise CannotListen(text)
        elif frame.kind == pipe.ANSWER and worker.asked:
            asked = worker.asked.popleft()
            took = now - max(asked.at, worker.answered_at)
            self._takes_s += 0.2 * (took - self._takes_s)
            worker.answered_at = now
            if not asked.answer.done():
                asked.answer.set_result(_read(text))

    def _owe_nothing(self, worker: _Worker) -> None:
        """Whoever waits for it is told that it fell."""
        worker.open.clear()
        for asked in worker.asked:
            if not asked.answer.done():
                asked.answer.set_result(Nothing("late" if worker.late else "failed"))
        worker.asked.clear()

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """Kill it, and come back when it and the pipe to it are no more."""
        _kill(process)
        await process.wait()
        if process.stdin is not None:
            process.stdin.close()
            with contextlib.suppress(ConnectionError):
                await process.stdin.wait_closed()
        self._processes.discard(process)


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()


def _read(text: str) -> Heard | Nothing:
    try:
        return from_text(text)
    except ValueError:
        return Nothing("failed")
