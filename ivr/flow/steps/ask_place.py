"""`ask_place`: ask where help is needed, with two keys: the area, then the kecamatan.

    tempat:
      ask_place: [wilayah, kecamatan]     # the questions stand in places.yaml
      then: instansi

The call always goes on. Without an area the place is unknown; with the area alone, its first
kecamatan stands in for it and is marked as a guess. `0` is the operator here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from pydantic import Field

from ivr.flow.actions import Gather, Learn
from ivr.flow.events import DigitsEntered
from ivr.flow.model import (
    GUESSED_CONFIDENCE,
    PRESSED_CONFIDENCE,
    Answer,
    Area,
    CallState,
    Dialplan,
    Outcome,
    Path,
    go,
    missed,
    wait,
)
from ivr.flow.prompt import Prompt
from ivr.flow.written import Target, Written


class AskPlaceStep(Written):
    """Two questions at most for a caller who answers; nobody is kept here for an answer."""

    ask_place: tuple[Literal["wilayah"], Literal["kecamatan"]] = Field(
        description="Tanyakan tempat kejadian dengan dua tombol; pertanyaannya di places.yaml."
    )
    then: Target = Field(description="Langkah berikutnya, juga bila tempat tidak diketahui.")

    def enter(self, dialplan: Dialplan, call: CallState) -> Outcome:
        call = replace(call, area=None, place=None, confidence=0.0)
        return wait(call, _ask_area(dialplan))

    def resume(self, dialplan: Dialplan, call: CallState, event: Answer) -> Outcome:
        digits = event.digits if isinstance(event, DigitsEntered) else ""
        if call.area is not None:
            return self._kecamatan(dialplan, call, event, digits)
        if digits in dialplan.places.areas:
            call = replace(call, area=digits, no_input=0, no_match=0)
            return wait(call, _ask_kecamatan(dialplan, dialplan.area(digits)))
        call, phrase, times = missed(call, event)
        if times >= dialplan.defaults.tries:
            return go(call, self.then)
        return wait(call, _ask_area(dialplan, *dialplan.phrase(phrase)))

    def _kecamatan(
        self, dialplan: Dialplan, call: CallState, event: Answer, digits: str
    ) -> Outcome:
        area = dialplan.area(call.area or "")
        if digits in area.kecamatan:
            return self._settled(dialplan, call, area.kecamatan[digits], PRESSED_CONFIDENCE)
        call, phrase, times = missed(call, event)
        if not digits or times >= dialplan.defaults.tries:
            # Silence here is no reason to ask again: the area is known, and help can start.
            code = next(iter(area.kecamatan.values()))
            return self._settled(dialplan, call, code, GUESSED_CONFIDENCE)
        return wait(call, _ask_kecamatan(dialplan, area, *dialplan.phrase(phrase)))

    def _settled(
        self, dialplan: Dialplan, call: CallState, code: str, confidence: float
    ) -> Outcome:
        call = replace(call, place=code, confidence=confidence)
        return go(call, self.then, Learn("place", code, dialplan.known(call)))

    def exits(self) -> Mapping[Path, str]:
        return {("then",): self.then}

    def prompts(self) -> Mapping[Path, tuple[Prompt, ...]]:
        return {}


def _ask_area(dialplan: Dialplan, *before: Prompt) -> Gather:
    keys = "".join(["0", *dialplan.places.areas])
    return Gather((*before, dialplan.places.prompt), dialplan.defaults.wait_s, keys=keys)


def _ask_kecamatan(dialplan: Dialplan, area: Area, *before: Prompt) -> Gather:
    keys = "".join(["0", *area.kecamatan])
    return Gather((*before, area.prompt), dialplan.defaults.wait_s, keys=keys)
