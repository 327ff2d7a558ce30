"""The picture of the shipped dialplan, drawn by a real Graphviz."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from laboratory import Engine
from small_deployment import shipped


def test_the_drawing_of_the_shipped_dialplan_shows_every_step(
    own_home: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "alur.svg"
    done = own_home.run("diagram", str(own_home.deployment), "--output", str(file), seconds=600)
    assert done.returncode == 0, done.stderr
    root = ET.fromstring(file.read_text(encoding="utf-8"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = {element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")}
    names = {text.split(" (")[0] for text in texts if text.endswith(")")}
    assert names == set(shipped()[0].steps)
    assert "“Anda terhubung ke 112" in texts
