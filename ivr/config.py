"""The only reader of the environment: where state lives, which ports are used.

Two engines with other homes and ports run side by side on one machine.
"""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
"""The checkout: where templates, dialplans and shipped prompts lie."""


class ConfigError(Exception):
    """A setting of the environment cannot be used; the text says which one and why."""


@dataclass(frozen=True, slots=True)
class SpeechSettings:
    """Which engines may listen. ``on`` is false where callers are to have keys only.

    The folders that an administrator named are tried first; ``cache`` is where a fetched model lies,
    for every checkout of this login.
    """

    on: bool
    whisper_model: Path | None
    vosk_model: Path | None
    cache: Path


@dataclass(frozen=True, slots=True)
class Config:
    """What a run of the engine needs to know about its machine. Ports are on loopback."""

    home: Path
    deployment: Path
    sip_port: int
    agi_port: int
    ami_port: int
    aeap_port: int
    ear_port: int
    web_port: int
    rtp_start: int
    rtp_end: int
    database_url: str
    notify_url: str | None
    ticket_url: str | None
    speech: SpeechSettings

    @property
    def journal_dir(self) -> Path:
        return self.home / "journal"

    @property
    def recordings_dir(self) -> Path:
        return self.home / "recordings"

    @property
    def built_prompts(self) -> Path:
        return self.home / "prompts"

    @property
    def published_dir(self) -> Path:
        return self.home / "published"

    @property
    def spool_dir(self) -> Path:
        """Where locations lie that came from outside a call, until the controller has read them."""
        return self.home / "spool" / "locations"

    @property
    def aml_key_file(self) -> Path:
        """The key with which phones' location reports are signed."""
        return self.home / "secrets" / "aml.key"

    @property
    def sms_token_file(self) -> Path:
        """What an SMS gateway must show before it is believed."""
        return self.home / "secrets" / "sms.token"

    @property
    def log_dir(self) -> Path:
        return self.home / "log"

    @property
    def dial(self) -> str:
        """Where a softphone on this machine calls."""
        return f"sip:112@127.0.0.1:{self.sip_port}"


def read(environment: Mapping[str, str] = os.environ, *, deployment: Path | None = None) -> Config:
    """Read every ``SIAGA_…`` setting; raises ConfigError with a sentence."""
    home = Path(environment.get("SIAGA_HOME") or PROJECT / "var").expanduser().absolute()
    rtp_start, rtp_end = _ports(environment.get("SIAGA_RTP_PORTS") or "20000-20999")
    return Config(
        home=home,
        deployment=(deployment or PROJECT / "dialplans" / "bengkalis").absolute(),
        sip_port=_port(environment, "SIAGA_SIP_PORT", 5060),
        agi_port=_port(environment, "SIAGA_AGI_PORT", 4573),
        ami_port=_port(environment, "SIAGA_AMI_PORT", 5038),
        aeap_port=_port(environment, "SIAGA_AEAP_PORT", 9099),
        ear_port=_port(environment, "SIAGA_EAR_PORT", 9098),
        web_port=_port(environment, "SIAGA_WEB_PORT", 8112),
        rtp_start=rtp_start,
        rtp_end=rtp_end,
        database_url=environment.get("SIAGA_DATABASE_URL") or f"sqlite:///{home / 'siaga.db'}",
        notify_url=_web_address(environment, "SIAGA_NOTIFY_URL"),
        ticket_url=_web_address(environment, "SIAGA_TICKET_URL"),
        speech=_speech(environment),
    )


def who(environment: Mapping[str, str] = os.environ) -> str:
    """Whoever gives the command: ``SIAGA_WHO``, else the name of the login."""
    if environment.get("SIAGA_WHO"):
        return environment["SIAGA_WHO"]
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def _speech(environment: Mapping[str, str]) -> SpeechSettings:
    on = environment.get("SIAGA_SPEECH") or "on"
    if on not in ("on", "off"):
        raise ConfigError(f"SIAGA_SPEECH={on!r} tidak dikenal. Pakai on atau off.")
    caches = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return SpeechSettings(
        on=on == "on",
        whisper_model=_folder(environment, "SIAGA_WHISPER_MODEL"),
        vosk_model=_folder(environment, "SIAGA_VOSK_MODEL"),
        cache=caches / "siaga112",
    )


def _folder(environment: Mapping[str, str], name: str) -> Path | None:
    text = environment.get(name)
    return Path(text).expanduser().absolute() if text else None


def _web_address(environment: Mapping[str, str], name: str) -> str | None:
    text = environment.get(name)
    if text and not re.fullmatch(r"https?://[^\s/@]+(/\S*)?", text):
        raise ConfigError(f"{name} bukan alamat http:// atau https:// tanpa nama dan sandi.")
    return text or None


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise ConfigError(f"{name}={text!r} bukan nomor porta. Pakai angka 1 sampai 65535.")
    return int(text)


def _ports(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    if dash and first.isdigit() and last.isdigit() and 1024 <= int(first) < int(last) <= 65535:
        return int(first), int(last)
    raise ConfigError(f"SIAGA_RTP_PORTS={text!r} bukan rentang porta. Contoh: 20000-20999.")
