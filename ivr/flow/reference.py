"""The page about all kinds of steps, for administrators: docs/langkah.md.

Made from the step classes themselves: the example from the module's docstring, the fields from what
the loader reads, their meaning from each field's description.
"""

from __future__ import annotations

import importlib
import re
import textwrap
from collections.abc import Iterator
from typing import get_args

from pydantic.fields import FieldInfo

from ivr.flow.schema import Schema, step_schema
from ivr.flow.steps import STEP_TYPES
from ivr.flow.written import Written
from routing.model import SERVICES

_EXAMPLE = re.compile(r"\n\n((?:    .*\n|\n)+)")
_COMMENT = re.compile(r" {2,}#.*$", re.MULTILINE)
_HEAD = """\
# Acuan langkah

Halaman ini dibuat dari program dengan `./siaga reference`; jangan disunting. Setiap langkah di
`dialplan.yaml` diberi nama sendiri, dan dikenali dari kunci yang menjadi judul bagian di bawah ini.
Langkah lain disebut dengan namanya. Langkah `operator` selalu ada, juga bila tidak ditulis, dan tombol
0 menuju ke sana dari setiap langkah. Cara mengubah alur: [panduan-admin.md](panduan-admin.md).

*Kejadian* adalah salah satu dari: {incidents}.
"""


def reference() -> str:
    """The whole page, in Markdown."""
    listed = [
        f"- [`{kind}`](#{kind}): {_meaning(step.model_fields[kind])}"
        for kind, step in STEP_TYPES.items()
    ]
    incidents = ", ".join(f"`{name}`" for name in SERVICES)
    parts = [_HEAD.format(incidents=incidents), "\n".join([*listed, ""])]
    for kind in STEP_TYPES:
        parts.append("\n".join(_step(kind)))
    return "\n".join(parts)


def example(kind: str) -> str:
    """How a step of this kind is written; comments for programmers left out."""
    text = importlib.import_module(STEP_TYPES[kind].__module__).__doc__ or ""
    found = _EXAMPLE.search(text)
    return _COMMENT.sub("", textwrap.dedent(found[1])).strip("\n") if found else ""


def _step(kind: str) -> Iterator[str]:
    step = STEP_TYPES[kind]
    schema, parts = step_schema(kind)
    yield f"## {kind}\n"
    yield f"{_meaning(step.model_fields[kind])}\n"
    yield f"```yaml\n{example(kind)}\n```\n"
    yield from _table(step, schema)
    for field, part in _parts(step):
        yield f"Isi `{field}`, masing-masing:\n"
        yield from _table(part, parts[f"{kind}-{part.__name__}"])


def _table(model: type[Written], schema: Schema) -> Iterator[str]:
    yield "| kunci | isi | bila tidak ditulis | arti |"
    yield "|---|---|---|---|"
    for name, field in model.model_fields.items():
        key = field.alias or name
        written = schema["properties"][key]
        needed = key in schema.get("required", ())
        default = "harus ditulis" if needed else _default(written)
        cells = (f"`{key}`", _kind(written) + _bounds(field, written), default, _meaning(field))
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
    yield ""


def _parts(model: type[Written]) -> Iterator[tuple[str, type[Written]]]:
    """The parts that the fields of a step are made of, by the name of the field."""
    for name, field in model.model_fields.items():
        for part in _within(field.annotation):
            yield name, part
            yield from _parts(part)


def _within(annotation: object) -> Iterator[type[Written]]:
    if isinstance(annotation, type) and issubclass(annotation, Written):
        yield annotation
    for part in get_args(annotation):
        yield from _within(part)


def _kind(written: Schema) -> str:
    """What may be written, in words."""
    if "enum" in written:
        # What YAML makes of yes and no stands there too, for editors; nobody writes it.
        words = [word for word in written["enum"] if isinstance(word, str)]
        return written.get("title") or " atau ".join(f"`{word}`" for word in words)
    if "anyOf" in written:
        return " atau ".join(_kind(arm) for arm in written["anyOf"])
    kinds = written.get("type")
    if kinds == "array":
        items = written.get("items", {})
        if isinstance(items, list):
            return f"daftar: {', '.join(_kind(item) for item in items)}"
        return f"daftar {_kind(items)}"
    if kinds == "object":
        return "kunci dan isinya"
    if "title" in written:
        examples = [f"`{text}`" for text in written.get("examples", ())]
        return f"{written['title']}, misalnya {examples[0]}" if examples else str(written["title"])
    if kinds == ["integer", "string"]:
        return "angka bulat"
    return "bagian" if "$ref" in written else "teks"


def _bounds(field: FieldInfo, written: Schema) -> str:
    """The smallest and the largest number that is let through."""
    unit = "s" if written.get("title") == "lama waktu" else ""
    found: dict[str, float] = {}
    for mark in field.metadata:
        found |= {name: getattr(mark, name) for name in ("ge", "le") if hasattr(mark, name)}
    if set(found) == {"ge", "le"}:
        return f" ({found['ge']:g}{unit} sampai {found['le']:g}{unit})"
    return ""


def _default(written: Schema) -> str:
    default = written.get("default")
    return f"`{default}`" if default else "–"


def _meaning(field: FieldInfo) -> str:
    return field.description or "–"
