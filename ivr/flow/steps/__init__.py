"""The step types, one file each, and their list. To add one: write its file, name it here."""

from __future__ import annotations

from collections.abc import Mapping

from ivr.flow.steps.ask import AskStep
from ivr.flow.steps.ask_place import AskPlaceStep
from ivr.flow.steps.branch import BranchStep
from ivr.flow.steps.confirm import ConfirmStep
from ivr.flow.steps.connect import ConnectStep
from ivr.flow.steps.language import LanguageStep
from ivr.flow.steps.menu import MenuStep
from ivr.flow.steps.notify import NotifyStep
from ivr.flow.steps.operator import OperatorStep
from ivr.flow.steps.record import RecordStep
from ivr.flow.steps.say import SayStep
from ivr.flow.steps.schedule import ScheduleStep

AnyStep = (
    SayStep
    | MenuStep
    | AskStep
    | AskPlaceStep
    | RecordStep
    | ConfirmStep
    | BranchStep
    | ScheduleStep
    | LanguageStep
    | NotifyStep
    | ConnectStep
    | OperatorStep
)

STEP_TYPES: Mapping[str, type[AnyStep]] = {
    "say": SayStep,
    "menu": MenuStep,
    "ask": AskStep,
    "ask_place": AskPlaceStep,
    "record": RecordStep,
    "confirm": ConfirmStep,
    "branch": BranchStep,
    "schedule": ScheduleStep,
    "language": LanguageStep,
    "notify": NotifyStep,
    "connect": ConnectStep,
    "operator": OperatorStep,
}
"""Each step is recognised by the key that only it has."""
