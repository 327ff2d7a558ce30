"""Areas of any shape are laid out in bounded memory, and looked up right all the same."""

from __future__ import annotations

import pytest

from routing.boundaries import outline


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
