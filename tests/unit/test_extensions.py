"""The text that Asterisk runs: each rendering stands for itself, and deadlines are no part of it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from small_deployment import DIALPLAN, OPERATORS, small

from ivr import config as configuration
from ivr.calls.published import Published
from ivr.config import Config
from ivr.deployment import Texts
from ivr.platforms.asterisk import extensions

OUTSIDE = {"siaga-ajak", "siaga-latihan", "siaga-mulai"}
"""What a call's text may name of the way in."""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return configuration.read({"SIAGA_HOME": str(tmp_path / "siaga-jaga")})


def published(version: str = "v1", **files: str) -> Published:
    dialplan, directory = small(**files)
    return Published(replace(dialplan, version=version), directory, Texts(Path(), {}, version))


def rendering(config: Config, it: Published) -> tuple[str, str]:
    return extensions.call_text(config, it, "siaga-aabbccdd")


def test_every_context_of_a_rendering_bears_its_name_and_every_mention_is_of_its_own(
    config: Config,
) -> None:
    name, text = rendering(config, published())
    contexts = set(re.findall(r"^\[(\S+)\]$", text, re.MULTILINE))
    assert len(contexts) > 15
    assert all(context.endswith(f"-{name}") for context in contexts)
    lines = [line.partition(";")[0] for line in text.splitlines() if not line.startswith(" ;")]
    code = "\n".join(lines).replace(str(config.recordings_dir), "")
    targets = set(re.findall(r"(?:Goto\(|Gosub\(|[?:@U(^]|include => )(siaga-[a-z]+[\w-]*)", code))
    assert len(targets) > 12
    assert targets - OUTSIDE - {"siaga-aabbccdd"} - contexts <= {"siaga-hitung"}


def test_a_home_that_is_named_like_a_context_keeps_its_name(config: Config) -> None:
    _, text = rendering(config, published())
    assert f"MixMonitor({config.recordings_dir}/" in text


def test_the_same_deployment_is_the_same_rendering_whatever_its_deadlines(config: Config) -> None:
    first = published()
    other = published("v2", dialplan=_with_deadlines("human_by: 3s", "wait: 4s, drop: 7s"))
    assert rendering(config, first) == rendering(config, other)
    name, _ = rendering(config, first)
    assert extensions.begun_with(first, name) == f"v1/0/10/{name}"
    assert extensions.begun_with(other, name) == f"v2/3/7/{name}"


def _with_deadlines(human_by: str, wait: str) -> str:
    return DIALPLAN.replace("human_by: 0s", human_by).replace("wait: 4s", wait)


def test_another_operator_is_another_rendering(config: Config) -> None:
    changed = published(operators=OPERATORS.replace("pusat:", "utama:"))
    assert rendering(config, published())[0] != rendering(config, changed)[0]


def test_the_way_in_names_the_renderings_and_leaves_globals_alone() -> None:
    text = extensions.way_in(["bbbbbbbb", "aaaaaaaa"], "v2/0/10/bbbbbbbb")
    assert re.findall(r'^#tryinclude "(.*)"', text, re.MULTILINE) == [
        "call-bbbbbbbb.conf",
        "call-aaaaaaaa.conf",
    ]
    assert "clearglobalvars = no" in text
    assert "SIAGA_PUBLISHED=v2/0/10/bbbbbbbb" in text


def test_a_contact_or_a_domain_with_the_name_of_a_context_stays_what_it_is() -> None:
    kept = "Dial(PJSIP/sip:siaga-lapor@host)\nUID=${ID}:siaga-lapor\n"
    text = f"[siaga-lapor]\n{kept}GotoIf(a?s,1:siaga-lapor,s,1)\n"
    named = extensions.named(text, "ab")
    assert named == f"[siaga-lapor-ab]\n{kept}GotoIf(a?s,1:siaga-lapor-ab,s,1)\n"


def test_nothing_that_a_stranger_sent_stands_bare_in_an_expression_that_encodes_it(
    config: Config,
) -> None:
    """A parenthesis and a colon in it would cut short the expression that reads it."""
    _, text = rendering(config, published())
    encoded = re.findall(r"URIENCODE\(([^\n]*?)\):0:\d+}", text)
    assert len(encoded) == 3 + 4
    assert set(encoded) == {"${REPLACE(SIAGA_RAW,(), )}"}


def test_the_controller_is_told_whether_anything_came_and_nothing_else_of_it(
    config: Config,
) -> None:
    _, text = rendering(config, published())
    asked = re.findall(r"AGI\(agi://[^\n]*/(?:call|resume),([^\n]*)", text)
    assert len(asked) == 2
    assert all("Geolocation" not in line and "?0:1)}" in line for line in asked)


def test_an_operator_is_shown_coordinates_only_where_his_way_may_tell_them(config: Config) -> None:
    operators = (
        "{a: {name: A, contacts: [{via: jauh, number: '101'}, {via: dekat, number: '102'},"
        " {number: 'sip:a@10.0.0.9'}]}}"
    )
    trunks = (
        "keluar:\n  damkar-sip: {host: ISI-ALAMAT}\n  jasnita: {host: ISI-ALAMAT}\n"
        "  jauh: {host: 10.0.0.5}\n  dekat: {host: 10.0.0.6, location: yes}\n"
    )
    _, text = rendering(config, published(operators=operators, trunks=trunks))
    one = text[text.index("exten => a,1") : text.index("Set(GLOBAL(SIAGA_HASIL_a)")]
    assert re.findall(r"Set\(__SIAGA_WHERE=(.*)\)|Dial\(([^,]*),", one) == [
        ("", ""),
        ("", "PJSIP/101@jauh"),
        ("1", ""),
        ("", "PJSIP/102@dekat"),
        ("1", ""),
        ("", "PJSIP/langsung/sip:a@10.0.0.9"),
    ]


def test_only_one_place_sets_the_name_that_a_leg_shows(config: Config) -> None:
    """There a leg that may not be told a coordinate is kept from showing one."""
    _, text = rendering(config, published())
    names = re.findall(r"Set\(CALLERID\(name\)=(.*)\)$", text, re.MULTILINE)
    assert len(names) == 2
    assert '"${SIAGA_WHERE}"="1"' in names[0]
    assert names[1] == "${SIAGA_SHOWN}"
