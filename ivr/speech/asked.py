"""What may be said at each question of a dialplan, for whoever listens without a call."""

from __future__ import annotations

from collections.abc import Mapping

from ivr.flow.events import CallOffered
from ivr.flow.model import CallState, Dialplan, Listening
from ivr.flow.spoken import Vocabulary
from ivr.flow.vocabulary import HELP_PHRASES, YES_NO

MOST_DIGITS = 5

ANY_DIALPLAN = {
    "yes_no": YES_NO,
    "digits": Vocabulary("digits", HELP_PHRASES, digits=MOST_DIGITS),
}
"""Questions that are the same everywhere, by the names that lists of recordings have for them."""


def vocabularies(dialplan: Dialplan) -> Mapping[str, Vocabulary]:
    """By the name of the step, as a caller meets it who has told nothing yet; and those of any dialplan."""
    offered = CallOffered("listen", 0.0, None, "112", "", "", dialplan.version)
    found = dict(ANY_DIALPLAN)
    for name, step in dialplan.steps.items():
        if isinstance(step, Listening):
            vocabulary = step.vocabulary(dialplan, CallState(offered=offered, step=name))
            if vocabulary is not None:
                found[name] = vocabulary
    return found


def named(vocabulary: Vocabulary, value: str) -> str:
    """What a value stands for, in the vocabulary's first words for it; digits stand for themselves."""
    phrases = (*vocabulary.options, *vocabulary.places)
    return next((phrase.text for phrase in phrases if phrase.value == value), value)
