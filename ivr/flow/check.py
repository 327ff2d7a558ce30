"""What a caller can meet at worst, found before anybody calls.

The loader says whether the files can be understood; this says whether callers are safe with them.
Faults keep a dialplan from being published, warnings are for a person to weigh. The longest way is
not estimated from the drawing of the steps: the engine itself is walked through every state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from ivr.flow.check_choices import Finding, aliases, choices, not_offered
from ivr.flow.check_map import of_the_map
from ivr.flow.fault import Fault
from ivr.flow.loader import DIALPLAN_FILE, PHRASES_FILE, PLACES_FILE, reading_order
from ivr.flow.longest import NO_WAY, Way, longest_way, said_s
from ivr.flow.model import (
    NO_DOMAIN,
    OPERATOR_STEP,
    Dialplan,
    FlowError,
    Path,
)
from ivr.flow.prompt import Prompt
from ivr.flow.steps.ask import AskStep
from ivr.flow.steps.ask_place import AskPlaceStep
from ivr.flow.steps.confirm import ConfirmStep
from ivr.flow.steps.connect import ConnectStep
from ivr.flow.steps.language import LanguageStep
from ivr.flow.steps.menu import MenuStep
from ivr.flow.steps.operator import OperatorStep
from ivr.flow.steps.record import RecordStep
from ivr.flow.template import texts
from routing.decide import RESPONSIBLE, decide
from routing.directory import PLACEHOLDER, is_placeholder, is_unset
from routing.geography import Geography
from routing.model import OPERATOR, SERVICES, Contact, Directory, Location

MAX_HUMAN_BY_S = 15.0
MAX_PROMPT_S = 10.0
MAX_OPTIONS = 5
MAX_TRIES = 2
CHARACTERS_PER_SECOND = 14.0
"""How fast a sentence is spoken whose audio is not there to be measured."""

OPEN_GATE = "tetap di telepon"
OTHER = "lainnya"

_QUESTIONS = (MenuStep, LanguageStep, AskStep, ConfirmStep, RecordStep)
"""The steps that wait for a caller before he has told where he is."""

_TRIES_MESSAGE = f"Bertanya lebih dari {MAX_TRIES} kali menunda petugas. Pakai {MAX_TRIES}."


@dataclass(frozen=True, slots=True)
class PromptAudio:
    """The audio of a prompt: who speaks, and for how long."""

    voice: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that ``./siaga check`` says."""

    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    human_by_s: float
    worst_case_human_s: float
    worst_path: tuple[str, ...]
    longest_dialogue_s: float
    combinations: int


Built = Callable[[Prompt], PromptAudio | None]


def check(
    dialplan: Dialplan,
    directory: Directory,
    built: Built,
    where: Geography | None = None,
    *,
    speaks: bool = True,
) -> Report:
    """Look at a loaded deployment as its callers will meet it. ``where`` is the map that it brings; None
    where settlements stand in for one. ``speaks``: they are listened to on this machine."""
    looking = _Looking(dialplan, directory, built)
    looking.at_the_ways()
    looking.at_the_menus()
    looking.at_the_prompts()
    looking.at_the_people()
    if where is not None:
        looking.at_the_map(where)
    combinations = looking.at_the_routes()
    longest = looking.for_the_longest_way(speaks=speaks)
    return Report(
        faults=tuple(sorted(looking.faults, key=reading_order)),
        warnings=tuple(sorted(looking.warnings, key=reading_order)),
        human_by_s=dialplan.human_by_s,
        # Extensions ring a person beside the dialogue; one that ends sooner asks for him sooner.
        worst_case_human_s=min(dialplan.human_by_s, longest.seconds),
        worst_path=longest.path,
        longest_dialogue_s=longest.seconds,
        combinations=combinations,
    )


def prompts(dialplan: Dialplan, directory: Directory) -> Mapping[Prompt, Path]:
    """Every sentence that anybody can hear, with the first place where it is written."""
    found: dict[Prompt, Path] = {}
    for prompt, path in _written(dialplan, directory):
        found.setdefault(prompt, path)
    return found


def _written(dialplan: Dialplan, directory: Directory) -> Iterator[tuple[Prompt, Path]]:
    for name, step in dialplan.steps.items():
        for place, written in step.prompts().items():
            for prompt in written:
                yield prompt, (DIALPLAN_FILE, "steps", name, *place)
    yield dialplan.places.prompt, (PLACES_FILE, "wilayah", "prompt")
    for key, area in dialplan.places.areas.items():
        yield area.prompt, (PLACES_FILE, "wilayah", "areas", key, "prompt")
        yield Prompt(area.name), (PLACES_FILE, "wilayah", "areas", key, "name")
    for code, place_name in dialplan.places.names.items():
        yield Prompt(place_name), (PLACES_FILE, "kecamatan", code, "name")
    for key, sentence in dialplan.phrases.items():
        yield Prompt(sentence), (PHRASES_FILE, key)
    for language, sentences in dialplan.translations.items():
        for text in sentences.values():
            for prompt in texts(text):
                yield replace(prompt, language=language), (f"prompts/{language}.yaml",)
    if dialplan.mode == "latihan":  # the machine that plays an agency says its name
        for agency in directory.agencies:
            yield Prompt(agency.name), ("agencies.yaml", agency.id, "name")
        for neighbour in directory.neighbours.values():
            if neighbour.contacts:
                yield Prompt(neighbour.name), (PLACES_FILE, "neighbours", neighbour.id, "name")
        for operator in directory.operators:
            yield Prompt(operator.name), ("operators.yaml", operator.id, "name")


def _places(directory: Directory) -> dict[str, str]:
    """What a person calls each kecamatan, and each desa behind its kecamatan, by code."""
    found = {}
    for code, place in directory.places.items():
        found[code] = place.name
        found |= {desa.code: f"{desa.name} ({place.name})" for desa in place.desa.values()}
    return found


class _Looking:
    """One look at a deployment; collects what it finds."""

    def __init__(self, dialplan: Dialplan, directory: Directory, built: Built) -> None:
        self.dialplan = dialplan
        self.directory = directory
        self.built = built
        self.heard_s: dict[Prompt, float] = {}
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []

    def fault(self, path: Path, code: str, message: str) -> None:
        self.faults.append(self.dialplan.marks.fault(path, code, message))

    def warn(self, path: Path, code: str, message: str) -> None:
        self.warnings.append(self.dialplan.marks.fault(path, code, message))

    def tell(self, finding: Finding) -> None:
        marks = self.dialplan.marks
        find = marks.key_fault if finding.on_key else marks.fault
        told = self.faults if finding.refused else self.warnings
        told.append(find(finding.path, finding.code, finding.message))

    def at_the_ways(self) -> None:
        """Steps nobody reaches, ways in a circle, ways that never come to a person."""
        exits = {name: step.exits() for name, step in self.dialplan.steps.items()}
        starts = self.dialplan.starts
        reached = {OPERATOR_STEP}.union(*(_reached(exits, start) for start in starts))
        for finding in not_offered(self.dialplan, reached):
            self.tell(finding)
        for name in exits.keys() - reached:
            message = f"Tidak ada langkah yang menuju `{name}`. Hapus, atau arahkan ke sana."
            path: Path = (DIALPLAN_FILE, "steps", name)
            self.tell(Finding(path, "unreachable", message, on_key=True))
        uncounted = {
            name: {p: t for p, t in ways.items() if not _is_counted(self.dialplan, name, p)}
            for name, ways in exits.items()
        }
        circles = dict.fromkeys(
            (tuple(circle), place)
            for start in starts
            for circle, place in _circles(uncounted, start)
        )
        for circle, place in circles:
            ways = " → ".join(circle)
            message = f"Alur berputar tanpa batas: {ways}. Arahkan salah satunya ke `operator`."
            self.fault((DIALPLAN_FILE, "steps", circle[-2], *place), "loop", message)
        for name in _stranded(self.dialplan, exits):
            message = (
                f"Dari `{name}` penelepon tidak pernah sampai ke petugas atau instansi. "
                "Arahkan ke `operator`, atau ke langkah `connect`."
            )
            path = (DIALPLAN_FILE, "steps", name)
            self.tell(Finding(path, "dead-end", message, refused=True, on_key=True))

    def at_the_menus(self) -> None:
        """Rules 4, 6 and 8: few options, few tries, and never a gate."""
        for name, step in self.dialplan.steps.items():
            path: Path = (DIALPLAN_FILE, "steps", name)
            if isinstance(step, MenuStep | LanguageStep):
                self._few((*path, "options"), len(step.options))
            if isinstance(step, MenuStep | AskStep | ConfirmStep) and (step.tries or 0) > MAX_TRIES:
                self.warn((*path, "tries"), "tries", _TRIES_MESSAGE)
            if isinstance(step, ConfirmStep):
                self._short_enough((*path, "confirm"), sum(map(self.seconds, texts(step.confirm))))
            if not isinstance(step, MenuStep):
                continue
            if OPEN_GATE not in step.menu.lower():
                message = f'Menu ini terdengar seperti syarat. Tambahkan "Atau {OPEN_GATE}."'
                self.warn((*path, "menu"), "gate", message)
        if self.dialplan.defaults.tries > MAX_TRIES:
            self.warn((DIALPLAN_FILE, "defaults", "tries"), "tries", _TRIES_MESSAGE)
        self._few((PLACES_FILE, "wilayah", "areas"), len(self.dialplan.places.areas))
        for key, area in self.dialplan.places.areas.items():
            path = (PLACES_FILE, "wilayah", "areas", key, "kecamatan")
            self._few(path, len(area.kecamatan))
        self._second_menus()
        for finding in (*choices(self.dialplan), *aliases(self.directory)):
            self.tell(finding)

    def _few(self, path: Path, options: int) -> None:
        if options > MAX_OPTIONS:
            message = f"{options} pilihan sukar diingat. Paling banyak {MAX_OPTIONS} per menu."
            self.warn(path, "too-many-options", message)

    def _second_menus(self) -> None:
        """A caller in danger meets one question before the place; a second one only behind lainnya."""
        ways: list[tuple[str, int, bool, Path]] = [
            (start, 0, False, (DIALPLAN_FILE, "start")) for start in self.dialplan.starts
        ]
        seen: set[tuple[str, int, bool]] = set()
        warned: set[Path] = set()
        while ways:
            name, menus, behind_other, path = ways.pop()
            step = self.dialplan.steps[name]
            if (name, menus, behind_other) in seen or isinstance(step, AskPlaceStep):
                continue
            seen.add((name, menus, behind_other))
            if isinstance(step, _QUESTIONS):
                menus += 1
                if (menus > 2 or (menus == 2 and not behind_other)) and path not in warned:
                    warned.add(path)
                    message = (
                        f"Pertanyaan kedua sebelum tempat ditanyakan (`{name}`). "
                        f"Hanya di balik pilihan `{OTHER}` itu boleh."
                    )
                    self.warn(path, "second-menu", message)
            for place, target in step.exits().items():
                other = behind_other or (isinstance(step, MenuStep) and _is_other(step, place))
                exit_path: Path = (DIALPLAN_FILE, "steps", name, *place)
                ways.append((target, min(menus, 3), other, exit_path))

    def at_the_prompts(self) -> None:
        """Every sentence has its audio, all in one voice, none too long for a caller."""
        written = prompts(self.dialplan, self.directory)
        audio = {prompt: self.built(prompt) for prompt in written}
        voices = Counter(a.voice for p, a in audio.items() if a is not None and not p.language)
        main_voice = voices.most_common(1)[0][0] if voices else ""
        for prompt, path in written.items():
            found = audio[prompt]
            if found is None:
                message = f"Suara belum dibuat: “{_short(prompt)}”. Jalankan ./siaga prompts build."
                self.warn(path, "audio-missing", message)
            elif found.voice != main_voice and not prompt.language:
                message = f"Suara lain ({found.voice}, bukan {main_voice}): “{_short(prompt)}”."
                self.warn(path, "other-voice", message)
            self._short_enough(path, self.seconds(prompt))

    def _short_enough(self, path: Path, seconds: float) -> None:
        if seconds > MAX_PROMPT_S:
            message = f"Kalimat ini {said_s(seconds)}; paling lama {said_s(MAX_PROMPT_S)}."
            self.warn(path, "long-prompt", f"{message} Persingkat, atau bagi dua.")

    def at_the_people(self) -> None:
        """In production every number is real, and two answering points stand on their own."""
        if self.dialplan.human_by_s > MAX_HUMAN_BY_S:
            message = (
                f"Telepon petugas harus berdering paling lambat {said_s(MAX_HUMAN_BY_S)} setelah "
                "dijawab. Tulis misalnya `human_by: 0s`."
            )
            self.fault((DIALPLAN_FILE, "human_by"), "human-by", message)
        if self.dialplan.mode != "operasional":
            return
        if self.dialplan.domain == NO_DOMAIN:
            message = "Tulis `domain` pusat ini: nomor tiap panggilan darurat memakai nama itu."
            self.warn((DIALPLAN_FILE,), "no-domain", message)
        for agency in self.directory.agencies:
            self._real(("agencies.yaml", agency.id), agency.contacts)
        for operator in self.directory.operators:
            self._real(("operators.yaml", operator.id), operator.contacts)
        for neighbour in self.directory.neighbours.values():
            self._real((PLACES_FILE, "neighbours", neighbour.id), neighbour.contacts)
        for name, trunk in self.directory.trunks.items():
            if is_unset(trunk):
                key = "host" if trunk.host.startswith(PLACEHOLDER) else "login"
                message = (
                    f"`{key}` trunk `{name}` belum diisi. Di mode operasional semua harus nyata."
                )
                self.fault(("trunks.yaml", "keluar", name, key), "placeholder", message)
        ways = [
            {contact.via for contact in operator.contacts} for operator in self.directory.operators
        ]
        if not any(one.isdisjoint(other) for one in ways for other in ways):
            message = (
                "Perlu dua titik jawab lewat jalur yang berbeda, agar satu selalu terjangkau. "
                "Tambahkan petugas dengan `via` lain."
            )
            self.fault(("operators.yaml",), "one-answering-point", message)

    def _real(self, at: Path, contacts: tuple[Contact, ...]) -> None:
        name = at[-1]
        for index, contact in enumerate(contacts):
            if contact.number.startswith(PLACEHOLDER):
                message = f"Nomor `{name}` belum diisi. Di mode operasional semua harus nyata."
                self.fault((*at, "contacts", index, "number"), "placeholder", message)
        numbered = [c for c in contacts if not c.number.startswith(PLACEHOLDER)]
        if numbered and all(is_placeholder(c, self.directory.trunks) for c in contacts):
            ways = ", ".join(sorted({f"`{contact.via}`" for contact in numbered}))
            message = f"`{name}` belum dapat dihubungi: isi trunk {ways} di trunks.yaml."
            self.tell(Finding(at, "no-usable-contact", message, refused=True, on_key=True))

    def at_the_map(self, where: Geography) -> None:
        """In production a coordinate finds every kecamatan, and each settlement in its own."""
        refused = self.dialplan.mode == "operasional"
        for finding in of_the_map(where, self.directory, refused=refused):
            self.tell(finding)

    def at_the_routes(self) -> int:
        """Every incident at every place, the unknown one too, ends at the operator."""
        named = _places(self.directory)
        places = [Location("check", code=code, confidence=1.0) for code in named]
        for incident in SERVICES:
            nobody: dict[str, str] = {}
            for location in (*places, None):
                decision = decide(self.directory, incident, location)
                code = location.code if location is not None else None
                name = named.get(code or "", "tempat yang tidak diketahui")
                if not decision.routes or decision.routes[-1].agency != OPERATOR:
                    message = f"Rute untuk {incident} di {name} tidak berakhir di petugas 112."
                    self.fault(("agencies.yaml",), "no-operator", message)
                elif (
                    location is not None
                    and code is not None
                    and location.kecamatan not in nobody
                    and not any(reason.rule_id in RESPONSIBLE for reason in decision.because)
                ):
                    nobody[code] = name
            if nobody:
                more = f" dan {len(nobody) - 10} tempat lain" if len(nobody) > 10 else ""
                message = (
                    f"Tidak ada instansi untuk {incident} di {', '.join([*nobody.values()][:10])}{more}. "
                    "Yang dihubungi pos lain di daratan yang sama, bila ada, lalu petugas 112."
                )
                self.warn(("agencies.yaml",), "no-agency", message)
        return len(SERVICES) * (len(places) + 1)

    def for_the_longest_way(self, *, speaks: bool) -> Way:
        """The longest time before the dialogue itself rings somebody, and what the caller does for it."""
        try:
            way = longest_way(self.dialplan, self.seconds, speaks=speaks)
        except FlowError as error:
            if not self.faults:
                message = f"Alur ini tidak dapat dijalankan: {error}."
                self.fault((DIALPLAN_FILE, "start"), "flow", message)
            return NO_WAY
        return way._replace(seconds=round(way.seconds, 1))

    def seconds(self, prompt: Prompt) -> float:
        """How long a sentence takes to hear."""
        if prompt not in self.heard_s:
            audio = self.built(prompt)
            spoken = len(prompt.text) / CHARACTERS_PER_SECOND
            self.heard_s[prompt] = audio.seconds if audio else spoken
        return self.heard_s[prompt]


Exits = Mapping[str, Mapping[Path, str]]


def _reached(exits: Exits, start: str) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += exits[name].values()
    return reached


def _circles(exits: Exits, start: str) -> Iterator[tuple[list[str], Path]]:
    """Each exit that leads back to where one came from, with the way around."""
    done: set[str] = set()
    way: list[tuple[str, Iterator[tuple[Path, str]]]] = [(start, iter(exits[start].items()))]
    while way:
        name, left = way[-1]
        following = next(left, None)
        if following is None:
            done.add(name)
            way.pop()
            continue
        place, target = following
        names = [step for step, _ in way]
        if target in names:
            yield [*names[names.index(target) :], target], place
        elif target not in done:
            way.append((target, iter(exits[target].items())))


def _is_counted(dialplan: Dialplan, name: str, place: Path) -> bool:
    """An exit that a caller can take so often and no more."""
    return isinstance(dialplan.steps[name], ConfirmStep) and place == ("otherwise",)


def _stranded(dialplan: Dialplan, exits: Exits) -> list[str]:
    """Steps from which no way at all leads to a person."""
    saved = {
        name
        for name, step in dialplan.steps.items()
        if isinstance(step, ConnectStep | OperatorStep)
    }
    growing = True
    while growing:
        more = {name for name in exits if not saved.isdisjoint(exits[name].values())}
        growing = not more <= saved
        saved |= more
    return [name for name in exits if name not in saved]


def _is_other(step: MenuStep, place: Path) -> bool:
    """Is this the exit of the option *lainnya*?"""
    if place[0] != "options":
        return False
    option = step.options[str(place[1])]
    return option.incident is None and (OTHER in option.words or option.then == OTHER)


def _short(prompt: Prompt) -> str:
    return prompt.text if len(prompt.text) <= 40 else prompt.text[:39] + "…"
