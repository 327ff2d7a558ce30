"""`operator`: connect the caller to the default answering points.

    petugas:
      operator: Mohon tunggu, Anda disambungkan ke petugas.

A target named `operator` exists without being written; `operator: ""` says nothing first, so that
a person's phone rings at once: whoever waits hears words from the platform.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from ivr.flow.dialling import after_dial, dial_operator, saying
from ivr.flow.model import Answer, CallState, Dialplan, Outcome, Path, wait
from ivr.flow.prompt import Prompt
from ivr.flow.written import OptionalSentence, Written


class OperatorStep(Written):
    """Ring a person, and keep ringing."""

    operator: OptionalSentence = Field(
        default="",
        description="Sambungkan ke petugas 112; kalimat ini diucapkan lebih dulu, boleh kosong.",
    )

    def enter(self, dialplan: Dialplan, call: CallState) -> Outcome:
        text = (Prompt(self.operator),) if self.operator else ()
        return wait(call, *saying(text), dial_operator(dialplan, call))

    def resume(self, dialplan: Dialplan, call: CallState, event: Answer) -> Outcome:
        return after_dial(dialplan, call, event)

    def exits(self) -> Mapping[Path, str]:
        return {}

    def prompts(self) -> Mapping[Path, tuple[Prompt, ...]]:
        return {("operator",): (Prompt(self.operator),)} if self.operator else {}
