"""What every source of locations promises. A new line in ``sources()`` is tested by being there."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from location_world import AT, IN_MANDAU, MANDAU, PINGGIR, asked
from structlog.testing import capture_logs

from ivr.location.opencellid import Box, import_cells
from ivr.location.source import (
    PANI,
    PIDF,
    PIDF_CONFIDENCE,
    PIDF_FORMAT,
    PIDF_METHOD,
    SIGNALLING,
    Asked,
    LocationSource,
)
from ivr.location.sources import ask, sources
from routing.model import Location

NO_TABLE = Path("/nonexistent/cells.sqlite")
NAMES = [source.name for source in sources(NO_TABLE)]
LTE = "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=51010A22B29B2F05;network-provided"
TOWERS = """\
LTE,510,10,41515,43724549,0,101.25,1.25,1500,12,1,1459813819,1459813819,0
LTE,502,12,41515,43724549,0,101.25,1.05,20000,12,1,1459813819,1459813819,0
"""
SAID = {
    "sip_pidf": asked({PIDF: 'shape="Circle",pos="1.25 101.25",radius="50"'}),
    "pani": asked({PANI: LTE}),
    "known_number": asked(caller="0765 123-456"),
    "fixed_line": asked(caller="0765111222"),
    "trunk": asked(trunk="telkom-pinggir"),
}


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sel")
    (folder / "sel.csv").write_text(TOWERS)
    table = folder / "cells.sqlite"
    import_cells(folder / "sel.csv", table, Box(0, 100, 3, 103), lambda _: None)
    return table


def one(cells: Path, name: str) -> LocationSource:
    (source,) = (source for source in sources(cells) if source.name == name)
    return source


async def within_its_deadline(source: LocationSource, question: Asked) -> Sequence[Location]:
    async with asyncio.timeout(source.deadline_s):
        return await source.find(question)


def found(cells: Path, name: str, question: Asked) -> Sequence[Location]:
    return asyncio.run(within_its_deadline(one(cells, name), question))


def sound(location: Location, name: str) -> None:
    assert location.source == name
    assert 0 <= location.confidence <= 1
    assert (location.lat is None) == (location.lon is None)
    assert location.lat is None or abs(location.lat) <= 90
    assert location.lon is None or abs(location.lon) <= 180
    assert location.radius_m is None or 0 <= location.radius_m < math.inf
    assert location.code is not None or location.confidence < 0.5
    assert all(0 < candidate.share <= 1 for candidate in location.candidates)
    assert len(location.raw.encode()) <= 2048
    assert len(location.text.encode()) <= 2048
    assert (location.raw + location.text).isprintable()


def test_every_source_has_a_name_of_its_own_and_a_deadline() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert all(0 < source.deadline_s <= 30 for source in sources(NO_TABLE))
    assert set(SAID) == set(NAMES)  # a new source says here what it can find


@pytest.mark.parametrize("name", NAMES)
def test_a_source_finds_what_it_was_told(cells: Path, name: str) -> None:
    (location,) = found(cells, name, SAID[name])
    sound(location, name)
    assert location.code in (MANDAU, PINGGIR)
    assert location.raw


@pytest.mark.parametrize("name", NAMES)
def test_a_source_finds_nothing_where_there_is_nothing(cells: Path, name: str) -> None:
    with capture_logs() as lines:
        assert list(found(cells, name, asked())) == []
        assert list(found(cells, name, asked(dict.fromkeys(SIGNALLING, "")))) == []
    assert lines == []


@pytest.mark.parametrize("name", NAMES)
def test_a_source_asked_again_answers_the_same(cells: Path, name: str) -> None:
    assert list(found(cells, name, SAID[name])) == list(found(cells, name, SAID[name]))


HOSTILE = [
    "\x00" * 2000,
    "\ud800",
    "NaN",
    "-1e999",
    "{}[]<>&;,='\"\\",
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>',
    '"' * 10_000,
    "A" * 1_000_000,
    ",".join([LTE] * 5000),
    'shape="Point",pos="200 nan"',
    "٠١٢٣٤٥٦٧٨٩",
    "+62" + "7" * 500,
    "'; DROP TABLE cells; --",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", NAMES)
def test_hostile_text_is_no_error_and_no_wrong_place(cells: Path, name: str, text: str) -> None:
    for question in (
        asked(dict.fromkeys(SIGNALLING, text), caller=text, trunk=text),
        asked({PIDF: f'A1="{text}",A3="{text}",PC="{text}"', PIDF_FORMAT: "civicAddress"}),
        asked({PIDF: 'shape="Point",pos="1.25 101.25"', PIDF_METHOD: text, PIDF_CONFIDENCE: text}),
    ):
        for location in found(cells, name, question):
            sound(location, name)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries({name: st.text(max_size=100) for name in SIGNALLING}),
    st.text(max_size=40),
)
@pytest.mark.parametrize("name", NAMES)
def test_any_text_is_no_error(
    cells: Path, name: str, signalling: dict[str, str], caller: str
) -> None:
    for location in found(cells, name, asked(signalling, caller=caller, trunk=caller)):
        sound(location, name)


# --- what each one finds ---


def test_a_cell_is_never_sure_and_keeps_what_the_network_wrote(cells: Path) -> None:
    (location,) = found(cells, "pani", asked({PANI: LTE}))
    assert (location.code, location.shape, location.radius_m) == (MANDAU, "circle", 1500.0)
    assert 0.5 <= location.confidence <= 0.6
    assert (location.method, location.raw) == ("cell", LTE)


def test_a_wide_cell_is_a_distribution_over_kecamatan(cells: Path) -> None:
    (location,) = found(cells, "pani", asked({PANI: LTE.replace("51010", "50212")}))
    assert {candidate.code for candidate in location.candidates} == {MANDAU, PINGGIR}
    assert location.code == PINGGIR
    assert "luar negeri" in location.text


def test_a_cell_that_is_found_without_its_area_is_a_guess(cells: Path) -> None:
    (location,) = found(cells, "pani", asked({PANI: LTE.replace("51010A22B", "51010A22C")}))
    assert (location.code, location.radius_m) == (MANDAU, 1500.0)
    assert 0 < location.confidence < 0.5


def test_a_cell_that_no_table_knows_is_kept_without_a_place(cells: Path) -> None:
    for table in (cells, NO_TABLE):
        (location,) = found(table, "pani", asked({PANI: LTE.replace("2F05", "2F06")}))
        assert (location.code, location.lat, location.confidence) == (None, None, 0.0)
        assert location.text == "sel LTE 510-10 41515/43724550"


@pytest.mark.parametrize(
    ("caller", "codes"),
    [
        ("0765111222", [MANDAU]),
        ("+62765111222", [MANDAU]),
        ("0062 765-111222", [MANDAU]),
        ("62765111222", [MANDAU]),
        ("0766123456", [MANDAU, PINGGIR]),
        ("0766023456", [PINGGIR]),  # the longest area code that fits
    ],
)
def test_an_area_code_is_a_hint(cells: Path, caller: str, codes: list[str]) -> None:
    (location,) = found(cells, "fixed_line", asked(caller=caller))
    assert [candidate.code for candidate in location.candidates] == codes
    assert location.code == (codes[0] if len(codes) == 1 else None)
    assert location.confidence == (0.5 if len(codes) == 1 else 0.3)


@pytest.mark.parametrize(
    "caller", ["081276123456", "+6281276123456", "0211234567", "+60765111222", "112", "anonymous"]
)
def test_a_mobile_or_a_stranger_has_no_area_code(cells: Path, caller: str) -> None:
    assert list(found(cells, "fixed_line", asked(caller=caller))) == []


def test_a_known_telephone_is_where_it_is_listed(cells: Path) -> None:
    (school,) = found(cells, "known_number", asked(caller="+62 765 123456"))
    assert (school.code, school.confidence, school.text) == (MANDAU, 0.9, "SMPN 4 Mandau")
    assert (school.lat, school.lon, school.kind) == (*IN_MANDAU, "inside")
    (office,) = found(cells, "known_number", asked(caller="0765999999"))
    assert (office.code, office.lat, office.shape) == (PINGGIR, None, "admin")
    (post,) = found(cells, "known_number", asked(caller="0765888888"))
    assert (post.code, post.kind) == (PINGGIR, "inside")
    assert post.confidence >= 0.9


def test_a_way_in_of_one_kecamatan_is_a_guess(cells: Path) -> None:
    (location,) = found(cells, "trunk", asked(trunk="telkom-pinggir"))
    assert (location.code, location.confidence) == (PINGGIR, 0.3)
    assert list(found(cells, "trunk", asked(trunk="telkom"))) == []


# --- how they are asked ---


class Pretended:
    """A source that does what a test says."""

    deadline_s = 0.3

    def __init__(self, name: str, find: Callable[[], object]) -> None:
        self.name = name
        self._find = find

    async def find(self, asked: Asked) -> Sequence[Location]:
        result = self._find()
        if isinstance(result, asyncio.Event):
            await result.wait()
        elif isinstance(result, Exception):
            raise result
        return (Location(source=self.name),)


def quick(name: str = "cepat") -> Pretended:
    return Pretended(name, lambda: None)


def test_all_are_asked_and_what_they_find_is_stamped(cells: Path) -> None:
    everything = asked(
        {PIDF: 'shape="Point",pos="1.25 101.25"', PANI: LTE},
        caller="0765123456",
        trunk="telkom-pinggir",
    )
    late: list[Location] = []
    locations = asyncio.run(ask(sources(cells), everything, late.append, within_s=5))
    assert sorted(location.source for location in locations) == sorted(NAMES)
    assert late == []
    for location in locations:
        assert location.received_at is not None
        assert AT <= location.received_at < AT + 5


def test_a_source_that_hangs_costs_nothing_and_is_cancelled_at_its_deadline() -> None:
    async def scene() -> tuple[list[Location], list[Location]]:
        late: list[Location] = []
        hanging = Pretended("menggantung", asyncio.Event)
        locations = await ask([hanging, quick()], asked(), late.append, within_s=0.03)
        # it hangs still, and nobody waited
        others = asyncio.all_tasks() - {asyncio.current_task()}
        assert [task.get_name() for task in others] == ["menggantung"]
        await asyncio.wait(others)
        return locations, late

    with capture_logs() as lines:
        locations, late = asyncio.run(scene())
    assert [location.source for location in locations] == ["cepat"]
    assert late == []
    assert [line["event"] for line in lines] == ["location_source_too_late"]


def test_what_comes_late_is_told_when_it_comes() -> None:
    async def scene() -> None:
        come, heard = asyncio.Event(), asyncio.Event()
        late: list[Location] = []

        def told(location: Location) -> None:
            late.append(location)
            heard.set()

        slow = Pretended("lambat", lambda: come)
        assert await ask([slow], asked(), told, within_s=0.001) == []
        come.set()
        async with asyncio.timeout(1):
            await heard.wait()
        assert [location.source for location in late] == ["lambat"]
        assert late[0].received_at is not None

    asyncio.run(scene())


def test_a_source_that_fails_costs_itself_alone() -> None:
    broken = Pretended("rusak", lambda: OSError("disk"))
    with capture_logs() as lines:
        locations = asyncio.run(ask([broken, quick()], asked(), lambda _: None, within_s=1))
    assert [location.source for location in locations] == ["cepat"]
    assert [line["event"] for line in lines] == ["location_source_failed"]


def test_a_broken_cell_table_costs_the_cell_alone(tmp_path: Path) -> None:
    (tmp_path / "cells.sqlite").write_text("bukan basis data, sama sekali bukan")
    question = asked({PANI: LTE}, trunk="telkom-pinggir")
    found = asyncio.run(
        ask(sources(tmp_path / "cells.sqlite"), question, lambda _: None, within_s=5)
    )
    assert [location.source for location in found] == ["trunk"]


def test_whoever_cannot_take_a_late_location_stops_no_other() -> None:
    async def scene() -> list[str]:
        come = asyncio.Event()
        names: list[str] = []

        def told(location: Location) -> None:
            names.append(location.source)
            raise ValueError(location.source)

        slow = [Pretended("satu", lambda: come), Pretended("dua", lambda: come)]
        await ask(slow, asked(), told, within_s=0.001)
        come.set()
        await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
        return names

    assert sorted(asyncio.run(scene())) == ["dua", "satu"]


def test_a_caller_who_is_gone_still_leaves_where_he_was() -> None:
    async def scene() -> list[str]:
        come = asyncio.Event()
        names: list[str] = []
        slow = Pretended("lambat", lambda: come)
        asking = asyncio.create_task(
            ask([quick(), slow], asked(), lambda found: names.append(found.source), within_s=30)
        )
        for _ in range(10):  # until both were asked and the quick one answered
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])
        come.set()
        await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
        return names

    assert asyncio.run(scene()) == ["cepat", "lambat"]


def test_without_sources_nothing_is_found() -> None:
    assert asyncio.run(ask([], asked(), lambda _: None)) == []
