"""Sentences with `{incident}`, `{place}` or the name of a step in them, and what is said for each.

A placeholder that is a step's name stands for what the caller answered there: the digits one by one
(`ask`), or his own voice (`record`). What is not known is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from ivr.flow.model import CallState, Dialplan
from ivr.flow.prompt import Prompt
from ivr.flow.written import Sentence

KNOWN = ("incident", "place")

_PLACEHOLDER = re.compile(r"(\{[^{}]*\})")
_NAME = re.compile(r"\{([a-z0-9][a-z0-9_-]{0,39})\}", re.ASCII)


def _template(value: str) -> str:
    for part in _PLACEHOLDER.findall(value):
        if _NAME.fullmatch(part) is None:
            raise PydanticCustomError(
                "placeholder",
                "`{part}` tidak dikenal. Yang dapat dipakai: {known}, atau nama langkah ask/record.",
                {"part": part[:40], "known": ", ".join(f"{{{name}}}" for name in KNOWN)},
            )
    if re.search(r"[{}]", _PLACEHOLDER.sub("", value)):
        raise PydanticCustomError(
            "placeholder",
            "Kurung kurawal tidak berpasangan. Tulis {open}incident{close} atau {open}place{close}.",
            {"open": "{", "close": "}"},
        )
    return value


Template = Annotated[Sentence, AfterValidator(_template)]


def placeholders(template: str) -> tuple[str, ...]:
    """The names that stand in braces."""
    return tuple(_NAME.findall(template))


def texts(template: str) -> tuple[Prompt, ...]:
    """The sentences between the placeholders: what has to have audio."""
    return tuple(Prompt(part) for part in _parts(template) if not _NAME.fullmatch(part))


def filled(
    dialplan: Dialplan, call: CallState, template: str, language: str = ""
) -> tuple[Prompt, ...]:
    """What is said for a template, in the first language or another one."""
    text = dialplan.translations.get(language, {}).get(template)
    prompts: list[Prompt] = []
    for part in _parts(template if text is None else text):
        name = _NAME.fullmatch(part)
        if name is None:
            prompts.append(Prompt(part, language if text is not None else ""))
        else:
            prompts += _value(dialplan, call, name[1])
    return tuple(prompts)


def _value(dialplan: Dialplan, call: CallState, name: str) -> tuple[Prompt, ...]:
    if name == "incident":
        return dialplan.incident_name(call.incident)
    if name == "place":
        return dialplan.place_name(call)
    if name in call.recorded:
        return (Prompt(f"(rekaman {name})", recording=name),)
    return dialplan.digits(call.answers.get(name, ""))


def _parts(template: str) -> Iterator[str]:
    """Placeholders and the sentences between them, without the punctuation that joins them."""
    parts = (part.lstrip(" ,.;:").rstrip() for part in _PLACEHOLDER.split(template))
    return (part for part in parts if part)
