"""What of Asterisk's configuration depends on the deployment, as text. Pure but for the templates.

Extensions come in two files. ``call-<rendering>.conf`` is the way of a call; its contexts bear the
rendering's name, so that several can be loaded at once and a call goes on in the one it began in.
``extensions.conf`` is the way in, and names them.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2

from ivr.calls.published import Published
from ivr.config import PROJECT, Config
from ivr.platforms.asterisk.reachability import aor_of_trunk
from ivr.platforms.asterisk.targets import PLAYED_OPERATOR, dial_string, is_direct
from ivr.platforms.asterisk.trunk_passwords import password, without_password
from routing.directory import is_placeholder, is_unset
from routing.model import Contact, Directory, Operator, Trunk

TEMPLATES = PROJECT / "asterisk"
CALL_TEMPLATE = "call.conf.j2"
NUMBERS = ("112", "+62112", "62112")
REPORT_RING_S = 40
BETWEEN_ROUNDS_S = 2
LONGEST_PAUSE_S = 10
FIRST_BOUND_S = 15
"""The controller's first words come within this, or the caller goes to the floor."""

LEG_BOUND_S = 200
"""An agency's leg rings, is briefed and accepts within this."""

RESCUE_BOUND_S = 40
MOST_RESCUES = 8
"""Processes of rescue.agi at once: a bare Python start takes a tenth of a second of a core."""

CALLER_ARGUMENTS = ",".join(
    (
        r"${FILTER(a-zA-Z0-9@._\x2d,${CHANNEL(pjsip,call-id)})}",
        "${CHANNEL(endpoint)}",
        '${IF($["${SIAGA_SAID:0:1}"=""]?0:1)}',
        "${SIAGA_VERSION}",
    )
)
"""What the controller is told of a call: its SIP Call-ID, its trunk, whether its messages
tell anything of its place, and the version that it began with."""

OUTCOMES = {"1": "selesai", "2": "dikirim", "3": "palsu", "4": "salah-sambung"}
"""What a responder presses after a talk, as ``outcome_menu`` says it."""

SOUNDS = (
    "already_taken",
    "busy_operator",
    "caller_gone",
    "more_reports",
    "operator_called",
    "operator_whisper",
    "outcome_menu",
    "please_wait",
    "report_accept",
    "report_taken",
    "role_operator",
    "second_report",
)
"""The shared phrases that extensions play by themselves, without a controller."""

_CONTEXT = re.compile(r"^\[([a-z-]+)\]$", re.MULTILINE)


def rendered(template: str, values: Mapping[str, object]) -> str:
    """One template with its values; a name that nobody gives is an error."""
    return _environment().get_template(template).render(values)


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,  # an engine keeps the text that it was started with
        autoescape=False,  # noqa: S701 (configuration text; every value is one of ours, checked)
    )


def call_text(config: Config, published: Published, hold_class: str) -> tuple[str, str]:
    """The way of a call, and the name of this rendering: the same content has the same name."""
    operators = rung_operators(published.directory)
    text = rendered(
        CALL_TEMPLATE,
        {
            "recordings_dir": config.recordings_dir,
            "agi_port": config.agi_port,
            "domain": published.dialplan.domain,
            "numbers": dict.fromkeys((*NUMBERS, *published.dialplan.numbers)),
            "outcomes": OUTCOMES,
            "leg_bound_s": LEG_BOUND_S,
            "first_bound_s": FIRST_BOUND_S,
            "rescue_bound_s": RESCUE_BOUND_S,
            "most_rescues": MOST_RESCUES,
            "pause_s": BETWEEN_ROUNDS_S,
            "longest_pause_s": LONGEST_PAUSE_S,
            "caller_arguments": CALLER_ARGUMENTS,
            "hold_class": hold_class,
            "operators": [_operator(operator, published.directory) for operator in operators],
            "legs": _legs(published.dialplan.operators, operators),
            "report_legs": "&".join(f"Local/petugas-{o.id}@siaga-lapor/n" for o in operators),
            "report_ring_s": REPORT_RING_S,
            "sounds": {key: published.phrase_path(key) for key in SOUNDS},
        },
    )
    name = hashlib.sha256(text.encode()).hexdigest()[:8]
    return name, named(text, name)


def named(text: str, name: str) -> str:
    """The text with ``-name`` behind each of its contexts, where it begins and where it is meant."""
    contexts = "|".join(sorted(_CONTEXT.findall(text), key=len, reverse=True))
    # A colon before a context follows a priority (`s,1:context`); behind any other is a user or a host.
    return re.sub(rf"(?<![\w./-])(?<!\D:)({contexts})(?![\w-])", rf"\1-{name}", text)


def way_in(texts: Sequence[str], now: str) -> str:
    """``extensions.conf``: renderings by name, the newest first, and what new calls begin with."""
    return rendered("extensions.conf.j2", {"texts": texts, "now": now})


def begun_with(published: Published, text: str) -> str:
    """The one variable that a new call takes everything from."""
    dialplan = published.dialplan
    return f"{published.version}/{dialplan.human_by_s:.0f}/{dialplan.defaults.drop_s:.0f}/{text}"


def peers(config: Config, published: Published, bind_address: str) -> str:
    """``pjsip.conf``."""
    directory = published.directory
    operators = rung_operators(directory)
    return rendered(
        "pjsip.conf.j2",
        {
            "bind_address": bind_address,
            "sip_port": config.sip_port,
            "carriers": directory.carriers,
            "trunks": _usable_trunks(config, directory),
            # A way to a person is watched closely: its loss is told within ten seconds.
            "watched": {c.via for o in operators for c in _real_contacts(o, directory)},
            "operators": [_operator(operator, directory) for operator in operators],
        },
    )


def hold_music(classes: Mapping[str, Path]) -> str:
    """``musiconhold.conf``: a folder for each class."""
    return rendered("musiconhold.conf.j2", {"hold_classes": classes})


def rung_operators(directory: Directory) -> tuple[Operator, ...]:
    """The answering points to ring: those a person can answer; where there is none, the first is played.

    A played operator beside a real one would always be faster than a hand, and take every call.
    """
    real = tuple(o for o in directory.operators if _real_contacts(o, directory))
    return real or directory.operators[:1]


def _real_contacts(operator: Operator, directory: Directory) -> list[Contact]:
    return [c for c in operator.contacts if not is_placeholder(c, directory.trunks)]


def _legs(strategy: str, operators: Sequence[Operator]) -> list[Mapping[str, object]]:
    """The channels that ring operators beside a dialogue: one each, or one that walks a list.

    ``order`` is what Asterisk evaluates before each round: operator ids with commas between them.
    """
    names = [operator.id for operator in operators]
    if strategy == "all":
        return [{"number": number, "order": name} for number, name in enumerate(names, 1)]
    if strategy == "longest-idle":  # ascending by the moment of the last talk's end
        since = ",".join(f"{name}:0${{GLOBAL(SIAGA_BEBAS_{name})}}" for name in names)
        return [{"number": 1, "order": f"${{SORT({since})}}"}]
    return [{"number": 1, "order": ",".join(names)}]


def _operator(operator: Operator, directory: Directory) -> Mapping[str, object]:
    real = _real_contacts(operator, directory)
    ways = directory.trunks if real else {}
    contacts = [
        _contact(contact, ways, played=not real) for contact in real or operator.contacts[:1]
    ]
    uri = next((c.number for c in real if c.number.startswith("sip:")), None)
    return {"id": operator.id, "contacts": contacts, "uri": uri}


def _contact(contact: Contact, ways: Mapping[str, Trunk], *, played: bool) -> Mapping[str, object]:
    dialled = PLAYED_OPERATOR if played else dial_string(contact.via, contact.number)
    trunk = ways.get(contact.via)
    return {
        "via": contact.via,
        "trunk": trunk.name if trunk else "",
        "pilot": trunk.pilot if trunk else None,
        "where": is_direct(dialled) or (trunk is not None and trunk.location),
        "accept": contact.accept,
        "ring": int(contact.ring_s),
        "dial": dialled,
    }


def _usable_trunks(config: Config, directory: Directory) -> list[Mapping[str, object]]:
    """The trunks that Asterisk may know: those with an address, and a password where one is needed."""
    missing = without_password(config, directory.trunks)
    return [
        {
            "name": trunk.name,
            "host": trunk.host,
            "domain": trunk.host.partition(":")[0],
            "register": trunk.register,
            "login": trunk.login,
            "location": trunk.location,
            "aor": aor_of_trunk(trunk),
            "password": _in_configuration(password(config, trunk.name))
            if trunk.register != "no"
            else "",
        }
        for trunk in directory.trunks.values()
        if not is_unset(trunk) and trunk.name not in missing
    ]


def _in_configuration(text: str) -> str:
    """A value as Asterisk's files want it: a semicolon would begin a comment."""
    return text.replace(";", r"\;")
