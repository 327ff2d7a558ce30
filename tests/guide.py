"""The administrator's guide, followed as it is written: its changes are made, its commands run.

A `diff` block changes the file that the text before it names; old and unchanged lines must stand there
exactly once. A block of additions alone makes the file. An `sh` block is run, and a `text` block behind
it holds lines of what it prints, in their order, with `…` for anything. `sh mesin` needs real programs:
Asterisk, a voice, Graphviz.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from small_deployment import ROOT

GUIDE = ROOT / "docs" / "panduan-admin.md"

_PARTS = ("ivr", "routing", "asterisk", "dialplans", "prompts", "tests/calls")
_FENCED = re.compile(r"^```(\w+)( mesin)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"`([\w/-]+\.yaml)`")


@dataclass(frozen=True)
class Block:
    """One fenced block. ``file`` is what a change is made in."""

    kind: str
    text: str
    file: str
    needs_programs: bool


@dataclass(frozen=True)
class Chapter:
    """A part of the guide under its own title."""

    title: str
    blocks: tuple[Block, ...]


def chapters(text: str) -> list[Chapter]:
    """The chapters that have something to do in them."""
    found = []
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        blocks = []
        for fenced in _FENCED.finditer(part):
            kind, programs, body = fenced.groups()
            files = _FILE.findall(part[: fenced.start()])
            file = files[-1] if kind == "diff" else ""
            blocks.append(Block(kind, body, file, bool(programs)))
        if blocks:
            found.append(Chapter(part.splitlines()[0], tuple(blocks)))
    return found


class Clone:
    """A copy of the project in which an administrator works."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = {**environment, "PYTHONPATH": str(folder)}
        for part in _PARTS:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, folder / part, ignore=ignored)
        launcher = folder / "siaga"  # the real one would install what this environment has
        launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ivr.cli "$@"\n')
        launcher.chmod(0o755)

    @property
    def deployment(self) -> Path:
        return self.folder / "dialplans/bengkalis"

    def change(self, block: Block) -> None:
        """Make one change."""
        lines = [line if line.strip() else " \n" for line in block.text.splitlines(keepends=True)]
        assert all(line[0] in "-+ " for line in lines), block.text
        old = "".join(line[1:] for line in lines if line[0] != "+")
        new = "".join(line[1:] for line in lines if line[0] != "-")
        file = self.deployment / block.file
        if not old:
            file.parent.mkdir(exist_ok=True)
            file.write_text(new)
            return
        text = file.read_text()
        assert text.count(old) == 1, f"{block.file} has this {text.count(old)} times:\n{old}"
        file.write_text(text.replace(old, new))

    def run(self, commands: str, seconds: float = 60) -> str:
        """Run commands, every one of which must go well; what they print."""
        done = subprocess.run(
            ("bash", "-e", "-o", "pipefail", "-c", commands),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def follow(self, chapter: Chapter, *, with_programs: bool, seconds: float = 60) -> None:
        """Do what a chapter says."""
        printed = None
        for block in chapter.blocks:
            match block.kind:
                case "diff":
                    self.change(block)
                case "sh":
                    wanted = with_programs or not block.needs_programs
                    printed = self.run(block.text, seconds) if wanted else None
                case "text":
                    if printed is not None:
                        assert prints(block.text, printed), f"{block.text}\nis not in\n{printed}"
                case other:
                    raise AssertionError(f"a block of {other!r} in {chapter.title!r}")


def prints(expected: str, printed: str) -> bool:
    """True where the lines that are expected stand in what was printed, in their order."""
    rest = iter(printed.splitlines())
    for line in (line for line in expected.splitlines() if line.strip() != "…"):
        pattern = ".*".join(re.escape(part) for part in line.split("…"))
        if not any(re.fullmatch(pattern, other) for other in rest):
            return False
    return True
