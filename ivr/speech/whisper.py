"""Whisper as a recogniser of what a menu asks for.

What was said is written down twice, freely and with the vocabulary in mind; every phrase is compared with
both by its sounds; the few nearest are put to the model once more, in the sentence that was heard; and
the three together make a score, of which ``certainty`` makes a chance.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ivr.flow.spoken import SURE, UNSURE, Heard, Nothing, Phrase, Possible, Vocabulary
from ivr.flow.vocabulary import HELP
from ivr.speech import answer, certainty, gate, matching, numbers, phones
from ivr.speech.invented import invented, loops, without_loops, without_repeats
from ivr.speech.recogniser import RATE, Samples
from ivr.speech.whisper_model import Model, Sound

_MODEL = re.compile(
    r"^(faster-)?whisper-|-[0-9a-f]{12}$"
)  # what a folder's name says beside the size
_MOST_KEPT_S = 30
_LONGEST_S = (
    15  # of speech; whoever talks longer has said by then what it is about, or will tell a person
)
_ALONE = 0.6  # a phrase that takes up so much of a text is put to the model without the rest
_LEAD_S, _TAIL_S = 0.3, 0.4
_SAME_END_S = 0.07  # two frames of the voice detection
_CANDIDATES = 6
_FREE, _PROMPTED, _FORCED = 0.45, 0.35, 0.2
_CLEAR, _CLEARLY_LESS, _FORCED_IF_CLEAR = 0.95, 0.75, 0.6
_RIVAL = 0.5  # what some word outside the vocabulary would have scored
_A_LETTER_S, _HASTE = 0.07, 0.5
"""Digits are not said quicker than this; what a reading loses that would need twice the time."""

_UNHEARD = 0.3  # what a phrase counts in a text that holds nothing near it


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value and the words for it; how near each text came, and the sentence that holds the words."""

    value: str
    words: str
    place: bool
    sentence: str
    free: float = _UNHEARD
    prompted: float = _UNHEARD
    forced: float = 0.0
    haste: float = 0.0

    @property
    def score(self) -> float:
        heard = _FREE * self.free + _PROMPTED * self.prompted + _FORCED * self.forced
        return heard - _HASTE * self.haste


class Whisper:
    """A Whisper model in CTranslate2's form, from a folder. Raises CannotListen."""

    def __init__(self, folder: Path) -> None:
        self._model = Model(folder)
        self.name = f"whisper {_MODEL.sub('', folder.name)}"

    def start(self, vocabulary: Vocabulary) -> WhisperUtterance:
        return WhisperUtterance(self._model, self.name, vocabulary)


class WhisperUtterance:
    """Audio is kept until the end; ``finish`` decodes all of it, unless only silence came since the last."""

    def __init__(self, model: Model, name: str, vocabulary: Vocabulary) -> None:
        self._model = model
        self._name = name
        self._vocabulary = vocabulary
        self._samples: list[Samples] = []
        self._kept = 0
        self._last: tuple[int, Heard | Nothing] | None = None

    def feed(self, samples: Samples) -> str:
        room = _MOST_KEPT_S * RATE - self._kept
        self._samples.append(samples[:room].copy())
        self._kept += min(len(samples), room)
        return ""

    def finish(self) -> Heard | Nothing:
        said = np.concatenate(self._samples) if self._samples else np.zeros(0, dtype=np.int16)
        speech = gate.speech(said)
        if speech is None:
            return Nothing("silence")
        if speech.seconds < gate.SPEECH_S:
            return Nothing("noise")
        if self._last is not None and speech.end <= self._last[0] + _SAME_END_S * RATE:
            return self._last[1]
        start = max(0, speech.start - int(_LEAD_S * RATE))
        end = min(speech.end + int(_TAIL_S * RATE), start + _LONGEST_S * RATE)
        found = understand(self._model, self._name, self._vocabulary, said[start:end], speech)
        self._last = speech.end, found
        return found


def understand(
    model: Model, name: str, vocabulary: Vocabulary, said: Samples, speech: gate.Speech
) -> Heard | Nothing:
    sound = model.hear(said)
    free = model.write(sound)
    whole = without_repeats(free.text)  # "api, api, api, api!" is a cry, and no loop
    text = without_loops(whole)
    if loops(text):
        return Nothing("noise", text[: answer.LONGEST_TEXT])
    empty = invented(text) or not phones.words(text)
    doubted = empty or text != whole
    prompted = model.write(sound, _in_mind(text, vocabulary)).text
    written = "" if empty else text if doubted else free.text
    seconds = (speech.end - speech.start) / RATE
    candidates = weighed(model, sound, vocabulary, written, prompted, seconds=seconds)
    found = heard(vocabulary, text, name, candidates, speech)
    if vocabulary.kind == "menu" and found.confidence < UNSURE:
        # Of two hundred names one is like something in most sentences: alone, it is not believed.
        found = replace(found, place_confidence=min(found.place_confidence, SURE - 0.01))
    if not doubted:
        return found
    if max(found.confidence, found.place_confidence) < UNSURE:
        return Nothing("noise", text[: answer.LONGEST_TEXT])
    return replace(
        found,
        confidence=min(found.confidence, SURE - 0.01),
        place_confidence=min(found.place_confidence, SURE - 0.01),
    )


def weighed(
    model: Model,
    sound: Sound,
    vocabulary: Vocabulary,
    text: str,
    prompted: str,
    *,
    seconds: float,
) -> list[Candidate]:
    """The likely values, the likeliest first; those that are near were put to the model again.

    ``seconds`` is how long the voice lasted.
    """
    found = _candidates(vocabulary, text, prompted)
    if vocabulary.digits:
        found = [replace(one, haste=haste(one, seconds)) for one in found]
    found = sorted(found, key=lambda one: -one.score)
    likely, rest = found[:_CANDIDATES], found[_CANDIDATES:]
    if _clear(found):
        likely = [
            replace(one, forced=_FORCED_IF_CLEAR) if min(one.free, one.prompted) >= _CLEAR else one
            for one in likely
        ]
    elif likely:
        sentences = list(dict.fromkeys([text or prompted, *(one.sentence for one in likely)]))
        chances = dict(zip(sentences, model.chances(sound, sentences), strict=True))
        best = max(chances.values())
        likely = [replace(one, forced=chances[one.sentence] / best) for one in likely]
    return sorted([*likely, *rest], key=lambda one: (-one.score, -len(one.words)))


def haste(one: Candidate, seconds: float) -> float:
    """The share of the time for several words that was not there: the model says in a loop what a caller
    said once, and "dua belas" is not "dua belas dua"."""
    if one.place or " " not in one.words:
        return 0.0
    needed = _A_LETTER_S * len(one.words.replace(" ", ""))
    return max(0.0, 1 - seconds / needed)


def _clear(found: list[Candidate]) -> bool:
    """Do both texts say the same, and nothing else? Then the model need not be asked again."""
    any_clear = False
    for place in (False, True):
        heard = [one for one in found if one.place is place]
        if not heard or all(max(one.free, one.prompted) <= _CLEARLY_LESS for one in heard):
            continue
        best = heard[0]
        if min(best.free, best.prompted) < _CLEAR or any(
            max(one.free, one.prompted) > _CLEARLY_LESS for one in heard if one.value != best.value
        ):
            return False
        any_clear = True
    return any_clear


def _candidates(vocabulary: Vocabulary, text: str, prompted: str) -> list[Candidate]:
    every = _digits(vocabulary.digits, text, prompted) if vocabulary.digits else []
    text, prompted = without_repeats(text), without_repeats(prompted)
    spots: dict[tuple[bool, Phrase], Candidate] = {}
    for found in matching.find(text, vocabulary):
        spots[found.place, found.phrase] = replace(_named(text, found), free=found.nearness)
    for found in matching.find(prompted, vocabulary):
        key = found.place, found.phrase
        spots[key] = replace(spots.get(key) or _named(prompted, found), prompted=found.nearness)
    every += spots.values()
    return [*every, *_the_few(vocabulary, text, prompted, {one.value for one in every})]


def _the_few(vocabulary: Vocabulary, text: str, prompted: str, there: set[str]) -> list[Candidate]:
    """Where only a handful of short words may be said, those that stand in no text: the model is asked
    of the nearest of them all the same, for it hears more in a short word than it writes down."""
    words = {}
    if vocabulary.kind == "yes_no":
        words = {one.text: one.value for one in vocabulary.options if one.value != matching.HELP}
    if vocabulary.digits:
        words |= {word: digit for word, digit in numbers.DIGITS.items() if word not in words}
    texts = [phones.sounds(tuple(phones.words(one))) for one in (text, prompted)]
    made = []
    for word, value in words.items():
        if value in there:
            continue
        own = phones.sounds((word,)) if " " not in word else phones.sounds(tuple(word.split()))
        free, minded = (max(phones.likeness(own, one), _UNHEARD) for one in texts)
        made.append(Candidate(value, word, False, word, free=free, prompted=minded))
    return made


def _named(text: str, found: matching.Found) -> Candidate:
    alone = matching.covers(text, found) >= _ALONE
    sentence = found.phrase.text if alone else matching.put(text, found)
    return Candidate(found.phrase.value, found.phrase.text, found.place, sentence)


def _digits(most: int, text: str, prompted: str) -> list[Candidate]:
    """What either text may mean as digits, each as near as the whole text comes to its words.

    A digit said twice is two digits, so the free text counts as it stands; with words in mind the model
    repeats itself more often than a caller does.
    """
    prompted = without_repeats(prompted)
    if not numbers.readings(text, most):
        text = without_repeats(text)
    said = [one for written in (text, prompted) for one in numbers.readings(written, most)]
    return [
        Candidate(
            digits,
            spoken,
            False,
            spoken,
            free=_nearness(digits, spoken, text, most),
            prompted=_nearness(digits, spoken, prompted, most),
        )
        for digits, spoken in dict.fromkeys((one.digits, one.words) for one in said)
    ]


def _nearness(digits: str, spoken: str, text: str, most: int) -> float:
    read = [one.nearness for one in numbers.readings(text, most) if one.digits == digits]
    alike = phones.likeness(
        phones.sounds(tuple(phones.words(spoken))), phones.sounds(tuple(phones.words(text)))
    )
    return max(*read, alike, _UNHEARD) if read else max(alike, _UNHEARD)


def heard(
    vocabulary: Vocabulary,
    text: str,
    name: str,
    candidates: list[Candidate],
    speech: gate.Speech,
) -> Heard:
    options = _without_help(_best_of_each(one for one in candidates if not one.place))
    places = _best_of_each(one for one in candidates if one.place)
    if vocabulary.kind == "menu":  # what happened and where are two questions
        against_options, against_places = options, places
    else:
        against_options = against_places = [*options, *places]
    return answer.heard(
        text,
        name,
        _chances(vocabulary, vocabulary.kind, options, against_options, speech),
        _chances(vocabulary, "place", places, against_places, speech),
    )


def _chances(
    vocabulary: Vocabulary,
    kind: certainty.Kind,
    candidates: list[Candidate],
    rivals: list[Candidate],
    speech: gate.Speech,
) -> list[Possible]:
    """Of each, against the nearest rival of another value."""
    found = []
    for one in candidates:
        margin = one.score - max((_RIVAL, *(it.score for it in rivals if it is not one)))
        if (
            not one.place and one.words in HELP
        ):  # such a cry comes in any sentence, whatever is asked
            chance = certainty.chance("menu", one.score, margin, speech.spread_db)
        elif kind != vocabulary.kind or kind == "digits":
            chance = certainty.chance(kind, one.score, margin, speech.spread_db)
        else:
            chance = certainty.answered(
                kind, one.score, margin, speech.spread_db, seconds=speech.seconds, words=one.words
            )
        found.append(Possible(one.value, chance))
    return found


def _best_of_each(candidates: Iterable[Candidate]) -> list[Candidate]:
    best: dict[str, Candidate] = {}
    for one in candidates:
        if one.value not in best or one.score > best[one.value].score:
            best[one.value] = one
    return sorted(best.values(), key=lambda one: (-round(one.score, 2), -len(one.words)))


def _without_help(options: list[Candidate]) -> list[Candidate]:
    """An option wins over a cry for help in the same sentence."""
    if any(one.value != matching.HELP and one.score >= matching.CLEAR for one in options):
        return [one for one in options if one.value != matching.HELP]
    return options


def _in_mind(text: str, vocabulary: Vocabulary) -> list[str]:
    if not vocabulary.digits:
        return matching.in_mind(text, vocabulary)
    more = ["sepuluh", "sebelas", "dua belas", "dua puluh"] if vocabulary.digits > 1 else []
    return [*numbers.DIGITS, *more, *(one.text for one in vocabulary.options)]
