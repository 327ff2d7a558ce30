"""How good recognition was: what came of each labelled utterance, and the rates of many. Pure.

It follows what the engine does with what was heard (``ivr.flow.speech``): a value from ``SURE`` on is
acted on, from ``UNSURE`` on the caller is asked whether it is right; yes, no and a cry for help are acted
on unasked. One utterance counts by the worst that happens to its caller.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ivr.flow.speech import Meant, weighed
from ivr.flow.spoken import ENOUGH, UNSURE, Heard, Nothing, Vocabulary
from ivr.flow.vocabulary import AREA, OPERATOR_VALUE
from ivr.speech.manifest import SILENT_KINDS, Labelled

Verdict = Literal["right", "asked_right", "asked_wrong", "again", "person", "wrong"]
"""Acted on and right; asked about the right value; asked about a wrong one; not understood; handed to a
person, who was not asked for; acted on and wrong. Where nothing is to be understood, a person counts as
wrong too, and ``again`` is what is right."""

_WORST_FIRST: tuple[Verdict, ...] = ("wrong", "asked_wrong")


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of ``count`` utterances, between 0 and 1.

    ``accuracy`` is those whose right value was acted on or asked about, ``asked`` those whose caller was
    asked about some value, ``again`` those who must say it once more, press a key or talk to a person.
    """

    count: int
    accuracy: float
    wrong_accepted: float
    asked: float
    asked_wrong: float
    again: float


def verdict(row: Labelled, vocabulary: Vocabulary, heard: Sequence[Heard | Nothing]) -> Verdict:
    """What came of a recording, in which several utterances may have been found.

    While nothing is understood the caller goes on, so the first with something in it counts; where
    nothing is to be understood, the worst.
    """
    found = [_of_one(row, vocabulary, one) for one in heard]
    if row.kind in SILENT_KINDS:
        return next((worst for worst in _WORST_FIRST if worst in found), "again")
    return next((one for one in found if one != "again"), "again")


def place_verdict(row: Labelled, vocabulary: Vocabulary, heard: Heard | Nothing) -> Verdict:
    """The same of the place alone, in a sentence that tells what happened and where."""
    said = understood(vocabulary, heard) if isinstance(heard, Heard) else None
    if said is None or not said.place:
        return "again"
    return _judged(said, said.place in row.places)


def rates(verdicts: Iterable[Verdict]) -> Rates:
    counted = Counter(verdicts)
    count = counted.total()

    def of(*names: Verdict) -> float:
        return round(sum(counted[name] for name in names) / count, 4) if count else 0.0

    return Rates(
        count,
        accuracy=of("right", "asked_right"),
        wrong_accepted=of("wrong"),
        asked=of("asked_right", "asked_wrong"),
        asked_wrong=of("asked_wrong"),
        again=of("again", "person"),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of them do not exceed; 0 without any.

    >>> percentile([3, 1, 2, 4], 0.5), percentile([3, 1, 2, 4], 0.95)
    (2, 4)
    """
    if not values:
        return 0.0
    return sorted(values)[max(0, -int(-share * len(values) // 1) - 1)]


def understood(vocabulary: Vocabulary, heard: Heard) -> Meant | None:
    """What the engine takes it for: ``ivr.flow.speech.meant`` of a call that was asked nothing yet.

    Of values that the dialplan has, and before anything that is read back to the caller.
    """
    unasked = vocabulary.kind == "yes_no" or heard.option == OPERATOR_VALUE
    option = heard.option if heard.confidence >= (ENOUGH if unasked else UNSURE) else ""
    least = ENOUGH if vocabulary.kind == "menu" else UNSURE
    place = heard.place if heard.place_confidence >= least else ""
    return weighed(vocabulary, heard, option, place)


def _of_one(row: Labelled, vocabulary: Vocabulary, heard: Heard | Nothing) -> Verdict:
    said = understood(vocabulary, heard) if isinstance(heard, Heard) else None
    if said is None:
        return "again"
    if said.option == OPERATOR_VALUE:
        if OPERATOR_VALUE in row.options:
            return "right"
        return "wrong" if row.kind in SILENT_KINDS else "person"
    right_place = not said.place or said.place in row.places
    if vocabulary.kind == "menu":
        if not said.option:  # what happened is asked again
            return "again" if right_place else "wrong"
        return _judged(said, said.option in row.options and right_place)
    if vocabulary.kind == "place":
        return _judged(said, (said.place or f"{AREA}{said.option}") in row.places)
    return _judged(said, said.option in row.options)


def _judged(said: Meant, right: bool) -> Verdict:
    if said.sure:
        return "right" if right else "wrong"
    return "asked_right" if right else "asked_wrong"
