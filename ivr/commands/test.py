"""``test``: style, types, then every test, the laboratory with a real Asterisk included."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from ivr.config import PROJECT

LABORATORY = "tests/lab"
NICE = 19
"""The laboratory's calls keep time, and mostly wait; the other tests have time, and mostly reckon."""


def run(arguments: Sequence[str]) -> int:
    """Run what CI runs; with arguments, hand them to pytest alone. The first failure's exit code."""
    python = sys.executable
    if arguments:
        return _step("uji", (python, "-m", "pytest", *arguments))
    steps: list[tuple[str, tuple[str, ...]]] = [
        ("gaya penulisan", (python, "-m", "ruff", "check", ".")),
        ("bentuk penulisan", (python, "-m", "ruff", "format", "--check", ".")),
        ("tipe", (python, "-m", "mypy")),
    ]
    for name, command in steps:
        code = _step(name, command)
        if code:
            return code
    return _tests((python, "-m", "pytest"))


def _tests(pytest: tuple[str, ...]) -> int:
    """The laboratory, and beside it all other tests, whose output is shown when it has ended."""
    with tempfile.TemporaryFile() as shown_later:
        others = subprocess.Popen(
            ("nice", "-n", str(NICE), *pytest, f"--ignore={LABORATORY}"),  # noqa: S607 (POSIX has it)
            cwd=PROJECT,
            stdout=shown_later,
            stderr=subprocess.STDOUT,
        )
        try:
            laboratory = _step("uji dengan Asterisk", (*pytest, LABORATORY))
            print("— uji lainnya", file=sys.stderr, flush=True)
            rest = others.wait()
        finally:
            others.kill()
            others.wait()
        shown_later.seek(0)
        shutil.copyfileobj(shown_later, sys.stdout.buffer)
        sys.stdout.flush()
    return laboratory or rest


def _step(name: str, command: Sequence[str]) -> int:
    print(f"— {name}", file=sys.stderr, flush=True)
    return subprocess.run(command, cwd=PROJECT, check=False).returncode
