"""Every call that is written down in tests/calls goes as it is written, on what is shipped."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from small_deployment import SHIPPED, shipped

from ivr.flow.transcript import differences, parse, run
from routing.decide import decide

CALLS = sorted((Path(__file__).parent.parent / "calls").glob("*.call"))
DIALPLAN, DIRECTORY = shipped()


def test_there_are_calls_to_run() -> None:
    assert len(CALLS) >= 9


@pytest.mark.parametrize("path", CALLS, ids=lambda path: path.stem)
def test_a_call_goes_as_it_is_written(path: Path) -> None:
    transcript = parse(path.read_text(encoding="utf-8"))
    assert transcript.dialplan == SHIPPED.name
    lines = run(transcript, DIALPLAN, partial(decide, DIRECTORY))
    assert not differences(transcript, lines), "\n".join(differences(transcript, lines))
