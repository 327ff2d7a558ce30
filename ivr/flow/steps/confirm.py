"""`confirm`: say what was understood, and let the caller put it right.

    benar:
      confirm: "{incident} di {place}. Benar tekan 1, salah tekan 2."
      then: instansi
      otherwise: kejadian   # after 2: where the question is asked again
      tries: 2              # optional: so often at most, then the operator
      wait: 4s

A caller who presses nothing agrees: he was told, and help is on its way. One who has just agreed that
he was heard rightly is not asked. What goes in braces: see
`connect`. `0` is the operator here too.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from ivr.flow.actions import Gather
from ivr.flow.changed import changed
from ivr.flow.events import DigitsEntered
from ivr.flow.model import (
    OPERATOR_STEP,
    Answer,
    CallState,
    Dialplan,
    Outcome,
    Path,
    go,
    missed,
    silent,
    wait,
)
from ivr.flow.prompt import Prompt
from ivr.flow.spoken import Vocabulary
from ivr.flow.template import Template, filled, texts
from ivr.flow.vocabulary import NO_VALUE as NO
from ivr.flow.vocabulary import YES_NO
from ivr.flow.vocabulary import YES_VALUE as YES
from ivr.flow.written import Seconds, Target, Written


class ConfirmStep(Written):
    """One question with two keys. The way back is counted, so that nobody goes in circles."""

    confirm: Template = Field(
        description="Sebutkan apa yang dipahami; boleh memakai {incident}, {place} dan {nama-langkah}. "
        "Tombol 1 benar, 2 salah."
    )
    then: Target = Field(description="Langkah bila benar, atau bila penelepon diam.")
    otherwise: Target = Field(description="Langkah bila salah: tempat bertanya kembali.")
    tries: int = Field(
        default=2,
        ge=1,
        le=5,
        description="Setelah sekian kali salah, penelepon disambungkan ke petugas.",
    )
    wait: Seconds | None = Field(
        default=None, ge=1, le=30, description="Lama menunggu tombol, bila lain dari `defaults`."
    )

    def enter(self, dialplan: Dialplan, call: CallState) -> Outcome:
        if call.asked_back:
            return go(call, self.then)
        return wait(call, self._ask(dialplan, call))

    def resume(self, dialplan: Dialplan, call: CallState, event: Answer) -> Outcome:
        digits = event.digits if isinstance(event, DigitsEntered) else ""
        if silent(event) or digits == YES:
            return go(call, self.then)
        if digits == NO:
            denied = call.denied.get(call.step, 0) + 1
            call = changed(call, denied={**call.denied, call.step: denied})
            return go(call, self.otherwise if denied < self.tries else OPERATOR_STEP)
        call, phrase, times = missed(call, event)
        if times >= dialplan.defaults.tries:
            return go(call, self.then)
        return wait(call, self._ask(dialplan, call, *dialplan.phrase(phrase)))

    def _ask(self, dialplan: Dialplan, call: CallState, *before: Prompt) -> Gather:
        seconds = dialplan.defaults.wait_s if self.wait is None else self.wait
        prompts = (*before, *filled(dialplan, call, self.confirm, call.language))
        return Gather(prompts, seconds, keys=f"0{YES}{NO}")

    def vocabulary(self, dialplan: Dialplan, call: CallState) -> Vocabulary | None:
        return YES_NO

    def named(self, dialplan: Dialplan, call: CallState, option: str) -> tuple[Prompt, ...]:
        return ()

    def asks_back(self, call: CallState) -> bool:
        return True

    def exits(self) -> Mapping[Path, str]:
        return {("then",): self.then, ("otherwise",): self.otherwise}

    def prompts(self) -> Mapping[Path, tuple[Prompt, ...]]:
        return {("confirm",): texts(self.confirm)}
