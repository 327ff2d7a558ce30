"""The command line. Each command imports what it needs when it runs, so that ``--help`` is quick.

Exit codes: 0 good, 1 the thing asked about is bad, 2 the request was wrong. With ``--json`` one
object goes to stdout and everything else to stderr.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ivr import config as configuration
from ivr.cli import groups, says
from ivr.cli.says import BAD, WRONG, Deployment, Json, Why

if TYPE_CHECKING:
    from ivr.commands.history import Done

app = typer.Typer(
    name="siaga",
    help="Siaga 112: mesin panggilan darurat. Mulai dengan: ./siaga up --detach",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
calls_app = typer.Typer(help="Panggilan yang tercatat.", invoke_without_command=True)
app.add_typer(groups.bench_app, name="bench")
app.add_typer(groups.geo_app, name="geo")
app.add_typer(calls_app, name="calls")
app.add_typer(groups.cells_app, name="cells")
app.add_typer(groups.prompts_app, name="prompts")
app.add_typer(groups.trunk_app, name="trunk")


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
            says.stop(error.faults[0], WRONG)
        for fault in error.faults:
            says.say(fault)
        says.stop(
            f"{len(error.faults)} kesalahan dalam daftar rekaman; perbaiki dulu, lalu ulangi.",
            WRONG,
        )
    wrong = (configuration.ConfigError, DeploymentMissing, Refused, LayerUnusable)
    if isinstance(error, (*wrong, UnusableRecording)):
        says.stop(str(error), WRONG)
    if isinstance(error, bad):
        says.stop(str(error), BAD)
    if isinstance(error, DeploymentFaulty):
        for place in error.places:
            says.say(place)
        says.stop(f"{len(error.faults)} kesalahan; perbaiki dulu, lalu ulangi.", BAD)
    if isinstance(error, SQLAlchemyError):
        said = str(getattr(error, "orig", None) or error).splitlines()[0]
        says.stop(f"Basis data tidak dapat dipakai ({said}). Sudah pernah ./siaga up?", BAD)
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        says.stop(f"{where}{error.strerror or error}.", BAD)


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

    deployment = deployment or starting.last_folder(configuration.read(), says.say)
    config = configuration.read(deployment=deployment)
    starting.up(config, detach=detach, without_controller=without_controller, tell=says.say)


@app.command()
def down() -> None:
    """Hentikan semuanya."""
    from ivr import supervisor

    stopped = supervisor.stop_all(configuration.read())
    says.say("Berhenti." if stopped else "Tidak ada yang berjalan.")


@app.command()
def restart() -> None:
    """Ganti pengendali dengan yang baru tanpa memutus panggilan."""
    from ivr import supervisor
    from ivr.calls.published import load_current
    from ivr.status import read as read_status

    config = configuration.read()
    if read_status(config) is None:
        says.stop("Tidak ada yang berjalan. Mulai dengan ./siaga up --detach", BAD)
    load_current(config)  # what the new one could not read is told here
    if not supervisor.restart_controller(config):
        says.stop(f"Pengendali tidak terganti; lihat {config.log_dir / 'controller.out'}.", BAD)
    says.say("Pengendali diganti; panggilan yang berjalan tidak terputus.")


@app.command()
def status(as_json: Json = False) -> None:
    """Apa yang berjalan, sejak kapan, dan apakah petugas dapat dihubungi sekarang."""
    from ivr.commands import up as starting

    said = starting.status(configuration.read())
    if as_json:
        says.print_json(said)
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
            tell=says.say,
        )
    except ValueError as error:
        says.stop(str(error), WRONG)
    result = calling.call(config, wish, tell=says.say)
    if as_json:
        says.print_json(result)
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

    published = says.published(deployment)
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
        says.stop(str(error), WRONG)
    try_out.try_out(published, wanted, verbose=verbose)


@app.command()
def check(
    folder: Annotated[Path | None, typer.Argument(help="Folder daerah.")] = None,
    as_json: Json = False,
) -> None:
    """Semua yang salah dalam satu daerah, dan apa yang paling buruk dapat dialami penelepon."""
    from ivr.commands import check as checking

    config = configuration.read(deployment=folder)
    report = checking.check(config)
    if as_json:
        says.print_json(checking.to_json(report))
    else:
        print(checking.describe(report, speaks=config.speech.on))
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
        says.stop("Pilih salah satu: --svg, --mermaid atau --dot.", WRONG)
    form: drawing.Form = "mermaid" if mermaid else "dot" if dot else "svg"
    text = drawing.draw(configuration.read(deployment=folder), form, says.say)
    if output is None:
        print(text, end="")
    else:
        output.write_text(text, encoding="utf-8")
        says.say(f"Ditulis ke {output}.")


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
    done = publishing.publish(config, who=configuration.who(), why=why, tell=says.say)
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
            says.print_json({"summary": changes.summary, "difference": changes.lines})
        else:
            print(changes)
        return
    past = versions.history(config.published_dir)
    usable = versions.known(config.published_dir)
    if as_json:
        rows = [asdict(one) | {"usable": one.version in usable} for one in past]
        says.print_json({"current": past[0].version if past else None, "activations": rows})
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
        says.print_json(versioning.to_json(done))
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
        found = explained(says.published(deployment), incident, at, place, when)
    except ValueError as error:
        says.stop(str(error), WRONG)
    if as_json:
        says.print_json(explaining.to_json(found.decision))
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
        says.print_json({"calls": rows})
    else:
        print(reports.describe_list(rows))


@calls_app.command("show")
def calls_show(call: Annotated[str, typer.Argument(metavar="ID")], as_json: Json = False) -> None:
    """Satu panggilan: apa yang didengar, ditekan, diputuskan, dan mengapa."""
    from ivr.store import recordings, reports

    config = configuration.read()
    found = reports.show_call(config.database_url, call)
    if found is None:
        says.stop(f"Panggilan {call!r} tidak ada. Lihat ./siaga calls.", BAD)
    found["recording"] = recordings.of_call(config.recordings_dir, found["call_id"])
    if as_json:
        says.print_json(found)
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
        told = locating.where(says.in_use().directory.places, place, at, note)
    except ValueError as error:
        says.stop(str(error), WRONG)
    done = locating.locate(configuration.read(), call, told)
    if done is None:
        says.stop(f"Panggilan {call!r} tidak ada. Lihat ./siaga calls.", BAD)
    if as_json:
        says.print_json(locating.to_json(done))
    else:
        print(locating.describe(done))


app.command()(groups.listen)


@app.command()
def reference() -> None:
    """Tulis ulang acuan langkah dan skema untuk penyunting YAML dari program ini."""
    from ivr.commands import reference as writing

    changed = writing.write(configuration.PROJECT)
    says.say("\n".join(f"Ditulis: {path}" for path in changed) or "Tidak ada yang berubah.")


@app.command()
def doctor(
    budget: Annotated[bool, typer.Option("--budget", help="Ukuran proyek.")] = False,
    as_json: Json = False,
) -> None:
    """Apakah mesin ini siap: Python, Asterisk, porta, suara, catatan, cakram, jam."""
    from ivr.commands import doctor as examination

    rows = examination.budget() if budget else examination.examine(configuration.read())
    if as_json:
        says.print_json({"rows": [row._asdict() for row in rows]})
    else:
        print(examination.describe(rows))
    sys.exit(0 if all(row.good for row in rows) else BAD)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Gaya, tipe, semua uji, dan laboratorium dengan Asterisk sungguhan."""
    from ivr.commands import test as testing

    sys.exit(testing.run(context.args))
