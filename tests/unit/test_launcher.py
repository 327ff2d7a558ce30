"""The launcher says in one sentence what a machine lacks."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from ivr.config import PROJECT


def launch(folder: Path, python: str) -> subprocess.CompletedProcess[str]:
    for name in ("siaga", "pyproject.toml"):
        shutil.copy(PROJECT / name, folder / name)
    return subprocess.run(
        (str(folder / "siaga"), "status"),
        env={**os.environ, "SIAGA_PYTHON": python},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_machine_without_a_fit_python_is_told_which_one_is_needed(tmp_path: Path) -> None:
    done = launch(tmp_path, "/nonexistent/python3")
    assert done.returncode == 2
    assert "Python 3.11" in done.stderr


def test_a_python_without_venv_is_told_which_package_to_install(tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text(
        "#!/bin/sh\n"
        'case "$*" in -c*) exit 0;; esac\n'
        "echo 'The virtual environment was not created because ensurepip is not available.'\nexit 1\n"
    )
    python.chmod(0o755)
    done = launch(tmp_path, str(python))
    assert done.returncode == 2
    assert "python3-venv" in done.stderr
    assert not (tmp_path / ".venv").exists()
