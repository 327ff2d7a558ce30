"""``prompts``: the audio of every sentence a deployment can say."""

from __future__ import annotations

from collections.abc import Callable

from ivr.calls.published import Published, load
from ivr.config import PROJECT, Config
from ivr.flow.check import prompts as all_prompts
from ivr.flow.fault import Fault
from ivr.flow.prompt import Prompt
from ivr.platforms.asterisk.extensions import SOUNDS
from ivr.platforms.asterisk.programs import tool
from ivr.prompts import build as building
from ivr.prompts.lexicon import Lexicon, merged, read
from ivr.prompts.sounds import HOLD_LOOP, Sounds
from ivr.prompts.spoken import LEXICON, spoken
from ivr.prompts.voices import Voice, best_voice
from ivr.versions import Source

EXTENSION_PHRASES = ("hold", "role_agency", *SOUNDS)
"""Shared phrases that Asterisk plays by itself."""

OWN_LEXICON = "lafal.yaml"
"""Beside the dialplan: how the names of this region are said."""


def sounds_of(config: Config) -> Sounds:
    """Where prompts lie: human recordings, shipped audio, what was built in this home."""
    return Sounds(
        PROJECT / "prompts/recordings/id",
        PROJECT / "prompts/audio/id",
        config.built_prompts / "id",
        lexicon(config)[0],
    )


def lexicon(config: Config) -> tuple[Lexicon, list[Fault]]:
    """How words are said: the shared lexicon and, before it, that of the deployment, if it has one.

    An entry with a fault is left out, and a file that cannot be read is a fault.
    """
    files = ((LEXICON, PROJECT / LEXICON), (OWN_LEXICON, config.deployment / OWN_LEXICON))
    found, faults = [], []
    for name, path in files:
        if not path.exists():
            continue
        try:
            text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
        except OSError as error:
            message = f"Berkas {path} tidak terbaca: {error.strerror}."
            faults.append(Fault(name, 1, 1, "unreadable", message))
            continue
        entries, wrong = read(name, text)
        found.append(entries)
        faults += wrong
    return merged(found), faults


def wanted(published: Published) -> tuple[Prompt, ...]:
    """Every sentence that the dialogue or Asterisk itself may play."""
    phrases = published.dialplan.phrases
    own = (Prompt(phrases[key]) for key in EXTENSION_PHRASES if phrases.get(key))
    return tuple(dict.fromkeys((*all_prompts(published.dialplan, published.directory), *own)))


def unspoken(config: Config, published: Published) -> tuple[Prompt, ...]:
    """The sentences that have no audio yet."""
    sounds = sounds_of(config)
    return tuple(prompt for prompt in wanted(published) if sounds.find(prompt) is None)


def complete(config: Config, published: Published, tell: Callable[[str], None]) -> None:
    """Build what is missing."""
    _build(config, published, tell)


def sources(config: Config, published: Published) -> dict[str, Source]:
    """The sound of every sentence that has one now, by the prompt's name, and the hold loop."""
    sounds = sounds_of(config)
    found = {prompt.name: sounds.find(prompt) for prompt in wanted(published)}
    if hold := _hold(published):
        found[HOLD_LOOP] = sounds.hold_loop(hold)
    return {
        name: Source(sound.file, sound.seconds, sound.voice)
        for name, sound in found.items()
        if sound is not None
    }


def build(config: Config, tell: Callable[[str], None]) -> building.BuildReport:
    """``prompts build``."""
    return _build(config, load(config), tell)


def check(config: Config) -> list[building.Finding]:
    """``prompts check``."""
    published = load(config)
    found = building.check(wanted(published), sounds_of(config), _hold(published))
    return [*(_finding(fault) for fault in lexicon(config)[1]), *found]


def script(config: Config) -> str:
    """``prompts script``: file name, sentence, how it is said where that differs, where it is used."""
    published = load(config)
    words = lexicon(config)[0]
    places = all_prompts(published.dialplan, published.directory)

    def hint(prompt: Prompt) -> tuple[str, str]:
        said = prompt.text if prompt.language else spoken(prompt.text, words)
        return (said if said != prompt.text else "", " ".join(map(str, places.get(prompt, ()))))

    return building.script(wanted(published), hint)


def _build(
    config: Config, published: Published, tell: Callable[[str], None]
) -> building.BuildReport:
    words, faults = lexicon(config)
    for fault in faults:
        tell(str(_finding(fault)))

    def voice() -> Voice:
        return best_voice(tool("espeak-ng", tell), words)

    def progress(number: int, total: int, text: str) -> None:
        tell(f"Suara {number} dari {total}: {text}")

    sounds = sounds_of(config)
    return building.build(wanted(published), sounds, voice, progress, _hold(published))


def _finding(fault: Fault) -> building.Finding:
    place = f"{fault.file}:{fault.line}:{fault.column}"
    return building.Finding("fault", "lexicon", place, "", fault.message)


def _hold(published: Published) -> Prompt | None:
    text = published.dialplan.phrases.get("hold")
    return Prompt(text) if text else None
