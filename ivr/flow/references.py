"""What steps name that stands elsewhere: agencies, schedules, kecamatan, languages, other steps.

All steps and files are read before this looks, so that the order in which they are written is free.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ivr.flow.model import Path
from ivr.flow.steps.ask import AskStep
from ivr.flow.steps.branch import BranchStep
from ivr.flow.steps.confirm import ConfirmStep
from ivr.flow.steps.connect import ConnectStep
from ivr.flow.steps.language import LanguageStep
from ivr.flow.steps.notify import NotifyStep
from ivr.flow.steps.record import RecordStep
from ivr.flow.steps.schedule import ScheduleStep
from ivr.flow.template import KNOWN, placeholders
from ivr.flow.written import FIRST_LANGUAGE
from routing.wording import suggestion


def dangling(
    steps: Mapping[str, object],
    *,
    agencies: Iterable[str],
    schedules: Iterable[str],
    kecamatan: Mapping[str, str],
    languages: Iterable[str],
) -> Iterator[tuple[Path, str, str]]:
    """Each thing that is named and does not exist: its path from `steps` on, a code, a message.

    ``kecamatan`` are names by code.
    """
    digits = [*KNOWN, *(n for n, s in steps.items() if isinstance(s, AskStep))]
    answers = [*digits, *(n for n, s in steps.items() if isinstance(s, RecordStep))]
    for name, step in steps.items():
        match step:
            case NotifyStep():
                for number, agency in enumerate(step.notify):
                    if agency not in set(agencies):
                        message = f"Instansi `{agency[:40]}` tidak ada di agencies.yaml."
                        yield (
                            (name, "notify", number),
                            "unknown-agency",
                            message + suggestion(agency, agencies),
                        )
            case ScheduleStep():
                if step.schedule not in set(schedules):
                    message = f"Jam `{step.schedule[:40]}` tidak ada di `hours` calendar.yaml."
                    yield (
                        (name, "schedule"),
                        "unknown-schedule",
                        message + suggestion(step.schedule, schedules),
                    )
            case BranchStep(branch="place"):
                known = {*kecamatan, *kecamatan.values()}
                for case in step.when:
                    if case not in known:
                        message = f"Kecamatan `{case[:40]}` tidak ada di places.yaml."
                        yield (
                            (name, "when", case),
                            "unknown-kecamatan",
                            message + suggestion(case, kecamatan.values()),
                        )
            case LanguageStep():
                for key, language in step.options.items():
                    if language not in {FIRST_LANGUAGE, *languages}:
                        yield (
                            (name, "options", key),
                            "unknown-language",
                            f"Terjemahan prompts/{language}.yaml tidak ada di folder daerah ini.",
                        )
            case ConnectStep(whisper=template) | ConfirmStep(confirm=template):
                key = "whisper" if isinstance(step, ConnectStep) else "confirm"
                # A caller is not played his own words: only digits are said back to him.
                able = answers if key == "whisper" else digits
                for part in placeholders(template):
                    if part not in able:
                        known_here = ", ".join(f"{{{answer}}}" for answer in able)
                        message = f"`{{{part}}}` tidak dikenal. Yang dapat dipakai: {known_here}."
                        yield (name, key), "placeholder", message
