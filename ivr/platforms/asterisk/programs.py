"""Where Asterisk and its companions come from: the host's own, else a copy unpacked without root.

The copy is taken from Debian's packages, signatures checked by apt, into a folder outside the
clone, and runs there with its own loader, so the host's libc does not matter. It gets no security
updates by itself: it is for trying out. A production host installs Asterisk as a package.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SUITE = "forky"  # the first Debian suite that carries Asterisk 22
OLDEST_FIT = 20
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
FETCH_SECONDS = 900

MODULES = (
    "res_timing_timerfd",
    "res_sorcery_config",
    "res_sorcery_memory",
    "res_sorcery_astdb",
    "res_pjproject",
    "res_geolocation",
    "res_pjsip",
    "res_pjsip_session",
    "res_pjsip_pubsub",
    "res_pjsip_sdp_rtp",
    "res_pjsip_endpoint_identifier_ip",
    "res_pjsip_endpoint_identifier_user",
    "res_pjsip_endpoint_identifier_anonymous",
    "res_pjsip_authenticator_digest",
    "res_pjsip_outbound_authenticator_digest",
    "res_pjsip_outbound_registration",
    "res_pjsip_registrar",
    "res_pjsip_caller_id",
    "res_pjsip_header_funcs",
    "res_pjsip_history",
    "res_pjsip_dtmf_info",
    "res_pjsip_rfc3326",
    "res_pjsip_nat",
    "res_pjsip_geolocation",
    "res_rtp_asterisk",
    "chan_pjsip",
    "codec_alaw",
    "codec_ulaw",
    "format_pcm",
    "format_sln",
    "format_wav",
    "func_callerid",
    "func_channel",
    "func_cut",
    "func_dialplan",
    "func_global",
    "func_groupcount",
    "func_hangupcause",
    "func_lock",
    "func_logic",
    "func_strings",
    "func_talkdetect",
    "func_timeout",
    "func_uri",
    "res_http_websocket",
    "res_aeap",
    "res_speech",
    "res_speech_aeap",
    "res_agi",
    "res_musiconhold",
    "app_bridgeaddchan",
    "app_channelredirect",
    "app_dial",
    "app_exec",
    "app_mixmonitor",
    "app_originate",
    "app_playback",
    "app_read",
    "app_senddtmf",
    "app_stack",
    "app_userevent",
    "bridge_builtin_features",
    "bridge_native_rtp",
    "bridge_simple",
    "bridge_softmix",
    "res_cdrel_custom",
    "cel_custom",
    "pbx_config",
)
"""Loaded by name, in this order. A host's Asterisk is fit only if it has every one of them."""


class ProgramMissing(Exception):
    """A program cannot be had here; the text says what to do about it."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is fetched and unpacked together. ``instead`` tells what to do where it cannot be had."""

    folder: str
    title: str
    packages: tuple[str, ...]
    megabytes: int  # to fetch
    instead: str


PBX = Bundle(
    folder="pbx",
    title="Asterisk",
    packages=("asterisk", "espeak-ng", "sip-tester"),
    megabytes=90,
    instead="Pasang Asterisk 20 ke atas dari paket sistem Anda, lalu ulangi.",
)
DRAWING = Bundle(
    folder="graphviz",
    title="Graphviz",
    packages=("graphviz",),
    megabytes=26,
    instead="Pakai --mermaid, atau pasang Graphviz dari paket sistem Anda.",
)


@dataclass(frozen=True, slots=True)
class Asterisk:
    """One usable Asterisk: how to start it and where its modules lie."""

    command: tuple[str, ...]
    modules_dir: Path
    data_dir: Path
    version: str
    origin: str  # "host" or the folder it was unpacked into


def find_asterisk(tell: Callable[[str], None]) -> Asterisk:
    """The host's Asterisk if it is fit (20 or newer, all modules), else the unpacked one."""
    host = _host_asterisk()
    if host is not None:
        return host
    root = unpacked(PBX, tell)
    found = Asterisk(
        command=_in_root(root, "usr/sbin/asterisk"),
        modules_dir=root / "usr/lib" / _triplet() / "asterisk/modules",
        data_dir=root / "usr/share/asterisk",
        version="",
        origin=str(root),
    )
    version = _version(found.command)
    if version is None:
        raise ProgramMissing(
            f"Asterisk di {root} tidak dapat dijalankan. Hapus folder itu, lalu ulangi."
        )
    return Asterisk(found.command, found.modules_dir, found.data_dir, version, found.origin)


def tool(name: str, tell: Callable[[str], None] = lambda _: None) -> tuple[str, ...]:
    """The command prefix of ``sipp`` or ``espeak-ng``: the host's, else the unpacked one."""
    here = shutil.which(name)
    if here is not None:
        return (here,)
    root = unpacked(PBX, tell)
    command = _in_root(root, f"usr/bin/{name}")
    if name == "espeak-ng":
        return (*command, f"--path={root / 'usr/lib' / _triplet()}")
    return command


@dataclass(frozen=True, slots=True)
class Graphviz:
    """``dot``: its command, and what its environment must say beside the usual."""

    command: tuple[str, ...]
    environment: Mapping[str, str]


def find_graphviz(tell: Callable[[str], None]) -> Graphviz:
    """The host's ``dot``, else the unpacked one, which is told where its plugins lie."""
    here = shutil.which("dot")
    if here is not None:
        return Graphviz((here,), {})
    root = unpacked(DRAWING, tell)
    plugins = root / "usr/lib" / _triplet() / "graphviz"
    found = Graphviz(_in_root(root, "usr/bin/dot"), {"GVBINDIR": str(plugins)})
    if not any(
        plugins.glob("config*")
    ):  # the list of plugins, which the package makes when installed
        _run((*found.command, "-c"), "Graphviz tidak dapat disiapkan", found.environment)
    return found


def unpacked(bundle: Bundle, tell: Callable[[str], None]) -> Path:
    """The folder with the unpacked packages, made on first use."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "siaga112"
    root = base / f"{bundle.folder}-{SUITE}-{platform.machine()}-1"
    if root.is_dir():
        return root
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise ProgramMissing(
                f"Program {program} tidak ada, sehingga {bundle.title} tidak dapat diambil. "
                f"{bundle.instead}"
            )
    if not KEYRING.exists():
        raise ProgramMissing(
            f"Kunci arsip Debian ({KEYRING}) tidak ada, sehingga {bundle.title} tidak dapat "
            f"diambil. Pasang paket debian-archive-keyring. Atau: {bundle.instead}"
        )
    try:
        base.mkdir(parents=True, exist_ok=True)
        with _alone(base / "lock"):
            if not root.is_dir():
                _unpack_into(root, base, bundle, tell)
    except OSError as error:
        raise ProgramMissing(
            f"{bundle.title} tidak dapat disimpan di {base}: {error.strerror}."
        ) from error
    return root


def _unpack_into(root: Path, base: Path, bundle: Bundle, tell: Callable[[str], None]) -> None:
    with tempfile.TemporaryDirectory(dir=base, prefix="fetch-") as scratch:
        work = Path(scratch)
        archives = _download(work, bundle, tell)
        image = work / "root"
        image.mkdir()
        for number, archive in enumerate(archives, 1):
            if number % 30 == 0 or number == len(archives):
                tell(f"Membongkar paket {number} dari {len(archives)} …")
            _run(("dpkg-deb", "-x", str(archive), str(image)), "Paket tidak dapat dibongkar")
        image.rename(root)


def _download(work: Path, bundle: Bundle, tell: Callable[[str], None]) -> list[Path]:
    """Fetch the packages with a private apt state; signatures are checked as always."""
    for folder in ("lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True)
    (work / "status").touch()
    sources = work / "sources.list"
    options = {
        "Dir::Etc::SourceList": str(sources),
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State": str(work),
        "Dir::State::Lists": str(work / "lists"),
        "Dir::State::status": str(work / "status"),
        "Dir::Cache": str(work / "cache"),
        "Dir::Cache::Archives": str(work / "cache/archives"),
        "Debug::NoLocking": "1",
        "APT::Install-Recommends": "0",
        "APT::Sandbox::User": "",
        "Acquire::Retries": "3",
    }
    apt = [
        "apt-get",
        *(part for key, value in options.items() for part in ("-o", f"{key}={value}")),
    ]
    tell("Mengambil daftar paket Debian …")
    trouble = ""
    for mirror in _mirrors():
        sources.write_text(f"deb [signed-by={KEYRING}] {mirror} {SUITE} main\n")
        for extra in ((), ("-o", "Acquire::Check-Valid-Until=false")):
            if extra:
                tell("Daftar paket di cermin ini sudah lewat masanya; dicoba sekali lagi.")
            done = _apt((*apt, *extra, "update", "--error-on=any"))
            trouble = done.stderr.strip() or trouble
            if done.returncode == 0:
                break
        else:
            continue
        break
    else:
        raise ProgramMissing(
            f"{bundle.title} tidak dapat diambil dari cermin Debian mesin ini. Periksa jaringan. "
            f"Atau: {bundle.instead} Kata apt: {_last_line(trouble)}"
        )
    tell(f"Mengambil {', '.join(bundle.packages)} (sekitar {bundle.megabytes} MB) …")
    done = _apt((*apt, "-y", "--download-only", "install", *bundle.packages))
    if done.returncode != 0:
        raise ProgramMissing(
            f"Paket {bundle.title} gagal diambil. {bundle.instead} "
            f"Kata apt: {_last_line(done.stderr)}"
        )
    return sorted((work / "cache/archives").glob("*.deb"))


def _apt(command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=environment,
        timeout=FETCH_SECONDS,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def _mirrors() -> list[str]:
    """The Debian mirrors of the machine's own apt configuration, security archives left out."""
    listing = subprocess.run(
        ("apt-get", "indextargets", "--format", "$(SITE)"),  # noqa: S607 (found on PATH before)
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    sites = dict.fromkeys(line.strip() for line in listing.splitlines() if line.strip())
    return [site for site in sites if "debian" in site and "security" not in site]


def _host_asterisk() -> Asterisk | None:
    path = shutil.which("asterisk") or shutil.which("asterisk", path="/usr/sbin:/usr/local/sbin")
    if path is None:
        return None
    version = _version((path,))
    number = re.match(r"\d+", version or "")
    if version is None or number is None or int(number[0]) < OLDEST_FIT:
        return None
    for modules in (
        Path("/usr/lib") / _triplet() / "asterisk/modules",
        Path("/usr/lib/asterisk/modules"),
    ):
        if all((modules / f"{name}.so").exists() for name in MODULES):
            return Asterisk((path,), modules, Path("/usr/share/asterisk"), version, "host")
    return None


def _version(command: tuple[str, ...]) -> str | None:
    try:
        said = subprocess.run(
            (*command, "-V"), capture_output=True, text=True, timeout=20, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"Asterisk (\S+)", said)
    return found[1] if found else None


def _in_root(root: Path, program: str) -> tuple[str, ...]:
    """Run a program of the unpacked folder with the loader and the libraries of that folder."""
    loader = {
        "x86_64": "usr/lib64/ld-linux-x86-64.so.2",
        "aarch64": "usr/lib/ld-linux-aarch64.so.1",
    }
    machine = platform.machine()
    if machine not in loader:
        raise ProgramMissing(
            f"Untuk mesin {machine} tidak ada salinan Asterisk. Pasang Asterisk 20 ke atas dari paket."
        )
    libraries = root / "usr/lib" / _triplet()
    path = f"{libraries}:{libraries / 'pulseaudio'}"  # espeak-ng needs the second
    return (str(root / loader[machine]), "--library-path", path, str(root / program))


def _triplet() -> str:
    return f"{platform.machine()}-linux-gnu"


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Two clones that start at once fetch once."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(
    command: tuple[str, ...], trouble: str, environment: Mapping[str, str] | None = None
) -> None:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
        check=False,
    )
    if done.returncode != 0:
        raise ProgramMissing(f"{trouble}: {_last_line(done.stderr)}")


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "tanpa pesan."
