"""How a trunk stands, by what a real Asterisk 22 said, and the sentence it is told in."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.platforms.asterisk.trunk_health import Health, Outcome, Seen, describe, judge, not_running
from routing.model import Trunk

NOW = 1_795_493_270.0

# The texts are those of Asterisk 22.10.1, line for line.
CONTACTS = """
  Contact:  <Aor/ContactUri..............................> <Hash....> <Status> <RTT(ms)..>
==========================================================================================

  Contact:  asing/sip:127.0.0.7:58808                      872edf6263 Avail         0.656
  Contact:  daftar/sip:127.0.0.7:58808                     872edf6263 Avail         0.990
  Contact:  diam/sip:127.0.0.8:60714                       f9bd041133 Unavail        -nan
  Contact:  diamreg/sip:127.0.0.8:60714                    f9bd041133 Unavail        -nan
  Contact:  gsm-mandau/sip:gsm-mandau@127.0.0.7:58808      329f2f439d Avail         0.744
  Contact:  gsm-pinggir/sip:gsm-pinggir@127.0.0.7:58808    329f2f439d Unavail        -nan
  Contact:  ip/sip:127.0.0.7:58808                         872edf6263 Avail         1.020
  Contact:  baru/sip:127.0.0.7:58808                       872edf6263 NonQual        -nan
  Contact:  namareg/sip:tidak-ada.invalid                  5fdea385fc Unavail        -nan
  Contact:  salah/sip:127.0.0.7:58808                      872edf6263 Avail         1.086

Objects found: 10
"""
REGISTRATIONS = """
 <Registration/ServerURI..............................>  <Auth....................>  <Status.......>
==========================================================================================

 asing/sip:127.0.0.7:58808                               asing                       Rejected          (exp. 23s)
 daftar/sip:127.0.0.7:58808                              daftar                      Registered        (exp. 252s)
 diamreg/sip:127.0.0.8:60714                             diamreg                     Unregistered      (exp. 5s ago)
 namareg/sip:tidak-ada.invalid                           namareg                     Rejected          (exp. 7s)
 salah/sip:127.0.0.7:58808                               salah                       Rejected          (exp. 8s)

Objects found: 5
"""  # noqa: E501 (as Asterisk wrote it)
LOG = """\
[2026-11-24T04:07:10.618+0000] NOTICE[23739] indications.c: Setting default indication country to 'id'
[2026-11-24T04:07:12.191+0000] WARNING[23774] res_pjsip_outbound_registration.c: 403 Forbidden fatal response received from 'sip:127.0.0.7:58808' on registration attempt to 'sip:0766999@127.0.0.7:58808', retrying in '60' seconds
[2026-11-24T04:07:33.004+0000] WARNING[23773] res_pjsip_outbound_authenticator_digest.c: noendpoint:127.0.0.7: Authentication credentials not accepted by server. Credential failed to authenticate (PJSIP_EFAILEDCREDENTIAL)
[2026-11-24T04:07:41.695+0000] WARNING[23773] res_pjsip_outbound_registration.c: No response received from 'sip:tidak-ada.invalid' on registration attempt to 'sip:x@tidak-ada.invalid', retrying in '15'
[2026-11-24T04:07:42.198+0000] WARNING[23773] res_pjsip_outbound_registration.c: Temporal response '401' received from 'sip:127.0.0.7:58808' on registration attempt to 'sip:0766112000@127.0.0.7:58808', retrying in '15'
[2026-11-24T04:07:46.878+0000] WARNING[23773] res_pjsip_registrar.c: Endpoint 'anonymous' (127.0.0.8:48057) has no configured AORs
[2026-11-24T04:07:46.880+0000] NOTICE[23773] res_pjsip/pjsip_distributor.c: Request 'REGISTER' from '<sip:gsm2@127.0.0.1>' failed for '127.0.0.8:41835' (callid: 1795493266.880615) - Failed to authenticate
"""  # noqa: E501 (as Asterisk wrote it)
NO_VARIABLES = "\n    -- 0 variable(s)\n"

REGISTERED = Trunk("daftar", "127.0.0.7:58808", register="out", login="0766112000")
WRONG = replace(REGISTERED, name="salah")
FORBIDDEN = replace(REGISTERED, name="asing", login="0766999")
BY_ADDRESS = Trunk("ip", "127.0.0.7:58808")
SILENT = Trunk("diam", "127.0.0.8:60714")
GATEWAY = Trunk("gsm", "", register="in", login="gsm-mandau")


def endpoint(trunk: Trunk) -> str:
    return f"\n Endpoint:  {trunk.name:<52} Not in use    0 of inf\n        Aor:  x   1\n"


def seen(trunk: Trunk, **changed: object) -> Seen:
    said: dict[str, object] = {
        "contacts": CONTACTS,
        "registrations": REGISTRATIONS,
        "endpoint": endpoint(trunk),
        "variables": NO_VARIABLES,
        "log": LOG,
        "password_trouble": None,
        "resolves": True,
        "refused": False,
        "away": False,
        "since": NOW - 60,
        "now": NOW,
    }
    return Seen(**{**said, **changed})  # type: ignore[arg-type]


def health(trunk: Trunk, **changed: object) -> Health:
    return judge(trunk, seen(trunk, **changed))


def codes(found: Health) -> list[str]:
    return [finding.code for finding in found.findings]


def first(found: Health) -> tuple[str, str]:
    return found.findings[0].code, found.findings[0].message


def test_a_trunk_that_is_well_says_how_quickly_the_peer_answered() -> None:
    found = health(BY_ADDRESS)
    assert (found.well, found.round_trip_ms, codes(found)) == (True, 1.02, ["answers"])
    assert "127.0.0.7:58808 menjawab OPTIONS dalam 1,0 ms." in describe(found)
    assert codes(health(REGISTERED)) == ["answers", "registered"]
    gateway = health(GATEWAY)
    assert gateway.well
    assert "Sudah mendaftar dari 127.0.0.7:58808" in describe(gateway)


@pytest.mark.parametrize(
    ("trunk", "changed", "code", "words"),
    [
        (replace(BY_ADDRESS, host="ISI-ALAMAT"), {}, "unset", "`host` masih ISI-"),
        (replace(BY_ADDRESS, host="ISI-ALAMAT"), {}, "unset", "./siaga publish"),
        (replace(GATEWAY, login="ISI-LOGIN"), {}, "unset", "`login` masih ISI-"),
        (REGISTERED, {"password_trouble": "Sandi belum ada."}, "password", "Sandi belum ada."),
        (BY_ADDRESS, {"endpoint": "Unable to find object ip.\n"}, "not-loaded", "./siaga down"),
        (BY_ADDRESS, {"endpoint": "Unable to find object ip.\n"}, "not-loaded", "./siaga publish"),
        (replace(BY_ADDRESS, host="x.invalid"), {"resolves": False}, "no-address", "`x.invalid`"),
        (SILENT, {}, "silent", "127.0.0.8:60714 diam"),
        (SILENT, {}, "silent", "firewall"),
        (SILENT, {"away": True}, "silent", "di luar mesin ini"),
        (SILENT, {"refused": True}, "refused", "127.0.0.8:60714 menolak"),
        (replace(BY_ADDRESS, name="baru"), {}, "silent", "diam"),
        (replace(GATEWAY, login="gsm-pinggir"), {}, "gateway-silent", "sekarang tidak menjawab"),
        (replace(GATEWAY, login="gsm3"), {}, "gateway-not-registered", "mesin menyala sejak"),
        (replace(GATEWAY, login="gsm2"), {}, "gateway-wrong-password", "127.0.0.8:41835"),
        (WRONG, {}, "registration-refused", "Sandi `0766112000` ditolak"),
        (FORBIDDEN, {}, "registration-refused", "Pendaftaran `0766999` dilarang"),
        (BY_ADDRESS, {"contacts": None}, "asterisk-silent", "Asterisk tidak menjawab"),
        (BY_ADDRESS, {"variables": None}, "asterisk-silent", "Asterisk tidak menjawab"),
    ],
)  # fmt: skip
def test_each_trouble_has_a_sentence_of_its_own(
    trunk: Trunk, changed: dict[str, object], code: str, words: str
) -> None:
    found = health(trunk, **changed)
    assert not found.well
    assert first(found)[0] == code
    assert words in first(found)[1]
    assert describe(found).startswith(f"{trunk.name}: TIDAK DAPAT DIPAKAI")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("401", "Tulis sandi yang benar"),
        ("407", "Tulis sandi yang benar"),
        ("403", "dilarang"),
        ("404", "Login `0766112000` tidak dikenal"),
        ("503", "dengan kode 503"),
    ],
)
def test_what_the_provider_answered_to_the_registration_decides_what_to_do(
    code: str, words: str
) -> None:
    log = LOG.replace("Temporal response '401'", f"Fatal response '{code}'")
    assert words in first(health(WRONG, log=log))[1]


def test_the_last_answer_to_a_registration_counts() -> None:
    later = LOG.splitlines()[4].replace("'401'", "'404'")
    assert "404" in first(health(WRONG, log=f"{LOG}{later}\n"))[1]


def test_a_registration_without_an_answer_is_told_after_the_silence_that_causes_it() -> None:
    unanswered = Trunk("diamreg", "127.0.0.8:60714", register="out", login="x")
    assert codes(health(unanswered)) == ["silent", "registration-unanswered"]
    never = Trunk("namareg", "tidak-ada.invalid", register="out", login="x")
    assert "registration-unanswered" in codes(health(never))


def test_a_registration_that_nothing_is_said_of_is_none() -> None:
    found = health(REGISTERED, registrations="No objects found.\n")
    assert (found.well, first(found)[0]) == (False, "registration-unanswered")


def variables(value: str, name: str = "ip") -> str:
    return f"   SIAGA_TRUNK_{name}={value}\n\n    -- 1 variable(s)\n"


def test_a_failure_of_the_last_minute_is_a_warning_and_an_older_one_only_shown() -> None:
    fresh = health(BY_ADDRESS, variables=variables(f"failed CHANUNAVAIL-20 {NOW - 5:.0f}"))
    assert fresh.well, "the peer answers: a warning, and no verdict"
    assert codes(fresh) == ["answers", "last-call-failed"]
    assert "CHANUNAVAIL-20" in describe(fresh)
    old = health(BY_ADDRESS, variables=variables(f"failed CHANUNAVAIL-20 {NOW - 61:.0f}"))
    assert codes(old) == ["answers"]
    assert old.last_call == Outcome("failed", "CHANUNAVAIL-20", NOW - 61)
    good = health(BY_ADDRESS, variables=variables(f"answered ANSWER-16 {NOW - 5:.0f}"))
    assert codes(good) == ["answers"]
    assert "panggilan terakhir: dijawab (ANSWER-16)" in describe(good)


def test_the_last_call_of_another_trunk_is_not_ours() -> None:
    found = health(BY_ADDRESS, variables=variables(f"failed X-1 {NOW:.0f}", "ip-lain"))
    assert (codes(found), found.last_call) == (["answers"], None)


@pytest.mark.parametrize("value", ["", "failed", "failed CHANUNAVAIL-20", "failed a b c", "x y -1"])
def test_an_outcome_that_cannot_be_read_is_said_to_be_so(value: str) -> None:
    found = health(BY_ADDRESS, variables=variables(value))
    assert (codes(found), found.last_call) == (["answers", "last-call-unreadable"], None)


def test_moments_are_told_in_the_time_of_this_machine() -> None:
    said = first(health(replace(GATEWAY, login="gsm2")))[1]
    assert time.strftime("%d-%m-%Y %H:%M:%S", time.localtime(1_795_493_266)) in said


def test_without_an_engine_it_says_how_to_start_one() -> None:
    found = not_running("ip")
    assert (found.well, first(found)[0]) == (False, "not-running")
    assert "./siaga up" in describe(found)


PIECES = st.sampled_from([
    "Contact:", "ip/", "sip:x", "Avail", "nan", "1.2", " Endpoint:  ip ", "SIAGA_TRUNK_ip=", "failed",
    "daftar/sip:x y Registered", "9" * 30, "\u0663", " ", "\n", "\x00", "[", "] WARNING[1] ",
])  # fmt: skip
NEARLY = st.lists(PIECES | st.text(max_size=3)).map("".join)


@given(NEARLY, NEARLY, NEARLY, NEARLY)
def test_no_text_breaks_it(contacts: str, registrations: str, variables: str, log: str) -> None:
    for trunk in (BY_ADDRESS, REGISTERED, GATEWAY):
        found = health(
            trunk, contacts=contacts, registrations=registrations, variables=variables, log=log
        )
        assert found.findings
        assert describe(found)
