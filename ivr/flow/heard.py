"""What words that are written down say, by a vocabulary: the ear of transcripts and of the terminal.

Only whole words count, the longest phrases first, so that "rupat utara" is not "rupat". What may be two
things is not guessed. A cry for help is the operator's key, unless the sentence says what help is needed:
"tolong, ada kebakaran" is a fire.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ivr.flow.spoken import Heard, Phrase, Possible, Vocabulary
from ivr.flow.vocabulary import OPERATOR_VALUE, area_of, plain

ENGINE = "teks"

_DIGITS = {
    word: str(digit)
    for digit, words in enumerate(
        (
            ("nol", "kosong"),
            ("satu",),
            ("dua",),
            ("tiga",),
            ("empat",),
            ("lima",),
            ("enam",),
            ("tujuh",),
            ("delapan",),
            ("sembilan",),
        )
    )
    for word in words
}


def understood(vocabulary: Vocabulary, said: str, confidence: float = 1.0) -> Heard:
    """What was heard where somebody says this, as surely as is told."""
    spoken = plain(said)
    if vocabulary.kind == "digits" and (digits := _digits(spoken)):
        fits = len(digits) <= vocabulary.digits
        return Heard(said, digits if fits else "", confidence if fits else 0.0, engine=ENGINE)
    phrases = (*vocabulary.options, *vocabulary.places)
    places = {phrase.value for phrase in vocabulary.places}
    found = list(dict.fromkeys(_occurring(phrases, spoken)))
    options = [value for value in found if value not in places]
    meant = [value for value in options if value != OPERATOR_VALUE] or options
    where = [value for value in found if value in places]
    where = [value for value in where if area_of(value) is None] or where
    option = meant[0] if len(meant) == 1 else ""
    place = where[0] if len(where) == 1 else ""
    return Heard(
        said,
        option,
        confidence if option else 0.0,
        place,
        confidence if place else 0.0,
        tuple(Possible(value, 0.0) for value in (*meant, *where) if value not in (option, place)),
        ENGINE,
    )


def _occurring(phrases: Iterable[Phrase], spoken: str) -> Iterable[str]:
    """The values of the phrases in a text; no word of it belongs to two of them."""
    left = f" {spoken} "
    for phrase in sorted(phrases, key=lambda phrase: len(phrase.text), reverse=True):
        without = re.sub(rf"(?<= ){re.escape(phrase.text)}(?= )", "|", left)
        if without != left:
            left = without
            yield phrase.value


def _digits(spoken: str) -> str:
    """Digits said one by one; nothing where anything else is said."""
    words = spoken.split()
    if not all(word in _DIGITS or word.isdecimal() for word in words):
        return ""
    return "".join(_DIGITS.get(word, word) for word in words)
