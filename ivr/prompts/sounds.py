"""Where the audio of a sentence lies.

Three places are asked in this order: a human recording (a person's voice wins), the built audio
that is shipped, and what was built on this machine. A file is named after its sentence, so the old
audio of a changed sentence is never found. A recording that a telephone cannot play as it is (44.1
kHz, stereo) counts once `build` has put a converted copy in the local folder; until then the built
voice is heard. A missing or broken file is no file: the next place is asked.
"""

from __future__ import annotations

import hashlib
import wave
from dataclasses import dataclass
from pathlib import Path

import yaml

from ivr.flow.prompt import Prompt

HUMAN = "human"
HOLD_LOOP = "hold-loop"
MANIFEST = "manifest.yaml"


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
    """One line of a manifest: what was read aloud, by which voice, how long it is."""

    name: str
    text: str
    voice: str
    seconds: float


class Sounds:
    """The three folders of one language. Looking up costs a few file reads, each done once."""

    def __init__(self, recordings: Path, shipped: Path, local: Path) -> None:
        self.recordings = recordings.absolute()
        self.shipped = shipped.absolute()
        self.local = local.absolute()
        self._seen: dict[Path, tuple[int, float]] = {}
        self._manifests: dict[Path, tuple[int, dict[str, Built]]] = {}

    def find(self, prompt: Prompt) -> Sound | None:
        """The audio of a sentence, or None when nobody has spoken it yet."""
        return self.human(prompt) or self.synthetic(prompt)

    def human(self, prompt: Prompt) -> Sound | None:
        """The human recording of a sentence, or its converted copy."""
        recording = self.recording(prompt)
        if recording is None:
            return None
        return self._playable(recording, HUMAN) or self._playable(self.copy_of(recording), HUMAN)

    def synthetic(self, prompt: Prompt) -> Sound | None:
        """The built audio of a sentence: shipped, or made on this machine."""
        return self._built(prompt.name, prompt.text)

    def hold_loop(self, phrase: Prompt) -> Sound | None:
        """What a waiting caller hears again and again, made of this very phrase as it sounds now."""
        return self._built(HOLD_LOOP, self.hold_text(phrase))

    def hold_text(self, phrase: Prompt) -> str:
        """What the manifest says of the loop: it changes when a person records the phrase anew."""
        recording = self.recording(phrase)
        return phrase.text if recording is None else f"{phrase.text} [{_digest(recording)}]"

    def recording(self, prompt: Prompt) -> Path | None:
        """The file that a person recorded, whatever its form."""
        file = self.recordings / f"{prompt.name}.wav"
        return file if file.is_file() else None

    def copy_of(self, recording: Path) -> Path:
        """Where the converted copy lies. A new recording has a new name: no stale copy is played."""
        return self.local / f"{recording.stem}-{_digest(recording)}.wav"

    def manifest(self, folder: Path) -> dict[str, Built]:
        """What was built into a folder, by name. An unreadable manifest is an empty one."""
        file = folder / MANIFEST
        try:
            changed = file.stat().st_mtime_ns
            if folder not in self._manifests or self._manifests[folder][0] != changed:
                rows = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506
                lines = [Built(**row) for row in rows]
                self._manifests[folder] = (changed, {line.name: line for line in lines})
        except (OSError, TypeError, yaml.YAMLError):
            return {}
        return self._manifests[folder][1]

    def _built(self, name: str, text: str) -> Sound | None:
        for folder in (self.shipped, self.local):
            line = self.manifest(folder).get(name)
            if line and line.text == text:
                sound = self._playable(folder / f"{name}.wav", line.voice)
                if sound:
                    return sound
        return None

    def _playable(self, file: Path, voice: str) -> Sound | None:
        """A file that Asterisk plays as it is: 8 kHz, mono, 16 bit, and not empty."""
        try:
            changed = file.stat().st_mtime_ns
            if self._seen.get(file, (0, 0.0))[0] != changed:
                with wave.open(str(file)) as audio:
                    fit = audio.getparams()[:3] == (1, 2, 8000)
                    seconds = audio.getnframes() / 8000 if fit else 0.0
                self._seen[file] = (changed, seconds)
        except (OSError, EOFError, wave.Error):
            return None
        seconds = self._seen[file][1]
        return Sound(str(file.with_suffix("")), seconds, voice) if seconds else None


_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster where it is compiled in


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:8]
