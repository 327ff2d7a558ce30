"""One pass over what administrators wrote: gathers what is wrong, each with the path to where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, RootModel, ValidationError
from pydantic_core import ErrorDetails

from routing.entries import (
    AREA_CODE,
    AT_MESSAGE,
    E164,
    MAX_ENTRIES,
    MAX_PLACES,
    NAME,
    POINT_MESSAGE,
    ContactEntry,
    DesaEntry,
)
from routing.model import NEIGHBOUR, OPERATOR
from routing.wording import plain, suggestion, told_once


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: the file, the path of keys and indices into it, and a sentence."""

    file: str
    path: tuple[str | int, ...]
    code: str
    message: str


_Model = TypeVar("_Model", bound=BaseModel)


_NAMED = (NAME, "hanya huruf kecil, angka dan tanda hubung, tanpa spasi.")
_NAMES: Mapping[tuple[str, ...], tuple[re.Pattern[str], str]] = {
    ("places", "kecamatan"): (re.compile(r"(?s).*"), ""),
    ("places", "area_codes"): (AREA_CODE, "tulis kode wilayah telepon, misalnya 0766."),
    ("numbers",): (E164, "tulis nomor telepon dengan kode negara, misalnya +62766123456."),
}
"""How the names of entries look, and what to say of one that does not."""


class Reading:
    """One pass over the files; gathers what is wrong instead of stopping at it."""

    def __init__(self, tree: Mapping[str, object]) -> None:
        self.tree = tree
        self.problems: list[Problem] = []

    def problem(self, file: str, path: Iterable[str | int], code: str, message: str) -> None:
        self.problems.append(Problem(file, tuple(path), code, message))

    def typed(
        self, model: type[_Model], file: str, path: tuple[str | int, ...], value: object
    ) -> _Model | None:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            for detail in told_once(error.errors(include_url=False)):
                self.problem(file, (*path, *_clean(detail)), *_sentence(model, detail))
            return None

    def entries(
        self, file: str, model: type[_Model], at: tuple[str, ...] = ()
    ) -> dict[str, _Model]:
        """Every named entry of a mapping, its name checked, those at fault left out."""
        part: object = self.tree.get(file)
        for key in at:
            part = part.get(key) if isinstance(part, Mapping) else None
        if part is None or part == "":
            return {}
        if not isinstance(part, Mapping):
            self.problem(file, at, "type", "Di sini harus daftar nama, satu per baris.")
            return {}
        most = MAX_PLACES if file in ("places", "numbers") else MAX_ENTRIES
        if len(part) > most:
            message = f"Terlalu banyak nama di sini. Paling banyak {most}."
            self.problem(file, at, "too-many", message)
            return {}
        found = {}
        for name, value in part.items():
            typed = self.typed(model, file, (*at, name), value)
            pattern, rule = _NAMES.get((file, *at), _NAMED)
            if not pattern.fullmatch(str(name)):
                self.problem(file, (*at, name), "name", f"Nama {str(name)[:40]!r}: {rule}")
            elif file == "agencies" and name == OPERATOR:
                message = (
                    f"Nama `{OPERATOR}` berarti petugas 112. Beri nama lain pada instansi ini."
                )
                self.problem(file, (*at, name), "name", message)
            elif file == "agencies" and str(name).startswith(NEIGHBOUR):
                message = (
                    f"Nama yang berawalan `{NEIGHBOUR}` berarti pusat 112 tetangga. Beri nama lain."
                )
                self.problem(file, (*at, name), "name", message)
            elif typed is not None:
                found[str(name)] = typed
        return found

    def written(
        self, file: str, key: str, absent: Mapping[str, object] | None = None
    ) -> Mapping[str, object] | None:
        """A part as it stands there, also what is at fault in it: that is told once, not again
        by everybody who names it. None where the file, or what it says in its first column, is
        at fault: then nobody can say which names there are."""
        part = self.tree.get(file)
        at_fault = any(p.file == file and len(p.path) == 1 for p in self.problems)
        if not isinstance(part, Mapping) or at_fault:
            return None
        names = part.get(key, absent)
        return names if isinstance(names, Mapping) else None


def _clean(detail: ErrorDetails) -> tuple[str | int, ...]:
    """The path without the names that pydantic puts in for dictionary keys; points as a whole."""
    path = tuple(p for p in detail["loc"] if not (isinstance(p, str) and "[" in p))
    whole = next((key for key in ("points", "at") if key in path), None)
    return path[: path.index(whole) + 1] if whole is not None else path


_PARTS: Mapping[str | int, type[BaseModel]] = {"contacts": ContactEntry, "desa": DesaEntry}
"""The entries within an entry, by the key that they stand under."""


def _sentence(model: type[BaseModel], detail: ErrorDetails) -> tuple[str, str]:
    kind, within = detail["type"], detail["loc"]
    if kind == "extra_forbidden":
        part = next((_PARTS[key] for key in within[:-1] if key in _PARTS), model)
        known = _keys_of(part)
        key = str(within[-1])
        return "unknown-key", f"Kunci `{key[:40]}` tidak dikenal.{suggestion(key, known)}"
    if "points" in within and within[-1] != "points":
        return "point", POINT_MESSAGE
    if within[:1] == ("at",):
        return "point", AT_MESSAGE
    sentence = plain(detail)
    if sentence is None:
        return kind, str(detail["msg"])
    return "missing-key" if kind == "missing" else "type", sentence


def _keys_of(model: type[BaseModel]) -> list[str]:
    if issubclass(model, RootModel):
        return []
    return [field.alias or name for name, field in model.model_fields.items()]
