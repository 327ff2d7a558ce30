"""What the administrator's guide says can be done as it says it."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest
from guide import GUIDE, Clone, chapters, prints

from ivr.deployment import read
from ivr.flow.loader import load
from ivr.flow.transcript import differences, parse, run
from routing.decide import decide

CHAPTERS = chapters(GUIDE.read_text(encoding="utf-8"))
TITLES = [chapter.title for chapter in CHAPTERS]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path / "siaga", {**os.environ, "SIAGA_HOME": str(tmp_path / "home")})


def changed_by_those_before(clone: Clone, title: str) -> None:
    for chapter in CHAPTERS[: TITLES.index(title)]:
        for block in chapter.blocks:
            if block.kind == "diff":
                clone.change(block)


@pytest.mark.parametrize("title", TITLES)
def test_a_chapter_can_be_followed_after_those_before_it(clone: Clone, title: str) -> None:
    changed_by_those_before(clone, title)
    clone.follow(CHAPTERS[TITLES.index(title)], with_programs=False)


def test_the_new_option_leads_the_engine_to_the_new_agency(clone: Clone) -> None:
    title = "Mencoba yang tidak biasa"
    changed_by_those_before(clone, title)
    clone.follow(CHAPTERS[TITLES.index(title)], with_programs=False)
    text = (clone.folder / "tests/calls/pohon-tumbang.call").read_text(encoding="utf-8")
    transcript = parse(text)
    loaded = load(read(clone.deployment).files)
    assert loaded.dialplan is not None, loaded.faults
    assert loaded.directory is not None
    lines = run(transcript, loaded.dialplan, partial(decide, loaded.directory))
    assert differences(transcript, lines) == []
    assert lines[-2:] == ["* dial dinas-pupr via jasnita", "! answered"]


def test_the_guide_shows_each_of_the_things_an_administrator_changes() -> None:
    assert TITLES == [
        "Mengganti salam",
        "Mengganti nomor pos",
        "Menambah pilihan",
        "Menambah instansi",
        "Mencoba yang tidak biasa",
        "Menerbitkan",
        "Riwayat dan membatalkan",
        "Jam buka dan hari raya",
        "Nomor lain dan panggilan uji",
        "Bahasa lain",
        "Siapa dihubungi lebih dulu",
        "Desa, kode pos dan tetangga",
        "Telepon dan jalur yang diketahui tempatnya",
        "Peta dan tabel sel",
        "Membetulkan lokasi panggilan",
        "Kata-kata penelepon",
    ]
    assert "## Istilah" in GUIDE.read_text(encoding="utf-8")


def test_a_line_that_was_not_printed_is_missed() -> None:
    assert prints("b …\n…\nd\n", "a\nb c\nx\nd\n")
    assert not prints("d\nb …\n", "a\nb c\nd\n")
    assert not prints("b\n", "a b\n")
