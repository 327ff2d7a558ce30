"""The web process beside the calls: supervised, told in status, and needed by no caller."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import signal
import socket
import urllib.request
from pathlib import Path

import pytest
from laboratory import Engine, eventually

from ivr.location.spool import Correction, Spool

KEY = b"kunci-laboratorium-yang-panjang"
FORM = b"v=3&device_number=081276123456&location_latitude=1.2856&location_longitude=101.197"


def state(engine: Engine) -> str:
    rows = {row["name"]: row["state"] for row in engine.json("status")["components"]}
    return str(rows["web"])


def post(engine: Engine) -> int:
    body = FORM + b"&hmac=" + hmac.new(KEY, FORM, hashlib.sha1).hexdigest().encode()
    url = f"http://127.0.0.1:{engine.environment['SIAGA_WEB_PORT']}/aml"
    with urllib.request.urlopen(url, body, timeout=10) as answer:
        return int(answer.status)


def in_spool(engine: Engine) -> list[str]:
    return [file.name for file in (engine.home / "spool" / "locations").glob("*.json")]


def test_the_web_process_comes_back_when_it_dies_and_takes_reports_again(own_home: Engine) -> None:
    own_home.started()
    secrets = own_home.home / "secrets"
    (secrets / "aml.key").write_bytes(KEY)
    (secrets / "aml.key").chmod(0o600)
    asyncio.run(eventually(lambda: state(own_home) == "running"))
    first = own_home.pid("web")
    own_home.kill("web")
    asyncio.run(eventually(lambda: state(own_home) == "running" and own_home.pid("web") != first))
    assert post(own_home) == 204
    assert len(in_spool(own_home)) == 1


def test_the_web_process_is_told_no_setting_that_it_does_not_need(own_home: Engine) -> None:
    own_home.environment["SIAGA_DATABASE_URL"] = f"sqlite:///{own_home.home}/lain.db"
    own_home.environment["SIAGA_NOTIFY_URL"] = "http://127.0.0.1:9/rahasia"
    own_home.started()
    told = Path(f"/proc/{own_home.pid('web')}/environ").read_bytes().split(b"\0")
    names = {line.partition(b"=")[0].decode() for line in told}
    ours = {name for name in names if name.startswith("SIAGA_")}
    assert ours == {"SIAGA_HOME", "SIAGA_WEB_PORT", "SIAGA_BEAT_FD"}


def test_a_web_port_that_is_taken_is_told_and_112_is_answered_all_the_same(
    own_home: Engine,
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(own_home.environment["SIAGA_WEB_PORT"])))
        other.listen()
        done = own_home.up()
        assert done.returncode == 0
        assert f"PERINGATAN: Porta {other.getsockname()[1]}/TCP" in done.stderr
        said = own_home.json("status")
        assert said["ready"]
        assert own_home.json("call", "--press", "0")["bridged_to"] == "operator"
        assert state(own_home) in ("restarting", "failing", "starting")
    own_home.down()
    assert own_home.up().returncode == 0
    asyncio.run(eventually(lambda: state(own_home) == "running"))


def test_a_web_process_that_hangs_is_replaced(own_home: Engine) -> None:
    own_home.started()
    asyncio.run(eventually(lambda: state(own_home) == "running"))
    first = own_home.pid("web")
    os.kill(first, signal.SIGSTOP)
    assert own_home.json("status")["ready"]
    asyncio.run(
        eventually(lambda: state(own_home) == "running" and own_home.pid("web") != first, 20)
    )


def test_an_operator_corrects_where_a_call_is_about(shipped: Engine) -> None:
    call = shipped.json("call", "--press", "0")
    shown = shipped.record_of(call["sip_call_id"])
    assert shown is not None
    told = shipped.json(
        "calls", "locate", shown["case_number"], "--place", "14.03.09", "--note", "dekat pasar"
    )
    assert call["bridged_to"] == "operator"
    assert (told["call_id"], told["code"]) == (shown["call_id"], "14.03.09")
    spool = Spool(shipped.home / "spool" / "locations")
    corrections = [one.said for one in spool.fresh(0.0) if isinstance(one.said, Correction)]
    assert [(c.call_id, c.code, c.note) for c in corrections] == [
        (shown["call_id"], "14.03.09", "dekat pasar")
    ]
    text = shipped.run("calls", "locate", shown["call_id"], "--at", "1.2856,101.197,30").stdout
    assert "1.2856, 101.197, radius 30 m" in text
    assert "Mesin tidak berjalan" not in text


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("nothing", "--place", "14.03.09"), 1, "tidak ada"),
        (("nothing",), 2, "salah satu"),
        (("nothing", "--place", "14.03.09", "--at", "1.2,101.1"), 2, "salah satu"),
        (("nothing", "--place", "14.03.99"), 2, "bukan kecamatan"),
        (("nothing", "--at", "nan,101"), 2, "Posisi"),
    ],
)
def test_a_wrong_correction_is_answered_with_a_sentence(
    shipped: Engine, arguments: tuple[str, ...], code: int, word: str
) -> None:
    done = shipped.run("calls", "locate", *arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert word in done.stderr
