"""Playing prompts to a caller and taking the keys that stop them: what performing rests on.

A prompt without audio is skipped and reported. ``-1`` is not a hang-up.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ivr.flow.prompt import Prompt
from ivr.platforms.asterisk.agi import Command, Reply
from ivr.platforms.asterisk.keys import PATIENCE_S, Keys
from routing.model import Directory, Location

if TYPE_CHECKING:
    from ivr.platforms.asterisk.listening import Hearing

ANY_KEY = "0123456789*#"
OPERATOR_KEY = "0"
SAMPLES_PER_S = 8000

COMMAND_S = 3.0
"""Asterisk answers a command that plays nothing within milliseconds."""


@dataclass(frozen=True, slots=True)
class Request:
    """A command, and how long its answer may take at most (seconds)."""

    command: Command
    seconds: float = COMMAND_S
    asks: bool = False  # it belongs to the wait, and everything before the wait is done


class Audio(Protocol):
    """A playable file: ``path`` without extension, ``seconds`` long."""

    @property
    def path(self) -> str: ...

    @property
    def seconds(self) -> float: ...


class FindAudio(Protocol):
    """Where the audio of a prompt is, or None."""

    def __call__(self, prompt: Prompt, /) -> Audio | None: ...


@dataclass(frozen=True, slots=True)
class Channel:
    """The caller's channel, and what performing on it needs to know."""

    uniqueid: str
    keys: Keys
    now: Callable[[], float]  # monotonic seconds
    audio: FindAudio
    directory: Directory
    phrases: Mapping[str, str]
    recordings: str = ""  # the folder for what callers say at a `record` step
    location: Location | None = None  # the best one, for agencies that take a PIDF-LO
    silent: list[Prompt] = field(default_factory=list)  # prompts that had no audio
    hearing: Hearing | None = None  # None where nobody listens to callers


def asked(
    prompts: Sequence[Prompt], channel: Channel, *, fresh: bool = False
) -> Generator[Request, Reply, str]:
    """Play a question; the key that was pressed before its end, if any, and meant for it."""
    pressed = zero(channel) if fresh else channel.keys.take(channel.now())
    for number, prompt in enumerate(prompts):
        if pressed:
            break
        pressed = yield from play(prompt, channel)
        if fresh and number == 0:
            pressed = zero(channel, pressed)
        pressed = pressed or channel.keys.take(channel.now())
    return pressed


def zero(channel: Channel, *pressed: str) -> str:
    """Of these keys and all that nobody has used yet, the one that means the same everywhere."""
    # No command runs, so that AGI will tell of no key that was heard: there is nothing to wait for.
    heard = channel.now() + PATIENCE_S
    unused = list(iter(lambda: channel.keys.take(heard), ""))
    return OPERATOR_KEY if OPERATOR_KEY in (*pressed, *unused) else ""


def play(prompt: Prompt, channel: Channel) -> Generator[Request, Reply, str]:
    """Play one prompt; the key that stopped it, if any."""
    audio = channel.audio(prompt)
    if audio is None:
        channel.silent.append(prompt)
        return ""
    command = Command("STREAM FILE", (audio.path, ANY_KEY))
    reply = yield Request(command, audio.seconds + COMMAND_S)
    if reply.result == "-1" and not reply.endpos:  # in mid-file it is a hang-up
        channel.silent.append(prompt)  # the file is not there or not playable
    return told(reply, channel)


def told(reply: Reply, channel: Channel) -> str:
    """The key that counts now, where a key ended the command."""
    if not reply.digit:
        return ""
    channel.keys.told(reply.digit, channel.now())
    return channel.keys.take(channel.now())
