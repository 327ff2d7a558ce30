"""What each step of the language does with a caller, on a deployment that has them all."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import pytest
from small_deployment import ROOT

from ivr.deployment import read
from ivr.flow.actions import Dial, Gather, LookAtQueue, Notify, Record, Say
from ivr.flow.check import PromptAudio, check
from ivr.flow.engine import advance, begin
from ivr.flow.events import (
    CallOffered,
    DigitsEntered,
    Event,
    NoInput,
    QueueSeen,
    Recorded,
    RouteDecided,
)
from ivr.flow.journal import from_json, to_json
from ivr.flow.keys import keys_to
from ivr.flow.loader import load
from ivr.flow.model import Turn
from ivr.flow.prompt import Prompt
from ivr.flow.steps.branch import caller_class
from ivr.flow.transcript import differences, parse, run, tell
from routing.decide import decide

FOLDER = ROOT / "tests" / "deployments" / "lengkap"
LOADED = load(read(FOLDER).files)
assert LOADED.dialplan is not None, LOADED.faults
assert LOADED.directory is not None
DIALPLAN, DIRECTORY = LOADED.dialplan, LOADED.directory

TUESDAY_NOON = datetime(2026, 12, 1, 5, 0, tzinfo=UTC).timestamp()  # 12:00 in Riau
HOUR = 3600.0


def call(
    *events: Event,
    dialled: str = "112",
    trunk: str = "",
    caller: str | None = "+6281276123456",
    at: float = TUESDAY_NOON,
    test: bool = False,
) -> Turn:
    """The turn after these events; routing answers for itself."""
    turn = begin(DIALPLAN, CallOffered("1.1", at, caller, dialled, trunk, "n", "", test=test))
    for event in events:
        turn = advance(DIALPLAN, turn.state, event)
    return turn


def said(turn: Turn) -> list[str]:
    return [
        prompt.text
        for action in turn.actions
        if isinstance(action, Say | Gather | Record)
        for prompt in action.prompts
    ]


def routed(turn: Turn) -> Turn:
    decision = decide(DIRECTORY, turn.state.incident, turn.state.location)
    decided = RouteDecided(decision.routes, decision.because, decision.notify)
    return advance(DIALPLAN, turn.state, decided)


def keys(*pressed: str) -> list[Event]:
    return [DigitsEntered(key) if key else NoInput() for key in pressed]


FIRE_IN_DURI = keys("", "1", "1", "1", "1")  # no language, fire, Duri, Mandau, "right"


def test_all_faults_and_warnings_of_the_deployment_are_those_meant() -> None:
    assert [fault.code for fault in LOADED.warnings] == ["translation-missing", "translation-old"]


# schedule


@pytest.mark.parametrize(
    ("at", "first"),
    [
        ("2026-12-01 08:00", "Tekan 2 for English."),
        ("2026-12-01 07:59", "Kantor tutup. Panggilan darurat tetap dilayani."),
        ("2026-12-01 15:59", "Tekan 2 for English."),
        ("2026-12-01 16:00", "Kantor tutup. Panggilan darurat tetap dilayani."),
        ("2026-12-04 11:29", "Tekan 2 for English."),
        ("2026-12-04 12:00", "Kantor tutup. Panggilan darurat tetap dilayani."),
        ("2026-12-05 10:00", "Kantor tutup. Panggilan darurat tetap dilayani."),
        ("2027-03-10 10:00", "Hari ini libur. Panggilan darurat tetap dilayani."),
        ("2026-11-24 11:59", "Kantor tutup. Panggilan darurat tetap dilayani."),
        ("2026-11-24 12:00", "Tekan 2 for English."),
    ],
    ids=lambda text: text if text.startswith("20") else text[:6],
)
def test_hours_holidays_and_an_override_that_expires(at: str, first: str) -> None:
    moment = datetime.fromisoformat(f"{at}+07:00").timestamp()
    assert said(call(at=moment))[0] == first


# entries


def test_a_call_begins_where_its_number_and_trunk_say() -> None:
    assert call().state.step == "bahasa"
    assert call(dialled="119", trunk="telkomsel").state.step == "kesehatan"
    assert call(dialled="119", trunk="jasnita-masuk").state.step == "bahasa"
    assert DIALPLAN.entry("1129", "").test
    assert DIALPLAN.entry("+621129", "").test, "as some carriers send it"
    assert not DIALPLAN.entry("112", "").test


def test_whoever_takes_a_test_call_hears_first_that_it_is_one() -> None:
    turn = routed(call(*keys("", "2", "1", "1", "", ""), dialled="1129", test=True))
    dial = turn.state.waiting
    assert isinstance(dial, Dial)
    assert dial.whisper.count(Prompt("Ini panggilan uji.")) == 1
    assert dial.whisper[0] == Prompt("Ini panggilan uji.")
    operator = call(*keys("", "0"), dialled="1129", test=True).state.waiting
    assert isinstance(operator, Dial)
    assert operator.whisper[0] == Prompt("Ini panggilan uji.")


# language


def test_who_chooses_english_hears_english_where_there_is_some_and_responders_do_not() -> None:
    turn = call(*keys("2"))
    assert said(turn) == ["For fire press 1, illness 2, anything else 5. Or stay on the line."]
    assert [p.language for a in turn.actions if isinstance(a, Gather) for p in a.prompts] == ["en"]
    turn = call(*keys("2", "1", "1", "1"))
    assert said(turn) == ["Fire", "in", "Mandau", "If right press 1, if wrong press 2."]
    turn = routed(call(*keys("2", "1", "2", "1", "1")))
    assert isinstance(turn.state.waiting, Dial)
    assert turn.state.waiting.whisper[0] == Prompt("Kebakaran")


def test_an_old_translation_is_not_spoken() -> None:
    turn = call(*keys("2", "2", "1", "1", "1"))
    assert said(turn) == ["Ceritakan singkat apa yang terjadi, lalu tekan pagar."]


def test_who_chooses_no_language_goes_on_at_once() -> None:
    assert call(*keys("")).state.step == "kejadian"
    assert call(*keys("9")).state.step == "kejadian"


# confirm


def test_what_was_understood_is_said_and_can_be_put_right_but_not_for_ever() -> None:
    turn = call(*FIRE_IN_DURI[:-1])
    assert said(turn) == ["Kebakaran", "Mandau", "Benar tekan 1, salah tekan 2."]
    again = advance(DIALPLAN, turn.state, DigitsEntered("2"))
    assert again.state.step == "kejadian"
    twice = call(*FIRE_IN_DURI[:-1], *keys("2", "1", "1", "1", "2"))
    assert twice.state.step == "operator"


@pytest.mark.parametrize("answer", ["", "1"])
def test_silence_agrees(answer: str) -> None:
    assert call(*FIRE_IN_DURI[:-1], *keys(answer)).state.step == "kilometer"


# branch and notify


def test_agencies_are_told_without_being_rung() -> None:
    turn = call(*FIRE_IN_DURI)
    assert Notify(("bpbd-bengkalis", "polsek-mandau")) in turn.actions


def test_the_way_forks_by_incident_and_by_place() -> None:
    assert call(*FIRE_IN_DURI).state.step == "kilometer"
    assert call(*keys("", "1", "2", "1", "1")).state.step == "instansi"  # Pinggir, by its code
    assert call(*keys("", "1", "5", "1", "1")).state.step == "keterangan"
    assert call(*keys("", "2", "1", "1", "1")).state.step == "keterangan"


@pytest.mark.parametrize(
    ("caller", "kind"),
    [
        (None, "withheld"),
        ("+6281276123456", "mobile"),
        ("081276123456", "mobile"),
        ("0766123456", "fixed"),
        ("+62766123456", "fixed"),
        ("+4915112345", "foreign"),
    ],
)
def test_callers_are_told_apart_by_their_number(caller: str | None, kind: str) -> None:
    assert caller_class(CallOffered("1", 0.0, caller, "112", "", "", "")) == kind


def test_the_queue_decides_who_is_kept_in_the_dialogue() -> None:
    turn = call(dialled="110")
    assert isinstance(turn.state.waiting, LookAtQueue)
    assert advance(DIALPLAN, turn.state, QueueSeen("free")).state.step == "petugas"
    assert advance(DIALPLAN, turn.state, QueueSeen("busy")).state.step == "kejadian"
    assert call(QueueSeen("busy"), dialled="110", caller=None).state.step == "petugas"


# ask


def test_digits_are_read_back_and_told_to_the_responder() -> None:
    turn = call(*FIRE_IN_DURI, *keys("42"))
    assert said(turn) == ["Anda menekan", "empat", "dua", "Benar tekan 1, salah tekan 2."]
    turn = routed(advance(DIALPLAN, advance(DIALPLAN, turn.state, NoInput()).state, NoInput()))
    dial = turn.state.waiting
    assert isinstance(dial, Dial)
    assert [prompt.text for prompt in dial.whisper][:5] == [
        "Kebakaran",
        "Mandau",
        "Kilometer",
        "empat",
        "dua",
    ]


def test_who_says_that_the_digits_are_wrong_is_asked_once_more() -> None:
    turn = call(*FIRE_IN_DURI, *keys("42", "2"))
    assert said(turn)[-1] == "Tekan angka kilometer jalan tol, lalu tekan pagar."
    assert turn.state.answers == {}
    assert call(*FIRE_IN_DURI, *keys("42", "2", "43", "1")).state.answers == {"kilometer": "43"}
    assert call(*FIRE_IN_DURI, *keys("42", "2", "43", "2")).state.step == "keterangan"


def test_who_keys_in_nothing_goes_on_and_a_single_0_is_the_operator() -> None:
    assert call(*FIRE_IN_DURI, *keys("", "")).state.step == "keterangan"
    assert call(*FIRE_IN_DURI, *keys("0")).state.step == "operator"
    assert call(*FIRE_IN_DURI, *keys("012")).state.entered == "012"


# record


def test_a_few_words_are_recorded_and_played_to_the_responder() -> None:
    turn = call(*FIRE_IN_DURI, *keys("", ""))
    assert isinstance(turn.state.waiting, Record)
    assert (turn.state.waiting.name, turn.state.waiting.seconds) == ("keterangan", 8.0)
    turn = routed(advance(DIALPLAN, turn.state, Recorded("keterangan", 4.5)))
    assert isinstance(turn.state.waiting, Dial)
    assert [p.recording for p in turn.state.waiting.whisper if p.recording] == ["keterangan"]


def test_who_says_nothing_is_connected_all_the_same_and_0_is_the_operator() -> None:
    turn = call(*FIRE_IN_DURI, *keys("", ""))
    silent = routed(advance(DIALPLAN, turn.state, NoInput()))
    assert isinstance(silent.state.waiting, Dial)
    assert not any(prompt.recording for prompt in silent.state.waiting.whisper)
    assert advance(DIALPLAN, turn.state, DigitsEntered("0")).state.step == "operator"


# All of it as a transcript, and as JSON


WHOLE = """\
# A caller who is told apart by the queue is asked everything, and every answer goes with him.
dialplan: lengkap
caller: +6281276123456

< Kantor tutup. Panggilan darurat tetap dilayani.
< Tekan 2 for English.
> (silent)
< Kebakaran tekan 1, sakit 2, lainnya 5. Atau tetap di telepon.
> 1
< Di mana kejadiannya? …
> 1
< …
> 1
< Kebakaran
< Mandau
< Benar tekan 1, salah tekan 2.
> 1
* notify bpbd-bengkalis, polsek-mandau
< Tekan angka kilometer jalan tol, lalu tekan pagar.
> 42
< Anda menekan
< empat
< dua
< Benar tekan 1, salah tekan 2.
> 1
< Ceritakan singkat apa yang terjadi, lalu tekan pagar.
> (speaks) 4s
= damkar-mandau via damkar-sip, …, operator
  because: …
…
* dial damkar-mandau via damkar-sip
! joined damkar-mandau
"""


def test_a_call_through_every_step_is_a_transcript_that_runs() -> None:
    transcript = parse(WHOLE)
    lines = run(transcript, DIALPLAN, partial(decide, DIRECTORY))
    assert not differences(transcript, lines), "\n".join(differences(transcript, lines))


def test_what_happened_is_told_and_kept_as_json() -> None:
    events: list[Event] = [
        CallOffered("1.1", TUESDAY_NOON, None, "110", "", "n", ""),
        QueueSeen("unreachable"),
    ]
    assert tell(DIALPLAN, events)[0] == "! queue unreachable"
    for event in (QueueSeen("busy"), Recorded("keterangan", 4.5)):
        assert from_json(to_json(event)) == event


# What would go wrong unseen


def changed(old: str, new: str) -> tuple[list[str], list[str]]:
    """The codes of the faults and warnings after one change of the dialplan."""
    files = read(FOLDER).files
    assert old in files["dialplan.yaml"]
    loaded = load({**files, "dialplan.yaml": files["dialplan.yaml"].replace(old, new, 1)})
    if loaded.dialplan is None or loaded.directory is None:
        return [fault.code for fault in loaded.faults], []
    found = check(loaded.dialplan, loaded.directory, lambda prompt: PromptAudio("satu", 1.0))
    return [fault.code for fault in found.faults], [fault.code for fault in found.warnings]


@pytest.mark.timeout(400)  # every way through every step is walked
@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("digits: 1-3", "digits: [0, 99]", "digits"),
        ("digits: 1-3", "digits: 3-1", "digits"),
        ("notify: [bpbd-bengkalis,", "notify: [bpbd-bengkalsi,", "unknown-agency"),
        ("schedule: kantor", "schedule: kantro", "unknown-schedule"),
        ("when: {Mandau:", "when: {Mandua:", "unknown-kecamatan"),
        ("when: {free:", "when: {fere:", "case"),
        ("options: {2: en}", "options: {2: de}", "unknown-language"),
        ("{incident}, {place}. Benar", "{keterangan}, {place}. Benar", "placeholder"),
        ("start: kesehatan", "start: kesehatn", "unknown-step"),
        ("trunk: telkomsel", "trunk: telkomsle", "unknown-trunk"),
        ('dialled: "110"', 'dialled: "1129"', "entry-twice"),
        ("when: {free: petugas, busy: siapa,", "when: {free: petugas, busy: antrean,", "loop"),
    ],
)
def test_what_leads_nowhere_is_a_fault(old: str, new: str, code: str) -> None:
    assert code in changed(old, new)[0]


@pytest.mark.timeout(400)  # every way through every step is walked
@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("    otherwise: kejadian\n", "    otherwise: kejadian\n    tries: 4\n", "tries"),
        ("    then: kejadian\n    wait: 2s", "    then: kejadian\n    wait: 2s", "second-menu"),
    ],
)
def test_what_keeps_a_caller_is_a_warning(old: str, new: str, code: str) -> None:
    assert code in changed(old, new)[1]


def test_a_translation_that_names_another_key_is_a_fault() -> None:
    files = read(FOLDER).files
    english = files["prompts/en.yaml"].replace("For fire press 1", "For fire press 3")
    loaded = load({**files, "prompts/en.yaml": english})
    assert [(f.code, f.file, f.line) for f in loaded.faults] == [
        ("translation-keys", "prompts/en.yaml", 3)
    ]


def test_the_keys_to_an_incident_and_a_place_are_found_through_every_step() -> None:
    pressed = keys_to(DIALPLAN, "kebakaran", "14.03.09", at=TUESDAY_NOON, caller="0811")
    assert pressed == "111111#1"
