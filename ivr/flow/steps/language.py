"""`language`: let the caller choose the language that he is spoken to in.

    bahasa:
      language: Tekan 2 for English.
      options: {2: en}
      then: sambutan
      wait: 2s              # optional

`id` is the language of the dialplan itself; any other one has its sentences in `prompts/<lang>.yaml`
beside it. Who presses nothing goes on at once in the first language, which
responders always hear; who speaks is asked once more.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from ivr.flow.actions import Gather
from ivr.flow.changed import changed
from ivr.flow.events import DigitsEntered, SpeechHeard
from ivr.flow.model import Answer, CallState, Dialplan, Outcome, Path, go, missed, wait
from ivr.flow.prompt import Prompt
from ivr.flow.written import FIRST_LANGUAGE, Key, Language, Seconds, Sentence, Target, Written


class LanguageStep(Written):
    """One question, once; once more for who spoke into it."""

    language: Sentence = Field(description="Tawarkan bahasa lain, sekali saja.")
    options: dict[Key, Language] = Field(
        min_length=1,
        description="Bahasa untuk setiap tombol, misalnya 2: en. `id` adalah bahasa pertama.",
    )
    then: Target = Field(description="Langkah berikutnya, juga bila penelepon diam.")
    wait: Seconds | None = Field(
        default=None, ge=1, le=30, description="Lama menunggu tombol, bila lain dari `defaults`."
    )

    def enter(self, dialplan: Dialplan, call: CallState) -> Outcome:
        return wait(call, self._ask(dialplan))

    def _ask(self, dialplan: Dialplan) -> Gather:
        seconds = dialplan.defaults.wait_s if self.wait is None else self.wait
        keys = "".join(["0", *self.options])
        return Gather((Prompt(self.language),), seconds, keys=keys)

    def resume(self, dialplan: Dialplan, call: CallState, event: Answer) -> Outcome:
        if isinstance(event, SpeechHeard) and call.no_input == 0:
            # His own voice stopped the sentence: he has not heard which key is his.
            return wait(missed(call, event)[0], self._ask(dialplan))
        digits = event.digits if isinstance(event, DigitsEntered) else ""
        chosen = self.options.get(digits, call.language)
        return go(changed(call, language="" if chosen == FIRST_LANGUAGE else chosen), self.then)

    def exits(self) -> Mapping[Path, str]:
        return {("then",): self.then}

    def prompts(self) -> Mapping[Path, tuple[Prompt, ...]]:
        return {("language",): (Prompt(self.language),)}
