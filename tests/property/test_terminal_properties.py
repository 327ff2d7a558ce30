"""Whatever is typed at the terminal, the call comes to an end, and is kept as it was."""

from __future__ import annotations

import io
from functools import partial

from hypothesis import given
from hypothesis import strategies as st
from small_deployment import offered, shipped

from ivr.commands.try_out import transcript_text
from ivr.flow.events import CallerHungUp, HumanJoined
from ivr.flow.transcript import differences, parse, run
from ivr.platforms.terminal import Pretended, hold
from routing.decide import decide

DIALPLAN, DIRECTORY = shipped()

lines = st.one_of(
    st.sampled_from((
        "", "q", "0", "111", "5", "tolong", "api", "duri", "sibuk", "gagal", "answered 30s",
        "! answered 3s", "! busy", "! no_answer 20s", "! located 14.03.09 0.8", "! deadline",
        "! joined pusat", "! nonsense",
    )),
    st.text(max_size=20),
)  # fmt: skip
agencies = st.frozensets(st.sampled_from([*(a.id for a in DIRECTORY.agencies), "operator"]))
trunks = st.frozensets(st.sampled_from([*DIRECTORY.trunks]))


@given(st.lists(lines, max_size=30), trunks, agencies)
def test_a_call_comes_to_an_end_and_its_transcript_happens_again(
    typed: list[str], down: frozenset[str], busy: frozenset[str]
) -> None:
    keys = io.StringIO("".join(f"{line}\n" for line in typed))
    pretended = Pretended(down, busy)
    call = hold(
        DIALPLAN, DIRECTORY, offered(), keys=keys, screen=io.StringIO(), pretended=pretended
    )
    ended_by_the_operator = call.lines[-1].startswith("! answered ")
    assert isinstance(call.events[-1], CallerHungUp | HumanJoined) or ended_by_the_operator
    transcript = parse(transcript_text(call, "Any call.", "bengkalis"))
    again = run(transcript, DIALPLAN, partial(decide, DIRECTORY))
    assert differences(transcript, again) == []
