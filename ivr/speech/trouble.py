"""Whether the answers that callers get are any use: a process that runs, and is always late, is not. Pure."""

from __future__ import annotations

from collections import deque

from ivr.flow.spoken import Heard, Nothing

MANY = 5
WITHIN_S = 600.0

LATE = (
    f"Mesin ini terlalu lambat untuk mengenali ucapan: {MANY} jawaban terakhir terlambat; penelepon memakai "
    "tombol. Kurangi beban mesin, atau matikan dengan SIAGA_SPEECH=off."
)
FAILED = (
    f"Mesin pengenal suara gagal atau terlambat pada {MANY} ucapan terakhir; penelepon memakai tombol. "
    "Lihat log/speech.out."
)


class Trouble:
    """``why`` is empty, or says in a sentence why nobody is understood now."""

    def __init__(self) -> None:
        self.why = ""
        self._in_vain: deque[float] = deque(maxlen=MANY)
        self._late: deque[bool] = deque(maxlen=MANY)

    def answered(self, answer: Heard | Nothing, at: float) -> None:
        """The next answer; ``at`` in seconds of any steady clock.

        Silence, noise and too many at once say nothing of the engine.
        """
        if isinstance(answer, Heard):
            self.why = ""
            self._in_vain.clear()
            self._late.clear()
        elif answer.reason in ("late", "failed"):
            self._in_vain.append(at)
            self._late.append(answer.reason == "late")
            if len(self._in_vain) == MANY and at - self._in_vain[0] <= WITHIN_S:
                self.why = LATE if all(self._late) else FAILED
