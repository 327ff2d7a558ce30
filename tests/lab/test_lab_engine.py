"""Starting, stopping and what is in the way, with the real programs."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from laboratory import Engine, eventually, lab_deployment

from ivr import config as configuration
from ivr.calls.published import load_current
from ivr.commands.publish import publish
from ivr.platforms.asterisk import pbx
from ivr.platforms.asterisk.programs import Asterisk, find_asterisk
from ivr.supervisor import is_alive


@contextmanager
def bare_asterisk(
    engine: Engine, *, extra_module: str = ""
) -> Iterator[tuple[Asterisk, pbx.Folders]]:
    """Asterisk alone, with every log level on, booted."""
    config = configuration.read(engine.environment, deployment=engine.deployment)
    publish(config, who="lab", why="", tell=lambda _: None)
    asterisk = find_asterisk(lambda _: None)
    where = pbx.render(config, asterisk, load_current(config), log_levels="*")
    if extra_module:
        with (where.etc / "modules.conf").open("a") as file:
            file.write(f"load = {extra_module}\n")
    process = subprocess.Popen(
        (*pbx.start_command(asterisk, where), "-vvvvv"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        asyncio.run(eventually(lambda: pbx.is_booted(asterisk, where), 30, "a booted Asterisk"))
        yield asterisk, where
    finally:
        process.terminate()
        process.wait(10)


def complaints(where: pbx.Folders) -> list[str]:
    """The lines of the start-up log that report something wrong."""
    lines = (where.log / "messages.log").read_text().splitlines()
    return [line for line in lines if re.search(r"\b(ERROR|WARNING)\[", line)]


def test_the_start_up_log_is_clean_with_every_level_on(own_home: Engine) -> None:
    with bare_asterisk(own_home) as (_, where):
        assert (where.log / "messages.log").stat().st_size > 0
        assert complaints(where) == []


def test_a_fault_at_start_up_would_be_seen(own_home: Engine) -> None:
    with bare_asterisk(own_home, extra_module="no_such_module.so") as (_, where):
        asyncio.run(  # the log is written by a thread of its own
            eventually(
                lambda: any("no_such_module" in line for line in complaints(where)),
                10,
                "a complaint",
            )
        )


def test_every_application_and_function_that_extensions_use_is_there(own_home: Engine) -> None:
    """A missing one ends the caller's channel in the middle of the net."""
    with bare_asterisk(own_home) as (asterisk, where):
        files = (where.etc / "extensions.conf", *where.etc.glob("call-*.conf"))
        text = "".join(file.read_text() for file in files)
        assert len(files) == 2
        lines = [line for line in text.splitlines() if line.startswith(("exten =>", " same =>"))]
        used = {
            m[1]
            for line in lines
            if (m := re.search(r"=> (?:[\w+]+,)?(?:n|\d+)(?:\(\w+\))?,(\w+)\(", line))
        }
        used |= {m for line in lines for m in re.findall(r"\?([A-Z]\w+)\(", line)}
        listed = pbx.ask(asterisk, where, "core show applications") or ""
        known = {line.split(":")[0].strip() for line in listed.splitlines() if ":" in line}
        assert len(used) > 10
        assert used <= known, used - known
        functions = set(re.findall(r"\$\{([A-Z_]{2,})\(", text)) | set(
            re.findall(r"Set\((\w+)\(", text)
        )
        listed = pbx.ask(asterisk, where, "core show functions") or ""
        known = {line.split()[0] for line in listed.splitlines() if line.strip()}
        assert len(functions) > 3
        assert functions <= known, functions - known


def test_status_tells_what_runs_and_down_leaves_nothing_behind(own_home: Engine) -> None:
    own_home.started()
    said = own_home.json("status")
    assert said["ready"]
    assert said["human_reachable"]
    assert said["dial"] == f"sip:112@127.0.0.1:{own_home.sip_port}"
    names = {row["name"] for row in said["components"]}
    assert names == {"supervisor", "asterisk", "controller", "web", "speech"}
    pids = [row["pid"] for row in said["components"] if row["pid"] is not None]
    own_home.down()
    assert not [pid for pid in pids if is_alive(pid)]
    for name in ("SIP", "AGI", "AMI", "WEB", "AEAP", "EAR"):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", int(own_home.environment[f"SIAGA_{name}_PORT"])))
    left = [p.name for p in (own_home.home / "run").iterdir()]
    assert left == ["lock"]
    config = configuration.read(own_home.environment)
    assert not pbx.folders(config).run.exists()
    assert [p.name for p in (own_home.home / "journal").iterdir()] in ([], ["case-numbers"])


def test_a_second_engine_in_the_same_home_is_refused_with_a_sentence(own_home: Engine) -> None:
    own_home.started()
    again = own_home.up()
    assert again.returncode == 1
    assert "sudah berjalan" in again.stderr
    assert len(again.stderr.strip().splitlines()) == 1


def test_a_taken_port_is_named_in_one_sentence(own_home: Engine) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", own_home.sip_port))
        done = own_home.up()
    assert done.returncode == 1
    assert f"Porta {own_home.sip_port}/UDP" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_faulty_deployment_is_refused_by_file_line_and_column(
    own_home: Engine, tmp_path: Path
) -> None:
    changes = {"dialplan.yaml": {"then: kejadian\n": "then: kejadain\n"}}
    own_home.deployment = lab_deployment(tmp_path / "deployment", changes)
    done = own_home.up()
    assert done.returncode == 1
    assert re.search(r"^dialplan\.yaml:\d+:\d+: .*kejadain", done.stderr, re.MULTILINE)


def test_a_database_that_cannot_be_used_is_told_and_112_is_answered_all_the_same(
    own_home: Engine,
) -> None:
    own_home.environment["SIAGA_DATABASE_URL"] = "sqlite:////proc/none/siaga.db"
    done = own_home.up()
    assert done.returncode == 0
    assert "PERINGATAN: basis data" in done.stderr
    del own_home.environment["SIAGA_DATABASE_URL"]
    said = own_home.json("call", "--press", "0")
    assert said["bridged_to"] == "operator"
    kept = "".join(f.read_text() for f in (own_home.home / "journal").glob("*.jsonl"))
    assert said["sip_call_id"] in kept


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("call", "--choose", "kebakaran"), 2, "KEJADIAN,KODE"),
        (("call", "--press", "1x"), 2, "Tombol"),
        (("call", "--silent", "--press", "1"), 2, "salah satu"),
        (("explain", "--incident", "api", "--place", "14.03.09"), 2, "tidak dikenal"),
        (("explain", "--incident", "kebakaran", "--at", "200,1"), 2, "Posisi"),
        (("calls", "show", "nothing"), 1, "Basis data"),
        (("call", "--silent"), 1, "tidak dijawab"),
    ],
)
def test_a_wrong_request_is_answered_with_a_sentence(
    own_home: Engine, arguments: tuple[str, ...], code: int, word: str
) -> None:
    done = own_home.run(*arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert word in done.stderr
