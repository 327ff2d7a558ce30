"""Ways out over real SIP: provider with registration, provider by address, PBX, GSM gateway."""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from laboratory import OPERATOR, Engine, eventually, hear_each_other
from provider import ACCOUNT, ADDRESS, PASSWORD, TELEPHONE, Provider, provider
from test_lab_nets import FIRST, SECOND, with_people

from ivr import config as configuration
from ivr.platforms.asterisk import pbx
from ivr.platforms.asterisk.programs import find_asterisk
from ivr.softphone.phone import answerer, caller
from ivr.softphone.sipp import free_port

CITIZEN = "+6281276123456"
LOGIN = "gsm-mandau"


@dataclass(frozen=True)
class Way:
    """One kind of trunk: what an administrator writes, and what has to arrive at the far end."""

    trunk: str
    number: str
    door: str
    password: bool = False
    located: bool = False


WAYS = {
    "registered": Way(
        f'{{host: "HOST", register: out, login: "{ACCOUNT}", location: yes}}',
        "0766591113",
        "pelanggan",
        password=True,
        located=True,
    ),
    "by-address": Way('{host: "HOST"}', "0766591113", "lawan"),
    "pbx": Way('{host: "HOST", location: yes}', "101", "lawan", located=True),
    "gateway": Way(
        f"{{register: in, login: {LOGIN}, setup: 10s, channels: 1}}",
        "081276000111",
        "sim",
        password=True,
    ),
}


def write_password(engine: Engine, trunk: str, text: str) -> None:
    file = engine.home / "secrets" / f"trunk-{trunk}"
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.touch(mode=0o600)
    file.write_text(f"{text}\n")


def with_trunks(home: Path, lines: str, number: str, via: str) -> Engine:
    """An engine, not started, with these ways out besides the placeholders that are shipped."""
    engine = with_people(home, f"{OPERATOR}:{free_port(OPERATOR)}")
    engine.environment["SIAGA_RTP_PORTS"] = "36000-36199"
    trunks = engine.deployment / "trunks.yaml"
    text = trunks.read_text()
    assert "keluar:\n" in text
    trunks.write_text(text.replace("keluar:\n", f"keluar:\n{lines}"))
    agencies = engine.deployment / "agencies.yaml"
    text = agencies.read_text()
    assert FIRST + SECOND in text
    contact = f'- {{via: {via}, number: "{number}", ring: 20s, accept: press}}'
    agencies.write_text(text.replace(FIRST + SECOND, contact))
    return engine


def outcome(engine: Engine, trunk: str) -> tuple[int, str]:
    done = engine.run("trunk", "test", trunk)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout or done.stderr


@pytest.mark.parametrize("kind", WAYS)
def test_a_caller_reaches_the_fire_post_over(
    kind: str, tmp_path: Path, sipp: tuple[str, ...]
) -> None:
    way = WAYS[kind]
    port, telephone_port = free_port(ADDRESS), free_port(TELEPHONE)
    line = f"  jalan: {way.trunk.replace('HOST', f'{ADDRESS}:{port}')}\n"
    engine = with_trunks(tmp_path / "home", line, way.number, "jalan")
    if way.password:
        write_password(engine, "jalan", PASSWORD)
    gateway = (engine.sip_port, LOGIN) if kind == "gateway" else None
    telephone = f"{TELEPHONE}:{telephone_port}"

    async def call(peer: Provider) -> None:
        async with (
            answerer(sipp, TELEPHONE, telephone_port, ring_s=2.0) as post,
            caller(
                sipp,
                "127.0.0.1",
                engine.sip_port,
                number=CITIZEN,
                at=(1.253, 101.303, 50.0),
            ) as phone,
        ):
            await phone.answered(5)
            phone.rtp.press("111")
            await post.picked_up(30)
            await post.accept()
            await hear_each_other(phone.rtp, post.rtp)
            assert phone.talking_to == "damkar-mandau"
            (arrived,) = peer.arrived()
            assert (arrived.door, arrived.number) == (way.door, way.number)
            shown = ACCOUNT if kind == "registered" else CITIZEN
            assert (arrived.from_user, arrived.asserted) == (shown, CITIZEN)
            assert bool(arrived.geolocation) == way.located
            await phone.hang_up()

    try:
        with provider(tmp_path / "peer", telephone, port=port, gateway=gateway) as peer:
            engine.started()
            asyncio.run(
                eventually(
                    lambda: outcome(engine, "jalan")[0] == 0, 30, f"a {kind} trunk that is well"
                )
            )
            code, said = outcome(engine, "jalan")
            assert code == 0
            assert "BAIK" in said
            assert re.search(r"menjawab OPTIONS dalam [0-9]+,[0-9] ms", said)
            told = engine.json("trunk", "test", "jalan")
            assert told["well"]
            assert 0 < told["round_trip_ms"] < 2000
            asyncio.run(call(peer))
    finally:
        engine.down()


def test_an_agencys_own_phone_is_told_where_the_caller_is_if_that_is_known(
    tmp_path: Path, sipp: tuple[str, ...]
) -> None:
    port = free_port(TELEPHONE)
    engine = with_people(
        tmp_path / "home", f"{OPERATOR}:{free_port(OPERATOR)}", f"{TELEPHONE}:{port}"
    )
    engine.environment["SIAGA_RTP_PORTS"] = "36000-36199"

    async def told(at: tuple[float, float, float] | None) -> str:
        async with (
            answerer(sipp, TELEPHONE, port) as post,
            caller(sipp, "127.0.0.1", engine.sip_port, at=at) as phone,
        ):
            await phone.answered(5)
            phone.rtp.press("111")
            await post.picked_up(20)
            await post.accept()
            await hear_each_other(phone.rtp, post.rtp)
            await phone.hang_up()
            return next(m.text for m in post.sipp.trace() if m.first_line.startswith("INVITE "))

    try:
        engine.started()
        located = asyncio.run(told((1.253, 101.303, 50.0)))
        assert re.search(r"^Geolocation: <cid:", located, re.MULTILINE)
        assert re.search(r"1\.253\d* 101\.303", located)
        # Of a phone that tells nothing there is what its caller keyed in: a kecamatan, and no point.
        keyed = asyncio.run(told(None))
        assert re.search(r"ADDCODE>14\.03\.09<", keyed)
        assert "gml:pos" not in keyed
        log = (engine.home / "log/asterisk/messages.log").read_text()
        assert not re.search(r"(ERROR|WARNING)\[.*geoloc", log, re.IGNORECASE)
    finally:
        engine.down()


@dataclass
class Troubled:
    """An engine whose trunks each have a trouble of their own, and a few that have none."""

    engine: Engine
    warned: str

    def ask(self, command: str) -> str:
        config = configuration.read(self.engine.environment, deployment=self.engine.deployment)
        return pbx.ask(find_asterisk(lambda _: None), pbx.folders(config), command) or ""

    def log(self) -> str:
        return (self.engine.home / "log/asterisk/messages.log").read_text()


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Troubled]:
    folder = tmp_path_factory.mktemp("troubled")
    port = free_port(ADDRESS)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((TELEPHONE, 0))
        nobody = f"{TELEPHONE}:{silent.getsockname()[1]}"
        lines = f"""\
  baik: {{host: "{ADDRESS}:{port}", location: yes}}
  salah-sandi: {{host: "{ADDRESS}:{port}", register: out, login: "{ACCOUNT}"}}
  salah-login: {{host: "{ADDRESS}:{port}", register: out, login: "0766999999"}}
  tanpa-sandi: {{host: "{ADDRESS}:{port}", register: out, login: "0766888888"}}
  gsm: {{register: in, login: {LOGIN}}}
  gsm-lain: {{register: in, login: gsm-lain}}
  gsm-sama: {{register: in, login: gsm-sama}}
  gsm-tanpa-sandi: {{register: in, login: gsm-tanpa-sandi}}
  diam: {{host: "{nobody}"}}
  diam-daftar: {{host: "{nobody}", register: out, login: "0766777777"}}
  tutup: {{host: "{TELEPHONE}:{free_port(TELEPHONE)}"}}
  tanpa-nama: {{host: tidak-ada.invalid}}
"""
        engine = with_trunks(folder / "home", lines, "101", "baik")
        write_password(engine, "salah-sandi", "keliru")
        write_password(engine, "salah-login", PASSWORD)
        write_password(engine, "diam-daftar", PASSWORD)
        write_password(engine, "gsm", PASSWORD)
        write_password(engine, "gsm-sama", PASSWORD)
        write_password(engine, "gsm-lain", "lain")
        try:
            with provider(folder / "peer", f"{TELEPHONE}:9", port=port):
                done = engine.up()
                assert done.returncode == 0, done.stderr
                yield Troubled(engine, done.stderr)
        finally:
            engine.down()


TROUBLES = {
    "salah-sandi": ("registration-refused", "Sandi `0766112000` ditolak"),
    "salah-login": ("registration-refused", "Pendaftaran `0766999999` dilarang"),
    "tanpa-sandi": ("password", "Sandi trunk `tanpa-sandi` belum ada"),
    "gsm-lain": ("gateway-not-registered", "Belum ada perangkat yang mendaftar sebagai `gsm-lain`"),
    "gsm-tanpa-sandi": ("password", "Sandi trunk `gsm-tanpa-sandi` belum ada"),
    "diam": ("silent", "diam: tidak ada jawaban OPTIONS"),
    "tutup": ("refused", "menolak: mesinnya hidup"),
    "tanpa-nama": ("no-address", "Nama `tidak-ada.invalid` tidak ditemukan"),
    "jasnita": ("unset", "`host` masih ISI-… di trunks.yaml"),
}


@pytest.mark.parametrize("trunk", TROUBLES)
def test_each_trouble_of_a_trunk_is_told_by_a_sentence_of_its_own(
    troubled: Troubled, trunk: str
) -> None:
    code, words = TROUBLES[trunk]

    def told() -> bool:
        said = troubled.engine.json("trunk", "test", trunk)
        first = said["findings"][0]
        return not said["well"] and first["code"] == code and words in first["message"]

    asyncio.run(eventually(told, 20, f"{code} for {trunk}"))
    exit_code, said = outcome(troubled.engine, trunk)
    assert exit_code == 1
    assert words in said


def test_a_registration_that_nobody_answers_is_told_beside_the_silence(troubled: Troubled) -> None:
    said = troubled.engine.json("trunk", "test", "diam-daftar")
    codes = {finding["code"] for finding in said["findings"]}
    assert (said["well"], codes) == (False, {"silent", "registration-unanswered"})


def test_a_missing_password_stops_nothing_and_is_told_when_the_engine_starts(
    troubled: Troubled,
) -> None:
    warned = [line for line in troubled.warned.splitlines() if "PERINGATAN" in line]
    assert len(warned) == 2
    assert all("tanpa-sandi" in line for line in warned)
    assert "Unable to find object" in troubled.ask("pjsip show endpoint tanpa-sandi")
    assert troubled.engine.json("status")["ready"]


def test_a_wrong_name_is_a_wrong_request_and_says_what_was_meant(troubled: Troubled) -> None:
    code, said = outcome(troubled.engine, "salah-sandy")
    assert code == 2
    assert "Maksud Anda `salah-sandi`?" in said


def test_without_an_engine_nothing_is_said_of_a_trunk(own_home: Engine) -> None:
    code, said = outcome(own_home, "jasnita")
    assert code == 1
    assert "Mesin tidak berjalan" in said
    assert own_home.json("trunk", "test", "jasnita")["findings"][0]["code"] == "not-running"


def test_the_last_real_call_is_shown_and_a_fresh_failure_is_a_warning(troubled: Troubled) -> None:
    def noted(result: str, ago: float) -> dict[str, object]:
        at = int(time.time() - ago)
        troubled.ask(f'dialplan set global SIAGA_TRUNK_baik "{result} {at}"')
        said = troubled.engine.json("trunk", "test", "baik")
        assert said["well"]
        assert said["last_call"]["at"] == at
        return {finding["code"]: finding["grade"] for finding in said["findings"]}

    fresh = noted("failed CHANUNAVAIL-20", 2)
    assert fresh == {"answers": "baik", "last-call-failed": "perhatikan"}
    assert noted("failed CHANUNAVAIL-20", 120) == {"answers": "baik"}
    assert noted("answered ANSWER-16", 2) == {"answers": "baik"}
    code, said = outcome(troubled.engine, "baik")
    assert (code, "panggilan terakhir: dijawab (ANSWER-16)" in said) == (0, True)


def test_every_kind_of_trunk_is_written_as_asterisk_wants_it(troubled: Troubled) -> None:
    """What is complained about is what peers refuse, and nothing in the configuration."""
    allowed = (
        "res_pjsip_outbound_registration.c",
        "res_pjsip_outbound_authenticator_digest.c",
        "res_pjsip_registrar.c",
    )
    complaints = [
        line
        for line in troubled.log().splitlines()
        if re.search(r"\b(ERROR|WARNING)\[", line) and not any(name in line for name in allowed)
    ]
    assert complaints == []


@dataclass
class Stranger:
    """A socket that speaks just enough SIP to try to register."""

    socket: socket.socket
    server: tuple[str, int]
    sequence: int = field(default=0)

    def say(self, method: str, user: str, authorization: str = "") -> str:
        """The final answer to one request in this user's name."""
        self.sequence += 1
        own = "{}:{}".format(*self.socket.getsockname())
        lines = [
            f"{method} sip:{'112@' if method == 'INVITE' else ''}127.0.0.1 SIP/2.0",
            f"Via: SIP/2.0/UDP {own};branch=z9hG4bK{self.sequence}{user}{time.time_ns()};rport",
            f"From: <sip:{user}@127.0.0.1>;tag={self.sequence}",
            f"To: <sip:{'112' if method == 'INVITE' else user}@127.0.0.1>",
            f"Call-ID: {time.time_ns()}",
            f"CSeq: 1 {method}",
            f"Contact: <sip:{user}@{own}>",
            *([f"Authorization: {authorization}"] if authorization else []),
            "Max-Forwards: 70",
            "Content-Length: 0",
        ]
        self.socket.sendto("\r\n".join([*lines, "", ""]).encode(), self.server)
        while True:
            answer = self.socket.recv(4096).decode()
            if answer.startswith("SIP/2.0 ") and not answer.startswith("SIP/2.0 100"):
                return answer

    def register(self, user: str, password: str) -> str:
        """Register as a gateway does: ask, be challenged, answer the challenge."""
        challenge = self.say("REGISTER", user)
        realm, nonce = (re.search(rf'{k}="([^"]*)"', challenge)[1] for k in ("realm", "nonce"))

        def digest(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()

        uri = "sip:127.0.0.1"
        who = digest(f"{user}:{realm}:{password}")
        response = digest(f"{who}:{nonce}:00000001:c:auth:{digest(f'REGISTER:{uri}')}")
        return self.say(
            "REGISTER",
            user,
            f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", qop=auth, '
            f'nc=00000001, cnonce="c", algorithm=MD5, response="{response}"',
        )


@contextmanager
def stranger(engine: Engine) -> Iterator[Stranger]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as talking:
        talking.bind((TELEPHONE, 0))
        talking.settimeout(3)
        yield Stranger(talking, ("127.0.0.1", engine.sip_port))


@pytest.mark.parametrize(("trunk", "login"), [("gsm", LOGIN), ("gsm-sama", "gsm-sama")])
def test_a_gateway_is_challenged_and_only_its_password_lets_it_in(
    troubled: Troubled, trunk: str, login: str
) -> None:
    def told() -> object:
        return troubled.engine.json("trunk", "test", trunk)["findings"][0]["code"]

    with stranger(troubled.engine) as gateway:
        assert gateway.say("REGISTER", login).startswith("SIP/2.0 401 ")
        assert gateway.register(login, "keliru").startswith("SIP/2.0 401 ")
        assert f"{login}/sip:" not in troubled.ask("pjsip show contacts")
        assert told() == "gateway-wrong-password"
        assert gateway.register(login, PASSWORD).startswith("SIP/2.0 200 ")
        own = "{}:{}".format(*gateway.socket.getsockname())
        assert f"{login}/sip:{login}@{own}" in troubled.ask("pjsip show contacts")
    assert told() == "gateway-silent", "it has registered, and does not answer"


@pytest.mark.parametrize(
    "name",
    ["siapa-saja", "baik", "diam", "gsm", "gsm-tanpa-sandi", "anonymous", "langsung", "masuk-telkomsel"],
)  # fmt: skip
def test_nobody_but_a_gateway_can_register(troubled: Troubled, name: str) -> None:
    with stranger(troubled.engine) as somebody:
        before = troubled.ask("pjsip show contacts").count("Contact:")
        assert somebody.say("REGISTER", name).startswith("SIP/2.0 403 ")
        assert troubled.ask("pjsip show contacts").count("Contact:") == before


def test_a_call_in_a_gateways_name_has_to_know_its_password_and_any_other_name_is_only_a_caller(
    troubled: Troubled, sipp: tuple[str, ...]
) -> None:
    with stranger(troubled.engine) as somebody:
        assert somebody.say("INVITE", LOGIN).startswith("SIP/2.0 401 ")

    async def call(name: str) -> None:
        async with caller(sipp, "127.0.0.1", troubled.engine.sip_port, number=name) as phone:
            await phone.answered(5)
            await phone.hang_up()

    asyncio.run(call("baik"))


def test_no_password_is_in_a_log_and_the_file_it_is_in_is_for_its_owner_alone(
    troubled: Troubled,
) -> None:
    written = troubled.engine.home / "asterisk/etc/pjsip.conf"
    secret = PASSWORD.replace(";", "\\;")
    assert secret in written.read_text()
    assert written.stat().st_mode & 0o077 == 0
    logs = [file for file in (troubled.engine.home / "log").rglob("*") if file.is_file()]
    assert len(logs) > 3
    for file in logs:
        text = file.read_text(errors="replace")
        assert PASSWORD not in text
        assert secret not in text
