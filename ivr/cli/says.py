"""What all commands share: their common options, how they speak, and how they leave."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ivr import config as configuration

if TYPE_CHECKING:
    from ivr.calls.published import Published

BAD = 1
WRONG = 2

Json = Annotated[bool, typer.Option("--json", help="Satu objek JSON di stdout.")]
Why = Annotated[str, typer.Option("--why", help="Alasannya, untuk riwayat.")]
Deployment = Annotated[
    Path | None, typer.Option("--deployment", help="Folder daerah; bawaan dialplans/bengkalis.")
]


def stop(sentence: str, code: int) -> NoReturn:
    print(f"siaga: {sentence}", file=sys.stderr)
    sys.exit(code)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def print_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False))


def published(folder: Path | None = None) -> Published:
    from ivr.calls.published import load

    return load(configuration.read(deployment=folder))


def in_use() -> Published:
    """The version that calls begin with."""
    from ivr.calls.published import load_current

    return load_current(configuration.read())
