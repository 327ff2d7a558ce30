"""Mistakes that people make in a deployment, each with exactly the lines that they are told.

A folder of ``tests/broken`` holds the files that differ from the shipped deployment (``removed.txt``
names one that is not there), and ``expected.txt``: what ``./siaga check`` says of it, line by line.
What depends on which audio lies on a machine is left out.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from small_deployment import ROOT, SHIPPED

from ivr import config
from ivr.commands import check

BROKEN = ROOT / "tests" / "broken"
CASES = sorted(folder for folder in BROKEN.iterdir() if (folder / "expected.txt").exists())
TOLD = re.compile(r"^\S+:\d+:\d+: (SALAH|perhatikan): .+ \[[a-z-]+\]$")
OF_THE_AUDIO = ("[audio-missing]", "[other-voice]")


def deployment(case: Path, folder: Path) -> Path:
    """The shipped deployment with the mistakes of a case in it."""
    shutil.copytree(SHIPPED, folder)
    for file in (*case.glob("*.yaml"), *case.glob("*.geojson")):
        shutil.copy(file, folder / file.name)
    removed = case / "removed.txt"
    if removed.exists():
        (folder / removed.read_text().strip()).unlink()
    return folder


def told(folder: Path, home: Path) -> list[str]:
    """The lines about places in files that the command prints for a deployment."""
    settings = config.read({"SIAGA_HOME": str(home)}, deployment=folder)
    said = check.describe(check.check(settings)).splitlines()
    return [line for line in said if TOLD.match(line) and not line.endswith(OF_THE_AUDIO)]


def test_there_are_enough_mistakes_to_learn_from() -> None:
    assert len(CASES) >= 30


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_mistake_is_told_in_exactly_these_lines(case: Path, tmp_path: Path) -> None:
    found = told(deployment(case, tmp_path / "deployment"), tmp_path / "home")
    assert found == (case / "expected.txt").read_text(encoding="utf-8").splitlines()


def test_the_faults_of_four_files_come_in_one_run() -> None:
    lines = (BROKEN / "empat-berkas-sekaligus" / "expected.txt").read_text(encoding="utf-8")
    assert len({line.partition(":")[0] for line in lines.splitlines()}) >= 4
