"""Editors get a schema, and administrators a page of all steps; both are made from the step classes."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import yaml
from small_deployment import DIALPLAN, ROOT, SHIPPED, shipped_files, with_files

from ivr.commands.reference import texts, write
from ivr.flow.loader import CALENDAR_FILE, FILES, NUMBERS_FILE, load
from ivr.flow.reference import example, reference
from ivr.flow.schema import schemas
from ivr.flow.steps import STEP_TYPES

SCHEMAS = schemas()


def as_an_editor_reads(text: str) -> Any:
    """Numbers and truth values as YAML has them, and every key a text."""

    def keyed(value: object) -> object:
        if isinstance(value, dict):
            return {str(key): keyed(part) for key, part in value.items()}
        return [keyed(part) for part in value] if isinstance(value, list) else value

    return keyed(yaml.safe_load(text))


def complaints(name: str, text: str) -> list[str]:
    validator = jsonschema.Draft7Validator(SCHEMAS[name])
    return [error.message for error in validator.iter_errors(as_an_editor_reads(text))]


def test_what_is_checked_in_is_what_the_program_writes() -> None:
    for path, text in texts().items():
        assert (ROOT / path).read_text(encoding="utf-8") == text, "run ./siaga reference"
    assert write(ROOT) == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one_and_fits_the_file_that_is_shipped(name: str) -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMAS[name])
    text = (SHIPPED / f"{name}.yaml").read_text(encoding="utf-8")
    assert complaints(name, text) == []
    assert text.startswith(f"# yaml-language-server: $schema=../schema/{name}.json\n")
    as_text = yaml.load(text, Loader=yaml.BaseLoader)
    jsonschema.Draft7Validator(SCHEMAS[name]).validate(as_text)


@pytest.mark.parametrize(
    ("written", "other", "word"),
    [
        ("    then: kejadian", "    than: kejadian", "than"),
        ("start: sambutan", "strat: sambutan", "strat"),
        ("wait: 4s", "wait: 4", "4"),
        ("wait: 4s", "tires: 2", "tires"),
        ("      5: {words: [lainnya]", "      0: {words: [lainnya]", "0"),
        ("incident: kebakaran", "incident: api", "api"),
        ("say: Anda", "sya: Anda", "under any"),
        ("mode: latihan", "mode: percobaan", "percobaan"),
        ("  sambutan:\n", "  Sam Butan:\n", "Sam Butan"),
    ],
)
def test_an_editor_marks_what_the_loader_refuses(written: str, other: str, word: str) -> None:
    text = DIALPLAN.replace(written, other, 1)
    assert text != DIALPLAN
    assert load(with_files(dialplan=text)).faults
    assert complaints("dialplan", text)
    assert any(word in message for message in complaints("dialplan", text))


@pytest.mark.parametrize(
    ("written", "other"),
    [
        ("say: Anda terhubung ke 112.", "say: 112"),
        ("[api]", "[no, 1:30, 0x1, 12, true]"),
        ("tries: 2", 'tries: "3"'),
        ("wait: 4s", "wait: 1500ms, drop: 0s"),
        ("      5: {words", "      '*': {words"),
    ],
)
def test_an_editor_lets_through_what_the_loader_takes(written: str, other: str) -> None:
    text = DIALPLAN.replace(written, other, 1)
    assert text != DIALPLAN
    assert load(with_files(dialplan=text)).faults == ()
    assert complaints("dialplan", text) == []


def test_numbers_of_posts_may_stand_without_quotes_in_an_editor() -> None:
    text = shipped_files()["agencies.yaml"].replace('"101"', "101", 1)
    assert load({**shipped_files(), "agencies.yaml": text}).faults == ()
    assert complaints("agencies", text) == []
    assert complaints("agencies", text.replace("number: 101", "number: satu", 1))


@pytest.mark.parametrize("kind", STEP_TYPES)
def test_a_step_has_an_example_and_a_meaning_for_each_of_its_keys(kind: str) -> None:
    page = reference()
    assert f"\n## {kind}\n" in page
    written = as_an_editor_reads(example(kind))
    steps = [step for step in written.values() if kind in step]
    assert steps
    for step in steps:
        schema = {"$ref": f"#/$defs/{kind}", "$defs": SCHEMAS["dialplan"]["$defs"]}
        jsonschema.Draft7Validator(schema).validate(step)
    for name, field in STEP_TYPES[kind].model_fields.items():
        assert field.description, f"{kind}: {name} has no description for administrators"
        assert field.description in page


def test_every_file_of_a_deployment_but_the_phrases_has_a_schema() -> None:
    files = (*FILES, CALENDAR_FILE, NUMBERS_FILE)
    names = {name.removesuffix(".yaml") for name in files if "/" not in name}
    assert set(SCHEMAS) == names
    assert {path.stem for path in (ROOT / "dialplans/schema").iterdir()} == names
    for path in (ROOT / "dialplans/schema").iterdir():
        assert json.loads(path.read_text(encoding="utf-8"))["$schema"]
