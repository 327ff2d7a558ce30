"""However the bytes fall, AGI is read the same; whatever is written, Asterisk reads it as meant."""

from __future__ import annotations

import io
import itertools
import re
from typing import Any

from asterisk.agi import AGI
from hypothesis import given, settings
from hypothesis import strategies as st
from protocol.fake_asterisk import USAGE, environment, parse_args

from ivr.platforms.asterisk.agi import (
    AgiConnection,
    Command,
    HangupNotice,
    LocalProtocolError,
    Message,
    RemoteProtocolError,
    Reply,
    encode,
)

COMMAND = Command("WAIT FOR DIGIT", ("4000",))

line_text = st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=9)
answers = st.one_of(
    st.integers(-1, 130).map(lambda result: f"200 result={result}\n"),
    st.integers(0, 10**6).map(lambda at: f"200 result=0 endpos={at}\n"),
    line_text.map(lambda value: f"200 result=1 ({value})\n"),
    st.just(USAGE),
    st.just("511 Command Not Permitted on a dead channel\n"),
    st.just("100 result=0 Trying...\n200 result=1 (x)\n"),
)
hangups = st.sampled_from(["", "HANGUP\n"])
bursts = st.lists(st.tuples(hangups, answers, hangups), max_size=6)


def heard(data: bytes, cuts: list[int], connection: AgiConnection) -> list[Message]:
    """The messages in these bytes when they come in pieces."""
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in itertools.pairwise(places)]
    return [message for piece in pieces for message in connection.receive(piece)]


@given(session=bursts, cuts=st.lists(st.lists(st.integers(0, 2000), max_size=6), min_size=7))
def test_a_recorded_session_is_read_the_same_wherever_it_is_cut(
    session: list[tuple[str, str, str]], cuts: list[list[int]]
) -> None:
    whole, cut = AgiConnection(), AgiConnection()
    said = environment("call", "a@b", "telkomsel", "1")
    assert heard(said, cuts[-1], cut) == whole.receive(said)
    for parts, places in zip(session, cuts, strict=False):
        data = "".join(parts).encode()
        assert whole.send(COMMAND) == cut.send(COMMAND)
        assert heard(data, places, cut) == whole.receive(data)
        assert (cut.in_flight, cut.hung_up) == (None, whole.hung_up)


@given(session=bursts)
def test_hangup_lines_anywhere_never_change_an_answer(session: list[tuple[str, str, str]]) -> None:
    with_them, without = AgiConnection(), AgiConnection()
    with_them.receive(environment())
    without.receive(environment())
    for before, answer, after in session:
        with_them.send(COMMAND)
        without.send(COMMAND)
        messages = with_them.receive((before + answer + after).encode())
        notices = [message for message in messages if isinstance(message, HangupNotice)]
        replies = [message for message in messages if isinstance(message, Reply)]
        assert len(notices) == sum(bool(line) for line in (before, after))
        assert replies == without.receive(answer.encode())


@given(
    junk=st.binary(max_size=60)
    | st.lists(
        st.sampled_from([b"200 result=", b"520-", b"520 ", b"HANGUP", b"\n", b"endpos=", b"9" * 30])
    ).map(b"".join),
    in_flight=st.booleans(),
)
def test_a_peer_may_say_anything_and_only_protocol_errors_come_of_it(
    junk: bytes, in_flight: bool
) -> None:
    connection = AgiConnection()
    connection.receive(environment())
    if in_flight:
        connection.send(COMMAND)
    try:
        messages = connection.receive(junk)
    except RemoteProtocolError:
        return
    for message in messages:
        if isinstance(message, Reply):
            assert len(message.digit) <= 1


@given(
    verb=st.sampled_from(["SET VARIABLE", "STREAM FILE", "ANSWER", "WAIT FOR DIGIT"]),
    arguments=st.lists(
        st.text(st.characters(), max_size=30) | st.text(' "\\\t\nab', max_size=12), max_size=5
    ),
)
@settings(max_examples=300)
def test_asterisk_reads_the_words_that_were_meant_or_nothing_is_sent(
    verb: str, arguments: list[str]
) -> None:
    command = Command(verb, tuple(arguments))
    try:
        line = encode(command)
    except LocalProtocolError:
        assert re.search(r"[\r\n\0\ud800-\udfff]", "".join(arguments))
        return
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert parse_args(line[:-1].decode()) == [*verb.split(), *arguments]


class Pyst2(AGI):  # type: ignore[misc]
    """The vocabulary of pyst2 without its pipes: what it would send, and no answer."""

    def __init__(self) -> None:
        self.stdout = io.StringIO()
        self.stderr = io.StringIO()

    def execute(self, command: str, *args: Any) -> dict[str, tuple[str, str]]:
        self.send_command(command, *args)
        return {"result": ("0", "")}

    def argv(self) -> list[str]:
        return parse_args(self.stdout.getvalue().rstrip("\n"))


def ours(verb: str, *arguments: str) -> list[str]:
    return parse_args(encode(Command(verb, arguments)).decode().rstrip("\n"))


names = st.from_regex(r"[A-Z_]{1,20}(\([a-z]{1,8}\))?", fullmatch=True)
files = st.from_regex(r"/?[a-z0-9/.-]{1,60}", fullmatch=True)
values = st.from_regex(r"[A-Za-z0-9 /@.,&=:;+()-]{0,60}", fullmatch=True)
keys = st.text("0123456789*#", max_size=12)


@given(name=names, value=values, file=files, escape=keys, milliseconds=st.integers(0, 60_000))
def test_pyst2_says_the_same_for_ordinary_values(
    name: str, value: str, file: str, escape: str, milliseconds: int
) -> None:
    second = Pyst2()
    second.set_variable(name, value)
    assert ours("SET VARIABLE", name, value) == second.argv()
    second = Pyst2()
    second.execute("GET VARIABLE", second._quote(name))
    assert ours("GET VARIABLE", name) == second.argv()
    second = Pyst2()
    second.stream_file(file, escape)
    assert ours("STREAM FILE", file, escape, "0") == second.argv()
    second = Pyst2()
    second.wait_for_digit(milliseconds)
    assert ours("WAIT FOR DIGIT", str(milliseconds)) == second.argv()


@given(
    said=st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=60),
    endpos=st.integers(-1, 10**6),
    cuts=st.lists(st.integers(0, 300), max_size=4),
)
def test_whatever_a_caller_said_reaches_us_as_it_was_written(
    said: str, endpos: int, cuts: list[int]
) -> None:
    connection = AgiConnection()
    connection.receive(environment())
    connection.send(Command("SPEECH RECOGNIZE", ("menu", "7", "0")))
    result = f'results=1 score0=100 text0="{said}" grammar0=(null)'
    line = f"200 result=1 (speech) endpos={endpos} {result}\n"
    (reply,) = heard(line.encode(), cuts, connection)
    assert isinstance(reply, Reply)
    assert (reply.recognised, reply.digit) == (said, "")


@given(said=line_text)
def test_whatever_stands_in_an_answer_about_speech_is_read_without_harm(said: str) -> None:
    connection = AgiConnection()
    connection.receive(environment())
    connection.send(Command("SPEECH RECOGNIZE", ("menu", "7", "0")))
    (reply,) = connection.receive(f"200 result=1 (speech) {said}\n".encode())
    assert isinstance(reply, Reply)
    assert connection.in_flight is None
