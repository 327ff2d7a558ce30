"""Vosk as a recogniser: it listens while one speaks, for the words of the menu and no others.

The words go in as a grammar at run time, so any model with a dynamic graph (the small ones) will do that
knows these words. What a model does not know it cannot hear: those are left out.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import vosk

from ivr.flow.spoken import SURE, UNSURE, Heard, Nothing, Possible, Vocabulary
from ivr.speech import answer, certainty, gate, matching, numbers
from ivr.speech.recogniser import RATE, CannotListen, Samples

_UNKNOWN = ("[unk]", "<unk>", "<UNK>")
"""How models write a word that is none of theirs; most know the first."""

_STEP = RATE // 10


class Vosk:
    """A Vosk model in a folder; never one that is looked for or fetched by name. Raises CannotListen."""

    def __init__(self, folder: Path) -> None:
        missing = [name for name in ("am", "graph") if not (folder / name).is_dir()]
        if missing:
            raise CannotListen(f"{folder} bukan model Vosk: folder {', '.join(missing)} tidak ada.")
        vosk.SetLogLevel(-1)
        try:
            self._model = vosk.Model(model_path=str(folder))
        except Exception as error:  # the library raises nothing narrower
            raise CannotListen(f"Model Vosk di {folder} tidak dapat dibuka.") from error
        self.name = f"vosk {folder.name}"

    def start(self, vocabulary: Vocabulary) -> VoskUtterance:
        known = [phrase for phrase in grammar(vocabulary) if self._knows(phrase)]
        unknown = [word for word in _UNKNOWN if self._knows(word)][:1]
        decoder = vosk.KaldiRecognizer(
            self._model, RATE, json.dumps([*known, *unknown], ensure_ascii=False)
        )
        decoder.SetWords(True)
        return VoskUtterance(decoder, self.name, vocabulary)

    def _knows(self, phrase: str) -> bool:
        return bool(phrase.split()) and all(
            self._model.vosk_model_find_word(word) >= 0 for word in phrase.split()
        )


def grammar(vocabulary: Vocabulary) -> list[str]:
    """What may be said, phrase by phrase, as the model's word list writes it: small letters."""
    phrases = [one.text.lower() for one in (*vocabulary.options, *vocabulary.places)]
    if vocabulary.digits:
        phrases += [*numbers.DIGITS, *numbers.HALF, *numbers.ONE]
    return list(dict.fromkeys(phrases))


class VoskUtterance:
    """Decoded as it comes, in steps of one length, so that the answer does not hang on how it came."""

    def __init__(self, decoder: vosk.KaldiRecognizer, name: str, vocabulary: Vocabulary) -> None:
        self._decoder = decoder
        self._name = name
        self._vocabulary = vocabulary
        self._samples: list[Samples] = []
        self._rest = np.zeros(0, dtype=np.int16)
        self._words: list[tuple[str, float]] = []

    def feed(self, samples: Samples) -> str:
        self._samples.append(samples.copy())
        self._rest = np.concatenate((self._rest, samples))
        while len(self._rest) >= _STEP:
            step, self._rest = self._rest[:_STEP], self._rest[_STEP:]
            if self._decoder.AcceptWaveform(step.tobytes()):
                self._words += _said(self._decoder.Result())
        partial = json.loads(self._decoder.PartialResult()).get("partial", "")
        return " ".join([*(word for word, _ in self._words), *_known(partial.split())])

    def finish(self) -> Heard | Nothing:
        if len(self._rest):
            self._decoder.AcceptWaveform(self._rest.tobytes())
            self._rest = self._rest[:0]
        self._words += _said(self._decoder.FinalResult())
        whole = np.concatenate(self._samples) if self._samples else self._rest
        speech = gate.speech(whole)
        if speech is None:
            return Nothing("silence")
        if speech.seconds < gate.SPEECH_S:
            return Nothing("noise")
        return self._understood(speech.spread_db)

    def _understood(self, spread_db: float) -> Heard:
        text = " ".join(word for word, _ in self._words)
        sure = dict(self._words)
        found: dict[tuple[bool, str], float] = {}
        for one in matching.without_help(matching.find(text, self._vocabulary)):
            said = [sure[word] for word in one.phrase.text.lower().split() if word in sure]
            chance = certainty.vosk(sum(said) / len(said) if said else 0.0, one.nearness, spread_db)
            key = one.place, one.phrase.value
            found[key] = max(found.get(key, 0.0), chance)
        for reading in numbers.readings(text, self._vocabulary.digits):
            chance = certainty.vosk(min(sure.values()), reading.nearness, spread_db)
            found[False, reading.digits] = max(found.get((False, reading.digits), 0.0), chance)
        likely = sorted(found.items(), key=lambda one: -one[1])
        options = [Possible(value, chance) for (place, value), chance in likely if not place]
        places = [Possible(value, chance) for (place, value), chance in likely if place]
        return answer.heard(text, self._name, _apart(options), _apart(places))


def _apart(likely: list[Possible]) -> list[Possible]:
    """Where two were said, neither is sure."""
    if len(likely) > 1 and likely[1].confidence >= UNSURE:
        return [replace(one, confidence=min(one.confidence, SURE - 0.1)) for one in likely]
    return likely


def _said(result: str) -> list[tuple[str, float]]:
    """The words of a result with their chances, without what the grammar does not hold."""
    words = json.loads(result).get("result", [])
    return [(one["word"], float(one["conf"])) for one in words if one["word"] not in _UNKNOWN]


def _known(words: list[str]) -> list[str]:
    return [word for word in words if word not in _UNKNOWN]
