"""JSON Schema for editors, made from what the loader reads: no second list of keys to keep true.

Our reader takes every scalar as the text that stands there. An editor does not: to it `101` is a
number, `no` may be a truth value, and every key is text. So a schema allows whatever comes out as a
fit text: where a number or a word is as good as its text, both are let through.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from ivr.flow.calendar_file import CalendarFile
from ivr.flow.loader import _DialplanFile, _PlaceQuestion
from ivr.flow.steps import STEP_TYPES
from routing.directory import ENTRIES

Schema = dict[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"

_REFERENCE = "#/$defs/"
_WHOLE_NUMBER = "^[0-9]+$"
_NAME = "^[a-z0-9-]{1,40}$"
_TITLES = {
    "dialplan": "Alur panggilan (dialplan.yaml)",
    "agencies": "Instansi (agencies.yaml)",
    "operators": "Petugas 112 (operators.yaml)",
    "trunks": "Jalan keluar dan masuk (trunks.yaml)",
    "places": "Tempat (places.yaml)",
    "numbers": "Telepon yang diketahui tempatnya (numbers.yaml)",
    "calendar": "Jam dan hari libur (calendar.yaml)",
}


def schemas() -> Mapping[str, Schema]:
    """The schema of each file of a deployment, by its name without ending."""
    found = {"dialplan": _dialplan()}
    for (file, *part), model in ENTRIES.items():
        entries, models = _entries(model, any_name=file in ("places", "numbers"))
        whole = found.setdefault(file, {"type": "object", "$defs": {}})
        whole["$defs"].update(models)
        if part:
            whole.setdefault("properties", {})[part[0]] = entries
            whole["additionalProperties"] = False
        else:
            whole.update(entries)
    question, models = _described(_PlaceQuestion)
    found["places"]["$defs"].update(models)
    found["places"]["properties"]["wilayah"] = question
    found["places"]["required"] = ["wilayah", "kecamatan"]
    calendar, models = _described(CalendarFile)
    found["calendar"] = {**calendar, "$defs": models}
    return {
        name: {"$schema": DRAFT, "title": _TITLES[name], **schema} for name, schema in found.items()
    }


def step_schema(kind: str) -> tuple[Schema, dict[str, Schema]]:
    """One kind of step, and the parts that it is made of by their names."""
    schema, parts = _described(STEP_TYPES[kind], f"{kind}-")
    required = list(dict.fromkeys((kind, *schema.get("required", ()))))
    return {**schema, "required": required}, parts


def _dialplan() -> Schema:
    whole, models = _described(_DialplanFile)
    # A plain choice of all kinds would say of a bad step only that it is none of them.
    any_step: Schema = {"type": "object", "properties": {}, "anyOf": [], "allOf": []}
    for kind in STEP_TYPES:
        step, parts = step_schema(kind)
        models |= {**parts, kind: step}
        any_step["properties"][kind] = {
            "description": step["properties"][kind].get("description", "")
        }
        any_step["anyOf"].append({"required": [kind]})
        reference = {"$ref": f"{_REFERENCE}{kind}"}
        any_step["allOf"].append({"if": {"required": [kind]}, "then": reference})
    steps = whole["properties"]["steps"]
    steps["patternProperties"] = dict.fromkeys(steps["patternProperties"], any_step)
    return {**whole, "$defs": models}


def _entries(model: type[BaseModel], *, any_name: bool) -> tuple[Schema, dict[str, Schema]]:
    """A mapping from names to entries of one kind."""
    entry, models = _described(model)
    name = model.__name__
    schema: Schema = {
        "type": "object",
        "additionalProperties": {"$ref": f"{_REFERENCE}{name}"},
    }
    if not any_name:
        schema["propertyNames"] = {"pattern": _NAME}
    return schema, {**models, name: entry}


class _Untitled(GenerateJsonSchema):
    """Without the titles that pydantic makes from the names of fields."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


def _described(model: type[BaseModel], prefix: str = "") -> tuple[Schema, dict[str, Schema]]:
    """The schema of a model, and of the models in it, their names made different by a prefix.

    Docstrings are left out: they are for programmers.
    """
    template = f"{_REFERENCE}{prefix}{{model}}"
    schema = model.model_json_schema(schema_generator=_Untitled, ref_template=template)
    parts = schema.pop("$defs", {})
    for part in (schema, *parts.values()):
        part.pop("title", None)
        part.pop("description", None)
    return _for_editors(schema), {
        f"{prefix}{name}": _for_editors(part) for name, part in parts.items()
    }


def _for_editors(schema: Schema) -> Schema:
    """The same, with everything let through that our reader takes for a fit text."""
    made = {key: _inside(key, value) for key, value in schema.items() if key not in ("ge", "le")}
    if made.get("default", "") is None or isinstance(made.get("default"), dict):
        del made["default"]  # it is not what one would write
    if isinstance(made.get("default"), float) and made.get("type") == "string":  # a duration
        made["default"] = f"{made['default']:g}s"
    if "patternProperties" in made:
        made["additionalProperties"] = False
    if "const" in made:
        made["enum"] = [made.pop("const")]
    if "prefixItems" in made:
        made["items"] = made.pop("prefixItems")  # as this draft writes it
    if "anyOf" in made:
        arms = [arm for arm in made["anyOf"] if arm.get("type") != "null"]
        made["anyOf"] = arms
        if len(arms) == 1:
            del made["anyOf"]
            made = {**arms[0], **made}
    match made.get("type"):
        case "string" if "enum" in made:
            made["enum"] += _truths(made["enum"])
            del made["type"]
        case "string" if "pattern" not in made:
            made["type"] = ["string", "number", "boolean"]
        case "string" if _takes_digits(made["pattern"]):
            made["type"] = ["string", "integer"]
        case "integer":
            made["type"] = ["integer", "string"]
            made["pattern"] = _WHOLE_NUMBER
        case "number":
            made["type"] = ["number", "string"]
    return made


def _inside(key: str, value: Any) -> Any:
    if key in ("properties", "patternProperties"):
        return {name: _for_editors(part) for name, part in value.items()}
    if key in ("default", "examples", "enum", "required"):
        return value
    if isinstance(value, list):
        return [_for_editors(part) if isinstance(part, dict) else part for part in value]
    return _for_editors(value) if isinstance(value, dict) else value


def _truths(words: Iterable[object]) -> list[bool]:
    """What an older editor makes of `yes` and `no`."""
    return [word == "yes" for word in words if word in ("yes", "no")]


def _takes_digits(pattern: str) -> bool:
    return any(re.search(pattern, "1" * length) for length in range(1, 6))
