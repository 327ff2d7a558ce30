"""``check``: everything wrong with a deployment, and the worst that a caller can meet in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from ivr.commands.prompts import lexicon, sounds_of
from ivr.config import Config
from ivr.deployment import Texts, read, unread
from ivr.flow.areas_file import AREAS_FILE
from ivr.flow.check import PromptAudio, Report
from ivr.flow.check import check as check_dialplan
from ivr.flow.fault import Fault
from ivr.flow.loader import load, reading_order
from ivr.flow.prompt import Prompt
from ivr.flow.spoken import LISTENED_S

_UNUSED = (
    "Berkas di folder daerah ini tidak dipakai: nama berkas terjemahan adalah kode bahasa dengan huruf "
    "kecil, misalnya prompts/en.yaml, dan bukan bahasa pertama."
)


def check(config: Config) -> Report:
    """Read and check; what cannot be read is a fault of the report, with its line."""
    return check_texts(config, read(config.deployment))


def check_texts(config: Config, texts: Texts) -> Report:
    """The same for a deployment that was read already."""
    loaded = load(texts.files)
    if loaded.faults or loaded.dialplan is None or loaded.directory is None:
        return Report(loaded.faults, loaded.warnings, 0.0, 0.0, (), 0.0, 0)
    sounds = sounds_of(config)

    def built(prompt: Prompt) -> PromptAudio | None:
        sound = sounds.find(prompt)
        return PromptAudio(sound.voice, sound.seconds) if sound else None

    where = loaded.geography if AREAS_FILE in texts.files else None
    report = check_dialplan(
        loaded.dialplan, loaded.directory, built, where, speaks=config.speech.on
    )
    unused = [Fault(name, 1, 1, "file-unused", _UNUSED) for name in unread(texts.folder)]
    unsaid = lexicon(config)[1]  # no caller waits for a word: the rest of the lexicon is used
    warnings = sorted((*loaded.warnings, *report.warnings, *unused, *unsaid), key=reading_order)
    return replace(report, warnings=tuple(warnings))


def to_json(report: Report) -> dict[str, Any]:
    """The contract's ``check`` object."""
    return {
        "faults": [asdict(fault) for fault in report.faults],
        "warnings": [asdict(fault) for fault in report.warnings],
        "human_by_s": report.human_by_s,
        "worst_case_human_s": report.worst_case_human_s,
        "worst_path": list(report.worst_path),
        "longest_dialogue_s": report.longest_dialogue_s,
        "combinations": report.combinations,
    }


def describe(report: Report, *, speaks: bool = False) -> str:
    """The same for a person; ``speaks``: callers are listened to."""
    heard_out = (
        f" (yang berbicara atau di tempat bising didengarkan {LISTENED_S:.0f} detik tiap kali)"
    )
    lines = [*_lines("SALAH", report.faults), *_lines("perhatikan", report.warnings)]
    if report.faults:
        return "\n".join([*lines, f"{len(report.faults)} kesalahan: belum dapat dipakai."])
    return "\n".join(
        [
            *lines,
            f"{report.combinations} pasangan kejadian dan tempat dicoba; semua berakhir pada petugas.",
            f"Telepon petugas berdering paling lambat {report.worst_case_human_s:.0f} detik setelah dijawab.",
            f"Percakapan terlama dengan mesin: {report.longest_dialogue_s:.0f} detik"
            f"{heard_out if speaks else ''}, lewat:",
            *(f"  {step}" for step in report.worst_path),
        ]
    )


def _lines(word: str, faults: Sequence[Fault]) -> list[str]:
    # A value that is quoted in a message may hold line ends; the message is one line all the same.
    return [
        f"{f.file}:{f.line}:{f.column}: {word}: {' '.join(f.message.split())} [{f.code}]"
        for f in faults
    ]
