"""A deployment small enough to read in a test: two menus, two areas, one fire post."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ivr.flow.events import CallOffered
from ivr.flow.loader import FILES, NEEDED_PHRASES, load
from ivr.flow.model import Dialplan
from routing.model import Directory, Location

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "dialplans" / "bengkalis"

DIALPLAN = """\
name: 112 Kecil
mode: latihan
human_by: 0s
defaults: {tries: 2, wait: 4s}
start: sambutan
steps:
  sambutan:
    say: Anda terhubung ke 112.
    then: kejadian
  kejadian:
    menu: Kebakaran tekan 1, lainnya 5. Atau tetap di telepon.
    options:
      1: {incident: kebakaran, words: [api], then: tempat}
      5: {words: [lainnya], then: lainnya}
  lainnya:
    menu: Hewan liar tekan 1. Atau tetap di telepon.
    options:
      1: {incident: hewan-liar, then: tempat}
  tempat:
    ask_place: [wilayah, kecamatan]
    then: instansi
  instansi:
    connect: routes
    whisper: "{incident}, {place}. Tekan 1 untuk menerima."
"""

PLACES = """\
wilayah:
  prompt: Duri tekan 1, Pinggir 2.
  areas:
    1:
      name: Duri
      prompt: Mandau tekan 1, Bathin Solapan 2.
      kecamatan: {1: "14.03.09", 2: "14.03.16"}
    2:
      name: Kota Pinggir
      prompt: Pinggir tekan 1.
      kecamatan: {1: "14.03.13"}
kecamatan:
  "14.03.09": {name: Mandau, block: daratan, points: [[1.253, 101.303]]}
  "14.03.13": {name: Pinggir, block: daratan, points: [[1.127, 101.186]]}
  "14.03.16": {name: Bathin Solapan, block: daratan, points: [[1.325, 101.075]]}
"""

AGENCIES = """\
damkar-mandau:
  name: Pos Damkar Mandau
  handles: [kebakaran, hewan-liar]
  covers: [Mandau, Bathin Solapan]
  contacts:
    - {via: damkar-sip, number: "101", accept: answer}
    - {via: jasnita, number: ISI-NOMOR, ring: 15s, accept: press}
"""

TRUNKS = """\
keluar:
  damkar-sip: {host: ISI-ALAMAT, channels: 2}
  jasnita: {host: ISI-ALAMAT, channels: 2}
  pusat-sip: {host: ISI-ALAMAT, channels: 2}
masuk:
  telkomsel: {addresses: ["127.0.0.2"]}
"""

OPERATORS = """\
pusat: {name: Operator 112, contacts: [{via: pusat-sip, number: ISI-NOMOR}]}
cadangan: {name: Telepon cadangan, contacts: [{via: jasnita, number: ISI-NOMOR}]}
"""

PHRASES = "".join(f'"{key}": Kalimat {key}.\n' for key in NEEDED_PHRASES)

FILE_TEXTS: Mapping[str, str] = {
    "dialplan.yaml": DIALPLAN,
    "places.yaml": PLACES,
    "agencies.yaml": AGENCIES,
    "trunks.yaml": TRUNKS,
    "operators.yaml": OPERATORS,
    "prompts/id.yaml": PHRASES,
}


def small(**changed: str) -> tuple[Dialplan, Directory]:
    """The small deployment, loaded; ``dialplan="…"`` replaces one file's text."""
    loaded = load(with_files(**changed))
    assert loaded.dialplan is not None, loaded.faults
    assert loaded.directory is not None
    return loaded.dialplan, loaded.directory


def with_files(**changed: str) -> dict[str, str]:
    """The texts of the small deployment with some of them replaced, by name without ending."""
    names = {name.removesuffix(".yaml").rpartition("/")[2]: name for name in FILE_TEXTS}
    return {**FILE_TEXTS, **{names[key]: text for key, text in changed.items()}}


def shipped_files() -> dict[str, str]:
    """The texts of the deployment that is shipped."""
    return {
        name: ((ROOT if "/" in name else SHIPPED) / name).read_text(encoding="utf-8")
        for name in FILES
    }


def shipped() -> tuple[Dialplan, Directory]:
    """The deployment that is shipped, loaded."""
    loaded = load(shipped_files())
    assert loaded.dialplan is not None, loaded.faults
    assert loaded.directory is not None
    return loaded.dialplan, loaded.directory


def offered(location: Location | None = None) -> CallOffered:
    """A call that comes in."""
    return CallOffered(
        call_id="1",
        at=1_750_000_000.0,
        caller="+6281276123456",
        dialled="112",
        trunk="telkomsel",
        case_number="BKS-1",
        dialplan_version="v1",
        location=location,
    )
