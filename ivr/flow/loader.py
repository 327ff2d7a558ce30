"""The files of a deployment become a dialplan and a directory, or a list of everything wrong.

All faults of all files come in one run, each with its file, line and column, so that nobody has to
mend one to see the next. What is returned without faults can be walked by the engine: every step
that is named exists, every kecamatan that can be chosen is known, every sentence is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, TypeVar, get_args

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from ivr.flow import yaml_text
from ivr.flow.areas_file import AREAS_FILE, read_areas
from ivr.flow.calendar import Calendar
from ivr.flow.calendar_file import CalendarFile, calendar
from ivr.flow.fault import Fault, Mark, Marks
from ivr.flow.model import (
    NO_DOMAIN,
    OPERATOR_STEP,
    Area,
    Defaults,
    Dialplan,
    Entry,
    Path,
    PlaceMenu,
    Step,
)
from ivr.flow.prompt import Prompt
from ivr.flow.references import dangling
from ivr.flow.steps import STEP_TYPES, AnyStep
from ivr.flow.steps.ask_place import AskPlaceStep
from ivr.flow.steps.operator import OperatorStep
from ivr.flow.translations import Translation, heard, language_of, usable
from ivr.flow.vocabulary import SpokenPlaces, spoken_places
from ivr.flow.written import (
    Dialled,
    Domain,
    Key,
    Seconds,
    Sentence,
    StepName,
    Target,
    Written,
)
from routing.directory import read_directory
from routing.geography import Geography, geography, surroundings
from routing.model import KECAMATAN, SERVICES, Directory
from routing.wording import plain, suggestion, told_once

__all__ = ["FILES", "NEEDED_PHRASES", "PHRASES_FILE", "Fault", "Loaded", "load"]

DIALPLAN_FILE = "dialplan.yaml"
PLACES_FILE = "places.yaml"
DIRECTORY_FILES = ("agencies.yaml", "trunks.yaml", "operators.yaml", PLACES_FILE)
PHRASES_FILE = "prompts/id.yaml"
CALENDAR_FILE = "calendar.yaml"
NUMBERS_FILE = "numbers.yaml"
FILES = (DIALPLAN_FILE, *DIRECTORY_FILES, PHRASES_FILE)
"""What ``load`` wants to see, by these names. It also takes ``CALENDAR_FILE``, ``NUMBERS_FILE``,
``AREAS_FILE``, and ``prompts/<lang>.yaml`` for other languages."""

NEEDED_PHRASES = (
    "no_input",
    "no_match",
    "busy_operator",
    "talk_ended",
    "talk_dropped",
    "operator_whisper",
    "read_back",
    "read_back_question",
    "test_call",
    "place_confirm",
    "place_confirm_question",
    "place_postcode",
    "place_postcode_unknown",
    "place_desa",
    "speech_unknown",
    "speech_confirm",
    "phone_elsewhere",
    "place.unknown",
    "place.outside",
    "incident.unknown",
    *(f"incident.{name}" for name in SERVICES),
)
"""The shared sentences that the engine says."""

MAX_STEPS = 200


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of the files. A value is there only where nothing in it is at fault."""

    dialplan: Dialplan | None
    directory: Directory | None
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...] = ()
    geography: Geography = field(default_factory=Geography)


class _Defaults(Written):
    tries: int = Field(default=2, ge=1, le=5)
    wait: Seconds = Field(default=4.0, ge=1, le=30)
    drop: Seconds = Field(default=10.0, ge=0, le=60)
    budget: Seconds = Field(default=60.0, ge=10, le=300)


class _Entry(Written):
    """Where calls to a number, or over a trunk, begin."""

    dialled: Dialled | None = None
    trunk: str | None = None
    start: Target
    test: Literal["yes", "no"] = "no"


class _DialplanFile(Written):
    """dialplan.yaml, but for its steps, which are read one by one by their own types."""

    name: Sentence
    mode: Literal["latihan", "operasional"]
    human_by: Seconds = Field(default=0.0, ge=0, le=600)
    operators: Literal["all", "in-order", "longest-idle"] = "all"
    domain: Domain = NO_DOMAIN
    defaults: _Defaults = _Defaults()
    entries: list[_Entry] = Field(default_factory=list, max_length=50)
    start: Target
    steps: dict[StepName, dict[str, object]] = Field(min_length=1, max_length=MAX_STEPS)


class _Area(Written):
    name: Sentence
    prompt: Sentence
    kecamatan: dict[Key, str] = Field(min_length=1)


class _PlaceQuestion(Written):
    prompt: Sentence
    areas: dict[Key, _Area] = Field(min_length=1)


class _PlacesFile(Written):
    """places.yaml; the directory reads what a kecamatan is, the dialogue only how to ask for it."""

    wilayah: _PlaceQuestion
    kecamatan: dict[str, object]
    neighbours: object = None
    area_codes: object = None


class _PhrasesFile(Written):
    """prompts/id.yaml: one sentence by key."""

    phrases: dict[str, Sentence]


class _TranslationsFile(Written):
    """prompts/<lang>.yaml: one translation by the name of its sentence."""

    sentences: dict[str, Translation]


_FileType = TypeVar("_FileType", bound=Written)


class _Reading:
    """The files as they are read; collects what is wrong with them."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.trees: dict[str, yaml_text.Tree | None] = {}
        self.faults: list[Fault] = []
        values: dict[Path, Mark] = {}
        keys: dict[Path, Mark] = {}
        others = (
            f for f in files if f in (CALENDAR_FILE, NUMBERS_FILE) or language_of(f) is not None
        )
        for file in (*FILES, *sorted(others)):
            if file not in files:
                message = f"Berkas {file} tidak ada. Buat berkas itu, atau pulihkan dari cadangan."
                self.faults.append(Fault(file, 1, 1, "missing-file", message))
                self.trees[file] = None
                continue
            self.trees[file], marks, faults = yaml_text.read(file, files[file])
            self.faults += faults
            values.update(marks.values)
            keys.update(marks.keys)
        self.marks = Marks(values, keys)

    def fault(self, path: Path, code: str, message: str) -> None:
        self.faults.append(self.marks.fault(path, code, message))

    def typed(self, model: type[_FileType], path: Path, tree: object) -> _FileType | None:
        """The part of a file at ``path`` by its schema; None, its faults noted, if it is bad."""
        try:
            return model.model_validate(tree)
        except ValidationError as error:
            for detail in told_once(error.errors(include_url=False)):
                self.faults.append(_explain(self.marks, model, path, detail))
            return None


def load(files: Mapping[str, str], *, version: str = "") -> Loaded:
    """Read a deployment from the texts of its files, by the names in ``FILES``."""
    reading = _Reading(files)
    phrases = _phrases(reading)
    places = _places(reading)
    directory = _directory(reading)
    dialplan, old = _dialplan(reading, places, phrases, directory, version)
    where = _geography(reading, files.get(AREAS_FILE), directory)
    faults = tuple(sorted(set(reading.faults), key=reading_order))
    warnings = (*_not_offered(reading.marks, places, directory), *sorted(old, key=reading_order))
    return Loaded(None if faults else dialplan, directory, faults, warnings, where)


def reading_order(fault: Fault) -> tuple[int, str, int, int, str]:
    """Faults in the order of the files, and in a file from top to bottom."""
    file = FILES.index(fault.file) if fault.file in FILES else len(FILES)
    return file, fault.file, fault.line, fault.column, fault.message


def _phrases(reading: _Reading) -> Mapping[str, str]:
    tree = reading.trees[PHRASES_FILE]
    if tree is None:
        return {}
    # The schema has one field for the whole file, so that a bad sentence is told like any other.
    typed = reading.typed(_PhrasesFile, (PHRASES_FILE,), {"phrases": tree})
    for key in NEEDED_PHRASES:
        if key not in tree:
            message = f"Kalimat `{key}` belum ada. Tambahkan `{key}: …` di berkas ini."
            reading.fault((PHRASES_FILE,), "missing-phrase", message)
    return typed.phrases if typed else {}


def _places(reading: _Reading) -> _PlaceQuestion | None:
    tree = reading.trees[PLACES_FILE]
    if tree is None:
        return None
    typed = reading.typed(_PlacesFile, (PLACES_FILE,), tree)
    return typed.wilayah if typed else None


def _directory(reading: _Reading) -> Directory | None:
    files = [f for f in (*DIRECTORY_FILES, NUMBERS_FILE) if f in reading.trees]
    trees = {file.removesuffix(".yaml"): reading.trees[file] for file in files}
    directory, problems = read_directory(trees)
    for problem in problems:
        if trees[problem.file] is None:
            continue  # why it cannot be read is told already
        path: Path = (f"{problem.file}.yaml", *problem.path)
        of_a_key = problem.code in ("unknown-key", "name", "days")
        find = reading.marks.key_fault if of_a_key else reading.marks.fault
        reading.faults.append(find(path, problem.code, problem.message))
    return None if None in trees.values() else directory


def _dialplan(
    reading: _Reading,
    question: _PlaceQuestion | None,
    phrases: Mapping[str, str],
    directory: Directory | None,
    version: str,
) -> tuple[Dialplan | None, list[Fault]]:
    """The dialplan, and warnings of translations that are too old."""
    opening_hours = _calendar(reading)
    tree = reading.trees[DIALPLAN_FILE]
    if tree is None:
        return None, []
    typed = reading.typed(_DialplanFile, (DIALPLAN_FILE,), tree)
    written = tree.get("steps")
    if isinstance(written, dict) and len(written) > MAX_STEPS:
        return None, []  # told by the schema; thousands of steps are not told one by one
    steps = _steps(reading, written) if isinstance(written, dict) else {}
    names = [*written, OPERATOR_STEP] if isinstance(written, dict) else [OPERATOR_STEP]
    bodies = written if isinstance(written, dict) else {}
    _targets(reading, tree.get("start"), steps, bodies, names)
    _entries(reading, typed, names)
    _references(reading, steps)
    translations, old = _translations(reading, steps, question, phrases)
    asked = any(isinstance(step, AskPlaceStep) for step in steps.values())
    places = _place_menu(reading, question, directory, asked=asked)
    if typed is None or places is None or opening_hours is None:
        return None, old
    dialplan = Dialplan(
        name=typed.name,
        mode=typed.mode,
        human_by_s=typed.human_by,
        operators=typed.operators,
        domain=typed.domain,
        defaults=Defaults(
            typed.defaults.tries,
            typed.defaults.wait,
            typed.defaults.drop,
            typed.defaults.budget,
        ),
        start=typed.start,
        steps={OPERATOR_STEP: OperatorStep(), **steps},
        places=places,
        phrases=phrases,
        version=version,
        entries=tuple(
            Entry(entry.start, entry.dialled, entry.trunk, entry.test == "yes")
            for entry in typed.entries
        ),
        calendar=opening_hours,
        translations=translations,
        marks=reading.marks,
    )
    return dialplan, old


def _geography(reading: _Reading, text: str | None, directory: Directory | None) -> Geography:
    """The areas of the file; without one, the surroundings of the settlements in places.yaml."""
    places = directory.places if directory is not None else {}
    neighbours = directory.neighbours if directory is not None else {}
    points = {neighbour.id: neighbour.points for neighbour in neighbours.values()}
    if text is None:
        return geography(surroundings(places), points)
    ids = frozenset(points) if directory is not None else None
    where, faults = _from_file(text, frozenset(places), ids, tuple(points.items()))
    reading.faults += faults
    return where


@lru_cache(maxsize=4)
def _from_file(
    text: str,
    known: frozenset[str],
    neighbours: frozenset[str] | None,
    points: tuple[tuple[str, tuple[tuple[float, float], ...]], ...],
) -> tuple[Geography, tuple[Fault, ...]]:
    """Kept, as versions that are in memory at once mostly have the same areas."""
    areas, approximate, faults = read_areas(text, known, neighbours)
    return geography(areas, dict(points), approximate=approximate), faults


def _calendar(reading: _Reading) -> Calendar | None:
    """An empty one where there is no such file; None where it is at fault."""
    if CALENDAR_FILE not in reading.trees:
        return Calendar()
    tree = reading.trees[CALENDAR_FILE]
    typed = reading.typed(CalendarFile, (CALENDAR_FILE,), tree) if tree is not None else None
    if typed is None:
        return None
    for name in typed.override.keys() - typed.hours.keys():
        path: Path = (CALENDAR_FILE, "override", name)
        message = f"Jam `{name}` tidak ada di `hours`.{suggestion(name, typed.hours)}"
        reading.faults.append(reading.marks.key_fault(path, "unknown-schedule", message))
    return calendar(typed)


def _entries(reading: _Reading, typed: _DialplanFile | None, names: list[str]) -> None:
    """An entry's step and trunk must exist, and a number have one entry only."""
    carriers = list(_written(reading, "trunks.yaml", "masuk"))
    seen: dict[tuple[str | None, str | None], int] = {}
    for number, entry in enumerate(typed.entries if typed else ()):
        path: Path = (DIALPLAN_FILE, "entries", number)
        if entry.start not in names:
            message = f"Langkah `{entry.start[:40]}` tidak ada.{suggestion(entry.start, names)}"
            reading.fault((*path, "start"), "unknown-step", message)
        if entry.trunk is not None and entry.trunk not in carriers:
            message = f"Trunk masuk `{entry.trunk[:40]}` tidak ada di trunks.yaml."
            message += suggestion(entry.trunk, carriers)
            reading.fault((*path, "trunk"), "unknown-trunk", message)
        first = seen.setdefault((entry.dialled, entry.trunk), number)
        if first != number:
            message = f"Sudah ada di urutan {first + 1}; yang ini tidak pernah dipakai. Hapus."
            reading.fault(path, "entry-twice", message)


def _references(reading: _Reading, steps: Mapping[str, Step]) -> None:
    kecamatan = {
        code: str(place.get("name", "")) if isinstance(place, dict) else ""
        for code, place in _written(reading, PLACES_FILE, "kecamatan").items()
    }
    agencies = reading.trees["agencies.yaml"]
    missing = dangling(
        steps,
        agencies=list(agencies or ()),
        schedules=list(_written(reading, CALENDAR_FILE, "hours")),
        kecamatan=kecamatan,
        languages=[found for file in reading.trees if (found := language_of(file))],
    )
    for path, code, message in missing:
        reading.fault((DIALPLAN_FILE, "steps", *path), code, message)


def _written(reading: _Reading, file: str, key: str) -> Mapping[str, object]:
    """A part of a file as it stands there, also what is at fault in it."""
    part = (reading.trees.get(file) or {}).get(key)
    return part if isinstance(part, dict) else {}


def _translations(
    reading: _Reading,
    steps: Mapping[str, Step],
    question: _PlaceQuestion | None,
    phrases: Mapping[str, str],
) -> tuple[Mapping[str, Mapping[str, str]], list[Fault]]:
    asked = {"wilayah.prompt": question.prompt} if question else {}
    for key, area in question.areas.items() if question else ():
        asked[f"wilayah.areas.{key}.prompt"] = area.prompt
    sentences = {one.name: one for one in heard(steps, asked, phrases)}
    translations: dict[str, Mapping[str, str]] = {}
    old: list[Fault] = []
    for file, tree in reading.trees.items():
        language = language_of(file)
        if language is None or tree is None:
            continue
        typed = reading.typed(_TranslationsFile, (file,), {"sentences": tree})
        if typed is not None:
            found = usable(file, typed.sentences, sentences, steps, reading.marks)
            translations[language], faults, warnings = found
            reading.faults += faults
            old += warnings
    return translations, old


def _steps(reading: _Reading, written: Mapping[str, object]) -> dict[str, Step]:
    steps: dict[str, Step] = {}
    for name, body in written.items():
        path: Path = (DIALPLAN_FILE, "steps", name)
        if not isinstance(body, dict):
            continue  # said by the schema of the file
        kind = _kind(reading, path, body)
        step = reading.typed(kind, path, body) if kind is not None else None
        if step is not None:
            steps[name] = step
        if name == OPERATOR_STEP and kind not in (None, OperatorStep):
            message = "Langkah `operator` harus menuju petugas. Beri nama lain pada langkah ini."
            reading.faults.append(reading.marks.key_fault(path, "operator-step", message))
    return steps


def _kind(reading: _Reading, path: Path, body: Mapping[str, object]) -> type[AnyStep] | None:
    """The type of a step, by the one key that says what it does."""
    kinds = [key for key in body if key in STEP_TYPES]
    if len(kinds) == 1:
        return STEP_TYPES[kinds[0]]
    if kinds:
        listed = " dan ".join(f"`{kind}`" for kind in kinds)
        message = f"Satu langkah hanya berbuat satu hal, di sini {listed}. Pisahkan."
        reading.fault(path, "two-kinds", message)
    else:
        first = next((key for key in body if key not in ("then", "otherwise", "options")), "")
        message = f"Langkah ini tidak berisi apa yang dilakukan.{suggestion(first, STEP_TYPES)}"
        reading.fault(path, "no-kind", message)
    return None


def _targets(
    reading: _Reading,
    start: object,
    steps: Mapping[str, Step],
    bodies: Mapping[str, object],
    names: list[str],
) -> None:
    """Every step that is named as a next one must exist."""
    exits: list[tuple[Path, str]] = []
    if isinstance(start, str):
        exits.append(((DIALPLAN_FILE, "start"), start))
    for name, step in steps.items():
        for place, target in step.exits().items():
            exits.append(((DIALPLAN_FILE, "steps", name, *place), target))
    for name, body in bodies.items():
        if name not in steps:  # at fault elsewhere: what it names is told all the same
            exits += _named((DIALPLAN_FILE, "steps", name), body)
    for path, target in exits:
        if not target:
            message = "Nama langkah belum ditulis di sini. Tulis ke mana panggilan berlanjut."
            reading.fault(path, "unknown-step", message)
        elif target not in names:
            message = f"Langkah `{target[:40]}` tidak ada.{suggestion(target, names)}"
            reading.fault(path, "unknown-step", message)


def _named(path: Path, part: object) -> Iterator[tuple[Path, str]]:
    """The steps that are named as next ones in a part of a file, whatever its shape."""
    if isinstance(part, list):
        for number, item in enumerate(part):
            yield from _named((*path, number), item)
    elif isinstance(part, dict):
        for key, value in part.items():
            if key in ("then", "otherwise") and isinstance(value, str):
                yield (*path, key), value
            else:
                yield from _named((*path, key), value)


def _place_menu(
    reading: _Reading,
    question: _PlaceQuestion | None,
    directory: Directory | None,
    *,
    asked: bool,
) -> PlaceMenu | None:
    tree = reading.trees[PLACES_FILE]
    if question is None or tree is None:
        return None
    known = tree["kecamatan"]
    codes = list(known) if isinstance(known, dict) else []
    for key, area in question.areas.items():
        for number, code in area.kecamatan.items():
            if code not in codes:
                path = (PLACES_FILE, "wilayah", "areas", key, "kecamatan", number)
                message = f"Kecamatan `{code[:40]}` tidak ada di berkas ini."
                reading.fault(path, "unknown-kecamatan", message + suggestion(code, codes))
    if directory is None:
        return None
    names = {code: place.name for code, place in directory.places.items()}
    areas = {
        key: Area(area.name, Prompt(area.prompt), area.kecamatan)
        for key, area in question.areas.items()
    }
    desa = {
        code: {whole.rpartition(".")[2]: whole for whole in place.desa}
        for code, place in directory.places.items()
    }
    named = {key: area.name for key, area in areas.items()}
    spoken = spoken_places(directory.places, named) if asked else SpokenPlaces()
    return PlaceMenu(Prompt(question.prompt), areas, names, _postcodes(directory), desa, spoken)


def _postcodes(directory: Directory) -> Mapping[str, str]:
    """The desa of each postcode, or the kecamatan that its desa share; none where it is in several."""
    places: dict[str, set[str]] = {}
    for code, place in directory.places.items():
        for desa in place.desa.values():
            places.setdefault(desa.postcode or place.postcode, set()).add(desa.code)
        if not place.desa:
            places.setdefault(place.postcode, set()).add(code)
    found: dict[str, str] = {}
    for postcode, codes in places.items():
        kecamatan = {code[:KECAMATAN] for code in codes}
        if postcode and len(kecamatan) == 1:
            found[postcode] = min(codes if len(codes) == 1 else kecamatan)
    return found


def _not_offered(
    marks: Marks, question: _PlaceQuestion | None, directory: Directory | None
) -> tuple[Fault, ...]:
    """Kecamatan that no key leads to."""
    if question is None or directory is None:
        return ()
    offered = {code for area in question.areas.values() for code in area.kecamatan.values()}
    return tuple(
        marks.key_fault(
            (PLACES_FILE, "kecamatan", code),
            "kecamatan-not-offered",
            f"Kecamatan {place.name} tidak dapat dipilih penelepon. Tambahkan di `wilayah`.",
        )
        for code, place in directory.places.items()
        if code not in offered
    )


def _explain(marks: Marks, model: type[Written], at: Path, detail: ErrorDetails) -> Fault:
    """What the schema found, in the words of whoever wrote the file."""
    kind = detail["type"]
    within = detail["loc"]
    if model in (_PhrasesFile, _TranslationsFile):
        within = within[1:]
    if kind == "extra_forbidden":
        key = str(within[-1])
        message = f"Kunci `{key[:40]}` tidak dikenal.{suggestion(key, _keys(model, within[:-1]))}"
        return marks.key_fault((*at, *within), "unknown-key", message)
    sentence = plain(detail)
    if sentence is not None:
        code = "missing-key" if kind == "missing" else "value"
        return marks.fault((*at, *within), code, sentence)
    if within[-1:] == ("[key]",):
        return marks.key_fault((*at, *within[:-1]), kind, detail["msg"])
    return marks.fault((*at, *within), kind, detail["msg"])


def _keys(model: type[Written], within: Path) -> list[str]:
    """The keys that are known in the part of a schema at ``within``."""
    for part in within:
        field = model.model_fields.get(str(part))
        model = (_nested(field.annotation) if field is not None else None) or model
    return list(model.model_fields)


def _nested(annotation: object) -> type[Written] | None:
    if isinstance(annotation, type) and issubclass(annotation, Written):
        return annotation
    return next((found for part in get_args(annotation) if (found := _nested(part))), None)
