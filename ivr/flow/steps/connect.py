"""`connect`: decide who can help, and ring them in order until somebody takes the call.

    instansi:
      connect: routes
      whisper: "{incident}, {place}. Tekan 1 untuk menerima, 2 bila tidak bisa, 3 untuk mengulang."

The whisper is what a responder hears before the caller is joined: `{incident}`, `{place}`, and by the
name of an `ask` or `record` step what the caller answered there. Before it come the reasons of the
decision for which there is a shared sentence (`because.<rule>`), such as that the place is only a guess.
The platform adds from which number the caller calls. The operator is always the last target, so this
step needs no `then`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from ivr.flow.actions import DecideRoute
from ivr.flow.dialling import after_dial, dial
from ivr.flow.events import RouteDecided
from ivr.flow.model import OPERATOR_ROUTE, Answer, CallState, Dialplan, Outcome, Path, wait
from ivr.flow.prompt import Prompt
from ivr.flow.template import Template, filled, texts
from ivr.flow.written import Written
from routing.model import OPERATOR, Reason


class ConnectStep(Written):
    """The right agency, told what and where before it says hello."""

    connect: Literal["routes"] = Field(
        description="Hubungkan ke instansi yang tepat menurut agencies.yaml; petugas yang terakhir."
    )
    whisper: Template = Field(
        description="Yang didengar penerima sebelum disambungkan; boleh memakai {incident}, {place} "
        "dan {nama-langkah}."
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
        whisper = self._briefing(dialplan, call, event.because)
        return wait(call, dial(dialplan, call, routes, whisper))

    def _briefing(
        self, dialplan: Dialplan, call: CallState, because: tuple[Reason, ...]
    ) -> tuple[Prompt, ...]:
        """What and where, and before it what of the reasons changes what a responder does."""
        said = dict.fromkeys(f"because.{reason.rule_id}" for reason in because)
        reasons = (prompt for key in said for prompt in dialplan.phrase(key))
        return (*dialplan.marked(call), *reasons, *filled(dialplan, call, self.whisper))

    def exits(self) -> Mapping[Path, str]:
        return {}

    def prompts(self) -> Mapping[Path, tuple[Prompt, ...]]:
        return {("whisper",): texts(self.whisper)}
