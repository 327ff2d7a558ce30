"""`branch`: go on according to what is known, without asking anything.

    cabang:
      branch: incident      # incident | place | caller | queue
      when:
        kebakaran: api
        medis: ambulans
      otherwise: tempat     # optional; operator unless written

- `incident`: the kinds of incident, as in a menu.
- `place`: names or codes of kecamatan.
- `caller`: `mobile`, `fixed`, `foreign`, `withheld` (no number came), `test` (a marked test call).
- `queue`: `free`, `busy` (every operator is talking), `unreachable`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ivr.flow.actions import LookAtQueue
from ivr.flow.events import CallOffered, QueueSeen
from ivr.flow.model import OPERATOR_STEP, Answer, CallState, Dialplan, Outcome, Path, go, wait
from ivr.flow.prompt import Prompt
from ivr.flow.written import Target, Written
from routing.model import SERVICES
from routing.wording import suggestion

CASES: Mapping[str, tuple[str, ...]] = {
    "incident": tuple(SERVICES),
    "caller": ("mobile", "fixed", "foreign", "withheld", "test"),
    "queue": ("free", "busy", "unreachable"),
}
"""What can be the case; the places are those of places.yaml."""

_INSIDE = re.compile(r"^\+?62")


def caller_class(offered: CallOffered) -> str:
    """The class of a caller by the number as received (national or E.164)."""
    if offered.test:
        return "test"
    if not offered.caller:
        return "withheld"
    number = _INSIDE.sub("0", offered.caller)
    if number.startswith("+"):
        return "foreign"
    return "mobile" if number.startswith("08") else "fixed"


class BranchStep(Written):
    """A fork in the way that no caller hears."""

    branch: Literal["incident", "place", "caller", "queue"] = Field(
        description="Bercabang tanpa bertanya: incident, place, caller atau queue."
    )
    when: dict[str, Target] = Field(
        min_length=1, description="Langkah untuk setiap keadaan, misalnya kebakaran: api."
    )
    otherwise: Target = Field(
        default=OPERATOR_STEP, description="Langkah untuk keadaan yang tidak disebut."
    )

    @model_validator(mode="after")
    def _cases_are_known(self) -> Self:
        for case in self.when:
            if self.branch in CASES and case not in CASES[self.branch]:
                raise PydanticCustomError(
                    "case",
                    "`{case}` tidak dikenal untuk `branch: {kind}`.{suggestion}",
                    {
                        "case": case[:40],
                        "kind": self.branch,
                        "suggestion": suggestion(case, CASES[self.branch]),
                    },
                )
        return self

    def enter(self, dialplan: Dialplan, call: CallState) -> Outcome:
        match self.branch:
            case "queue":
                return wait(call, LookAtQueue())
            case "incident":
                return self._go(call, call.incident or "")
            case "caller":
                return self._go(call, caller_class(call.offered))
            case "place":
                # Of a desa, its kecamatan is the case.
                code = (call.location.kecamatan if call.location else None) or ""
                name = dialplan.places.names.get(code, "")
                return self._go(call, code if code in self.when else name)

    def resume(self, dialplan: Dialplan, call: CallState, event: Answer) -> Outcome:
        return self._go(call, event.state if isinstance(event, QueueSeen) else "")

    def _go(self, call: CallState, case: str) -> Outcome:
        return go(call, self.when.get(case, self.otherwise))

    def exits(self) -> Mapping[Path, str]:
        exits: dict[Path, str] = {("otherwise",): self.otherwise}
        for case, target in self.when.items():
            exits["when", case] = target
        return exits

    def prompts(self) -> Mapping[Path, tuple[Prompt, ...]]:
        return {}
