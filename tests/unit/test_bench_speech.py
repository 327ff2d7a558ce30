"""Listening to recordings and measuring it: with the real engine, on the committed recordings."""

from __future__ import annotations

import json
import wave
from collections.abc import Sequence
from pathlib import Path

import pytest
from whisper_weights import FETCHES, whisper_folder

from ivr import cli, config
from ivr.calls.published import load
from ivr.commands import listen as listening
from ivr.flow.spoken import Heard, Nothing, Vocabulary
from ivr.prompts import audio
from ivr.speech import manifest, measure, report
from ivr.speech.asked import vocabularies
from ivr.speech.manifest import SILENT_KINDS, Labelled
from ivr.speech.measure import CLEAN, CONDITIONS, Measured
from ivr.speech.recogniser import Recogniser, Samples
from ivr.speech.verdicts import understood
from ivr.speech.whisper import Whisper

pytestmark = FETCHES

SMALL = Path(__file__).parent.parent / "speech/small"
LIST = SMALL / "manifest.tsv"
LEAST_UNDERSTOOD = 0.5
"""Robots and thick accents are among them; docs/speech.md has the figures of a larger set."""


@pytest.fixture(scope="module")
def asked() -> dict[str, Vocabulary]:
    return dict(vocabularies(load(config.read({})).dialplan))


@pytest.fixture(scope="module")
def whisper() -> Recogniser:
    return Whisper(whisper_folder())


@pytest.fixture(scope="module")
def measured(whisper: Recogniser, asked: dict[str, Vocabulary]) -> list[Measured]:
    recordings = measure.Recordings(SMALL, manifest.read(LIST))
    return list(measure.measure(whisper, recordings, asked, [CLEAN]))


class Says:
    """An engine that understands whatever it is told to, to measure the measuring with."""

    name = "says"

    def __init__(self, answer: Heard | Nothing) -> None:
        self.answer = answer

    def start(self, vocabulary: Vocabulary) -> Says:
        return self

    def feed(self, samples: Samples) -> str:
        return ""

    def finish(self) -> Heard | Nothing:
        return self.answer


def run(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """As from the command line: exit code, stdout, stderr."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["siaga", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


def test_nothing_but_speech_is_ever_understood(measured: list[Measured]) -> None:
    silent = [one for one in measured if one.row.kind in SILENT_KINDS]

    assert len(silent) >= 6
    assert [(one.row.file, one.verdict) for one in silent if one.verdict == "wrong"] == []


def test_nobody_is_sent_to_the_wrong_agency_unasked(measured: list[Measured]) -> None:
    agency = [one for one in measured if one.row.menu in ("kejadian", "tempat")]

    assert [one.row.file for one in agency if one.verdict == "wrong"] == []


def test_most_of_the_committed_recordings_are_understood(measured: list[Measured]) -> None:
    spoken = [one for one in measured if one.row.kind not in SILENT_KINDS]
    right = [one for one in spoken if one.verdict in ("right", "asked_right")]

    assert len(right) / len(spoken) > LEAST_UNDERSTOOD


def test_an_answer_comes_soon_after_the_last_word(measured: list[Measured]) -> None:
    after = [one.after_s for one in measured if one.after_s is not None]

    assert len(after) > 25
    assert sorted(after)[len(after) // 2] < 1.5


@pytest.mark.parametrize(
    ("answer", "accuracy", "false_accepts"),
    [
        (Heard("api", "1", 0.95), None, 1.0),
        (Nothing("noise"), 0.0, 0.0),
    ],
)
def test_an_engine_that_always_says_the_same_is_found_out(
    asked: dict[str, Vocabulary],
    answer: Heard | Nothing,
    accuracy: float | None,
    false_accepts: float,
) -> None:
    rows = [row for row in manifest.read(LIST) if row.menu == "kejadian"]
    found = list(
        measure.measure(Says(answer), measure.Recordings(SMALL, rows), asked, CONDITIONS[:2])
    )

    cases = {case["name"]: case for case in report.to_json("here", "says", found, [])["cases"]}

    fires = sum(row.option == "1" for row in rows)
    spoken = sum(bool(row.option) for row in rows)
    expected = fires / spoken if accuracy is None else accuracy
    assert cases["accuracy, menu, clean"]["ours"] == pytest.approx(expected, abs=1e-3)
    assert cases["false accept, oov, clean"]["ours"] == false_accepts
    assert cases["false accept, non_speech, clean"]["ours"] == 0
    assert cases["accuracy, menu, 20 dB"].keys() == {"name", "ours", "peer", "ratio", "unit"}

    told = report.describe("here", "says", found, found)
    assert "bising 20 dB, menu" in told
    assert "Whisper polos" in told


def test_the_same_recordings_give_the_same_answers_twice(
    whisper: Recogniser, asked: dict[str, Vocabulary]
) -> None:
    rows = manifest.read(LIST)[:3]
    noisy = CONDITIONS[2:3]

    once, twice = (
        [
            [answer.heard for answer in one.answers]
            for one in measure.measure(whisper, measure.Recordings(SMALL, rows), asked, noisy)
        ]
        for _ in range(2)
    )

    assert once == twice


def test_listen_tells_what_is_heard_and_how_surely(
    whisper: Recogniser, asked: dict[str, Vocabulary], tmp_path: Path
) -> None:
    file = SMALL / "nezumi-rendah/maling.wav"
    wide = tmp_path / "wide.wav"
    audio.write(audio.read(file).set_channels(2), wide)

    [one] = listening.listen([whisper], [wide], "kejadian", asked["kejadian"])
    said = listening.to_json(one)

    assert said["utterances"][0]["option"] == "4"
    assert said["decode_ms"] > 0
    described = listening.describe(one, asked["kejadian"])
    assert "pilihan 4 (" in described
    assert "langsung dipakai" in described or "ditanyakan dulu" in described


@pytest.mark.parametrize(
    ("heard", "option", "place"),
    [
        (Heard("api di mandau", "1", 0.9, "14.03.09", 0.6), "langsung dipakai", "diabaikan"),
        (Heard("api di mandau", "1", 0.6, "14.03.09", 0.6), "ditanyakan", "ditanyakan"),
        (Heard("api di mandau", "1", 0.6, "14.03.09", 0.3), "ditanyakan", "diabaikan"),
        (Heard("tolong", "0", 0.6, "14.03.09", 0.3), "disambungkan ke petugas", "diabaikan"),
        (Heard("api", "1", 0.2, "14.03.09", 0.9), "diabaikan", "langsung dipakai"),
    ],
)
def test_listen_says_of_each_value_what_the_engine_makes_of_it(
    asked: dict[str, Vocabulary], heard: Heard, option: str, place: str
) -> None:
    said = understood(asked["kejadian"], heard)

    assert option in listening.sureness(heard.option, said)
    assert place in listening.sureness(heard.place, said)


def test_the_names_of_questions_are_those_of_the_dialplan(asked: dict[str, Vocabulary]) -> None:
    assert {"kejadian", "tempat", "yes_no", "digits"} <= asked.keys()
    assert listening.vocabulary_of(asked, None)[0] == "kejadian"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["listen", "no.wav"], 2, "Berkas no.wav tidak ada. Periksa nama dan foldernya."),
        (["listen", str(LIST)], 2, "bukan rekaman WAV, atau rusak. Simpan ulang"),
        (["listen", str(SMALL)], 2, "adalah folder. Sebutkan berkas WAV di dalamnya."),
        (["call", "--say", "no.wav"], 2, "Berkas no.wav tidak ada. Periksa nama dan foldernya."),
        (["listen", str(LIST), "--menu", "x"], 2, "Pertanyaan 'x' tidak ada"),
        (["bench", "speech", "no.tsv"], 2, "Berkas no.tsv tidak ada. Periksa nama dan foldernya."),
        (["bench", "speech", str(SMALL)], 2, "adalah folder. Sebutkan berkas daftar (.tsv)"),
        (
            ["bench", "speech", str(SMALL.parent / "README.md")],
            2,
            "kolom file dan menu tidak ada",
        ),
    ],
)
def test_what_cannot_be_heard_is_told_in_a_sentence(
    whisper: Recogniser,
    arguments: list[str],
    code: int,
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found, out, err = run(arguments, capsys)

    assert found == code
    assert err.startswith("siaga: ") and err.count("\n") == 1
    assert sentence in err
    assert out == ""


def wav(path: Path, samples: bytes, rate: int = 8000, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes(samples)
    return path


@pytest.fixture(params=["text", "nothing", "no sample", "no sample, stereo", "cut off"])
def unusable(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / "unusable.wav"
    match request.param:
        case "text":
            file.write_text("kebakaran")
        case "nothing":
            file.write_bytes(b"")
        case "no sample":
            wav(file, b"")
        case "no sample, stereo":
            wav(file, b"", 48000, 2)
        case _:
            file.write_bytes(wav(file, bytes(320)).read_bytes()[:-1])
    return file


def test_a_recording_that_cannot_be_used_is_told_alike_by_every_command(
    unusable: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "list.tsv"
    manifest.write(table, [Labelled(unusable.name, menu="kejadian", option="1")])

    told = [
        run(arguments, capsys)
        for arguments in (
            ["listen", str(unusable)],
            ["bench", "speech", str(table)],
            ["call", "--say", str(unusable)],
        )
    ]

    assert len(set(told)) == 1
    code, out, err = told[0]
    assert (code, out) == (2, "")
    assert err.startswith("siaga: ") and err.count("\n") == 1
    assert str(unusable) in err
    assert "Simpan ulang" in err or "Rekam ulang" in err


def test_without_an_engine_it_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIAGA_WHISPER_MODEL", str(tmp_path))

    code, _, err = run(["listen", str(SMALL / "nezumi-rendah/maling.wav")], capsys)

    assert code == 1
    assert "Tidak ada mesin pengenal ucapan yang dapat dipakai" in err


def test_the_bench_prints_one_object_of_the_contract(
    whisper: Recogniser, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["siaga", "bench", "speech", str(LIST), "--limit", "2", "--json"])
        with pytest.raises(SystemExit):
            cli.main()

    said = json.loads(capsys.readouterr().out)
    assert said["machine"]
    assert all(
        case.keys() == {"name", "ours", "peer", "ratio", "unit"} and case["ours"] is not None
        for case in said["cases"]
    )
    assert said["details"]
