"""A transcript can be read, run, printed, and says where a call went another way."""

from __future__ import annotations

import pytest
from small_deployment import offered, small

from ivr.flow.events import (
    CallerHungUp,
    DeadlinePassed,
    DialEnded,
    DigitsEntered,
    HumanJoined,
    LocationLearned,
    NoInput,
    RouteDecided,
)
from ivr.flow.model import OPERATOR_ROUTE
from ivr.flow.transcript import (
    TranscriptError,
    differences,
    happened,
    parse,
    run,
    seconds,
    tell,
    to_text,
)
from routing.model import Location, Reason, Route, RouteDecision

DIALPLAN, _ = small()
POST = Route("damkar-mandau", "damkar-sip", "101")

TEXT = """\
# A fire in Duri reaches the post of Mandau.
dialplan: kecil
caller: +6281276123456

< Anda terhubung ke 112.
< Kebakaran tekan 1, …
> 1
…
> 1
< Mandau …
> 1
= damkar-mandau via damkar-sip, operator
  because: it is near
* dial damkar-mandau via damkar-sip
! busy
* dial operator
! answered
"""


def decided(incident: str | None, location: Location | None) -> RouteDecision:
    return RouteDecision((POST, OPERATOR_ROUTE), (Reason("near", "it is near"),))


def test_a_transcript_that_happens_as_written_has_no_differences() -> None:
    transcript = parse(TEXT)
    assert transcript.promise == "A fire in Duri reaches the post of Mandau."
    assert transcript.caller == "+6281276123456"
    assert differences(transcript, run(transcript, DIALPLAN, decided)) == []


@pytest.mark.parametrize(
    ("written", "other"),
    [
        ("> 1\n= dam", "> 2\n= dam"),
        ("via damkar-sip, op", "via jasnita, op"),
        ("! busy\n", ""),
        ("is near", "is far"),
        ("< Mandau …", "< Mandau"),
    ],
)
def test_a_transcript_that_happens_otherwise_is_told(written: str, other: str) -> None:
    text = TEXT.replace(written, other)
    assert text != TEXT
    transcript = parse(text)
    lines = run(transcript, DIALPLAN, decided)
    if written.startswith("> 1"):
        lines = run(parse(TEXT), DIALPLAN, decided)
    assert differences(transcript, lines)


def test_a_transcript_prints_as_it_was_read() -> None:
    assert to_text(parse(TEXT)) == TEXT
    located = TEXT.replace("caller: +6281276123456", "location: 14.03.09 0.7")
    assert to_text(parse(located)) == located


def test_a_recorded_call_is_told_in_the_same_lines() -> None:
    events = [
        offered(),
        DigitsEntered("1"),
        LocationLearned(Location("sip", code="14.03.09", confidence=0.4)),
        DigitsEntered("1"),
        DigitsEntered("1"),
        RouteDecided((POST, OPERATOR_ROUTE), (Reason("near", "it is near"),)),
        DialEnded("damkar-mandau", "damkar-sip", "busy"),
        CallerHungUp(),
    ]
    lines = tell(DIALPLAN, events)
    assert lines[-2:] == ["* dial operator", "> (hangs up)"]
    assert "! located 14.03.09 0.4" in lines
    assert lines.count("< Duri tekan 1, Pinggir 2.") == 1


def test_a_location_that_changes_the_question_is_told_with_the_new_one() -> None:
    learned = LocationLearned(Location("sip", code="14.03.09", confidence=0.7))
    lines = tell(DIALPLAN, [offered(), DigitsEntered("1"), learned, CallerHungUp()])
    assert lines[-5:] == [
        "! located 14.03.09 0.7",
        "< Kalimat place_confirm.",
        "< Mandau",
        "< Kalimat place_confirm_question.",
        "> (hangs up)",
    ]


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (NoInput(), "> (silent)"),
        (HumanJoined("pusat"), "! joined pusat"),
        (DeadlinePassed("gather"), "! deadline gather"),
        (DialEnded("a", "t", "answered", talk_s=40.0), "! answered 40s"),
        (DialEnded("a", "t", "failed", "CHANUNAVAIL"), "! failed"),
    ],
)
def test_every_event_has_its_line(event: NoInput, line: str) -> None:
    assert happened(event) == [line]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dialplan: x\n",
        "# p\nwhat is this\n",
        "# p\nlocation: here\n< x\n",
        "# p\n< x\ncaller: late\n",
    ],
)
def test_a_text_that_is_no_transcript_is_refused(text: str) -> None:
    with pytest.raises(TranscriptError):
        parse(text)


@pytest.mark.parametrize("line", ["! busy", "! nonsense", "! answered x", "! located", "!"])
def test_a_transcript_that_cannot_happen_is_refused(line: str) -> None:
    with pytest.raises(TranscriptError):
        run(parse(f"# p\n{line}\n"), DIALPLAN, decided)


def test_the_head_may_say_what_was_dialled_over_which_trunk_and_when() -> None:
    head = "dialled: 119\ntrunk: telkomsel\nat: 2027-03-20T02:00+07:00\n"
    text = TEXT.replace("\n\n<", f"\n{head}\n<", 1)
    transcript = parse(text)
    assert (transcript.dialled, transcript.trunk) == ("119", "telkomsel")
    assert to_text(transcript) == text
    assert differences(transcript, run(transcript, DIALPLAN, decided)) == []


@pytest.mark.parametrize(
    ("written", "epoch"),
    [
        ("1970-01-01T00:00+00:00", 0.0),
        ("2027-03-20T02:00+07:00", 1_805_482_800.0),
        ("2028-02-29T23:30-01:30", 1_835_485_200.0),
    ],
)
def test_a_moment_is_read_in_its_own_time_zone(written: str, epoch: float) -> None:
    assert seconds(written) == epoch


@pytest.mark.parametrize("at", ["2027-02-29T02:00+07:00", "2027-13-01T02:00+07:00", "02:00", ""])
def test_a_moment_that_never_comes_is_refused(at: str) -> None:
    with pytest.raises(TranscriptError):
        parse(f"# p\nat: {at}\n")
