"""YAML as an administrator means it: every scalar is the text that stands there, with its line.

Read from the parser's events, not from its nodes, because events come one by one: depth, aliases
and keys written twice are seen before anything is built, and no text can make this recurse or
grow. PyYAML resolves nothing here, so `no`, `0123` and `1:30` stay what they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import yaml

from ivr.flow.fault import Fault, Mark, Marks

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20

_UNPRINTABLE = yaml.reader.Reader.NON_PRINTABLE
"""What no file may hold; an escape in double quotes could bring it in all the same."""

Path = tuple[str | int, ...]
Tree = dict[str, object]


@dataclass(slots=True)
class _Reading:
    """One file while it is read."""

    file: str
    values: dict[Path, Mark] = field(default_factory=dict)
    keys: dict[Path, Mark] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def fault(self, mark: Mark, code: str, message: str) -> None:
        self.faults.append(Fault(self.file, mark.line, mark.column, code, message))


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not come. ``key`` is the key that waits for its value."""

    into: Tree | list[object]
    path: Path
    key: str | None = None
    discard: bool = False  # the next value belongs to a key that was refused
    written: dict[str, int] = field(default_factory=dict)  # the line of each key


class _Refused(Exception):
    """Reading on would make no sense."""


def read(file: str, text: str) -> tuple[Tree | None, Marks, list[Fault]]:
    """The mapping that a file holds (None where it holds none), where things stand, the faults."""
    reading = _Reading(file)
    tree: Tree | None = None
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        message = f"Berkas ini terlalu besar. Batasnya {MAX_BYTES // 1024} kB."
        reading.fault(Mark(1, 1), "too-large", message)
    else:
        try:
            tree = _mapping(reading, text)
        except _Refused:
            pass
        except yaml.reader.ReaderError as error:
            _unreadable(reading, text, error.position)
        except yaml.MarkedYAMLError as error:
            _malformed(reading, text, error)
        except (ValueError, OverflowError):  # an escape or a version of more digits than there are
            message = (
                "Ada angka di berkas ini yang tidak dapat dibaca, misalnya sesudah \\U atau %YAML."
            )
            reading.fault(Mark(1, 1), "unreadable", message)
    return tree, Marks(reading.values, reading.keys), reading.faults


def _mapping(reading: _Reading, text: str) -> Tree | None:
    top: object = None
    stack: list[_Open] = []
    documents = 0
    sentences: set[int] = set()
    for event in yaml.parse(text, Loader=yaml.BaseLoader):
        start = event.start_mark
        mark = Mark(start.line + 1, start.column + 1) if start is not None else Mark(1, 1)
        match event:
            case yaml.DocumentStartEvent():
                documents += 1
                if documents > 1:
                    message = "Satu berkas hanya satu dokumen. Hapus garis `---` ini."
                    reading.fault(mark, "documents", message)
                    raise _Refused
            case yaml.AliasEvent():
                message = "Jangkar dan alias (& dan *) tidak dipakai di sini. Tulis ulang nilainya."
                reading.fault(mark, "alias", f'{message} Tombol bintang ditulis "*".')
                raise _Refused
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                stack.pop()
            case yaml.ScalarEvent() | yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                _refuse_extras(reading, event, mark)
                if isinstance(event, yaml.ScalarEvent) and event.end_mark is not None:
                    sentences.update(range(mark.line, event.end_mark.line + 1))
                value = _empty(event)
                if stack:
                    path = _put(reading, stack[-1], value, mark)
                else:
                    top, path = value, (reading.file,)
                    reading.values[path] = mark
                if not isinstance(value, str):
                    stack.append(_Open(value, path))
                    if len(stack) > MAX_DEPTH:
                        message = f"Terlalu banyak tingkat: paling banyak {MAX_DEPTH}."
                        reading.fault(mark, "too-deep", message)
                        raise _Refused
    _hash_keys(reading, text, sentences)
    if not top and not isinstance(top, dict):
        message = "Berkas ini kosong. Isi lagi, atau pulihkan dari cadangan."
        reading.fault(Mark(1, 1), "empty-file", message)
        return None
    if not isinstance(top, dict):
        message = "Berkas ini harus berisi baris `kunci: nilai`, bukan daftar atau satu kalimat."
        reading.fault(reading.values[reading.file,], "no-mapping", message)
        return None
    return top


def _empty(event: yaml.NodeEvent) -> str | Tree | list[object]:
    if isinstance(event, yaml.ScalarEvent):
        return str(event.value)
    return {} if isinstance(event, yaml.MappingStartEvent) else []


def _refuse_extras(reading: _Reading, event: yaml.NodeEvent, mark: Mark) -> None:
    if event.anchor is not None:
        message = "Jangkar (&) tidak dipakai di sini. Tulis nilainya saja, atau beri tanda kutip."
        reading.fault(mark, "alias", message)
    if isinstance(event, yaml.ScalarEvent) and _UNPRINTABLE.search(event.value):
        message = (
            "Nilai ini memuat tanda yang tidak dapat ditulis. Hapus garis miring \\ di dalamnya."
        )
        reading.fault(mark, "unreadable", message)
    tag = getattr(event, "tag", None)
    if tag not in (None, "!"):
        message = "Tanda seru di awal nilai berarti lain di YAML. Beri tanda kutip pada nilainya."
        reading.fault(mark, "tag", message)


def _put(reading: _Reading, parent: _Open, value: str | Tree | list[object], mark: Mark) -> Path:
    """Put a value where it belongs; a key is remembered until its value comes."""
    if isinstance(parent.into, list):
        path = (*parent.path, len(parent.into))
        parent.into.append(value)
        reading.values[path] = mark
        return path
    if parent.discard:
        parent.discard = False
        return (*parent.path, "?")
    if parent.key is None:
        return _key(reading, parent, value, mark)
    path = (*parent.path, parent.key)
    parent.into[parent.key] = value
    parent.key = None
    reading.values[path] = mark
    return path


def _key(reading: _Reading, parent: _Open, value: str | Tree | list[object], mark: Mark) -> Path:
    if not isinstance(value, str):
        message = "Kunci harus satu kata atau angka, bukan daftar. Periksa kurung di sini."
        reading.fault(mark, "key", message)
        parent.discard = True
    elif value in parent.written:
        line = parent.written[value]
        message = f"`{value[:40]}` sudah ditulis di baris {line}. Hapus salah satu."
        reading.fault(mark, "duplicate-key", message)
        parent.discard = True
    else:
        parent.key = value
        parent.written[value] = mark.line
        reading.keys[(*parent.path, value)] = mark
    return (*parent.path, "?")


def _unreadable(reading: _Reading, text: str, position: int) -> None:
    before = text[:position]
    mark = Mark(before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)
    message = "Ada tanda yang tidak dapat dibaca di sini. Hapus, lalu simpan sebagai UTF-8."
    reading.fault(mark, "unreadable", message)


_EXPLAINED = (
    ("'\\t'", "Ada TAB di sini. Ganti dengan spasi."),
    ("mapping values are not allowed", "Titik dua di tengah kalimat: beri tanda kutip kalimatnya."),
    ("while scanning a quoted scalar found unexpected", "Tanda kutip ini tidak ditutup."),
    (
        "escape",
        "Garis miring \\ di dalam tanda kutip ganda berarti lain. Pakai tanda kutip tunggal '…'.",
    ),
    ("while parsing a flow", "Kurung ini tidak ditutup, atau koma tertinggal."),
    (
        "while scanning an alias",
        'Tombol bintang, dan nilai yang diawali *, ditulis dengan tanda kutip: "*".',
    ),
    ("while scanning an anchor", "Nilai yang diawali & harus diberi tanda kutip."),
    ("while scanning a block scalar", "Nilai yang diawali | atau > harus diberi tanda kutip."),
    ("'@'", "Nilai yang diawali @ atau ` harus diberi tanda kutip."),
    ("'`'", "Nilai yang diawali @ atau ` harus diberi tanda kutip."),
    ("'%'", "Nilai yang diawali % harus diberi tanda kutip."),
    (
        "could not find expected ':'",
        "Baris ini bukan `kunci: nilai`. Tulis titik dua dan satu spasi sesudah kuncinya.",
    ),
    (
        "sequence entries are not allowed",
        "Nilai yang diawali - harus diberi tanda kutip; daftar ditulis [satu, dua].",
    ),
    (
        "found '<block mapping start>'",
        "Spasi di awal baris ini tidak sama dengan baris yang setingkat di atasnya.",
    ),
    (
        "found '<block sequence start>'",
        "Tanda - di sini tidak diharapkan. Samakan spasi di awal barisnya.",
    ),
    ("found '-'", "Tanda - di sini tidak diharapkan. Samakan spasi di awal barisnya."),
    (
        "expected <block end>",
        "Ada tulisan sesudah tanda kutip atau kurung penutup. Beri tanda kutip pada seluruh nilainya.",
    ),
)
_AT_THE_START = ("Tanda kutip", "Baris ini bukan")
"""What is better mended where it begins than where the parser noticed."""

_HASH_KEY = re.compile(r"( *)#\s*: ")
_INDENTED_KEY = re.compile(r"\s+[\w-]+")


def _malformed(reading: _Reading, text: str, error: yaml.MarkedYAMLError) -> None:
    problem = f"{error.context or ''} {error.problem or ''}"
    fallback = "Susunan YAML di sini salah. Periksa spasi di awal baris dan tanda kutip."
    explained = next((message for sign, message in _EXPLAINED if sign in problem), fallback)
    start, noticed = error.context_mark, error.problem_mark or error.context_mark
    if start is not None and explained.startswith(_AT_THE_START):
        noticed = start
    mark = Mark(noticed.line + 1, noticed.column + 1) if noticed is not None else Mark(1, 1)
    if noticed is not None and "Titik dua" in explained:
        before = text[noticed.index - noticed.column : noticed.index]
        if _INDENTED_KEY.fullmatch(before):  # a key that belongs to the line above, by its spaces
            explained = "Spasi di awal baris ini terlalu banyak. Samakan dengan baris di atasnya."
    if start is not None and start.line + 1 < mark.line:
        explained += f" Mulainya di baris {start.line + 1}."
    reading.fault(mark, "yaml", explained)


def _hash_keys(reading: _Reading, text: str, sentences: set[int]) -> None:
    """A line that begins with ``#:`` is a comment to YAML, and was an option to whoever wrote it.

    ``sentences`` are the lines that go on with a sentence begun above.
    """
    for line, written in enumerate(text.split("\n")):
        found = _HASH_KEY.match(written)
        if found and line not in sentences:
            message = (
                "Baris ini tidak dibaca: # berarti catatan. "
                'Tombol pagar ditulis "#" dengan tanda kutip.'
            )
            reading.fault(Mark(line + 1, len(found[1]) + 1), "hash-key", message)
