"""A list of recordings with what is said in them, so that recognition can be measured.

It is a table as spreadsheets save it: columns parted by tabs (.tsv) or commas (.csv), their names in
the first line. ``file`` (a WAV, beside the list or below) and ``menu`` (the question at which it is
said) are needed; the others may be empty or missing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ivr import unreadable

KINDS = ("keyword", "carrier", "yes_no", "digits", "kecamatan", "desa", "oov", "non_speech")
SILENT_KINDS = ("oov", "non_speech")
"""Kinds in which there is nothing to understand."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One recording.

    ``menu`` is the name of a step, or "yes_no" or "digits". ``option`` and ``place`` are the values
    that are right, several parted by "|"; empty where there is none. ``speed`` is for people to read.
    """

    file: str
    text: str = ""
    menu: str = ""
    option: str = ""
    place: str = ""
    voice: str = ""
    speed: str = ""
    kind: str = ""

    @property
    def options(self) -> frozenset[str]:
        return frozenset(self.option.split("|")) - {""}

    @property
    def places(self) -> frozenset[str]:
        return frozenset(self.place.split("|")) - {""}


COLUMNS = tuple(field.name for field in fields(Labelled))


class ManifestFaulty(Exception):
    """A list cannot be used; ``faults`` are sentences for people, each with its file and line."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


def read(path: Path) -> tuple[Labelled, ...]:
    """Every recording of the list, or ManifestFaulty with all that is wrong in it."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise ManifestFaulty([unreadable.why(path, "berkas daftar (.tsv)", error)]) from error
    except UnicodeDecodeError as error:
        raise ManifestFaulty(
            [f"{path}: bukan teks UTF-8; simpan sebagai .tsv atau .csv."]
        ) from error
    if not any(line.strip() for line in lines):
        raise ManifestFaulty(
            [
                f"{path} kosong. Isi dengan nama kolom ({', '.join(COLUMNS)}), lalu satu baris per rekaman."
            ]
        )
    table = csv.reader(lines, delimiter="," if path.suffix == ".csv" else "\t")
    try:
        numbered = [(table.line_num, cells) for cells in table]
    except csv.Error as error:
        raise ManifestFaulty(
            [
                f"{path}:{table.line_num}: bukan tabel. Simpan dari lembar sebar sebagai .tsv atau .csv."
            ]
        ) from error
    names = numbered[0][1]
    missing = [name for name in ("file", "menu") if name not in names]
    if missing:
        needed = " dan ".join(missing)
        raise ManifestFaulty(
            [
                f"{path}:1: kolom {needed} tidak ada; baris pertama berisi nama kolom: {', '.join(COLUMNS)}."
            ]
        )
    faults, rows = [], []
    if unknown := [name for name in names if name not in COLUMNS]:
        faults.append(f"{path}:1: kolom tidak dikenal: {', '.join(unknown)}.")
    for number, cells in numbered[1:]:
        if not any(cells):
            continue
        where = f"{path}:{number}"
        row = Labelled(**{n: c.strip() for n, c in zip(names, cells, strict=False) if n in COLUMNS})
        if fault := _fault(path.parent, row, len(cells) - len(names)):
            faults.append(f"{where}: {fault}")
        rows.append(row)
    if not rows:
        faults.append(f"{path}: tidak ada rekaman di dalamnya; isi satu baris per rekaman.")
    if faults:
        raise ManifestFaulty(faults)
    return tuple(rows)


def write(path: Path, rows: Iterable[Labelled]) -> None:
    """The list as ``read`` reads it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, delimiter="\t", lineterminator="\n")
        table.writeheader()
        table.writerows(asdict(row) for row in rows)


def _fault(folder: Path, row: Labelled, too_many: int) -> str:
    if too_many > 0:
        return f"{too_many} kolom terlalu banyak; ada tab atau koma yang salah?"
    if not row.file or not row.menu:
        return "file dan menu wajib diisi."
    if not (folder / row.file).is_file():
        return f"berkas {row.file} tidak ada di {folder}."
    if row.kind and row.kind not in KINDS:
        return f"kind {row.kind!r} tidak dikenal; pakai salah satu dari {', '.join(KINDS)}."
    if row.kind in SILENT_KINDS and (row.option or row.place):
        return f"{row.kind} berarti tidak ada yang harus dipahami; kosongkan option dan place."
    if row.kind not in SILENT_KINDS and not (row.option or row.place):
        return "isi option atau place, atau kind oov bila tidak ada yang harus dipahami."
    return ""
