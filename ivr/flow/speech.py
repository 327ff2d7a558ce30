"""What follows from what a caller said: taken, asked about once, or not understood.

Confidence decides. Nobody is asked twice in a row, and of one who was not heard rightly nothing more is
understood in this call but a cry for help. Nothing that was heard refuses anybody anything: whatever is
not understood counts as a wrong key does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ivr.flow.actions import Gather, Learn, Plain
from ivr.flow.changed import changed
from ivr.flow.events import DigitsEntered, SpeechHeard
from ivr.flow.model import (
    SPOKEN_CONFIDENCE,
    Answer,
    CallState,
    Dialplan,
    Outcome,
    Proposal,
    listener,
    wait,
)
from ivr.flow.prompt import Prompt
from ivr.flow.spoken import ENOUGH, SURE, UNSURE, Heard, Vocabulary
from ivr.flow.vocabulary import (
    HELP_ONLY,
    NO_VALUE,
    OPERATOR_VALUE,
    YES_NO,
    YES_VALUE,
    area_of,
    kecamatan_of,
)
from routing.model import SPOKEN

MAX_PROPOSALS = 2
"""So often in one call at most is anybody asked whether he was heard rightly."""

_MISSES = ("no_input", "no_match", "speech_unknown")


@dataclass(frozen=True, slots=True)
class Meant:
    """An option, a place, or both. Without ``sure`` the caller is asked whether it is right."""

    option: str
    place: str
    sure: bool = True


def listening(dialplan: Dialplan, call: CallState, asked: Gather) -> Gather:
    """A question, and what may be said at it: help may be cried for at every one. Other languages than
    the first have no words."""
    if asked.vocabulary is not None:
        return asked
    step = listener(dialplan.step(call.step))
    keys_only = call.deaf or call.language or step is None
    vocabulary = None if keys_only or step is None else step.vocabulary(dialplan, call)
    return replace(asked, vocabulary=vocabulary or HELP_ONLY)


def meant(
    dialplan: Dialplan, call: CallState, vocabulary: Vocabulary, heard: Heard
) -> Meant | None:
    """What somebody said at a question; None where it was not understood."""
    option = heard.option if _offered(vocabulary, heard) else ""
    place = heard.place if _placed(dialplan, vocabulary, heard) else ""
    said = weighed(vocabulary, heard, option, place, read_back=_asks_back(dialplan, call))
    if said is None or said.sure or call.proposals < MAX_PROPOSALS:
        return said
    return None


def weighed(
    vocabulary: Vocabulary, heard: Heard, option: str, place: str, *, read_back: bool = False
) -> Meant | None:
    """What of an option and a place that were heard surely enough is meant, and how surely.

    ``read_back``: what is taken as the option is read back to the caller anyway.
    """
    sure_of_place = bool(place) and heard.place_confidence >= SURE
    if option == OPERATOR_VALUE:
        return Meant(option, place if sure_of_place else "")
    if vocabulary.kind == "yes_no":
        return Meant(option, "") if option else None
    if vocabulary.kind == "menu" and not option:
        return Meant("", place) if sure_of_place else None
    if vocabulary.kind != "menu" and option and place:  # both are places: one is meant
        if sure_of_place or heard.place_confidence >= heard.confidence:
            option = ""
        else:
            place = ""
    if not option and not place:
        return None
    sure_of_option = heard.confidence >= SURE or read_back
    if vocabulary.kind == "menu" and sure_of_option and not sure_of_place:
        return Meant(
            option, ""
        )  # a no to the place would lose what happened; it is asked for later
    return Meant(option, place, (sure_of_option or not option) and (sure_of_place or not place))


def propose(dialplan: Dialplan, call: CallState, asked: Gather, said: Meant) -> Outcome:
    """Ask once whether this is what he said. A key for the question before would be taken for a yes."""
    misses = {prompt for phrase in _MISSES for prompt in dialplan.phrase(phrase)}
    again = tuple(prompt for prompt in asked.prompts if prompt not in misses)
    proposal = Proposal(said.option, said.place, replace(asked, prompts=again, vocabulary=None))
    call = changed(call, proposal=proposal, proposals=call.proposals + 1)
    prompts = (*_named(dialplan, call, said), *dialplan.phrase("speech_confirm"))
    keys = f"{OPERATOR_VALUE}{YES_VALUE}{NO_VALUE}"
    question = Gather(prompts, dialplan.defaults.wait_s, keys=keys, fresh=True, vocabulary=YES_NO)
    return wait(call, question)


def agrees(dialplan: Dialplan, call: CallState, answer: Answer) -> str:
    """The key that the answer to a proposal stands for; empty for silence and everything else."""
    if isinstance(answer, DigitsEntered):
        return answer.digits
    said = meant(dialplan, call, YES_NO, answer.heard) if isinstance(answer, SpeechHeard) else None
    return said.option if said is not None else ""


def asked_again(call: CallState, proposal: Proposal) -> Outcome:
    """He was not heard rightly: the question once more, for keys."""
    return wait(changed(call, proposal=None, deaf=True), proposal.asked)


def placed(dialplan: Dialplan, call: CallState, place: str) -> tuple[CallState, tuple[Plain, ...]]:
    """A place is known from the caller's own words, asked for or not."""
    call = changed(call, named=place, place_source=SPOKEN)
    area = area_of(place)
    if area is not None:
        return changed(call, area=area, place=None, confidence=0.0), ()
    call = changed(call, place=place, confidence=SPOKEN_CONFIDENCE)
    return call, (Learn("place", place, dialplan.known(call)),)


def _offered(vocabulary: Vocabulary, heard: Heard) -> bool:
    unasked = vocabulary.kind == "yes_no" or heard.option == OPERATOR_VALUE
    if not heard.confidence >= (ENOUGH if unasked else UNSURE):
        return False
    if any(heard.option == phrase.value for phrase in vocabulary.options):
        return True
    digits = heard.option.isascii() and heard.option.isdecimal()
    return digits and len(heard.option) <= vocabulary.digits


def _placed(dialplan: Dialplan, vocabulary: Vocabulary, heard: Heard) -> bool:
    beside = vocabulary.kind == "menu"
    if not heard.place_confidence >= (ENOUGH if beside else UNSURE):
        return False
    if all(heard.place != phrase.value for phrase in vocabulary.places):
        return False
    area = area_of(heard.place)
    if area is not None:
        return area in dialplan.places.areas
    return kecamatan_of(heard.place) in dialplan.places.names


def _asks_back(dialplan: Dialplan, call: CallState) -> bool:
    step = listener(dialplan.step(call.step))
    return step is not None and step.asks_back(call)


def _named(dialplan: Dialplan, call: CallState, said: Meant) -> tuple[Prompt, ...]:
    """What he is asked about, by its names."""
    step = listener(dialplan.step(call.step))
    option: tuple[Prompt, ...] = ()
    if said.option and step is not None:
        option = step.named(dialplan, call, said.option)
    if not said.place:
        return option
    area = area_of(said.place)
    name = (
        dialplan.area(area).name
        if area is not None
        else dialplan.places.names[kecamatan_of(said.place)]
    )
    return (*option, Prompt(name))
