"""The passwords of trunks: one file a trunk in ``$SIAGA_HOME/secrets``, never in a deployment.

A trunk that registers, or that is registered with, is left out of Asterisk's configuration while its
password cannot be used: a dial over it then fails at once and the next way is tried, nothing is sent
to the provider without a password, and nobody can register in the gateway's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ivr.config import Config
from routing.directory import is_unset
from routing.model import Trunk

LONGEST = 128


class PasswordUnusable(Exception):
    """There is no password, or not one that can be used; the text says what to do."""


def password_file(config: Config, name: str) -> Path:
    """Where the password of a trunk lies."""
    return config.home / "secrets" / f"trunk-{name}"


def password(config: Config, name: str) -> str:
    """The password of a trunk; raises PasswordUnusable."""
    file = password_file(config, name)
    try:
        if file.stat().st_mode & 0o077:
            raise PasswordUnusable(
                f"Berkas sandi {file} dapat dibaca orang lain. Jalankan: chmod 600 {file}"
            )
        text = file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise PasswordUnusable(
            f"Sandi trunk `{name}` belum ada. Tulis satu baris di {file} dengan izin 0600; "
            "caranya di docs/trunks.md."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise PasswordUnusable(
            f"Berkas sandi {file} tidak dapat dibaca: {getattr(error, 'strerror', None) or 'bukan teks'}."
        ) from error
    if not text or len(text) > LONGEST or not text.isprintable():
        raise PasswordUnusable(
            f"Berkas sandi {file} harus berisi tepat satu baris, 1 sampai {LONGEST} tanda. Tulis ulang."
        )
    return text


def without_password(config: Config, trunks: Mapping[str, Trunk]) -> dict[str, str]:
    """The trunks that cannot be used for want of a password, each with the sentence that says so."""
    found = {}
    for name, trunk in trunks.items():
        if trunk.register == "no" or is_unset(trunk):
            continue
        try:
            password(config, name)
        except PasswordUnusable as error:
            found[name] = str(error)
    return found
