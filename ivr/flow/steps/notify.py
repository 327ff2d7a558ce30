"""`notify`: let agencies know of the call without ringing them: a ticket is sent for each.

    beritahu:
      notify: [pln, bpbd]   # names in agencies.yaml
      then: instansi

Who is rung is another matter: see `connect`.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from ivr.flow.actions import Notify
from ivr.flow.model import Answer, CallState, Dialplan, FlowError, Outcome, Path, go
from ivr.flow.prompt import Prompt
from ivr.flow.written import Target, Written


class NotifyStep(Written):
    """News, and then the next step; the caller hears nothing of it."""

    notify: list[str] = Field(
        min_length=1, description="Beri tahu instansi-instansi ini lewat tiket, tanpa menelepon."
    )
    then: Target = Field(description="Langkah berikutnya.")

    def enter(self, dialplan: Dialplan, call: CallState) -> Outcome:
        return go(call, self.then, Notify(tuple(self.notify)))

    def resume(self, dialplan: Dialplan, call: CallState, event: Answer) -> Outcome:
        raise FlowError("a notify step waits for nothing")

    def exits(self) -> Mapping[Path, str]:
        return {("then",): self.then}

    def prompts(self) -> Mapping[Path, tuple[Prompt, ...]]:
        return {}
