"""The reason why a dial failed decides who rings next; nobody is dropped, and the operator is last."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from small_deployment import offered, small

from ivr.flow.actions import Dial
from ivr.flow.dialling import after_dial
from ivr.flow.events import DialEnded
from ivr.flow.model import OPERATOR_ROUTE, CallState, Outcome
from routing.model import OPERATOR, Route

SMALL, _ = small()
A1, A2 = Route("a", "satu", "101"), Route("a", "dua", "102")
B1, B2 = Route("b", "satu", "201"), Route("b", "dua", "202", together=True)
C1 = Route("c", "satu", "301")
LIST = (A1, A2, B1, B2, C1, OPERATOR_ROUTE)


def following(routes: tuple[Route, ...], *events: DialEnded) -> list[Dial]:
    """The dials that follow one another."""
    call = CallState(offered(), "instansi", waiting=Dial(routes, ()))
    dials = []
    for event in events:
        outcome: Outcome = after_dial(SMALL, call, event)
        dial = outcome.actions[-1]
        assert isinstance(dial, Dial)
        dials.append(dial)
        call = CallState(offered(), "instansi", waiting=dial, rung_s=outcome.call.rung_s)
    return dials


def ended(route: Route, status: str, **seconds: float) -> DialEnded:
    return DialEnded(route.agency, route.trunk, status, **seconds)


def test_where_the_way_failed_the_same_agencys_next_contact_is_tried() -> None:
    (dial,) = following(LIST, ended(A1, "failed"))
    assert dial.routes == (A2, B1, B2, C1, OPERATOR_ROUTE)


def test_where_people_did_not_come_the_next_agency_is_tried_and_the_rest_of_the_first_behind_it() -> (
    None
):
    for status in ("busy", "no_answer", "declined"):
        (dial,) = following(LIST, ended(A1, status))
        assert dial.routes == (B1, B2, C1, A2, OPERATOR_ROUTE)


def test_routes_that_rang_together_were_tried_together_whichever_of_them_is_named() -> None:
    for named in (B1, B2):
        (dial,) = following((B1, B2, C1, OPERATOR_ROUTE), ended(named, "failed"))
        assert dial.routes == (C1, OPERATOR_ROUTE)


def test_a_talk_that_broke_off_goes_on_with_the_list_as_it_stands() -> None:
    (dial,) = following(LIST, ended(A1, "answered", talk_s=3.0))
    assert dial.routes == (A2, B1, B2, C1, OPERATOR_ROUTE)


def test_what_agencies_have_rung_is_taken_off_and_then_only_the_operator_is_waited_for() -> None:
    first, second = following(
        LIST, ended(A1, "no_answer", rung_s=25.0), ended(B1, "no_answer", rung_s=30.0)
    )
    assert (first.budget_s, second.budget_s) == (35.0, 5.0)
    *_, last = following(
        LIST, ended(A1, "no_answer", rung_s=25.0), ended(B1, "no_answer", rung_s=35.0)
    )
    assert last.routes == (OPERATOR_ROUTE,)


ROUTES = st.lists(
    st.builds(
        Route,
        agency=st.sampled_from("abc"),
        trunk=st.sampled_from(["satu", "dua"]),
        target=st.just("101"),
        together=st.booleans(),
    ),
    min_size=1,
    max_size=6,
)
STATUSES = st.sampled_from(["busy", "no_answer", "declined", "failed", "cancelled", "answered"])


@given(ROUTES, STATUSES)
def test_no_target_is_lost_or_invented_and_the_operator_stays_last(
    routes: list[Route], status: str
) -> None:
    (dial,) = following((*routes, OPERATOR_ROUTE), ended(routes[0], status))
    together = 1
    while together < len(routes) and routes[together].together:
        together += 1
    assert dial.routes[-1] == OPERATOR_ROUTE
    assert sorted(map(repr, dial.routes[:-1])) == sorted(map(repr, routes[together:]))
    assert all(route.agency != OPERATOR for route in dial.routes[:-1])
