"""A prompt is a sentence; its audio file is named after the sentence itself.

A changed sentence therefore never plays an old recording: it has another name until it is built.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_NOT_WORD = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Prompt:
    """One sentence (or fragment) to be said to somebody.

    ``language`` is empty for the dialplan's first language. ``recording`` is empty but for what the
    caller said at the step of that name: then the platform knows the sound, and ``text`` only says so.
    """

    text: str
    language: str = ""
    recording: str = ""

    @property
    def name(self) -> str:
        """The stem of its audio file: the first words, and eight hex digits of SHA-256 of the text;
        before them the language, unless it is the first one.

        >>> Prompt("Anda terhubung ke 112 Bengkalis.").name
        'anda-terhubung-ke-112-bengkalis-d288203b'
        """
        words = _NOT_WORD.sub("-", self.text.lower()).strip("-")[:40].strip("-")
        digest = hashlib.sha256(self.text.encode()).hexdigest()[:8]
        return "-".join(part for part in (self.language, words, digest) if part)
