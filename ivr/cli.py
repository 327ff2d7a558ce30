"""The command line. Each command imports what it needs when it runs, so that ``--help`` is quick.

Exit codes: 0 good, 1 the thing asked about is bad, 2 the request was wrong. With ``--json`` one
object goes to stdout and everything else to stderr.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ivr import config as configuration

if TYPE_CHECKING:
    from ivr.calls.published import Published
    from ivr.commands.history import Done

BAD = 1
WRONG = 2

app = typer.Typer(
    name="siaga",
    help="Siaga 112: mesin panggilan darurat. Mulai dengan: ./siaga up --detach",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
calls_app = typer.Typer(help="Panggilan yang tercatat.", invoke_without_command=True)
prompts_app = typer.Typer(help="Suara: bangun, periksa, naskah.", no_args_is_help=True)
trunk_app = typer.Typer(help="Jalan keluar: uji satu trunk.", no_args_is_help=True)
cells_app = typer.Typer(help="Tabel sel seluler, untuk mengenali lokasi.", no_args_is_help=True)
geo_app = typer.Typer(help="Peta wilayah: masukkan batas resmi.", no_args_is_help=True)
bench_app = typer.Typer(help="Ukuran: seberapa baik dan seberapa cepat.", no_args_is_help=True)
app.add_typer(bench_app, name="bench")
app.add_typer(geo_app, name="geo")
app.add_typer(calls_app, name="calls")
app.add_typer(cells_app, name="cells")
app.add_typer(prompts_app, name="prompts")
app.add_typer(trunk_app, name="trunk")

Json = Annotated[bool, typer.Option("--json", help="Satu objek JSON di stdout.")]
Why = Annotated[str, typer.Option("--why", help="Alasannya, untuk riwayat.")]
Deployment = Annotated[
    Path | None, typer.Option("--deployment", help="Folder daerah; bawaan dialplans/bengkalis.")
]


def main() -> None:
    """Run, and turn what an administrator can mend into one sentence."""
    try:
        app()
    except Exception as error:
        _explain(error)
        raise


def _explain(error: Exception) -> None:
    """Leave with a sentence, if there is one for this. Imports only now what nobody needed before."""
    from sqlalchemy.exc import SQLAlchemyError

    from ivr.calls.published import DeploymentFaulty, NothingPublished
    from ivr.commands.geo import LayerUnusable
    from ivr.commands.history import Refused
    from ivr.commands.listen import NothingListens
    from ivr.commands.up import CannotStart
    from ivr.deployment import DeploymentMissing
    from ivr.platforms.asterisk.programs import ProgramMissing
    from ivr.prompts.audio import UnusableRecording
    from ivr.prompts.voices import VoiceUnavailable
    from ivr.softphone.sipp import SippFailed
    from ivr.speech.manifest import ManifestFaulty
    from ivr.speech.recogniser import CannotListen
    from ivr.versions import VersionGone

    bad = (
        *(ProgramMissing, CannotStart, SippFailed, VoiceUnavailable, NothingPublished, VersionGone),
        *(NothingListens, CannotListen),
    )
    if isinstance(error, ManifestFaulty):
        if len(error.faults) == 1:
            _stop(error.faults[0], WRONG)
        for fault in error.faults:
            _say(fault)
        _stop(
            f"{len(error.faults)} kesalahan dalam daftar rekaman; perbaiki dulu, lalu ulangi.",
            WRONG,
        )
    wrong = (configuration.ConfigError, DeploymentMissing, Refused, LayerUnusable)
    if isinstance(error, (*wrong, UnusableRecording)):
        _stop(str(error), WRONG)
    if isinstance(error, bad):
        _stop(str(error), BAD)
    if isinstance(error, DeploymentFaulty):
        for place in error.places:
            _say(place)
        _stop(f"{len(error.faults)} kesalahan; perbaiki dulu, lalu ulangi.", BAD)
    if isinstance(error, SQLAlchemyError):
        said = str(getattr(error, "orig", None) or error).splitlines()[0]
        _stop(f"Basis data tidak dapat dipakai ({said}). Sudah pernah ./siaga up?", BAD)
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        _stop(f"{where}{error.strerror or error}.", BAD)


def _stop(sentence: str, code: int) -> NoReturn:
    print(f"siaga: {sentence}", file=sys.stderr)
    sys.exit(code)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _print_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False))


def _published(folder: Path | None = None) -> Published:
    from ivr.calls.published import load

    return load(configuration.read(deployment=folder))


def _in_use() -> Published:
    """The version that calls begin with."""
    from ivr.calls.published import load_current

    return load_current(configuration.read())


@app.command()
def up(
    deployment: Annotated[
        Path | None,
        typer.Option("--deployment", help="Folder daerah; bawaan yang terakhir terbit."),
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Kembali setelah siap.")] = False,
    without_controller: Annotated[
        bool,
        typer.Option(help="Untuk latihan jaring pengaman: hanya Asterisk, tanpa pengendali."),
    ] = False,
) -> None:
    """Siapkan yang belum ada, lalu jalankan semuanya."""
    from ivr.commands import up as starting

    deployment = deployment or starting.last_folder(configuration.read(), _say)
    config = configuration.read(deployment=deployment)
    starting.up(config, detach=detach, without_controller=without_controller, tell=_say)


@app.command()
def down() -> None:
    """Hentikan semuanya."""
    from ivr import supervisor

    stopped = supervisor.stop_all(configuration.read())
    _say("Berhenti." if stopped else "Tidak ada yang berjalan.")


@app.command()
def restart() -> None:
    """Ganti pengendali dengan yang baru tanpa memutus panggilan."""
    from ivr import supervisor
    from ivr.calls.published import load_current
    from ivr.status import read as read_status

    config = configuration.read()
    if read_status(config) is None:
        _stop("Tidak ada yang berjalan. Mulai dengan ./siaga up --detach", BAD)
    load_current(config)  # what the new one could not read is told here
    if not supervisor.restart_controller(config):
        _stop(f"Pengendali tidak terganti; lihat {config.log_dir / 'controller.out'}.", BAD)
    _say("Pengendali diganti; panggilan yang berjalan tidak terputus.")


@app.command()
def status(as_json: Json = False) -> None:
    """Apa yang berjalan, sejak kapan, dan apakah petugas dapat dihubungi sekarang."""
    from ivr.commands import up as starting

    said = starting.status(configuration.read())
    if as_json:
        _print_json(said)
    else:
        print(starting.describe(said))
    sys.exit(0 if said["ready"] else BAD)


@app.command()
def call(
    choose: Annotated[
        str | None,
        typer.Option(
            metavar="KEJADIAN,KODE",
            help="Pilih kejadian dan kecamatan, misalnya kebakaran,14.03.09.",
        ),
    ] = None,
    press: Annotated[
        str | None, typer.Option(help="Tombol yang ditekan berurutan, misalnya 111.")
    ] = None,
    say: Annotated[
        list[str] | None,
        typer.Option(
            metavar="UCAPAN", help="Ucapan per pertanyaan, atau berkas .wav; boleh berulang."
        ),
    ] = None,
    silent: Annotated[bool, typer.Option("--silent", help="Diam saja.")] = False,
    caller: Annotated[str, typer.Option("--from", help="Nomor penelepon.")] = "+6281276123456",
    at: Annotated[
        str | None, typer.Option(metavar="LINTANG,BUJUR,RADIUS", help="Lokasi dalam PIDF-LO.")
    ] = None,
    hang_up_after: Annotated[
        float | None, typer.Option(help="Tutup sekian detik setelah dijawab, apa pun yang terjadi.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Telepon warga yang sungguhan, lewat SIP dan RTP, ke mesin yang sedang berjalan."""
    from ivr.commands import call as calling

    config = configuration.read()
    try:
        wish = calling.wish(
            config,
            choose=choose,
            press=press,
            say=say or (),
            silent=silent,
            caller=caller,
            at=at,
            hang_up_after=hang_up_after,
            tell=_say,
        )
    except ValueError as error:
        _stop(str(error), WRONG)
    result = calling.call(config, wish, tell=_say)
    if as_json:
        _print_json(result)
    else:
        print(calling.describe(result))
    sys.exit(0 if result["bridged"] or hang_up_after is not None else BAD)


@app.command("try")
def try_(
    deployment: Deployment = None,
    caller: Annotated[str | None, typer.Option("--from", help="Nomor penelepon.")] = None,
    dialled: Annotated[str, typer.Option(help="Nomor yang diputar.")] = "112",
    trunk: Annotated[str, typer.Option(help="Pembawa yang mengantar panggilan.")] = "terminal",
    at_time: Annotated[
        str | None, typer.Option(metavar="WAKTU", help="Misalnya “2027-03-20 02:00” (WIB).")
    ] = None,
    place: Annotated[
        str | None, typer.Option(metavar="KODE", help="Kecamatan yang diketahui dari telepon.")
    ] = None,
    down: Annotated[
        list[str] | None, typer.Option(metavar="TRUNK", help="Anggap trunk ini mati.")
    ] = None,
    busy: Annotated[
        list[str] | None, typer.Option(metavar="INSTANSI", help="Anggap instansi ini sibuk.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="BERKAS.call", help="Simpan sebagai uji.")
    ] = None,
    promise: Annotated[str | None, typer.Option(help="Kalimat yang dijanjikan uji itu.")] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Tampilkan langkah dan isinya.")
    ] = False,
) -> None:
    """Dialog yang sama di terminal, tanpa Asterisk: ketik tombol atau kata-kata."""
    from ivr.commands import try_out

    published = _published(deployment)
    try:
        wanted = try_out.wish(
            published,
            caller=caller,
            dialled=dialled,
            trunk=trunk,
            at_time=at_time,
            place=place,
            down=down or (),
            busy=busy or (),
            save=save,
            promise=promise,
        )
    except ValueError as error:
        _stop(str(error), WRONG)
    try_out.try_out(published, wanted, verbose=verbose)


@app.command()
def check(
    folder: Annotated[Path | None, typer.Argument(help="Folder daerah.")] = None,
    as_json: Json = False,
) -> None:
    """Semua yang salah dalam satu daerah, dan apa yang paling buruk dapat dialami penelepon."""
    from ivr.commands import check as checking

    report = checking.check(configuration.read(deployment=folder))
    if as_json:
        _print_json(checking.to_json(report))
    else:
        print(checking.describe(report))
    sys.exit(BAD if report.faults else 0)


@app.command()
def diagram(
    folder: Annotated[Path | None, typer.Argument(help="Folder daerah.")] = None,
    svg: Annotated[bool, typer.Option("--svg", help="Gambar (bawaan).")] = False,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Teks Mermaid.")] = False,
    dot: Annotated[bool, typer.Option("--dot", help="Teks untuk Graphviz.")] = False,
    output: Annotated[Path | None, typer.Option(help="Tulis ke berkas ini.")] = None,
) -> None:
    """Gambar alur: semua langkah dan jalan di antaranya."""
    from ivr.commands import diagram as drawing

    if svg + mermaid + dot > 1:
        _stop("Pilih salah satu: --svg, --mermaid atau --dot.", WRONG)
    form: drawing.Form = "mermaid" if mermaid else "dot" if dot else "svg"
    text = drawing.draw(configuration.read(deployment=folder), form, _say)
    if output is None:
        print(text, end="")
    else:
        output.write_text(text, encoding="utf-8")
        _say(f"Ditulis ke {output}.")


@app.command()
def publish(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder daerah; bawaan milik mesin yang berjalan.")
    ] = None,
    why: Why = "",
    as_json: Json = False,
) -> None:
    """Periksa, bekukan sebagai satu versi, dan pakai untuk panggilan baru."""
    from ivr.commands import history as past
    from ivr.commands import publish as publishing

    folder = past.deployment_of(configuration.read(), folder)
    config = configuration.read(deployment=folder)
    done = publishing.publish(config, who=configuration.who(), why=why, tell=_say)
    _put_to_use(config, done, as_json)


@app.command()
def history(
    version: Annotated[
        str | None, typer.Argument(metavar="VERSI", help="Tampilkan bedanya selengkapnya.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Versi yang pernah dipakai: siapa, kapan, mengapa, dan apa bedanya."""
    from ivr import versions
    from ivr.commands import history as versioning

    config = configuration.read()
    if version is not None:
        changes = versioning.difference(config, version)
        if as_json:
            _print_json({"summary": changes.summary, "difference": changes.lines})
        else:
            print(changes)
        return
    past = versions.history(config.published_dir)
    usable = versions.known(config.published_dir)
    if as_json:
        rows = [asdict(one) | {"usable": one.version in usable} for one in past]
        _print_json({"current": past[0].version if past else None, "activations": rows})
    else:
        print(versioning.describe_history(past, usable))


@app.command()
def rollback(
    version: Annotated[
        str | None, typer.Argument(metavar="VERSI", help="Bawaan: yang dipakai sebelum ini.")
    ] = None,
    why: Why = "",
    as_json: Json = False,
) -> None:
    """Kembali ke versi yang lebih lama; panggilan yang berjalan tetap pada versinya."""
    from ivr.commands import history as versioning

    config = configuration.read()
    done = versioning.rollback(config, version, who=configuration.who(), why=why)
    _put_to_use(config, done, as_json)


def _put_to_use(config: configuration.Config, done: Done, as_json: bool) -> NoReturn:
    """Wait for the running engine, say how it went, and leave."""
    from ivr.commands import history as versioning

    done = replace(done, applied=versioning.applied(config, done.activation))
    if as_json:
        _print_json(versioning.to_json(done))
    else:
        print(versioning.describe(done, config))
    sys.exit(BAD if done.applied is False else 0)


@app.command()
def explain(
    incident: Annotated[str, typer.Option(help="Kejadian, misalnya kebakaran.")],
    at: Annotated[str | None, typer.Option(metavar="LINTANG,BUJUR[,RADIUS]")] = None,
    place: Annotated[
        str | None, typer.Option(metavar="KODE", help="Kode kecamatan atau desa.")
    ] = None,
    when: Annotated[
        str | None,
        typer.Option(metavar="SAAT", help='Misalnya "2026-11-24 22:00" atau "Senin 22:00".'),
    ] = None,
    deployment: Deployment = None,
    as_json: Json = False,
) -> None:
    """Siapa yang akan dihubungi untuk kejadian ini di tempat ini, dan mengapa."""
    from ivr.commands.explain import explained
    from routing import explain as explaining

    try:
        found = explained(_published(deployment), incident, at, place, when)
    except ValueError as error:
        _stop(str(error), WRONG)
    if as_json:
        _print_json(explaining.to_json(found.decision))
    else:
        print(found.understood, explaining.explain(found.decision), sep="\n\n")


@calls_app.callback()
def calls(context: typer.Context, as_json: Json = False) -> None:
    """Panggilan terakhir."""
    if context.invoked_subcommand is not None:
        return
    from ivr.store import reports

    rows = reports.list_calls(configuration.read().database_url, limit=50)
    if as_json:
        _print_json({"calls": rows})
    else:
        print(reports.describe_list(rows))


@calls_app.command("show")
def calls_show(call: Annotated[str, typer.Argument(metavar="ID")], as_json: Json = False) -> None:
    """Satu panggilan: apa yang didengar, ditekan, diputuskan, dan mengapa."""
    from ivr.store import recordings, reports

    config = configuration.read()
    found = reports.show_call(config.database_url, call)
    if found is None:
        _stop(f"Panggilan {call!r} tidak ada. Lihat ./siaga calls.", BAD)
    found["recording"] = recordings.of_call(config.recordings_dir, found["call_id"])
    if as_json:
        _print_json(found)
    else:
        print(reports.describe(found), recordings.describe(found["recording"]), sep="\n\n")


@calls_app.command("locate")
def calls_locate(
    call: Annotated[str, typer.Argument(metavar="ID", help="Panggilan atau nomor kasusnya.")],
    place: Annotated[
        str | None, typer.Option(metavar="KODE", help="Kode kecamatan atau desa.")
    ] = None,
    at: Annotated[str | None, typer.Option(metavar="LINTANG,BUJUR[,RADIUS]")] = None,
    note: Annotated[str, typer.Option(metavar="TEKS", help="Misalnya patokan terdekat.")] = "",
    as_json: Json = False,
) -> None:
    """Koreksi petugas: di mana kejadiannya, untuk panggilan yang berjalan atau sudah selesai."""
    from ivr.commands import locate as locating

    try:
        told = locating.where(_in_use().directory.places, place, at, note)
    except ValueError as error:
        _stop(str(error), WRONG)
    done = locating.locate(configuration.read(), call, told)
    if done is None:
        _stop(f"Panggilan {call!r} tidak ada. Lihat ./siaga calls.", BAD)
    if as_json:
        _print_json(locating.to_json(done))
    else:
        print(locating.describe(done))


@trunk_app.command("test")
def trunk_test(
    name: Annotated[str, typer.Argument(metavar="NAMA", help="Nama trunk di trunks.yaml.")],
    as_json: Json = False,
) -> None:
    """Apakah panggilan dapat keluar lewat trunk ini sekarang, dan bila tidak, apa sebabnya."""
    from ivr.commands import trunk as trunks

    try:
        health = trunks.examine(configuration.read(), name)
    except ValueError as error:
        _stop(str(error), WRONG)
    if as_json:
        _print_json(trunks.to_json(health))
    else:
        print(trunks.describe(health))
    sys.exit(0 if health.well else BAD)


@cells_app.command("import")
def cells_import(
    file: Annotated[
        Path, typer.Argument(metavar="BERKAS.csv", help="CSV OpenCellID; boleh .csv.gz.")
    ],
    deployment: Deployment = None,
    as_json: Json = False,
) -> None:
    """Isi tabel sel dari CSV OpenCellID; tabel yang lama diganti."""
    from ivr.commands import cells

    try:
        done = cells.read_in(configuration.read(deployment=deployment), file, _say)
    except cells.NoCells as error:
        _stop(str(error), BAD)
    if as_json:
        _print_json(asdict(done))
    else:
        print(cells.describe(done))


@prompts_app.command("build")
def prompts_build(deployment: Deployment = None) -> None:
    """Buat suara untuk kalimat yang belum punya."""
    from ivr.commands import prompts as sounding

    report = sounding.build(configuration.read(deployment=deployment), tell=_say)
    print(report)


@prompts_app.command("check")
def prompts_check(deployment: Deployment = None) -> None:
    """Periksa semua berkas suara."""
    from ivr.commands import prompts as sounding

    faults = sounding.check(configuration.read(deployment=deployment))
    for fault in faults:
        print(fault)
    sys.exit(BAD if faults else 0)


@prompts_app.command("script")
def prompts_script(deployment: Deployment = None) -> None:
    """Naskah untuk pengisi suara: nama berkas dan kalimatnya."""
    from ivr.commands import prompts as sounding

    print(sounding.script(configuration.read(deployment=deployment)))


@app.command()
def listen(
    files: Annotated[
        list[Path], typer.Argument(metavar="BERKAS.wav…", help="Rekaman, laju sampel berapa pun.")
    ],
    menu: Annotated[
        str | None,
        typer.Option(
            metavar="LANGKAH",
            help="Pertanyaan yang dijawab: nama langkah, yes_no atau digits; bawaan menu pertama.",
        ),
    ] = None,
    deployment: Deployment = None,
    as_json: Json = False,
) -> None:
    """Apa yang didengar tiap mesin pengenal ucapan dalam rekaman, seberapa yakin, dan berapa lama."""
    from ivr.commands import listen as listening
    from ivr.speech.asked import vocabularies

    asked = vocabularies(_published(deployment).dialplan)
    try:
        name, vocabulary = listening.vocabulary_of(asked, menu)
    except ValueError as error:
        _stop(str(error), WRONG)
    engines = listening.usable(configuration.read())
    heard = listening.listen(engines, files, name, vocabulary)
    if as_json:
        _print_json({"heard": [listening.to_json(one) for one in heard]})
        return
    for one in heard:
        print(listening.describe(one, vocabulary))


@bench_app.command("speech")
def bench_speech(
    manifest: Annotated[
        Path, typer.Argument(metavar="DAFTAR.tsv", help="Daftar rekaman; lihat docs/speech.md.")
    ],
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Paling banyak sekian rekaman ucapan, dari semua suara."),
    ] = None,
    deployment: Deployment = None,
    as_json: Json = False,
) -> None:
    """Seberapa tepat ucapan dalam rekaman dikenali: saluran bersih, bising, dan paket hilang."""
    from ivr.commands import bench
    from ivr.speech import report
    from ivr.speech.asked import vocabularies

    asked = vocabularies(_published(deployment).dialplan)
    machine, engine, ours, peer = bench.speech(
        configuration.read(), manifest, asked, limit=limit, tell=_say
    )
    if as_json:
        _print_json(report.to_json(machine, engine.name, ours, peer))
    else:
        print(report.describe(machine, engine.name, ours, peer))


@geo_app.command("import")
def geo_import(
    layer: Annotated[Path, typer.Argument(metavar="BERKAS", help="Lapisan GeoJSON.")],
    into: Annotated[
        Path | None, typer.Option("--into", help="Folder daerah; bawaan dialplans/bengkalis.")
    ] = None,
    code: Annotated[str | None, typer.Option("--code", help="Kolom kode wilayah.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Kolom nama wilayah.")] = None,
    official: Annotated[
        bool, typer.Option("--official", help="Batas resmi, bukan perkiraan.")
    ] = False,
    partial: Annotated[
        bool,
        typer.Option("--partial", help="Hanya sebagian kecamatan; yang lain tetap dari peta lama."),
    ] = False,
) -> None:
    """Perbaiki lapisan batas wilayah dan tulis areas.geojson; terbitkan sesudahnya."""
    from ivr.commands import geo

    folder = into or configuration.read().deployment
    done = geo.import_layer(
        layer, folder, code=code, name=name, official=official, partial=partial, tell=_say
    )
    kind = "perkiraan" if done.approximate else "resmi"
    _say(
        f"Ditulis: {done.path}, {len(done.areas)} wilayah ({kind}). Lanjutkan dengan ./siaga publish."
    )


@app.command()
def reference() -> None:
    """Tulis ulang acuan langkah dan skema untuk penyunting YAML dari program ini."""
    from ivr.commands import reference as writing

    changed = writing.write(configuration.PROJECT)
    _say("\n".join(f"Ditulis: {path}" for path in changed) or "Tidak ada yang berubah.")


@app.command()
def doctor(
    budget: Annotated[bool, typer.Option("--budget", help="Ukuran proyek.")] = False,
    as_json: Json = False,
) -> None:
    """Apakah mesin ini siap: Python, Asterisk, porta, suara, catatan, cakram, jam."""
    from ivr.commands import doctor as examination

    rows = examination.budget() if budget else examination.examine(configuration.read())
    if as_json:
        _print_json({"rows": [row._asdict() for row in rows]})
    else:
        print(examination.describe(rows))
    sys.exit(0 if all(row.good for row in rows) else BAD)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Gaya, tipe, semua uji, dan laboratorium dengan Asterisk sungguhan."""
    from ivr.commands import test as testing

    sys.exit(testing.run(context.args))


if __name__ == "__main__":
    main()
