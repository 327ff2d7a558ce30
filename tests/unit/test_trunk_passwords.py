"""The password of a trunk lies in a file of its own, and a bad one is told with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr import config as configuration
from ivr.config import Config
from ivr.platforms.asterisk.trunk_passwords import (
    PasswordUnusable,
    password,
    password_file,
    without_password,
)
from routing.model import Trunk


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return configuration.read({"SIAGA_HOME": str(tmp_path)})


def write(config: Config, text: bytes, mode: int = 0o600) -> None:
    file = password_file(config, "jasnita")
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(text)
    file.chmod(mode)


@pytest.mark.parametrize("text", [b"rahasia", b"rahasia\n", b"a;b\\c\"d'#", "sandi é".encode()])
def test_one_line_is_the_password_without_its_line_end(config: Config, text: bytes) -> None:
    write(config, text)
    assert password(config, "jasnita") == text.decode().strip()


@pytest.mark.parametrize(
    "text", [b"", b"\n", b"satu\ndua\n", b"a\0b", b"a\rb", b"\xff", b"x" * 129]
)
def test_anything_but_one_line_of_text_is_refused(config: Config, text: bytes) -> None:
    write(config, text)
    with pytest.raises(PasswordUnusable, match=r"trunk-jasnita"):
        password(config, "jasnita")


def test_a_file_that_others_can_read_is_refused_with_the_command_that_mends_it(
    config: Config,
) -> None:
    write(config, b"rahasia", 0o640)
    with pytest.raises(PasswordUnusable, match=r"chmod 600 .*trunk-jasnita"):
        password(config, "jasnita")


def test_only_trunks_that_need_a_password_are_told_to_want_one(config: Config) -> None:
    trunks = {
        trunk.name: trunk
        for trunk in (
            Trunk("ip", "10.0.0.1"),
            Trunk("daftar", "10.0.0.1", register="out", login="a"),
            Trunk("gsm", "", register="in", login="gsm"),
            Trunk("nanti", "ISI-ALAMAT", register="out", login="a"),
            Trunk("jasnita", "10.0.0.1", register="out", login="a"),
        )
    }
    write(config, b"rahasia")
    missing = without_password(config, trunks)
    assert list(missing) == ["daftar", "gsm"]
    assert str(password_file(config, "daftar")) in missing["daftar"]


def test_no_message_holds_what_a_password_file_contains(config: Config) -> None:
    write(config, b"rahasia\nbanget")
    with pytest.raises(PasswordUnusable) as refused:
        password(config, "jasnita")
    assert "rahasia" not in str(refused.value)
