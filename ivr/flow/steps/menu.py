"""`menu`: let the caller choose with one key.

    kejadian:
      menu: Kebakaran tekan 1, lainnya 5. Atau tetap di telepon.
      options:
        1: {incident: kebakaran, words: [kebakaran, api], then: tempat}
        5: {words: [lainnya], then: lainnya}
      tries: 2              # optional, as are the next four
      wait: 4s
      otherwise: operator
      listen: yes
      bargein: speech

No key and a wrong key are counted apart, `tries` of each; then the call goes on with `otherwise`.
`0` is always the operator. `words` are what a caller may say instead; the name of an option's incident
is one of them, and so are the words of a menu that follows at once: who names it there is not asked
again. With `listen: no` keys only count, and a cry for help; with `bargein: keys` the sentence
is spoken to its end before anybody listens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

from ivr.flow.actions import Gather, Learn
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
    wait,
)
from ivr.flow.prompt import Prompt
from ivr.flow.spoken import Vocabulary
from ivr.flow.vocabulary import of_menu
from ivr.flow.written import Incident, Key, Seconds, Sentence, Target, Written


class Option(Written):
    """What one key means."""

    incident: Incident | None = Field(
        default=None, description="Kejadian yang dicatat bila pilihan ini dipakai."
    )
    words: list[Sentence] = Field(
        default_factory=list,
        description="Kata yang boleh diucapkan sebagai ganti tombol; nama kejadiannya selalu boleh.",
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
    listen: Literal["yes", "no"] = Field(
        default="yes",
        description="yes: penelepon boleh menjawab dengan kata. no: hanya tombol, dan minta tolong.",
    )
    bargein: Literal["speech", "keys"] = Field(
        default="speech",
        description="speech: suara penelepon menghentikan kalimat ini. keys: hanya tombol yang "
        "menghentikannya, dan kata didengar setelah kalimat selesai.",
    )

    def enter(self, dialplan: Dialplan, call: CallState) -> Outcome:
        return wait(call, self._ask(dialplan))

    def resume(self, dialplan: Dialplan, call: CallState, event: Answer) -> Outcome:
        option = self.options.get(event.digits) if isinstance(event, DigitsEntered) else None
        if option is not None:
            if option.incident is None:
                return go(call, option.then)
            call = changed(call, incident=option.incident)
            return go(call, option.then, Learn("incident", option.incident, dialplan.known(call)))
        call, phrase, times = missed(call, event)
        if times >= (self.tries or dialplan.defaults.tries):
            return go(call, self.otherwise)
        return wait(call, self._ask(dialplan, *dialplan.phrase(phrase)))

    def _ask(self, dialplan: Dialplan, *before: Prompt) -> Gather:
        seconds = dialplan.defaults.wait_s if self.wait is None else self.wait
        return Gather(
            (*before, Prompt(self.menu)),
            seconds,
            keys="".join(["0", *self.options]),
            bargein=self.bargein == "speech",
        )

    def vocabulary(self, dialplan: Dialplan, call: CallState) -> Vocabulary | None:
        if self.listen == "no":
            return None
        own, behind = tuple(self._words(dialplan)), tuple(self._words_behind(dialplan))
        return of_menu(own, behind, dialplan.places.spoken)

    def named(self, dialplan: Dialplan, call: CallState, option: str) -> tuple[Prompt, ...]:
        key, behind = option[0], option[1:]
        chosen = self.options[key]
        following = dialplan.step(chosen.then)
        if behind and isinstance(following, MenuStep):
            return following.named(dialplan, call, behind)
        if chosen.incident is not None:
            return dialplan.incident_name(chosen.incident)
        return tuple(Prompt(word) for word in chosen.words[:1])

    def asks_back(self, call: CallState) -> bool:
        return False

    def _words(self, dialplan: Dialplan) -> Iterator[tuple[str, str]]:
        """Each word that chooses an option, with its key."""
        for key, option in self.options.items():
            for word in option.words:
                yield word, key
            if option.incident is not None:
                yield dialplan.phrases.get(f"incident.{option.incident}", ""), key

    def _words_behind(self, dialplan: Dialplan) -> Iterator[tuple[str, str]]:
        """The words of the menus that follow at once, with all the keys that lead there."""
        for key, option in self.options.items():
            following = dialplan.step(option.then)
            if isinstance(following, MenuStep) and following.listen == "yes":
                for word, behind in following._words(dialplan):
                    yield word, f"{key}{behind}"

    def exits(self) -> Mapping[Path, str]:
        exits: dict[Path, str] = {("otherwise",): self.otherwise}
        for key, option in self.options.items():
            exits["options", key, "then"] = option.then
        return exits

    def prompts(self) -> Mapping[Path, tuple[Prompt, ...]]:
        """Its sentence, and how a caller is asked whether he named an option that is no incident."""
        found: dict[Path, tuple[Prompt, ...]] = {("menu",): (Prompt(self.menu),)}
        for key, option in self.options.items():
            if self.listen == "yes" and option.incident is None and option.words:
                found["options", key, "words", 0] = (Prompt(option.words[0]),)
        return found
