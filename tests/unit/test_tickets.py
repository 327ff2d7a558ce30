"""A system elsewhere is told of every call, in order, until it took it, and of no caller's number."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.server
import itertools
import json
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_deployment import ROOT, offered
from sqlalchemy import select
from structlog.testing import capture_logs

from ivr import config as configuration
from ivr.flow.events import CallerHungUp, RouteDecided
from ivr.flow.journal import to_json
from ivr.store import tickets
from ivr.store.projection import Record
from ivr.store.recorder import insert
from ivr.store.tables import TICKETS, connect, migrate
from ivr.tickets import GIVEN_UP_AFTER_S, PAUSES_S, Delivery
from ivr.webhook import SIGNATURE
from routing.model import Reason, Route

START = 1_750_000_000.0
NUMBER = "81276123456"
SECRET = "rahasia"
DECIDED = RouteDecided(
    (Route("damkar-mandau", "jasnita", "0765"),), (Reason("serves", "…"),), ("bpbd", "polres")
)
STORY = (
    (0.0, "call_offered", to_json(offered())),
    (2.0, "learned", {"incident": "kebakaran", "place": "14.03.09", "confidence": 0.9}),
    (3.0, "route_decided", to_json(DECIDED)),
    (4.0, "leg.accepted", {"who": "damkar-mandau/jasnita"}),
    (60.0, "leg.ended", {"who": "caller", "by": "caller"}),
    (70.0, "leg.outcome", {"who": "damkar-mandau/jasnita", "outcome": "dikirim"}),
)


def story(call_id: str = "1", *, start: float = START, upto: int = len(STORY)) -> list[Record]:
    """One call from its offer to what the agency said came of it."""
    first = int(start * 1_000_000) + int(call_id)
    return [
        Record(call_id, first + int(after), start + after, kind, body)
        for after, kind, body in STORY[:upto]
    ]


def put(url: str, records: list[Record]) -> None:
    engine = connect(url)
    insert(engine, records)
    engine.dispose()


class Clock:
    """Both clocks of a delivery: they go on when they are told to."""

    def __init__(self) -> None:
        self.now = START + 100.0

    def __call__(self) -> float:
        return self.now


class Receiver:
    """What listens at the webhook's address: answers as it is told, else takes everything."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.raw: list[tuple[str, bytes]] = []
        self.answers: list[int] = []
        self.refuses: dict[str, int] = {}
        receiver = self

        class Hook(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.raw.append((self.headers[SIGNATURE], body))
                said = json.loads(body)
                always = receiver.refuses.get(said["id"].partition("-")[0])
                code = always or (receiver.answers.pop(0) if receiver.answers else 204)
                if code == 204:
                    receiver.got.append(said)
                self.send_response(code)
                if code == 302:
                    self.send_header("Location", f"{receiver.url}/elsewhere")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *arguments: object) -> None:
                pass

        self._handler = Hook
        self.port = 0
        self._server: http.server.ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/tiket"

    def start(self) -> None:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), self._handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def told(self) -> list[tuple[str, str]]:
        return [(ticket["id"].partition("-")[0], ticket["event"]) for ticket in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    found.start()
    yield found
    found.stop()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    migrate(f"sqlite:///{tmp_path / 'siaga.db'}")
    return tmp_path / "siaga.db"


@pytest.fixture
def url(file: Path) -> str:
    return f"sqlite:///{file}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@contextlib.contextmanager
def delivering(url: str, receiver: Receiver, clock: Clock) -> Iterator[Delivery]:
    found = Delivery(
        url, receiver.url, secret=SECRET, daerah=lambda: "Bengkalis", clock=clock, monotonic=clock
    )
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def delivery(url: str, receiver: Receiver, clock: Clock) -> Iterator[Delivery]:
    with delivering(url, receiver, clock) as found:
        yield found


def look(delivery: Delivery, clock: Clock, times: int = 1, apart_s: float = 1.0) -> None:
    """So many looks, as the supervisor makes them."""
    for _ in range(times):
        delivery.look()
        clock.now += apart_s


def states(url: str) -> list[str]:
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
        return [row[0] for row in database.execute("SELECT state FROM tickets ORDER BY seq")]


def test_a_call_is_told_when_it_comes_when_it_is_forwarded_and_when_it_ends(
    url: str, receiver: Receiver, delivery: Delivery, clock: Clock
) -> None:
    put(url, story())
    look(delivery, clock, 5)
    common = {"daerah": "Bengkalis", "case_number": "BKS-1", "test": False}
    known = {"incident": "kebakaran", "place": "14.03.09", "notify": ["bpbd", "polres"]}
    agency = {**common, **known, "to": "damkar-mandau"}
    opened, forwarded, closed, outcome = receiver.got
    assert opened == {
        **common,
        **dict.fromkeys(("incident", "place", "to", "notify", "outcome", "ended_by")),
        "event": "open",
        "id": f"1-{story()[0].seq}",
        "at": "2025-06-15T15:06:40+00:00",
    }
    assert forwarded == {
        **agency,
        "event": "forwarded",
        "id": forwarded["id"],
        "at": "2025-06-15T15:06:44+00:00",
        "outcome": None,
        "ended_by": None,
    }
    assert (closed["event"], closed["outcome"], closed["ended_by"]) == ("closed", None, "caller")
    assert (outcome["event"], outcome["outcome"], outcome["to"]) == (
        "closed",
        "dikirim",
        "damkar-mandau",
    )
    assert len({ticket["id"] for ticket in receiver.got}) == 4


def test_no_number_of_a_caller_leaves_the_house_or_is_logged(
    url: str, receiver: Receiver, delivery: Delivery, clock: Clock
) -> None:
    receiver.answers = [500, 404]
    with capture_logs() as logs:
        put(url, story())
        look(delivery, clock, 10)
    assert len(receiver.raw) == 6
    assert NUMBER not in str(receiver.raw)
    assert NUMBER not in str(logs)
    assert "tiket" not in str(logs), "the address may be a secret"


def test_whoever_knows_the_secret_can_tell_that_it_is_ours(
    url: str, receiver: Receiver, delivery: Delivery, clock: Clock
) -> None:
    put(url, story(upto=1))
    look(delivery, clock)
    ((signature, body),) = receiver.raw
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert signature == f"sha256={digest}"


def test_a_record_put_in_twice_is_told_once(
    url: str, receiver: Receiver, delivery: Delivery, clock: Clock
) -> None:
    put(url, story())
    put(url, story())
    look(delivery, clock, 5)
    put(url, story())
    look(delivery, clock, 5)
    assert [event for _, event in receiver.told()] == ["open", "forwarded", "closed", "closed"]


def test_two_controllers_that_see_the_same_thing_happen_tell_it_once(
    url: str, receiver: Receiver, delivery: Delivery, clock: Clock
) -> None:
    """During a restart both hear of every leg, each under a number of its own."""
    for record in story():
        twin = Record(record.call_id, record.seq + 7, record.at, record.kind, record.body)
        put(url, [record] if record.kind == "route_decided" else [record, twin])
    look(delivery, clock, 8)
    assert [event for _, event in receiver.told()] == ["open", "forwarded", "closed", "closed"]


def test_a_call_that_goes_on_is_not_told_as_closed_by_what_an_agency_says_of_it(
    url: str, receiver: Receiver, delivery: Delivery, clock: Clock
) -> None:
    wrong = {"who": "damkar-mandau/jasnita", "outcome": "salah-sambung"}
    records = story(upto=4)
    records.append(Record("1", records[-1].seq + 1, START + 9.0, "leg.outcome", wrong))
    put(url, records)
    look(delivery, clock, 5)
    assert [event for _, event in receiver.told()] == ["open", "forwarded"]
    put(url, [Record("1", records[-1].seq + 1, START + 60.0, "leg.ended", {"by": "human"})])
    look(delivery, clock, 5)
    assert (receiver.got[-1]["event"], receiver.got[-1]["outcome"]) == ("closed", "salah-sambung")


def test_a_second_agency_that_accepts_is_told_too(
    url: str, receiver: Receiver, delivery: Delivery, clock: Clock
) -> None:
    records = story(upto=4)
    again = Record("1", records[-1].seq + 9, START + 30.0, "leg.accepted", {"who": "operator/x"})
    put(url, [*records, again])
    look(delivery, clock, 5)
    assert [ticket["to"] for ticket in receiver.got] == [None, "damkar-mandau", "operator"]


def test_a_test_call_is_told_and_marked(
    url: str, receiver: Receiver, delivery: Delivery, clock: Clock
) -> None:
    put(url, [Record("1", 1, START, "call_offered", {**to_json(offered()), "test": True})])
    look(delivery, clock)
    assert [ticket["test"] for ticket in receiver.got] == [True]


@pytest.mark.parametrize("refusal", [500, 503, 429, 404, 302])
def test_a_ticket_is_sent_again_until_it_is_taken_and_the_next_of_its_call_waits(
    url: str, receiver: Receiver, delivery: Delivery, clock: Clock, refusal: int
) -> None:
    """A redirect is a refusal: nothing is sent to anybody but whom it was meant for."""
    receiver.answers = [refusal, refusal]
    put(url, story(upto=4))
    with capture_logs() as logs:
        look(delivery, clock, 10)
    assert [json.loads(body)["event"] for _, body in receiver.raw] == [
        *["open"] * 3,
        "forwarded",
    ]
    assert [line["status"] for line in logs] == [refusal, refusal]
    assert receiver.raw[0] == receiver.raw[2], "sent twice, it says the same"


@pytest.mark.parametrize("away", [None, 503, 429, 408, 302])
def test_a_receiver_that_is_away_is_asked_ever_more_rarely_and_believed_once_it_is_back(
    url: str, receiver: Receiver, delivery: Delivery, clock: Clock, away: int | None
) -> None:
    """Away is who does not answer, has no time, or points elsewhere."""

    def tries_within(looks: int) -> list[float]:
        asked = []
        for _ in range(looks):
            with capture_logs() as logs:
                look(delivery, clock)
            asked += [clock.now] * len(logs)
        return asked

    for call in range(1, 20):
        put(url, story(str(call), upto=1))
    if away is None:
        receiver.stop()
    receiver.answers = [away or 204] * 13
    pauses = [later - earlier for earlier, later in itertools.pairwise(tries_within(440))]
    assert pauses == [*PAUSES_S, *[PAUSES_S[-1]] * (len(pauses) - len(PAUSES_S))]
    receiver.answers = []
    if away is None:
        receiver.start()
    assert tries_within(61) == []
    assert len(receiver.got) == 19
    receiver.answers = [503]
    put(url, story("20", upto=1))
    assert len(tries_within(2)) == 1
    assert len(receiver.got) == 20, "a second later, as the first time"


def test_a_ticket_that_is_never_taken_does_not_hold_up_other_calls(
    url: str, receiver: Receiver, delivery: Delivery, clock: Clock
) -> None:
    receiver.refuses = {"1": 422, "2": 500}
    with capture_logs():
        for call in range(1, 9):
            put(url, story(str(call), upto=4))
        look(delivery, clock, 40)
        put(url, story("9"))
        look(delivery, clock, int(PAUSES_S[-1]) + 5)
    for call in "345678":
        assert receiver.told().count((call, "open")) == 1
        assert receiver.told().count((call, "forwarded")) == 1
    assert [event for call, event in receiver.told() if call == "9"] == [
        "open",
        "forwarded",
        "closed",
        "closed",
    ]
    assert len(receiver.raw) - len(receiver.got) < 20, "whoever refuses is not hammered"


def test_many_refused_tickets_cost_one_try_a_look_and_new_ones_come_first(
    url: str, receiver: Receiver, delivery: Delivery, clock: Clock
) -> None:
    for call in range(1, 100):
        put(url, story(str(call), upto=1))
        receiver.refuses[str(call)] = 401
    with capture_logs():
        look(delivery, clock, 120)
        assert len(receiver.raw) == 120
        put(url, story("100", upto=1))
        look(delivery, clock)
    assert receiver.told() == [("100", "open")]


def test_a_new_process_goes_on_where_the_last_one_was_killed(
    url: str, receiver: Receiver, clock: Clock
) -> None:
    put(url, story(upto=4))
    with delivering(url, receiver, clock) as first:
        look(first, clock)
    program = (
        "import sys; from ivr.tickets import Delivery\n"
        "it = Delivery(sys.argv[1], sys.argv[2], secret='x', daerah=lambda: 'Bengkalis',"
        f" clock=lambda: {START})\n"
        "it.look()"
    )
    subprocess.run([sys.executable, "-c", program, url, receiver.url], check=True, cwd=ROOT)
    assert [event for _, event in receiver.told()] == ["open", "forwarded"]


def test_a_ticket_of_yesterday_is_given_up_and_counted_once_in_the_log(
    url: str,
    receiver: Receiver,
    delivery: Delivery,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tickets, "GIVEN_UP_AT_ONCE", 2)
    put(url, story())
    put(url, story("2"))
    clock.now += GIVEN_UP_AFTER_S
    put(url, story("3", start=clock.now, upto=1))
    with capture_logs() as logs:
        look(delivery, clock, 5)
    assert receiver.told() == [("3", "open")]
    assert states(url) == ["given_up"] * 8 + ["taken"]
    assert [(line["event"], line["count"]) for line in logs] == [("tickets_given_up", 8)]


def test_a_database_that_is_away_is_waited_for_and_nothing_is_lost(
    file: Path, url: str, receiver: Receiver, delivery: Delivery, clock: Clock
) -> None:
    put(url, story(upto=4))
    elsewhere = file.parent.rename(file.parent.with_name("away"))
    with capture_logs() as logs:
        look(delivery, clock, 10)
    assert receiver.raw == []
    assert [line["event"] for line in logs] == ["tickets_database_away"] * 4, "1, 2, 4 s apart"
    elsewhere.rename(file.parent)
    look(delivery, clock, 20)
    assert [event for _, event in receiver.told()] == ["open", "forwarded"]


def test_a_database_without_tables_yet_is_one_that_is_away(
    tmp_path: Path, receiver: Receiver, clock: Clock
) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    with delivering(url, receiver, clock) as delivery:
        with capture_logs():
            look(delivery, clock)
        migrate(url)
        put(url, story(upto=1))
        look(delivery, clock, 2)
    assert receiver.told() == [("1", "open")]


def test_a_ticket_taken_while_the_database_is_locked_is_not_sent_again(
    file: Path, url: str, receiver: Receiver, delivery: Delivery, clock: Clock
) -> None:
    put(url, story(upto=1))
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    with capture_logs() as logs:
        look(delivery, clock)
    writer.execute("ROLLBACK")
    writer.close()
    assert [line["event"] for line in logs] == ["tickets_database_away"]
    look(delivery, clock, 5)
    assert receiver.told() == [("1", "open")]
    assert states(url) == ["taken"]


def test_whoever_stores_records_is_not_held_up_while_a_receiver_hangs(
    file: Path, url: str, clock: Clock
) -> None:
    put(url, story(upto=1))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hanging = Receiver()
        hanging.port = silent.getsockname()[1]
        with delivering(url, hanging, clock) as delivery, capture_logs():
            thread = threading.Thread(target=delivery.look)
            thread.start()
            connection, _ = silent.accept()
            assert connection.recv(1), "the ticket is under way"
            with contextlib.closing(sqlite3.connect(file, timeout=0.0)) as writer:
                writer.execute("BEGIN EXCLUSIVE")
                writer.execute("ROLLBACK")
            connection.close()
            thread.join()
    assert states(url) == ["waiting"]


def test_a_call_that_ends_at_once_is_told_as_closed_by_its_line(
    url: str, receiver: Receiver, delivery: Delivery, clock: Clock
) -> None:
    records = story(upto=1)
    hung_up = to_json(CallerHungUp())
    seq = records[0].seq
    put(url, [*records, Record("1", seq + 1, START + 1.0, hung_up.pop("kind"), hung_up)])
    put(url, [Record("1", seq + 2, START + 1.1, "leg.ended", {"by": "line_lost"})])
    look(delivery, clock, 3)
    assert [(t["event"], t["to"], t["ended_by"]) for t in receiver.got] == [
        ("open", None, None),
        ("closed", None, "line_lost"),
    ]


def test_only_a_web_address_without_a_password_is_accepted(tmp_path: Path) -> None:
    home = {"SIAGA_HOME": str(tmp_path)}
    assert configuration.read(home).ticket_url is None
    good = configuration.read({**home, "SIAGA_TICKET_URL": "https://tiket.example/112?k=1"})
    assert good.ticket_url == "https://tiket.example/112?k=1"
    for bad in ("file:///etc/passwd", "https://a:b@tiket.example/", "tiket.example"):
        with pytest.raises(configuration.ConfigError, match="SIAGA_TICKET_URL"):
            configuration.read({**home, "SIAGA_TICKET_URL": bad})


def located(after: float, code: str, source: str = "aml_https", sure: float = 0.7) -> Record:
    body = {"location": {"source": source, "code": code, "confidence": sure}}
    return Record("1", int((START + after) * 1_000_000), START + after, "location_learned", body)


def test_a_place_that_is_learned_late_is_told_once_and_an_operators_correction_again(
    url: str,
) -> None:
    put(
        url,
        [
            Record("1", int(START * 1_000_000), START, "call_offered", to_json(offered())),
            located(1.0, "14.03.10", "trunk", sure=0.3),
            located(2.0, "14.03.09.1001"),
            located(3.0, "14.03.16"),
            located(4.0, "14.03.13", "operator", sure=0.9),
        ],
    )
    told = bodies(url)
    assert [(ticket["event"], ticket["place"]) for ticket in told] == [
        ("open", None),
        ("located", "14.03.09"),
        ("located", "14.03.13"),
    ]


def bodies(url: str) -> list[dict[str, Any]]:
    """Every ticket of the outbox, in order."""
    with connect(url).connect() as connection:
        rows = connection.execute(select(TICKETS.c.body).order_by(TICKETS.c.seq))
        return [row.body for row in rows]
