"""Builds the audio that is missing, says what is wrong with what is there, and prints the script.

Nothing is built twice and nothing is half built: every file is written beside its place and then
renamed, so Ctrl-C leaves what was finished and nothing else. Files of sentences no longer in use
are left alone: an older version of the dialplan, to which an administrator may return, needs them.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from ivr.flow.prompt import Prompt
from ivr.prompts import audio
from ivr.prompts.sounds import FORMS, HOLD_LOOP, HUMAN, MANIFEST, Built, Sound, Sounds
from ivr.prompts.voices import Voice, VoiceUnavailable

Progress = Callable[[int, int, str], None]
"""Called before each piece of work with its number, how many there are, and the sentence."""


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did: sentences spoken, recordings converted, and how many needed nothing."""

    spoken: tuple[Built, ...]
    converted: tuple[Path, ...]
    ready: int

    def __str__(self) -> str:
        return (
            f"{len(self.spoken)} suara dibuat, {len(self.converted)} rekaman disesuaikan, "
            f"{self.ready} sudah siap."
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing an administrator should know about the audio of a sentence."""

    level: Literal["fault", "warning"]
    code: Literal[
        "missing", "recording", "audio", "voice_differs", "outdated", "lexicon", "nameless"
    ]
    name: str
    text: str
    message: str

    def __str__(self) -> str:
        return f"{self.name}: {self.message}"


def build(
    prompts: Iterable[Prompt],
    sounds: Sounds,
    voice: Callable[[], Voice],
    progress: Progress = lambda number, total, text: None,
    hold: Prompt | None = None,
) -> BuildReport:
    """Convert the recordings that need it, speak what nobody has spoken, make the hold loop.

    ``voice`` is called only when there is something to speak: loading one may take seconds. A
    sentence that the lexicon has read otherwise since is spoken anew, but only by the voice that
    spoke it: a changed word is no reason for a caller to hear two voices.
    ``hold`` is the phrase of the hold loop. All that is made lands in the local folder.
    """
    wanted = tuple(dict.fromkeys((*prompts, hold) if hold else prompts))

    unfit = [file for prompt in wanted if (file := _unfit_recording(prompt, sounds))]
    converted = []
    for number, file in enumerate(unfit, 1):
        progress(number, len(unfit), file.name)
        if copy := _convert(file, sounds):
            converted.append(copy)

    missing = [prompt for prompt in wanted if not sounds.find(prompt)]
    speaker, silent = _speaker(missing, [p for p in wanted if sounds.outdated(p)], sounds, voice)
    spoken = []
    if speaker:
        for number, prompt in enumerate(silent, 1):
            progress(number, len(silent), prompt.text)
            segment = audio.finished(speaker.speak(prompt.text, prompt.language))
            if len(segment):  # a voice has nothing to say for "…"; `check` names it
                spoken.append(_keep(prompt.name, prompt, speaker.name, segment, sounds))

    stale = hold in silent or (hold and not sounds.hold_loop(hold))
    if hold and stale and (phrase := sounds.find(hold)):
        loop = audio.waiting_loop(audio.read(phrase.file))
        spoken.append(_keep(HOLD_LOOP, hold, phrase.voice, loop, sounds))
    return BuildReport(tuple(spoken), tuple(converted), len(wanted) - len(silent) - len(converted))


def check(prompts: Iterable[Prompt], sounds: Sounds, hold: Prompt | None = None) -> list[Finding]:
    """What is missing, unfit, or in another voice than the rest."""
    wanted = tuple(dict.fromkeys((*prompts, hold) if hold else prompts))
    found = {prompt: sounds.find(prompt) for prompt in wanted}
    voices = Counter(sound.voice for sound in found.values() if sound and sound.voice != HUMAN)
    usual = {HUMAN, *(voice for voice, _ in voices.most_common(1))}
    findings: list[Finding] = []
    for prompt, sound in found.items():
        findings += _findings(prompt, sound, sounds, usual)
    if hold:
        findings += _loop_findings(hold, sounds)
    for file in sounds.nameless():
        message = (
            "Rekaman ini tidak dipakai. Namai persis seperti di ./siaga prompts script, dalam bentuk "
            f"{', '.join(form[1:].upper() for form in FORMS)}."
        )
        findings.append(Finding("warning", "nameless", file.name, "", message))
    return findings


def script(
    prompts: Iterable[Prompt],
    hint: Callable[[Prompt], tuple[str, ...]] = lambda prompt: (),
) -> str:
    """What a voice talent reads: the name the file must have, the sentence, and what `hint` adds to
    it, with tabs between them."""
    rows = ((f"{one.name}.wav", one.text, *hint(one)) for one in dict.fromkeys(prompts))
    return "".join("\t".join(row).rstrip() + "\n" for row in rows)


def _findings(
    prompt: Prompt, sound: Sound | None, sounds: Sounds, usual: set[str]
) -> Iterable[Finding]:
    recording = sounds.recording(prompt)
    if recording and (sound is None or sound.voice != HUMAN):
        reasons = "; ".join(audio.faults(recording))
        message = f"Rekaman {recording} belum dapat dipakai: {reasons or 'bentuknya harus diubah dahulu'}."
        yield Finding("fault", "recording", prompt.name, prompt.text, message)
    if sound is None:
        message = "Kalimat ini belum ada suaranya. Jalankan ./siaga prompts build."
        yield Finding("fault", "missing", prompt.name, prompt.text, message)
        return
    for fault in audio.faults(sound.file):
        message = f"Suara {sound.file} {fault}."
        yield Finding("fault", "audio", prompt.name, prompt.text, message)
    if sounds.outdated(prompt):
        message = (
            f"Kalimat ini masih diucapkan menurut lafal lama. Jalankan ./siaga prompts build di mesin "
            f"yang punya suara {sound.voice}."
        )
        yield Finding("warning", "outdated", prompt.name, prompt.text, message)
    if sound.voice not in usual:
        message = f"Kalimat ini diucapkan suara lain ({sound.voice}) daripada kalimat lainnya."
        yield Finding("warning", "voice_differs", prompt.name, prompt.text, message)


def _loop_findings(hold: Prompt, sounds: Sounds) -> Iterable[Finding]:
    loop, phrase = sounds.hold_loop(hold), sounds.find(hold)
    if loop is None:
        message = "Suara tunggu belum dibuat untuk kalimat ini. Jalankan ./siaga prompts build."
        yield Finding("fault", "missing", HOLD_LOOP, hold.text, message)
    elif phrase:
        for fault in audio.faults(loop.file, words_s=phrase.seconds):
            message = f"Suara tunggu {loop.file} {fault}."
            yield Finding("fault", "audio", HOLD_LOOP, hold.text, message)


def _unfit_recording(prompt: Prompt, sounds: Sounds) -> Path | None:
    recording = sounds.recording(prompt)
    if recording is None or sounds.copy_of(recording).exists():
        return None
    return None if sounds.human(prompt) and not audio.faults(recording) else recording


def _convert(recording: Path, sounds: Sounds) -> Path | None:
    """None for a file in which nobody speaks; `check` names it."""
    try:
        segment = audio.finished(audio.read(recording))
    except (audio.NotAudio, OSError):
        return None
    if not len(segment):
        return None
    copy = sounds.copy_of(recording)
    audio.write(segment, copy)
    return copy


def _speaker(
    missing: list[Prompt],
    outdated: list[Prompt],
    sounds: Sounds,
    voice: Callable[[], Voice],
) -> tuple[Voice | None, list[Prompt]]:
    """Who speaks what. Nobody is needed for what can be heard as it is, if in an old way."""
    if not missing and not outdated:
        return None, []
    try:
        speaker = voice()
    except VoiceUnavailable:
        if missing:
            raise
        return None, []
    again = [prompt for prompt in outdated if _voice_of(prompt, sounds) == speaker.name]
    return speaker, [*missing, *again]


def _voice_of(prompt: Prompt, sounds: Sounds) -> str:
    sound = sounds.find(prompt)
    return sound.voice if sound else ""


def _keep(name: str, prompt: Prompt, voice: str, segment: Any, sounds: Sounds) -> Built:
    audio.write(segment, sounds.local / f"{name}.wav")
    text = sounds.hold_text(prompt) if name == HOLD_LOOP else prompt.text
    entry = Built(name, text, voice, round(len(segment) / 1000, 2), sounds.said(prompt))
    entries = {**sounds.manifest(sounds.local), name: entry}
    _write_manifest([entries[key] for key in sorted(entries)], sounds.local / MANIFEST)
    return entry


def _write_manifest(entries: Iterable[Built], file: Path) -> None:
    rows = [{key: value for key, value in asdict(entry).items() if value} for entry in entries]
    text = yaml.safe_dump(rows, allow_unicode=True, sort_keys=False, width=1000)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as part:
            part.write(text)
        os.chmod(name, 0o644)
        os.replace(name, file)
    finally:
        Path(name).unlink(missing_ok=True)
