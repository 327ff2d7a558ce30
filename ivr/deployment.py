"""One deployment read from its folder: texts, phrases, and a version that names exactly this content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ivr.config import PROJECT
from ivr.flow.translations import language_of

FILES = ("dialplan.yaml", "agencies.yaml", "trunks.yaml", "operators.yaml", "places.yaml")
OPTIONAL = ("calendar.yaml", "numbers.yaml", "areas.geojson")
PHRASES = "prompts/id.yaml"
TRANSLATIONS = "prompts"
"""A folder beside the dialplan, with a file for each other language."""


class DeploymentMissing(Exception):
    """There is no such folder, or the system does not let us read in it; the text says which."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The files of a deployment as text, by the name that faults will carry."""

    folder: Path
    files: dict[str, str]
    version: str


def read(folder: Path) -> Texts:
    """Read the folder's YAML files, its areas and the shared phrases, and nothing else that lies there.

    A file that is missing is left out, and bytes that are no text are kept as surrogates: the
    loader tells both as faults, with all the others. Raises DeploymentMissing.
    """
    if not folder.is_dir():
        raise DeploymentMissing(f"Folder daerah {folder} tidak ada.")
    sources = {name: folder / name for name in FILES}
    sources |= {name: folder / name for name in OPTIONAL if (folder / name).exists()}
    for path in sorted((folder / TRANSLATIONS).glob("*.yaml")):
        if language_of(f"{TRANSLATIONS}/{path.name}") is not None:
            sources[f"{TRANSLATIONS}/{path.name}"] = path
    sources[PHRASES] = PROJECT / PHRASES
    files: dict[str, str] = {}
    for name, path in sources.items():
        try:
            files[name] = path.read_bytes().decode("utf-8-sig", "surrogateescape")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise DeploymentMissing(f"Berkas {path} tidak terbaca: {error.strerror}.") from None
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{files[name]}\0".encode(errors="surrogateescape"))
    return Texts(folder, files, digest.hexdigest()[:12])


def unread(folder: Path) -> list[str]:
    """Files that look like translations and have no language's name, so that nobody reads them."""
    names = (f"{TRANSLATIONS}/{path.name}" for path in (folder / TRANSLATIONS).glob("[!.]*.y*ml"))
    return sorted(name for name in names if language_of(name) is None)
