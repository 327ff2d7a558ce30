"""Which lines are dead: an Asterisk of words answers, with phones that live, are silent, or are gone."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from ivr.platforms.asterisk.dead_lines import DeadLines, received

SILENT_S, ANSWER_S = 60.0, 35.0
STATISTICS = """
                                             ...........Receive......... .........Transmit..........
 BridgeId ChannelId ........ UpTime.. Codec.   Count    Lost Pct  Jitter   Count    Lost Pct  Jitter RTT....
 ===========================================================================================================

          anonymous-00000000 00:00:00 ulaw        3       0    0   0.000      4       0    0   0.000   0.000
 a1b2c3d4 langsung-0000000a  01:02:03 alaw   123456       0    0   0.000      4       0    0   0.000   0.000

Objects found: 2
"""


@dataclass
class Phones:
    """Asterisk's console, with one channel."""

    packets: int = 10
    answers: bool = False
    known: bool = True  # extensions noted its Call-ID
    asked: list[str] = field(default_factory=list)

    def __call__(self, command: str) -> str | None:
        self.asked.append(command)
        if command == "pjsip show channelstats":
            return f"  x-00000001 00:00:01 ulaw {self.packets}  0 0 0.0 4 0 0 0.0 0.0"
        if command.startswith("core show channel "):
            return "  Variables:\nSIAGA_SIP=ab@10.0.0.1\n" if self.known else "  Variables:\n"
        if command.startswith("pjsip show history where"):
            sent = "00000 1 * ==> 10.0.0.1:5060 INVITE sip:x SIP/2.0\n"
            return sent + ("00001 1 * <== 10.0.0.1:5060 SIP/2.0 200 OK\n" if self.answers else "")
        return ""

    def was_told(self, part: str) -> bool:
        return any(part in command for command in self.asked)


@pytest.fixture(autouse=True)
def quiet() -> object:
    with capture_logs() as logs:
        yield logs


def watched(phones: Phones, *times: float) -> None:
    lines = DeadLines(phones, SILENT_S, ANSWER_S)
    for now in times:
        lines.look(now)


def test_the_columns_of_asterisk_are_read_with_and_without_a_bridge() -> None:
    assert received(STATISTICS) == {"anonymous-00000000": 3, "langsung-0000000a": 123456}


def test_a_line_that_is_silent_and_does_not_answer_is_cleared() -> None:
    phones = Phones()
    watched(phones, 0, 61, 97)
    assert phones.was_told("PJSIP_SEND_SESSION_REFRESH")
    assert phones.was_told("channel request hangup PJSIP/x-00000001")


def test_a_silent_line_that_answers_is_left_alone_and_asked_again_later() -> None:
    phones = Phones(answers=True)
    watched(phones, 0, 61, 97, 158, 194)
    assert sum("REFRESH" in command for command in phones.asked) == 2
    assert not phones.was_told("hangup")


def test_a_single_packet_is_a_sign_of_life() -> None:
    phones = Phones()
    lines = DeadLines(phones, SILENT_S, ANSWER_S)
    lines.look(0)
    lines.look(61)
    phones.packets += 1
    lines.look(97)
    assert not phones.was_told("hangup")


def test_no_line_is_cleared_before_it_had_time_to_answer() -> None:
    phones = Phones()
    watched(phones, 0, 61, 90)
    assert not phones.was_told("hangup")


def test_a_line_on_which_nobody_talks_yet_is_not_asked() -> None:
    phones = Phones(known=False)
    watched(phones, 0, 61, 97, 200)
    assert not phones.was_told("REFRESH")


def test_asterisk_remembers_messages_only_as_long_as_needed() -> None:
    phones = Phones(answers=True)
    watched(phones, 0, 61, 97)
    assert [c for c in phones.asked if "history o" in c] == [
        "pjsip set history on",
        "pjsip set history off",
    ]


def test_an_asterisk_that_does_not_answer_clears_nothing() -> None:
    lines = DeadLines(lambda command: None, SILENT_S, ANSWER_S)
    for now in (0, 61, 97):
        lines.look(now)
