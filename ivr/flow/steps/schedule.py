"""`schedule`: go on according to hours, holidays and a manual override; see calendar.yaml.

    jam:
      schedule: kantor      # a name under `hours` in calendar.yaml
      open: siang
      closed: malam
      holiday: libur        # optional; the same as closed unless written

What counts is the moment at which the call arrived.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from ivr.flow.model import Answer, CallState, Dialplan, FlowError, Outcome, Path, go
from ivr.flow.prompt import Prompt
from ivr.flow.written import Target, Written


class ScheduleStep(Written):
    """A fork in the way that depends on the clock."""

    schedule: str = Field(
        description="Bercabang menurut jam; namanya ada di `hours` calendar.yaml."
    )
    open: Target = Field(description="Langkah pada jam buka.")
    closed: Target = Field(description="Langkah di luar jam buka.")
    holiday: Target | None = Field(
        default=None,
        description="Langkah pada hari libur; sama dengan `closed` bila tidak ditulis.",
    )

    def enter(self, dialplan: Dialplan, call: CallState) -> Outcome:
        match dialplan.calendar.opening(self.schedule, call.offered.at):
            case "open":
                return go(call, self.open)
            case "holiday":
                return go(call, self.holiday or self.closed)
            case "closed":
                return go(call, self.closed)

    def resume(self, dialplan: Dialplan, call: CallState, event: Answer) -> Outcome:
        raise FlowError("a schedule step waits for nothing")

    def exits(self) -> Mapping[Path, str]:
        exits: dict[Path, str] = {("open",): self.open, ("closed",): self.closed}
        if self.holiday is not None:
            exits["holiday",] = self.holiday
        return exits

    def prompts(self) -> Mapping[Path, tuple[Prompt, ...]]:
        return {}
