"""The deployment that calls run on: read, checked for faults, and frozen under its version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ivr.config import Config
from ivr.deployment import Texts, read
from ivr.flow.fault import Fault
from ivr.flow.loader import load as load_texts
from ivr.flow.model import Dialplan
from routing.model import Directory


class DeploymentFaulty(Exception):
    """The deployment cannot be used; every fault names its file and line."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Published:
    """A dialplan and its directory that belong together."""

    dialplan: Dialplan
    directory: Directory
    texts: Texts


def load(config: Config) -> Published:
    """Read the configured deployment; raises DeploymentMissing or DeploymentFaulty."""
    texts = read(config.deployment)
    loaded = load_texts(texts.files)
    if loaded.dialplan is None or loaded.directory is None or loaded.faults:
        raise DeploymentFaulty(loaded.faults)
    return Published(replace(loaded.dialplan, version=texts.version), loaded.directory, texts)
