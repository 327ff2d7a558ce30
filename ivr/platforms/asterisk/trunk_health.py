"""How a trunk stands, by what Asterisk and the machine say of it, and what to do about it. Pure.

Text that says nothing, or that cannot be read, is never taken for good news.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ivr.platforms.asterisk.reachability import OUTCOME_S, aor_of_trunk
from routing.directory import PLACEHOLDER, is_unset
from routing.model import Trunk

Grade = Literal["baik", "perhatikan", "salah"]

PUBLISH = "Sesudah itu: ./siaga publish."
AGAIN = "Sesudah itu: ./siaga down, lalu ./siaga up --detach."
"""Without another version, a password is read only when the engine is started."""

RESULTS = {
    "answered": "dijawab",
    "busy": "sibuk",
    "no_answer": "tidak diangkat",
    "declined": "ditolak",
    "cancelled": "dibatalkan",
    "failed": "GAGAL",
}

_CONTACT = re.compile(
    r"^[ \t]*Contact:[ \t]+([^/\s]+)/(\S+)[ \t]+\S+[ \t]+(\S+)[ \t]+(\S+)[ \t]*$", re.MULTILINE
)
_REGISTRATION = re.compile(
    r"^[ \t]*([a-z0-9-]+)/sip:\S+[ \t]+\S+[ \t]+(Registered|Rejected|Unregistered|Stopped)\b",
    re.MULTILINE,
)
_REFUSED = re.compile(
    r"^\[([^\]]+)\] WARNING\[[^\]]*\] res_pjsip_outbound_registration\.c: "
    r"(?:\w+ response '(?P<code>[0-9]{3})'|(?P<forbidden>403) Forbidden fatal response"
    r"|(?P<none>No response)) received from '[^']*' on registration attempt to '(?P<client>[^']*)'",
    re.MULTILINE,
)
_WRONG_PASSWORD = re.compile(
    r"^\[([^\]]+)\] NOTICE\[[^\]]*\] \S+: Request 'REGISTER' from '[^'\n]*<sip:(?P<login>[^@'\n]+)@[^'\n]*' "
    r"failed for '(?P<peer>[^'\n]+)' [^\n]* - Failed to authenticate",
    re.MULTILINE,
)
_OUTCOME = re.compile(r"^[ \t]*SIAGA_TRUNK_([a-z0-9-]+)=(.*)$", re.MULTILINE)
_OUTCOME_WORDS = re.compile(r"([a-z_]+) (\S+) ([0-9]{1,12})")


@dataclass(frozen=True, slots=True)
class Seen:
    """What was asked and answered. A text is None where Asterisk did not answer."""

    contacts: str | None  # pjsip show contacts, after a qualify
    registrations: str | None  # pjsip show registrations
    endpoint: str | None  # pjsip show endpoint NAME
    variables: str | None  # dialplan show globals
    log: str  # the end of Asterisk's log
    password_trouble: str | None
    resolves: bool  # its name has an address
    refused: bool  # the machine there says that nothing listens on the port
    away: bool  # the address is not one of this machine
    since: float  # when Asterisk was started (epoch seconds)
    now: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a trunk. ``code`` never changes."""

    code: str
    grade: Grade
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the last call over a trunk ended."""

    result: str
    cause: str
    at: float


@dataclass(frozen=True, slots=True)
class Health:
    """Everything that is said of one trunk."""

    trunk: str
    findings: tuple[Finding, ...]
    round_trip_ms: float | None = None
    last_call: Outcome | None = None

    @property
    def well(self) -> bool:
        return not any(finding.grade == "salah" for finding in self.findings)


def not_running(name: str) -> Health:
    """Nothing can be said of a trunk while nothing runs."""
    message = "Mesin tidak berjalan, jadi trunk tidak dapat diuji. Mulai dengan ./siaga up --detach"
    return Health(name, (Finding("not-running", "salah", message),))


def judge(trunk: Trunk, seen: Seen) -> Health:
    """What stands in the way of a call over this trunk, the first cause first."""
    if is_unset(trunk):
        key = "host" if trunk.host.startswith(PLACEHOLDER) else "login"
        message = f"`{key}` masih {PLACEHOLDER}… di trunks.yaml. Isi dulu. {PUBLISH}"
        return _alone(trunk, "unset", message)
    if seen.password_trouble is not None:
        return _alone(trunk, "password", f"{seen.password_trouble} {AGAIN}")
    if None in (seen.contacts, seen.registrations, seen.endpoint, seen.variables):
        message = "Asterisk tidak menjawab. Lihat ./siaga status, lalu ulangi."
        return _alone(trunk, "asterisk-silent", message)
    if not is_known(seen.endpoint, trunk):
        message = (
            "Mesin yang berjalan belum mengenal trunk ini. Jalankan ./siaga publish. Bila sandinya ditulis "
            "sesudah mesin menyala: ./siaga down, lalu ./siaga up --detach."
        )
        return _alone(trunk, "not-loaded", message)
    if not seen.resolves:
        message = f"Nama `{trunk.host}` tidak ditemukan. Periksa ejaannya di trunks.yaml, dan DNS mesin ini."
        return _alone(trunk, "no-address", message)
    answers, round_trip_ms = _answers(trunk, seen)
    findings = [answers]
    if trunk.register == "out":
        findings.append(_registered(trunk, seen))
    outcome, remark = _last_call(trunk, seen)
    if remark is not None:
        findings.append(remark)
    findings.sort(key=lambda finding: finding.grade != "salah")
    return Health(trunk.name, tuple(findings), round_trip_ms, outcome)


def is_known(endpoint: str | None, trunk: Trunk) -> bool:
    """Whether the running Asterisk knows this trunk, by ``pjsip show endpoint``."""
    return f"Endpoint:  {trunk.name} " in (endpoint or "")


def registration(text: str | None, name: str) -> str | None:
    """The state of our registration over this trunk, in Asterisk's word."""
    return next((state for one, state in _REGISTRATION.findall(text or "") if one == name), None)


def contact(text: str | None, trunk: Trunk) -> tuple[str, str, str] | None:
    """Address, state and round trip of the peer, in Asterisk's words; None where it has no address."""
    found = (rest for aor, *rest in _CONTACT.findall(text or "") if aor == aor_of_trunk(trunk))
    return next(((uri, state, trip) for uri, state, trip in found), None)


def _alone(trunk: Trunk, code: str, message: str) -> Health:
    return Health(trunk.name, (Finding(code, "salah", message),))


def _answers(trunk: Trunk, seen: Seen) -> tuple[Finding, float | None]:
    found = contact(seen.contacts, trunk)
    if found is None and trunk.register == "in":
        return _not_registered(trunk, seen), None
    uri, state, trip = found or ("", "", "")
    where = uri.removeprefix("sip:").rpartition("@")[2] or trunk.host
    if state == "Avail" and re.fullmatch(r"[0-9]+\.[0-9]+", trip):
        milliseconds = float(trip)
        said = f"{milliseconds:.1f}".replace(".", ",")
        who = f"Sudah mendaftar dari {where} dan" if trunk.register == "in" else f"{where}"
        message = f"{who} menjawab OPTIONS dalam {said} ms."
        return Finding("answers", "baik", message), milliseconds
    if trunk.register == "in":
        message = (
            f"Perangkat `{trunk.login}` pernah mendaftar dari {where}, tetapi sekarang tidak menjawab. "
            "Periksa listrik dan jaringannya; bila alamatnya berganti, tunggu ia mendaftar lagi."
        )
        return Finding("gateway-silent", "salah", message), None
    if seen.refused:
        message = (
            f"{where} menolak: mesinnya hidup, tetapi tidak ada layanan SIP (UDP) di porta itu. "
            "Periksa porta di `host`, dan apakah layanan SIP di sana berjalan."
        )
        return Finding("refused", "salah", message), None
    message = f"{where} diam: tidak ada jawaban OPTIONS dalam 2 detik. "
    if seen.away:
        message += (
            "Alamat itu di luar mesin ini, sedangkan Asterisk hanya memakai 127.0.0.1; "
            "lihat batasan di docs/trunks.md."
        )
    else:
        message += (
            "Periksa alamatnya, kabel dan firewall, dan apakah alamat IP kita diizinkan di sana."
        )
    return Finding("silent", "salah", message), None


def _not_registered(trunk: Trunk, seen: Seen) -> Finding:
    tries = [m for m in _WRONG_PASSWORD.finditer(seen.log) if m["login"] == trunk.login]
    if tries:
        message = (
            f"Perangkat di {tries[-1]['peer']} mencoba mendaftar sebagai `{trunk.login}` dengan sandi "
            f"yang salah (terakhir {_clock(tries[-1][1])}). Samakan sandinya di perangkat dan di sini."
        )
        return Finding("gateway-wrong-password", "salah", message)
    since = _moment(seen.since)
    message = (
        f"Belum ada perangkat yang mendaftar sebagai `{trunk.login}`; mesin menyala sejak {since}. Isi di "
        "perangkat: alamat dan porta SIP mesin ini, login itu, dan sandinya; lalu periksa jaringannya."
    )
    return Finding("gateway-not-registered", "salah", message)


def _registered(trunk: Trunk, seen: Seen) -> Finding:
    state = registration(seen.registrations, trunk.name)
    if state == "Registered":
        message = f"Terdaftar di {trunk.host} sebagai `{trunk.login}`."
        return Finding("registered", "baik", message)
    client = f"sip:{trunk.login}@{trunk.host}"
    tries = [m for m in _REFUSED.finditer(seen.log) if m["client"] == client]
    last = tries[-1] if tries else None
    if state in (None, "Unregistered") or last is None or last["none"]:
        message = (
            f"Pendaftaran ke {trunk.host} belum dijawab. Periksa alamat dan porta pendaftaran."
        )
        return Finding("registration-unanswered", "salah", message)
    code = last["code"] or last["forbidden"]
    when = _clock(last[1])
    if code in ("401", "407"):
        said = f"Sandi `{trunk.login}` ditolak oleh {trunk.host} ({code}, {when})."
        message = f"{said} Tulis sandi yang benar. {AGAIN}"
    elif code == "403":
        message = (
            f"Pendaftaran `{trunk.login}` dilarang oleh {trunk.host} (403, {when}): login atau sandi salah, "
            f"akun diblokir, atau alamat IP kita tidak diizinkan. Tanyakan ke penyedia. {AGAIN}"
        )
    elif code == "404":
        said = f"Login `{trunk.login}` tidak dikenal di {trunk.host} (404, {when})."
        message = f"{said} Perbaiki `login`. {PUBLISH}"
    else:
        message = (
            f"Pendaftaran `{trunk.login}` ditolak oleh {trunk.host} dengan kode {code} ({when}). "
            "Tanyakan artinya ke penyedia."
        )
    return Finding("registration-refused", "salah", message)


def _last_call(trunk: Trunk, seen: Seen) -> tuple[Outcome | None, Finding | None]:
    told = [value for name, value in _OUTCOME.findall(seen.variables or "") if name == trunk.name]
    if not told:
        return None, None
    words = _OUTCOME_WORDS.fullmatch(told[-1].strip())
    if words is None:
        message = "Hasil panggilan terakhir tidak terbaca."
        return None, Finding("last-call-unreadable", "perhatikan", message)
    outcome = Outcome(words[1], words[2], float(words[3]))
    if outcome.result == "failed" and seen.now - outcome.at < OUTCOME_S:
        message = (
            f"Panggilan terakhir lewat sini gagal ({outcome.cause}) kurang dari semenit lalu, walaupun "
            "lawannya menjawab. Coba panggil nomor uji, dan tanyakan ke pihak sana bila gagal lagi."
        )
        return outcome, Finding("last-call-failed", "perhatikan", message)
    return outcome, None


def _clock(stamp: str) -> str:
    """A moment of Asterisk's log as people say it."""
    try:
        return _moment(datetime.fromisoformat(stamp).timestamp())
    except ValueError:
        return stamp


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at):%d-%m-%Y %H:%M:%S}"


def describe(health: Health) -> str:
    """The same for a person."""
    lines = [f"{health.trunk}: {'BAIK' if health.well else 'TIDAK DAPAT DIPAKAI'}"]
    lines += [f"  {finding.grade}: {finding.message}" for finding in health.findings]
    if health.last_call is not None:
        call = health.last_call
        said = RESULTS.get(call.result, call.result)
        lines.append(f"  panggilan terakhir: {said} ({call.cause}), {_moment(call.at)}")
    return "\n".join(lines)
