"""prompts/<lang>.yaml beside a dialplan: what each sentence that a caller hears is in another language.

    kejadian.menu:
      of: Kebakaran tekan 1, lainnya 5. Atau tetap di telepon.
      text: For fire press 1, for anything else 5. Or stay on the line.
    phrases.no_input: {of: …, text: …}
    wilayah.prompt: {of: …, text: …}

`of` is the sentence as it was when it was translated. A translation whose sentence has changed since
is not used: it might name the wrong key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ivr.flow.fault import Fault, Marks
from ivr.flow.model import Path
from ivr.flow.steps import STEP_TYPES
from ivr.flow.steps.confirm import ConfirmStep
from ivr.flow.steps.connect import ConnectStep
from ivr.flow.template import placeholders
from ivr.flow.written import FIRST_LANGUAGE, Sentence, Written
from routing.wording import suggestion

_FILE = re.compile(r"prompts/([a-z]{2,3})\.yaml")


class Translation(Written):
    """One sentence, and what it is in the other language."""

    of: Sentence
    text: Sentence


@dataclass(frozen=True, slots=True)
class Heard:
    """A sentence that a caller may hear, under its name in a file of translations."""

    name: str
    text: str


def language_of(file: str) -> str | None:
    """The language that a file translates into; None for any other file."""
    found = _FILE.fullmatch(file)
    return found[1] if found and found[1] != FIRST_LANGUAGE else None


CALLERS_PHRASES = (
    "no_input",
    "no_match",
    "busy_operator",
    "talk_ended",
    "talk_dropped",
    "read_back",
    "read_back_question",
    "place_confirm",
    "place_confirm_question",
    "place_postcode",
    "place_postcode_unknown",
    "place_desa",
)
"""The shared sentences that the dialogue says to callers."""


def heard(
    steps: Mapping[str, object],
    question: Mapping[str, str],
    phrases: Mapping[str, str],
) -> Iterator[Heard]:
    """Everything that a caller hears: the steps' sentences, the place questions, shared phrases."""
    for name, step in steps.items():
        if isinstance(step, ConnectStep):
            continue  # heard by responders only
        for kind in STEP_TYPES:
            text = getattr(step, kind, None)
            if isinstance(step, STEP_TYPES[kind]) and isinstance(text, str) and _spoken(step, kind):
                yield Heard(f"{name}.{kind}", text)
    for name, text in question.items():
        yield Heard(name, text)
    for key, text in phrases.items():
        if key in CALLERS_PHRASES or key.startswith(("digit.", "incident.")):
            yield Heard(f"phrases.{key}", text)


def _spoken(step: object, kind: str) -> bool:
    return kind not in ("branch", "schedule") and bool(getattr(step, kind))


def usable(
    file: str,
    written: Mapping[str, Translation],
    sentences: Mapping[str, Heard],
    steps: Mapping[str, object],
    marks: Marks,
) -> tuple[Mapping[str, str], list[Fault], list[Fault]]:
    """By sentence, its translation; then faults and warnings."""
    found: dict[str, str] = {}
    faults: list[Fault] = []
    warnings: list[Fault] = []
    for name, one in written.items():
        path: Path = (file, name)
        if name not in sentences:
            message = f"Tidak ada kalimat `{name[:60]}`.{suggestion(name, sentences)}"
            faults.append(marks.key_fault(path, "unknown-sentence", message))
        elif one.of != sentences[name].text:
            message = (
                f"Kalimat `{name}` sudah berubah sejak diterjemahkan; terjemahan ini tidak dipakai. "
                "Perbaiki `text`, lalu salin kalimat yang baru ke `of`."
            )
            warnings.append(marks.fault((*path, "of"), "translation-old", message))
        elif _keys(one.of) != _keys(one.text):
            message = "Tombol atau angka di terjemahan ini lain dari yang di kalimat aslinya."
            faults.append(marks.fault((*path, "text"), "translation-keys", message))
        elif isinstance(steps.get(name.partition(".")[0]), ConfirmStep) and (
            sorted(placeholders(one.of)) != sorted(placeholders(one.text))
        ):
            message = "Isi dalam kurung kurawal harus sama dengan kalimat aslinya."
            faults.append(marks.fault((*path, "text"), "placeholder", message))
        else:
            found[one.of] = one.text
    missing = [name for name in sentences if name not in written]
    if missing:
        listed = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
        message = f"{len(missing)} kalimat belum diterjemahkan dan terdengar dalam bahasa pertama: {listed}."
        warnings.append(marks.fault((file,), "translation-missing", message))
    return found, faults, warnings


def _keys(sentence: str) -> list[str]:
    """The numbers that are named; a caller presses what he hears."""
    return sorted(re.findall(r"[0-9]+", sentence))
