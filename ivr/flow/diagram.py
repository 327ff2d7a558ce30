"""A dialplan as a picture: Mermaid text, or the DOT text that Graphviz draws.

One node a step, with its name, its kind and its first words; one arrow between two steps, with the
keys, incidents and words that lead along it. Everything is read from what every step says of itself
(``exits`` and ``prompts``), so a new kind of step is drawn without a change here. A step that names
no next one ends at the operator, as all of them do: that arrow is dashed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from ivr.flow.model import OPERATOR_STEP, Dialplan, Path, Step
from ivr.flow.steps import STEP_TYPES

WORDS = 8
"""So many of a step's first words are shown."""

WIDTH = 30
"""Letters in one line of a node or of an arrow, so that a picture stays narrow."""

_CALL = "112"
_LAST_RESORT = "terakhir"
_NOTE = "Tombol 0 menuju petugas dari setiap langkah."
_SPECIAL = re.compile(r"[^\w .,:?!()+-]")


@dataclass(frozen=True, slots=True)
class Node:
    """One step, in lines: its name and kind, then its first words."""

    name: str
    lines: tuple[str, ...]
    is_operator: bool


@dataclass(frozen=True, slots=True)
class Arrow:
    """The way from one step to another; ``lines`` say what leads along it, if anything must."""

    source: str
    target: str
    lines: tuple[str, ...]
    last_resort: bool = False


@dataclass(frozen=True, slots=True)
class Diagram:
    """All steps in the order they are written, the ways between them, and where a call enters."""

    title: str
    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    entries: tuple[Arrow, ...]  # from no step: where calls come in


def diagram(dialplan: Dialplan) -> Diagram:
    """What there is to draw."""
    steps = dict(dialplan.steps)
    steps[OPERATOR_STEP] = steps.pop(OPERATOR_STEP)  # drawn last: it is where everything ends
    nodes = tuple(
        Node(name, (f"{name} ({kind_of(step)})", *_first_words(step)), name == OPERATOR_STEP)
        for name, step in steps.items()
    )
    arrows: list[Arrow] = []
    for name, step in steps.items():
        ways: dict[str, list[str]] = {}
        for path, target in step.exits().items():
            ways.setdefault(target, []).extend(_why(step, path))
        arrows += [Arrow(name, target, tuple(lines)) for target, lines in ways.items()]
        if not ways and kind_of(step) != OPERATOR_STEP:
            arrows.append(Arrow(name, OPERATOR_STEP, (_LAST_RESORT,), last_resort=True))
    return Diagram(dialplan.name, nodes, tuple(arrows), _entries(dialplan))


def _entries(dialplan: Dialplan) -> tuple[Arrow, ...]:
    """Where calls begin, those of numbers and trunks of their own first."""
    found = [
        Arrow(_CALL, entry.start, (", ".join(part for part in parts if part),))
        for entry in dialplan.entries
        for parts in [(entry.dialled, entry.trunk, "panggilan uji" if entry.test else "")]
    ]
    return (*found, Arrow(_CALL, dialplan.start, ("selain itu",) if found else ()))


def kind_of(step: Step) -> str:
    """The key by which an administrator writes this step."""
    return next(key for key, kind in STEP_TYPES.items() if type(step) is kind)


def to_mermaid(drawn: Diagram) -> str:
    """Text for a Markdown page: put it into a block named ``mermaid``."""
    names = {node.name: f"n{number}" for number, node in enumerate(drawn.nodes)}
    lines = ["flowchart TD", f'    call(["{_in_mermaid(_CALL)}"])']
    for entry in drawn.entries:
        label = f'|"{_in_mermaid(entry.lines[0])}"|' if entry.lines else ""
        lines.append(f"    call -->{label} {names[entry.target]}")
    for node in drawn.nodes:
        text = "<br/>".join(_in_mermaid(line) for line in node.lines)
        lines.append(f'    {names[node.name]}["{text}"]')
    for arrow in drawn.arrows:
        text = "<br/>".join(_in_mermaid(line) for line in arrow.lines)
        line = "-.->" if arrow.last_resort else "-->"
        label = f'|"{text}"|' if text else ""
        lines.append(f"    {names[arrow.source]} {line}{label} {names[arrow.target]}")
    lines += [
        f'    note["{_in_mermaid(_NOTE)}"]',
        "    style note fill:none,stroke:none",
        "    classDef petugas fill:#fde2e2,stroke:#c62828,stroke-width:3px",
    ]
    lines += [f"    class {names[node.name]} petugas" for node in drawn.nodes if node.is_operator]
    return "\n".join([*lines, ""])


def to_dot(drawn: Diagram) -> str:
    """Text for Graphviz's ``dot``."""
    names = {node.name: f"n{number}" for number, node in enumerate(drawn.nodes)}
    lines = [
        "digraph dialplan {",
        f'    graph [rankdir=TB, labelloc=t, fontname=Helvetica, label="{_in_dot(drawn.title)}\\n'
        f'{_in_dot(_NOTE)}"]',
        '    node [shape=box, style="rounded,filled", fillcolor=white, fontname=Helvetica]',
        "    edge [fontname=Helvetica, fontsize=11]",
        f'    call [shape=circle, label="{_in_dot(_CALL)}"]',
    ]
    for entry in drawn.entries:
        label = f' [label="{_in_dot(entry.lines[0])}"]' if entry.lines else ""
        lines.append(f"    call -> {names[entry.target]}{label}")
    for node in drawn.nodes:
        text = "\\n".join(_in_dot(line) for line in node.lines)
        look = ', fillcolor="#fde2e2", color="#c62828", penwidth=3' if node.is_operator else ""
        lines.append(f'    {names[node.name]} [label="{text}"{look}]')
    for arrow in drawn.arrows:
        text = "\\l".join(_in_dot(line) for line in arrow.lines)
        label = f'label="{text}\\l"' if text else ""
        look = "style=dashed" if arrow.last_resort else ""
        options = ", ".join(part for part in (label, look) if part)
        lines.append(f"    {names[arrow.source]} -> {names[arrow.target]} [{options}]")
    return "\n".join([*lines, "}", ""])


def _first_words(step: Step) -> tuple[str, ...]:
    for prompts in step.prompts().values():
        for prompt in prompts:
            words = prompt.text.split()
            more = " …" if len(words) > WORDS else ""
            return _wrapped(f"“{' '.join(words[:WORDS])}{more}”")
    return ()


def _why(step: Step, path: Path) -> tuple[str, ...]:
    """What leads along an exit: its key, and what stands beside it; nothing for a plain ``then``."""
    around = _at(step, path[:-1]) if len(path) > 1 else None
    key = [str(part) for part in path[-2:-1] if isinstance(part, str) and around is not None]
    last = [str(path[-1])] if path[-1] != "then" else []
    beside = _told(around, str(path[-1])) if isinstance(around, BaseModel) else []
    text = " ".join([*key, *last]) + (": " if key and beside else "") + ", ".join(beside)
    return _wrapped(text) if text else ()


def _told(part: BaseModel, target: str) -> list[str]:
    """The texts of the fields of a part, but for the one that names the next step; each once."""
    told: list[str] = []
    for name in type(part).model_fields:
        value = getattr(part, name)
        if name == target or value is None:
            continue
        told += [str(each) for each in (value if isinstance(value, list | tuple) else (value,))]
    return list(dict.fromkeys(told))


def _at(part: object, path: Path) -> object:
    for key in path:
        if isinstance(part, Mapping):
            part = part.get(key)
        elif isinstance(part, list | tuple) and isinstance(key, int) and key < len(part):
            part = part[key]
        else:
            part = getattr(part, str(key), None)
    return part


def _wrapped(text: str) -> tuple[str, ...]:
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= WIDTH:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return tuple(lines)


def _escaped(text: str, write: Callable[[str], str]) -> str:
    return _SPECIAL.sub(lambda found: write(found[0]), text)


def _in_mermaid(text: str) -> str:
    return _escaped(text, lambda letter: f"#{ord(letter)};")


def _in_dot(text: str) -> str:
    """Graphviz reads entities in labels: one escape serves quotes, backslashes and markup alike."""
    return _escaped(text, lambda letter: f"&#{ord(letter)};")
