"""What was asked and what was heard, counted for Prometheus' textfile collector."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ivr.flow.spoken import Heard, Nothing

REASONS = ("silence", "noise", "busy", "late", "failed")


@dataclass(slots=True)
class Counts:
    """Since this process began."""

    asked: int = 0
    heard: int = 0
    spoke: int = 0  # over a prompt, which stopped for it
    nothing: Counter[str] = field(default_factory=Counter)
    unwanted: int = 0  # a key, or a hang-up, was first

    def answered(self, answer: Heard | Nothing) -> None:
        if isinstance(answer, Heard):
            self.heard += 1
        else:
            self.nothing[answer.reason] += 1

    def write(self, target: Path, restarts: int) -> None:
        """Raises OSError."""
        lines = [
            *_counter("asked", "Questions that speech could answer.", self.asked),
            *_counter("heard", "Answers in which somebody spoke.", self.heard),
            *_counter(
                "spoke", "Prompts that somebody spoke over, and that stopped for it.", self.spoke
            ),
            *_counter("unwanted", "Questions that a key or a hang-up was first at.", self.unwanted),
            "# HELP siaga_speech_nothing_total Questions that speech did not answer, by why.",
            "# TYPE siaga_speech_nothing_total counter",
            *(
                f'siaga_speech_nothing_total{{reason="{reason}"}} {self.nothing[reason]}'
                for reason in REASONS
            ),
            *_counter("worker_restarts", "Workers that fell or hung, and were replaced.", restarts),
        ]
        fresh = target.with_suffix(".new")
        fresh.write_text("\n".join(lines) + "\n")
        fresh.replace(target)


def _counter(name: str, is_what: str, value: int) -> list[str]:
    return [
        f"# HELP siaga_speech_{name}_total {is_what}",
        f"# TYPE siaga_speech_{name}_total counter",
        f"siaga_speech_{name}_total {value}",
    ]
