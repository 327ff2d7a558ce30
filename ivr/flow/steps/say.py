"""`say`: tell the caller something, then go on.

    sambutan:
      say: Anda terhubung ke 112 Bengkalis. Jangan tutup telepon.
      then: kejadian

A key pressed meanwhile is not lost: it answers the question that follows.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from ivr.flow.actions import Say
from ivr.flow.model import Answer, CallState, Dialplan, FlowError, Outcome, Path, go
from ivr.flow.prompt import Prompt
from ivr.flow.written import Sentence, Target, Written


class SayStep(Written):
    """One sentence, and then the next step."""

    say: Sentence = Field(description="Ucapkan kalimat ini kepada penelepon, lalu lanjut.")
    then: Target = Field(description="Langkah berikutnya.")

    def enter(self, dialplan: Dialplan, call: CallState) -> Outcome:
        return go(call, self.then, Say((Prompt(self.say),)))

    def resume(self, dialplan: Dialplan, call: CallState, event: Answer) -> Outcome:
        raise FlowError("a say step waits for nothing")

    def exits(self) -> Mapping[Path, str]:
        return {("then",): self.then}

    def prompts(self) -> Mapping[Path, tuple[Prompt, ...]]:
        return {("say",): (Prompt(self.say),)}
