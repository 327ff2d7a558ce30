"""`record`: let the caller say in a few words what happened, for whoever takes the call.

    keterangan:
      record: Ceritakan singkat apa yang terjadi, lalu tekan pagar.
      then: instansi
      seconds: 10s          # optional: at most so long

Any key ends it, so do three seconds of silence. Who says nothing goes on all the same. `{keterangan}`
in a whisper plays it. `0` is the operator here too.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from ivr.flow.actions import Record
from ivr.flow.changed import changed
from ivr.flow.events import Recorded
from ivr.flow.model import Answer, CallState, Dialplan, Outcome, Path, go, wait
from ivr.flow.prompt import Prompt
from ivr.flow.written import Seconds, Sentence, Target, Written


class RecordStep(Written):
    """The caller's own words, once; there is no second try."""

    record: Sentence = Field(description="Ucapkan ini, lalu rekam keterangan singkat penelepon.")
    then: Target = Field(description="Langkah berikutnya, juga bila penelepon diam.")
    seconds: Seconds = Field(
        default=10.0, ge=3, le=30, description="Rekam paling lama sekian; 3s sampai 30s."
    )

    def enter(self, dialplan: Dialplan, call: CallState) -> Outcome:
        return wait(call, Record(call.step, (Prompt(self.record),), self.seconds))

    def resume(self, dialplan: Dialplan, call: CallState, event: Answer) -> Outcome:
        if isinstance(event, Recorded) and call.step not in call.recorded:
            call = changed(call, recorded=(*call.recorded, call.step))
        return go(call, self.then)

    def exits(self) -> Mapping[Path, str]:
        return {("then",): self.then}

    def prompts(self) -> Mapping[Path, tuple[Prompt, ...]]:
        return {("record",): (Prompt(self.record),)}
