"""`connect`: decide who can help, and ring them in order until somebody takes the call.

    instansi:
      connect: routes
      whisper: "{incident}, {place}. Tekan 1 untuk menerima, 2 bila tidak bisa, 3 untuk mengulang."

The whisper is what a responder hears before the caller is joined; the platform adds from which number
the caller calls. The operator is always the last
target, so this step needs no `then`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from ivr.flow.actions import DecideRoute
from ivr.flow.dialling import after_dial, dial
from ivr.flow.events import RouteDecided
from ivr.flow.model import OPERATOR_ROUTE, Answer, CallState, Dialplan, Outcome, Path, wait
from ivr.flow.prompt import Prompt
from ivr.flow.written import Sentence, Written
from routing.model import OPERATOR

_PLACEHOLDER = re.compile(r"(\{[^{}]*\})")
_KNOWN = ("{incident}", "{place}")


def _whisper(value: str) -> str:
    for part in _PLACEHOLDER.findall(value):
        if part not in _KNOWN:
            raise PydanticCustomError(
                "placeholder",
                "`{part}` tidak dikenal. Yang dapat dipakai: {known}.",
                {"part": part[:40], "known": " dan ".join(_KNOWN)},
            )
    if re.search(r"[{}]", _PLACEHOLDER.sub("", value)):
        raise PydanticCustomError(
            "placeholder", "Kurung kurawal tidak berpasangan. Tulis {incident} atau {place}."
        )
    return value


class ConnectStep(Written):
    """The right agency, told what and where before it says hello."""

    connect: Literal["routes"] = Field(
        description="Hubungkan ke instansi yang tepat menurut agencies.yaml; petugas yang terakhir."
    )
    whisper: Annotated[Sentence, AfterValidator(_whisper)] = Field(
        description="Yang didengar penerima sebelum disambungkan; boleh memakai {incident} dan {place}."
    )

    def enter(self, dialplan: Dialplan, call: CallState) -> Outcome:
        location = call.location
        place = location.code if location else None
        confidence = location.confidence if location else 0.0
        return wait(call, DecideRoute(call.incident, place, confidence))

    def resume(self, dialplan: Dialplan, call: CallState, event: Answer) -> Outcome:
        if not isinstance(event, RouteDecided):
            return after_dial(dialplan, call, event)
        routes = event.routes
        if not routes or routes[-1].agency != OPERATOR:
            routes = (*routes, OPERATOR_ROUTE)
        return wait(call, dial(dialplan, call, routes, self._briefing(dialplan, call)))

    def _briefing(self, dialplan: Dialplan, call: CallState) -> tuple[Prompt, ...]:
        prompts: list[Prompt] = []
        for part in self._parts():
            match part:
                case "{incident}":
                    prompts += dialplan.incident_name(call.incident)
                case "{place}":
                    prompts += dialplan.place_name(call)
                case text:
                    prompts.append(Prompt(text))
        return tuple(prompts)

    def _parts(self) -> list[str]:
        """Placeholders and the sentences between them, without the punctuation that joins them."""
        parts = (part.lstrip(" ,.;:").rstrip() for part in _PLACEHOLDER.split(self.whisper))
        return [part for part in parts if part]

    def exits(self) -> Mapping[Path, str]:
        return {}

    def prompts(self) -> Mapping[Path, tuple[Prompt, ...]]:
        texts = tuple(Prompt(part) for part in self._parts() if part not in _KNOWN)
        return {("whisper",): texts}
