"""Two engines for the whole laboratory: the shipped deployment, and one with real SIP peers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from laboratory import AGENCY, MANDAU_ALONE, OPERATOR, Engine, lab_deployment

from ivr.config import PROJECT
from ivr.platforms.asterisk.programs import tool
from ivr.softphone.sipp import free_port


@pytest.fixture(scope="session")
def sipp() -> tuple[str, ...]:
    return tool("sipp")


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The deployment as it is shipped: every agency and operator is played by Asterisk."""
    home = tmp_path_factory.mktemp("shipped")
    engine = Engine(home, PROJECT / "dialplans/bengkalis")
    try:
        yield engine.started()
    finally:
        engine.down()


@pytest.fixture(scope="session")
def agency_ports() -> dict[str, int]:
    """Where the lab's agencies and operator listen."""
    names = {"first": AGENCY, "second": AGENCY, "operator": OPERATOR}
    return {name: free_port(address) for name, address in names.items()}


@pytest.fixture(scope="session")
def peered(
    tmp_path_factory: pytest.TempPathFactory, agency_ports: dict[str, int]
) -> Iterator[Engine]:
    """Mandau's fire post has two telephones, and the operator one; all are real SIP peers."""
    home = tmp_path_factory.mktemp("peered")
    first = f'- {{number: "sip:damkar@{AGENCY}:{agency_ports["first"]}", ring: 10s, accept: press}}'
    second = f'- {{number: "sip:cadangan@{AGENCY}:{agency_ports["second"]}", ring: 10s}}'
    operator = f'- {{number: "sip:petugas@{OPERATOR}:{agency_ports["operator"]}"}}'
    changes = {
        "agencies.yaml": {
            '- {via: damkar-sip, number: "101", accept: answer}\n    '
            "- {via: jasnita, number: ISI-NOMOR, ring: 15s, accept: press}": f"{first}\n    {second}"
        },
        "places.yaml": MANDAU_ALONE,
        "dialplan.yaml": {"wait: 4s}": "wait: 4s, drop: 2s}"},
        "operators.yaml": {"- {via: pusat-sip, number: ISI-NOMOR, accept: press}": operator},
    }
    engine = Engine(home, lab_deployment(home / "deployment", changes))
    try:
        yield engine.started()
    finally:
        engine.down()


@pytest.fixture
def own_home(tmp_path: Path) -> Iterator[Engine]:
    """An engine that is not started yet, for tests that kill or starve it."""
    engine = Engine(tmp_path / "home", PROJECT / "dialplans/bengkalis")
    try:
        yield engine
    finally:
        engine.down()
