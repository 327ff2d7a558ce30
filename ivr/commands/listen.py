"""``listen``: what each engine hears in a recording, how sure it is, and how long it took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ivr.config import Config
from ivr.flow.speech import Meant
from ivr.flow.spoken import Heard, Nothing, Vocabulary
from ivr.flow.vocabulary import OPERATOR_VALUE
from ivr.speech import engines, line
from ivr.speech.asked import named
from ivr.speech.measure import LEAD_S, TAIL_S
from ivr.speech.recogniser import RATE, CannotListen, Recogniser
from ivr.speech.stream import Answer, answers
from ivr.speech.verdicts import understood

WHY_NOTHING = {
    "silence": "tidak ada yang berbicara",
    "noise": "bukan ucapan, atau terlalu bising",
    "busy": "mesin sedang penuh",
    "late": "terlambat",
    "failed": "mesin gagal",
}


class NothingListens(Exception):
    """There is nothing to listen with; the text is a sentence for an administrator."""


@dataclass(frozen=True, slots=True)
class Listened:
    """What one engine made of one recording of so many seconds."""

    file: Path
    menu: str
    engine: str
    seconds: float
    answers: tuple[Answer, ...]

    @property
    def decode_ms(self) -> float:
        return 1000 * sum(answer.decode_s for answer in self.answers)

    @property
    def real_time_factor(self) -> float:
        """Seconds of work for a second of the recording."""
        return self.decode_ms / 1000 / self.seconds if self.seconds else 0.0


def vocabulary_of(
    vocabularies: Mapping[str, Vocabulary], menu: str | None
) -> tuple[str, Vocabulary]:
    """The question asked about, or the dialplan's first menu. Raises ValueError with a sentence."""
    if menu is None:
        menu = next((name for name, one in vocabularies.items() if one.kind == "menu"), "yes_no")
    if menu not in vocabularies:
        raise ValueError(
            f"Pertanyaan {menu!r} tidak ada, atau hanya dijawab dengan tombol. Pilih: "
            f"{', '.join(vocabularies)}."
        )
    return menu, vocabularies[menu]


def usable(config: Config) -> list[Recogniser]:
    """Every engine of this machine. Raises NothingListens with all reasons where there is none."""
    every = engines.load_every(config.speech)
    found = [engine for engine in every if not isinstance(engine, CannotListen)]
    if not found:
        reasons = " ".join(str(reason) for reason in every)
        raise NothingListens(f"Tidak ada mesin pengenal ucapan yang dapat dipakai. {reasons}")
    return found


def listen(
    recognisers: Sequence[Recogniser], files: Sequence[Path], menu: str, vocabulary: Vocabulary
) -> Iterator[Listened]:
    """Raises UnusableRecording."""
    sounds = [
        (file, line.recording(file)) for file in files
    ]  # tell what is wrong before all the work
    for file, sound in sounds:
        open_line = [np.zeros(round(LEAD_S * RATE)), sound, np.zeros(round(TAIL_S * RATE))]
        samples = line.coded(np.concatenate(open_line))
        for recogniser in recognisers:
            found = tuple(answers(recogniser, vocabulary, samples))
            yield Listened(file, menu, recogniser.name, sound.size / RATE, found)


def describe(listened: Listened, vocabulary: Vocabulary) -> str:
    """Some lines for people."""
    lines = [
        f"{listened.file}: {listened.seconds:.1f} detik, pertanyaan {listened.menu}, {listened.engine}"
    ]
    for answer in listened.answers:
        lines += [f"  {one}" for one in _described(answer.heard, vocabulary)]
    if not listened.answers:
        lines.append("  Tidak ada ucapan di dalamnya.")
    else:
        lines.append(
            f"  Waktu mengenali {listened.decode_ms:.0f} milidetik: "
            f"{listened.real_time_factor:.2f} kali lamanya rekaman."
        )
    return "\n".join(lines)


def to_json(listened: Listened) -> dict[str, Any]:
    return {
        "file": str(listened.file),
        "menu": listened.menu,
        "engine": listened.engine,
        "seconds": round(listened.seconds, 3),
        "decode_ms": round(listened.decode_ms),
        "real_time_factor": round(listened.real_time_factor, 3),
        "utterances": [
            {
                "began_ms": round(1000 * answer.began_s),
                "ended_ms": round(1000 * answer.ended_s),
                **asdict(answer.heard),
            }
            for answer in listened.answers
        ],
    }


def sureness(value: str, said: Meant | None) -> str:
    """What follows from a value that was heard, in words; ``said`` is what the whole is taken for."""
    if said is None or value not in (said.option, said.place):
        return "tidak cukup yakin, diabaikan"
    if value == OPERATOR_VALUE:
        return "cukup, disambungkan ke petugas"
    return "yakin, langsung dipakai" if said.sure else "ragu, ditanyakan dulu"


def _described(heard: Heard | Nothing, vocabulary: Vocabulary) -> Iterator[str]:
    if isinstance(heard, Nothing):
        yield f"Tidak dipahami: {WHY_NOTHING[heard.reason]}."
        return
    said = understood(vocabulary, heard)
    yield f"“{heard.text}”"
    for kind, value, confidence in (
        ("pilihan", heard.option, heard.confidence),
        ("tempat", heard.place, heard.place_confidence),
    ):
        if value:
            name = named(vocabulary, value)
            yield f"{kind} {value} ({name}): {confidence:.2f}, {sureness(value, said)}"
    if not heard.option and not heard.place:
        yield "tidak ada kata yang dikenal pada pertanyaan ini"
    if heard.alternatives:
        others = (
            f"{one.value} ({named(vocabulary, one.value)}) {one.confidence:.2f}"
            for one in heard.alternatives
        )
        yield f"mungkin juga: {', '.join(others)}"
