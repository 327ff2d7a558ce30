"""Which keys a caller presses to say that this happened there: the shortest way through."""

from __future__ import annotations

from collections import deque

from ivr.flow.actions import FINISH, DecideRoute, Gather, LookAtQueue, Record
from ivr.flow.engine import advance, begin
from ivr.flow.events import CallOffered, DigitsEntered, NoInput, QueueSeen
from ivr.flow.model import PRESSED_CONFIDENCE, Dialplan

LONGEST = 16


def keys_to(
    dialplan: Dialplan, incident: str, place: str, *, at: float, caller: str | None
) -> str | None:
    """The keys that make the dialplan ask for a route for ``incident`` in kecamatan ``place``.

    ``at`` is the moment of the call (seconds since the epoch): some steps depend on it.
    """
    offered = CallOffered("keys", at, caller, "112", "", "", dialplan.version)
    waiting = deque([("", begin(dialplan, offered))])
    seen: set[object] = set()
    while waiting:
        keys, turn = waiting.popleft()
        call, asked = turn.state, turn.state.waiting
        if isinstance(asked, DecideRoute):
            told = (asked.incident, asked.place)
            if told == (incident, place) and asked.confidence >= PRESSED_CONFIDENCE:
                return keys
            continue
        if isinstance(asked, Record | LookAtQueue):
            answer = NoInput() if isinstance(asked, Record) else QueueSeen("free")
            waiting.append((keys, advance(dialplan, call, answer)))
            continue
        here = (call.step, call.incident, call.place, call.area, call.entered)
        if not isinstance(asked, Gather) or len(keys) >= LONGEST or here in seen:
            continue
        seen.add(here)
        for digits, pressed in _inputs(asked):
            following = advance(dialplan, call, DigitsEntered(digits))
            if following.state.no_match == 0:
                waiting.append((keys + pressed, following))
    return None


def _inputs(asked: Gather) -> list[tuple[str, str]]:
    """What may be keyed in, and the keys for it."""
    if asked.max_digits == 1:
        return [(key, key) for key in "123456789"]
    return [("1" * n, "1" * n + FINISH) for n in range(1, asked.max_digits + 1)]
