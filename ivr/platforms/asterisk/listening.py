"""Listening to a caller while a question plays: SPEECH RECOGNIZE, and how it gives way to the keys.

Asterisk plays one file and hears keys and speech over it at once; whichever comes first ends it. Speech
is a shortcut and nothing else: where nobody listens, or nothing came of it, the question goes on where
it stopped, with keys, and the caller notices nothing.

Facts it rests on (Asterisk 22, measured): the time-out is in whole seconds and begins to run when the
file has ended; the file plays on until there is a result; nothing tells at which place it was stopped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ivr.flow.actions import Action, Gather, Say
from ivr.flow.prompt import Prompt
from ivr.flow.spoken import ANSWER_S, LISTENED_S, Heard, Nothing, Vocabulary
from ivr.platforms.asterisk.agi import RECOGNISE, Command, Reply
from ivr.platforms.asterisk.keys import PATIENCE_S
from ivr.platforms.asterisk.playing import (
    ANY_KEY,
    COMMAND_S,
    SAMPLES_PER_S,
    Audio,
    Channel,
    Request,
    told,
)
from ivr.speech.wire import ASK, SPOKE, from_text

ENGINE = "siaga"
"""The section of aeap.conf."""

MOST_TIMES = 3
"""After so much noise at one question its keys are left in peace."""

WORTH_S = 1.0
"""Nobody begins to say anything in less."""

ROUNDED_S = 2.0
"""Asterisk's own time-out is in whole seconds, and one later than everybody's."""

ENDED_S = 0.1
"""This close to its end a sound is over."""


class Ear(Protocol):
    """Who listens. Nothing of it may be waited for."""

    def listens(self) -> bool: ...

    def ask(
        self, vocabulary: Vocabulary, prompt_s: float, wait_s: float, *, bargein: bool
    ) -> str: ...

    def drop(self, question_id: str, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of listening, ``after_s`` seconds."""

    answer: Heard | Nothing
    after_s: float


@dataclass(slots=True)
class Hearing:
    """What listening to one caller needs, and what has come of it in this session.

    ``joined`` gives one sound for several files, where it was made before; for none it gives silence.
    """

    ear: Ear
    joined: Callable[[Sequence[str]], Audio | None]
    opened: bool = False
    refused: int = 0  # lines that could not be made
    answers: list[Answered] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Listening:
    """How a question is to be heard: ``deaf`` are those of its prompts that play before anybody
    listens, ``sound`` what plays while somebody does. ``from_the_start``: what is said before the
    question is part of the sound."""

    vocabulary: Vocabulary
    deaf: tuple[Prompt, ...]
    sound: Audio
    silence: Audio
    from_the_start: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What listening brought: an answer, or a key, or neither, and so long the keys are waited for."""

    heard: Heard | None = None
    pressed: str = ""
    left_s: float = 0.0


def to_join(actions: Sequence[Action], channel: Channel) -> list[tuple[str, ...]]:
    """The files that should be one before this turn is performed; none where nobody listens."""
    wait = _listens(actions, channel)
    if wait is None:
        return []
    paths = _paths(_over(wait, _said(actions)), channel)
    return [(), paths] if len(paths) > 1 else [()]


def listening(actions: Sequence[Action], channel: Channel) -> Listening | None:
    """How the question of this turn is to be heard; None where it is for keys alone."""
    wait = _listens(actions, channel)
    if wait is None or wait.vocabulary is None or channel.hearing is None:
        return None
    find = channel.hearing.joined
    silence = find(())
    if silence is None:
        return None
    said = _said(actions)
    over = _over(wait, said)
    sound = _sound(over, channel, find)
    if sound is None:  # the last prompt by itself then
        over = wait.prompts[-1:]
        sound = _sound(over, channel, find) or silence
    whole = bool(said) and over[: len(said)] == said and len(over) > len(wait.prompts)
    own = len(over) - len(said) if whole else len(over)
    channel.silent.extend(prompt for prompt in over if channel.audio(prompt) is None)
    deaf = wait.prompts[: len(wait.prompts) - own]
    return Listening(wait.vocabulary, deaf, sound, silence, whole)


def longest_s(wait: Gather) -> float:
    """So much longer than by keys alone a question may take: somebody speaks, an answer is waited for,
    and then the keys get their whole time."""
    return LISTENED_S + ROUNDED_S + wait.seconds


def hear(
    wait: Gather, how: Listening, channel: Channel, hearing: Hearing
) -> Generator[Request, Reply, Outcome]:
    """Ask, and hear keys and speech until one of them answers or nobody listens any more."""
    sound, at, left = how.sound, 0.0, wait.seconds
    until = channel.now() + sound.seconds + wait.seconds + LISTENED_S
    for _ in range(MOST_TIMES):
        if not (yield from _open(hearing)):
            break
        question = hearing.ear.ask(how.vocabulary, sound.seconds - at, left, bargein=wait.bargein)
        begun = channel.now()
        try:
            yield Request(Command("SPEECH SET", (ASK, question)))
            pressed = _missed(channel)
            if pressed:
                return Outcome(pressed=pressed)
            reply, stopped = yield from _recognise(how, at, left, until, channel)
        finally:
            hearing.ear.drop(question)
        spent = channel.now() - begun
        # A key that falls between two commands is heard by the second ear alone: it was first.
        pressed = told(reply, channel) or _missed(channel)
        if pressed:
            return Outcome(pressed=pressed)
        answer = _answer(reply)
        if answer is not None:
            hearing.answers.append(Answered(answer, round(spent, 2)))
        if isinstance(answer, Heard):
            return Outcome(heard=answer)
        if reply.recognised is None and reply.data in (None, "speech"):
            hearing.opened = False  # the line to the speech process is no good any more
            yield Request(Command("SPEECH DESTROY"))
        unheard = answer is None or answer.reason in ("busy", "failed")
        if stopped > sound.seconds - ENDED_S and not unheard:
            left = max(0.0, left - max(0.0, spent - (sound.seconds - at)))
        at = min(stopped, sound.seconds)
        again = isinstance(answer, Nothing) and answer.reason == "noise"
        if not again or left < WORTH_S or channel.now() + WORTH_S > until:
            break
    pressed = _missed(channel) or (yield from _rest(sound, at, channel))
    return Outcome(pressed=pressed, left_s=left)


def is_spoken(reply: Reply) -> bool:
    """Whether the caller is saying something, or has: silence, noise and failures are no answer."""
    return reply.recognised == SPOKE or isinstance(_answer(reply), Heard)


def _missed(channel: Channel) -> str:
    """The next key that fell while no command took keys: AGI will not tell of it any more."""
    return channel.keys.take(channel.now() + PATIENCE_S)


def close(hearing: Hearing | None) -> Generator[Request, Reply, None]:
    """Nobody listens any more in this session."""
    if hearing is not None and hearing.opened:
        hearing.opened = False
        yield Request(Command("SPEECH DESTROY"))


def _open(hearing: Hearing) -> Generator[Request, Reply, bool]:
    """Whether somebody listens: one line to the speech process for the whole session."""
    if not hearing.ear.listens():
        return False
    if not hearing.opened:
        reply = yield Request(Command("SPEECH CREATE", (ENGINE,)))
        hearing.opened = reply.result == "1"
        hearing.refused += not hearing.opened
    return hearing.opened


def _recognise(
    how: Listening, at: float, left: float, until: float, channel: Channel
) -> Generator[Request, Reply, tuple[Reply, float]]:
    """Play on from a place and listen; the answer, and the place that was reached (seconds)."""
    begun = channel.now()
    # Who has not begun to speak by the end of the question is waited for no longer than its answer is.
    unspoken = how.sound.seconds - at + left + ANSWER_S
    reply = yield _recognition(how.sound, at, min(until - begun, unspoken))
    stopped = min(how.sound.seconds, at + channel.now() - begun)
    if reply.recognised == SPOKE:
        pressed = _missed(channel)
        if pressed:
            channel.keys.keep(pressed)  # whoever presses a key is not listened to any further
            return reply, stopped
        # The sound stops; what is being said is heard out
        reply = yield _recognition(how.silence, 0.0, until - channel.now())
    return reply, stopped


def _recognition(sound: Audio, at: float, seconds: float) -> Request:
    """Asterisk's own time-out is the last of all: the relay answers before it."""
    after = max(1, math.ceil(seconds - (sound.seconds - at)) + 1)
    arguments = (sound.path, str(after), str(round(at * SAMPLES_PER_S)))
    return Request(Command(RECOGNISE, arguments), sound.seconds - at + after + COMMAND_S)


def _answer(reply: Reply) -> Heard | Nothing | None:
    """What was heard; None where nobody gave an answer."""
    if reply.data == "timeout":
        return Nothing("late")
    if reply.recognised is None:
        return None
    try:
        return from_text(reply.recognised)
    except ValueError:
        return Nothing("failed")


def _rest(sound: Audio, at: float, channel: Channel) -> Generator[Request, Reply, str]:
    """Play what is left of a sound; the key that stopped it, if any."""
    if at > sound.seconds - ENDED_S:
        return ""
    command = Command("STREAM FILE", (sound.path, ANY_KEY, str(round(at * SAMPLES_PER_S))))
    reply = yield Request(command, sound.seconds - at + COMMAND_S)
    return told(reply, channel)


def _listens(actions: Sequence[Action], channel: Channel) -> Gather | None:
    wait = actions[-1] if actions else None
    if not isinstance(wait, Gather) or wait.vocabulary is None or channel.hearing is None:
        return None
    return wait if channel.hearing.ear.listens() else None


def _said(actions: Sequence[Action]) -> tuple[Prompt, ...]:
    return tuple(prompt for a in actions if isinstance(a, Say) for prompt in a.prompts)


def _over(wait: Gather, said: tuple[Prompt, ...]) -> tuple[Prompt, ...]:
    """The prompts over which somebody listens. What is said before a ``fresh`` question was heard is
    no answer to it, just as a key is none."""
    if not wait.bargein:
        return ()
    return wait.prompts[1:] if wait.fresh else (*said, *wait.prompts)


def _paths(prompts: Sequence[Prompt], channel: Channel) -> tuple[str, ...]:
    return tuple(audio.path for prompt in prompts if (audio := channel.audio(prompt)))


def _sound(
    prompts: Sequence[Prompt], channel: Channel, find: Callable[[Sequence[str]], Audio | None]
) -> Audio | None:
    found = [audio for prompt in prompts if (audio := channel.audio(prompt))]
    if len(found) == 1:
        return found[0]
    return find([audio.path for audio in found])
