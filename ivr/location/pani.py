"""The cell that a call came in by, from P-Access-Network-Info (RFC 7315, 3GPP TS 24.229 7.2A.4).

One header may tell of several accesses, separated by commas; only what the network wrote itself
(``network-provided``) is read, because a phone can write anything. The cell's name is letters and
digits of fixed lengths, two- or three-digit network codes apart; what does not fit is junk, and junk is
common: zeros, an IMSI, half a value.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from ivr.location.cells import Cell, CellTable, Radio, Tower
from ivr.location.placed import Told, placed
from ivr.location.received import kept
from ivr.location.source import PANI, Asked
from routing.model import Location

LONGEST = 4096
MOST_CELLS = 4
HOME = 510
"""The country code (MCC) of Indonesia. At the coast phones also hear Malaysia's networks."""
MOST_SURE = 0.6
MOST_RENUMBERED = 0.45
SMALLEST_M = 500.0
WIDEST_M = 50_000.0

log = structlog.get_logger(__name__)

_ACCESS: tuple[tuple[str, Radio, str, int, int], ...] = (
    # the access begins with, radio, the parameter, hex digits of the area and of the cell
    ("3gpp-geran", "GSM", "cgi-3gpp", 4, 4),
    ("3gpp-utran", "UMTS", "utran-cell-id-3gpp", 4, 7),
    ("3gpp-e-utran", "LTE", "utran-cell-id-3gpp", 4, 7),
    ("3gpp-nr", "NR", "utran-cell-id-3gpp", 6, 9),
)
_PIECE = re.compile(r'(?:[^",;]|"(?:[^"\\]|\\.)*(?:"|\\?\Z))+|[,;]', re.DOTALL)
# a quote that is not closed goes on to the end: nothing after it can be trusted to be a parameter


class Pani:
    """The cell that the network names, where the cell table knows it."""

    name = "pani"
    deadline_s = 2.0

    def __init__(self, table: CellTable) -> None:
        self._table = table
        # threads of its own: a disk that hangs must not take those that calls need elsewhere
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="cells")

    async def find(self, asked: Asked) -> Sequence[Location]:
        """One location for each cell told. A cell that no table knows is kept without a place."""
        text = asked.signalling.get(PANI, "").strip()
        told = cells(text)
        if text and not told:
            log.info("pani_no_cell", length=len(text), pii_received=kept(text, 40))
        if not told:
            return ()
        towers = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: [self._table.find(cell) for cell in told]
        )
        raw = kept(text)
        return [
            _location(cell, tower, raw, asked) for cell, tower in zip(told, towers, strict=True)
        ]


def _location(cell: Cell, tower: Tower | None, raw: str, asked: Asked) -> Location:
    text = f"sel {cell.radio} {cell.mcc}-{cell.mnc:02} {cell.area}/{cell.cell}"
    if cell.mcc != HOME:
        text += ", jaringan luar negeri"
    told = Told(source=Pani.name, method="cell", text=text, raw=raw)
    if tower is None:
        return told.unplaced()
    radius = min(max(tower.range_m, SMALLEST_M), WIDEST_M)
    at_most = MOST_RENUMBERED if tower.renumbered else MOST_SURE
    return placed(told, asked.geography, tower.lat, tower.lon, radius, at_most=at_most)


def cells(text: str) -> tuple[Cell, ...]:
    """The cells that the network itself names in a header's value, each once, in its order."""
    found: dict[Cell, None] = {}
    for access, parameters in _accesses(text[:LONGEST]):
        names = dict(parameters)
        if "network-provided" not in names:
            continue
        for begins, radio, parameter, area, cell in _ACCESS:
            if re.fullmatch(rf"{begins}(-[a-z0-9-]+)?", access) and parameter in names:
                read = _cell(radio, names[parameter], area, cell)
                if read is not None:
                    found[read] = None
    return tuple(found)[:MOST_CELLS]


def _accesses(text: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Each access with its parameters, names in small letters; commas inside quotes do not count."""
    spec: list[str] = []
    for piece in (*_PIECE.findall(text), ","):
        if piece == ",":
            if spec:
                yield spec[0].lower(), [_parameter(each) for each in spec[1:]]
            spec = []
        elif piece != ";" and piece.strip():
            spec.append(piece.strip())


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip().strip('"').strip()


def _cell(radio: Radio, text: str, area: int, cell: int) -> Cell | None:
    """MCC (3 digits), MNC (2 or 3), area and cell (hex digits, so many)."""
    network = len(text) - area - cell
    if network not in (5, 6) or not re.fullmatch(r"[0-9]{5}[0-9a-fA-F]+", text):
        return None
    if not re.fullmatch("[0-9]+", text[:network]):
        return None
    read = Cell(
        radio=radio,
        mcc=int(text[:3]),
        mnc=int(text[3:network]),
        area=int(text[network : network + area], 16),
        cell=int(text[network + area :], 16),
    )
    return read if read.mcc >= 200 and read.area and read.cell else None
