"""``diagram``: the dialplan as a picture, drawn by Graphviz, or as text for other programs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from typing import Literal

from ivr.calls.published import load
from ivr.config import Config
from ivr.flow.diagram import diagram, to_dot, to_mermaid
from ivr.platforms.asterisk.programs import ProgramMissing, find_graphviz

DRAW_SECONDS = 60

Form = Literal["svg", "mermaid", "dot"]


def draw(config: Config, form: Form, tell: Callable[[str], None]) -> str:
    """The picture of the configured dialplan, in this form."""
    drawn = diagram(load(config).dialplan)
    if form == "mermaid":
        return to_mermaid(drawn)
    return to_dot(drawn) if form == "dot" else svg(to_dot(drawn), tell)


def svg(dot: str, tell: Callable[[str], None]) -> str:
    """DOT text as a drawing; raises ProgramMissing, with what to do, where it cannot be drawn."""
    graphviz = find_graphviz(tell)
    try:
        done = subprocess.run(
            (*graphviz.command, "-Tsvg"),
            input=dot,
            env={**os.environ, **graphviz.environment},
            capture_output=True,
            encoding="utf-8",
            timeout=DRAW_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProgramMissing(_trouble(str(error))) from error
    if done.returncode != 0:
        raise ProgramMissing(_trouble(done.stderr.strip()))
    return done.stdout


def _trouble(said: str) -> str:
    last = (said.splitlines() or ["tanpa pesan"])[-1]
    return f"Gambar tidak dapat dibuat. Pakai --mermaid. Kata Graphviz: {last}"
