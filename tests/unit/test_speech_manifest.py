"""A list of recordings: read as spreadsheets save it, and every mistake told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.speech.manifest import Labelled, ManifestFaulty, read, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.wav").write_bytes(b"")
    return tmp_path


def faults(path: Path, *lines: str) -> tuple[str, ...]:
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ManifestFaulty) as caught:
        read(path)
    return caught.value.faults


def test_what_is_written_is_read_again(folder: Path) -> None:
    rows = (
        Labelled("a.wav", "api, api", "kejadian", option="1", place="area:1|14.03.09", voice="Ani"),
        Labelled("a.wav", "selamat pagi", "kejadian", kind="oov"),
    )
    write(folder / "list.tsv", rows)

    assert read(folder / "list.tsv") == rows
    assert rows[0].places == {"area:1", "14.03.09"}


def test_a_spreadsheet_s_comma_list_may_lack_columns_and_have_them_in_any_order(
    folder: Path,
) -> None:
    (folder / "list.csv").write_text(
        '\ufeffmenu,file,text,option\nkejadian,a.wav,"api, api",1\n\n', encoding="utf-8"
    )

    assert read(folder / "list.csv") == (Labelled("a.wav", "api, api", "kejadian", option="1"),)


def test_every_mistake_is_told_with_its_line(folder: Path) -> None:
    path = folder / "list.tsv"

    found = faults(
        path,
        "file\tmenu\toption\tkind",
        "a.wav\tkejadian\t1\tkeyword",
        "b.wav\tkejadian\t1\tkeyword",
        "a.wav\t\t1\tkeyword",
        "a.wav\tkejadian\t\tkeyword",
        "a.wav\tkejadian\t1\toov",
        "a.wav\tkejadian\t1\tkata",
        "a.wav\tkejadian\t1\tkeyword\tlebih",
    )

    assert found == (
        f"{path}:3: berkas b.wav tidak ada di {folder}.",
        f"{path}:4: file dan menu wajib diisi.",
        f"{path}:5: isi option atau place, atau kind oov bila tidak ada yang harus dipahami.",
        f"{path}:6: oov berarti tidak ada yang harus dipahami; kosongkan option dan place.",
        f"{path}:7: kind 'kata' tidak dikenal; pakai salah satu dari keyword, carrier, yes_no, digits, "
        "kecamatan, desa, oov, non_speech.",
        f"{path}:8: 1 kolom terlalu banyak; ada tab atau koma yang salah?",
    )


def test_a_list_without_its_columns_says_which_there_are(folder: Path) -> None:
    [fault] = faults(folder / "list.tsv", "berkas\tteks", "a.wav\tapi")

    assert fault.startswith(f"{folder / 'list.tsv'}:1: kolom file dan menu tidak ada")


def test_an_unknown_column_is_told(folder: Path) -> None:
    [fault] = faults(folder / "list.tsv", "file\tmenu\toption\tumur", "a.wav\tkejadian\t1\t40")

    assert fault == f"{folder / 'list.tsv'}:1: kolom tidak dikenal: umur."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "kosong. Isi dengan nama kolom"),
        ("\n\n", "kosong"),
        ("file\tmenu\n", "tidak ada rekaman"),
    ],
)
def test_an_empty_list_is_told(folder: Path, text: str, sentence: str) -> None:
    [fault] = faults(folder / "list.tsv", text)

    assert fault.startswith(str(folder / "list.tsv"))
    assert sentence in fault


def test_what_is_no_table_is_told_with_its_line(folder: Path) -> None:
    [fault] = faults(folder / "list.tsv", "file\tmenu", "a" * 200_000)

    assert fault.startswith(f"{folder / 'list.tsv'}:2: bukan tabel")


def test_a_list_that_is_not_there_is_told(folder: Path) -> None:
    with pytest.raises(ManifestFaulty, match=r"no\.tsv tidak ada\. Periksa nama"):
        read(folder / "no.tsv")


def test_what_is_no_text_is_told(folder: Path) -> None:
    (folder / "list.tsv").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ManifestFaulty, match="bukan teks UTF-8"):
        read(folder / "list.tsv")
