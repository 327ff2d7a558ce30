"""Why a file that somebody named cannot be read, as a sentence that says what to do."""

from __future__ import annotations

from pathlib import Path


def why(file: Path, wanted: str, error: OSError) -> str:
    """``wanted`` is what it should have been, "berkas WAV"."""
    match error:
        case FileNotFoundError() | NotADirectoryError():
            return f"Berkas {file} tidak ada. Periksa nama dan foldernya."
        case IsADirectoryError():
            return f"{file} adalah folder. Sebutkan {wanted} di dalamnya."
        case PermissionError():
            return f"Berkas {file} tidak boleh dibaca oleh pengguna ini. Beri izin membacanya."
    return f"Berkas {file} tidak dapat dibaca (galat sistem {error.errno}). Salin ulang berkasnya."
