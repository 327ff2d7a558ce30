"""The web process itself, over loopback: what it believes lies in the spool, all else is a log line."""

from __future__ import annotations

import concurrent.futures
import hashlib
import hmac
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tcp import free_port

from ivr.location.aml import Report
from ivr.location.spool import Spool
from ivr.web import app
from ivr.web.seldom import Seldom

KEY = b"kunci-uji-yang-panjang"
TOKEN = b"tanda-uji-yang-panjang"
FORM = {
    "v": "3",
    "device_number": "0812-7612-3456",
    "location_latitude": "1.28560",
    "location_longitude": "101.19700",
    "location_accuracy": "12.5",
    "location_source": "gps",
    "time": "1795421730000",
}
SMS = (
    'A"ML=1;lt=+1.28560;lg=+101.19700;rd=25;top=20261123081530;lc=90;pm=G;si=510101234567890;'
    "ei=353472104343540;mcc=510;mnc=10;ml=128"
)


@dataclass
class Web:
    home: Path
    port: int
    process: subprocess.Popen[bytes]

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, Mapping[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()}
        finally:
            connection.close()

    def aml(self, body: bytes) -> int:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", "/aml", body, form)[0]

    def sms(
        self, said: object, token: bytes = TOKEN, content_type: str = "application/json"
    ) -> tuple[int, bytes]:
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        headers = {"Authorization": f"Bearer {token.decode()}", "Content-Type": content_type}
        return self.ask("POST", "/aml/sms", body, headers)[:2]

    def reports(self) -> list[Report]:
        arrived = Spool(self.home / "spool" / "locations").fresh(time.time())
        return [one.said for one in arrived if isinstance(one.said, Report)]

    def log(self) -> list[dict[str, Any]]:
        text = (self.home / "out").read_text()
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def listens(self) -> bool:
        return any(e["event"] == "listening" for e in self.log())

    def logged(self, event: str, why: str) -> bool:
        """Waits for the line: the log is written by a thread of its own."""
        return eventually(
            lambda: any(e["event"] == event and e.get("why") == why for e in self.log())
        )


def eventually(found: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not found():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def write_secret(home: Path, name: str, text: bytes, mode: int = 0o600) -> None:
    (home / "secrets").mkdir(exist_ok=True)
    file = home / "secrets" / name
    file.write_bytes(text + b"\n")
    file.chmod(mode)


def signed(fields: Mapping[str, str], key: bytes = KEY) -> bytes:
    body = urlencode(fields).encode()
    return body + b"&hmac=" + hmac.new(key, body, hashlib.sha1).hexdigest().encode()


def start(home: Path, port: int) -> subprocess.Popen[bytes]:
    environment = {name: text for name, text in os.environ.items() if not name.startswith("SIAGA_")}
    with (home / "out").open("ab") as output:
        return subprocess.Popen(
            (sys.executable, "-m", "ivr.web.app"),
            env={**environment, "SIAGA_HOME": str(home), "SIAGA_WEB_PORT": str(port)},
            stdout=output,
            stderr=output,
        )


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    write_secret(tmp_path, "aml.key", KEY)
    write_secret(tmp_path, "sms.token", TOKEN)
    port = free_port()
    process = start(tmp_path, port)
    made = Web(tmp_path, port, process)
    try:
        assert eventually(made.listens, 60), (process.poll(), (tmp_path / "out").read_text())
        yield made
    finally:
        process.kill()
        process.wait()


def test_a_signed_report_lies_in_the_spool_and_the_log_does_not_tell_whose(web: Web) -> None:
    assert web.aml(signed(FORM)) == 204
    (report,) = web.reports()
    assert report.kind == "aml_https"
    assert report.number == "+6281276123456"
    assert (report.lat, report.lon, report.radius_m) == (1.2856, 101.197, 12.5)
    assert eventually(lambda: any(e["event"] == "location_received" for e in web.log()))
    text = (web.home / "out").read_text()
    assert "76123456" not in text
    assert "1.2856" not in text


def _unsigned(fields: Mapping[str, str]) -> bytes:
    return urlencode(fields).encode()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (signed(FORM, b"another key, as long"), "wrong_signature"),
        (_unsigned(FORM), "unsigned"),
        (b"", "unsigned"),
        (bytes(range(256)), "unsigned"),
        (signed({"v": "3"}), "no_number"),
        (signed(FORM | {"device_number": "anonymous"}), "no_number"),
        (signed(FORM | {"filler": "x" * 20_000}), "too_long"),
        (signed(FORM | {"filler": "x" * 1024 * 1024}), "too_long"),
    ],
    ids=["wrong key", "unsigned", "empty", "bytes", "nothing", "nobody", "20 kB", "1 MB"],
)
def test_what_cannot_be_believed_is_taken_with_thanks_and_a_log_line(
    web: Web, body: bytes, why: str
) -> None:
    assert web.aml(body) == 204
    assert web.reports() == []
    assert web.logged("aml_not_used", why)


@pytest.mark.parametrize(
    "changed",
    [
        {"location_latitude": "NaN"},
        {"location_latitude": "200"},
        {"location_longitude": "inf"},
        {"location_latitude": "1,2856"},
        {"location_latitude": "", "location_longitude": ""},
    ],
    ids=lambda changed: str(next(iter(changed.values()))),
)
def test_nonsense_for_a_place_is_no_place(web: Web, changed: dict[str, str]) -> None:
    assert web.aml(signed(FORM | changed)) == 204
    (report,) = web.reports()
    assert (report.lat, report.lon) == (None, None)


@pytest.mark.parametrize("mode", [None, 0o644], ids=["no key", "a key that others may read"])
def test_without_a_key_nothing_is_believed_and_one_line_a_minute_says_why(
    web: Web, mode: int | None
) -> None:
    file = web.home / "secrets" / "aml.key"
    if mode is None:
        file.unlink()
    else:
        file.chmod(mode)
    assert [web.aml(_unsigned(FORM)), web.aml(signed(FORM)), web.aml(signed(FORM))] == [204] * 3
    assert web.reports() == []
    assert eventually(lambda: any(e["event"] == "aml_without_key" for e in web.log()))
    write_secret(web.home, "aml.key", KEY)
    assert web.aml(signed(FORM)) == 204
    assert len(web.reports()) == 1, "a key that is put right counts at once"
    lines = [e for e in web.log() if e["event"] == "aml_without_key"]
    assert len(lines) == 1
    assert lines[0]["file"] == str(file)


def packed(text: str) -> bytes:
    """Septets of GSM 03.38, the low bits first; for text that is the same there as in ASCII."""
    bits = sum(ord(letter) << 7 * at for at, letter in enumerate(text))
    return bits.to_bytes((len(text) * 7 + 7) // 8, "little")


def test_an_sms_is_its_senders_report_as_text_or_binary_in_json_or_a_form(web: Web) -> None:
    form = "application/x-www-form-urlencoded"
    sent = {"from": "+62 812-7612-3456", "text": SMS}
    assert web.sms(sent)[0] == 204
    (first,) = web.reports()
    assert (first.kind, first.number, first.lat, first.radius_m) == (
        "aml_sms",
        "+6281276123456",
        1.2856,
        25,
    )
    for number, (said, content_type) in enumerate(
        [
            (urlencode({"from": "081276123451", "text": SMS}).encode(), form),
            (urlencode({"from": "081276123452", "data": packed(SMS).hex()}).encode(), form),
            (
                json.dumps({"from": "081276123453", "data": packed(SMS).hex()}).encode(),
                "application/json",
            ),
        ],
        1,
    ):
        assert web.sms(said, content_type=content_type)[0] == 204
        assert f"+628127612345{number}" in {report.number for report in web.reports()}


def test_a_gateway_that_does_not_show_the_token_is_sent_away(web: Web) -> None:
    said = {"from": "081276123456", "text": SMS}
    assert web.sms(said, b"not the token at all")[0] == 401
    assert web.sms(said, b"")[0] == 401
    body = json.dumps(said).encode()
    for headers in (
        {},
        {"Authorization": TOKEN.decode()},
        {"Authorization": "Basic " + TOKEN.decode()},
        {"Authorization": "Bearer \xff\xfe"},
    ):
        status, _, told = web.ask("POST", "/aml/sms", body, headers)
        assert (status, told["www-authenticate"]) == (401, "Bearer")
    assert web.logged("sms_not_used", "wrong_token")
    (web.home / "secrets" / "sms.token").unlink()
    assert web.sms(said)[0] == 401
    assert web.reports() == []


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"{", 400),
        (b"[1]", 400),
        (b"[" * 9000, 400),
        ({}, 400),
        ({"from": 1, "text": SMS}, 400),
        ({"from": "081276123456"}, 400),
        ({"from": "081276123456", "text": SMS, "data": "00"}, 400),
        ({"from": "081276123456", "data": "xyz"}, 400),
        ({"from": "081276123456", "text": "x" * 20_000}, 413),
        ({"from": "081276123456", "text": "Tolong!"}, 204),
        ({"from": "081276123456", "text": SMS.replace("ml=128", "ml=127")}, 204),
        ({"from": "MYBANK", "text": SMS}, 204),
    ],
    ids=lambda said: str(said)[:40],
)
def test_a_gateway_is_told_what_is_wrong_with_its_message(
    web: Web, said: object, status: int
) -> None:
    assert web.sms(said)[0] == status
    assert web.reports() == []


def test_a_gateway_may_try_again_when_the_disk_took_nothing_and_a_phone_is_left_in_peace(
    web: Web,
) -> None:
    (web.home / "spool").write_text("in the way")
    assert web.sms({"from": "081276123456", "text": SMS})[0] == 503
    assert web.aml(signed(FORM)) == 204
    (web.home / "spool").unlink()
    assert web.sms({"from": "081276123456", "text": SMS})[0] == 204
    assert len(web.reports()) == 1


def test_there_is_nothing_else_behind_the_doors(web: Web) -> None:
    status, said, headers = web.ask("GET", "/health")
    assert (status, said) == (200, b"ok")
    assert "server" not in headers
    assert headers["connection"] == "close"
    answers = [
        (method, path, web.ask(method, path)[0])
        for method, path in [
            ("GET", "/"),
            ("GET", "/docs"),
            ("GET", "/aml/../secrets/aml.key"),
            ("GET", "/aml"),
            ("PUT", "/aml"),
            ("DELETE", "/aml/sms"),
            ("POST", "/health"),
        ]
    ]
    assert [status for _, _, status in answers] == [404, 404, 404, 405, 405, 405, 405], answers


def test_who_talks_slowly_is_cut_off_and_others_are_answered_meanwhile(web: Web) -> None:
    """One sends its headers drop by drop, one its body, one nothing at all."""
    began = time.monotonic()
    slow = [socket.create_connection(("127.0.0.1", web.port)) for _ in range(3)]
    slow[0].sendall(b"POST /aml HTTP/1.1\r\nHost: x\r\n")
    slow[1].sendall(b"POST /aml HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nv=3")
    assert web.aml(signed(FORM)) == 204
    assert time.monotonic() - began < 3
    for connection in slow:
        connection.settimeout(20)
    said = []
    for connection in slow:
        try:
            said.append(connection.recv(1000))
        except ConnectionResetError:
            said.append(b"")
        connection.close()
    assert time.monotonic() - began < app.CONNECTION_S + 4
    assert said[1].startswith(b"HTTP/1.1 408")
    assert said[0] == said[2] == b""


def is_shut(connection: socket.socket) -> bool:
    """Whether the other side has ended a connection."""
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_more_idle_connections_than_it_keeps_open_are_shut_and_it_answers_again(web: Web) -> None:
    idle = [socket.create_connection(("127.0.0.1", web.port)) for _ in range(app.MOST_OPEN + 100)]
    # Long before any of them is cut for its age.
    assert eventually(lambda: sum(map(is_shut, idle)) >= 90, app.CONNECTION_S / 2)
    assert sum(map(is_shut, idle)) < app.MOST_AT_ONCE
    for connection in idle:
        connection.close()

    def answers() -> bool:
        try:
            return web.ask("GET", "/health")[0] == 200
        except ConnectionError:
            return False

    assert eventually(answers, 5)


def test_two_hundred_at_once_are_all_kept_and_then_others_are_answered(web: Web) -> None:
    bodies = [signed(FORM | {"device_number": f"081276{number:06}"}) for number in range(200)]
    with concurrent.futures.ThreadPoolExecutor(200) as many:
        assert set(many.map(web.aml, bodies)) == {204}
    assert len({report.number for report in web.reports()}) == 200
    assert web.ask("GET", "/health")[0] == 200


def test_it_ends_when_it_is_told_to_and_says_nothing_more(web: Web) -> None:
    web.process.send_signal(signal.SIGTERM)
    assert web.process.wait(10) == 0
    assert "Traceback" not in (web.home / "out").read_text()


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        process = start(tmp_path, other.getsockname()[1])
        assert process.wait(20) == 1
    text = (tmp_path / "out").read_text()
    assert "SIAGA_WEB_PORT" in text
    assert "Traceback" not in text


def test_what_strangers_can_cause_is_told_once_a_minute_with_how_often() -> None:
    from structlog.testing import capture_logs

    now = 0.0
    seldom = Seldom(lambda: now)
    with capture_logs() as logs:
        for second in range(130):
            now = float(second)
            seldom.warning("aml_not_used", "unsigned")
            if second == 70:
                seldom.warning("aml_not_used", "too_long")
    told = [(line["why"], line["times"]) for line in logs]
    assert told == [("unsigned", 1), ("unsigned", 60), ("too_long", 1), ("unsigned", 60)]
