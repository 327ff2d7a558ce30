"""What a measurement says: rates by voice, kind and condition, times and work, as JSON and for people. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ivr.speech.manifest import SILENT_KINDS
from ivr.speech.measure import CLEAN, Measured
from ivr.speech.verdicts import Rates, percentile, rates

ANSWER_EVERY_S = 10.0
"""A caller in the dialogue says something this often at most: a question takes its time."""

GROUPS = {
    "keyword": "menu",
    "carrier": "menu",
    "yes_no": "yes_no",
    "digits": "digits",
    "kecamatan": "kecamatan",
    "desa": "desa",
    "oov": "oov",
    "non_speech": "non_speech",
}
_NAMES = {
    "menu": "menu (kata dan kalimat)",
    "yes_no": "ya/tidak",
    "digits": "angka",
    "kecamatan": "kecamatan",
    "desa": "desa",
    "oov": "ucapan lain",
    "non_speech": "bukan ucapan",
}

_CONDITIONS = {
    "clean": "bersih",
    "20 dB": "bising 20 dB",
    "10 dB": "bising 10 dB",
    "5 dB": "bising 5 dB",
    "5 % lost": "5 % paket hilang",
    "10 % lost": "10 % paket hilang",
}

By = Callable[[Measured], str]


def _condition(one: Measured) -> str:
    return one.condition


def group(one: Measured) -> str:
    """Kinds that one promise is made of; a recording without a kind counts by its question."""
    return GROUPS.get(one.row.kind, one.row.menu)


def to_json(
    machine: str, engine: str, ours: Sequence[Measured], peer: Sequence[Measured]
) -> dict[str, Any]:
    """The cases that others read, and the details behind them."""
    return {
        "machine": machine,
        "engine": engine,
        "cases": list(_cases(ours, peer)),
        "details": [
            {"voice": voice, "kind": kind, "condition": condition, **asdict(found)}
            for (voice, kind, condition), found in _table(
                ours, lambda one: one.row.voice, group, _condition
            ).items()
        ],
    }


def describe(machine: str, engine: str, ours: Sequence[Measured], peer: Sequence[Measured]) -> str:
    """Two tables and what else there is to say, in Indonesian."""
    clean = [one for one in ours if one.condition == CLEAN.name]
    lines = [f"{engine} pada {machine}", "", "Tiap suara, saluran bersih (persen):", _HEAD]
    lines += _rows(clean, lambda one: one.row.voice)
    lines += ["", "Semua suara, tiap keadaan saluran (persen):", _HEAD]
    lines += _rows(ours, _condition)
    if peer:
        lines += ["", "Pembanding: Whisper polos, saluran bersih (persen):", _HEAD]
        lines += _rows(peer, _condition)
    lines.append("")
    for case in _times(ours, peer):
        name, unit = _SAID[case["name"]]
        other = f" (Whisper polos {case['peer']})" if case["peer"] is not None else ""
        lines.append(f"{name}: {case['ours']} {unit}{other}")
    return "\n".join(lines)


_HEAD = f"  {'':44}  jumlah   tepat  salah  ditanya  ulang"
"""Right or asked about; acted on and wrong; asked about; not understood."""

_MEDIAN, _SLOW = "end of speech to answer, p50", "end of speech to answer, p95"
_WORK = "work for an utterance"
_CALLERS = f"callers of a core, each answering every {ANSWER_EVERY_S:.0f} s"
_SAID = {
    _MEDIAN: ("Dari akhir ucapan sampai jawaban, separuhnya paling lama", "milidetik"),
    _SLOW: ("Dari akhir ucapan sampai jawaban, 95 persennya paling lama", "milidetik"),
    _WORK: ("Kerja satu inti untuk satu ucapan", "detik"),
    _CALLERS: (
        f"Penelepon yang tertampung satu inti, masing-masing menjawab tiap {ANSWER_EVERY_S:.0f} detik",
        "orang",
    ),
}


def _rows(measured: Sequence[Measured], by: By) -> Iterable[str]:
    for (one, kind), found in _table(measured, by, group).items():
        shares = (found.accuracy, found.wrong_accepted, found.asked, found.again)
        right, wrong, asked, again = (f"{100 * share:.1f}" for share in shares)
        if kind in SILENT_KINDS:
            right = "-"  # there is nothing to be right about
        name = f"{_CONDITIONS.get(one, one)}, {_NAMES.get(kind, kind)}"
        yield f"  {name:44}  {found.count:6}  {right:>6}  {wrong:>5}  {asked:>7}  {again:>5}"


def _table(measured: Iterable[Measured], *by: By) -> Mapping[tuple[str, ...], Rates]:
    """The rates of every group that ``by`` tells apart, in the order of their first member."""
    found: dict[tuple[str, ...], list[Measured]] = {}
    for one in measured:
        found.setdefault(tuple(name(one) for name in by), []).append(one)
    return {key: rates(one.verdict for one in members) for key, members in found.items()}


def _cases(ours: Sequence[Measured], peer: Sequence[Measured]) -> Iterable[dict[str, Any]]:
    by_peer = _table(peer, group, _condition)
    for (kind, condition), found in _table(ours, group, _condition).items():
        other = by_peer.get((kind, condition))
        if kind in SILENT_KINDS:
            yield _case(
                f"false accept, {kind}, {condition}",
                found.wrong_accepted,
                other.wrong_accepted if other else None,
                "share",
            )
        else:
            yield _case(
                f"accuracy, {kind}, {condition}",
                found.accuracy,
                other.accuracy if other else None,
                "share",
            )
    spoken = [one for one in ours if one.row.kind not in SILENT_KINDS]
    spoken_peer = [one for one in peer if one.row.kind not in SILENT_KINDS]
    wrong_peer = _table(spoken_peer, _condition)
    for (condition,), found in _table(spoken, _condition).items():
        other = wrong_peer.get((condition,))
        for name in ("wrong_accepted", "asked", "again"):
            share = getattr(found, name)
            theirs = getattr(other, name) if other else None
            yield _case(f"{name.replace('_', ' ')}, {condition}", share, theirs, "share")
    places = [
        one.place_verdict for one in ours if one.place_verdict and one.condition == CLEAN.name
    ]
    if places:
        yield _case("place in a sentence, clean", rates(places).accuracy, None, "share")
    yield from _times(ours, peer)


def _times(ours: Sequence[Measured], peer: Sequence[Measured]) -> Iterable[dict[str, Any]]:
    """Of speech on a clean line."""
    spoken, spoken_peer = (
        [one for one in each if one.condition == CLEAN.name and one.row.kind != "non_speech"]
        for each in (ours, peer)
    )
    after, after_peer = (
        [1000 * one.after_s for one in each if one.after_s is not None]
        for each in (spoken, spoken_peer)
    )
    for name, share in ((_MEDIAN, 0.5), (_SLOW, 0.95)):
        theirs = round(percentile(after_peer, share)) if after_peer else None
        yield _case(name, round(percentile(after, share)), theirs, "ms")
    work, work_peer = (
        round(sum(one.work_s for one in each) / len(each), 3) if each else None
        for each in (spoken, spoken_peer)
    )
    if work:
        yield _case(_WORK, work, work_peer, "s of a core")
        callers = round(ANSWER_EVERY_S / work_peer, 1) if work_peer else None
        yield _case(_CALLERS, round(ANSWER_EVERY_S / work, 1), callers, "callers")


def _case(name: str, ours: float, peer: float | None, unit: str) -> dict[str, Any]:
    ratio = round(ours / peer, 3) if peer else None
    return {"name": name, "ours": ours, "peer": peer, "ratio": ratio, "unit": unit}
