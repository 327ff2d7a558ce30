"""`ask_place`: ask where help is needed, with two keys: the area, then the kecamatan.

    tempat:
      ask_place: [wilayah, kecamatan]     # the questions stand in places.yaml
      then: instansi

The call always goes on. Without an area the place is unknown; with the area alone, its first
kecamatan stands in for it and is marked as a guess. `0` is the operator here too.

Nobody is asked what his phone has told already. Where it is sure of the kecamatan, the question is
left out; where it is not, one key says whether it is right; whoever says no is asked, and so is who
has just been asked whether he was heard rightly. So it goes also
with a location that arrives while the caller is being asked. Whoever comes here a second time did not
agree with what was found, and is asked. What he has missed is counted over all of these questions, so
that none of them keeps him long.

`[wilayah, kecamatan, desa]` asks for the four digits of the desa too, `kodepos` takes the postcode
after `*` instead of the area; both may stand there. Neither is a gate: silence goes on.

Names may be said instead: of an area, of a kecamatan or of a desa, which settles it. Who has said one
before, with what happened, is not asked for it here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ivr.flow.actions import FINISH, Gather, Learn
from ivr.flow.changed import changed
from ivr.flow.events import DigitsEntered
from ivr.flow.model import (
    GUESSED_CONFIDENCE,
    PRESSED_CONFIDENCE,
    SPOKEN_CONFIDENCE,
    Answer,
    Area,
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
from ivr.flow.vocabulary import YES_NO, area_of, names_of, of_digits, of_place
from ivr.flow.vocabulary import YES_VALUE as YES
from ivr.flow.written import Target, Written
from routing.best import GUESS
from routing.model import PRESSED, SPOKEN, Location

SURE_CONFIDENCE = 0.9
"""From here on a location of the phone stands in for the question."""

UNSURE_CONFIDENCE = 0.5
"""From here on the caller is asked whether it is right; under it, he is asked where."""

MAX_CONFIRMATIONS = 2
"""So often in one call at most is anybody asked whether his phone is right."""

POSTCODE_KEY = "*"

_MORE = ((), ("desa",), ("kodepos",), ("desa", "kodepos"), ("kodepos", "desa"))
_DIGITS = f"0123456789{FINISH}"
_WITH_A_PLACE = ("", "inside", "snapped")


class AskPlaceStep(Written):
    """Two questions at most for a caller who answers; nobody is kept here for an answer."""

    ask_place: tuple[Literal["wilayah", "kecamatan", "desa", "kodepos"], ...] = Field(
        description="Tanyakan tempat kejadian dengan dua tombol; pertanyaannya di places.yaml. "
        "Boleh ditambah desa (empat angka) dan kodepos (tombol bintang)."
    )
    then: Target = Field(description="Langkah berikutnya, juga bila tempat tidak diketahui.")

    @model_validator(mode="after")
    def _begins_with_the_two_keys(self) -> Self:
        first, more = self.ask_place[:2], self.ask_place[2:]
        if first != ("wilayah", "kecamatan") or more not in _MORE:
            raise PydanticCustomError(
                "place-questions",
                "Tulis `[wilayah, kecamatan]`, bila perlu ditambah `desa` dan `kodepos`.",
            )
        return self

    def enter(self, dialplan: Dialplan, call: CallState) -> Outcome:
        asked = min(call.place_asked + 1, 2)
        call = changed(call, place_asked=asked)
        if call.named:
            return self._said(dialplan, call)
        call = changed(call, area=None, place=None, confidence=0.0)
        return self.located(dialplan, call) or wait(call, self._ask_area(dialplan, ""))

    def located(self, dialplan: Dialplan, call: CallState) -> Outcome | None:
        """What the phone tells, instead of a question that has no answer yet."""
        kecamatan = _known(dialplan, call)
        if kecamatan is None or call.place_asked > 1 or call.asking in ("postcode", "desa"):
            return None
        sure = call.learned is not None and call.learned.confidence >= SURE_CONFIDENCE
        if call.area is not None:
            # He has named the area: only what fits it, for certain, spares him the second key.
            fits = kecamatan in dialplan.area(call.area).kecamatan.values()
            return self._found(dialplan, call) if sure and fits else None
        if sure:
            return self._found(dialplan, call)
        if kecamatan == call.entered or call.confirmations >= MAX_CONFIRMATIONS or call.asked_back:
            return None
        call = changed(
            call,
            asking="confirm",
            entered=kecamatan,
            confirmations=call.confirmations + 1,
        )
        return wait(call, _ask_whether(dialplan, kecamatan))

    def resume(self, dialplan: Dialplan, call: CallState, event: Answer) -> Outcome:
        if call.named:
            return self._said(dialplan, call)
        digits = event.digits if isinstance(event, DigitsEntered) else ""
        match call.asking:
            case "confirm":
                return self._confirmed(dialplan, call, event, digits)
            case "postcode":
                return self._postcode(dialplan, call, digits)
            case "desa":
                return self._desa(dialplan, call, digits)
        if call.area is not None:
            return self._kecamatan(dialplan, call, event, digits)
        if digits in dialplan.places.areas:
            source = SPOKEN if call.spoken else PRESSED
            call = changed(call, area=digits, place_source=source, no_input=0, no_match=0)
            return wait(call, _ask_kecamatan(dialplan, dialplan.area(digits)))
        if digits == POSTCODE_KEY and self._takes_postcodes(call.asking):
            call = changed(call, asking="postcode", no_match=0)
            return wait(call, _ask_postcode(dialplan, "place_postcode"))
        return self._area_missed(dialplan, call, event)

    def _said(self, dialplan: Dialplan, call: CallState) -> Outcome:
        """The caller has named the place, or its area, in words."""
        area = area_of(call.named)
        call = changed(call, named="")
        if area is None:
            return go(call, self.then)
        return self.located(dialplan, call) or wait(
            call, _ask_kecamatan(dialplan, dialplan.area(area))
        )

    def _area_missed(self, dialplan: Dialplan, call: CallState, event: Answer) -> Outcome:
        call, phrase, times = missed(call, event)
        if times >= dialplan.defaults.tries:
            return go(call, self.then)
        return wait(call, self._ask_area(dialplan, call.asking, *dialplan.phrase(phrase)))

    def _confirmed(
        self, dialplan: Dialplan, call: CallState, event: Answer, digits: str
    ) -> Outcome:
        """Silence is no reason to lose a place that is likely: it stays what it was, unsure."""
        kecamatan = call.entered or ""
        if digits == YES:
            return self._chosen(dialplan, call, kecamatan)
        if digits == NO:
            call = changed(
                call,
                asking="",
                entered=None,
                not_there=(*call.not_there, kecamatan),
            )
            return wait(call, self._ask_area(dialplan, ""))
        call, phrase, times = missed(call, event)
        if silent(event) or times >= dialplan.defaults.tries:
            return self._found(dialplan, call)
        return wait(call, _ask_whether(dialplan, kecamatan, *dialplan.phrase(phrase)))

    def _kecamatan(
        self, dialplan: Dialplan, call: CallState, event: Answer, digits: str
    ) -> Outcome:
        area = dialplan.area(call.area or "")
        if digits in area.kecamatan:
            kecamatan = area.kecamatan[digits]
            settled = self._chosen(dialplan, call, kecamatan)
            if "desa" not in self.ask_place or not dialplan.places.desa.get(kecamatan):
                return settled
            call = changed(settled.call, asking="desa")
            return wait(call, *settled.actions, _ask_desa(dialplan))
        call, phrase, times = missed(call, event)
        if silent(event) or times >= dialplan.defaults.tries:
            # Silence here is no reason to ask again: the area is known, and help can start.
            code = next(iter(area.kecamatan.values()))
            return self._settled(dialplan, call, code, GUESSED_CONFIDENCE)
        return wait(call, _ask_kecamatan(dialplan, area, *dialplan.phrase(phrase)))

    def _desa(self, dialplan: Dialplan, call: CallState, digits: str) -> Outcome:
        code = dialplan.places.desa.get(call.place or "", {}).get(digits)
        if code is None:
            return go(call, self.then)
        return self._chosen(dialplan, call, code)

    def _postcode(self, dialplan: Dialplan, call: CallState, digits: str) -> Outcome:
        """Asked for twice; then the area is, without a way back here."""
        code = dialplan.places.postcodes.get(digits)
        if code is not None:
            return self._chosen(dialplan, call, code)
        if call.no_match == 0:
            call = changed(call, no_match=1)
            return wait(call, _ask_postcode(dialplan, "place_postcode_unknown"))
        return wait(changed(call, asking="keys"), self._ask_area(dialplan, "keys"))

    def _found(self, dialplan: Dialplan, call: CallState) -> Outcome:
        """Go on with what is known of the phone; the caller has said nothing himself."""
        place = call.location.kecamatan if call.location is not None else None
        learn = (Learn("place", place, _told(dialplan, call)),) if place is not None else ()
        return go(call, self.then, *learn)

    def _chosen(self, dialplan: Dialplan, call: CallState, code: str) -> Outcome:
        """The caller has chosen this place, with a key or in words."""
        if call.spoken:
            call = changed(call, place_source=SPOKEN)
            return self._settled(dialplan, call, code, SPOKEN_CONFIDENCE)
        call = changed(call, place_source=PRESSED)
        return self._settled(dialplan, call, code, PRESSED_CONFIDENCE)

    def _settled(
        self, dialplan: Dialplan, call: CallState, code: str, confidence: float
    ) -> Outcome:
        call = changed(call, place=code, confidence=confidence)
        return go(call, self.then, Learn("place", code, _told(dialplan, call)))

    def _takes_postcodes(self, asking: str) -> bool:
        return "kodepos" in self.ask_place and asking == ""

    def _ask_area(self, dialplan: Dialplan, asking: str, *before: Prompt) -> Gather:
        postcode = POSTCODE_KEY if self._takes_postcodes(asking) else ""
        keys = "".join(dict.fromkeys(["0", *dialplan.places.areas, *postcode]))
        return Gather((*before, dialplan.places.prompt), dialplan.defaults.wait_s, keys=keys)

    def vocabulary(self, dialplan: Dialplan, call: CallState) -> Vocabulary | None:
        match call.asking:
            case "confirm":
                return YES_NO
            case "postcode":
                return of_digits(5, "", dialplan.places.spoken)
            case "desa":
                return of_digits(4, call.place or "", dialplan.places.spoken)
        if call.area is None:
            own = tuple((area.name, key) for key, area in dialplan.places.areas.items())
        else:
            own = tuple(_names_in(dialplan, dialplan.area(call.area)))
        return of_place(own, dialplan.places.spoken)

    def named(self, dialplan: Dialplan, call: CallState, option: str) -> tuple[Prompt, ...]:
        if call.asking in ("postcode", "desa"):
            return dialplan.digits(option)
        if call.area is None:
            return (Prompt(dialplan.area(option).name),)
        code = dialplan.area(call.area).kecamatan[option]
        return (Prompt(dialplan.places.names[code]),)

    def asks_back(self, call: CallState) -> bool:
        return False

    def exits(self) -> Mapping[Path, str]:
        return {("then",): self.then}

    def prompts(self) -> Mapping[Path, tuple[Prompt, ...]]:
        return {}


def _names_in(dialplan: Dialplan, area: Area) -> Iterator[tuple[str, str]]:
    """What the kecamatan of an area are called, with their keys."""
    for key, code in area.kecamatan.items():
        yield dialplan.places.names[code], key
        for name in names_of(code, dialplan.places.spoken):
            yield name, key


def _known(dialplan: Dialplan, call: CallState) -> str | None:
    """The kecamatan of the phone, if it is worth a word and the caller has not denied it."""
    phone = call.learned
    if phone is None or phone.confidence < UNSURE_CONFIDENCE or not _has_a_place(phone):
        return None
    kecamatan = phone.kecamatan
    if kecamatan not in dialplan.places.names or kecamatan in call.not_there:
        return None
    return kecamatan


def _told(dialplan: Dialplan, call: CallState) -> tuple[Prompt, ...]:
    """All that is known; of a guess last that it is one. Who takes over has a code that looks sure."""
    location = call.location
    guessed = location is not None and location.confidence < GUESS
    doubt = dialplan.phrase("because.low-confidence") if guessed else ()
    return (*dialplan.known(call), *doubt)


def _has_a_place(location: Location) -> bool:
    return location.code is not None and location.kind in _WITH_A_PLACE


def _ask_whether(dialplan: Dialplan, kecamatan: str, *before: Prompt) -> Gather:
    prompts = (
        *before,
        *dialplan.phrase("place_confirm"),
        Prompt(dialplan.places.names[kecamatan]),
        *dialplan.phrase("place_confirm_question"),
    )
    # A key for the area would be taken for a yes; asked again, he has heard the name once.
    return Gather(prompts, dialplan.defaults.wait_s, keys=f"0{YES}{NO}", fresh=not before)


def _ask_kecamatan(dialplan: Dialplan, area: Area, *before: Prompt) -> Gather:
    keys = "".join(["0", *area.kecamatan])
    return Gather((*before, area.prompt), dialplan.defaults.wait_s, keys=keys)


def _ask_postcode(dialplan: Dialplan, phrase: str) -> Gather:
    return Gather(dialplan.phrase(phrase), dialplan.defaults.wait_s, 5, _DIGITS)


def _ask_desa(dialplan: Dialplan) -> Gather:
    return Gather(dialplan.phrase("place_desa"), dialplan.defaults.wait_s, 4, _DIGITS)
