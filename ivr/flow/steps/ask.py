"""`ask`: let the caller key in a number, and read it back.

    kilometer:
      ask: Tekan angka kilometer jalan tol, lalu tekan pagar.
      digits: 1-3
      then: instansi
      read_back: yes        # optional, as are the next three
      tries: 2
      wait: 4s
      otherwise: instansi

`#` ends the number; one that is as long as it may be needs none. A caller who keys in nothing, or too
little, is asked again, `tries` times in all; then the call goes on with `otherwise`. A number that is
read back is taken with a yes, or where nothing is said against it. Whose answer is neither yes nor no
hears it once more. A single `0`, and
then nothing, is the operator here too. `{kilometer}` in a whisper or a `confirm` says the digits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from ivr.flow.actions import FINISH, Gather
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
from ivr.flow.vocabulary import NO_VALUE as NO
from ivr.flow.vocabulary import YES_NO, of_digits
from ivr.flow.vocabulary import YES_VALUE as YES
from ivr.flow.written import Seconds, Sentence, Target, Written

MAX_DIGITS = 16

_DIGITS = re.compile(r"([0-9]{1,2})(?:-([0-9]{1,2}))?", re.ASCII)


def _digits(value: object) -> object:
    found = _DIGITS.fullmatch(value.strip()) if isinstance(value, str) else None
    least, most = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= least <= most <= MAX_DIGITS:
        raise PydanticCustomError(
            "digits",
            "`{value}` bukan banyaknya angka. Tulis misalnya 4, atau 1-3; paling banyak {most}.",
            {"value": str(value)[:40], "most": MAX_DIGITS},
        )
    return least, most


class AskStep(Written):
    """A number from the keypad. Nobody is kept here for it."""

    ask: Sentence = Field(description="Tanyakan ini; penelepon menekan beberapa angka, lalu pagar.")
    digits: Annotated[
        tuple[int, int],
        BeforeValidator(_digits),
        WithJsonSchema({"type": "string", "pattern": f"^{_DIGITS.pattern}$"}),
    ] = Field(description="Banyaknya angka, misalnya 4 atau 1-3; paling banyak 16.")
    then: Target = Field(description="Langkah berikutnya setelah angkanya diketahui.")
    read_back: Literal["yes", "no"] = Field(
        default="yes", description="Bacakan kembali angkanya: yes atau no."
    )
    tries: int | None = Field(
        default=None,
        ge=1,
        le=5,
        description="Berapa kali ditanyakan seluruhnya, bila lain dari `defaults`.",
    )
    wait: Seconds | None = Field(
        default=None,
        ge=1,
        le=30,
        description="Lama menunggu setiap tombol, bila lain dari `defaults`.",
    )
    otherwise: Target = Field(
        default=OPERATOR_STEP, description="Langkah bila penelepon tidak menekan angka yang cukup."
    )

    def enter(self, dialplan: Dialplan, call: CallState) -> Outcome:
        return wait(call, self._ask(dialplan))

    def resume(self, dialplan: Dialplan, call: CallState, event: Answer) -> Outcome:
        digits = event.digits if isinstance(event, DigitsEntered) else ""
        if call.entered is not None:
            return self._read_back(dialplan, call, call.entered, event)
        if len(digits) >= self.digits[0] and digits.isdecimal():
            if self.read_back == "no":
                return self._settled(call, digits)
            return wait(changed(call, entered=digits), self._repeat(dialplan, digits))
        return self._again(dialplan, call, event)

    def _read_back(
        self, dialplan: Dialplan, call: CallState, entered: str, event: Answer
    ) -> Outcome:
        """Silence is no reason to lose a number; an answer that was not understood is none to take it."""
        digits = event.digits if isinstance(event, DigitsEntered) else ""
        if silent(event) or digits == YES:
            return self._settled(call, entered)
        if digits != NO and call.asking != "confirm":
            _, phrase, _ = missed(call, event)
            repeat = self._repeat(dialplan, entered, *dialplan.phrase(phrase))
            return wait(changed(call, asking="confirm"), repeat)
        return self._again(dialplan, changed(call, entered=None, asking=""), event)

    def _again(self, dialplan: Dialplan, call: CallState, event: Answer) -> Outcome:
        call, phrase, _ = missed(call, event)
        if call.no_input + call.no_match >= (self.tries or dialplan.defaults.tries):
            return go(call, self.otherwise)
        return wait(call, self._ask(dialplan, *dialplan.phrase(phrase)))

    def _settled(self, call: CallState, digits: str) -> Outcome:
        return go(changed(call, answers={**call.answers, call.step: digits}), self.then)

    def _ask(self, dialplan: Dialplan, *before: Prompt) -> Gather:
        prompts = (*before, Prompt(self.ask))
        return Gather(prompts, self._seconds(dialplan), self.digits[1], f"0123456789{FINISH}")

    def _repeat(self, dialplan: Dialplan, digits: str, *before: Prompt) -> Gather:
        prompts = (
            *before,
            *dialplan.phrase("read_back"),
            *dialplan.digits(digits),
            *dialplan.phrase("read_back_question"),
        )
        return Gather(prompts, self._seconds(dialplan), keys=f"0{YES}{NO}")

    def _seconds(self, dialplan: Dialplan) -> float:
        return dialplan.defaults.wait_s if self.wait is None else self.wait

    def vocabulary(self, dialplan: Dialplan, call: CallState) -> Vocabulary | None:
        if call.entered is not None:
            return YES_NO
        return of_digits(self.digits[1], "", dialplan.places.spoken)

    def named(self, dialplan: Dialplan, call: CallState, option: str) -> tuple[Prompt, ...]:
        return dialplan.digits(option)

    def asks_back(self, call: CallState) -> bool:
        return self.read_back == "yes"

    def exits(self) -> Mapping[Path, str]:
        return {("then",): self.then, ("otherwise",): self.otherwise}

    def prompts(self) -> Mapping[Path, tuple[Prompt, ...]]:
        return {("ask",): (Prompt(self.ask),)}
