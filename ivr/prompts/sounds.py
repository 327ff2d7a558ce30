"""Where the audio of a sentence lies.

Three places are asked in this order: a human recording (a person's voice wins), the built audio
that is shipped, and what was built on this machine. A file is named after its sentence, so the old
audio of a changed sentence is never found. A recording that is not fit for a telephone as it is
(44.1 kHz, stereo, too quiet) gets a converted copy in the local folder by `build`. A missing or
broken file is no file: the next place is asked. Built audio that says a word otherwise than the
lexicon does now is asked last: it is better than silence.
"""

from __future__ import annotations

import hashlib
import re
import wave
from dataclasses import dataclass
from pathlib import Path

import yaml

from ivr.flow.prompt import Prompt
from ivr.prompts.lexicon import Lexicon
from ivr.prompts.spoken import for_espeak

HUMAN = "human"
UNKNOWN = "unknown"  # the voice of a file that no manifest mentions
HOLD_LOOP = "hold-loop"
MANIFEST = "manifest.yaml"
FORMS = (".wav", ".flac", ".aiff", ".aif", ".m4a", ".ogg", ".opus", ".mp3")
"""In which people deliver recordings; the first is preferred."""

_NAME = re.compile(r"[a-z0-9-]*[0-9a-f]{8}")  # what Prompt.name may look like


@dataclass(frozen=True, slots=True)
class Sound:
    """A file that can be played. ``path`` has no extension: that is how Asterisk wants it."""

    path: str
    seconds: float
    voice: str

    @property
    def file(self) -> Path:
        return Path(f"{self.path}.wav")


@dataclass(frozen=True, slots=True)
class Built:
    """One entry of a manifest: what was read aloud, by which voice, how long it is.

    ``said`` is the sentence as the lexicon had it read; empty when no lexicon had a part in it.
    """

    name: str
    text: str
    voice: str
    seconds: float
    said: str = ""

    def outdated(self, now: str) -> bool:
        """Would the lexicon have it said otherwise now? What it does not know of, it leaves."""
        return bool(self.said and now) and self.said != now


class Sounds:
    """The three folders of one language. A file is read once for each of its versions.

    Without a lexicon, no built audio is out of date.
    """

    def __init__(
        self, recordings: Path, shipped: Path, local: Path, lexicon: Lexicon | None = None
    ) -> None:
        self._lexicon = lexicon
        self.recordings = recordings.absolute()
        self.shipped = shipped.absolute()
        self.local = local.absolute()
        self._seconds: dict[Path, tuple[int, float]] = {}
        self._digests: dict[Path, tuple[int, str]] = {}
        self._manifests: dict[Path, tuple[int, dict[str, Built]]] = {}

    def find(self, prompt: Prompt) -> Sound | None:
        """The audio of a sentence, or None when nobody has spoken it yet."""
        return self.human(prompt) or self.synthetic(prompt)

    def human(self, prompt: Prompt) -> Sound | None:
        """The human recording of a sentence, or its converted copy."""
        recording = self.recording(prompt)
        if recording is None:
            return None
        copy = self._playable(self.copy_of(recording), HUMAN)
        if copy is None and recording.suffix == ".wav":
            return self._playable(recording, HUMAN)
        return copy

    def synthetic(self, prompt: Prompt) -> Sound | None:
        """The built audio of a sentence: shipped, or made on this machine."""
        return _current(self._built(prompt))

    def outdated(self, prompt: Prompt) -> bool:
        """Is it heard in built audio, and none of it says the sentence as the lexicon does now?"""
        built = self._built(prompt)
        return bool(built) and all(old for _, old in built) and self.human(prompt) is None

    def said(self, prompt: Prompt) -> str:
        """The sentence as the lexicon has it read; empty where no lexicon has a part in it."""
        if self._lexicon is None or prompt.language:
            return ""
        return for_espeak(prompt.text, self._lexicon)

    def hold_loop(self, phrase: Prompt) -> Sound | None:
        """What a waiting caller hears again and again, made of this phrase as it is spoken now."""
        now, found = self.said(phrase), []
        for folder in (self.shipped, self.local):
            entry = self.manifest(folder).get(HOLD_LOOP)
            if entry and entry.text == self.hold_text(phrase):
                sound = self._playable(folder / f"{HOLD_LOOP}.wav", entry.voice)
                found += [(sound, entry.outdated(now))] if sound else []
        return _current(found)

    def hold_text(self, phrase: Prompt) -> str:
        """What a manifest says of the loop: it changes when a person records the phrase anew."""
        recording = self.recording(phrase)
        return phrase.text if recording is None else f"{phrase.text} [{self._digest(recording)}]"

    def recording(self, prompt: Prompt) -> Path | None:
        """The file that a person recorded, whatever its form; of several, the form that lost least."""
        files = [f for f in self.recordings.glob(f"{prompt.name}.*") if f.suffix.lower() in FORMS]
        return min(files, key=lambda f: (FORMS.index(f.suffix.lower()), f.name), default=None)

    def nameless(self) -> list[Path]:
        """Files among the recordings that no sentence will ever find: another name or form."""
        if not self.recordings.is_dir():
            return []
        return [
            file
            for file in sorted(self.recordings.iterdir())
            if not file.name.startswith(".")
            and not (_NAME.fullmatch(file.stem) and file.suffix.lower() in FORMS)
        ]

    def copy_of(self, recording: Path) -> Path:
        """Where its converted copy lies. A new recording has a new one: no stale copy is played."""
        return self.local / f"{recording.stem}-{self._digest(recording)}.wav"

    def manifest(self, folder: Path) -> dict[str, Built]:
        """What was built into a folder, by name. An unreadable manifest counts as an empty one."""
        file = folder / MANIFEST
        try:
            changed = file.stat().st_mtime_ns
            if self._manifests.get(folder, (0, {}))[0] != changed:
                rows = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506
                entries = {row["name"]: Built(**row) for row in rows}
                self._manifests[folder] = (changed, entries)
        except (OSError, TypeError, KeyError, ValueError, yaml.YAMLError):
            return {}
        return self._manifests[folder][1]

    def _built(self, prompt: Prompt) -> list[tuple[Sound, bool]]:
        """Each playable file of a sentence, and whether the lexicon has changed since."""
        now = self.said(prompt)
        found = []
        for folder in (self.shipped, self.local):
            entry = self.manifest(folder).get(prompt.name)
            file = folder / f"{prompt.name}.wav"
            if sound := self._playable(file, entry.voice if entry else UNKNOWN):
                found.append((sound, entry is not None and entry.outdated(now)))
        return found

    def _playable(self, file: Path, voice: str) -> Sound | None:
        """A file that Asterisk plays as it is: 8 kHz, mono, 16 bit, and not empty."""
        try:
            changed = file.stat().st_mtime_ns
            if self._seconds.get(file, (0, 0.0))[0] != changed:
                self._seconds[file] = (changed, _seconds(file))
        except (OSError, EOFError, wave.Error):
            return None
        seconds = self._seconds[file][1]
        return Sound(str(file.with_suffix("")), seconds, voice) if seconds else None

    def _digest(self, file: Path) -> str:
        changed = file.stat().st_mtime_ns
        if self._digests.get(file, (0, ""))[0] != changed:
            self._digests[file] = (changed, hashlib.sha256(file.read_bytes()).hexdigest()[:8])
        return self._digests[file][1]


def _current(built: list[tuple[Sound, bool]]) -> Sound | None:
    """The first that is not outdated, else the first, if there is any."""
    return min(built, key=lambda one: one[1])[0] if built else None


def _seconds(file: Path) -> float:
    """How long Asterisk would play it; 0 for what it cannot play. Plain PCM has the tag 1."""
    with file.open("rb") as raw:
        plain = raw.read(22)[20:] == b"\1\0"
        size = raw.seek(0, 2) - 44
        raw.seek(0)
        with wave.open(raw) as audio:
            fit = plain and audio.getparams()[:3] == (1, 2, 8000)
            return min(audio.getnframes(), size // 2) / 8000 if fit else 0.0


_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster where it is compiled in
