"""What a caller may say at a question, as far as it can keep him longer: for the walk of ``longest``.

Few of all that can be said differ in what follows. What is heard surely is as good as keys: the walk goes
by the keys, but for the first place that is told at a menu, which costs no try. What is not takes a
question more, and each option leads elsewhere; of the places that are named with it, the one whose name
takes longest to say stands for all. More of them count where no keys lead to the same: where a step asks
for the place before the caller is asked for it, where his phone is known, for a kecamatan without a key;
and all of them where turns count (``every``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ivr.flow.events import SpeechHeard
from ivr.flow.model import CallState, Dialplan, listener
from ivr.flow.prompt import Prompt
from ivr.flow.spoken import Heard, Phrase, Vocabulary
from ivr.flow.transcript import NOT_SURELY
from ivr.flow.vocabulary import HELP_ONLY, OPERATOR_VALUE, area_of, kecamatan_of

UNKNOWN = "ucapan tak dimengerti"
SAID, SAID_UNSURELY = "ucapan", "ucapan ragu"


@dataclass(frozen=True, slots=True)
class Place:
    """A place that may be said, and how long its name is to hear."""

    phrase: Phrase
    seconds: float

    @property
    def area(self) -> str | None:
        return area_of(self.phrase.value)


class Speakers:
    """What may be said at the questions of one dialplan; kept by question."""

    def __init__(
        self,
        dialplan: Dialplan,
        seconds: Callable[[Prompt], float],
        told_apart: Iterable[str],
        slowest: str,
        *,
        every: bool,
        speaks: bool,
    ) -> None:
        self.dialplan = dialplan
        self.seconds = seconds
        self.told_apart = frozenset(told_apart)
        self.slowest = slowest
        self.every = every
        self.speaks = speaks
        self.keyed = {c for area in dialplan.places.areas.values() for c in area.kecamatan.values()}
        self.kept: dict[object, list[tuple[str, SpeechHeard]]] = {}

    def at(
        self, call: CallState, vocabulary: Vocabulary, *, place_ahead: bool, place_before: bool
    ) -> list[tuple[str, SpeechHeard]]:
        """What is said there, in words and as it is heard. ``place_ahead``: some step asks for the place;
        ``place_before``: one does before the caller is asked for it."""
        if not self.speaks:
            return []
        if vocabulary == HELP_ONLY:
            return [(UNKNOWN, SpeechHeard(Heard("")))]
        within = call.place if call.asking == "desa" else None
        # Who comes to the question for the place a second time is not asked about his phone.
        phone = call.learned is not None and call.place_asked == 0
        matters = place_before or phone if vocabulary.kind == "menu" else place_ahead
        news = vocabulary.kind == "menu" and not call.named
        key = (call.step, call.asking, call.area, within, vocabulary.kind, matters, news)
        if key not in self.kept:
            matters = matters or self.every
            self.kept[key] = [*self._said(call, vocabulary, matters=matters, news=news)]
        return self.kept[key]

    def _said(
        self, call: CallState, vocabulary: Vocabulary, *, matters: bool, news: bool
    ) -> Iterator[tuple[str, SpeechHeard]]:
        yield UNKNOWN, SpeechHeard(Heard(""))
        if vocabulary.kind == "yes_no":  # the keys say it, at the same moment
            return
        options = self._options(call, vocabulary)
        for option in options:
            yield _heard(NOT_SURELY, option)
            if self.every:
                yield _heard(1.0, option)
        if news and not matters:
            for place in self._places(vocabulary, matters=True):
                if self._has_keys(place):
                    yield _heard(1.0, place=place.phrase)
        for place in self._places(vocabulary, matters=matters):
            surely = matters or not self._has_keys(place)
            if surely:
                yield _heard(1.0, place=place.phrase)
            if vocabulary.kind != "menu":
                yield _heard(NOT_SURELY, place=place.phrase)
                continue
            for option in options:
                yield _heard(NOT_SURELY, option, place.phrase)
                if surely:
                    yield _heard(1.0, option, place.phrase)

    def _options(self, call: CallState, vocabulary: Vocabulary) -> list[Phrase]:
        options = [one for one in _one_each(vocabulary.options) if one.value != OPERATOR_VALUE]
        step = listener(self.dialplan.step(call.step))
        if step is not None and step.asks_back(call):
            return options
        lengths = range(1, vocabulary.digits + 1)
        return [*options, *(Phrase(" ".join(self.slowest * n), self.slowest * n) for n in lengths)]

    def _places(self, vocabulary: Vocabulary, *, matters: bool) -> list[Place]:
        """Those that count: every area and of each kecamatan one name, or fewer of them."""
        found: dict[str, Place] = {}
        for phrase in vocabulary.places:
            area = area_of(phrase.value)
            where = phrase.value if area is not None else kecamatan_of(phrase.value)
            if area in self.dialplan.places.areas:
                name = self.dialplan.area(area or "").name
            elif where in self.dialplan.places.names:
                name = self.dialplan.places.names[where]
            else:
                continue
            found.setdefault(where, Place(phrase, self.seconds(Prompt(name))))
        kecamatan = {where: place for where, place in found.items() if place.area is None}
        longest = [
            max(places, key=lambda where: places[where].seconds)
            for places in (found, kecamatan)
            if places
        ]
        asked = self.seconds(self.dialplan.places.prompt) + self.dialplan.defaults.wait_s
        return [
            place
            for where, place in found.items()
            if where in longest
            or where in self.told_apart
            or (place.area is not None and (matters or place.seconds > asked))
        ]

    def _has_keys(self, place: Place) -> bool:
        return place.area is not None or kecamatan_of(place.phrase.value) in self.keyed


def _one_each(phrases: Iterable[Phrase]) -> list[Phrase]:
    """The first phrase of every value."""
    found: dict[str, Phrase] = {}
    for phrase in phrases:
        found.setdefault(phrase.value, phrase)
    return [*found.values()]


def _heard(
    confidence: float, option: Phrase | None = None, place: Phrase | None = None
) -> tuple[str, SpeechHeard]:
    text = ", ".join(phrase.text for phrase in (option, place) if phrase is not None)
    heard = Heard(
        text,
        option.value if option is not None else "",
        confidence if option is not None else 0.0,
        place.value if place is not None else "",
        confidence if place is not None else 0.0,
    )
    how = SAID_UNSURELY if confidence == NOT_SURELY else SAID
    return f"{how} “{text}”", SpeechHeard(heard)
