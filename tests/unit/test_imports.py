"""Who may call whom. The arrows of docs/architecture are read from the imports themselves."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

PURE = ("ivr/flow", "routing")
"""No I/O, no clock, no chance: what they do depends on what they are given alone."""

IMPURE_MODULES = frozenset({
    "asyncio", "ctypes", "ftplib", "glob", "http", "io", "logging", "multiprocessing",
    "os", "panoramisk", "pathlib", "random", "secrets", "select", "selectors", "shutil", "signal",
    "smtplib", "socket", "socketserver", "sqlalchemy", "sqlite3", "ssl", "structlog", "subprocess",
    "sys", "tempfile", "threading", "time", "urllib", "uuid", "uvloop",
})  # fmt: skip
CLOCKS = frozenset({"now", "today", "utcnow"})
"""What `datetime` may not be asked: it counts with moments that come in as data."""

IMPURE_CALLS = frozenset({"open", "input", "print", "exec", "eval", "breakpoint", "__import__"})

FLOW_MAY_IMPORT_OF_ROUTING = {
    "ivr/flow/model.py": {"routing.best"},
    "ivr/flow/longest.py": {"routing.best"},
    "ivr/flow/steps/ask_place.py": {"routing.best"},
    "ivr/flow/areas_file.py": {"routing.geography"},
    "ivr/flow/loader.py": {"routing.model", "routing.directory", "routing.geography"},
    "ivr/flow/schema.py": {"routing.directory"},
    "ivr/flow/calendar.py": {"routing.hours"},
    "ivr/flow/calendar_file.py": {"routing.hours"},
    "ivr/flow/check.py": {
        "routing.model",
        "routing.directory",
        "routing.decide",
        "routing.geography",
    },
    "ivr/flow/check_map.py": {"routing.geography", "routing.boundaries"},
}

FORBIDDEN = [
    ("routing", ("ivr",)),
    (
        "ivr/flow",
        (
            "ivr.app",
            "ivr.cli",
            "ivr.config",
            "ivr.calls",
            "ivr.deployment",
            "ivr.location",
            "ivr.log",
            "ivr.platforms",
            "ivr.prompts",
            "ivr.softphone",
            "ivr.speech",
            "ivr.store",
            "ivr.supervisor",
            "ivr.web",
        ),
    ),
    ("ivr/platforms", ("ivr.store", "ivr.web", "ivr.app", "ivr.cli")),
    ("ivr/store", ("ivr.platforms", "ivr.web", "ivr.app", "ivr.cli")),
    ("ivr/location", ("ivr.platforms", "ivr.store", "ivr.web", "ivr.app", "ivr.cli")),
    ("ivr/calls", ("ivr.app", "ivr.cli")),
    ("ivr/web", ("ivr.app", "ivr.cli")),
]


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute in this house"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@pytest.mark.parametrize("folder", PURE)
def test_the_pure_core_does_no_input_or_output(folder: str) -> None:
    for path in sources(folder):
        tree = parsed(path)
        found = {module.partition(".")[0] for module in imports(tree)} & IMPURE_MODULES
        assert not found, f"{path.relative_to(ROOT)} imports {sorted(found)}"
        called = {
            node.func.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not called & IMPURE_CALLS, f"{path.relative_to(ROOT)}: {called & IMPURE_CALLS}"
        asked = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not asked & CLOCKS, f"{path.relative_to(ROOT)}: {asked & CLOCKS}"


@pytest.mark.parametrize(("folder", "forbidden"), FORBIDDEN, ids=[rule[0] for rule in FORBIDDEN])
def test_the_arrows_between_packages_hold(folder: str, forbidden: tuple[str, ...]) -> None:
    for path in sources(folder):
        for module in imports(parsed(path)):
            wrong = [package for package in forbidden if within(module, package)]
            assert not wrong, f"{path.relative_to(ROOT)} imports {module}"


def test_the_flow_knows_the_values_of_routing_and_little_else() -> None:
    for path in sources("ivr/flow"):
        name = path.relative_to(ROOT).as_posix()
        allowed = FLOW_MAY_IMPORT_OF_ROUTING.get(name, set()) | {"routing.model", "routing.wording"}
        for module in imports(parsed(path)):
            if within(module, "routing"):
                assert any(within(module, package) for package in allowed), f"{name}: {module}"


def test_nothing_is_called_manager_helper_or_util() -> None:
    for folder in ("ivr", "routing"):
        for path in sources(folder):
            for node in ast.walk(parsed(path)):
                if isinstance(node, ast.ClassDef):
                    named = node.name.lower()
                    assert not any(word in named for word in ("manager", "helper", "util")), path


NEEDED_BY_OTHERS = {"audioop-lts"}
"""Named, and imported by a library of ours alone: pydub, where Python has it no more."""


def distribution(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower().replace("_", "-")


def test_every_library_that_is_imported_is_named_and_every_named_one_is_imported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {distribution(one) for one in project["dependencies"]}
    of_voice = {distribution(one) for one in project["optional-dependencies"]["voice"]}
    provided_by = importlib.metadata.packages_distributions()
    imported: set[str] = set()
    for path in [*sources("ivr"), *sources("routing")]:
        for top in {module.partition(".")[0] for module in imports(parsed(path))}:
            if top not in {"ivr", "routing"} | sys.stdlib_module_names:
                found = {distribution(one) for one in provided_by.get(top, [top])}
                assert found & (named | of_voice), f"{path.relative_to(ROOT)} imports {top}"
                imported |= found
    assert named - imported == NEEDED_BY_OTHERS
