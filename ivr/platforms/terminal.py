"""The dialogue in a terminal: `./siaga try`. No Asterisk, no audio, no telephone.

A line that is typed is what the caller does: keys, or words, which are heard surely, or not surely
with a `?` before them; an empty line is silence; `q`, or the end of the input, is a caller who hangs
up. A dial asks how it ends: Enter, or the end of the input, is an answer. A line that begins with `!`
is something that happens to the call, as a transcript writes it (`! located 14.03.09 0.8`,
`! joined pusat`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import takewhile
from typing import TextIO

from ivr.flow.actions import DecideRoute, Dial, Gather, LookAtQueue, Record
from ivr.flow.engine import advance, begin
from ivr.flow.events import (
    CallerHungUp,
    CallOffered,
    DialEnded,
    DigitsEntered,
    Event,
    HumanJoined,
    NoInput,
    QueueSeen,
    Recorded,
    RouteDecided,
    SpeechHeard,
)
from ivr.flow.heard import understood
from ivr.flow.model import CallState, Dialplan, Turn, UnexpectedEvent, listener
from ivr.flow.prompt import Prompt
from ivr.flow.spoken import Heard, Vocabulary
from ivr.flow.transcript import (
    NOT_SURELY,
    Line,
    TranscriptError,
    event_of,
    happened,
    said,
    said_after,
)
from ivr.flow.vocabulary import HELP_ONLY, OPERATOR_VALUE
from routing.decide import decide
from routing.model import OPERATOR, Directory, Location, Route

SPOKEN_S = 5.0
"""How long a caller is pretended to have spoken who types something where he is recorded."""

HELP = (
    "Ketik tombol, atau kata-kata, lalu Enter (?kata = kurang jelas terdengar). Enter saja = diam. "
    "q = menutup telepon."
)
DIAL_HELP = (
    "Bagaimana panggilan ini berakhir? Enter = diterima. Atau: sibuk, tidak-diangkat, menolak, "
    "gagal, answered 95s (bicara 95 detik)."
)
STATUSES = {
    "": "answered",
    "diterima": "answered",
    "sibuk": "busy",
    "tidak-diangkat": "no_answer",
    "menolak": "declined",
    "gagal": "failed",
}
"""What an administrator may type for the end of a dial, beside the words of a transcript."""

_KEYS = re.compile(r"[0-9*#]+", re.ASCII)
_NOT_SHOWN = frozenset({"offered", "turn", "waiting", "ended", "step"})


@dataclass(frozen=True, slots=True)
class Pretended:
    """What does not work today: dials over a trunk that is ``down`` fail, a ``busy`` agency is busy.

    A busy operator is busy once: he is rung until he answers.
    """

    down: frozenset[str] = frozenset()
    busy: frozenset[str] = frozenset()


NOTHING_PRETENDED = Pretended()


@dataclass(frozen=True, slots=True)
class Held:
    """A call that was held: what happened, and the lines of its transcript."""

    events: tuple[Event, ...]
    lines: tuple[str, ...]


def hold(
    dialplan: Dialplan,
    directory: Directory,
    offered: CallOffered,
    *,
    keys: TextIO,
    screen: TextIO,
    pretended: Pretended = NOTHING_PRETENDED,
    verbose: bool = False,
) -> Held:
    """Hold one call until its dialogue has ended; Ctrl-C is a caller who hangs up."""
    terminal = _Terminal(dialplan, directory, pretended, keys, screen)
    events: list[Event] = [offered]
    turn = begin(dialplan, offered)
    terminal.hint(HELP, "")
    terminal.tell(said(turn))
    while not turn.ended:
        if verbose:
            terminal.hint(_variables(dialplan, turn.state))
        try:
            event = terminal.next_event(turn)
        except KeyboardInterrupt:
            event = CallerHungUp()
            terminal.tell(happened(event))
        before = turn.state.waiting
        turn = advance(dialplan, turn.state, event)
        events.append(event)
        terminal.tell(said_after(event, before, turn))
    return Held(tuple(events), tuple(terminal.lines))


class _Terminal:
    """What is typed and what is printed in one call."""

    def __init__(
        self,
        dialplan: Dialplan,
        directory: Directory,
        pretended: Pretended,
        keys: TextIO,
        screen: TextIO,
    ) -> None:
        self.dialplan = dialplan
        self.directory = directory
        self.pretended = pretended
        self.keys = keys
        self.screen = screen
        self.lines: list[str] = []  # of the transcript
        self.pressed_ahead = ""
        self.shown = ""  # what a terminal has shown of the last line while it was typed
        self.operator_was_busy = False
        self.dials = 0

    def next_event(self, turn: Turn) -> Event:
        """What happens next, told on the screen. Raises KeyboardInterrupt."""
        match turn.state.waiting:
            case Gather() as asked:
                event = self._answer(turn, asked)
            case Record() as recorded:
                event = self._said(turn, recorded)
            case LookAtQueue():
                event = QueueSeen("busy" if OPERATOR in self.pretended.busy else "free")
            case DecideRoute(incident=incident):
                decision = decide(self.directory, incident, turn.state.location)
                event = RouteDecided(decision.routes, decision.because, decision.notify)
            case Dial() as dial:
                return self._dialled(turn, dial)
            case _:
                event = CallerHungUp()
        self.tell(happened(event))
        return event

    def _answer(self, turn: Turn, asked: Gather) -> Event:
        while not self.pressed_ahead:
            typed = self._typed("> ")
            if typed is None or typed == "q":
                return CallerHungUp()
            if typed.startswith("!"):
                event = self._written(turn, typed)
                if event is not None:
                    return event
                continue
            if not typed:
                return NoInput()
            if _KEYS.fullmatch(typed) is None:
                return self._spoken(turn, typed)
            self.pressed_ahead = typed
        digits = self.pressed_ahead[: asked.max_digits]
        self.pressed_ahead = self.pressed_ahead[asked.max_digits :]
        return DigitsEntered(digits)

    def _said(self, turn: Turn, recorded: Record) -> Event:
        """Whatever is typed was spoken, but for nothing at all and for 0."""
        while True:
            typed = self._typed("> ")
            if typed is None or typed == "q":
                return CallerHungUp()
            if not typed.startswith("!"):
                break
            event = self._written(turn, typed)
            if event is not None:
                return event
        if typed in ("", "0"):
            return DigitsEntered(typed) if typed else NoInput()
        return Recorded(recorded.name, SPOKEN_S)

    def _spoken(self, turn: Turn, typed: str) -> Event:
        asked = turn.state.waiting
        vocabulary = asked.vocabulary if isinstance(asked, Gather) else None
        words = typed.removeprefix("?").strip()
        if vocabulary is None:
            self.hint(f"  “{words}”: di sini hanya tombol yang dihitung; dianggap diam")
            return NoInput()
        found = understood(vocabulary, words, NOT_SURELY if typed.startswith("?") else 1.0)
        if vocabulary == HELP_ONLY and not found.option:
            self.hint(f"  “{words}”: di sini hanya tombol dan minta tolong yang dihitung")
            return SpeechHeard(found)
        self.hint(f"  “{words}” -> {_meaning(self.dialplan, turn.state, vocabulary, found)}")
        return SpeechHeard(found)

    def _dialled(self, turn: Turn, dial: Dial) -> Event:
        first, *others = dial.routes
        rung = (first, *takewhile(lambda route: route.together, others))
        status, why = self._pretended(rung)
        if status:
            self.hint(f"  {why}")
        event: Event | None = DialEnded(first.agency, first.trunk, status) if status else None
        while event is None:
            event = self._dial_result(turn, first)
        if isinstance(event, HumanJoined) and event.who == first.agency:
            self.tell(["! answered"])
        else:
            self.tell(happened(event))
        return event

    def _dial_result(self, turn: Turn, first: Route) -> Event | None:
        """How a dial ends by what is typed; None, and a word about it, where that says nothing."""
        self.dials += 1
        if self.dials == 1 and self.keys.isatty():
            self.hint(DIAL_HELP)
        typed = self._typed("! ")
        if typed == "q":
            return CallerHungUp()
        word, _, rest = (typed or "").removeprefix("!").strip().partition(" ")
        word = STATUSES.get(word, word)
        if word == "answered" and not rest:
            return HumanJoined(first.agency)
        return self._written(turn, f"! {word} {rest}".rstrip())

    def _written(self, turn: Turn, text: str) -> Event | None:
        """An event as a transcript writes it; None where it cannot be, or cannot happen now."""
        try:
            event = event_of(Line(0, "!", text.removeprefix("!").strip()), turn)
            advance(self.dialplan, turn.state, event)
        except (TranscriptError, UnexpectedEvent):
            self.hint(f"  {text!r} tidak dapat terjadi di sini. {DIAL_HELP}")
            return None
        return event

    def _pretended(self, rung: Sequence[Route]) -> tuple[str, str]:
        """How a dial ends by what is pretended, and a sentence; empty where somebody may answer."""
        if rung[0].agency == OPERATOR:
            if OPERATOR in self.pretended.busy and not self.operator_was_busy:
                self.operator_was_busy = True
                return "busy", "petugas dianggap sibuk, sekali ini"
            return "", ""
        able = [route for route in rung if route.trunk not in self.pretended.down]
        if not able:
            return "failed", f"trunk {rung[0].trunk} dianggap mati"
        if all(route.agency in self.pretended.busy for route in able):
            return "busy", f"{able[0].agency} dianggap sibuk"
        return "", ""

    def _typed(self, prompt: str) -> str | None:
        """One line; None at the end of the input."""
        shown = self.keys.isatty()
        self.screen.write(prompt if shown else "")
        self.screen.flush()
        line = self.keys.readline()
        self.shown = f"{prompt}{line.strip()}" if shown else ""
        return line.strip() if line else None

    def tell(self, lines: list[str]) -> None:
        """Print what belongs to the transcript."""
        self.lines += lines
        self.hint(*(lines[1:] if lines[:1] == [self.shown] else lines))

    def hint(self, *lines: str) -> None:
        """Print what is said to the person at the terminal only."""
        for line in lines:
            self.screen.write(f"{line}\n")
        self.screen.flush()


def _meaning(dialplan: Dialplan, call: CallState, vocabulary: Vocabulary, found: Heard) -> str:
    """What words stand for, in words: the option's key, the place."""
    phrases = reversed((*vocabulary.options, *vocabulary.places))
    names = {phrase.value: phrase.text for phrase in phrases}  # the first word for each
    said = []
    step = listener(dialplan.step(call.step))
    if found.option == OPERATOR_VALUE:
        said.append(f"petugas: tombol {OPERATOR_VALUE}")
    elif found.option:
        named: tuple[Prompt, ...] = ()
        if step is not None and vocabulary.kind != "yes_no":
            named = step.named(dialplan, call, found.option)
        name = " ".join(prompt.text for prompt in named) or names.get(found.option, found.option)
        said.append(f"{name}: tombol {found.option}")
    if found.place:
        said.append(f"tempat: {names[found.place]}")
    if said:
        return ", ".join(said)
    others = [names.get(one.value, one.value) for one in found.alternatives]
    return f"dapat berarti {' atau '.join(others)}" if others else "tidak dikenal"


def _variables(dialplan: Dialplan, call: CallState) -> str:
    """The step, and every variable of the call that is not as it was at the start."""
    shown = [f"langkah {call.step}"]
    for field in fields(call):
        value = getattr(call, field.name)
        if field.name not in _NOT_SHOWN and value not in (field.default, {}, ()):
            shown.append(f"{field.name} {_text(dialplan, value)}")
    return f"  [{' · '.join(shown)}]"


def _text(dialplan: Dialplan, value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(_text(dialplan, one) for one in value)
    if isinstance(value, Location):
        name = dialplan.places.names.get(value.kecamatan or "", value.code or value.kind or "-")
        return f"{name} ({value.source}, {value.confidence:g})"
    named = dialplan.places.names.get(str(value))
    return f"{value} ({named})" if named else str(value)
