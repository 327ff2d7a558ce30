"""How names, abbreviations, numbers and times are said is data that an administrator can mend."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_prompts import Hum

from ivr import config
from ivr.commands import check as checking
from ivr.commands import prompts as sounding
from ivr.flow.prompt import Prompt
from ivr.prompts.build import build, check
from ivr.prompts.lexicon import Lexicon, merged, phonemes, read
from ivr.prompts.sounds import Sounds
from ivr.prompts.spoken import LEXICON, for_espeak, spoken
from ivr.prompts.voices import VoiceUnavailable

FILE = "lafal.yaml"
CALL = Prompt("Telepon RSUD Bathin Solapan.")


def lexicon(text: str) -> Lexicon:
    found, faults = read(FILE, text)
    assert faults == []
    return found


# The shipped lexicon


def test_the_shipped_lexicon_has_no_faults() -> None:
    found, faults = read(LEXICON, (config.PROJECT / LEXICON).read_text(encoding="utf-8"))
    assert faults == [] and found.read_as and found.sounds_like


def test_the_example_of_the_guide_is_a_lexicon_without_faults() -> None:
    guide = (config.PROJECT / "docs/suara-prompt.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    assert for_espeak("Kode Bathin", lexicon(example)) == "[[k'ode]] batin"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Bathin Solapan", "batin Solapan"),
        ("Talang Muandau", "Talang Muandau"),
        ("Kec. Siak Kecil", "kecamatan Siak Kecil"),
        ("RSUD, BPBD, PLN, SPBU", "er es u de, be pe be de, pe el en, es pe be u"),
        ("DAMKAR dan Damkar", "damkar dan Damkar"),
        ("POLRES dan Polres", "polres dan Polres"),
        ("Jl. Sudirman No. 12, RT 02", "jalan Sudirman nomor dua belas, er te nol dua"),
        ("di KM 5", "di kilometer lima"),
        ("Hubungi 112", "Hubungi satu satu dua"),
    ],
)
def test_places_and_abbreviations_are_said_as_people_say_them(written: str, said: str) -> None:
    assert spoken(written) == said


@pytest.mark.parametrize(
    ("word", "sounds"),
    [
        ("kecil", "k@tS'il"),
        ("Selat", "s@l'at"),
        ("tekan", "t@k'an"),
        ("penelepon", "p@nelEp'on"),
        ("POLRES", "p'olREs"),
    ],
)
def test_words_that_a_program_guesses_wrong_have_their_sounds(word: str, sounds: str) -> None:
    assert for_espeak(word) == f"[[{sounds}]]"


# Numbers and times


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Bantuan tiba dalam 20 menit.", "Bantuan tiba dalam dua puluh menit."),
        ("150 meter", "seratus lima puluh meter"),
        ("1.500 orang", "seribu lima ratus orang"),
        ("2,5 km", "dua koma lima kilometer"),
        ("50%", "lima puluh persen"),
        ("2-3 menit", "dua sampai tiga menit"),
        ("lantai ke-2", "lantai kedua"),
        ("tahun 2026", "tahun dua ribu dua puluh enam"),
        ("24 jam", "dua puluh empat jam"),
    ],
)
def test_what_is_counted_is_said_as_a_number(written: str, said: str) -> None:
    assert spoken(written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("pukul 07.30", "pukul tujuh lewat tiga puluh"),
        ("07.30", "pukul tujuh lewat tiga puluh"),
        ("jam 7:05", "jam tujuh lewat lima"),
        ("pukul 19.00 WIB.", "pukul sembilan belas waktu Indonesia barat."),
        ("Buka 08.00–16.00.", "Buka pukul delapan sampai pukul enam belas."),
    ],
)
def test_times_are_said_with_hours_and_minutes(written: str, said: str) -> None:
    assert spoken(written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Kode pos 28712", "Kode pos dua delapan tujuh satu dua"),
        ("0811-234", "nol delapan satu satu-dua tiga empat"),
        ("Desa 2005.", "Desa dua nol nol lima."),
        ("RW 05", "er we nol lima"),
        ("119", "satu satu sembilan"),
    ],
)
def test_what_a_listener_notes_down_is_said_digit_by_digit(written: str, said: str) -> None:
    assert spoken(written) == said


@given(st.text(alphabet="0123456789.,:-–% ktahunjmesi\n", max_size=40))
def test_no_digit_is_left_to_a_voice_to_guess(text: str) -> None:
    assert not any(letter.isdigit() for letter in spoken(text))


# Respelling


@pytest.mark.parametrize(
    ("respelled", "sounds"),
    [
        ("tekan", "t@k'an"),
        ("désa", "d'esa"),
        ("tèlè'pon", "tElEp'on"),
        ("kecelakaan", "k@tS@lak'a_|an"),
        ("sungai", "s'uNaI"),
        ("muandau", "mu|'andaU"),
        ("nyanyi", "n^'an^i"),
        ("syarat", "S'aRat"),
        ("ke", "k'@"),
    ],
)
def test_indonesian_spelling_becomes_sounds(respelled: str, sounds: str) -> None:
    assert phonemes(respelled) == sounds


# What an administrator writes


def test_a_deployment_says_its_own_names_its_own_way() -> None:
    own = lexicon("dibaca: {Bathin: bati}\nbunyi: {Duri: du'ri}\n")
    both = merged([lexicon("dibaca: {bathin: batin, km: kilometer}\n"), own])
    assert for_espeak("Bathin Duri km", both) == "bati [[duR'i]] kilometer"


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("dibaka:\n  km: kilometer\n", 1, 1, "`dibaca`"),
        ("dibaca: kilometer\n", 1, 9, "kata: ucapannya"),
        ("dibaca:\n  Rupat Utara: rupat\n", 2, 3, "satu kata"),
        ("bunyi:\n  Jl.: jalan\n", 2, 3, "satu kata"),
        ("bunyi:\n  Duri: duri\n  DURI: duri\n", 3, 3, "sudah ditulis sebagai `Duri`"),
        ("dibaca:\n  km: 5 kilometer\n", 2, 7, "tanpa angka"),
        ("bunyi:\n  Duri: düri\n", 2, 9, "a sampai z"),
        ("bunyi:\n  Duri: duri kota\n", 2, 9, "satu kata"),
        ("bunyi:\n  BPBD: bpbd\n", 2, 9, "huruf hidup"),
        ("bunyi:\n  Duri:\n", 2, 8, "belum ditulis"),
        ("bunyi:\n  Duri: duri\n  Duri: duri\n", 3, 3, "baris 2"),
        ("\tbunyi:", 1, 1, "TAB"),
        ("", 1, 1, "kosong"),
    ],
)
def test_a_fault_is_told_with_its_place_and_costs_that_entry_only(
    text: str, line: int, column: int, words: str
) -> None:
    _, (fault,) = read(FILE, text)
    assert (fault.file, fault.line) == (FILE, line)
    assert words in fault.message
    assert fault.column == column
    if text.endswith("\n"):
        found, (same,) = read(FILE, f"{text}# akhir\n")
        assert same == fault
        assert set(found.sounds_like) <= {"duri"}


@given(st.text(max_size=200))
def test_no_text_at_all_breaks_the_reading(text: str) -> None:
    found, _ = read(FILE, text)
    assert for_espeak("Kebakaran di Duri.", found)


# A changed lexicon


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    return (tmp_path / "recordings", tmp_path / "shipped", tmp_path / "local")


def test_a_sentence_is_spoken_anew_when_one_of_its_words_is_said_otherwise(
    folders: tuple[Path, Path, Path],
) -> None:
    before = Sounds(*folders, lexicon("dibaca: {Bathin: bathin}\n"))
    build([CALL, Prompt("Kebakaran")], before, Hum, hold=CALL)
    after = Sounds(*folders, lexicon("dibaca: {Bathin: batin}\n"))
    (finding,) = check([CALL, Prompt("Kebakaran")], after, CALL)
    assert (finding.level, finding.code, finding.name) == ("warning", "outdated", CALL.name)
    voice = Hum()
    report = build([CALL, Prompt("Kebakaran")], after, lambda: voice, hold=CALL)
    assert voice.asked == [CALL.text]
    assert {built.said for built in report.spoken} == {"Telepon er es u de batin Solapan."}
    assert check([CALL, Prompt("Kebakaran")], after, CALL) == []


def test_what_is_shipped_in_the_old_way_gives_way_to_what_was_built_here_in_the_new(
    folders: tuple[Path, Path, Path],
) -> None:
    recordings, shipped, local = folders
    build([CALL], Sounds(recordings, shipped, shipped, lexicon("dibaca: {a: b}\n")), Hum)
    sounds = Sounds(recordings, shipped, local, lexicon("dibaca: {Bathin: batin}\n"))
    old = sounds.find(CALL)
    assert old and old.file.parent == shipped
    build([CALL], sounds, Hum)
    new = sounds.find(CALL)
    assert new and new.file.parent == local


def test_another_voice_does_not_take_over_a_sentence_for_the_sake_of_one_word(
    folders: tuple[Path, Path, Path],
) -> None:
    build([CALL], Sounds(*folders, lexicon("dibaca: {a: b}\n")), Hum)
    after = Sounds(*folders, lexicon("dibaca: {Bathin: batin}\n"))
    robot = Hum()
    robot.name = "robot"
    assert build([CALL], after, lambda: robot).spoken == ()
    found = after.find(CALL)
    assert found and found.voice == "hum"


def test_without_any_voice_the_old_way_of_saying_it_is_still_heard(
    folders: tuple[Path, Path, Path],
) -> None:
    build([CALL], Sounds(*folders, lexicon("dibaca: {a: b}\n")), Hum)
    after = Sounds(*folders, lexicon("dibaca: {Bathin: batin}\n"))

    def nobody() -> Any:
        raise VoiceUnavailable("tidak ada")

    assert build([CALL], after, nobody).spoken == ()
    assert after.find(CALL)


def test_a_sentence_in_another_language_is_not_read_by_the_lexicon(
    folders: tuple[Path, Path, Path],
) -> None:
    sounds = Sounds(*folders, lexicon("dibaca: {Bathin: batin}\n"))
    assert sounds.said(Prompt("Bathin", language="en")) == ""


def test_a_faulty_lexicon_of_a_deployment_is_told_and_the_rest_of_it_used(tmp_path: Path) -> None:
    (tmp_path / "lafal.yaml").write_text("dibaca:\n  Duri: 5\n  Bathin: bati\n")
    settings = config.read({"SIAGA_HOME": str(tmp_path / "home")}, deployment=tmp_path)
    found, (fault,) = sounding.lexicon(settings)
    assert spoken("Bathin km", found) == "bati kilometer"
    assert (fault.file, fault.line) == ("lafal.yaml", 2)


def test_check_tells_a_faulty_lexicon_and_the_dialplan_stays_usable(tmp_path: Path) -> None:
    shipped = config.PROJECT / "dialplans" / "bengkalis"
    for file in shipped.glob("*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "lafal.yaml").write_text("bunyi:\n  Duri: d\n")
    settings = config.read({"SIAGA_HOME": str(tmp_path / "home")}, deployment=tmp_path)
    report = checking.check(settings)
    assert report.faults == ()
    assert ("lafal.yaml", 2) in {(warning.file, warning.line) for warning in report.warnings}
    assert ("lexicon", "lafal.yaml:2:9") in {(f.code, f.name) for f in sounding.check(settings)}
