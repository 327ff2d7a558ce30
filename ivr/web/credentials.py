"""What proves that a report is to be believed: one file each in ``$SIAGA_HOME/secrets``.

They are read anew for every report, so that a key that is written or changed counts at once.
"""

from __future__ import annotations

from pathlib import Path

LONGEST = 1024
SHORTEST = 16
"""Bytes; a key that can be guessed lets anybody move a caller."""


class Unusable(Exception):
    """There is nothing that could be believed; the text says why, for the log."""


def read(file: Path) -> bytes:
    """The one line of the file, without the line's end; raises Unusable."""
    try:
        if file.stat().st_mode & 0o077:
            raise Unusable(f"others may read it; chmod 600 {file}")
        text = file.read_bytes()[: LONGEST + 3].rstrip(b"\r\n")
    except FileNotFoundError:
        raise Unusable("there is none") from None
    except OSError as error:
        raise Unusable(error.strerror or "it cannot be read") from error
    if not SHORTEST <= len(text) <= LONGEST or b"\n" in text:
        raise Unusable(f"it is not one line of {SHORTEST} to {LONGEST} bytes")
    return text
