"""Make a set of labelled recordings in which nobody real speaks.

    nice python tests/speech/generate.py FOLDER            the whole set, a quarter of an hour
    nice python tests/speech/generate.py FOLDER --small    the few files that are committed beside this

It needs the extra ``voice`` and espeak-ng. What is already in FOLDER is kept, so it can be stopped and
begun again. The same text by the same voice is the same file every time.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from sentences import Sentence, out_of_vocabulary, spoken_by_callers
from sounds import RATE, not_speech
from speakers import NEURAL, ROBOTS, Speaker, say

from ivr.platforms.asterisk.programs import tool
from ivr.prompts import audio
from ivr.speech.manifest import Labelled, write

SEED = 112
_LONGEST_S = 20.0  # a longer sound becomes several files

SMALL = (
    *(
        ("alpha-pelan", text)
        for text in ("kebakaran", "tolong ada kebakaran di Duri", "harimau", "ya")
    ),
    *(
        ("alpha-pelan", text)
        for text in ("Rupat Utara", "tujuh", "besok kita berangkat ke Jakarta naik pesawat")
    ),
    *(
        ("gongitsune-cepat", text)
        for text in ("tolong, rumah saya terbakar", "operator", "dua puluh satu")
    ),
    *(("gongitsune-cepat", text) for text in ("tidak", "Bathin Solapan")),
    *(("nezumi-rendah", text) for text in ("pak, ada orang kecelakaan di jalan lintas", "maling")),
    *(
        ("nezumi-rendah", text)
        for text in ("ya", "empat", "Rupat", "harga cabai naik lagi minggu ini")
    ),
    *(("tebukuro-melayu", text) for text in ("tolong, rumah saya terbakar", "banjir", "di Duri")),
    *(("tebukuro-melayu", text) for text in ("tidak", "sembilan", "minta ambulans cepat ya bu")),
    *(("nezumi-batak", text) for text in ("kecelakaan", "Sungai Pakning", "lima belas", "betul")),
    *(("gongitsune", text) for text in ("ada ular masuk ke rumah", "tolong", "bukan")),
    *(
        ("espeak-id", text)
        for text in ("kebakaran", "operator", "ya", "selamat pagi, apa kabar semuanya")
    ),
    *(("espeak-id-wanita", text) for text in ("polisi", "tidak")),
)
SMALL_SOUNDS = {"dog": 2.5, "ring": 2.0, "hiss": 2.0}


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--small", action="store_true", help="only the files that are committed")
    wanted = parser.parse_args(arguments)
    make(wanted.folder, small=wanted.small, espeak=tool("espeak-ng", _tell))


def make(folder: Path, *, small: bool, espeak: Sequence[str]) -> Path:
    """Write what is missing and the manifest; returns the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    said = list(_small() if small else _whole())
    rows = []
    for number, (speaker, sentence) in enumerate(said, 1):
        row = _row(speaker, sentence)
        rows.append(row)
        if not (folder / row.file).exists():
            samples = say(speaker, sentence.text, sentence.language, espeak)
            audio.write(audio.from_samples(samples, RATE), folder / row.file)
            _tell(f"{number}/{len(said)} {row.file}")
    rows += _sounds(folder, SMALL_SOUNDS if small else None)
    manifest = folder / "manifest.tsv"
    write(manifest, rows)
    return manifest


def _whole() -> Iterator[tuple[Speaker, Sentence]]:
    """Every text by several voices, drawn by lot. Kokoro speaks no language but these two."""
    for sentence in spoken_by_callers():
        for speaker in _drawn(NEURAL, 2, sentence) + _drawn(ROBOTS, 1, sentence):
            yield speaker, sentence
    for sentence in out_of_vocabulary():
        neural = NEURAL if sentence.language in ("id", "en-us") else ()
        for speaker in _drawn(neural, 1, sentence) + _drawn(ROBOTS, 1, sentence):
            yield speaker, sentence


def _small() -> Iterator[tuple[Speaker, Sentence]]:
    speakers = {speaker.name: speaker for speaker in (*NEURAL, *ROBOTS)}
    texts = {sentence.text: sentence for sentence in (*spoken_by_callers(), *out_of_vocabulary())}
    return ((speakers[name], texts[text]) for name, text in SMALL)


def _drawn(speakers: Sequence[Speaker], count: int, sentence: Sentence) -> list[Speaker]:
    """So many of the speakers, the same ones every time."""

    def lot(speaker: Speaker) -> int:
        return zlib.crc32(f"{SEED} {speaker.name} {sentence.text}".encode())

    return sorted(speakers, key=lot)[:count]


def _row(speaker: Speaker, sentence: Sentence) -> Labelled:
    return Labelled(
        file=f"{speaker.name}/{_slug(sentence.text)}.wav",
        text=sentence.text,
        menu=sentence.menu,
        option=sentence.option,
        place=sentence.place,
        voice=speaker.name,
        speed=f"{speaker.speed:g}",
        kind=sentence.kind,
    )


def _sounds(folder: Path, lengths: Mapping[str, float] | None) -> Iterator[Labelled]:
    for name, (sound, seconds) in not_speech().items():
        if lengths is not None and name not in lengths:
            continue
        random = np.random.default_rng([SEED, zlib.crc32(name.encode())])
        samples = sound(random, lengths[name] if lengths else seconds)
        step = round(_LONGEST_S * RATE)
        for part, start in enumerate(range(0, samples.size, step), 1):
            file = f"bunyi/{name}-{part}.wav"
            audio.write(audio.from_samples(samples[start : start + step], RATE), folder / file)
            yield Labelled(file=file, text=name, menu="kejadian", voice="bunyi", kind="non_speech")


def _slug(text: str) -> str:
    """A file name that can be read, and is not another text's."""
    words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-")
    return words or hashlib.sha256(text.encode()).hexdigest()[:12]


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
