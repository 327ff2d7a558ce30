"""What a caller hears: the right sentence, in the best voice there is, fit for a telephone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from ivr import config
from ivr.calls import published
from ivr.flow.check import prompts as sentences_of
from ivr.flow.prompt import Prompt
from ivr.platforms.asterisk.programs import tool
from ivr.prompts import audio
from ivr.prompts.build import build, check, script
from ivr.prompts.loudness import PEAK_DBFS, TARGET_LUFS, lufs
from ivr.prompts.sounds import HOLD_LOOP, HUMAN, MANIFEST, UNKNOWN, Sounds
from ivr.prompts.spoken import for_espeak, number, shipped, spoken
from ivr.prompts.voices import Espeak, VoiceUnavailable, best_voice

WELCOME = Prompt("Anda terhubung ke 112 Bengkalis.")
MENU = Prompt("Kebakaran tekan 1, kecelakaan 2.")
HOLD = Prompt("Petugas sedang dihubungi.")
SHIPPED = config.PROJECT / "prompts" / "audio" / "id"


def tone(hertz: float, seconds: float, dbfs: float = -12.0, rate: int = 24000) -> Any:
    times = np.arange(int(seconds * rate)) / rate
    return audio.from_samples(10 ** (dbfs / 20) * np.sin(2 * np.pi * hertz * times), rate)


def quiet(seconds: float, rate: int = 24000) -> Any:
    return audio.from_samples(np.zeros(int(seconds * rate)), rate)


def lufs_of(segment: Any) -> float:
    return lufs(audio.to_samples(segment), segment.frame_rate)


class Hum:
    """A voice that says every sentence as the same hum, and remembers what it was asked."""

    name = "hum"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def speak(self, text: str, language: str = "") -> Any:
        self.asked.append(text)
        return quiet(0.4) + tone(300, 1.5) + quiet(0.4)


@pytest.fixture
def sounds(tmp_path: Path) -> Sounds:
    return Sounds(tmp_path / "recordings", tmp_path / "shipped", tmp_path / "local")


@pytest.fixture(scope="session")
def espeak_command() -> tuple[str, ...]:
    return tool("espeak-ng")


@pytest.fixture(scope="module")
def shipped_sentences() -> list[Prompt]:
    deployment = published.load(config.read({}))
    return list(sentences_of(deployment.dialplan, deployment.directory))


@pytest.fixture(scope="module")
def hold_phrase() -> Prompt:
    return Prompt(published.load(config.read({})).dialplan.phrases["hold"])


def put(segment: Any, folder: Path, prompt: Prompt) -> Path:
    file = folder / f"{prompt.name}.wav"
    audio.write(segment, file)
    return file


# Where the audio of a sentence lies


def test_the_name_of_a_sentence_never_changes() -> None:
    """Files are committed under these names, and people record under them."""
    assert WELCOME.name == "anda-terhubung-ke-112-bengkalis-d288203b"
    assert Prompt("…").name == "b4935894"


def test_a_human_recording_wins(sounds: Sounds) -> None:
    put(audio.finished(tone(300, 1)), sounds.shipped, WELCOME)
    human = put(audio.finished(tone(500, 2)), sounds.recordings, WELCOME)
    found = sounds.find(WELCOME)
    assert found and found.file == human and found.voice == HUMAN
    assert found.seconds == pytest.approx(2.14, abs=0.02)


def test_shipped_audio_comes_before_what_was_built_here(sounds: Sounds) -> None:
    put(audio.finished(tone(300, 1)), sounds.local, WELCOME)
    shipped = put(audio.finished(tone(300, 1)), sounds.shipped, WELCOME)
    found = sounds.find(WELCOME)
    assert found and found.file == shipped and found.voice == UNKNOWN


def test_a_changed_sentence_is_not_played_by_the_old_audio(sounds: Sounds) -> None:
    build([WELCOME], sounds, Hum)
    assert sounds.find(WELCOME)
    assert sounds.find(Prompt(WELCOME.text.replace("112", "113"))) is None


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"not audio at all", b"RIFF\x24\x00\x00\x00WAVE"]
)
def test_a_broken_recording_costs_the_recording_and_not_the_prompt(
    sounds: Sounds, content: bytes
) -> None:
    sounds.recordings.mkdir()
    (sounds.recordings / f"{WELCOME.name}.wav").write_bytes(content)
    report = build([WELCOME], sounds, Hum)
    found = sounds.find(WELCOME)
    assert report.spoken and found and found.voice == "hum"
    assert [finding.code for finding in check([WELCOME], sounds)] == ["recording"]


def test_audio_is_found_without_its_manifest_and_with_a_broken_one(sounds: Sounds) -> None:
    build([WELCOME], sounds, Hum)
    (sounds.local / MANIFEST).write_text("}{ not yaml")
    found = sounds.find(WELCOME)
    assert found and found.voice == UNKNOWN
    (sounds.local / MANIFEST).unlink()
    assert sounds.find(WELCOME)


def test_a_file_that_vanishes_is_noticed(sounds: Sounds) -> None:
    build([WELCOME], sounds, Hum)
    (sounds.local / f"{WELCOME.name}.wav").unlink()
    assert sounds.find(WELCOME) is None


# Building


def test_only_what_is_missing_is_built(sounds: Sounds) -> None:
    put(audio.finished(tone(300, 1)), sounds.shipped, WELCOME)
    voice = Hum()
    report = build([WELCOME, MENU, MENU], sounds, lambda: voice)
    assert voice.asked == [MENU.text]
    assert (len(report.spoken), report.ready) == (1, 1)
    assert yaml.safe_load((sounds.local / MANIFEST).read_text()) == [
        {"name": MENU.name, "text": MENU.text, "voice": "hum", "seconds": 1.64}
    ]


def test_no_voice_is_loaded_when_nothing_is_missing(sounds: Sounds) -> None:
    build([WELCOME], sounds, Hum)

    def no_voice() -> Hum:
        raise AssertionError("a voice was loaded")

    assert build([WELCOME], sounds, no_voice).ready == 1


def test_a_studio_recording_is_converted_for_the_telephone(sounds: Sounds) -> None:
    studio = (quiet(1, 44100) + tone(400, 1, -30, 44100) + quiet(1, 44100)).set_channels(2)
    put(studio, sounds.recordings, WELCOME)
    assert sounds.find(WELCOME) is None
    report = build([WELCOME], sounds, Hum)
    found = sounds.find(WELCOME)
    assert found and found.voice == HUMAN and not report.spoken
    assert found.file in report.converted and audio.faults(found.file) == []
    put(studio + tone(400, 1, -30, 44100), sounds.recordings, WELCOME)
    assert sounds.find(WELCOME) is None  # recorded anew: the copy of the old one is not played


def test_an_interrupted_build_keeps_what_is_finished_and_leaves_nothing_else(
    sounds: Sounds,
) -> None:
    class Interrupted(Hum):
        def speak(self, text: str, language: str = "") -> Any:
            if self.asked:
                raise KeyboardInterrupt
            return super().speak(text)

    with pytest.raises(KeyboardInterrupt):
        build([WELCOME, MENU], sounds, Interrupted)
    assert sorted(file.name for file in sounds.local.iterdir()) == [
        f"{WELCOME.name}.wav",
        MANIFEST,
    ]
    found = sounds.find(WELCOME)
    assert found and found.voice == "hum"


def test_a_file_that_cannot_be_written_whole_is_not_there(tmp_path: Path) -> None:
    class Unwritable:
        def export(self, file: Any, format: str) -> None:
            file.write(b"RIFF")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        audio.write(Unwritable(), tmp_path / "prompt.wav")
    assert list(tmp_path.iterdir()) == []


def test_the_hold_loop_follows_its_phrase(sounds: Sounds) -> None:
    build([], sounds, Hum, hold=HOLD)
    loop = sounds.hold_loop(HOLD)
    assert loop and loop.path.endswith(HOLD_LOOP) and 8 <= loop.seconds <= 9
    assert sounds.hold_loop(Prompt("Mohon tunggu.")) is None
    put(audio.finished(tone(500, 2)), sounds.recordings, HOLD)
    assert sounds.hold_loop(HOLD) is None
    build([], sounds, Hum, hold=HOLD)
    anew = sounds.hold_loop(HOLD)
    assert anew and anew.voice == HUMAN


def test_check_says_what_is_missing_and_what_sounds_different(sounds: Sounds) -> None:
    others = [Prompt("Kebakaran"), Prompt("Kecelakaan")]
    build(others, sounds, Hum)
    light = Hum()
    light.name = "light"
    build([MENU], sounds, lambda: light)
    put(audio.finished(tone(500, 1)), sounds.recordings, HOLD)
    findings = check([WELCOME, MENU, HOLD, *others], sounds)
    assert [(f.level, f.code, f.name) for f in findings] == [
        ("fault", "missing", WELCOME.name),
        ("warning", "voice_differs", MENU.name),
    ]


def test_the_script_tells_the_file_name_of_each_sentence_once() -> None:
    assert script([WELCOME, MENU, WELCOME]) == (
        f"{WELCOME.name}.wav\t{WELCOME.text}\n{MENU.name}.wav\t{MENU.text}\n"
    )


# Audio


def test_resampling_leaves_no_alias() -> None:
    """6 kHz cannot be carried by a telephone; naive resampling would turn it into 2 kHz."""
    carried = audio.telephone(tone(6000, 1, -6))
    assert carried.frame_rate == 8000
    middle = carried[100:-100]
    assert middle.max == 0 or middle.dBFS < -60
    assert audio.telephone(tone(1000, 1, -6))[100:-100].dBFS == pytest.approx(-9, abs=0.2)


def test_trimming_leaves_the_promised_quiet_at_both_ends() -> None:
    spoken_part = tone(300, 1, rate=8000)
    for before, after in ((1.0, 2.0), (0.0, 0.0), (0.03, 0.5)):
        trimmed = audio.trimmed(quiet(before, 8000) + spoken_part + quiet(after, 8000))
        assert len(trimmed) == pytest.approx(audio.LEAD_MS + 1000 + audio.TAIL_MS, abs=10)
        assert trimmed[: audio.LEAD_MS - 6].max == 0
        assert trimmed[-(audio.TAIL_MS - 6) :].max == 0


def test_levelling_makes_prompts_equally_loud_and_clips_none() -> None:
    for dbfs in (-45, -20, -3):
        pauses = tone(300, 1, dbfs, 8000) + quiet(3, 8000) + tone(300, 1, dbfs, 8000)
        assert lufs_of(audio.levelled(pauses)) == pytest.approx(TARGET_LUFS, abs=0.1)
    click = audio.from_samples(np.concatenate([np.full(1, 0.9), np.zeros(4000)]), 8000)
    peaky = audio.levelled(tone(300, 1, -40, 8000) + click)
    assert peaky.max_dBFS == pytest.approx(PEAK_DBFS, abs=0.1)
    assert lufs_of(peaky) == pytest.approx(TARGET_LUFS, abs=0.1)


def test_silence_has_no_level_and_trims_to_nothing() -> None:
    assert len(audio.finished(quiet(1))) == 0
    assert len(audio.trimmed(audio.telephone(quiet(0)))) == 0


def test_joining_keeps_the_order_and_puts_the_pause_between() -> None:
    low, high = tone(300, 0.5, rate=8000), tone(900, 0.5, rate=8000)
    joined = audio.joined([low, high], pause_ms=200)
    assert len(joined) == 1200
    assert joined[:500] == low and joined[500:700].max == 0 and joined[700:] == high


@pytest.mark.parametrize(
    ("segment", "word"),
    [
        (tone(300, 1, -16, 16000), "8000 Hz"),
        (tone(300, 1, -16, 8000).set_channels(2), "1 kanal"),
        (tone(300, 1, -16, 8000).set_sample_width(1), "16 bit"),
        (quiet(1, 8000), "kosong"),
        (quiet(0, 8000), "kosong"),
        (quiet(0.4, 8000) + tone(300, 1, -15, 8000), "hening"),
        (tone(300, 1, -15, 8000) + quiet(0.5, 8000), "di akhir"),
        (tone(300, 11, -16, 8000), "terlalu panjang"),
        (tone(300, 1, -40, 8000), "terlalu pelan"),
        (tone(300, 1, -3, 8000), "terlalu keras"),
        (audio.levelled(tone(300, 1, -16, 8000)) + tone(300, 0.001, 6, 8000), "terpotong"),
    ],
)
def test_the_gate_names_each_fault(tmp_path: Path, segment: Any, word: str) -> None:
    audio.write(segment, tmp_path / "prompt.wav")
    (fault,) = audio.faults(tmp_path / "prompt.wav")
    assert word in fault


# How a sentence is read


def test_numbers_are_said_as_people_say_them() -> None:
    assert spoken("Tekan 1, atau telepon 112.") == "Tekan satu, atau telepon satu satu dua."
    said = {"0": "nol", "10": "sepuluh", "11": "sebelas", "15": "lima belas", "20": "dua puluh"}
    assert {digits: number(digits) for digits in said} == said
    assert (number("24"), number("05"), number("110")) == (
        "dua puluh empat",
        "nol lima",
        "satu satu nol",
    )


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("RSUD Kecamatan Mandau", "er es u de Kecamatan Mandau"),
        ("BPBD Bengkalis", "be pe be de Bengkalis"),
        ("BBKSDA Riau", "be be ka es de a Riau"),
        ("UPT Damkar", "u pe te Damkar"),
        ("Satpol PP", "Satpol pe pe"),
        ("PSC 119", "pe es ce satu satu sembilan"),
        ("Pos SAR", "Pos sar"),
        ("Polsek Bathin Solapan", "Polsek batin Solapan"),
    ],
)
def test_names_of_agencies_are_said_sensibly(written: str, said: str) -> None:
    assert spoken(written) == said


def test_words_that_espeak_says_wrong_carry_their_sounds() -> None:
    assert for_espeak("Kebakaran tekan 1.") == "Kebakaran [[t@k'an]] satu."


# The voices


def test_the_light_voice_speaks_sentences_fit_for_the_telephone(
    espeak_command: tuple[str, ...], sounds: Sounds
) -> None:
    build([WELCOME, MENU], sounds, lambda: Espeak(espeak_command))
    assert check([WELCOME, MENU], sounds) == []
    found = sounds.find(WELCOME)
    assert found and found.voice == "espeak-ng id" and 1 < found.seconds < 6


def test_phonemes_keep_the_pauses_and_the_right_e(espeak_command: tuple[str, ...]) -> None:
    said = Espeak(espeak_command).phonemes("Kebakaran tekan 1, sakit 2. Atau tetap di telepon.")
    assert said == "kəbakˈaran təkˈan sˈatu, sˈakit dˈua. ˌataʊ tətˈap di tɛlɛpˈon."


def test_a_voice_that_is_not_there_says_what_to_do() -> None:
    with pytest.raises(VoiceUnavailable, match="apt-get install espeak-ng"):
        best_voice(None)
    with pytest.raises(VoiceUnavailable, match="tidak dapat dijalankan"):
        Espeak(["/nonexistent/espeak-ng"]).speak("Halo.")


# The audio that is shipped


def test_every_sentence_of_the_shipped_deployment_has_its_audio(
    shipped_sentences: list[Prompt], hold_phrase: Prompt, tmp_path: Path
) -> None:
    sounds = Sounds(tmp_path / "none", SHIPPED, tmp_path / "none")
    assert check(shipped_sentences, sounds, hold_phrase) == []


def test_every_shipped_file_belongs_to_a_sentence_and_passes_the_gate(
    shipped_sentences: list[Prompt], hold_phrase: Prompt
) -> None:
    wanted = {prompt.name: prompt.text for prompt in shipped_sentences}
    rows = yaml.safe_load((SHIPPED / MANIFEST).read_text(encoding="utf-8"))
    assert [row["name"] for row in rows] == sorted(row["name"] for row in rows)
    assert {row["name"]: row["text"] for row in rows if row["name"] != HOLD_LOOP} == wanted
    files = {file.stem: file for file in SHIPPED.glob("*.wav")}
    assert files.keys() == {row["name"] for row in rows}
    loop = files[HOLD_LOOP]
    words = next(row["seconds"] for row in rows if row["name"] == hold_phrase.name)
    assert audio.faults(loop, words_s=words) == []
    amiss = {name: audio.faults(file) for name, file in files.items() if file != loop}
    assert {name: found for name, found in amiss.items() if found} == {}
    assert sum(file.stat().st_size for file in files.values()) < 6_000_000


def test_the_shipped_audio_says_every_word_as_the_shipped_lexicon_has_it(
    shipped_sentences: list[Prompt], hold_phrase: Prompt, tmp_path: Path
) -> None:
    sounds = Sounds(tmp_path, SHIPPED, tmp_path, shipped())
    assert check(shipped_sentences, sounds, hold_phrase) == []
    said = {row["name"]: row["said"] for row in yaml.safe_load((SHIPPED / MANIFEST).read_text())}
    assert all(said[prompt.name] == sounds.said(prompt) for prompt in shipped_sentences)


def test_the_shipped_hold_loop_speaks_at_least_every_ten_seconds(
    hold_phrase: Prompt, tmp_path: Path
) -> None:
    loop = Sounds(tmp_path, SHIPPED, tmp_path).hold_loop(hold_phrase)
    assert loop and 8 <= loop.seconds <= 9


def test_shipped_audio_plays_from_a_copy_of_the_checkout(
    shipped_sentences: list[Prompt], tmp_path: Path
) -> None:
    """Nothing in the manifest points at the machine it was built on."""
    shutil.copytree(SHIPPED, tmp_path / "copy")
    sounds = Sounds(tmp_path, tmp_path / "copy", tmp_path)
    found = sounds.find(shipped_sentences[0])
    assert found and found.path.startswith(str(tmp_path)) and "." not in Path(found.path).name
