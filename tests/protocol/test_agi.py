"""Every trap of AGI: what Asterisk says is understood, and what must not be sent is not sent."""

from __future__ import annotations

import pytest
from protocol.fake_asterisk import USAGE, environment, parse_args

from ivr.platforms.asterisk.agi import (
    LONGEST_COMMAND,
    LONGEST_ENVIRONMENT,
    LONGEST_LINE,
    MOST_ARGUMENTS,
    AgiConnection,
    Command,
    Environment,
    HangupNotice,
    LocalProtocolError,
    RemoteProtocolError,
    Reply,
    encode,
)

WAIT = Command("WAIT FOR DIGIT", ("4000",))
GET = Command("GET VARIABLE", ("SIAGA_RESULT",))
PLAY = Command("STREAM FILE", ("anda-terhubung", "0123456789*#"))


def talking(*in_flight: Command) -> AgiConnection:
    """A connection whose environment has come, and which has sent this command."""
    connection = AgiConnection()
    connection.receive(environment())
    for command in in_flight:
        connection.send(command)
    return connection


def reply_to(command: Command, line: str) -> Reply:
    messages = talking(command).receive(line.encode())
    assert len(messages) == 1
    assert isinstance(messages[0], Reply)
    return messages[0]


# What Asterisk says


def test_the_environment_is_one_message_once_it_is_complete() -> None:
    connection = AgiConnection()
    said = environment("next", "abc@host", uniqueid="17.1", callerid="0812: rumah")
    assert connection.receive(said[:-1]) == []
    assert connection.receive(said[-1:]) != []
    (message,) = AgiConnection().receive(said)
    assert isinstance(message, Environment)
    assert message.values["agi_network_script"] == "next"
    assert message.values["agi_callerid"] == "0812: rumah"
    assert message.values["agi_accountcode"] == ""
    assert message.values["agi_arg_1"] == "abc@host"


HEAR = Command("SPEECH RECOGNIZE", ("menu", "7", "0"))


@pytest.mark.parametrize(
    ("line", "data", "digit", "recognised"),
    [
        ("200 result=1 (digit) digit=* endpos=0\n", "digit", "*", None),
        ("200 result=1 (digit) digit=~ endpos=0\n", "digit", "", None),
        ("200 result=1 (timeout) endpos=0\n", "timeout", "", None),
        ("200 result=1 (hangup) endpos=0\n", "hangup", "", None),
        ("200 result=1 (speech) endpos=0 results=0 \n", "speech", "", None),
        ("200 result=0\n", None, "", None),
        (
            '200 result=1 (speech) endpos=0 results=1 score0=9 text0="ap") i" grammar0=(null)\n',
            "speech",
            "",
            'ap") i',
        ),
    ],
)
def test_listening_ends_by_a_key_a_word_or_neither(
    line: str, data: str | None, digit: str, recognised: str | None
) -> None:
    reply = reply_to(HEAR, line)
    assert (reply.data, reply.digit, reply.recognised) == (data, digit, recognised)


def test_a_hangup_line_before_the_answer_is_no_answer() -> None:
    connection = talking(WAIT)
    assert connection.receive(b"HANGUP\n") == [HangupNotice()]
    assert connection.in_flight == WAIT
    assert connection.receive(b"200 result=0\n") == [Reply(200, "0", text="result=0")]
    assert connection.in_flight is None


def test_a_hangup_line_after_the_answer_is_no_answer() -> None:
    connection = talking(WAIT)
    first, second = connection.receive(b"200 result=49\nHANGUP\n")
    assert isinstance(first, Reply)
    assert (first.digit, second) == ("1", HangupNotice())
    assert connection.hung_up


def test_a_hangup_line_between_two_commands_is_no_answer() -> None:
    connection = talking(WAIT)
    connection.receive(b"200 result=0\n")
    assert connection.receive(b"HANGUP\n") == [HangupNotice()]
    connection.send(GET)
    (reply,) = connection.receive(b"200 result=1 (busy)\n")
    assert isinstance(reply, Reply)
    assert reply.data == "busy"


def test_a_usage_answer_of_many_lines_is_one_answer() -> None:
    connection = talking(PLAY)
    (reply,) = connection.receive(USAGE.encode())
    assert isinstance(reply, Reply)
    assert reply.code == 520
    assert "STREAM FILE filename" in reply.text
    assert "200 result=0" in reply.text, "a line of the usage that looks like an answer is none"
    connection.send(WAIT)
    assert connection.receive(b"200 result=0\n") == [Reply(200, "0", text="result=0")]


def test_a_usage_answer_of_one_line_is_an_answer() -> None:
    assert reply_to(PLAY, "520 Invalid command syntax.\n").code == 520


def test_a_usage_answer_that_does_not_end_is_refused() -> None:
    connection = talking(PLAY)
    with pytest.raises(RemoteProtocolError):
        connection.receive(b"520-Usage follows:\n" + b"more\n" * 1000)


def test_a_dead_channel_is_told_by_its_code() -> None:
    reply = reply_to(PLAY, "511 Command Not Permitted on a dead channel or intercept routine\n")
    assert (reply.code, reply.result, reply.digit) == (511, "", "")


def test_an_unknown_command_is_told_by_its_code() -> None:
    assert reply_to(PLAY, "510 Invalid or unknown command\n").code == 510


def test_trying_is_not_yet_an_answer() -> None:
    connection = talking(GET)
    assert connection.receive(b"100 result=0 Trying...\n") == []
    assert connection.in_flight == GET
    (reply,) = connection.receive(b"200 result=1 (busy)\n")
    assert isinstance(reply, Reply)
    assert reply.data == "busy"


@pytest.mark.parametrize(
    "value",
    ["a)b", ")", "((", "a) endpos=7 (b)", "hangup", "HANGUP", '"', "", "200 result=0", "é 🚒"],
)
def test_a_value_is_taken_whole_whatever_it_holds(value: str) -> None:
    reply = reply_to(GET, f"200 result=1 ({value})\n")
    assert (reply.result, reply.data, reply.endpos) == ("1", value, None)


def test_a_value_that_is_the_word_hangup_does_not_hang_up() -> None:
    connection = talking(GET)
    connection.receive(b"200 result=1 (hangup)\n")
    assert not connection.hung_up


def test_a_variable_without_a_value_has_no_data() -> None:
    assert reply_to(GET, "200 result=0\n").data is None


def test_a_value_with_a_line_end_is_noticed_and_never_read_as_the_next_answer() -> None:
    with pytest.raises(RemoteProtocolError):
        talking(GET).receive(b"200 result=1 (one\ntwo)\n")
    with pytest.raises(RemoteProtocolError):
        talking(GET).receive(b"200 result=1 (one\n200 result=48)\n")


def test_minus_one_is_not_a_hang_up() -> None:
    connection = talking(PLAY)
    (reply,) = connection.receive(b"200 result=-1 endpos=0\n")
    assert isinstance(reply, Reply)
    assert (reply.result, reply.digit, reply.endpos) == ("-1", "", 0)
    assert not connection.hung_up
    assert connection.send(WAIT)


def test_the_place_where_a_prompt_was_stopped_is_told() -> None:
    reply = reply_to(PLAY, "200 result=48 endpos=12800\n")
    assert (reply.digit, reply.endpos) == ("0", 12800)


@pytest.mark.parametrize(
    ("result", "key"),
    [
        ("48", "0"),
        ("57", "9"),
        ("42", "*"),
        ("35", "#"),
        ("65", "A"),
        ("0", ""),
        ("-1", ""),
        ("", ""),
        ("13", ""),
        ("97", ""),
        ("128", ""),
        ("²", ""),
        ("٤٨", ""),
        ("9" * 5000, ""),
    ],
)
def test_only_a_key_of_a_telephone_is_a_key(result: str, key: str) -> None:
    assert reply_to(WAIT, f"200 result={result}\n").digit == key


def test_a_key_counts_only_in_an_answer_of_success() -> None:
    assert reply_to(WAIT, "510 result=49\n").digit == ""


def test_an_end_position_of_thousands_of_digits_fails_nothing() -> None:
    assert reply_to(PLAY, f"200 result=49 endpos={'9' * 5000}\n").digit == "1"


def test_bytes_that_are_no_text_fail_nothing() -> None:
    connection = talking(GET)
    (reply,) = connection.receive(b"200 result=1 (\xff\xfe)\r\n")
    assert isinstance(reply, Reply)
    assert reply.data == "\ufffd\ufffd"


def test_the_end_of_the_connection_in_mid_command_drops_what_was_half_said() -> None:
    connection = talking(GET)
    assert connection.receive(b"200 result=1 (bu") == []
    connection.receive_eof()
    assert connection.closed
    with pytest.raises(LocalProtocolError):
        connection.send(WAIT)


# What is no AGI


@pytest.mark.parametrize(
    "junk",
    [b"GET / HTTP/1.1\r\n", b"\x16\x03\n", b"\r\n", b"agi_x\n", b": x\n", b"200 result=0\n"],
)
def test_a_peer_that_does_not_begin_with_an_environment_is_refused(junk: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        AgiConnection().receive(junk)


def test_an_environment_that_does_not_end_is_refused() -> None:
    lines = b"".join(b"agi_%d: x\n" % number for number in range(LONGEST_ENVIRONMENT + 1))
    with pytest.raises(RemoteProtocolError):
        AgiConnection().receive(lines)


@pytest.mark.parametrize("letter", ["x", "é"])
def test_a_line_too_long_is_refused_wherever_it_is_cut(letter: str) -> None:
    value = letter * (LONGEST_LINE // len(letter.encode()))
    line = f"200 result=1 ({value})\n".encode()
    with pytest.raises(RemoteProtocolError):
        talking(GET).receive(line)
    cut = talking(GET)
    with pytest.raises(RemoteProtocolError):
        cut.receive(line[:-1])


@pytest.mark.parametrize("line", ["hello", "20 result=0", "200", "HANGUP ", "hangup", "2000 x"])
def test_a_line_that_is_no_answer_is_refused(line: str) -> None:
    with pytest.raises(RemoteProtocolError):
        talking(WAIT).receive(f"{line}\n".encode())


def test_an_answer_to_nothing_is_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        talking().receive(b"200 result=0\n")
    with pytest.raises(RemoteProtocolError):
        talking(WAIT).receive(b"200 result=0\n200 result=0\n")


SPOKEN = '200 result=1 (speech) endpos=0 results=1 score0=91 text0="rumah Ibu{}" grammar0=""'


@pytest.mark.parametrize(
    "lines",
    [
        "200 result=0\n" + SPOKEN.format(" Siti"),
        SPOKEN.format("\nSiti"),
        SPOKEN.format(" Siti").removeprefix("200 "),
        '200 result=0\n200 text0="Siti"',
    ],
)
def test_what_a_caller_said_stands_in_no_fault_that_is_logged(lines: str) -> None:
    with pytest.raises(RemoteProtocolError) as fault:
        talking(WAIT).receive(f"{lines}\n".encode())
    assert "Siti" not in str(fault.value)
    assert "rumah" not in str(fault.value)


# What we may say


def test_a_command_is_its_verb_and_quoted_arguments() -> None:
    assert encode(Command("SET VARIABLE", ("A", "b c"))) == b'SET VARIABLE "A" "b c"\n'
    assert encode(Command("ANSWER")) == b"ANSWER\n"


def test_an_empty_argument_keeps_its_place() -> None:
    line = encode(Command("SET VARIABLE", ("SIAGA_DONE", "")))
    assert parse_args(line.decode().rstrip("\n")) == ["SET", "VARIABLE", "SIAGA_DONE", ""]


def test_an_argument_that_is_no_text_is_refused() -> None:
    with pytest.raises(LocalProtocolError):
        encode(Command("SET VARIABLE", ("NAME", "\udc80")))


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\0"])
def test_an_injection_through_a_line_end_is_refused(end: str) -> None:
    with pytest.raises(LocalProtocolError):
        encode(Command("SET VARIABLE", ("NAME", f'x"{end}EXEC System "id')))
    with pytest.raises(LocalProtocolError):
        encode(Command(f"SET VARIABLE{end}ANSWER"))


@pytest.mark.parametrize("value", ['x" "y', 'x"', '"', "\\", 'x\\"', '\\" y', "a\\", "\t", " "])
def test_an_injection_through_quotes_stays_one_argument(value: str) -> None:
    line = encode(Command("SET VARIABLE", ("NAME", value)))
    assert line.count(b"\n") == 1
    assert parse_args(line.decode()[:-1]) == ["SET", "VARIABLE", "NAME", value]


@pytest.mark.parametrize("verb", ["", "set variable", "SET  VARIABLE", " ANSWER", 'X "Y"', "A-B"])
def test_a_verb_is_words_in_capitals(verb: str) -> None:
    with pytest.raises(LocalProtocolError):
        encode(Command(verb))


@pytest.mark.parametrize("letter", ["x", "é", '"'])
def test_a_command_over_8000_bytes_is_refused(letter: str) -> None:
    room = LONGEST_COMMAND - len(encode(Command("SET VARIABLE", ("N", ""))))
    fits = room // len(encode(Command("A", (letter,)))[3:-2])
    assert len(encode(Command("SET VARIABLE", ("N", letter * fits)))) <= LONGEST_COMMAND == 8000
    with pytest.raises(LocalProtocolError):
        encode(Command("SET VARIABLE", ("N", letter * (fits + 1))))


def test_more_words_than_asterisk_has_room_for_are_refused() -> None:
    """Its array has 128 places, the last one for the end; quoted words it does not count."""
    most = ("x",) * (MOST_ARGUMENTS - 2)
    line = encode(Command("SET VARIABLE", most))
    assert len(parse_args(line.decode()[:-1])) == MOST_ARGUMENTS == 127
    with pytest.raises(LocalProtocolError):
        encode(Command("SET VARIABLE", (*most, "x")))
    with pytest.raises(LocalProtocolError):
        encode(Command("SET VARIABLE", ("x",) * 1000))


def test_a_second_command_while_one_is_in_flight_is_refused_and_changes_nothing() -> None:
    connection = talking(WAIT)
    with pytest.raises(LocalProtocolError):
        connection.send(GET)
    assert connection.in_flight == WAIT
    (reply,) = connection.receive(b"200 result=49\n")
    assert isinstance(reply, Reply)
    assert reply.digit == "1"
    assert connection.send(GET) == b'GET VARIABLE "SIAGA_RESULT"\n'


def test_a_command_that_must_not_be_sent_leaves_nothing_in_flight() -> None:
    connection = talking()
    with pytest.raises(LocalProtocolError):
        connection.send(Command("SET VARIABLE", ("A", "b\nc")))
    assert connection.in_flight is None
    assert connection.send(WAIT)


def test_a_command_before_the_environment_is_refused() -> None:
    connection = AgiConnection()
    connection.receive(environment()[:-1])
    with pytest.raises(LocalProtocolError):
        connection.send(WAIT)
