"""``reference``: what is generated for people who edit a deployment, written where it is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ivr.flow.reference import reference
from ivr.flow.schema import schemas

SCHEMA_DIR = Path("dialplans/schema")
STEPS_PAGE = Path("docs/langkah.md")


def texts() -> Mapping[Path, str]:
    """Every generated file, by its path in the project."""
    found = {
        SCHEMA_DIR / f"{name}.json": f"{json.dumps(schema, ensure_ascii=False, indent=2)}\n"
        for name, schema in schemas().items()
    }
    return {**found, STEPS_PAGE: reference()}


def write(project: Path) -> list[Path]:
    """Write them; the paths of those that have changed."""
    changed = []
    for name, text in texts().items():
        path = project / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed
