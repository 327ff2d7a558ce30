"""The administrator's guide from top to bottom, on an engine that runs: real Asterisk, real calls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from guide import GUIDE, Clone, chapters
from laboratory import Engine

MINUTES = 60.0


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    engine = Engine(tmp_path / "home", tmp_path / "siaga/dialplans/bengkalis")
    made = Clone(tmp_path / "siaga", {**engine.environment, "SIAGA_RTP_PORTS": "29400-29999"})
    made.run(f"./siaga up --detach --deployment {made.deployment}", 10 * MINUTES)
    try:
        yield made
    finally:
        made.run("./siaga down")


@pytest.mark.timeout(1200)
def test_an_administrator_changes_publishes_calls_and_undoes_as_the_guide_says(
    clone: Clone,
) -> None:
    for chapter in chapters(GUIDE.read_text(encoding="utf-8")):
        clone.follow(chapter, with_programs=True, seconds=10 * MINUTES)
    assert (clone.folder / "alur.svg").read_text(encoding="utf-8").count("(menu)") == 2
