"""``publish``: check a deployment, freeze it, and put it to use."""

from __future__ import annotations

import time
from collections.abc import Callable

from ivr import versions
from ivr.calls.published import DeploymentFaulty, of_texts
from ivr.changes import Changes, between
from ivr.commands import prompts
from ivr.commands.check import check_texts
from ivr.commands.history import Done, frozen
from ivr.config import Config
from ivr.deployment import Texts, read
from ivr.versions import Kind


def publish(
    config: Config,
    *,
    who: str,
    why: str,
    kind: Kind = "publish",
    tell: Callable[[str], None],
) -> Done:
    """Check and freeze the configured deployment, and make it the current version.

    Raises DeploymentMissing, or DeploymentFaulty with everything that stands against it. What is in
    use already is not activated again.
    """
    return publish_texts(config, read(config.deployment), who=who, why=why, kind=kind, tell=tell)


def publish_texts(
    config: Config, texts: Texts, *, who: str, why: str, kind: Kind, tell: Callable[[str], None]
) -> Done:
    """The same for a deployment that was read already."""
    published = of_texts(texts)
    prompts.complete(config, published, tell)
    report = check_texts(config, texts)
    if report.faults:
        raise DeploymentFaulty(report.faults)
    store, folder = config.published_dir, str(texts.folder)
    with versions.alone(store):
        version = versions.freeze(store, texts.files, prompts.sources(config, published))
        before = versions.current(store)
        # What only a save put to use is published now: by whom and why is still to be noted.
        noted = before is not None and not (kind == "publish" and before.kind == "saved")
        if noted and before and (before.version, before.folder) == (version, folder):
            return Done(before, Changes((), ()), report.warnings, new=False)
        since = next((a for a in versions.history(store) if a.version != version), None)
        changes = between(frozen(config, since), versions.read(store, version))
        made = versions.activate(
            store,
            version,
            kind=kind,
            who=who,
            why=why,
            folder=folder,
            changes=changes.summary,
        )
        try:
            versions.prune(store, time.time())
        except OSError as error:  # it is in use already; what is old may stay
            tell(f"PERINGATAN: versi yang sudah lama tidak terhapus ({error}).")
    return Done(made, changes, report.warnings)
