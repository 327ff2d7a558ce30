"""The keys of one caller that no prompt has used yet, so that none is ever lost.

Rules for whoever edits this file. A key reaches us by two ears: the answer of an AGI command, and
an AMI event. Asterisk throws away a key that falls between two commands; then only AMI has it.

 1. A key told by AGI counts once, at once.
 2. A key heard over AMI counts only if AGI does not tell the same key within ``PATIENCE_S``; the
    two reports of one press may come in either order.
 3. Keys count in the order in which they were pressed, as far as anybody knows it.
 4. Without AMI there is only the first ear, and everything else works as before.

Time is handed in (seconds, any monotonic clock); nothing here waits.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

PATIENCE_S = 0.25
"""How long the slower ear may take. AMI and AGI report one press within a few milliseconds."""

FORGET_S = 2.0
"""After this long an AGI report no longer waits for its twin from AMI."""


@dataclass(slots=True)
class Keys:
    """Type-ahead of one call, fed by both ears."""

    ready: deque[str] = field(default_factory=deque)
    _heard: deque[tuple[str, float]] = field(default_factory=deque)  # by AMI, not yet told
    _ignored: tuple[str, float] | None = None  # a key that means nothing until then
    _told: deque[tuple[str, float]] = field(default_factory=deque)  # by AGI, not yet heard

    @property
    def any(self) -> bool:
        """Whether a key was pressed that nobody has used yet."""
        return bool(self.ready or self._heard)

    def heard(self, key: str, now: float) -> None:
        """AMI reports that this key was pressed."""
        self._forget(now)
        for told in self._told:
            if told[0] == key:
                self._told.remove(told)
                return
        self._heard.append((key, now))

    def told(self, key: str, now: float) -> None:
        """An AGI command ended with this key. AGI keeps the order: what was heard before is lost to
        it, and counts first."""
        self._forget(now)
        twin = next((n for n, heard in enumerate(self._heard) if heard[0] == key), None)
        for _ in range(len(self._heard) if twin is None else twin):
            self.ready.append(self._heard.popleft()[0])
        if twin is None:
            self._told.append((key, now))
        else:
            self._heard.popleft()
        self.ready.append(key)

    def keep(self, key: str) -> None:
        """This key was taken while nobody asked for one: put it back for the next question."""
        self.ready.appendleft(key)

    def take(self, now: float) -> str:
        """The next key nobody has used, or nothing."""
        while self._heard and now - self._heard[0][1] >= PATIENCE_S:
            self.ready.append(self._heard.popleft()[0])
        while self.ready:
            key = self.ready.popleft()
            ignored, self._ignored = self._ignored, None
            if ignored is None or key != ignored[0] or now > ignored[1]:
                return key
        return ""

    def ignore(self, key: str, until: float) -> None:
        """If this is the next key, and comes until then, nobody wants it."""
        self._ignored = key, until

    def _forget(self, now: float) -> None:
        while self._told and now - self._told[0][1] > FORGET_S:
            self._told.popleft()
