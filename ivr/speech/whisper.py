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
from ivr.speech import answer, certainty, gate, matching, numbers, phones
from ivr.speech.invented import invented, loops, without_repeats
from ivr.speech.recogniser import RATE, Samples
from ivr.speech.whisper_model import Model, Sound

_MODEL = re.compile(
    r"^(faster-)?whisper-|-[0-9a-f]{12}$"
)  # what a folder's name says beside the size
_LONGEST_S = 15
_ALONE = 0.6  # a phrase that takes up so much of a text is put to the model without the rest
_LEAD_S, _TAIL_S = 0.3, 0.4
_CANDIDATES = 6
_FREE, _PROMPTED, _FORCED = 0.45, 0.35, 0.2
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

    @property
    def score(self) -> float:
        return _FREE * self.free + _PROMPTED * self.prompted + _FORCED * self.forced


class Whisper:
    """A Whisper model in CTranslate2's form, from a folder. Raises CannotListen."""

    def __init__(self, folder: Path) -> None:
        self._model = Model(folder)
        self.name = f"whisper {_MODEL.sub('', folder.name)}"

    def start(self, vocabulary: Vocabulary) -> WhisperUtterance:
        return WhisperUtterance(self._model, self.name, vocabulary)


class WhisperUtterance:
    """Audio is kept until the end; ``finish`` decodes all of it each time."""

    def __init__(self, model: Model, name: str, vocabulary: Vocabulary) -> None:
        self._model = model
        self._name = name
        self._vocabulary = vocabulary
        self._samples: list[Samples] = []

    def feed(self, samples: Samples) -> str:
        self._samples.append(samples.copy())
        return ""

    def finish(self) -> Heard | Nothing:
        said = np.concatenate(self._samples) if self._samples else np.zeros(0, dtype=np.int16)
        speech = gate.speech(said)
        if speech is None:
            return Nothing("silence")
        if speech.seconds < gate.SPEECH_S:
            return Nothing("noise")
        start = max(0, speech.start - int(_LEAD_S * RATE))
        end = min(speech.end + int(_TAIL_S * RATE), start + _LONGEST_S * RATE)
        return understand(self._model, self._name, self._vocabulary, said[start:end], speech)


def understand(
    model: Model, name: str, vocabulary: Vocabulary, said: Samples, speech: gate.Speech
) -> Heard | Nothing:
    sound = model.hear(said)
    free = model.write(sound)
    text = without_repeats(free.text)
    if loops(free.text):
        return Nothing("noise", text[: answer.LONGEST_TEXT])
    doubted = invented(text) or not phones.words(text)
    prompted = without_repeats(model.write(sound, _in_mind(text, vocabulary)).text)
    candidates = weighed(model, sound, vocabulary, "" if doubted else text, prompted)
    found = heard(vocabulary, text, name, candidates, speech)
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
    model: Model, sound: Sound, vocabulary: Vocabulary, text: str, prompted: str
) -> list[Candidate]:
    """The likely values, the likeliest first; those that are near were put to the model again."""
    found = _candidates(vocabulary, text, prompted)
    found = sorted(found, key=lambda one: -one.score)
    likely, rest = found[:_CANDIDATES], found[_CANDIDATES:]
    if likely:
        sentences = list(dict.fromkeys([text or prompted, *(one.sentence for one in likely)]))
        chances = dict(zip(sentences, model.chances(sound, sentences), strict=True))
        best = max(chances.values())
        likely = [replace(one, forced=chances[one.sentence] / best) for one in likely]
    return sorted([*likely, *rest], key=lambda one: (-one.score, -len(one.words)))


def _candidates(vocabulary: Vocabulary, text: str, prompted: str) -> list[Candidate]:
    spots: dict[tuple[bool, Phrase], Candidate] = {}
    for found in matching.find(text, vocabulary):
        spots[found.place, found.phrase] = replace(_named(text, found), free=found.nearness)
    for found in matching.find(prompted, vocabulary):
        key = found.place, found.phrase
        spots[key] = replace(spots.get(key) or _named(prompted, found), prompted=found.nearness)
    every = list(spots.values())
    if vocabulary.digits:
        every += _digits(vocabulary.digits, text, prompted)
    return every


def _named(text: str, found: matching.Found) -> Candidate:
    alone = matching.covers(text, found) >= _ALONE
    sentence = found.phrase.text if alone else matching.put(text, found)
    return Candidate(found.phrase.value, found.phrase.text, found.place, sentence)


def _digits(most: int, text: str, prompted: str) -> list[Candidate]:
    made: dict[str, Candidate] = {}
    for reading in numbers.readings(text, most):
        made[reading.digits] = Candidate(
            reading.digits, reading.words, False, reading.words, free=reading.nearness
        )
    for reading in numbers.readings(prompted, most):
        other = made.get(reading.digits) or Candidate(
            reading.digits, reading.words, False, reading.words
        )
        made[reading.digits] = replace(other, prompted=reading.nearness)
    return list(made.values())


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
        _chances(vocabulary.kind, options, against_options, speech),
        _chances("place", places, against_places, speech),
    )


def _chances(
    kind: str, candidates: list[Candidate], rivals: list[Candidate], speech: gate.Speech
) -> list[Possible]:
    """Of each, against the nearest rival of another value."""
    return [
        Possible(one.value, certainty.chance(kind, one.score, one.score - rival, speech.spread_db))
        for one in candidates
        for rival in [max((it.score for it in rivals if it is not one), default=_UNHEARD)]
    ]


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
