"""Real calls that tell where they come from, in every way that a network knows, good and malformed.

They come one hard upon the other. What the agency of a place is told stands in the INVITE that reached
its telephone.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import socket
import statistics
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from laboratory import AGENCY, OPERATOR, Engine, eventually
from test_lab_nets import with_people

from ivr.softphone import pidf
from ivr.softphone.phone import Answerer, answerer, caller
from ivr.softphone.sipp import SipMessage, free_port

KEY_EVERY_S = 2.5
REACHED_S = 40.0
BETWEEN_S = 0.3
"""From one call to the next: SIPp starts a process for each, and two cores are few."""
RUPAT_TRUNK = "127.0.0.8"
SCHOOL = "+62766777001"

KECAMATAN = tuple(f"14.03.{number:02}" for number in (1, 2, 3, *range(9, 17)))

NAMES = {
    "ca": "urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr",
    "con": "urn:ietf:params:xml:ns:geopriv:conf",
    "dm": "urn:ietf:params:xml:ns:pidf:data-model",
    "gml": "http://www.opengis.net/gml",
    "gp": "urn:ietf:params:xml:ns:pidf:geopriv10",
    "gs": "http://www.opengis.net/pidflo/1.0",
}
INFO = "dm:device/gp:geopriv/gp:location-info"

CELLS = """\
radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal
GSM,510,10,6699,3133,0,101.501,1.868,900,9,1,1700000000,1700000000,0
UMTS,510,10,6700,74565,0,101.532,1.158,900,9,1,1700000000,1700000000,0
LTE,510,10,6701,10597059,0,101.075,1.325,900,9,1,1700000000,1700000000,0
NR,510,10,41649,4893379653,0,102.440,1.442,900,9,1,1700000000,1700000000,0
"""


@dataclass(frozen=True)
class Case:
    """A call: what comes with it, the kecamatan whose agency must get it, and what that one is told."""

    code: str
    told: Mapping[str, str]  # a path in the PIDF-LO's location-info, and the text there
    keys: str = "11"  # the incident, and "yes" where the place is not sure enough to go unasked
    how: Mapping[str, Any] = field(default_factory=dict)


def network(access: str, cell: str) -> dict[str, Any]:
    spec = f"P-Access-Network-Info: {access}; {cell};network-provided"
    junk = 'P-Access-Network-Info: IEEE-802.11; i-wlan-node-id="):0:3,(";network-provided'
    return {"headers": (junk, spec)}


def circle_around(lat: float, lon: float) -> dict[str, str]:
    return {"gs:Circle/gml:pos": f"{lat:.6f} {lon:.6f}"}


def entity(doctype: str, place: str) -> dict[str, Any]:
    return {
        "pidf": pidf.document(pidf.civic(country="ID", A3="@").replace("@", place), doctype=doctype)
    }


RING = ((1.480, 101.614), (1.480, 101.622), (1.488, 101.622), (1.488, 101.614))
LAUGHS = (
    '<!DOCTYPE p [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">'
        for before, name in zip("bcdefghi", "cdefghij", strict=True)
    )
    + "]>"
)

TWELVE = {
    "a point": Case(
        "14.03.11",
        {"gml:Point/gml:pos": "2.027000 101.526000"},
        how={"pidf": pidf.document(pidf.point(2.027, 101.526))},
    ),
    "a circle": Case(
        "14.03.13",
        {"gs:Circle/gml:pos": "1.127000 101.186000", "gs:Circle/gs:radius": "50"},
        how={"at": (1.127, 101.186, 50.0)},
    ),
    "an ellipse": Case(
        "14.03.03",
        {"gs:Ellipse/gml:pos": "1.378000 101.987000", "gs:Ellipse/gs:semiMinorAxis": "30"},
        how={"pidf": pidf.document(pidf.ellipse(1.378, 101.987, 80, 30, 20))},
    ),
    "a polygon": Case(
        "14.03.14",
        {"gml:Polygon/gml:exterior/gml:LinearRing/gml:pos": "1.480000 101.614000"},
        how={"pidf": pidf.document(pidf.polygon(RING))},
    ),
    "an address": Case(
        "14.03.12",
        {"ca:civicAddress/ca:A3": "Siak Kecil", "ca:civicAddress/ca:LMK": "pasar (lama): 5)"},
        how={
            "pidf": pidf.document(
                pidf.civic(
                    country="ID",
                    A1="Riau",
                    A2="Kabupaten Bengkalis",
                    A3="Siak Kecil",
                    LMK="pasar (lama): 5)",
                )
            )
        },
    ),
    "a 2G cell": Case(
        "14.03.10",
        circle_around(1.868, 101.501),
        how=network("3GPP-GERAN", "cgi-3gpp=510101A2B0C3D"),
    ),
    "a 3G cell": Case(
        "14.03.15",
        circle_around(1.158, 101.532),
        how=network("3GPP-UTRAN-FDD", "utran-cell-id-3gpp=510101A2C0012345"),
    ),
    "a 4G cell": Case(
        "14.03.16",
        circle_around(1.325, 101.075),
        how=network("3GPP-E-UTRAN-FDD", 'utran-cell-id-3gpp="510101A2D0A1B2C3"'),
    ),
    "a 5G cell": Case(
        "14.03.02",
        circle_around(1.442, 102.440),
        how=network("3GPP-NR-FDD", "utran-cell-id-3gpp=5101000A2B1123AB0C45"),
    ),
    "a known number": Case(
        "14.03.15",
        {"ca:civicAddress/ca:ADDCODE": "14.03.15"},
        keys="1",
        how={"number": SCHOOL},
    ),
    "the default of a trunk": Case(
        "14.03.10",
        {"ca:civicAddress/ca:ADDCODE": "14.03.10"},
        keys="1",
        how={"address": RUPAT_TRUNK},
    ),
    "the caller's keys": Case("14.03.01", {"ca:civicAddress/ca:ADDCODE": "14.03.01"}, keys="141"),
}

MALFORMED = {
    "half an XML": {"pidf": "<presence><oops"},
    "a billion laughs": entity(LAUGHS, "&j;"),
    "an external entity": entity('<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/hostname">]>', "&x;"),
    "not a number": {"pidf": pidf.document(pidf.circle(float("nan"), 200.0, 50.0))},
    "200 degrees": {"at": (200.0, 200.0, 50.0)},
    "junk of a network": {
        "headers": (
            "P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=51010zzzz;network-provided",
            'P-Access-Network-Info: "),${SHELL(id)},(&pidf.format=URI',
        )
    },
}


@dataclass
class Heard:
    """What became of a call: the INVITE at the agency, and whom the caller was joined to."""

    invite: SipMessage | None = None
    joined_to: str | None = None


@pytest.fixture(scope="module")
def agency_port() -> int:
    return free_port(AGENCY)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, agency_port: int) -> Iterator[Engine]:
    home = tmp_path_factory.mktemp("location")
    made = with_people(home / "home", f"{OPERATOR}:{free_port(OPERATOR)}")
    made.environment["SIAGA_RTP_PORTS"] = "23000-25599"
    (made.deployment / "agencies.yaml").write_text(agencies(agency_port))
    (made.deployment / "numbers.yaml").write_text(
        f'"{SCHOOL}": {{name: Sekolah, place: "14.03.15"}}\n'
    )
    with (made.deployment / "trunks.yaml").open("a") as trunks:
        trunks.write(f'  dari-rupat: {{addresses: ["{RUPAT_TRUNK}"], place: "14.03.10"}}\n')
    try:
        made.started()
        (home / "cells.csv").write_text(CELLS)
        done = made.run("cells", "import", str(home / "cells.csv"))
        assert done.returncode == 0, done.stderr
        yield made
    finally:
        made.down()


def agencies(port: int) -> str:
    """A fire post for every kecamatan, all on one telephone that answers; its name tells which is rung."""
    lines = []
    for code in KECAMATAN:
        name = f"pos-{code.replace('.', '')}"
        contact = f'{{number: "sip:{name}@{AGENCY}:{port}", ring: 12s, accept: answer, lines: 60}}'
        lines += [f"{name}:", f"  name: Pos {code}", "  handles: [kebakaran]"]
        lines += [f'  covers: ["{code}"]', "  contacts:", f"    - {contact}"]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def heard(engine: Engine, agency_port: int, sipp: tuple[str, ...]) -> dict[str, Heard]:
    """Every call by its name, after all of them have come, one hard upon the other."""
    calls = {name: (case.keys, case.how) for name, case in TWELVE.items()}
    calls |= {name: ("111", how) for name, how in MALFORMED.items()}
    starts = [index * BETWEEN_S for index in range(len(calls))]
    numbers = [f"+62812760001{number:02}" for number in range(len(calls))]

    async def all_of_them() -> dict[str, Heard]:
        async with answerer(sipp, AGENCY, agency_port, ring_s=0.3) as posts:
            found = await asyncio.gather(
                *(
                    one(engine, posts, keys, {"number": number, **how, "sipp": sipp}, after_s)
                    for number, (keys, how), after_s in zip(
                        numbers, calls.values(), starts, strict=True
                    )
                )
            )
            return dict(zip(calls, found, strict=True))

    return asyncio.run(all_of_them())


async def one(
    engine: Engine, posts: Answerer, keys: str, how: Mapping[str, Any], after_s: float
) -> Heard:
    """Call, press one key after the other until somebody has the caller, and hang up."""
    await asyncio.sleep(after_s)
    async with caller(host="127.0.0.1", port=engine.sip_port, **how) as phone:
        await phone.answered(10)
        pressing = asyncio.create_task(pressed(phone.rtp.press, keys))
        await phone.until(lambda message: not message.sent and bool(message.asserted), REACHED_S)
        pressing.cancel()
        await phone.hang_up()
        invites = (m for m in posts.sipp.trace() if is_for(m, how["number"]))
        return Heard(next(invites, None), phone.talking_to)


async def pressed(press: Any, keys: str) -> None:
    for key in keys:
        await asyncio.sleep(KEY_EVERY_S)
        press(key)


def is_for(message: SipMessage, number: str) -> bool:
    return message.first_line.startswith("INVITE ") and number in message.header("From")


def location_info(message: SipMessage) -> ElementTree.Element:
    """The place in the PIDF-LO of an INVITE, which must be well formed and name what it should."""
    assert message.header("Geolocation").startswith("<cid:")
    begin, end = message.text.index("<presence"), message.text.index("</presence>")
    presence = ElementTree.fromstring(message.text[begin : end + len("</presence>")])
    assert presence.tag == "{urn:ietf:params:xml:ns:pidf}presence"
    info = presence.find(INFO, NAMES)
    assert info is not None
    return info


@pytest.mark.parametrize("name", TWELVE)
def test_a_call_reaches_the_agency_of_its_place_which_is_told_the_place(
    heard: dict[str, Heard], name: str
) -> None:
    case, found = TWELVE[name], heard[name]
    agency = f"pos-{case.code.replace('.', '')}"
    if "address" not in case.how:  # a carrier is not told whom its caller talks to
        assert found.joined_to == agency
    assert found.invite is not None
    assert found.invite.first_line.startswith(f"INVITE sip:{agency}@")
    info = location_info(found.invite)
    for path, text in case.told.items():
        there = info.find(path, NAMES)
        assert there is not None, path
        assert there.text == text


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_place_changes_nothing_and_is_told_to_nobody(
    heard: dict[str, Heard], name: str
) -> None:
    """The caller is asked as if nothing had come, keys in Mandau, and Mandau is what its post is told."""
    found = heard[name]
    assert found.joined_to == "pos-140309"
    assert found.invite is not None
    info = location_info(found.invite)
    assert [child.tag.partition("}")[2] for child in info] == ["civicAddress", "confidence"]
    assert info.find("con:confidence", NAMES) is not None
    assert info.findtext("ca:civicAddress/ca:ADDCODE", namespaces=NAMES) == "14.03.09"
    for junk in (
        "haha",
        "nan",
        "NaN",
        "200.0",
        "zzzz",
        "SHELL",
        Path("/etc/hostname").read_text().strip(),
    ):
        assert junk not in found.invite.text.partition("<presence")[2]


def test_a_megabyte_in_a_header_costs_nobody_but_its_sender_anything(
    engine: Engine, heard: dict[str, Heard], sipp: tuple[str, ...]
) -> None:
    """PJSIP reads messages of up to 64 kB. What is larger is dropped with a line in Asterisk's log."""
    asterisk, controller = engine.pid("asterisk"), engine.pid("controller")
    began_kb = memory_kb(asterisk)
    assert first_line(engine, "x" * 60_000) == "SIP/2.0 200 OK"
    for _ in range(5):
        assert first_line(engine, "x" * 1_000_000, seconds=0.5) == ""

    async def another() -> float:
        began = time.monotonic()
        async with caller(sipp, "127.0.0.1", engine.sip_port) as phone:
            await phone.answered(5)
            await asyncio.wait_for(phone.rtp.audible.wait(), 5)
            await phone.hang_up()
        return time.monotonic() - began

    assert asyncio.run(another()) < 5
    assert (engine.pid("asterisk"), engine.pid("controller")) == (asterisk, controller)
    assert memory_kb(asterisk) - began_kb < 30_000
    log = (engine.home / "log" / "asterisk" / "messages.log").read_text(errors="replace")
    assert "Rx buffer overflow" in log


def first_line(engine: Engine, filling: str, seconds: float = 5.0) -> str:
    """The final answer to an INVITE over TCP whose header is filled with this; empty where none comes."""
    sdp = (
        "v=0\r\no=s 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        "m=audio 9 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
    )
    name = secrets.token_hex(8)
    invite = (
        f"INVITE sip:112@127.0.0.1:{engine.sip_port} SIP/2.0\r\n"
        f"Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK{name}\r\n"
        f"From: <sip:+6281276000999@127.0.0.1>;tag={name}\r\nTo: <sip:112@127.0.0.1>\r\n"
        f"Call-ID: {name}\r\nCSeq: 1 INVITE\r\nContact: <sip:s@127.0.0.1:9;transport=tcp>\r\n"
        f"Max-Forwards: 70\r\nP-Access-Network-Info: {filling}\r\n"
        f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}"
    )
    with socket.create_connection(("127.0.0.1", engine.sip_port), timeout=seconds) as line:
        line.sendall(invite.encode())
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            line.settimeout(left)
            try:
                said = line.recv(65_536).decode(errors="replace")
            except TimeoutError:
                break
            finals = [row for row in said.splitlines() if row.startswith("SIP/2.0 ")]
            if finals and not finals[-1].startswith("SIP/2.0 1"):
                return finals[-1]
    return ""


def memory_kb(pid: int) -> int:
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("VmRSS:"))


AML_KEY = b"kunci-laboratorium-yang-panjang"


def test_a_place_that_a_phone_sends_while_an_agency_talks_is_shown_on_its_telephone(
    engine: Engine, agency_port: int, sipp: tuple[str, ...]
) -> None:
    with_aml_key(engine)

    async def call() -> tuple[str, str]:
        async with (
            answerer(sipp, AGENCY, agency_port) as post,
            caller(sipp, "127.0.0.1", engine.sip_port, number="+6281276777001") as phone,
        ):
            await phone.answered(5)
            pressing = asyncio.create_task(pressed(phone.rtp.press, "111"))
            await eventually(lambda: phone.talking_to, REACHED_S, "somebody who has the caller")
            pressing.cancel()
            before = asserted(post)
            await asyncio.to_thread(send_aml, engine, "081276777001", 1.2856, 101.197)
            after = await eventually(
                lambda: asserted(post) if asserted(post) != before else "",
                5,
                "another display name",
            )
            await phone.hang_up()
            return before, after

    before, after = asyncio.run(call())
    assert "1.2856 101.1970" not in before
    assert "1.2856 101.1970" in after


def test_a_place_that_a_phone_sent_before_its_call_is_asked_about_and_decides(
    engine: Engine, agency_port: int, sipp: tuple[str, ...]
) -> None:
    with_aml_key(engine)
    send_aml(engine, "081276777004", 1.127, 101.186)

    async def call() -> dict[str, Any]:
        log = engine.home / "log" / "controller.out"
        waits = "location_waits_for_its_call"
        await eventually(lambda: waits in log.read_text(), 5, "the report to be taken in")
        async with (
            answerer(sipp, AGENCY, agency_port) as post,
            caller(sipp, "127.0.0.1", engine.sip_port, number="+6281276777004") as phone,
        ):
            await phone.answered(5)
            pressing = asyncio.create_task(pressed(phone.rtp.press, "11"))
            await post.called(REACHED_S)
            pressing.cancel()
            await phone.hang_up()
            return await eventually(lambda: ended(engine, phone.call_id), 10, "the end on record")

    record = asyncio.run(call())
    assert record["phone"]["source"] == "aml_https"
    assert record["location"]["code"][:8] == "14.03.13"
    assert record["route"][0]["agency"] == "pos-140313"
    assert not any("Di mana kejadiannya" in line for line in record["transcript"])


def test_a_place_that_a_phone_sends_after_its_call_is_on_its_record(
    engine: Engine, agency_port: int, sipp: tuple[str, ...]
) -> None:
    with_aml_key(engine)

    async def call() -> dict[str, Any]:
        async with caller(sipp, "127.0.0.1", engine.sip_port, number="+6281276777005") as phone:
            await phone.answered(5)
            await phone.hang_up()
            await eventually(lambda: ended(engine, phone.call_id), 10, "the end on record")
            await asyncio.to_thread(send_aml, engine, "081276777005", 1.325, 101.075)

            def located() -> dict[str, Any] | None:
                record = engine.record_of(phone.call_id)
                return record if record and record["phone"] else None

            return await eventually(located, 10, "the place on record")

    record = asyncio.run(call())
    assert record["phone"]["source"] == "aml_https"
    assert (record["phone"]["lat"], record["phone"]["lon"]) == (1.325, 101.075)
    assert record["place"] == "14.03.16"


def with_aml_key(engine: Engine) -> None:
    key = engine.home / "secrets" / "aml.key"
    key.parent.mkdir(mode=0o700, exist_ok=True)
    key.write_bytes(AML_KEY)
    key.chmod(0o600)


def ended(engine: Engine, sip_call_id: str) -> dict[str, Any] | None:
    record = engine.record_of(sip_call_id)
    return record if record and record["ended_by"] else None


def asserted(post: Answerer) -> str:
    """Who the far side says it is, last."""
    said = [m.header("P-Asserted-Identity") for m in post.sipp.trace() if not m.sent]
    return next((name for name in reversed(said) if name), "")


def send_aml(engine: Engine, number: str, lat: float, lon: float) -> None:
    form = (
        f"v=3&device_number={number}&location_latitude={lat}&location_longitude={lon}"
        "&location_accuracy=25&location_source=gps"
    ).encode()
    body = form + b"&hmac=" + hmac.new(AML_KEY, form, hashlib.sha1).hexdigest().encode()
    url = f"http://127.0.0.1:{engine.environment['SIAGA_WEB_PORT']}/aml"
    with urllib.request.urlopen(url, body, timeout=10) as answer:
        assert answer.status == 204


HANGING = """\
import asyncio, pathlib
import ivr.location.sources as module

class Hanging:
    name, deadline_s = "hanging", 30.0

    async def find(self, asked):
        pathlib.Path({marker!r}).touch()
        await asyncio.sleep(30)

known = module.sources
module.sources = lambda *given: (*known(*given), Hanging())
"""


def test_a_source_that_hangs_for_30_seconds_is_not_heard_by_the_caller(
    engine: Engine, own_home: Engine, sipp: tuple[str, ...], tmp_path: Path
) -> None:
    marker = tmp_path / "asked"
    (tmp_path / "python").mkdir()
    (tmp_path / "python/sitecustomize.py").write_text(HANGING.format(marker=str(marker)))
    path = f"{tmp_path / 'python'}:{own_home.environment.get('PYTHONPATH', '')}"
    own_home.environment |= {"PYTHONPATH": path, "SIAGA_RTP_PORTS": "25600-25999"}
    own_home.deployment = engine.deployment
    own_home.started()

    async def first_heard_s(port: int) -> float:
        async with caller(sipp, "127.0.0.1", port) as phone:
            await phone.answered(5)
            await asyncio.wait_for(phone.rtp.audible.wait(), 5)
            await phone.hang_up()
            assert phone.rtp.first_audio_at is not None
            assert phone.invited_at is not None
            return phone.rtp.first_audio_at - phone.invited_at

    async def of_both() -> tuple[list[float], list[float]]:
        with_it, without = [], []
        for _ in range(5):  # in turn: both meet the same moods of the machine
            with_it.append(await first_heard_s(own_home.sip_port))
            without.append(await first_heard_s(engine.sip_port))
        return with_it, without

    with_it, without = asyncio.run(of_both())
    assert marker.exists()
    assert statistics.median(with_it) - statistics.median(without) < 0.15
    assert statistics.median(with_it) < 2.0
