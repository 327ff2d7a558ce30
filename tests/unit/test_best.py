"""Of several locations the right one is acted on, and none is lost."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from routing.best import best, disagree, of_incident
from routing.model import Location

GPS = Location(
    "aml_https", "14.03.09", 1.28, 101.2, 20.0, 0.7, "gps", kind="inside", observed_at=100
)
CELL = Location("pani", "14.03.16", 1.3, 101.1, 4000.0, 0.5, "Cell", kind="inside", observed_at=100)
LINE = Location("trunk", "14.03.10", confidence=0.3)
OUTSIDE = Location("sip_pidf", None, 1.0, 102.1, 30.0, 0.0, kind="outside", neighbour="siak")
OPERATOR = Location("operator", "14.03.13", confidence=0.9)
NOWHERE = Location("sip_pidf")


def test_of_nothing_nothing_is_the_best() -> None:
    assert best([]) is None


def test_the_surest_wins_whatever_came_first() -> None:
    assert best([GPS, CELL, LINE]) == best([LINE, CELL, GPS]) == GPS


def test_an_operator_is_believed_before_any_machine() -> None:
    assert best([OPERATOR, replace(GPS, confidence=0.99)]) == OPERATOR


def test_a_phone_outside_is_not_helped_by_the_default_place_of_its_line() -> None:
    assert best([LINE, OUTSIDE]) == OUTSIDE


def test_a_wide_circle_outside_says_less_than_the_line() -> None:
    assert best([LINE, replace(OUTSIDE, radius_m=30_000.0, neighbour=None)]) == LINE


def test_the_newer_word_of_a_source_stands_for_it_even_if_it_is_less_sure() -> None:
    moved = replace(GPS, code="14.03.13", confidence=0.6, observed_at=160)
    assert best([GPS, moved]) == moved


def test_a_message_that_was_overtaken_does_not_take_the_caller_back() -> None:
    late = replace(GPS, code="14.03.13", observed_at=40)
    assert best([GPS, late]) == GPS


def test_a_clock_that_is_ahead_does_not_hold_back_what_comes_later() -> None:
    ahead = replace(GPS, observed_at=9_000, received_at=101)
    later = replace(GPS, code="14.03.13", confidence=0.6, observed_at=160, received_at=161)
    assert best([ahead, later]) == later
    a_little = replace(GPS, observed_at=160, received_at=101)
    assert best([a_little, replace(later, observed_at=150)]) == a_little


def test_a_word_without_a_place_takes_nothing_away() -> None:
    assert best([replace(GPS, source="sip_pidf"), NOWHERE]) == replace(GPS, source="sip_pidf")


def test_of_two_equally_sure_the_handset_is_believed_then_the_smaller_circle() -> None:
    network = replace(GPS, source="sip_pidf", radius_m=5.0)
    assert best([network, GPS]) == GPS
    assert best([replace(GPS, source="a", radius_m=9.0), replace(GPS, source="b")]).radius_m == 9.0  # type: ignore[union-attr]


@given(st.permutations([GPS, CELL, LINE, OUTSIDE, NOWHERE]))
def test_with_one_word_of_each_source_order_means_nothing(order: list[Location]) -> None:
    by_source = {location.source: location for location in order if location != NOWHERE}
    assert best(by_source.values()) == GPS


SAID = Location("ivr_dtmf", "14.03.01", confidence=0.9)
AREA_ONLY = Location("ivr_dtmf", "14.03.01", confidence=0.4)


def test_where_the_incident_is_as_the_caller_says_beats_where_his_phone_is() -> None:
    assert of_incident(SAID, replace(GPS, confidence=0.99)) == SAID
    assert disagree(SAID, GPS)


def test_a_kecamatan_that_stands_in_for_an_area_yields_to_a_surer_source_only() -> None:
    assert of_incident(AREA_ONLY, GPS) == GPS
    assert of_incident(AREA_ONLY, LINE) == AREA_ONLY
    assert of_incident(AREA_ONLY, OUTSIDE) == OUTSIDE


def test_an_operators_correction_beats_what_the_caller_pressed() -> None:
    assert of_incident(SAID, OPERATOR) == OPERATOR
    assert not disagree(SAID, OPERATOR)


def test_one_alone_is_what_is_known() -> None:
    assert of_incident(SAID, None) == SAID
    assert of_incident(None, GPS) == GPS
    assert of_incident(None, None) is None


def test_a_guess_contradicts_nobody_and_agreement_is_no_contradiction() -> None:
    assert not disagree(SAID, LINE)
    assert not disagree(SAID, replace(GPS, code="14.03.01.1002"))
    assert disagree(SAID, OUTSIDE)
