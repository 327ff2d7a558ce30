"""The commands that stand in groups of their own (prompts, trunk, cells, geo, bench), and ``listen``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ivr import config as configuration
from ivr.cli import says
from ivr.cli.says import BAD, WRONG, Deployment, Json

prompts_app = typer.Typer(help="Suara: bangun, periksa, naskah.", no_args_is_help=True)
trunk_app = typer.Typer(help="Jalan keluar: uji satu trunk.", no_args_is_help=True)
cells_app = typer.Typer(help="Tabel sel seluler, untuk mengenali lokasi.", no_args_is_help=True)
geo_app = typer.Typer(help="Peta wilayah: masukkan batas resmi.", no_args_is_help=True)
bench_app = typer.Typer(help="Ukuran: seberapa baik dan seberapa cepat.", no_args_is_help=True)


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
        says.stop(str(error), WRONG)
    if as_json:
        says.print_json(trunks.to_json(health))
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
        done = cells.read_in(configuration.read(deployment=deployment), file, says.say)
    except cells.NoCells as error:
        says.stop(str(error), BAD)
    if as_json:
        says.print_json(asdict(done))
    else:
        print(cells.describe(done))


@prompts_app.command("build")
def prompts_build(deployment: Deployment = None) -> None:
    """Buat suara untuk kalimat yang belum punya."""
    from ivr.commands import prompts as sounding

    report = sounding.build(configuration.read(deployment=deployment), tell=says.say)
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

    asked = vocabularies(says.published(deployment).dialplan)
    try:
        name, vocabulary = listening.vocabulary_of(asked, menu)
    except ValueError as error:
        says.stop(str(error), WRONG)
    engines = listening.usable(configuration.read())
    heard = listening.listen(engines, files, name, vocabulary)
    if as_json:
        says.print_json({"heard": [listening.to_json(one) for one in heard]})
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

    asked = vocabularies(says.published(deployment).dialplan)
    machine, engine, ours, peer = bench.speech(
        configuration.read(), manifest, asked, limit=limit, tell=says.say
    )
    if as_json:
        says.print_json(report.to_json(machine, engine.name, ours, peer))
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
        layer, folder, code=code, name=name, official=official, partial=partial, tell=says.say
    )
    kind = "perkiraan" if done.approximate else "resmi"
    says.say(
        f"Ditulis: {done.path}, {len(done.areas)} wilayah ({kind}). Lanjutkan dengan ./siaga publish."
    )
