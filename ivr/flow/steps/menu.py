"""`menu`: let the caller choose with one key.

    kejadian:
      menu: Kebakaran tekan 1, lainnya 5. Atau tetap di telepon.
      options:
        1: {incident: kebakaran, words: [kebakaran, api], then: tempat}
        5: {words: [lainnya], then: lainnya}
      tries: 2              # optional, as are the next two
      wait: 4s
      otherwise: operator

No key and a wrong key are counted apart, `tries` of each; then the call goes on with `otherwise`.
`0` is always the operator. `words` are what a caller may say instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pydantic import Field

from ivr.flow.actions import Gather, Learn
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
    wait,
)
from ivr.flow.prompt import Prompt
from ivr.flow.written import Incident, Key, Seconds, Sentence, Target, Written


class Option(Written):
    """What one key means."""

    incident: Incident | None = Field(
        default=None, description="Kejadian yang dicatat bila pilihan ini dipakai."
    )
    words: list[Sentence] = Field(
        default_factory=list, description="Kata yang boleh diucapkan sebagai ganti tombol."
    )
    then: Target = Field(description="Langkah berikutnya bila pilihan ini dipakai.")


class MenuStep(Written):
    """Ask, and go where the key leads. A menu is never a gate: it lets everybody through."""

    menu: Sentence = Field(
        description="Tanyakan ini, lalu tunggu satu tombol. Tombol 0 selalu menuju petugas."
    )
    options: dict[Key, Option] = Field(
        min_length=1, description="Arti setiap tombol: 1 sampai 9, * atau #."
    )
    tries: int | None = Field(
        default=None,
        ge=1,
        le=5,
        description="Berapa kali ditanyakan, bila lain dari `defaults`; diam dan tombol salah dihitung "
        "sendiri-sendiri.",
    )
    wait: Seconds | None = Field(
        default=None,
        ge=1,
        le=30,
        description="Lama menunggu tombol setelah kalimat selesai, bila lain dari `defaults`.",
    )
    otherwise: Target = Field(
        default=OPERATOR_STEP, description="Langkah bila tidak ada tombol yang cocok."
    )

    def enter(self, dialplan: Dialplan, call: CallState) -> Outcome:
        return wait(call, self._ask(dialplan))

    def resume(self, dialplan: Dialplan, call: CallState, event: Answer) -> Outcome:
        option = self.options.get(event.digits) if isinstance(event, DigitsEntered) else None
        if option is not None:
            if option.incident is None:
                return go(call, option.then)
            call = replace(call, incident=option.incident)
            return go(call, option.then, Learn("incident", option.incident, dialplan.known(call)))
        call, phrase, times = missed(call, event)
        if times >= (self.tries or dialplan.defaults.tries):
            return go(call, self.otherwise)
        return wait(call, self._ask(dialplan, *dialplan.phrase(phrase)))

    def _ask(self, dialplan: Dialplan, *before: Prompt) -> Gather:
        seconds = dialplan.defaults.wait_s if self.wait is None else self.wait
        return Gather((*before, Prompt(self.menu)), seconds, keys="".join(["0", *self.options]))

    def exits(self) -> Mapping[Path, str]:
        exits: dict[Path, str] = {("otherwise",): self.otherwise}
        for key, option in self.options.items():
            exits["options", key, "then"] = option.then
        return exits

    def prompts(self) -> Mapping[Path, tuple[Prompt, ...]]:
        return {("menu",): (Prompt(self.menu),)}
