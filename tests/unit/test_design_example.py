"""The example by which the language was designed loads as it was written there."""

from __future__ import annotations

from small_deployment import shipped_files

from ivr.flow.loader import load

DIALPLAN = """\
# dialplan.yaml
name: 112 Kabupaten Bengkalis
mode: latihan              # latihan: agencies without a contact are played by the machine | operasional
human_by: 0s               # an operator's phone rings from the first second, while the dialogue runs
defaults: {tries: 2, wait: 4s}          # otherwise: operator; 0, or "tolong", reaches the operator everywhere
start: sambutan
steps:
  sambutan:
    say: Anda terhubung ke 112 Bengkalis. Jangan tutup telepon.
    then: kejadian
  kejadian:
    menu: Kebakaran tekan 1, kecelakaan 2, sakit 3, kejahatan 4, lainnya 5. Atau tetap di telepon.
    options:
      1: {incident: kebakaran, words: [kebakaran, api, asap], then: tempat}
      5: {words: [lainnya], then: lainnya}
  tempat:
    ask_place: [wilayah, kecamatan]     # five areas named after towns, then the kecamatan; places.yaml
    then: instansi                      # an unknown place goes on too
  instansi:
    connect: routes                     # from agencies.yaml; see ./siaga explain
    whisper: "{incident}, {place}. Tekan 1 untuk menerima, 2 bila tidak bisa."
"""
OTHER = """\
  lainnya:
    operator: Mohon tunggu.
"""
"""The example is cut short: it names this step and leaves it out."""

AGENCIES = """\
# agencies.yaml: a post's number changed? one line
damkar-mandau:
  name: Pos Damkar Mandau
  handles: [kebakaran, hewan-liar]
  covers: [Mandau, Bathin Solapan]
  contacts:                             # tried in order; via = a trunk of trunks.yaml
    - {via: damkar-sip, number: "101", accept: answer}
    - {via: jasnita, number: ISI-NOMOR, ring: 15s, accept: press}
"""


def test_the_example_loads_as_written() -> None:
    files = {**shipped_files(), "dialplan.yaml": DIALPLAN + OTHER, "agencies.yaml": AGENCIES}
    loaded = load(files)
    assert loaded.faults == ()
    assert loaded.dialplan is not None
    assert set(loaded.dialplan.steps) == {
        "sambutan", "kejadian", "tempat", "instansi", "lainnya", "operator"
    }  # fmt: skip


def test_the_one_thing_it_leaves_out_is_the_one_fault() -> None:
    files = {**shipped_files(), "dialplan.yaml": DIALPLAN, "agencies.yaml": AGENCIES}
    assert [(fault.code, fault.line) for fault in load(files).faults] == [("unknown-step", 15)]
