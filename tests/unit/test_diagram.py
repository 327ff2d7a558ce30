"""A dialplan can be seen: every step, every way between steps, and what leads along it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from small_deployment import DIALPLAN, ROOT, SHIPPED, shipped, small
from typer.testing import CliRunner

from ivr.cli import app
from ivr.flow.diagram import Arrow, diagram, to_dot, to_mermaid

SHIPPED_DIALPLAN, _ = shipped()


def test_every_step_and_every_exit_is_drawn() -> None:
    drawn = diagram(SHIPPED_DIALPLAN)
    assert {node.name for node in drawn.nodes} == set(SHIPPED_DIALPLAN.steps)
    ways = {(arrow.source, arrow.target) for arrow in drawn.arrows}
    for name, step in SHIPPED_DIALPLAN.steps.items():
        for target in step.exits().values():
            assert (name, target) in ways


def test_a_step_shows_its_kind_and_its_first_words() -> None:
    drawn = diagram(small()[0])
    assert drawn.nodes[0].lines == ("sambutan (say)", "“Anda terhubung ke 112.”")
    assert [node.name for node in drawn.nodes if node.is_operator] == ["operator"]
    assert [entry.target for entry in drawn.entries] == ["sambutan"]


def test_an_arrow_says_the_key_the_incident_and_the_words_or_the_name_of_the_exit() -> None:
    drawn = diagram(small()[0])
    assert Arrow("sambutan", "kejadian", ()) in drawn.arrows
    assert Arrow("kejadian", "tempat", ("1: kebakaran, api",)) in drawn.arrows
    assert Arrow("kejadian", "lainnya", ("5: lainnya",)) in drawn.arrows
    assert Arrow("kejadian", "operator", ("otherwise",)) in drawn.arrows


def test_a_step_that_names_no_next_one_ends_at_the_operator() -> None:
    last = [arrow for arrow in diagram(small()[0]).arrows if arrow.last_resort]
    assert [(arrow.source, arrow.target) for arrow in last] == [("instansi", "operator")]


def test_options_that_lead_to_the_same_step_share_an_arrow() -> None:
    arrows = diagram(SHIPPED_DIALPLAN).arrows
    assert len({(arrow.source, arrow.target) for arrow in arrows}) == len(arrows)


def test_no_sentence_can_break_the_text_of_a_picture() -> None:
    said = "'\"] --> x; &lt; <b> \\ {a|b} `#quot;` é.'"
    text = DIALPLAN.replace("say: Anda terhubung ke 112.", f"say: {said}")
    drawn = diagram(small(dialplan=text)[0])
    mermaid = next(line for line in to_mermaid(drawn).splitlines() if "sambutan" in line)
    assert mermaid.count('"') == 2
    assert not set("<>&\\{}|`]") & set(mermaid.split('"')[1].replace("<br/>", ""))
    dot = next(line for line in to_dot(drawn).splitlines() if "sambutan" in line)
    assert dot.count('"') == 2
    assert not set("<>{}|`]") & set(dot.split('"')[1])
    assert dot.count("\\") == dot.count("\\n")


def test_the_text_for_a_page_has_every_step_and_marks_the_operator() -> None:
    text = to_mermaid(diagram(SHIPPED_DIALPLAN))
    assert text.startswith("flowchart TD\n")
    for name in SHIPPED_DIALPLAN.steps:
        assert f'["{name} (' in text
    operator = f"n{len(SHIPPED_DIALPLAN.steps) - 1}"
    assert f"class {operator} petugas" in text
    assert f'{operator}["operator (operator)"]' in text


@pytest.mark.parametrize(("form", "code"), [("--svg", 1), ("--mermaid", 0), ("--dot", 0)])
def test_where_graphviz_cannot_be_had_one_sentence_names_the_other_way(
    tmp_path: Path, form: str, code: int
) -> None:
    nothing = {"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        (sys.executable, "-m", "ivr.cli", "diagram", str(SHIPPED), form),
        env=nothing,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert bool(done.stdout) == (code == 0)
    sentences = done.stderr.strip().splitlines()
    assert len(sentences) == code
    assert all("--mermaid" in sentence for sentence in sentences)


def test_a_picture_is_written_to_a_file_and_forms_are_not_mixed(tmp_path: Path) -> None:
    file = tmp_path / "alur.mmd"
    runner = CliRunner()
    assert runner.invoke(app, ["diagram", "--mermaid", "--output", str(file)]).exit_code == 0
    assert file.read_text(encoding="utf-8") == to_mermaid(diagram(SHIPPED_DIALPLAN))
    assert runner.invoke(app, ["diagram", "--mermaid", "--dot"]).exit_code == 2
