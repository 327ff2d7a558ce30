"""A coordinate is believed as far as the areas, the shape and the source allow."""

from __future__ import annotations

import pytest
from location_world import MANDAU, PINGGIR, square, world

from ivr.location.placed import Told, placed, widened
from routing.geography import Geography, geography
from routing.model import Location

TOLD = Told(source="sip_pidf")
DESA = geography(
    (
        square("14.03.09.1001", "Air Jamban", (1.15, 101.0)),
        square("14.03.09.1006", "Duri Barat", (1.15, 101.5)),
        square("14.03.13.2007", "Pinggir", (0.95, 101.0)),
    ),
    approximate=False,
)


def at(lat: float, lon: float, radius_m: float = 10.0, where: Geography | None = None) -> Location:
    return placed(TOLD, where or world(), lat, lon, radius_m)


def test_inside_official_areas_a_small_circle_is_sure() -> None:
    assert (at(1.25, 101.25).kind, at(1.25, 101.25).confidence) == ("inside", 0.95)


def test_inside_approximate_areas_nothing_is_sure() -> None:
    assert at(1.25, 101.25, where=world(approximate=True)).confidence == 0.7


def test_what_was_snapped_or_lies_at_sea_is_worth_less() -> None:
    snapped, sea = at(1.36, 101.25), at(1.40, 101.25)
    assert (snapped.code, snapped.kind, snapped.confidence) == (MANDAU, "snapped", 0.57)
    assert (sea.code, sea.kind, sea.confidence) == (MANDAU, "sea", 0.38)


def test_outside_there_is_no_area_and_perhaps_a_neighbour() -> None:
    near = at(1.6, 100.62)
    assert (near.code, near.kind, near.confidence) == (None, "outside", 0.0)
    assert near.neighbour == "rokan-hilir"
    assert at(-6.2, 106.8).neighbour is None


def test_half_and_half_is_no_more_than_a_guess() -> None:
    halves = at(1.15, 101.25, 1000)
    assert {candidate.code for candidate in halves.candidates} == {MANDAU, PINGGIR}
    assert 0.45 <= halves.confidence <= 0.5


def test_a_circle_in_one_desa_names_it() -> None:
    found = at(1.25, 101.25, 500, DESA)
    assert (found.code, found.confidence) == ("14.03.09.1001", 0.95)


def test_a_circle_over_two_desa_of_one_kecamatan_names_the_kecamatan_surely() -> None:
    found = at(1.25, 101.5, 1000, DESA)
    assert (found.code, found.kecamatan) == (MANDAU, MANDAU)
    assert found.confidence >= 0.9
    assert len(found.candidates) == 2


def test_a_circle_over_two_kecamatan_names_the_larger_part() -> None:
    found = at(1.152, 101.5, 1000, DESA)
    assert found.code == MANDAU
    assert found.confidence < 0.9


def test_a_source_that_is_never_sure_stays_so() -> None:
    assert placed(TOLD, world(), 1.25, 101.25, 10.0, at_most=0.6).confidence == 0.6


@pytest.mark.parametrize(
    ("sure", "factor"), [(None, 1.0), (0.95, 1.0), (0.99, 1.0), (0.0, 5.3), (0.68, 1.62)]
)
def test_a_radius_is_widened_to_what_holds_the_phone(sure: float | None, factor: float) -> None:
    assert widened(100.0, sure) == pytest.approx(100.0 * factor, rel=0.01)
