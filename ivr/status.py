"""What the supervisor last wrote of itself, for whoever asks."""

from __future__ import annotations

import json
from pathlib import Path

from ivr.config import Config


def file_of(config: Config) -> Path:
    return config.home / "run" / "status.json"


def read(config: Config) -> dict[str, object] | None:
    """What the supervisor last wrote, or None where nothing was ever started here."""
    try:
        said = json.loads(file_of(config).read_text())
    except (OSError, ValueError):
        return None
    return said if isinstance(said, dict) else None
