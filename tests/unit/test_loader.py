"""Whoever edits the YAML is told at once all that is wrong, where it stands, and what to do."""

from __future__ import annotations

import pytest
from small_deployment import (
    AGENCIES,
    DIALPLAN,
    PHRASES,
    PLACES,
    shipped_files,
    small,
    with_files,
)

from ivr.flow.fault import Fault
from ivr.flow.loader import FILES, load
from ivr.flow.model import Area, Defaults
from ivr.flow.prompt import Prompt
from ivr.flow.steps.menu import MenuStep
from ivr.flow.yaml_text import MAX_BYTES, read


def faults(**changed: str) -> tuple[Fault, ...]:
    return load(with_files(**changed)).faults


def only(**changed: str) -> Fault:
    found = faults(**changed)
    assert len(found) == 1, found
    return found[0]


def at(fault: Fault) -> tuple[str, int, int, str]:
    return fault.file, fault.line, fault.column, fault.code


def test_a_good_deployment_has_no_faults() -> None:
    dialplan, directory = small()
    assert dialplan.name == "112 Kecil"
    assert dialplan.mode == "latihan"
    assert dialplan.human_by_s == 0.0
    assert dialplan.defaults == Defaults(tries=2, wait_s=4.0, drop_s=10.0)
    assert dialplan.places.areas["1"] == Area(
        "Duri",
        Prompt("Mandau tekan 1, Bathin Solapan 2."),
        {"1": "14.03.09", "2": "14.03.16"},
    )
    assert set(directory.places) == {"14.03.09", "14.03.13", "14.03.16"}


def test_the_shipped_deployment_has_no_faults_and_no_warnings() -> None:
    loaded = load(shipped_files())
    assert loaded.faults == ()
    assert loaded.warnings == ()


def test_the_version_is_what_it_is_told() -> None:
    loaded = load(with_files(), version="v7")
    assert loaded.dialplan is not None
    assert loaded.dialplan.version == "v7"


def test_durations_are_written_with_their_unit() -> None:
    text = DIALPLAN.replace("wait: 4s", "wait: 1500ms, drop: 0s")
    dialplan, _ = small(dialplan=text)
    assert dialplan.defaults == Defaults(2, 1.5, 0.0)
    for wrong in ("4", "empat", "4 menit", "-1s", "²s"):
        fault = only(dialplan=DIALPLAN.replace("wait: 4s", f"wait: {wrong}"))
        assert at(fault) == ("dialplan.yaml", 4, 28, "duration")
        assert f"`{wrong}`" in fault.message


def test_scalars_stay_the_text_they_are() -> None:
    text = DIALPLAN.replace("Anda terhubung ke 112.", "0112").replace("[api]", "[no, 1:30, 0x1]")
    dialplan, _ = small(dialplan=text)
    menu = dialplan.steps["kejadian"]
    assert isinstance(menu, MenuStep)
    assert menu.options["1"].words == ["no", "1:30", "0x1"]
    assert [p.text for p in dialplan.steps["sambutan"].prompts()["say",]] == ["0112"]


def test_an_unknown_key_is_told_with_the_one_that_was_meant() -> None:
    fault = only(
        dialplan=DIALPLAN.replace(
            "    options:\n      1: {inc", "    option:\n      1: {inc", 1
        ).replace("  lainnya:\n    menu", "    options: {1: {then: tempat}}\n  lainnya:\n    menu")
    )
    assert at(fault) == ("dialplan.yaml", 12, 5, "unknown-key")
    assert "Maksud Anda `options`?" in fault.message
    fault = only(dialplan=DIALPLAN.replace("words: [api]", "kata: [api]"))
    assert at(fault) == ("dialplan.yaml", 13, 32, "unknown-key")
    assert "words" in fault.message
    fault = only(places=PLACES.replace("    1:\n", "    1:\n      nama: x\n"))
    assert (fault.file, fault.code) == ("places.yaml", "unknown-key")
    assert "Maksud Anda `name`?" in fault.message


def test_a_step_that_does_not_exist_is_told_where_it_is_named() -> None:
    fault = only(dialplan=DIALPLAN.replace("then: kejadian", "then: kejadia"))
    assert at(fault) == ("dialplan.yaml", 9, 11, "unknown-step")
    assert "Maksud Anda `kejadian`?" in fault.message
    assert at(only(dialplan=DIALPLAN.replace("start: sambutan", "start: halo")))[1:] == (
        5,
        8,
        "unknown-step",
    )
    fault = only(
        dialplan=DIALPLAN.replace("  lainnya:\n    menu", "    otherwise: x\n  lainnya:\n    menu")
    )
    assert at(fault)[1:] == (15, 16, "unknown-step")


def test_an_unknown_incident_is_told_with_the_one_that_was_meant() -> None:
    fault = only(dialplan=DIALPLAN.replace("incident: kebakaran", "incident: kebakran"))
    assert at(fault) == ("dialplan.yaml", 13, 21, "unknown-incident")
    assert "Maksud Anda `kebakaran`?" in fault.message


def test_a_key_written_twice_is_told_with_its_first_line() -> None:
    fault = only(dialplan=DIALPLAN.replace("      5: {words", "      1: {words"))
    assert at(fault) == ("dialplan.yaml", 14, 7, "duplicate-key")
    assert "baris 13" in fault.message


def test_zero_cannot_be_an_option() -> None:
    fault = only(dialplan=DIALPLAN.replace("      5: {words", "      0: {words"))
    assert at(fault) == ("dialplan.yaml", 14, 7, "operator-key")
    assert only(places=PLACES.replace("    2:\n", "    0:\n")).code == "operator-key"


@pytest.mark.parametrize("key", ["10", "01", "a", "'**'"])
def test_an_option_is_one_key_of_the_telephone(key: str) -> None:
    assert only(dialplan=DIALPLAN.replace("      5: {words", f"      {key}: {{words")).code == "key"


def test_star_and_hash_are_keys_when_quoted() -> None:
    text = DIALPLAN.replace("      5: {words", "      '*': {then: tempat}\n      '#': {words")
    dialplan, _ = small(dialplan=text)
    menu = dialplan.steps["kejadian"]
    assert isinstance(menu, MenuStep)
    assert set(menu.options) == {"1", "*", "#"}


def test_a_step_does_one_thing() -> None:
    two = DIALPLAN.replace("    say: Anda", "    menu: Halo\n    say: Anda")
    assert at(only(dialplan=two)) == ("dialplan.yaml", 8, 5, "two-kinds")
    none = only(dialplan=DIALPLAN.replace("    say: Anda", "    says: Anda"))
    assert at(none) == ("dialplan.yaml", 8, 5, "no-kind")
    assert "Maksud Anda `say`?" in none.message


def test_the_name_operator_always_leads_to_a_person() -> None:
    text = DIALPLAN.replace("  sambutan:\n", "  operator: {operator: Mohon tunggu.}\n  sambutan:\n")
    small(dialplan=text)
    text = DIALPLAN.replace(
        "  sambutan:\n", "  operator: {say: Halo, then: kejadian}\n  sambutan:\n"
    )
    assert only(dialplan=text).code == "operator-step"


def test_a_missing_key_is_told_by_name() -> None:
    fault = only(dialplan=DIALPLAN.replace("    then: kejadian\n", ""))
    assert (fault.line, fault.code) == (8, "missing-key")
    assert "`then`" in fault.message


def test_a_whisper_knows_two_placeholders() -> None:
    for wrong in ("{kejadian}", "{}", "{incident", "place}"):
        assert only(dialplan=DIALPLAN.replace("{place}", wrong)).code == "placeholder"


def test_a_kecamatan_that_is_offered_must_exist() -> None:
    fault = only(places=PLACES.replace('{1: "14.03.13"}', '{1: "14.03.31"}'))
    assert (fault.file, fault.line, fault.code) == ("places.yaml", 11, "unknown-kecamatan")


def test_a_kecamatan_that_no_key_leads_to_is_a_warning() -> None:
    loaded = load(with_files(places=PLACES.replace(', 2: "14.03.16"}', "}")))
    assert loaded.faults == ()
    assert [(w.line, w.code) for w in loaded.warnings] == [(15, "kecamatan-not-offered")]


def test_a_missing_shared_sentence_is_a_fault() -> None:
    fault = only(id=PHRASES.replace('"no_match": Kalimat no_match.\n', ""))
    assert (fault.file, fault.code) == ("prompts/id.yaml", "missing-phrase")
    assert at(only(id=PHRASES.replace("Kalimat no_match.", "")))[3] == "empty-text"


def test_a_fault_in_the_agencies_is_told_at_its_line() -> None:
    found = faults(agencies=AGENCIES.replace("  handles: [kebakaran,", "  handles: [kebakran,"))
    assert found
    assert {(fault.file, fault.line) for fault in found} == {("agencies.yaml", 3)}


def test_all_faults_of_all_files_come_in_one_run() -> None:
    found = faults(
        dialplan=DIALPLAN.replace("wait: 4s", "wait: 4").replace("mode: latihan", "mode: tes"),
        places="wilayah: [",
        id=PHRASES + "\tx",
        agencies=AGENCIES.replace("name: Pos", "nama: Pos"),
    )
    assert {fault.file for fault in found} >= {"dialplan.yaml", "places.yaml", "prompts/id.yaml"}
    assert len([fault for fault in found if fault.file == "dialplan.yaml"]) == 2
    assert list(found) == sorted(found, key=lambda f: (FILES.index(f.file), f.line, f.column))


def test_a_missing_file_is_told() -> None:
    files = with_files()
    del files["places.yaml"]
    assert [fault.code for fault in load(files).faults] == ["missing-file"]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("", "empty-file", 1),
        ("# kosong\n", "empty-file", 1),
        ("- a\n", "no-mapping", 1),
        ("a: 1\n---\nb: 2\n", "documents", 2),
        ("a: &x 1\nb: 2\n", "alias", 1),
        ("a: 1\nb: *x\n", "alias", 2),
        ("a: !!int 1\n", "tag", 1),
        ("a: 1\n\tb: 2\n", "yaml", 2),
        ("a: 'b\n", "yaml", 1),
        ("a: b: c\n", "yaml", 1),
        ("a: 1\nb 2\nc: d\n", "yaml", 2),
        ('a: "\\UFFFFFFFF"\n', "unreadable", 1),
        ("%YAML 1." + "1" * 5000 + "\n---\na: b\n", "unreadable", 1),
        ('a: 1\nb: "\\uD800"\n', "unreadable", 2),
        ("a: 1\n #: 2\n", "hash-key", 2),
        ("a: 1\n[b]: 2\n", "key", 2),
        ("a: 1\nb: \x07\n", "unreadable", 2),
        ("a: " + "[" * 30, "too-deep", 1),
        ("a: " + "x" * MAX_BYTES, "too-large", 1),
    ],
)
def test_text_that_is_no_such_file_is_told_where(text: str, code: str, line: int) -> None:
    _, _, found = read("x.yaml", text)
    assert [(fault.code, fault.line) for fault in found] == [(code, line)]


def test_an_alias_cannot_make_a_file_grow() -> None:
    laughs = "a: &a [x, x]\n" + "".join(
        f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert "alias" in {fault.code for fault in read("x.yaml", laughs)[2]}


def test_a_sentence_may_go_over_several_lines() -> None:
    dialplan, _ = small(
        dialplan=DIALPLAN.replace("Anda terhubung", ">\n      Anda\n      terhubung")
    )
    assert dialplan.steps["sambutan"].prompts() == {("say",): (Prompt("Anda terhubung ke 112."),)}
