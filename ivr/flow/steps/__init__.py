"""The step types, one file each, and their list. To add one: write its file, name it here."""

from __future__ import annotations

from collections.abc import Mapping

from ivr.flow.steps.ask_place import AskPlaceStep
from ivr.flow.steps.connect import ConnectStep
from ivr.flow.steps.menu import MenuStep
from ivr.flow.steps.operator import OperatorStep
from ivr.flow.steps.say import SayStep

AnyStep = SayStep | MenuStep | AskPlaceStep | ConnectStep | OperatorStep

STEP_TYPES: Mapping[str, type[AnyStep]] = {
    "say": SayStep,
    "menu": MenuStep,
    "ask_place": AskPlaceStep,
    "connect": ConnectStep,
    "operator": OperatorStep,
}
"""Each step is recognised by the key it begins with."""
