"""The net between the controller and the floor: one process of a call's own, one menu, one key.

    python -m ivr.platforms.asterisk.rescue SNAPSHOT.json

Asterisk starts it as ``rescue.agi`` when the controller did not finish and did not come back. It
asks nothing that the channel already knows, takes its answers from a file that was written when the
call's version was published, and leaves the same variables and the same token as the controller would.

Rules for whoever edits this file. It shares nothing with other calls, so it cannot be down: no
network, no database, no import that is not needed, for its start is time that a caller waits. Every
fault ends in an exit without the token, and extensions then ring a person. Nothing a caller sent,
not even the number, goes to stderr: that is Asterisk's console.
"""

from __future__ import annotations

import io
import json
import re
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from asterisk.agi import AGI, AGIError, AGIHangup

KNOWN = "SHARED(SIAGA_TOLD)"
SHOWN = "SIAGA_SHOWN"
TOKEN = "SIAGA_DONE"  # noqa: S105 (the name of a channel variable)
KEYS = "0123456789*#"
KECAMATAN = 8
"""The code of a kecamatan is so long (14.03.09); that of a desa begins with it."""

_VALUE = re.compile(r"200 result=1 \((.*)\)\s*", re.DOTALL)
_KEY = re.compile(r"200 result=(-?\d+)\b")


class RescueAgi(AGI):  # type: ignore[misc]
    """pyst2's AGI for a script that Asterisk starts, with what is unsafe in it mended.

    Quotes and backslashes are escaped and line ends refused, so that no value becomes a command;
    a closed pipe, the HANGUP line and a dead channel (511) are the end of the call; nothing is
    written to stderr. A value may hold parentheses and the word ``hangup``.
    """

    def __init__(self, stdin: io.TextIOBase | Any, stdout: io.TextIOBase | Any) -> None:
        super().__init__(stdin, stdout, io.StringIO())

    def _get_agi_env(self) -> None:
        """Read what Asterisk says of the call; an end before the blank line ends the call."""
        while (line := str(self.stdin.readline())).strip():
            name, _, value = line.partition(":")
            self.env[name.strip()] = value.strip()
        if not line:
            raise AGIHangup("the call is over")

    def _quote(self, string: object) -> str:
        text = str(string)
        if re.search(r"[\r\n\0]", text):
            raise ValueError("a line end or NUL in an argument")
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def send_command(self, command: str, *arguments: object) -> None:
        """One line, every argument already quoted."""
        self.stdout.write(" ".join((command, *map(str, arguments))) + "\n")
        self.stdout.flush()

    def get_result(self, stdin: object = None) -> str:
        """The answer's line; raises AGIHangup where there is nobody any more, else AGIError."""
        line = str(self.stdin.readline())
        if not line or line.startswith(("HANGUP", "511")):
            raise AGIHangup("the call is over")
        if not line.startswith("200"):
            raise AGIError("refused by Asterisk")
        return line

    def variable(self, name: str) -> str:
        """The value of a channel variable; empty where there is none."""
        found = _VALUE.fullmatch(self.execute("GET VARIABLE", self._quote(name)))
        return str(found[1]) if found else ""

    def set(self, name: str, value: str) -> None:
        """Set a channel variable."""
        self.execute("SET VARIABLE", self._quote(name), self._quote(value))

    def ask(self, prompt: str, seconds: float) -> str:
        """Play, and take one key: while it plays, or within ``seconds`` after it."""
        if prompt:
            said = self.execute("STREAM FILE", self._quote(prompt), self._quote(KEYS))
            if key := _key(said):
                return key
        return _key(self.execute("WAIT FOR DIGIT", self._quote(int(seconds * 1000))))


def rescue(agi: RescueAgi, snapshot: Mapping[str, Any]) -> bool:
    """Find targets for this call and leave them with the token. False: a person, then."""
    call_id = str(agi.env["agi_uniqueid"])
    left = agi.variable("SIAGA_TARGETS")
    if not (left.isdigit() and int(left) > 0):  # else the controller got as far as its list
        variables = _decided(agi, snapshot)
        if variables is None:
            return False
        for name, value in variables.items():
            agi.set(name, value)
    agi.set(TOKEN, call_id)
    return True


def _decided(agi: RescueAgi, snapshot: Mapping[str, Any]) -> Mapping[str, str] | None:
    incident, place = agi.variable("SIAGA_INCIDENT"), agi.variable("SIAGA_PLACE")
    menu = snapshot["menu"]
    if not incident and menu is not None:
        incident = menu["keys"].get(agi.ask(menu["prompt"], menu["seconds"]), "")
        if incident:
            agi.set("SIAGA_INCIDENT", incident)
    by_place = snapshot["targets"].get(incident, {})
    kecamatan = place[:KECAMATAN]  # a desa has no list of its own
    variables: Mapping[str, str] | None = by_place.get(kecamatan) or by_place.get("")
    if not variables or variables["SIAGA_TARGETS"] == "0":
        return None
    told = agi.variable(KNOWN) if place else ""
    return _as_told(variables, told, snapshot.get("doubt", ""))  # older versions know no doubt


def _as_told(variables: Mapping[str, str], told: str, doubt: str) -> Mapping[str, str]:
    """What the caller told, in the words in which it is known: a guessed place is no fact, and whoever
    is rung for it hears that first."""
    exact, whisper = variables.get(KNOWN, ""), variables.get("SIAGA_WHISPER", "")
    if not told or not exact or not whisper.startswith(exact):
        return variables
    left = {name: value for name, value in variables.items() if name != SHOWN}
    before = doubt + told.removesuffix(doubt) if told.endswith(doubt) else told
    return {**left, KNOWN: told, "SIAGA_WHISPER": before + whisper.removeprefix(exact)}


def _key(answer: str) -> str:
    found = _KEY.match(answer)
    key = chr(int(found[1])) if found and int(found[1]) > 0 else ""
    return key if key in KEYS else ""


def main() -> int:
    """Run for the call on stdin and stdout; the exit code is of interest to tests alone."""

    def interrupted(number: int, frame: FrameType | None) -> None:
        raise AGIHangup("hung up")

    try:
        snapshot = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
        # A name that a caller's network sent is any bytes at all; no locale may stumble over it.
        stdin = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace", newline="\n")
        agi = RescueAgi(stdin, sys.stdout)
        signal.signal(signal.SIGHUP, interrupted)  # how Asterisk tells a script of a hang-up
        return 0 if rescue(agi, snapshot) else 1
    except Exception as error:  # whatever it is, people's phones are rung without us
        print(f"rescue.agi: {type(error).__name__}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
