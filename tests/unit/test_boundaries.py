"""Areas of any shape are laid out in bounded memory, and looked up right all the same."""

from __future__ import annotations

import random

import pytest

from routing.boundaries import Ring, boundaries, outline


@pytest.mark.parametrize("sides", [6, 600, 6_000, 60_000])
def test_tall_zigzags_are_cut_into_few_pieces_and_hold_the_same_points(sides: int) -> None:
    """A comb: from 1 to 2 degrees up and down, its teeth solid and nothing between them."""
    teeth = sides // 2
    comb = [(1.0, 101.0)]
    for tooth in range(teeth):
        comb += [(2.0, 101 + (tooth + 0.5) / teeth), (1.0, 101 + (tooth + 1) / teeth)]
    found = outline([tuple(comb)])
    assert sum(map(len, found.slabs)) <= min(26 * sides, 2_100_000)
    for tooth in (0, teeth // 2, teeth - 1):
        middle = 101 + (tooth + 0.5) / teeth
        assert found.holds(1.5, middle)
        assert not found.holds(1.9, middle - 0.4 / teeth)


def test_of_many_areas_only_those_near_a_point_are_asked_and_the_first_that_holds_it_is_told() -> (
    None
):
    chance = random.Random(112)
    areas: list[tuple[tuple[Ring, ...], ...]] = []
    for _ in range(300):
        lat, lon = chance.uniform(0, 3), chance.uniform(100, 103)
        reach = chance.choice([0.01, 0.1, 0.6])
        corners = [(chance.uniform(-1, 1) * reach, chance.uniform(-1, 1) * reach) for _ in range(5)]
        areas.append(((tuple((lat + y, lon + x) for y, x in corners),),))
    found = boundaries(areas)
    assert found.grid is not None
    alone = [outline(polygon) for [polygon] in areas]
    corners = [corner for [[ring]] in areas for corner in ring]
    points = [(chance.uniform(-1, 4), chance.uniform(99, 104)) for _ in range(3000)] + corners
    for lat, lon in points:
        holders = [number for number, one in enumerate(alone) if one.holds(lat, lon)]
        assert found.holder(lat, lon) == (holders[0] if holders else None)
    asked = sum(len(found.grid.near(lat, lon)) for lat, lon in points) / len(points)
    assert asked < 60


def test_the_grid_of_very_many_areas_is_bounded() -> None:
    whole = ((((0.0, 100.0), (0.0, 103.0), (3.0, 103.0), (3.0, 100.0)),),)
    for count in (1, 16, 2_000):
        found = boundaries([whole] * count)
        assert found.grid is not None
        assert sum(map(len, found.grid.cells)) <= 400_000
        assert found.holder(1.5, 101.5) == 0
    assert boundaries([]).holder(1.5, 101.5) is None
