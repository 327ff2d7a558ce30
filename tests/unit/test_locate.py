"""``calls locate``: what an operator may say of a place, and to whom it is handed over."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest
from small_deployment import offered

from ivr import config as configuration
from ivr.commands.locate import LONGEST_NOTE, Where, describe, locate, to_json, where
from ivr.flow.journal import to_json as written
from ivr.location.spool import Correction, Spool
from ivr.store.projection import Record
from ivr.store.recorder import insert
from ivr.store.tables import connect, migrate
from routing.model import Desa, Place

PLACES = {
    "14.03.09": Place(
        "14.03.09",
        "Mandau",
        "duri",
        desa={"14.03.09.1001": Desa("14.03.09.1001", "Duri Barat")},
    )
}


@pytest.fixture
def config(tmp_path: Path) -> configuration.Config:
    """A home whose store knows one call."""
    made = configuration.read({"SIAGA_HOME": str(tmp_path)})
    migrate(made.database_url)
    engine = connect(made.database_url)
    said = written(offered())
    insert(engine, [Record("1", 1, 1_795_421_730.0, said.pop("kind"), said)])
    engine.dispose()
    return made


def test_a_place_is_a_kecamatan_or_a_desa_of_this_deployment() -> None:
    assert where(PLACES, "14.03.09", None, "").name == "Mandau"
    assert where(PLACES, "14.03.09.1001", None, "").name == "Duri Barat, Mandau"
    assert where(PLACES, None, "1.2856,101.197", "").point == (1.2856, 101.197, 0.0)


@pytest.mark.parametrize(
    ("place", "at", "said"),
    [
        (None, None, "salah satu"),
        ("14.03.09", "1,101", "salah satu"),
        ("14.03.10", None, "14.03.09 Mandau"),
        ("Mandau", None, "bukan kecamatan"),
        (None, "91,0", "Posisi"),
        (None, "1.2", "Posisi"),
        (None, "1,101,-5", "Posisi"),
    ],
)
def test_anything_else_is_refused_with_what_to_write(
    place: str | None, at: str | None, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        where(PLACES, place, at, "")


@pytest.mark.parametrize("name", ["1", "BKS-1"])
def test_the_correction_is_handed_over_under_the_id_of_the_call(
    config: configuration.Config, name: str
) -> None:
    told = where(PLACES, None, "1.2856,101.197,30", "x" * 1000 + "\x1b[2J")
    done = locate(config, name, told)
    assert done is not None
    (arrived,) = Spool(config.spool_dir).fresh(time.time())
    assert isinstance(arrived.said, Correction)
    assert dataclasses.replace(arrived.said, who="") == Correction(
        "1", "", None, 1.2856, 101.197, 30.0, "x" * LONGEST_NOTE
    )
    assert arrived.said.who == configuration.who()
    assert to_json(done)["call_id"] == "1"
    assert "dalam 30 menit" in describe(done), "no engine runs here"


def test_a_call_that_nobody_knows_gets_no_correction(config: configuration.Config) -> None:
    assert locate(config, "nothing", Where(code="14.03.09")) is None
    assert not config.spool_dir.exists()
