"""Files that have broken readers of YAML, or could: each is read to its end, whatever file it is taken for.

``tests/broken/corpus`` keeps the small ones; the large ones are made here. Nothing measures seconds: what
is held is that reading leaves no more behind than the text has letters, and a hang ends the test run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from small_deployment import ROOT, with_files

from ivr import config
from ivr.commands import check as command
from ivr.deployment import read as read_folder
from ivr.flow.check import check
from ivr.flow.loader import FILES, load, reading_order
from ivr.flow.yaml_text import MAX_BYTES, MAX_DEPTH, read

CORPUS = sorted((ROOT / "tests" / "broken" / "corpus").glob("*.yaml"))

MADE: Mapping[str, str] = {
    "ten thousand keys": "".join(f"kunci{n}: nilai\n" for n in range(10_000)),
    "ten thousand steps": "steps:\n" + "".join(f"  s{n}: {{then: t{n}}}\n" for n in range(10_000)),
    "ten thousand wrong keys in a step": "steps:\n  a:\n"
    + "".join(f"    k{n}: x\n" for n in range(10_000)),
    "thousands of agencies": "".join(f"a{n}: {{notify: [b{n}]}}\n" for n in range(9_000)),
    "thousands of words": "steps: {a: {menu: x, options: {1: {words: ["
    + ", ".join(f"w{n}" for n in range(30_000))
    + "], then: b}}}}\n",
    "thousands of kecamatan": "kecamatan:\n" + "".join(f"  k{n}: {{}}\n" for n in range(20_000)),
    "thousands of unknown kecamatan": "a: {covers: ["
    + ", ".join(f"k{n}" for n in range(30_000))
    + "]}\n",
    "a sentence as large as a file": "name: " + "a" * (MAX_BYTES - 10) + "\n",
    "larger than a file may be": "name: " + "a" * MAX_BYTES + "\n",
    "nothing but brackets": "a: [" + "[],{}," * (MAX_BYTES // 7) + "]\n",
    "nothing but line ends": "\n" * MAX_BYTES,
    "nothing but notes": "#: \n" * (MAX_BYTES // 4),
    "nothing but dashes": "- x\n" * (MAX_BYTES // 4),
    "nothing but quotes": '"' * MAX_BYTES,
    "one key over and over": "a: 1\n" * (MAX_BYTES // 5),
}


def _taken_for(text: str) -> tuple[str, ...]:
    """The file that a large text is about; any will do for a text about nothing."""
    if text.startswith("kecamatan"):
        return ("places.yaml",)
    return ("agencies.yaml",) if text.startswith("a") else ("dialplan.yaml",)


KEPT = {path.stem: path.read_bytes().decode("utf-8-sig", "surrogateescape") for path in CORPUS}

TEXTS = [*KEPT.items(), *MADE.items()]

IN_A_FILE = [
    *((name, text, file) for name, text in KEPT.items() for file in FILES),
    *((name, text, file) for name, text in MADE.items() for file in _taken_for(text)),
]


def test_the_corpus_is_kept() -> None:
    assert len(CORPUS) >= 50


@pytest.mark.parametrize(("name", "text"), TEXTS, ids=[name for name, _ in TEXTS])
def test_a_nasty_text_is_read_to_its_end(name: str, text: str) -> None:
    tree, marks, faults = read("x.yaml", text)
    assert tree is not None or faults
    assert len(marks.values) + len(marks.keys) + len(faults) <= 2 * len(text) + 2
    assert all(len(path) <= MAX_DEPTH + 2 for path in marks.values)


@pytest.mark.parametrize(
    ("name", "text", "file"), IN_A_FILE, ids=[f"{file}-{name}" for name, _, file in IN_A_FILE]
)
def test_a_nasty_text_in_any_file_is_loaded_or_told(name: str, text: str, file: str) -> None:
    loaded = load({**with_files(), file: text})
    assert (loaded.dialplan is None) == bool(loaded.faults)
    assert list(loaded.faults) == sorted(loaded.faults, key=reading_order)
    for fault in loaded.faults:
        assert fault.line >= 1
        assert fault.column >= 1
        assert fault.file in FILES
        assert fault.message
    if loaded.dialplan is not None and loaded.directory is not None:
        check(loaded.dialplan, loaded.directory, lambda prompt: None)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_the_command_tells_of_a_nasty_file_as_of_any_other(path: Path, tmp_path: Path) -> None:
    """From the bytes on a disk to the lines on a screen; the screen takes no surrogates."""
    (tmp_path / "dialplan.yaml").write_bytes(path.read_bytes())
    settings = config.read({"SIAGA_HOME": str(tmp_path / "home")}, deployment=tmp_path)
    report = command.check(settings)
    assert {fault.file for fault in report.faults} > {"dialplan.yaml"}, (
        "the other files are missing"
    )
    command.describe(report).encode("utf-8")
    assert len(read_folder(tmp_path).version) == 12
