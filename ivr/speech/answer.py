"""From likely values to what is told of an utterance. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ivr.flow.spoken import Heard, Possible

LONGEST_TEXT = 200
MOST_ALTERNATIVES = 5
WORTH_TELLING = 0.05
"""What is less likely than this was not understood."""


def heard(text: str, engine: str, options: Sequence[Possible], places: Sequence[Possible]) -> Heard:
    """The first option and the first place, each the likeliest of its kind; the others as alternatives."""
    option = options[0] if options and options[0].confidence >= WORTH_TELLING else None
    place = places[0] if places and places[0].confidence >= WORTH_TELLING else None
    others = [*options[1:], *places[1:]]
    return Heard(
        text=text[:LONGEST_TEXT],
        option=option.value if option else "",
        confidence=option.confidence if option else 0.0,
        place=place.value if place else "",
        place_confidence=place.confidence if place else 0.0,
        alternatives=tuple(
            sorted(
                (one for one in others if one.confidence >= WORTH_TELLING),
                key=lambda one: -one.confidence,
            )[:MOST_ALTERNATIVES]
        ),
        engine=engine,
    )
