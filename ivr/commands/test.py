"""``test``: style, types, then every test, the laboratory with a real Asterisk included."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from ivr.config import PROJECT


def run(arguments: Sequence[str]) -> int:
    """Run what CI runs; with arguments, hand them to pytest alone. The first failure's exit code."""
    python = sys.executable
    steps: list[tuple[str, tuple[str, ...]]] = [
        ("gaya penulisan", (python, "-m", "ruff", "check", ".")),
        ("bentuk penulisan", (python, "-m", "ruff", "format", "--check", ".")),
        ("tipe", (python, "-m", "mypy")),
        ("uji", (python, "-m", "pytest")),
    ]
    if arguments:
        steps = [("uji", (python, "-m", "pytest", *arguments))]
    for name, command in steps:
        print(f"— {name}", file=sys.stderr, flush=True)
        code = subprocess.run(command, cwd=PROJECT, check=False).returncode
        if code:
            return code
    return 0
