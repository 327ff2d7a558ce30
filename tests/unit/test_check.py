"""`check` says what a caller can meet at worst, and what must not be published."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_deployment import AGENCIES, DIALPLAN, OPERATORS, PLACES, TRUNKS, shipped, small

from ivr.flow.check import Built, PromptAudio, Report, check, prompts
from ivr.flow.prompt import Prompt
from ivr.flow.spoken import LISTENED_S
from ivr.flow.steps.say import SayStep


def two_seconds(prompt: Prompt) -> PromptAudio:
    return PromptAudio("satu", 2.0)


def report(built: Built = two_seconds, **changed: str) -> Report:
    return check(*small(**changed), built)


def codes(found: Report) -> set[str]:
    return {fault.code for fault in (*found.faults, *found.warnings)}


def warned(found: Report, code: str) -> list[tuple[str, int]]:
    return [(warning.file, warning.line) for warning in found.warnings if warning.code == code]


def faulted(found: Report, code: str) -> list[tuple[str, int]]:
    return [(fault.file, fault.line) for fault in found.faults if fault.code == code]


def test_the_small_deployment_is_fit_but_for_what_it_says() -> None:
    found = report()
    assert found.faults == ()
    assert codes(found) == {"no-agency", "incident-not-offered"}
    assert found.combinations == 8 * 4


def test_the_shipped_deployment_can_be_published() -> None:
    found = check(*shipped(), lambda prompt: None)
    assert found.faults == ()
    assert codes(found) <= {"audio-missing"}
    assert found.combinations == 8 * (11 + 155 + 1)


def test_the_longest_way_is_walked_by_the_engine() -> None:
    """2 s a sentence, 4 s a wait: greeting 2; two menus 6 + 8 + 8 each (silence, wrong key, words that
    are not heard surely); whether they are right 8 (yes), and with a place 10 (silence), so that the
    menu is asked again 6; the area 6 until the phone is found; whether it is right 10 and 12 (a wrong
    key, no); the area 6 until it is found elsewhere; whether that is right 10 and 12 (words, no); the
    area 6; the kecamatan 6, 8 and 8 (a wrong key, words, silence); then a phone rings. At each of these
    nineteen questions somebody may speak, or something sound like it, for long."""
    found = report()
    menus = (22 + 8) + (22 + 10 + 6)
    place = (6 + 10 + 12 + 6 + 10 + 12 + 6) + 6 + 8 + 8
    assert found.longest_dialogue_s == 2 + menus + place + 19 * LISTENED_S
    assert found.worst_path[0] == "diucapkan 2 detik"
    assert found.worst_path[-1] == "instansi: telepon berdering"
    assert any(step.startswith("tempat: tombol salah") for step in found.worst_path)


def test_where_nobody_listens_the_longest_way_is_that_of_keys_alone() -> None:
    """Greeting 2; two menus 6 + 8 + 8 (silence, wrong key, right one); the area 6, and 8 until the phone
    is found; whether it is right 10 and 12; the area 6, found elsewhere, 10; the area 6; the kecamatan
    6 and 8."""
    found = check(*small(), two_seconds, speaks=False)
    assert found.longest_dialogue_s == 2 + 2 * 22 + (6 + 8 + 10 + 12 + 6 + 10 + 6) + 6 + 8


def test_the_key_of_the_postcode_is_to_be_said_where_it_means_something() -> None:
    def found(dialplan: str, places: str) -> set[str]:
        return codes(report(dialplan=dialplan, places=places))

    asked = DIALPLAN.replace("[wilayah, kecamatan]", "[wilayah, kecamatan, kodepos]")
    said = PLACES.replace("Pinggir 2.", "Pinggir 2, kode pos tekan bintang.", 1)
    assert "option-not-said" in found(asked, PLACES)
    assert "key-without-option" in found(DIALPLAN, said)
    assert not {"option-not-said", "key-without-option"} & found(asked, said)


def test_a_person_is_rung_by_human_by_or_when_the_dialogue_asks_for_one() -> None:
    assert report().worst_case_human_s == 0
    late = DIALPLAN.replace("human_by: 0s", "human_by: 12s")
    assert report(dialplan=late).worst_case_human_s == 12
    short = late.replace("start: sambutan", "start: instansi")
    found = report(dialplan=short)
    assert found.worst_case_human_s == 0
    assert warned(found, "unreachable")


def test_sentences_without_audio_are_estimated_and_told() -> None:
    found = report(lambda prompt: None)
    assert ("dialplan.yaml", 8) in warned(found, "audio-missing")
    assert ("prompts/id.yaml", 1) in warned(found, "audio-missing")
    assert found.longest_dialogue_s > 0


def test_another_voice_is_told() -> None:
    found = report(
        lambda prompt: PromptAudio("dua" if prompt.text == "Duri" else "satu", 2.0),
    )
    assert warned(found, "other-voice") == [("places.yaml", 5)]


def test_a_sentence_of_more_than_ten_seconds_is_told() -> None:
    found = report(lambda p: PromptAudio("satu", 10.1 if p.text.startswith("Hewan") else 10.0))
    assert warned(found, "long-prompt") == [("dialplan.yaml", 16)]


def test_a_way_in_a_circle_is_a_fault() -> None:
    found = report(
        dialplan=DIALPLAN.replace("{incident: hewan-liar, then: tempat}", "{then: kejadian}")
    )
    assert faulted(found, "loop") == [("dialplan.yaml", 18)]
    assert "kejadian → lainnya → kejadian" in found.faults[0].message


def test_a_way_that_never_comes_to_a_person_is_a_fault() -> None:
    dialplan, directory = small()
    steps = {
        **dialplan.steps,
        "sambutan": SayStep(say="Halo.", then="lagi"),
        "lagi": SayStep(say="Halo.", then="sambutan"),
    }
    found = check(replace(dialplan, steps=steps), directory, two_seconds)
    assert {fault.code for fault in found.faults} == {"loop", "dead-end"}
    assert found.worst_path == ()


def test_a_step_that_nobody_reaches_is_told() -> None:
    found = report(dialplan=DIALPLAN + "  sisa: {say: Halo., then: operator}\n")
    assert warned(found, "unreachable") == [("dialplan.yaml", 25)]


def menu_after_fire() -> str:
    return DIALPLAN.replace("words: [api], then: tempat", "words: [api], then: gedung") + (
        "  gedung:\n"
        "    menu: Rumah tekan 1. Atau tetap di telepon.\n"
        "    options: {1: {then: tempat}}\n"
    )


def test_a_second_menu_is_only_for_callers_with_something_else() -> None:
    assert warned(report(), "second-menu") == []
    assert warned(report(dialplan=menu_after_fire()), "second-menu") == [("dialplan.yaml", 13)]


def test_more_than_five_options_are_told() -> None:
    more = "".join(f"      {key}: {{then: tempat}}\n" for key in "2346")
    found = report(dialplan=DIALPLAN.replace("      5: {words", f"{more}      5: {{words"))
    assert warned(found, "too-many-options") == [("dialplan.yaml", 13)]


def test_a_menu_that_sounds_like_a_gate_is_told() -> None:
    found = report(dialplan=DIALPLAN.replace("lainnya 5. Atau tetap di telepon.", "lainnya 5."))
    assert warned(found, "gate") == [("dialplan.yaml", 11)]


def test_more_than_two_tries_are_told() -> None:
    assert warned(report(dialplan=DIALPLAN.replace("tries: 2", "tries: 3")), "tries") == [
        ("dialplan.yaml", 4)
    ]
    text = DIALPLAN.replace("  lainnya:\n    menu", "    tries: 4\n  lainnya:\n    menu")
    assert warned(report(dialplan=text), "tries") == [("dialplan.yaml", 15)]


def test_a_person_must_be_rung_within_fifteen_seconds() -> None:
    found = report(dialplan=DIALPLAN.replace("human_by: 0s", "human_by: 16s"))
    assert faulted(found, "human-by") == [("dialplan.yaml", 3)]


def test_the_words_of_two_options_must_not_be_taken_for_each_other() -> None:
    def told(words: str) -> list[tuple[str, str]]:
        found = report(dialplan=DIALPLAN.replace("words: [lainnya]", f"words: [{words}]"))
        faults = [("fault", fault.code) for fault in found.faults]
        return faults + [("warning", w.code) for w in found.warnings if "word" in w.code]

    assert told("lainnya, asap") == []
    assert told("Api") == [("fault", "word-twice")]
    assert told("kompor api") == [("warning", "similar-words")]
    assert told("tolong") == [("fault", "reserved-word")]
    assert told("nol") == [("fault", "reserved-word")]
    assert told("tetap saja") == [("warning", "reserved-word")]
    assert told("satu") == [("fault", "number-word")]
    assert told("tiga") == [("warning", "number-word")]
    assert told("lima, 5") == []


@pytest.mark.parametrize(
    ("one", "other"), [("sakit", "sakti"), ("banjir", "panjir"), ("Polisi", "polisih")]
)
def test_words_that_sound_alike_are_told_with_both_places(one: str, other: str) -> None:
    text = DIALPLAN.replace("[api]", f"[{one}]").replace("[lainnya]", f"[lain, {other}]")
    (told,) = (w for w in report(dialplan=text).warnings if w.code == "similar-words")
    assert (told.line, told.column) == (14, 25)
    assert f"`{other}` (pilihan 5)" in told.message
    assert f"`{one}` (pilihan 1)" in told.message


def test_a_key_that_a_menu_names_is_one_of_its_options_and_the_other_way_round() -> None:
    def told(menu: str) -> list[tuple[str, int]]:
        text = DIALPLAN.replace("Kebakaran tekan 1, lainnya 5. Atau", f"{menu} Atau")
        codes = ("key-without-option", "option-not-said")
        return [(w.code, w.line) for w in report(dialplan=text).warnings if w.code in codes]

    assert told("Kebakaran tekan 1, lainnya 5.") == []
    assert told("Tekan satu untuk kebakaran, tekan lima untuk lainnya.") == []
    assert told("Dari 2 pilihan di 112 ini, kebakaran tekan 1, lainnya 5, petugas 0.") == []
    assert told("Kebakaran tekan 1, lainnya 6.") == [
        ("key-without-option", 11),
        ("option-not-said", 14),
    ]
    assert told("Kebakaran tekan satu, lainnya tekan pagar, atau 5.") == [
        ("key-without-option", 11)
    ]


def test_the_place_questions_name_their_keys_too() -> None:
    text = PLACES.replace("Pinggir 2.", "Pinggir 3.").replace('2: "14.03.16"', '2: "14.03.09"')
    found = [(w.code, w.line) for w in report(places=text).warnings if w.file == "places.yaml"]
    assert ("key-without-option", 2) in found
    assert ("option-not-said", 8) in found
    assert ("kecamatan-twice", 7) in found


def test_an_incident_that_no_menu_offers_is_told() -> None:
    (told,) = (w for w in report().warnings if w.code == "incident-not-offered")
    assert "kecelakaan" in told.message
    assert "kebakaran" not in told.message


OPERATIONAL = DIALPLAN.replace("mode: latihan", "mode: operasional")


def test_in_production_every_placeholder_is_a_fault() -> None:
    found = report(dialplan=OPERATIONAL)
    assert set(faulted(found, "placeholder")) == {
        ("agencies.yaml", 7),
        ("operators.yaml", 1),
        ("operators.yaml", 2),
        ("trunks.yaml", 2),
        ("trunks.yaml", 3),
        ("trunks.yaml", 4),
    }


def test_in_production_the_centre_has_a_name_of_its_own() -> None:
    assert "no-domain" in [warning.code for warning in report(dialplan=OPERATIONAL).warnings]
    named = OPERATIONAL.replace("start:", "domain: 112.contoh.go.id\nstart:", 1)
    assert "no-domain" not in [warning.code for warning in report(dialplan=named).warnings]


def real(text: str) -> str:
    return text.replace("ISI-NOMOR", '"0215550000"').replace("ISI-ALAMAT", "192.0.2.7")


def test_in_production_a_login_still_to_be_filled_in_is_told_at_its_own_key() -> None:
    gateway = "damkar-sip: {register: in, login: ISI-LOGIN"
    trunks = real(TRUNKS.replace("damkar-sip: {host: ISI-ALAMAT", gateway))
    found = report(dialplan=OPERATIONAL, trunks=trunks)
    (told,) = (fault for fault in found.faults if fault.file == "trunks.yaml")
    assert (told.code, told.line, told.column) == (
        "placeholder",
        2,
        trunks.splitlines()[1].index("ISI") + 1,
    )
    assert "`login` trunk `damkar-sip`" in told.message


def test_in_production_two_answering_points_stand_on_their_own() -> None:
    changed = {"dialplan": OPERATIONAL, "agencies": real(AGENCIES), "trunks": real(TRUNKS)}
    assert report(**changed, operators=real(OPERATORS)).faults == ()
    one_way = real(OPERATORS).replace("via: pusat-sip", "via: jasnita")
    found = report(**changed, operators=one_way)
    assert [fault.code for fault in found.faults] == ["one-answering-point"]


def test_in_production_an_agency_behind_an_empty_trunk_alone_is_told() -> None:
    changed = {"agencies": real(AGENCIES), "operators": real(OPERATORS)}
    found = report(dialplan=OPERATIONAL, **changed, trunks=TRUNKS)
    assert faulted(found, "no-usable-contact") == [
        ("agencies.yaml", 1),
        ("operators.yaml", 1),
        ("operators.yaml", 2),
    ]
    one_way = TRUNKS.replace("jasnita: {host: ISI-ALAMAT", "jasnita: {host: 192.0.2.7")
    found = report(dialplan=OPERATIONAL, **changed, trunks=one_way)
    assert faulted(found, "no-usable-contact") == [("operators.yaml", 1)]


def test_an_incident_that_no_agency_handles_is_told() -> None:
    found = report()
    told = [warning.message for warning in found.warnings if warning.code == "no-agency"]
    assert any("kebakaran di Pinggir" in message for message in told)
    assert not any("Mandau" in message and "kebakaran" in message for message in told)


@pytest.mark.parametrize(
    "text",
    [
        "Anda terhubung ke 112.",
        "Duri",
        "Mandau",
        "Tekan 1 untuk menerima.",
        "Kalimat no_input.",
        "Pos Damkar Mandau",
        "Operator 112",
    ],
)
def test_every_sentence_that_anybody_hears_is_listed(text: str) -> None:
    assert Prompt(text) in prompts(*small())
