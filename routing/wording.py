"""What a schema found wrong with a part of a file, in the words of whoever wrote that file.

Every fault of a file is told in Indonesian: what stands there, and what should. A mistake that the
schema sees twice (a key misspelt is one key too many and one too few) is told once.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import get_args

from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

_PLAIN = {
    "string_type": "Di sini harus satu kata atau kalimat, bukan daftar atau bagian.",
    "string_too_short": "Bagian ini kosong. Tulis sedikitnya satu kata.",
    "string_too_long": "Terlalu panjang. Paling banyak {max_length} huruf.",
    "list_type": "Di sini harus daftar, misalnya [satu, dua].",
    "tuple_type": "Di sini harus daftar, misalnya [wilayah, kecamatan].",
    "dict_type": "Di sini harus kunci dan nilai, satu per baris.",
    "model_type": "Di sini harus kunci dan nilai, satu per baris.",
    "int_parsing": "Di sini harus angka bulat.",
    "int_parsing_size": "Angka ini terlalu besar.",
    "int_from_float": "Di sini harus angka bulat.",
    "int_type": "Di sini harus angka bulat.",
    "float_type": "Di sini harus lama waktu, misalnya 4s.",
    "float_parsing": "Di sini harus lama waktu, misalnya 4s.",
    "too_short": "Bagian ini kosong. Tulis sedikitnya satu.",
    "too_long": "Terlalu banyak di bagian ini. Paling banyak {max_length}.",
    "greater_than_equal": "Nilai ini terlalu kecil. Paling sedikit {ge}.",
    "less_than_equal": "Nilai ini terlalu besar. Paling banyak {le}.",
    "literal_error": "Tulis {expected}.",
}
_OF_THE_SCHEMA = frozenset(get_args(ErrorType))
_COMPARED = 200
"""So many known words are compared with one that is not: a file of thousands is no file of a person."""

_UNKNOWN = "Bagian ini tidak berbentuk seperti seharusnya. Bandingkan dengan contoh di panduan."


def plain(detail: ErrorDetails) -> str | None:
    """The sentence for what a schema found by itself; None where a rule of ours found it."""
    kind = detail["type"]
    context = detail.get("ctx", {})
    if kind == "missing" and isinstance(detail["loc"][-1], int):
        return f"Daftar ini kurang panjang: bagian ke-{detail['loc'][-1] + 1} belum ada."
    if kind == "missing":
        key = detail["loc"][-1]
        return f"Kunci `{key}` belum ditulis. Tambahkan `{key}: …` di bagian ini."
    if kind in _PLAIN:
        values = {**context, "expected": _expected(str(context.get("expected", "")))}
        for bound in ("ge", "le"):
            if bound in context:
                values[bound] = f"{context[bound]:g}{_unit(detail['input'])}"
        return _PLAIN[kind].format(**values)
    # The text of our own rules is Indonesian; what else the schema knows to say is not.
    return _UNKNOWN if kind in _OF_THE_SCHEMA else None


def printable(text: str) -> str:
    """The text on one line, without what steers a terminal and what no file can hold."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def suggestion(word: object, known: Iterable[str], *, listing: bool = True) -> str:
    """`` Maksud Anda `x`?`` where something like the word is known, else the list of the known."""
    known = list(known)[:_COMPARED]
    close = difflib.get_close_matches(str(word)[:80], known, n=1)
    if close:
        return f" Maksud Anda `{close[0]}`?"
    return f" Yang dikenal: {', '.join(known[:30])}." if known and listing else ""


def told_once(details: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Without the keys that are missing only because they are misspelt beside."""
    strange: dict[tuple[int | str, ...], list[str]] = {}
    for detail in details:
        if detail["type"] == "extra_forbidden":
            *within, key = detail["loc"]
            strange.setdefault(tuple(within), []).append(str(key))

    def misspelt(detail: ErrorDetails) -> bool:
        if detail["type"] != "missing":
            return False
        *within, key = detail["loc"]
        beside = strange.get(tuple(within), [])[:_COMPARED]
        return bool(difflib.get_close_matches(str(key), beside))

    return [detail for detail in details if not misspelt(detail)]


def _expected(listed: str) -> str:
    """The words of a choice as pydantic lists them, in Indonesian."""
    return re.sub(r"'([^']*)'", r"`\1`", listed).replace(" or ", " atau ")


def _unit(value: object) -> str:
    """A duration has its unit beside its bound; a count has none."""
    return "s" if isinstance(value, float) or str(value).endswith("s") else ""
